"""nbgrader's own autograde with isolated execution and with its own, side by side: the same points for every honest submission.

Where the two differ is named here: a submission that ends Python, and what demo cells show.
"""

import subprocess
import sys

import nbformat
import pytest

from handmade.grading import demo
from handmade.grading.table import read_table

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("executor")]

HONEST = (
    "perfect", "perfect_in_other_idioms", "blank", "half_done", "one_wrong", "syntax_error", "writes_to_stderr", "cells_duplicated",
    "cells_reordered",
)  # fmt: skip
LEAVES = "def {name}(*args):\n    import os\n    os._exit(0)"


def make_desk(folder, root, lesson, execute):
    """Return a desk with the honest part of the class handed in, and one submission that ends Python."""
    folder.mkdir()
    config = demo._CONFIG.format(solutions=str(root / "solutions"), seconds=20)
    if execute == "stock":  # the one line of the configuration
        config += (
            "\nsteps = c.Autograde.autograde_preprocessors\n"
            "steps[steps.index('handmade.grading.executor.IsolatedExecute')] = 'nbgrader.preprocessors.Execute'\n"
        )
    (folder / "nbgrader_config.py").write_text(config)
    (folder / "secret_seed").write_text("31415")
    nbgrader(folder, "generate_assignment", lesson)
    made = demo.Lesson(lesson, nbformat.read(folder / "release" / lesson / f"{lesson}.ipynb", as_version=4))
    students = {s.name: s.hand_in(made) for s in demo.CLASS if s.name in HONEST}
    for name, files in students.items():
        place = folder / "submitted" / name / lesson
        place.mkdir(parents=True)
        for file, data in files.items():
            (place / file).write_bytes(data)
    return made


def hand_in(folder, lesson, student, notebook):
    place = folder / "submitted" / student / lesson
    place.mkdir(parents=True)
    nbformat.write(notebook, place / f"{lesson}.ipynb")


def nbgrader(folder, *command, ok=True):
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *command], cwd=folder, capture_output=True, text=True, timeout=550
    )
    assert done.returncode == 0 or not ok, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("lesson", ["01_matmul", pytest.param("09_multi_head", marks=pytest.mark.thorough)])
def test_points_are_those_of_stock_nbgrader(lesson, root, tmp_path):
    tables = {}
    for execute in ("stock", "isolated"):
        desk = tmp_path / execute
        make_desk(desk, root, lesson, execute)
        nbgrader(desk, "autograde", lesson)
        tables[execute] = {row.student: row.points for row in read_table(desk, lesson).rows}
    assert set(tables["stock"]) == set(HONEST)
    assert tables["isolated"] == tables["stock"]
    assert len({tuple(points.values()) for points in tables["stock"].values()}) >= 4


def test_where_the_two_differ(root, tmp_path):
    lesson = "01_matmul"
    tables = {}
    for execute in ("stock", "isolated"):
        desk = tmp_path / execute
        made = make_desk(desk, root, lesson, execute)
        for name in HONEST:
            hand_in_only = desk / "submitted" / name
            subprocess.run(["rm", "-r", str(hand_in_only)], check=True)
        hand_in(desk, lesson, "leaves", made.all_but("dot", LEAVES.format(name="dot")))
        hand_in(desk, lesson, "whole", made.perfect())
        nbgrader(desk, "autograde", lesson, ok=False)
        tables[execute] = {row.student: row for row in read_table(desk, lesson).rows}
    assert all(value is None for value in tables["stock"]["leaves"].points.values()), (
        "stock gives no grade at all"
    )
    points = {name: value for name, value in tables["isolated"]["leaves"].points.items() if value is not None}
    assert points["check_dot"] == 0
    assert sum(points.values()) >= 10, "only what needs that function is lost"
    graded = nbformat.read(tmp_path / "isolated/autograded/whole" / lesson / f"{lesson}.ipynb", as_version=4)
    stock = nbformat.read(tmp_path / "stock/autograded/whole" / lesson / f"{lesson}.ipynb", as_version=4)
    demos = [
        i for i, c in enumerate(graded.cells) if c.cell_type == "code" and not c.metadata.get("nbgrader")
    ]
    assert not any(graded.cells[i].outputs for i in demos), "demo cells are not run"
    assert all(stock.cells[i].outputs for i in demos)
    record = graded.metadata["handmade"]
    assert record["seconds"] < 60
    assert len(record["checks"]) == 16
