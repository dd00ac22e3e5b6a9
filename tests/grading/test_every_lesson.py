"""Every lesson, graded by stock nbgrader and by isolated execution: the same points in every cell.

Cells that only show something are left out, so that this takes minutes: they are run in test_executor, for two lessons.
"""

import nbformat
import pytest
from grading.isolated import points_by_cell
from grading.stock import STOCK
from nbgrader.converters import Autograde, GenerateAssignment

from handmade.checks.exercise import SEED_VARIABLE
from handmade.grading import demo
from handmade.grading.desk import Desk
from handmade.grading.execution import graded_cells, handed_out_cells
from handmade.grading.selection import that_run
from handmade.grading.table import read_table

pytestmark = [pytest.mark.slow, pytest.mark.thorough, pytest.mark.xdist_group("every lesson")]
LESSONS = (
    "00_start_here", "01_matmul", "02_perceptron", "03_xor_mlp", "04_learning", "05_tokens", "06_embeddings",
    "07_next_token", "08_attention", "09_multi_head", "10_mlp", "11_gpt", "12_training", "13_generation",
)  # fmt: skip


def test_these_are_all_lessons(root):
    assert [path.name for path in sorted((root / "course").iterdir()) if path.is_dir()] == list(LESSONS)


@pytest.fixture(scope="module")
def desk(root, tmp_path_factory):
    """A desk on which nbgrader's own execution is in place of ours."""
    folder = tmp_path_factory.mktemp("desk")
    config = demo._CONFIG.format(solutions=str(root / "solutions"), seconds=120)
    (folder / "nbgrader_config.py").write_text(config + STOCK)
    (folder / "secret_seed").write_text("1618")
    return Desk(folder)


def class_of(lesson):
    """Return who hands in what: everything solved; the first half, with one known mistake, and nothing else."""
    half = lesson.names[: (len(lesson.names) + 1) // 2]
    return {
        "all": lesson.perfect(),
        "half": lesson.notebook({name: lesson.right(name) for name in half} | dict([mistaken(lesson)])),
    }


def mistaken(lesson):
    try:
        return lesson.wrong()
    except LookupError:  # none of its mistakes stands alone
        name = lesson.names[0]
        return name, f"def {name}(*inputs, **named):\n    return 7"


def leave_out_what_only_shows(notebook, handed_out):
    """Leave out the cells as they were handed out that no answer needs."""
    cells = [c for c in notebook.cells if c.cell_type == "code"]
    chosen = that_run([(c.source, "nbgrader" in c.metadata) for c in cells], handed_out)
    kept = {c.id for i, c in enumerate(cells) if i in chosen}
    notebook.cells = [c for c in notebook.cells if c.cell_type != "code" or c.id in kept]


@pytest.mark.parametrize("name", LESSONS)
def test_points_are_those_of_stock_nbgrader(name, desk, root, zygote, monkeypatch):
    monkeypatch.setenv("HANDMADE_SHORT", "1")
    monkeypatch.setenv(SEED_VARIABLE, "")  # nbgrader's exporter sets it; put back afterwards
    assert desk.run(desk.application("GenerateAssignmentApp"), GenerateAssignment, name, ".") == []
    lesson = demo.Lesson(name, nbformat.read(desk.root / "release" / name / f"{name}.ipynb", as_version=4))
    graded = graded_cells(nbformat.read(root / "solutions" / name / f"{name}.ipynb", as_version=4))
    handed_out = handed_out_cells(lesson.release)
    submissions = class_of(lesson)
    for student, notebook in submissions.items():
        leave_out_what_only_shows(notebook, handed_out)
        path = desk.root / "submitted" / student / name / f"{name}.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)
    assert desk.run(desk.application("AutogradeApp"), Autograde, name) == []
    stock = {row.student: row.points for row in read_table(desk.root, name).rows}
    full = {f"check_{n}": lesson.exercises[n].points for n in lesson.names}
    for student, notebook in submissions.items():
        ours = points_by_cell(notebook, zygote, graded=graded, handed_out=handed_out, seed=desk.seed)
        assert ours == {name: stock[student][name] for name in ours}
        assert ours == full if student == "all" else 0 < sum(ours.values()) < sum(full.values())
