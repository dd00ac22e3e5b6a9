"""What a class knows and what it does not: the report that tells an instructor what to teach tomorrow.

`summary` gathers it from the table, `text` says it in a few lines, `html` as one self-contained page.
"""

from __future__ import annotations

import ast
import inspect
import statistics
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import jinja2
from markupsafe import Markup, escape
from nbformat import NotebookNode

from handmade import checks
from handmade.grading.grade import in_words
from handmade.grading.intake import load_record, write_whole
from handmade.grading.table import FAILED, Column, Row, Table, read_graded, read_table

REPORTS = "reports"
LONG = 50  # nodes of an answer's syntax tree from which being equal to the published one says something
BINS = 10  # of the distribution of sums, at most


@dataclass(frozen=True)
class Misconception:
    """A mistake that a check recognised, and the students who made it."""

    exercise: str
    says: str
    asks: str
    students: list[str]


@dataclass(frozen=True)
class Exercise:
    """How a class did in one exercise. `states` counts the students by what became of it."""

    column: Column
    level: str
    minutes: int
    tried: int
    points: list[float]
    states: dict[str, int]
    mistakes: list[Misconception]

    @property
    def mean(self) -> float:
        """The mean of the points given; 0 where there are none."""
        return statistics.fmean(self.points) if self.points else 0.0

    @property
    def share(self) -> float:
        """The part of all points that was reached, from 0 to 1."""
        return self.mean / self.column.points if self.column.points else 0.0


@dataclass(frozen=True)
class Summary:
    """A class's results in one lesson, in numbers and names."""

    lesson: str
    students: int
    graded: list[Row]
    missing: list[Row]
    by_checks: float
    by_hand: float
    totals: list[float]
    exercises: list[Exercise]
    misconceptions: list[Misconception]
    repaired: dict[str, list[str]]
    unreadable: dict[str, str]
    failed: dict[str, str]
    limits: list[tuple[str, str]]
    notes: list[tuple[str, str]]
    isolation: list[tuple[str, int]]
    equal: list[tuple[str, int, int]]
    waiting: dict[str, int]
    seconds: float
    bins: list[tuple[str, int]] = field(default_factory=list)


def summary(desk: Path, table: Table) -> Summary:
    """Return the summary of a lesson's table, with what the desk keeps of repairs and graded notebooks."""
    graded = [row for row in table.handed_in if row.is_graded]
    published = _published(table)
    repaired: dict[str, list[str]] = {}
    unreadable: dict[str, str] = {}
    equal = []
    for row in table.handed_in:
        record = load_record(desk, row.student, table.lesson)
        if record is not None and record.unreadable:
            unreadable[row.student] = record.unreadable
        elif record is not None and record.repairs:
            repaired[row.student] = record.repairs
        notebook = read_graded(desk, row.student, table.lesson)
        same = _equal_to(published, notebook) if notebook is not None else []
        if same:
            equal.append((row.student, len(same), len(published)))
    by_check = [column for column in table.columns if not column.by_hand]
    exercises = [_exercise(column, graded) for column in by_check]
    mistakes = [mistake for exercise in exercises for mistake in exercise.mistakes]
    totals = [sum(row.points.get(c.grade_id) or 0.0 for c in by_check) for row in graded]
    most = sum(column.points for column in by_check)
    return Summary(
        lesson=table.lesson,
        students=len(table.handed_in),
        graded=graded,
        missing=table.missing,
        by_checks=most,
        by_hand=table.max_points - most,
        totals=totals,
        exercises=exercises,
        misconceptions=sorted(mistakes, key=lambda mistake: -len(mistake.students)),
        repaired=repaired,
        unreadable=unreadable,
        failed={row.student: row.graded[FAILED] for row in graded if row.graded.get(FAILED)},
        limits=[(row.student, said) for row in graded for said in row.graded.get("limits", [])],
        notes=[(row.student, said) for row in graded for said in row.graded.get("notes", [])],
        isolation=Counter(map(_isolation, graded)).most_common(),
        equal=sorted(equal, key=lambda found: -found[1]),
        waiting={
            column.title: n
            for column in table.columns
            if column.by_hand and (n := sum(row.points.get(column.grade_id) is None for row in graded))
        },
        seconds=sum(row.graded.get("seconds", 0.0) for row in graded),
        bins=_bins(totals, most),
    )


def _exercise(column: Column, graded: list[Row]) -> Exercise:
    exercise = checks.find(column.title)
    states: Counter[str] = Counter()
    who: dict[tuple[str, str], list[str]] = {}
    for row in graded:
        runs = [run for run in row.graded.get("checks", []) if run["grade_id"] == column.grade_id]
        worst = next((run for run in runs if run["state"] != "passed"), None)
        if worst is not None:
            states[worst["state"]] += 1
            if worst["misconception"]:
                who.setdefault((worst["misconception"], worst["says"]), []).append(row.student)
        else:  # no check was reached: the cell before it failed, or stock nbgrader executed
            right = row.points.get(column.grade_id) == column.points
            states["passed" if right else "no answer"] += 1
    asks = {m.name: m.asks for m in exercise.misconceptions} if exercise else {}
    mistakes = [
        Misconception(column.title, says, asks.get(name, ""), students)
        for (name, says), students in sorted(who.items(), key=lambda found: -len(found[1]))
    ]
    return Exercise(
        column,
        exercise.level_word if exercise else "",
        exercise.minutes if exercise else 0,
        sum(n for state, n in states.items() if state not in ("not written", "no answer")),
        [row.points.get(column.grade_id) or 0.0 for row in graded],
        dict(states.most_common()),
        mistakes,
    )


