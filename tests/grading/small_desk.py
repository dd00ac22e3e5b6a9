"""A desk with a tiny lesson that takes no time to grade, and submissions that say what shall become of them."""

import copy
import json
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook
from nbgrader.converters import GenerateAssignment

from handmade.grading import cache
from handmade.grading.desk import Desk
from handmade.grading.grade import grade

LESSON = "01_tiny"
WORK = "grading.fake_work:execute"
CONFIG = """
from pathlib import Path
from handmade.grading.config import configure
c = get_config()
here = Path(__file__).resolve().parent
configure(c, root=here, solutions=here / "solutions")
"""


def make(folder: Path, release) -> Desk:
    """Make the desk in a folder, with the lesson generated."""
    source = folder / "solutions" / LESSON
    source.mkdir(parents=True)
    nbformat.write(release, source / f"{LESSON}.ipynb")
    (folder / "nbgrader_config.py").write_text(CONFIG)
    desk = Desk(folder)
    app = desk.application("GenerateAssignmentApp")
    assert desk.run(app, GenerateAssignment, LESSON, ".") == []
    return desk


def hand_in(desk: Desk, student: str, **answers: str) -> Path:
    """Hand in the release with these answers in the cells of these names."""
    notebook = copy.deepcopy(nbformat.read(desk.root / "release" / LESSON / f"{LESSON}.ipynb", as_version=4))
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name in answers:
            cell.source = answers[name]
    path = desk.root / "submitted" / student / LESSON / f"{LESSON}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook))
    return path


def hand_in_class(desk: Desk, n: int, line: str = "") -> None:
    """Hand in for n students: a third right, a third half right, a third with a known mistake; all different."""
    for i in range(n):
        answers = {"double": f"{line}\n# right {i}", "square": f"# right {i}"}
        if i % 3:
            answers["square"] = f"# {i}\n# misconception: added" if i % 3 == 1 else f"# {i} nothing"
        hand_in(desk, f"s{i:03}", **answers)


def run(desk: Desk, **options):
    """Grade the class with the stand-in for isolated execution."""
    return grade(desk, LESSON, work=WORK, **options)


def scores(desk: Desk) -> dict[tuple[str, str], tuple]:
    """Return what the gradebook holds of each student and cell; each is there once."""
    with Gradebook(desk.db_url, desk.course_id) as gradebook:
        rows = [
            (
                (submission.student.id, grade.name),
                (grade.auto_score, grade.manual_score, grade.needs_manual_grade),
            )
            for submission in gradebook.find_assignment(LESSON).submissions
            for notebook in submission.notebooks
            for grade in notebook.grades
        ]
    assert len(dict(rows)) == len(rows)
    return dict(rows)


def results(desk: Desk) -> list[Path]:
    """Return the files of the cache."""
    return sorted(cache.Cache(desk.root, LESSON).folder.glob("*"))
