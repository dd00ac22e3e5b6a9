"""Execute one submission: the learner's cells in an isolated process, the graded cells here.

What comes back is plain data, and depends on the cells, the seed and the installed versions alone (times apart).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from nbformat import NotebookNode

from handmade.grading.zygote_client import Zygote


@dataclass(frozen=True)
class Limits:
    """What a submission may use: seconds of work a learner's cell (a check has its exercise's own), seconds in all, bytes."""

    cell_seconds: float = 30.0
    total_seconds: float = 600.0
    memory: int = 4 * 2**30
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
    the mistake that the check recognised, or "".
    """

    exercise: str
    grade_id: str
    state: str
    misconception: str
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
    memory: int  # the worker's peak, in bytes

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


def graded_cells(notebook: NotebookNode) -> dict[str, str]:
    """Return the text of each graded code cell, by grade_id. Only of a notebook whose graded cells are the instructor's own."""
    raise NotImplementedError


def handed_out_cells(release: NotebookNode) -> frozenset[str]:
    """Return the texts of a release's code cells that belong to no exercise: what a learner left as it was need not run."""
    raise NotImplementedError


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
    machine lacks, and WorkerLost where no worker can be had at all.
    """
    raise NotImplementedError
