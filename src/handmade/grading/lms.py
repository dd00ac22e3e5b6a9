"""A lesson's points as files: a plain table, and what Canvas and Moodle read.

csv      one row a student with everything that the gradebook knows
canvas   for Grades > Import. Canvas wants the columns Student, ID, SIS User ID, SIS Login ID, Section, then assignments, and
         finds a student by ID, else by SIS User ID, else by SIS Login ID, else by name; a row whose first cell says
         "Points Possible" has the maximum (instructure/canvas-lms, lib/gradebook_importer.rb). An assignment is known by
         its name, best with its number: "Matrices (4711)".
moodle   for Grades > Import > CSV file: choose which column identifies a student there (Username or Email address), and map
         grade and feedback both, because one without the other is lost (docs.moodle.org, "Grade import").

With a roster, the file that the LMS itself exported, students are matched with its rows, and whatever identifies them is
taken from there: Canvas's exported gradebook, or the grading worksheet of a Moodle assignment, which Moodle takes back by
its columns Identifier, Grade and Last modified (moodle/moodle, mod/assign/feedback/offline/importgradeslib.php).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from handmade.grading.intake import write_whole
from handmade.grading.table import FAILED, Row, Table

CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
MOODLE = ("Username", "First name", "Last name", "Email address")
IDENTIFIES = ("ID", "SIS User ID", "SIS Login ID", "Identifier", "Username", "ID number", "Email address")
# A spreadsheet takes a cell that begins so for a formula (owasp.org, "CSV Injection").
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class BadRoster(ValueError):
    """The roster is not a file that the LMS exported, or cannot be matched."""


@dataclass
class Export:
    """The rows of a file, the header first, and sentences on what is not in it or not yet final."""

    rows: list[list[str]]
    notes: list[str] = field(default_factory=list)
    encoding: str = "utf-8"

    def text(self) -> str:
        """Return the file's text."""
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows([[guarded(cell) for cell in row] for row in self.rows])
        return out.getvalue()

    def write(self, path: Path) -> None:
        """Write the file, as a whole or not at all."""
        write_whole(path, self.text().encode(self.encoding))


def guarded(text: str) -> str:
    """Return a cell's text so that no spreadsheet takes it for a formula: with an apostrophe before it where it might.

    >>> guarded("=1+1"), guarded("12.5")
    ("'=1+1", '12.5')
    """
    return f"'{text}" if text.startswith(FORMULA) else text


def export(
    table: Table,
    form: str,
    *,
    roster: Path | None = None,
    column: str = "",
    zero_missing: bool = False,
) -> Export:
    """Return a lesson's points in a form: csv, canvas or moodle.

    `column` is the assignment's name in the LMS; the lesson's, where it is empty. Who handed in nothing is left out of an
    LMS's file, so that nothing there is written over; or gets 0 with `zero_missing`. Raises BadRoster.
    """
    made = FORMS[form](table, column or table.lesson, read_roster(roster) if roster else None, zero_missing)
    waiting = [row for row in table.handed_in if row.is_graded and row.waits_for]
    if waiting:
        made.notes.append(
            f"The written answers of {_count(len(waiting))} are not graded yet: their points are not in the sums."
        )
    failed = [row.student for row in table.handed_in if row.graded.get(FAILED)]
    if failed:
        made.notes.append(f"Not executed, and so with 0 points that may change: {', '.join(failed)}.")
    changed = [row.student for row in table.rows if guarded(row.student) != row.student]
    if changed:
        made.notes.append(
            f"These ids begin like a formula and have an apostrophe before them, so the LMS will not find them: {', '.join(changed)}."
        )
    return made


def _plain(table: Table, column: str, roster: list[dict[str, str]] | None, zero_missing: bool) -> Export:
    header = ["student", "last name", "first name", "email", "status"]
    header += [f"{c.title} ({c.points:g})" for c in table.columns]
    header += ["late penalty", f"sum ({table.max_points:g})"]
    rows = []
    for row in table.rows:
        points = [_number(row.points.get(c.grade_id)) for c in table.columns]
        total = _number(row.total if row.is_graded else 0.0 if zero_missing and not row.handed_in else None)
        rows.append(
            [
                *(row.student, row.last_name, row.first_name, row.email, _status(row)),
                *(*points, _number(row.penalty), total),
            ]
        )
    return Export([header, *rows], encoding="utf-8-sig")  # by the mark spreadsheets know that it is UTF-8


def _canvas(table: Table, column: str, roster: list[dict[str, str]] | None, zero_missing: bool) -> Export:
    rows, notes = _wanted(table, zero_missing)
    if roster is None:
        people = [
            [
                f"{row.last_name}, {row.first_name}".strip(", ") or row.student,
                row.lms_id if row.lms_id.isdecimal() else "",
                "" if row.lms_id.isdecimal() else row.lms_id,
                row.student,
                "",
            ]
            for row in rows
        ]
    else:
        if missing := [name for name in CANVAS if name not in roster[0] and not name.startswith("SIS")]:
            raise BadRoster(
                f"expected Canvas's exported gradebook, with the columns {', '.join(CANVAS)}; {missing[0]} is not there"
            )
        found = _matched(rows, roster, notes)
        rows = [row for row in rows if row.student in found]
        people = [[found[row.student].get(name, "") for name in CANVAS] for row in rows]
    header = [[*CANVAS, column], ["    Points Possible", "", "", "", "", _number(table.max_points)]]
    body = [[*person, _number(row.total)] for person, row in zip(people, rows, strict=True)]
    return Export([*header, *body], notes)


