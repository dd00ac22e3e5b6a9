"""What each attack does to stock nbgrader, tried on a throw-away machine, beside what it does here: attacks/README.md.

PYTHONPATH=tests .venv/bin/python -m grading.stock [NAME ...]             try them, and say what came of each
PYTHONPATH=tests .venv/bin/python -m grading.stock --update [NAME ...]    and write it down; without names, all: 20 minutes

Stock is `nbgrader autograde` with the course's own configuration but for one line, the one that puts isolated execution
in place. Two hand in, and are graded in this order: the attacker, who wrote nothing else, and somebody who solved all.
Cells that only show something are left out of their notebooks, to save time.
Attacks by the notebook itself are tried on nbgrader's own configuration, which repairs nothing before it grades.
"""

import copy
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
import nbformat
from grading import machine
from grading.test_attacks import ATTACKS, SEED, everything_shown, graded, points

from handmade.checks.exercise import SEED_VARIABLE
from handmade.grading import demo
from handmade.grading.execution import graded_cells, handed_out_cells
from handmade.grading.sanitise import sanitise
from handmade.grading.table import read_table
from handmade.grading.zygote import Zygote

ROOT = Path(__file__).resolve().parents[2]
LESSON = "01_matmul"
README = Path(__file__).parent / "attacks" / "README.md"
SECONDS = 40  # a cell
LIMIT = 200  # the whole of a run, and a minute more for each attack in it
STOCK = (
    "\nsteps = c.Autograde.autograde_preprocessors\n"
    "steps[steps.index('handmade.grading.executor.IsolatedExecute')] = 'nbgrader.preprocessors.Execute'\n"
)
AS_IT_COMES = (  # nor is there the pass over submitted/, which the exporter makes
    STOCK + "del c.Autograde.exporter_class, c.OverwriteCells.add_missing_cells\n"
)
OURS = re.compile(r'"Worker"|os\.write\(3')  # what there is in no kernel of Jupyter's
TOLD = {  # what an attack prints where it had its way, and what that is
    str(SEED): "the secret seed",
    "hidden=True": "hidden tests",
    " solutions": "solutions",
    "FOUND handmade": "the reference",
    "a program that runs as its owner": "a way to another user's rights",
    "CONNECTED": "the network",
    "STARTED": "processes of its own",
}


@dataclass(frozen=True)
class Outcome:
    """What became of an attack in stock nbgrader, and of the submission after it."""

    points: float
    told: tuple[str, ...]
    has_grade: bool
    next: str  # "whole", "less", "no grade", "not reached", or "not in time"
    waited_for: bool  # a cell ran into nbgrader's limit

    def words(self, max_points: float, own: bool) -> str:
        """Return it in one line."""
        said = []
        if self.points:
            said.append(f"**{self.points:g} of {max_points:g} points**")
        if self.told:
            said.append(f"**reaches {', '.join(self.told)}**")
        if self.next == "not reached":
            said.append("**the batch ends**: nobody after it is graded")
        elif self.next == "not in time":
            said.append("**the batch does not go on**: it was stopped after minutes")
        elif self.next != "whole":
            said.append(
                f"**the next student** gets {'no grade' if self.next == 'no grade' else 'fewer points'}"
            )
        if not self.has_grade and not self.next.startswith("not "):
            said.append("no grade for it: a person has to look")
        if self.waited_for:
            said.append("runs until nbgrader's limit for a cell")
        return "; ".join(said) or ("nothing: it aims at our own boundary" if own else "nothing")


