"""Execute one submission: the learner's cells in an isolated process, the graded cells here.

What comes back is plain data, and depends on the cells, the seed and the installed versions alone (times apart).
"""

from __future__ import annotations

import ast
import builtins
import collections
import contextlib
import functools
import hashlib
import io
import itertools
import math
import random
import re
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from nbformat import NotebookNode

from handmade import checks
from handmade.checks import guard
from handmade.checks.exercise import PUBLIC_SEED, Exercise
from handmade.checks.message import Message, message
from handmade.checks.result import CheckFailed, NotWritten
from handmade.checks.run import Verdict, judge
from handmade.grading import by_hand, selection
from handmade.grading.earlier import EarlierParts
from handmade.grading.inside import wire
from handmade.grading.remote import Interrupted
from handmade.grading.session import Session
from handmade.grading.zygote import IsolationMissing, WorkerLost, Zygote
from handmade.learner.notebook import does_not_exist

__all__ = [
    "CellResult",
    "CheckRun",
    "Executed",
    "IsolationMissing",
    "Limits",
    "Settings",
    "WorkerLost",
    "Zygote",
    "execute",
    "graded_cells",
    "handed_out_cells",
]

# What a graded cell finds without importing it. Everything else is the learner's, or does not exist.
_PRESET: dict[str, Any] = {
    "np": np, "numpy": np, "torch": torch, "nn": torch.nn, "F": torch.nn.functional, "math": math, "random": random,
    "itertools": itertools, "functools": functools, "collections": collections, "re": re,
}  # fmt: skip


@dataclass(frozen=True)
class Limits:
    """What a submission may use: seconds of work a learner's cell (a check has its exercise's own), seconds in all, bytes."""

    cell_seconds: float = 30.0
    total_seconds: float = 600.0
    memory: int = 2 * 2**30  # beyond what torch takes for itself
    file_size: int = 64 * 2**20
    output: int = 64 * 2**10


@dataclass(frozen=True)
class Settings:
    """How to execute. `by_hand`: whether a call that an exercise forbids is a "note" to the instructor, or makes its check "fail".

    `require_isolation`: refuse to run (IsolationMissing) where less than full isolation is in force.
    """

    limits: Limits = field(default_factory=Limits)
    by_hand: str = "note"
    require_isolation: bool = False


@dataclass(frozen=True)
class CheckRun:
    """One check that ran in a graded cell: its `Verdict` in plain words.

    `state` is passed, wrong, not written, interrupted, time, exit, raised, or forbidden. `misconception` is the name of
    the mistake that the check recognised, and `says` its sentence; or "".
    """

    exercise: str
    grade_id: str
    state: str
    misconception: str
    says: str
    hidden: bool
    n_right: int
    n_cases: int


@dataclass(frozen=True)
class CellResult:
    """What came of one code cell. `outputs` are nbformat outputs, as nbgrader's `determine_grade` reads them.

    `role` is graded, learner, or "not run" (a cell as it was handed out that no answer needs). `seconds` are of work.
    """

    index: int
    id: str
    grade_id: str
    role: str
    outputs: list[dict[str, Any]]
    seconds: float


@dataclass(frozen=True)
class Executed:
    """The result for one notebook: plain data, equal to what `from_json(to_json())` returns.

    `limits` says in a sentence each limit that was hit, `notes` what an instructor should know (forbidden calls among
    them), `isolation` what was in force, by name, and `seconds` how long all of it took on the clock.
    """

    cells: list[CellResult]
    checks: list[CheckRun]
    limits: list[str]
    notes: list[str]
    isolation: dict[str, str]
    seconds: float
    memory: int  # the largest worker's peak, in bytes

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON's own types."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Executed:
        """Return the result that `to_json` made this of."""
        cells = [CellResult(**cell) for cell in data["cells"]]
        return cls(**{**data, "cells": cells, "checks": [CheckRun(**run) for run in data["checks"]]})

    def fill(self, notebook: NotebookNode) -> None:
        """Put the outputs into the cells of the notebook that was executed."""
        for result in self.cells:
            cell = notebook.cells[result.index]
            cell["outputs"] = [NotebookNode(output) for output in result.outputs]
            cell["execution_count"] = None


def graded_cells(notebook: NotebookNode) -> dict[str, str]:
    """Return the text of each graded code cell, by grade_id. Only of a notebook whose graded cells are the instructor's own."""
    return {
        _marks(cell)["grade_id"]: cell.source
        for cell in notebook.cells
        if cell.cell_type == "code" and _marks(cell).get("grade") and not _marks(cell).get("solution")
    }


