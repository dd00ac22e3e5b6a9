"""The class in one table: points for each exercise, the sum, and what happened.

python -m handmade.grading.table 01_matmul            at the desk in the working directory
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import nbformat
from nbformat import NotebookNode
from nbgrader.api import (
    Assignment,
    BaseCell,
    Comment,
    Grade,
    Gradebook,
    GradeCell,
    MissingEntry,
    SubmittedAssignment,
    SubmittedNotebook,
)

from handmade.grading.config import COURSE_ID, RECORD
from handmade.grading.intake import RELEASE, SUBMITTED, load_record
from handmade.grading.reading import quoted

AUTOGRADED = "autograded"
FAILED = "failed"  # in the record of an execution: why the notebook could not be executed
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
    """A student's result. `points` holds None where nobody has graded yet; `penalty` is what lateness takes off the sum.

    `graded` has what isolated execution recorded with the grade; empty where stock nbgrader executed.
    """

    student: str
    points: dict[str, float | None] = field(default_factory=dict)
    happened: list[str] = field(default_factory=list)
    penalty: float = 0.0
    handed_in: bool = True
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    lms_id: str = ""
    comments: list[str] = field(default_factory=list)
    graded: dict[str, Any] = field(default_factory=dict)

    @property
    def total(self) -> float:
        """All points given so far, less the penalty."""
        given = sum(points for points in self.points.values() if points is not None)
        return max(0.0, given - self.penalty)

    @property
    def is_graded(self) -> bool:
        """Whether there is any score: by a check, or by hand."""
        return any(points is not None for points in self.points.values())

    @property
    def waits_for(self) -> list[str]:
        """The cells that a person has yet to grade."""
        return [name for name, points in self.points.items() if points is None]

    @property
    def name(self) -> str:
        """The student's name, or, where the gradebook knows none, the id."""
        return f"{self.first_name} {self.last_name}".strip() or self.student


@dataclass(frozen=True)
class Table:
    """A lesson's columns, in the order of the notebook, and a row for each student whom the gradebook or the desk knows."""

    lesson: str
    columns: list[Column]
    rows: list[Row]

    @property
    def max_points(self) -> float:
        """The points that the lesson is worth."""
        return sum(column.points for column in self.columns)

    @property
    def handed_in(self) -> list[Row]:
        """The rows of those who handed something in."""
        return [row for row in self.rows if row.handed_in]

    @property
    def missing(self) -> list[Row]:
        """The rows of those who handed nothing in."""
        return [row for row in self.rows if not row.handed_in]

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
        points = _points(gradebook, lesson)
        penalties = _penalties(gradebook, lesson)
        comments = _comments(gradebook, lesson)
        known = {student.id: student for student in gradebook.students}
        handed_in = {
            folder.parent.name for folder in (desk / SUBMITTED).glob(f"*/{lesson}") if folder.is_dir()
        } | set(points)
        rows = []
        for student in sorted(handed_in | set(known)):
            person = known.get(student)
            theirs = points.get(student, {})
            happened, graded = _happened(desk, student, lesson, theirs) if student in handed_in else ([], {})
            rows.append(
                Row(
                    student,
                    theirs,
                    happened,
                    penalty=penalties.get(student, 0.0),
                    handed_in=student in handed_in,
                    first_name=getattr(person, "first_name", None) or "",
                    last_name=getattr(person, "last_name", None) or "",
                    email=getattr(person, "email", None) or "",
                    lms_id=getattr(person, "lms_user_id", None) or "",
                    comments=comments.get(student, []),
                    graded=graded,
                )
            )
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


def _points(gradebook: Gradebook, lesson: str) -> dict[str, dict[str, float | None]]:
    """Return each student's points by graded cell, in one query: a class may have thousands."""
    found: dict[str, dict[str, float | None]] = {}
    grades = _of_lesson(
        gradebook.db.query(
            SubmittedAssignment.student_id,
            BaseCell.name,
            Grade.auto_score,
            Grade.manual_score,
            Grade.score,
        )
        .select_from(Grade)
        .join(BaseCell, Grade.cell_id == BaseCell.id)
        .join(SubmittedNotebook, Grade.notebook_id == SubmittedNotebook.id),
        lesson,
    )
    for student, name, automatic, manual, score in grades:
        known = automatic is not None or manual is not None
        found.setdefault(student, {})[name] = score if known else None
    return found