class Desk:
    """A desk with lesson 01 generated, to be copied to throw-away machines."""

    def __init__(self, folder: Path, change: str) -> None:
        self.folder = folder
        folder.mkdir()
        config = demo._CONFIG.format(solutions=str(ROOT / "solutions"), seconds=SECONDS)
        (folder / "nbgrader_config.py").write_text(config + change)
        (folder / "secret_seed").write_text(str(SEED))
        command = [sys.executable, "-m", "nbgrader", "generate_assignment", LESSON]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        release = nbformat.read(folder / "release" / LESSON / f"{LESSON}.ipynb", as_version=4)
        release.cells = [c for c in release.cells if c.cell_type != "code" or "nbgrader" in c.metadata]
        self.lesson = demo.Lesson(LESSON, release)
        self.hand_in("next", self.lesson.perfect())

    def hand_in(self, student: str, notebook: nbformat.NotebookNode) -> None:
        place = self.folder / "submitted" / student / LESSON
        place.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, place / f"{LESSON}.ipynb")

    @property
    def max_points(self) -> float:
        return float(sum(self.lesson.exercises[name].points for name in self.lesson.names))

    def outcomes(self, attackers: dict[str, nbformat.NotebookNode]) -> dict[str, Outcome]:
        """Grade attackers' notebooks, by name, and then somebody's who solved all, in one run of stock nbgrader."""
        for name, notebook in attackers.items():
            self.hand_in(f"attacker_{name}", notebook)
        shown = {name: f"autograded/attacker_{name}/{LESSON}/{LESSON}.ipynb" for name in attackers}
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder)
            command = [sys.executable, "-m", "nbgrader", "autograde", LESSON]
            limit, start = LIMIT + 60 * len(attackers), time.monotonic()
            _, said = machine.run(command, self.folder, out, ["gradebook.db", *shown.values()], limit)
            in_time = time.monotonic() - start < limit
            rows = {row.student: self._points(row.points) for row in read_table(out, LESSON).rows}
            outputs = {name: _outputs(out / path) for name, path in shown.items()}
        for name in attackers:
            shutil.rmtree(self.folder / "submitted" / f"attacker_{name}")
        theirs = rows.get("next", [])
        if not re.search(r"Autograding .*/next/|Sanitizing .*/next/", said):
            after = "not reached" if in_time else "not in time"
        elif None in theirs or not theirs:
            after = "no grade"
        else:
            after = "whole" if sum(p for p in theirs if p is not None) == self.max_points else "less"
        return {
            name: _outcome(rows.get(f"attacker_{name}", []), outputs[name], notebook, after, said)
            for name, notebook in attackers.items()
        }

    def _points(self, points: dict[str, float | None]) -> list[float | None]:
        return [value for name, value in points.items() if name.removeprefix("check_") in self.lesson.names]


def _outcome(
    points: list[float | None],
    outputs: list[nbformat.NotebookNode],
    notebook: nbformat.NotebookNode,
    after: str,
    said: str,
) -> Outcome:
    given = [p for p in points if p is not None]
    errors = {o.ename for o in outputs if o.output_type == "error"}
    printed = "\n".join(o.text for o in outputs if o.output_type == "stream")
    for cell in notebook.cells:  # an attack that prints its own text tells nothing
        printed = printed.replace(cell.source, "") if len(cell.source) > 200 else printed
    told = tuple(what for words, what in TOLD.items() if words in printed)
    if "FOUND" in printed and not told:
        told = ("what it looks for",)
    waited = "CellTimeoutError" in errors or "unresponsive" in said
    return Outcome(sum(given), told, bool(given), after, waited)


def _outputs(path: Path) -> list[nbformat.NotebookNode]:
    """Return what the cells of a graded notebook show; nothing where it is not there."""
    try:
        notebook = nbformat.read(path, as_version=4)
    except (OSError, ValueError):
        return []
    return [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs]


# ---------------------------------------------------------------- attacks by the notebook itself

NOTEBOOKS: dict[str, Callable[[nbformat.NotebookNode], None]] = {}


def notebook_attack(change: Callable[[nbformat.NotebookNode], None]) -> None:
    """Add a change of the handed-out notebook to the attacks, by its name; its docstring says what it is."""
    NOTEBOOKS[change.__name__] = change