def handed_out_cells(release: NotebookNode) -> frozenset[str]:
    """Return the texts of a release's code cells that belong to no exercise: what a learner left as it was need not run."""
    return frozenset(
        cell.source for cell in release.cells if cell.cell_type == "code" and not _marks(cell).get("grade_id")
    )


def _marks(cell: NotebookNode) -> dict[str, Any]:
    marks = cell.metadata.get("nbgrader", {})
    return marks if isinstance(marks, dict) else {}


def execute(
    notebook: NotebookNode,
    *,
    graded: Mapping[str, str],
    seed: int,
    handed_out: Collection[str] = (),
    settings: Settings | None = None,
    zygote: Zygote | None = None,
) -> Executed:
    """Return what comes of a submission's code cells, run from top to bottom. The notebook is not changed.

    `graded` has the text of the graded cells by grade_id, from the gradebook or the source notebook (`graded_cells` of a
    trusted notebook): these texts run in this process, whatever the notebook says in their place. Every other code cell runs in
    a worker that `zygote` forks for this submission, or is left out where its text is in `handed_out` and no other cell needs
    a name of it. `seed` is that of the hidden cases. Without a zygote the process's own is used, and started where there is none.

    Whatever the submission does, this returns. Raises IsolationMissing where the settings require isolation that this
    machine lacks, and WorkerLost where no worker can be had at all. One call at a time in a process.
    """
    settings = settings or Settings()
    return _Execution(notebook, graded, seed, handed_out, settings, zygote or _own_zygote()).run()


_zygote: Zygote | None = None


def _own_zygote() -> Zygote:
    """Return this process's zygote; a child that was forked with one starts its own."""
    global _zygote
    if _zygote is None or not _zygote.is_mine():
        _zygote = Zygote()
    return _zygote


