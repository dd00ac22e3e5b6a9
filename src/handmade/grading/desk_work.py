"""What the command line does at an instructor's desk, in one place: imported only where a command needs it."""

from __future__ import annotations

from collections.abc import Callable

from nbgrader.converters import GenerateFeedback

from handmade.grading.cluster import NoCluster
from handmade.grading.desk import Busy, Desk, NoDesk
from handmade.grading.grade import NotIsolated, grade
from handmade.grading.intake import NoRelease
from handmade.grading.lms import BadRoster, export
from handmade.grading.report import text, write_report
from handmade.grading.table import read_table

__all__ = [
    "Desk",
    "export",
    "grade",
    "make_feedback",
    "read_table",
    "text",
    "write_report",
]

# What an instructor can mend; each says how.
MISTAKES = (BadRoster, Busy, FileNotFoundError, NoCluster, NoDesk, NoRelease, NotIsolated, PermissionError)


def make_feedback(
    desk: Desk, lesson: str, students: str = "*", after_each: Callable[[], None] = lambda: None
) -> list[str]:
    """Make the feedback pages anew, and return a sentence for each thing that went wrong."""
    app = desk.application("GenerateFeedbackApp")
    return desk.run(app, GenerateFeedback, lesson, students, after_each=after_each)