def _moodle(table: Table, column: str, roster: list[dict[str, str]] | None, zero_missing: bool) -> Export:
    rows, notes = _wanted(table, zero_missing)
    if roster is None:
        body = [
            [row.student, row.first_name, row.last_name, row.email, _number(row.total), feedback(table, row)]
            for row in rows
        ]
        return Export([[*MOODLE, column, f"{column} (feedback)"], *body], notes)
    header = list(roster[0])
    for name in ("Identifier", "Grade", "Last modified (grade)"):
        if name not in header:
            raise BadRoster(
                f"expected the grading worksheet of a Moodle assignment in English, with a column {name}; its columns are {', '.join(header)}"
            )
    found = _matched(rows, roster, notes)
    most = next(iter(roster[0].get(name, "") for name in header if name.lower() == "maximum grade"), "")
    if most and _float(most) != table.max_points:
        notes.append(
            f"Moodle's maximum for this assignment is {most}, the lesson's {table.max_points:g}: set the assignment's to the lesson's, or Moodle leaves out what is above."
        )
    for row in rows:
        if row.student in found:
            line = found[row.student]
            line["Grade"] = _number(row.total)
            if "Feedback comments" in line:
                line["Feedback comments"] = feedback(table, row)
    return Export([header, *([line[name] for name in header] for line in roster)], notes)


FORMS: dict[str, Callable[[Table, str, list[dict[str, str]] | None, bool], Export]] = {
    "csv": _plain,
    "canvas": _canvas,
    "moodle": _moodle,
}


def feedback(table: Table, row: Row) -> str:
    """Return what a student reads beside the sum: exercises without full points, what is not read yet, and comments."""
    if not row.handed_in:
        return "Nothing was handed in."
    lost = [
        f"{c.title} ({_number(points)} of {c.points:g})"
        for c in table.columns
        if (points := row.points.get(c.grade_id)) is not None and points < c.points
    ]
    sentences = [f"Not all points: {', '.join(lost)}." if lost else "All points so far."]
    if row.waits_for:
        sentences.append("Written answers are not read yet.")
    if row.penalty:
        sentences.append(f"Late: {_number(row.penalty)} taken off.")
    return " ".join([*sentences, *row.comments])


def _wanted(table: Table, zero_missing: bool) -> tuple[list[Row], list[str]]:
    """Return the rows whose sum an LMS shall have, and sentences on the others."""
    notes = []
    ungraded = [row.student for row in table.handed_in if not row.is_graded]
    if ungraded:
        notes.append(f"Handed in but not graded, and left out: {', '.join(ungraded)}.")
    if table.missing and not zero_missing:
        notes.append(f"Nothing handed in, and left out: {', '.join(row.student for row in table.missing)}.")
    return [row for row in table.rows if row.is_graded or (zero_missing and not row.handed_in)], notes


def read_roster(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file that an LMS exported, by its header. Raises BadRoster."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        separator = ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","
        reader = csv.DictReader(io.StringIO(text), delimiter=separator, restval="", restkey="…", strict=True)
        rows = [{k: v for k, v in row.items() if k != "…"} for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadRoster(f"{path} cannot be read as CSV in UTF-8: {error}") from None
    if not rows:
        raise BadRoster(f"{path} has no rows")
    return rows


def _matched(rows: list[Row], roster: list[dict[str, str]], notes: list[str]) -> dict[str, dict[str, str]]:
    """Return the roster's row of each student, found by whatever identifies: an id, a login, an address."""
    by: dict[str, list[dict[str, str]]] = {}
    for line in roster:
        for name in {_normal(line.get(column, "")) for column in IDENTIFIES} - {""}:
            by.setdefault(name, []).append(line)
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        lines = [by.get(_normal(name), []) for name in (row.lms_id, row.student, row.email) if name]
        only = next((one[0] for one in lines if len(one) == 1), None)
        if only is not None:
            found[row.student] = only
    if lost := [row.student for row in rows if row.student not in found]:
        notes.append(f"Not in the roster, and left out: {', '.join(lost)}.")
    return found


def _normal(name: str) -> str:
    return name.strip().casefold().removeprefix("participant ")


def _status(row: Row) -> str:
    if not row.handed_in:
        return "not handed in"
    if not row.is_graded:
        return "not graded"
    return "written answers to read" if row.waits_for else "graded"


def _number(points: float | None) -> str:
    return "" if points is None else f"{points:.4f}".rstrip("0").rstrip(".")


def _float(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None


def _count(n: int) -> str:
    return "1 student" if n == 1 else f"{n} students"