class _Execution:
    """One submission on its way through its cells."""

    def __init__(
        self,
        notebook: NotebookNode,
        graded: Mapping[str, str],
        seed: int,
        handed_out: Collection[str],
        settings: Settings,
        zygote: Zygote,
    ) -> None:
        self.started = time.monotonic()
        self.seed, self.settings, self.zygote = seed, settings, zygote
        self.cells = [(i, cell) for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
        self.graded = {
            i: graded[g] for i, cell in self.cells if (g := str(_marks(cell).get("grade_id"))) in graded
        }
        self.run_here = self._that_run(handed_out)
        self.points = {i: _marks(cell).get("points") for i, cell in self.cells}
        own = _number(*(cell.source for _, cell in self.cells), str(seed))
        earlier = EarlierParts(re.findall(r"\bcheck\.(\w+)", "\n".join(self.graded.values())))
        self.session = Session(zygote, settings, own, earlier.texts)
        self.names: dict[str, Any] = {}  # what graded cells defined
        self.checks: list[CheckRun] = []
        self.limits: list[str] = []
        self.notes: list[str] = []
        self.by_hand = by_hand.found(
            {str(name): cell.source for _, cell in self.cells if (name := _marks(cell).get("grade_id"))},
            [
                cell.source
                for i, cell in self.cells
                if i in self.run_here and not _marks(cell).get("solution")
            ],
        )
        self.notes += [f.sentence for found in self.by_hand.values() for f in found]

    def _that_run(self, handed_out: Collection[str]) -> set[int]:
        """Return the indices of the cells that run in the worker."""
        cells = [
            (self.graded.get(i, cell.source), i in self.graded or bool(_marks(cell).get("grade_id")))
            for i, cell in self.cells
        ]
        chosen = selection.that_run(cells, handed_out)
        return {i for n, (i, _) in enumerate(self.cells) if n in chosen and i not in self.graded}

    def run(self) -> Executed:
        """Run all cells."""
        results = []
        with _own_world(self.seed, self.zygote.work):
            try:
                for i, cell in self.cells:
                    marks = _marks(cell)
                    grade_id = str(marks.get("grade_id") or "")
                    before = self.session.seconds()
                    self.session.begin_cell()
                    if i in self.graded:
                        role, outputs = "graded", self._graded(grade_id, self.graded[i], self.points[i])
                    elif i in self.run_here:
                        role, outputs = "learner", self._learner(i, cell.source, grade_id)
                    else:
                        role, outputs = "not run", []
                    seconds = round(self.session.seconds() - before, 4)
                    cell_id = str(cell.get("id", ""))
                    results.append(CellResult(i, cell_id, grade_id, role, _printable(outputs), seconds))
            finally:
                self.session.close()
        return Executed(
            results,
            self.checks,
            _printable([*self.limits, *self.session.limits]),
            _printable(self.notes),
            self.session.isolation,
            round(time.monotonic() - self.started, 3),
            self.session.memory,
        )

    # ------------------------------------------------------------ the learner's cells

    def _learner(self, index: int, source: str, grade_id: str) -> list[dict[str, Any]]:
        done = self.session.run_cell(index, source)
        name = f"`{grade_id}`" if grade_id else f"the cell that begins `{source.strip()[:40]}`"
        outputs: list[dict[str, Any]] = [_stream(stream, text) for stream, text in done["output"]]
        if done["cut"]:
            self.limits.append(f"Output limit: what {name} printed was cut.")
            outputs.append(_stream("stderr", "\n… the rest of the output was left out\n"))
        if done["time"]:
            seconds = self.settings.limits.cell_seconds
            self.limits.append(f"Time limit: {name} did not end within {seconds:g} seconds of work.")
            outputs.append(
                _error("CellTimeoutError", f"The cell did not end within {seconds:g} seconds.", [])
            )
        elif done["lost"]:
            self.limits.append(f"The process ended in {name}: {done['lost']}.")
            outputs.append(_error("DeadKernelError", f"The process ended in this cell: {done['lost']}.", []))
        elif done["error"] is not None:
            kind, text, trace = done["error"]
            outputs.append(_error(kind, text, trace.splitlines()))
        elif done["result"] is not None:
            outputs.append(
                {"output_type": "execute_result", "data": {"text/plain": done["result"]}, "metadata": {}, "execution_count": None}
            )  # fmt: skip
        return outputs

    # ------------------------------------------------------------ the graded cells

    def _graded(self, grade_id: str, source: str, points: Any) -> list[dict[str, Any]]:
        """Run a graded cell here, with handles for the learner's names."""
        shown: list[dict[str, Any]] = []
        printed = io.StringIO()
        torch.manual_seed(_number("graded", grade_id, str(self.seed)))  # whatever ran before
        try:
            with (
                contextlib.redirect_stdout(printed),
                contextlib.redirect_stderr(printed),
                guard.counting(self.session.elsewhere()),
            ):
                value = self._evaluate(grade_id, source, shown)
        except CheckFailed as failed:
            shown.append(_display(failed.message))
            shown.append(_error(type(failed).__name__, str(failed), []))
        except KeyboardInterrupt as error:
            if not isinstance(error, Interrupted):
                raise
            shown.append(_error("KeyboardInterrupt", "raised by the submission", []))
        except WorkerLost:
            raise
        except BaseException as error:
            said = does_not_exist(error)
            if said is not None:
                shown.append(_display(said))
            shown.append(_error(type(error).__name__, str(error)[:2_000], []))
        else:
            shown += _partial(value, points)
        text = printed.getvalue()
        return ([_stream("stdout", text[: self.settings.limits.output])] if text else []) + shown

    def _evaluate(self, grade_id: str, source: str, shown: list[dict[str, Any]]) -> Any:
        """Run the text, and return the value of its last expression, where that is the graded cell's own."""
        file = f"<graded {grade_id}>"
        tree = ast.parse(source, file)
        used = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
        names: dict[str, Any] = {"__name__": "__graded__", **_PRESET, "check": _Check(self, grade_id, shown)}
        names |= self.names
        fetched = set()
        for name in sorted({node.id for node in used} - names.keys() - vars(builtins).keys()):
            with contextlib.suppress(NameError):
                names[name] = self.session.fetch(name)
                fetched.add(name)
        fetched -= {node.id for node in used if isinstance(node.ctx, ast.Store)}
        last = None
        if tree.body and isinstance(tree.body[-1], ast.Expr):
            last = tree.body[-1].value
            del tree.body[-1]
        before = dict(names)
        exec(compile(tree, file, "exec"), names)
        value = None
        if last is not None:
            value = eval(compile(ast.Expression(last), file, "eval"), names)
            if value is not None and _says_so_itself(last, fetched):
                raise ValueError("The value of a graded cell must not be what the submission itself returns.")
        self.names |= {name: v for name, v in names.items() if name not in before or before[name] is not v}
        self.names.pop("__builtins__", None)
        return value

    def record(self, grade_id: str, exercise: Exercise, verdict: Verdict, state: str) -> None:
        """Keep what a check found."""
        mistake = verdict.fault.misconception if verdict.fault else None
        self.checks.append(
            CheckRun(
                exercise.name, grade_id, state, mistake.name if mistake else "", mistake.says if mistake else "",
                verdict.hidden, verdict.n_right, verdict.n_cases,
            )
        )  # fmt: skip
        if state == "time":
            self.limits.append(
                f"Time limit: `{exercise.name}` did not answer within {exercise.seconds:g} seconds."
            )


class _Check:
    """`check` in a graded cell: judges what it is given, keeps a record, shows the message."""

    CheckFailed, NotWritten = CheckFailed, NotWritten

    def __init__(self, execution: _Execution, grade_id: str, shown: list[dict[str, Any]]) -> None:
        self._execution, self._grade_id, self._shown = execution, grade_id, shown

    def __getattr__(self, name: str) -> Callable[..., Any]:
        exercise = None if name.startswith("_") else checks.find(name)
        if exercise is None:
            raise AttributeError(f"there is no exercise {name!r}")
        return lambda candidate, *, hidden=False: self._judge(exercise, candidate, hidden)

    def hint(self, *args: Any, **named: Any) -> None:
        """Do nothing: this and the following are for learners."""

    predict = reveal = rubric = begin = progress = hint

    def _judge(self, exercise: Exercise, candidate: Any, hidden: bool) -> None:
        execution = self._execution
        forbidden = execution.by_hand.get(exercise.name, [])
        verdict = judge(exercise, candidate, execution.seed if hidden else PUBLIC_SEED, hidden)
        if forbidden and execution.settings.by_hand == "fail" and verdict.passed:
            execution.record(self._grade_id, exercise, verdict, "forbidden")
            prose = tuple(("prose", f.to_learner) for f in forbidden)
            raise CheckFailed(Message("✗", f"{exercise.name}: right, and not written by hand", prose))
        execution.record(self._grade_id, exercise, verdict, verdict.state)
        text = message(verdict)
        if not verdict.passed:
            raise NotWritten(text) if verdict.state == "not written" else CheckFailed(text)
        self._shown.append(_display(text))


def _partial(value: Any, points: Any) -> list[dict[str, Any]]:
    """Return the output that gives a part of the points, where the cell's value is a number; one that can be no part gives none.

    (nbgrader would give all points for a number below 0, and leave the submission ungraded for one above the points.)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return []
    number = float(value)
    most = float(points) if isinstance(points, int | float) else 0.0
    if not (math.isfinite(number) and 0 <= number <= most):
        return [
            _error("ValueError", f"The graded cell's value, {number:g}, is not between 0 and {most:g}.", [])
        ]
    return [
        {
            "output_type": "execute_result",
            "data": {"text/plain": repr(number)},
            "metadata": {},
            "execution_count": None,
        }
    ]


def _says_so_itself(expression: ast.expr, learners: Collection[str]) -> bool:
    """Return whether an expression hands on what the submission returns: a call of a name of its, outside any comparison."""
    if isinstance(expression, ast.Compare):
        return False
    if isinstance(expression, ast.Name) and expression.id in learners:
        return True
    if isinstance(expression, ast.Call):
        root: ast.AST = expression.func
        while isinstance(root, ast.Attribute | ast.Subscript | ast.Call):
            root = root.func if isinstance(root, ast.Call) else root.value
        if isinstance(root, ast.Name) and root.id in learners:
            return True
        inner = [*expression.args, *(k.value for k in expression.keywords)]
        return any(_says_so_itself(a, learners) for a in inner if not isinstance(a, ast.Name))
    return any(
        _says_so_itself(e, learners) for e in ast.iter_child_nodes(expression) if isinstance(e, ast.expr)
    )


@contextlib.contextmanager
def _own_world(seed: int, scratch: Path) -> Iterator[None]:
    """Give the checks a generator and a place for files of their own, and one thread; put all back afterwards."""
    dice, threads, place = torch.get_rng_state(), torch.get_num_threads(), tempfile.tempdir
    torch.set_num_threads(1)
    tempfile.tempdir = str(scratch)
    try:
        yield
    finally:
        tempfile.tempdir = place
        torch.set_num_threads(threads)
        torch.set_rng_state(dice)


def _printable(value: Any) -> Any:
    """Return plain data in which every text can be written to a file: a submission may print halves of characters."""
    if isinstance(value, str):
        return wire.printable(value)
    if isinstance(value, dict):
        return {key: _printable(v) for key, v in value.items()}
    return [_printable(v) for v in value] if isinstance(value, list) else value


def _number(*texts: str) -> int:
    """Return a number of 63 bits that the texts decide."""
    digest = hashlib.sha256("\0".join(texts).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def _display(shown: Message) -> dict[str, Any]:
    return {"output_type": "display_data", "data": shown.bundle(), "metadata": {}}


def _error(kind: str, text: str, trace: list[str]) -> dict[str, Any]:
    return {"output_type": "error", "ename": kind, "evalue": text, "traceback": trace}


def _stream(name: str, text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}
