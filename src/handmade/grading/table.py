"""The class in one table: points by exercise, the sum, and what happened to the submission."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry

from handmade.grading.desk import recorded


@dataclass(frozen=True)
class Row:
    """One student's result: points by grade id ("check_dot"), in the notebook's order, and the repairs."""

    student: str
    points: dict[str, float]
    maximum: float
    happened: tuple[str, ...]

    @property
    def total(self) -> float:
        """The sum of the points that were given automatically or by hand."""
        return sum(self.points.values())


def rows(root: Path, lesson: str) -> list[Row]:
    """Return a row for each student with a submission folder, in alphabetical order."""
    found = []
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}", "handmade-gpt") as gradebook:
        for folder in sorted((root / "submitted").glob(f"*/{lesson}")):
            student = folder.parent.name
            record = recorded(root, student, lesson)
            happened = [sentence for entry in record.values() for sentence in entry["repairs"]]
            points: dict[str, float] = {}
            maximum = 0.0
            try:
                submission = gradebook.find_submission(lesson, student)
            except MissingEntry:
                happened.append("No notebook was handed in: there is nothing to grade.")
            else:
                for notebook in submission.notebooks:
                    points |= {g.name: g.score or 0.0 for g in notebook.grades if g.cell.cell_type == "code"}
                    maximum += sum(g.max_score for g in notebook.grades if g.cell.cell_type == "code")
            found.append(Row(student, points, maximum, tuple(happened)))
    return found


def text(table: list[Row]) -> str:
    """Return the rows as text: a column for each exercise, then the sum, then what happened."""
    names = list(max((row.points for row in table), key=len, default={}))
    width = max([len(row.student) for row in table], default=7)
    heads = [name.removeprefix("check_") for name in names]
    lines = ["  ".join([f"{'student':<{width}}", *heads, "sum", "what happened"])]
    for row in table:
        cells = [f"{row.points.get(n, 0.0):>{len(h)}g}" for n, h in zip(names, heads, strict=True)]
        what = (
            row.happened[0] + (f" (and {len(row.happened) - 1} more)" if len(row.happened) > 1 else "")
            if row.happened
            else ""
        )
        lines.append("  ".join([f"{row.student:<{width}}", *cells, f"{row.total:>3g}", what]).rstrip())
    return "\n".join(lines)