def graded_students(db_url: str, course_id: str, lesson: str) -> set[str]:
    """Return the students all of whose code cells of a lesson have a score by a check."""
    with Gradebook(db_url, course_id) as gradebook:
        scores = _of_lesson(
            gradebook.db.query(SubmittedAssignment.student_id, Grade.auto_score)
            .select_from(Grade)
            .join(GradeCell, Grade.cell_id == GradeCell.id)
            .join(SubmittedNotebook, Grade.notebook_id == SubmittedNotebook.id),
            lesson,
        ).filter(GradeCell.cell_type == "code")
        found: dict[str, bool] = {}
        for student, score in scores:
            found[student] = found.get(student, True) and score is not None
    return {student for student, whole in found.items() if whole}


def _penalties(gradebook: Gradebook, lesson: str) -> dict[str, float]:
    found = _of_lesson(
        gradebook.db.query(
            SubmittedAssignment.student_id, SubmittedNotebook.late_submission_penalty
        ).select_from(SubmittedNotebook),
        lesson,
    )
    return {student: penalty for student, penalty in found if penalty}


def _comments(gradebook: Gradebook, lesson: str) -> dict[str, list[str]]:
    """Return what people wrote to each student."""
    found: dict[str, list[str]] = {}
    comments = _of_lesson(
        gradebook.db.query(SubmittedAssignment.student_id, BaseCell.name, Comment.manual_comment)
        .select_from(Comment)
        .join(BaseCell, Comment.cell_id == BaseCell.id)
        .join(SubmittedNotebook, Comment.notebook_id == SubmittedNotebook.id),
        lesson,
    )
    for student, name, comment in comments:
        if comment:
            found.setdefault(student, []).append(f"{name}: {comment}")
    return found


def _of_lesson(query: Any, lesson: str) -> Any:
    """Return the query, narrowed to the submissions of a lesson."""
    return (
        query.join(SubmittedAssignment, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .join(Assignment, SubmittedAssignment.assignment_id == Assignment.id)
        .filter(Assignment.name == lesson)
    )


def _happened(
    desk: Path, student: str, lesson: str, points: dict[str, float | None]
) -> tuple[list[str], dict[str, Any]]:
    """Return what an instructor should know (repairs, and what went wrong when the cells ran), and the record of it."""
    record = load_record(desk, student, lesson)
    sentences = list(record.sentences) if record else []
    if all(value is None for value in points.values()):
        return [*sentences, "Not graded: nbgrader's log says why, or it was handed in since."], {}
    notebook = read_graded(desk, student, lesson)
    if notebook is None:
        return sentences, {}
    graded = dict(notebook.metadata.get(RECORD, {}))
    if graded.get(FAILED):
        return [f"Could not be executed: {graded[FAILED]}.", *sentences], graded
    if not (record and record.unreadable):
        sentences += _troubles(notebook)
        sentences += graded.get("notes", [])
    return sentences, graded


def read_graded(desk: Path, student: str, lesson: str) -> NotebookNode | None:
    """Return a student's graded notebook, or None where there is none, or half of one."""
    path = desk / AUTOGRADED / student / lesson / f"{lesson}.ipynb"
    try:
        return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    except (OSError, ValueError):
        return None


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
    yield f"{table.lesson}: {len(table.handed_in)} students; {by_checks:g} points by checks, {by_hand:g} by hand"
    yield ""
    for i, column in enumerate(table.columns, start=1):
        yield f"  {i:>2}  {column.title} ({column.points:g}{', by hand' if column.by_hand else ''})"
    yield ""
    width = max([len(row.student) for row in table.rows] + [7])
    yield "  ".join(
        [f"{'student':<{width}}", *(f"{i:>3}" for i in range(1, len(table.columns) + 1)), "  sum"]
    )
    for row in table.handed_in:
        points = [_number(row.points.get(column.grade_id)) for column in table.columns]
        yield "  ".join([f"{row.student:<{width}}", *points, f"{row.total:>5g}"])
        for sentence in row.happened:
            yield f"{'':<{width}}    {sentence}"
    if table.missing:
        yield ""
        yield f"Not handed in: {', '.join(row.student for row in table.missing)}."


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