def _isolation(row: Row) -> str:
    """Return what was in force when a row's submission ran, in one line."""
    if row.graded.get(FAILED):
        return "not executed"
    found = row.graded.get("isolation")
    if not found:
        return "none recorded: executed by nbgrader's own kernel"
    return in_words(found)


def _bins(totals: Iterable[float], most: float) -> list[tuple[str, int]]:
    """Return how many sums fall into each of at most BINS ranges of whole points; the last one includes all points."""
    width = max(1, -(-int(most) // BINS))
    counts = Counter(min(int(total // width), max(int(most) - 1, 0) // width) for total in totals)
    last = max(int(most) - 1, 0) // width
    return [
        (f"{i * width}–{most:g}" if i == last else f"{i * width} to under {(i + 1) * width}", counts[i])
        for i in range(last + 1)
    ]


# ---------------------------------------------------------------- answers equal to the published ones


def _published(table: Table) -> dict[str, str]:
    """Return the form of each published answer that is long enough to be told by, by exercise."""
    found = {}
    for column in table.columns:
        exercise = checks.find(column.title)
        if exercise is not None:
            form, size = _form(inspect.getsource(exercise.reference), column.title)
            if size >= LONG:
                found[column.title] = form
    return found


def _equal_to(published: dict[str, str], notebook: NotebookNode) -> list[str]:
    """Return the exercises that a notebook answers with the published text, comments and layout apart."""
    sources = {
        cell.metadata.get("nbgrader", {}).get("grade_id"): cell.source
        for cell in notebook.cells
        if cell.cell_type == "code"
    }
    return [name for name, form in published.items() if _form(sources.get(name, ""), name)[0] == form]


def _form(source: str, name: str) -> tuple[str, int]:
    """Return the function or class of this name without comments, docstrings and annotations, and the size of its syntax tree."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return "", 0
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            for part in ast.walk(node):
                if isinstance(part, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(part) is not None:
                    part.body = part.body[1:]
                if isinstance(part, ast.FunctionDef):
                    part.returns = None
                if isinstance(part, ast.arg):
                    part.annotation = None
            return ast.dump(node), sum(1 for _ in ast.walk(node))
    return "", 0


# ---------------------------------------------------------------- words


def write_report(desk: Path, lesson: str, db_url: str = "") -> tuple[Summary, Path]:
    """Write a lesson's report into the desk's folder of reports, and return what it says and where it is."""
    found = summary(desk, read_table(desk, lesson, db_url))
    path = desk / REPORTS / f"{lesson}.html"
    write_whole(path, html(found).encode())
    return found, path


def text(summary: Summary, most: int = 5) -> str:
    """Return the summary in a few lines for the terminal."""
    n = len(summary.graded)
    lines = [f"{summary.lesson}: {n} of {summary.students} graded"]
    if summary.totals:
        lines[0] += (
            f", on average {statistics.fmean(summary.totals):.1f} of {summary.by_checks:g} points by checks"
        )
    counts = [
        ("repaired", len(summary.repaired)),
        ("not readable", len(summary.unreadable)),
        ("hit a limit", len({student for student, _ in summary.limits})),
        ("not executed", len(summary.failed)),
        ("not handed in", len(summary.missing)),
    ]
    said = ", ".join(f"{count} {words}" for words, count in counts if count)
    if said:
        lines.append(said)
    if summary.waiting:
        answers = sum(summary.waiting.values())
        lines.append(
            f"{answers} written answers wait to be read, for {summary.by_hand:g} points each student"
        )
    if summary.misconceptions:
        lines.append("To teach tomorrow:")
        lines += [
            f"  {len(m.students)} of {n}  {m.exercise}: {m.says}" for m in summary.misconceptions[:most]
        ]
    return "\n".join(lines)


def html(summary: Summary) -> str:
    """Return the report as one page of HTML that needs nothing else."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("handmade.grading", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["code"] = _code
    page = environment.get_template("report.html.j2")
    return page.render(
        s=summary,
        n=len(summary.graded),
        mean=statistics.fmean(summary.totals) if summary.totals else None,
        median=statistics.median(summary.totals) if summary.totals else None,
        most_in_bin=max((count for _, count in summary.bins), default=0),
        made=datetime.now().strftime("%Y-%m-%d %H:%M"),
    )


def _code(prose: str) -> Markup:
    """Return prose as HTML, with what stands between backticks as code."""
    parts = str(escape(prose)).split("`")
    return Markup("".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts)))
