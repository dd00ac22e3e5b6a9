"""The class in one table: points for each exercise, the sum, and what happened.

python -m handmade.grading.table 01_matmul            at the desk in the working directory
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click
import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry

from handmade.grading.config import COURSE_ID
from handmade.grading.intake import RELEASE, SUBMITTED, load_record
from handmade.grading.reading import quoted

AUTOGRADED = "autograded"
TOO_LONG = "No answer within"  # how a check's message begins where it stopped a function


@dataclass(frozen=True)
class Column:
    """A graded cell: its grade_id, what it is about, the points it is worth, and whether a person grades it."""

    grade_id: str
    title: str
    points: float
    by_hand: bool


@dataclass(frozen=True)
class Row:
    """A student's result. `points` holds None where nobody has graded yet."""

    student: str
    points: dict[str, float | None] = field(default_factory=dict)
    happened: list[str] = field(default_factory=list)

    @property
    def total(self) -> float:
        """All points given so far."""
        return sum(points for points in self.points.values() if points is not None)


@dataclass(frozen=True)
class Table:
    """A lesson's columns, in the order of the notebook, and a row for each student who handed in or was graded."""

    lesson: str
    columns: list[Column]
    rows: list[Row]

    def row(self, student: str) -> Row:
        """Return one student's row. Raises KeyError for an unknown student."""
        for row in self.rows:
            if row.student == student:
                return row
        raise KeyError(student)

    def __str__(self) -> str:
        return "\n".join(_lines(self))


def read_table(desk: Path, lesson: str, db_url: str = "") -> Table:
    """Return a lesson's table from the gradebook of a desk, or from the database at `db_url`.

    Raises FileNotFoundError where there is no gradebook, or the lesson is not in it.
    """
    if not db_url:
        if not (desk / "gradebook.db").is_file():
            raise FileNotFoundError(
                f"There is no gradebook in {desk}: grade first, or go to the desk's folder."
            )
        db_url = f"sqlite:///{(desk / 'gradebook.db').resolve()}"
    with Gradebook(db_url, COURSE_ID) as gradebook:
        try:
            columns = _columns(desk, lesson, gradebook)
        except MissingEntry:
            raise FileNotFoundError(
                f"The gradebook knows no {lesson}: generate and grade it first."
            ) from None
        handed_in = {
            folder.parent.name for folder in (desk / SUBMITTED).glob(f"*/{lesson}") if folder.is_dir()
        }
        graded = {s.student.id: s for s in gradebook.find_assignment(lesson).submissions}
        rows = []
        for student in sorted(handed_in | set(graded)):
            points = _points(graded[student]) if student in graded else {}
            rows.append(Row(student, points, _happened(desk, student, lesson, points)))
    return Table(lesson, columns, rows)


def _columns(desk: Path, lesson: str, gradebook: Gradebook) -> list[Column]:
    """Return the graded cells in the release's order; the gradebook alone has no order."""
    notebook = gradebook.find_notebook(lesson, lesson)
    cells = {c.name: (c.max_score, False) for c in notebook.grade_cells if c.cell_type == "code"}
    cells |= {c.name: (c.max_score, True) for c in notebook.grade_cells if c.cell_type != "code"}
    cells |= {c.name: (c.max_score, True) for c in notebook.task_cells}
    release = desk / RELEASE / lesson / f"{lesson}.ipynb"
    order: list[str] = []
    if release.is_file():
        order = [c.metadata.get("nbgrader", {}).get("grade_id", "") for c in nbformat.read(release, 4).cells]
    names = [n for n in order if n in cells] + sorted(n for n in cells if n not in order)
    return [Column(name, name.removeprefix("check_"), *cells[name]) for name in names]


def _points(submission: object) -> dict[str, float | None]:
    points: dict[str, float | None] = {}
    for notebook in submission.notebooks:  # type: ignore[attr-defined]
        for grade in notebook.grades:
            known = grade.auto_score is not None or grade.manual_score is not None
            points[grade.name] = grade.score if known else None
    return points


def _happened(desk: Path, student: str, lesson: str, points: dict[str, float | None]) -> list[str]:
    """Return what an instructor should know: repairs, and what went wrong when the cells ran."""
    record = load_record(desk, student, lesson)
    sentences = list(record.sentences) if record else []
    if all(value is None for value in points.values()):
        return [*sentences, "Not graded: nbgrader's log says why, or it was handed in since."]
    graded = desk / AUTOGRADED / student / lesson / f"{lesson}.ipynb"
    if graded.is_file() and not (record and record.unreadable):
        sentences += _troubles(nbformat.read(graded, as_version=4))
    return sentences


def _troubles(notebook: NotebookNode) -> Iterator[str]:
    """Yield what stands in the outputs of a graded notebook: exercises left out, syntax errors, limits."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    graded = [cell for cell in cells if cell.metadata.get("nbgrader", {}).get("grade")]
    left_out = [_title(cell) for cell in graded if "NotWritten" in _errors(cell)]
    if left_out:
        yield (
            "Nothing was written." if len(left_out) == len(graded) else f"Not written: {', '.join(left_out)}."
        )
    for cell in cells:
        errors = _errors(cell)
        if {"SyntaxError", "IndentationError", "TabError"} & set(errors):
            yield f"Syntax error in {_title(cell)}."
        elif "CellTimeoutError" in errors:
            yield f"Time limit: {_title(cell)} did not end and was stopped."
        elif any(TOO_LONG in said for said in errors.values()):
            yield f"Time limit: {_title(cell)} did not answer and was stopped by its check."


def _title(cell: NotebookNode) -> str:
    """Return what a reader knows a cell by: the exercise, or how the cell begins."""
    name = cell.metadata.get("nbgrader", {}).get("grade_id", "").removeprefix("check_")
    return name or f"the cell that begins {quoted(cell.source, 40)}"


def _errors(cell: NotebookNode) -> dict[str, str]:
    """Return the errors that a cell ended with, by their names, and what they say."""
    return {o.get("ename", ""): o.get("evalue", "") for o in cell.outputs if o.output_type == "error"}


def _lines(table: Table) -> Iterator[str]:
    by_checks = sum(c.points for c in table.columns if not c.by_hand)
    by_hand = sum(c.points for c in table.columns if c.by_hand)
    yield f"{table.lesson}: {len(table.rows)} students; {by_checks:g} points by checks, {by_hand:g} by hand"
    yield ""
    for i, column in enumerate(table.columns, start=1):
        yield f"  {i:>2}  {column.title} ({column.points:g}{', by hand' if column.by_hand else ''})"
    yield ""
    width = max([len(row.student) for row in table.rows] + [7])
    yield "  ".join(
        [f"{'student':<{width}}", *(f"{i:>3}" for i in range(1, len(table.columns) + 1)), "  sum"]
    )
    for row in table.rows:
        points = [_number(row.points.get(column.grade_id)) for column in table.columns]
        yield "  ".join([f"{row.student:<{width}}", *points, f"{row.total:>5g}"])
        for sentence in row.happened:
            yield f"{'':<{width}}    {sentence}"


def _number(points: float | None) -> str:
    return "  –" if points is None else f"{points:>3g}"


@click.command()
@click.argument("lesson")
@click.option("--desk", type=click.Path(path_type=Path), default=Path(), help="The instructor's folder.")
def main(lesson: str, desk: Path) -> None:
    """Print the table of a LESSON."""
    try:
        click.echo(str(read_table(desk, lesson)))
    except FileNotFoundError as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    main()
