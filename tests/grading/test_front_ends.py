"""A notebook that comes from Colab or VS Code gets the same points in every cell as one that Jupyter saved."""

import json
import re
import subprocess
import sys

import nbformat
import pytest
from grading.front_ends import FRONT_ENDS, saved
from grading.isolated import points_by_cell
from grading.stock import AS_IT_COMES
from grading.test_every_lesson import leave_out_what_only_shows

from handmade.grading import demo
from handmade.grading.execution import graded_cells, handed_out_cells
from handmade.grading.intake import load_record, take_in
from handmade.grading.table import read_table

LESSONS = ("01_matmul", "08_attention")
NO_IDS = "Cell ids were missing; each cell has one again."
NO_MARKS = re.compile(r"The marks for grading were missing on \d+ cells \(.*\); they were put back\.")
REPAIRS = {  # what is recorded, a front end; of the others nothing
    "colab": [NO_IDS],
    "colab_to_github": [NO_IDS],
    "colab_sources_as_text": [NO_IDS],
    "colab_without_marks": [NO_MARKS, NO_IDS],
    "vscode_4_2": [NO_IDS],
    "vscode_without_marks": [NO_MARKS],
    "nothing_left": [NO_MARKS, NO_IDS],
}
IN_STOCK = (
    "colab",
    "colab_with_ids",
    "vscode_4_2",
    "vscode_new_ids",
)  # what stock can grade: the marks are there
WORDS = "Because the matrices between are never used alone."
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("front ends")]


class Case:
    """A lesson, and a learner's notebook of it: one answer wrong, one by a helper in a cell of their own, one not written."""

    def __init__(self, name, root):
        release = nbformat.read(root / "course" / name / f"{name}.ipynb", as_version=4)
        source = nbformat.read(root / "solutions" / name / f"{name}.ipynb", as_version=4)
        self.lesson = demo.Lesson(name, release)
        self.graded, self.handed_out = graded_cells(source), handed_out_cells(release)
        self.notebook = self._learners()

    def _learners(self):
        lesson = self.lesson
        names = lesson.names
        helped, unwritten = names[1], names[2]
        notebook = lesson.notebook(
            {name: lesson.right(name) for name in names if name != unwritten}
            | dict([lesson.wrong()])
            | {helped: f"def {helped}(*inputs, **named):\n    return my_way(*inputs, **named)"}
        )
        place = next(i for i, c in enumerate(notebook.cells) if c.source.startswith(f"def {helped}"))
        own = lesson.right(helped).replace(f"def {helped}(", "def my_way(")
        notebook.cells.insert(place, nbformat.v4.new_code_cell(own, id="my-helper"))
        answer = next(c for c in notebook.cells if c.source.startswith("*Write your answer here"))
        answer.source = WORDS
        return notebook

    def file(self, front_end):
        """Return the file as a front end saves it; "jupyter" leaves it as it is."""
        raw = json.loads(nbformat.writes(self.notebook))
        for cell in raw["cells"]:
            cell["source"] = "".join(cell["source"])
        return json.dumps(raw).encode() if front_end == "jupyter" else saved(raw, front_end)

    def taken_in(self, folder, data, name=""):
        """Return the notebook as it is graded, and what was repaired, after a student handed in this file."""
        lesson = self.lesson.name
        for place, content, file in (
            ("release", nbformat.writes(self.lesson.release).encode(), f"{lesson}.ipynb"),
            ("submitted/ada", data, name or f"{lesson}.ipynb"),
        ):
            path = folder / place / lesson / file
            path.parent.mkdir(parents=True)
            path.write_bytes(content)
        take_in(folder, lesson)
        record = load_record(folder, "ada", lesson)
        notebook = nbformat.read(folder / "submitted/ada" / lesson / f"{lesson}.ipynb", as_version=4)
        return notebook, record.sentences if record else []

    def points(self, notebook, zygote):
        """Return the points of each graded cell, as nbgrader reads them."""
        return points_by_cell(notebook, zygote, graded=self.graded, handed_out=self.handed_out, seed=5)


@pytest.fixture(scope="module", params=LESSONS)
def case(request, root):
    return Case(request.param, root)


@pytest.fixture(scope="module")
def usual(case, zygote, tmp_path_factory):
    """The points of the notebook that Jupyter saved."""
    notebook, repairs = case.taken_in(tmp_path_factory.mktemp("jupyter"), case.file("jupyter"))
    assert repairs == []
    points = case.points(notebook, zygote)
    lost = {name for name, value in points.items() if not value}
    assert lost >= {f"check_{case.lesson.wrong()[0]}", f"check_{case.lesson.names[2]}"}
    assert len(lost) < len(points) / 2
    return points


@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_the_same_points_and_what_was_repaired_is_on_record(front_end, case, usual, zygote, tmp_path):
    notebook, repairs = case.taken_in(tmp_path, case.file(front_end))
    expected = REPAIRS.get(front_end, [])
    assert len(repairs) == len(expected)
    for sentence, words in zip(repairs, expected, strict=True):
        assert sentence == words if isinstance(words, str) else words.fullmatch(sentence)
    assert case.points(notebook, zygote) == usual
    assert [c.source for c in notebook.cells].count(WORDS) == 1
    marked = [c.metadata.nbgrader.grade_id for c in notebook.cells if "nbgrader" in c.metadata]
    parts = [c.metadata.nbgrader.grade_id for c in case.lesson.release.cells if "nbgrader" in c.metadata]
    assert marked == parts


@pytest.mark.parametrize(
    "name", ["{} (1).ipynb", "Copy of {}.ipynb", "{}.ipynb.json", "Copy of {} (2).IPYNB"]
)
def test_a_file_with_another_name(name, case, usual, zygote, tmp_path):
    name = name.format(case.lesson.name)
    notebook, repairs = case.taken_in(tmp_path, case.file("colab"), name)
    right = f"{case.lesson.name}.ipynb"
    assert repairs == [f"The notebook is named `{name}`; it was graded as `{right}`.", NO_IDS]
    assert case.points(notebook, zygote) == usual


@pytest.mark.thorough
@pytest.mark.parametrize("name", LESSONS)
def test_stock_nbgrader_gives_the_same_where_the_marks_are_there(name, root, tmp_path, zygote):
    """On nbgrader's own configuration, without our repairs; and without the cells that only show something, to save time."""
    case, desk = Case(name, root), tmp_path / "desk"
    leave_out_what_only_shows(case.notebook, case.handed_out)
    desk.mkdir()
    config = demo._CONFIG.format(solutions=str(root / "solutions"), seconds=60)
    (desk / "nbgrader_config.py").write_text(config + AS_IT_COMES)
    for student in ("jupyter", *IN_STOCK):
        path = desk / "submitted" / student / name / f"{name}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_bytes(case.file(student))
    for command in ("generate_assignment", "autograde"):
        said = subprocess.run(
            [sys.executable, "-m", "nbgrader", command, name],
            cwd=desk,
            capture_output=True,
            text=True,
            timeout=500,
        )
        assert said.returncode == 0, said.stdout + said.stderr
    rows = {row.student: row.points for row in read_table(desk, name).rows}
    assert set(rows) == {"jupyter", *IN_STOCK}
    assert all(points == rows["jupyter"] for points in rows.values())
    notebook, _ = case.taken_in(tmp_path / "ours", case.file("jupyter"))
    ours = case.points(notebook, zygote)
    assert {name: rows["jupyter"][name] for name in ours} == ours