def _check(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    return next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade"))


@notebook_attack
def test_cell_twice(notebook):
    """A test cell copied and pasted."""
    twin = copy.deepcopy(_check(notebook))
    twin["id"] = "twin"
    notebook.cells.insert(notebook.cells.index(_check(notebook)) + 1, twin)


@notebook_attack
def points_and_test_edited(notebook):
    """A hundred points for a test of one's own, which passes."""
    cell = _check(notebook)
    cell.source = "assert True"
    cell.metadata.nbgrader.points = 100


@notebook_attack
def test_made_text(notebook):
    """A test cell made a text cell."""
    cell = _check(notebook)
    cell.cell_type = "markdown"
    del cell["outputs"], cell["execution_count"]


@notebook_attack
def test_marked_as_answer(notebook):
    """The marks of a test cell changed into those of an answer."""
    _check(notebook).metadata.nbgrader.update(grade=False, locked=False, solution=True)


@notebook_attack
def own_graded_cell(notebook):
    """A graded cell of one's own, worth fifty points."""
    own = copy.deepcopy(_check(notebook))
    own.source, own["id"] = "2 + 2", "bonus"
    own.metadata.nbgrader.update(grade_id="bonus", points=50)
    notebook.cells.append(own)


@notebook_attack
def tests_deleted(notebook):
    """All test cells deleted."""
    notebook.cells = [c for c in notebook.cells if not c.metadata.get("nbgrader", {}).get("grade")]


# ---------------------------------------------------------------- the table


@dataclass(frozen=True)
class Line:
    """A line of the table: an attack's name, what it tries, what comes of it in stock and here."""

    name: str
    tries: str
    stock: str
    ours: str


def attack_notebook(lesson: demo.Lesson, text: str) -> nbformat.NotebookNode:
    """Return the notebook in which a text stands in place of the first answer, and nothing else is written."""
    more = {name: "" for name in lesson.names if name != "dot" and f"def {name}(" in text}
    return lesson.notebook({"dot": text, **more})


class Trial:
    """The two desks and our own execution, ready to try one attack after the other."""

    def __init__(self, folder: Path) -> None:
        self.desk = Desk(folder / "desk", STOCK)
        self.plain = Desk(folder / "plain", AS_IT_COMES)
        self.lesson = self.desk.lesson
        source = nbformat.read(ROOT / "solutions" / LESSON / f"{LESSON}.ipynb", as_version=4)
        self.lesson.graded = graded_cells(source)
        self.lesson.handed_out = handed_out_cells(self.lesson.release)

    def stock(self, *names: str) -> dict[str, str]:
        """Return what attacks that do not get into each other's way do to stock nbgrader, in one run of it."""
        cells = {name: attack_notebook(self.lesson, _text(name)) for name in names if name not in NOTEBOOKS}
        changed = {name: copy.deepcopy(self.lesson.release) for name in names if name in NOTEBOOKS}
        for name, notebook in changed.items():
            NOTEBOOKS[name](notebook)
        found = self.desk.outcomes(cells) if cells else {}
        found |= self.plain.outcomes(changed) if changed else {}
        words = {
            name: outcome.words(self.desk.max_points, own=name in cells and aims_at_us(name))
            for name, outcome in found.items()
        }
        if len(names) == 1 or all(said.startswith("nothing") for said in words.values()):
            return words
        return {name: self.stock(name)[name] for name in names}  # to see who did it

    def ours(self, name: str, zygote: Zygote) -> str:
        """Return what an attack does here."""
        if name in NOTEBOOKS:
            changed = copy.deepcopy(self.lesson.release)
            NOTEBOOKS[name](changed)
            notebook, repairs = sanitise(changed, self.lesson.release)
            executed = graded(self.lesson, notebook, zygote)
            return f"{points(executed)} points; {'repaired' if repairs else 'not repaired'}"
        executed = graded(self.lesson, attack_notebook(self.lesson, _text(name)), zygote)
        given, shown = points(executed), everything_shown(executed).replace(_text(name), "")
        told = [what for words, what in TOLD.items() if words in shown]
        stops = {re.split(r" in |:", sentence)[0].lower() for sentence in executed.limits}
        return "; ".join([f"{given} points", *(f"reaches {what}" for what in told), *sorted(stops)])


def _text(name: str) -> str:
    return (README.parent / f"{name}.py").read_text(encoding="utf-8")


def aims_at_us(name: str) -> bool:
    """Return whether an attack needs what only our grading has."""
    return name not in NOTEBOOKS and bool(OURS.search(_text(name)))


def tries(name: str) -> str:
    """Return what an attack tries, in its own words."""
    if name in NOTEBOOKS:
        return str(NOTEBOOKS[name].__doc__)
    return _text(name).partition("\n")[0].removeprefix("# ")


def read_lines() -> dict[str, Line]:
    """Return the table's lines by name."""
    if not README.exists():
        return {}
    rows = re.findall(
        r"^\| \[?`(\w+)`\S* \| (.*?) \| (.*?) \| (.*?) \|$", README.read_text(encoding="utf-8"), re.MULTILINE
    )
    return {row[0]: Line(*row) for row in rows}


def write_lines(lines: dict[str, Line]) -> None:
    """Write the table, with how many there are of each kind."""
    names = [path.stem for path in ATTACKS]
    cells = [lines[n] for n in names if n in lines]
    notebooks = [lines[n] for n in NOTEBOOKS if n in lines]
    README.write_text(
        "\n".join(
            [
                "# Attacks on grading",
                "",
                "Each file here is a cell that stands in place of the first answer of lesson 01, where nothing else is written: whoever",
                "gets a point has forged it. `test_attacks.py` shows that ours gives none, tells nothing, and grades the next student in",
                "full. What the same cell does to stock nbgrader 0.9.6, with the same configuration but for the one line that puts",
                "isolated execution in place, was tried on a throw-away machine. This file is written by",
                "`PYTHONPATH=tests .venv/bin/python -m grading.stock --update`; `test_stock.py` tries some of the attacks again.",
                "",
                "Some of the attacks aim at what stock nbgrader does not have, a boundary between the submission and the grader: the",
                "channel, the worker, the codec. In stock they do nothing, and need not: there is nothing to get past. Others lie about",
                "values (`always_equal_…`, `nearly_nothing_away`) or replace what ordinary tests compare with (`assertions_replaced`): they",
                "get no points in stock either, as the course's checks, which both use, judge by the value. Tests made of `assert_allclose`",
                "believe them: 8 of 10 points in an earlier trial, with a notebook of such tests.",
                "",
                _totals([*cells, *notebooks]),
                "",
                "## Cells",
                "",
                *_table(cells, lambda n: f"[`{n}`]({n}.py)"),
                "",
                "## Notebooks",
                "",
                "The notebook is changed as an editor can change it, and nothing is written in it. Stock nbgrader is tried as it comes,",
                "without our repairs before grading.",
                "",
                *_table(notebooks, lambda n: f"`{n}`"),
                "",
            ]
        ),
        encoding="utf-8",
    )


def _totals(lines: list[Line]) -> str:
    """Return how many attacks have which effect in stock; one attack may have several."""
    kinds = {
        "points nobody earned": r"points\*\*",
        "a look at what must not be seen, or a way out": r"\*\*reaches",
        "the end of the batch": r"the batch",
        "harm to the next student": r"next student",
        "no grade, so that a person has to look": r"no grade for it",
        "no more than waiting": r"^runs until",
        "nothing, as they aim at our own boundary": r"own boundary",
        "nothing at all": r"^nothing$",
    }
    counted = {
        kind: sum(bool(re.search(pattern, line.stock)) for line in lines) for kind, pattern in kinds.items()
    }
    return f"What {len(lines)} attacks get in stock; one may get several things:\n\n" + "\n".join(
        f"- {count}: {kind}" for kind, count in counted.items()
    )


def _table(lines: list[Line], title: Callable[[str], str]) -> list[str]:
    return [
        "| attack | tries to | in stock nbgrader | here |",
        "|---|---|---|---|",
        *(f"| {title(line.name)} | {line.tries} | {line.stock} | {line.ours} |" for line in lines),
    ]


@click.command()
@click.argument("names", nargs=-1)
@click.option("--update", is_flag=True, help="Write the table.")
def main(names: tuple[str, ...], update: bool) -> None:
    """Try attacks, all or those of these NAMES, in stock nbgrader and here."""
    if machine.why_not():
        raise click.ClickException(machine.why_not())
    known = [*(path.stem for path in ATTACKS), *NOTEBOOKS]
    if unknown := set(names) - set(known):
        raise click.ClickException(f"no such attack: {', '.join(sorted(unknown))}")
    lines: dict[str, Line] = {}
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(Path(folder))
        os.environ[SEED_VARIABLE] = str(SEED)  # as nbgrader's exporter does
        with Zygote((trial.desk.folder, ROOT / "solutions")) as zygote:
            del os.environ[SEED_VARIABLE]
            chosen = names or known
            own = [name for name in chosen if aims_at_us(name)]  # harmless there: ten at once
            groups = [own[i : i + 10] for i in range(0, len(own), 10)] + [[n] for n in chosen if n not in own]
            for group in groups:
                start = time.monotonic()
                for name, words in trial.stock(*group).items():
                    lines[name] = Line(name, tries(name), words, trial.ours(name, zygote))
                    click.echo(f"{name}: {words} | {lines[name].ours}")
                click.echo(f"({time.monotonic() - start:.0f} s)")
                if update:
                    write_lines((read_lines() if names else {}) | lines)


if __name__ == "__main__":
    main()
