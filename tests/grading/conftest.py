"""A small release, made by hand, and the lesson's own."""

import copy
import shutil

import nbformat
import pytest
from grading import small_desk
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from handmade.grading.config import STUB
from handmade.grading.desk import Desk

STUB_BODY = "    " + STUB.replace("\n", "\n    ")


def marks(grade_id, **flags):
    """Return nbgrader's marks of a cell."""
    base = {"grade": False, "locked": False, "solution": False, "task": False, "schema_version": 3}
    return {"nbgrader": base | flags | {"grade_id": grade_id}}


def exercise(name):
    """Return an exercise's solution cell, as handed out, and its check."""
    return [
        new_code_cell(f"def {name}(x):\n{STUB_BODY}", id=name, metadata=marks(name, solution=True)),
        new_code_cell(
            f"assert {name}(2) == 4",
            id=f"check-{name}",
            metadata=marks(f"check_{name}", grade=True, locked=True, points=2),
        ),
    ]


def small_release():
    """Return two exercises, a demo cell and a written question."""
    return new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        cells=[
            new_markdown_cell("# A lesson", id="title"),
            new_code_cell("import math", id="setup", metadata=marks("setup", locked=True)),
            new_markdown_cell("Double it.", id="double-text"),
            *exercise("double"),
            new_code_cell("print(double(21))", id="demo"),
            *exercise("square"),
            new_markdown_cell("**Why?**", id="why", metadata=marks("why", task=True, locked=True, points=3)),
            new_markdown_cell("*Write your answer here.*", id="answer"),
        ],
    )


@pytest.fixture
def release():
    """Two exercises, a demo cell and a written question."""
    return small_release()


@pytest.fixture
def done(release):
    """The release, solved, with a helper and an answer of the learner's own."""
    notebook = copy.deepcopy(release)
    cell(notebook, "double").source = "def double(x):\n    return helper(x) * 2"
    cell(notebook, "square").source = "def square(x):\n    return x * x"
    notebook.cells.insert(3, new_code_cell("def helper(x):\n    return x", id="my-helper"))
    notebook.cells[-1].source = "Because it grows."
    return notebook


def cell(notebook, grade_id):
    """Return the cell of this grade_id."""
    return next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def grade_ids(notebook):
    """Return the grade_ids in a notebook, in its order."""
    found = [c.metadata.get("nbgrader", {}).get("grade_id") for c in notebook.cells]
    return [name for name in found if name]


@pytest.fixture(scope="session")
def desk_to_copy(tmp_path_factory):
    """A desk with the small lesson, generated once."""
    return small_desk.make(tmp_path_factory.mktemp("desk"), small_release())


@pytest.fixture
def another_desk(desk_to_copy, tmp_path_factory, root, monkeypatch):
    """Return a function that makes a fresh desk with the small lesson, whose runners find the tests' stand-ins."""
    monkeypatch.setenv("PYTHONPATH", str(root / "tests"))

    def make():
        folder = tmp_path_factory.mktemp("desk") / "desk"
        shutil.copytree(desk_to_copy.root, folder)
        return Desk(folder)

    return make


@pytest.fixture
def desk(another_desk):
    """A fresh desk with the small lesson."""
    return another_desk()


@pytest.fixture(scope="session")
def lesson_release(root):
    """Lesson 01 as it is handed out."""
    return nbformat.read(root / "course/01_matmul/01_matmul.ipynb", as_version=4)


@pytest.fixture(scope="session")
def zygote():
    """A warm interpreter for isolated workers."""
    from handmade.grading.zygote import Zygote

    with Zygote() as made:
        yield made
