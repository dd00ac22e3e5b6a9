"""A notebook as a learner sees it: unsolved, half solved, solved; no traceback where a message will do."""

import re
import subprocess
import sys

import nbformat
import pytest
import torch
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from handmade.learner import pace, parts, texts
from handmade.reference import gpt

pytestmark = pytest.mark.slow
LESSONS = texts.lesson_names()


def run(cells, cwd):
    notebook = new_notebook(cells=[new_code_cell(source) for source in cells])
    NotebookClient(
        notebook, timeout=60, allow_errors=True, resources={"metadata": {"path": str(cwd)}}
    ).execute()
    return notebook.cells


def shown(cell):
    return " ".join(
        o.get("text", "") or o.get("data", {}).get("text/plain", "") or o.get("evalue", "")
        for o in cell.outputs
    )


def kinds(cell):
    return [o.output_type for o in cell.outputs]


def test_calm_messages(tmp_path):
    cells = run(
        [
            "from __future__ import annotations\nimport numpy as np\nfrom handmade import check",
            'def dot(a: Num[ndarray, "n"], b):\n    raise NotImplementedError("not written yet")',
            "check.dot(dot)",
            "total = dot(1, 2)",
            "print(total)",
            "def dot(a, b):\n    return a * b",
            "check.dot(dot)",
            "check.column_pieces(column_pieces)",
            "print(something_else)",
            "def dot(a, b):\n    print('looking', a)\n    if a.shape != b.shape: raise ValueError\n    return a @ b",
            "check.dot(dot)",
            "check.dott(dot)",
            "raise NotImplementedError('a thought of my own')",
        ],
        tmp_path,
    )
    assert "not written yet" in shown(cells[2])
    assert "this cell waits for dot" in shown(cells[3])
    assert "this cell waits for dot" in shown(cells[4])
    assert "left the products apart" in shown(cells[6])
    assert "column_pieces does not exist yet" in shown(cells[7])
    assert "✓ dot" in shown(cells[10])
    assert "looking" in shown(cells[10])
    for number in (2, 3, 4, 6, 7, 10):
        assert kinds(cells[number]) == ["display_data"], number
    assert kinds(cells[8]) == ["error"], "an ordinary mistake keeps its ordinary traceback"
    assert "did you mean 'dot'" in shown(cells[11])
    assert kinds(cells[12]) == ["error"]


def test_hints_guesses_and_rubrics(tmp_path):
    (tmp_path / ".handmade").mkdir()
    cells = run(
        [
            "from handmade import check",
            'check.hint("dot")',
            'check.hint("dot")',
            'check.hint("dot", level=1)',
            'check.predict("stretched", guess=None)',
            'check.predict("stretched", guess=0.6)',
            'check.reveal("stretched", 0.6)',
            'check.rubric("why_layers_collapse", answered=False)',
            'check.rubric("why_layers_collapse", answered=True)',
            'check.hint("dto")',
        ],
        tmp_path,
    )
    assert "Hint 1 of 3" in shown(cells[1])
    assert "Hint 2 of 3" in shown(cells[2])
    assert "Hint 1 of 3" in shown(cells[3])
    assert "your guess first" in shown(cells[4])
    assert "You guessed 0.6. It is 0.6." in shown(cells[6])
    assert "1 point" not in shown(cells[7])
    assert "1 point" in shown(cells[8])
    assert "did you mean 'dot'" in shown(cells[9])
    record = (tmp_path / ".handmade/progress.jsonl").read_text()
    assert re.findall(r'"level": (\d)', record) == ["1", "2"]


@pytest.fixture(autouse=True)
def short_setting(monkeypatch):
    """Long lessons train for a few steps, and say so."""
    monkeypatch.setenv(pace.VARIABLE, "1")


def run_lesson(path, cwd):
    """Run a lesson's notebook from top to bottom and return its code cells: no error, nothing on stderr, all tags right."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=600, allow_errors=True, resources={"metadata": {"path": str(cwd)}}
    )
    client.execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in cells:
        assert "error" not in kinds(cell), f"{path.name}: {cell.source}: {shown(cell)}"
        assert not any(o.get("name") == "stderr" for o in cell.outputs), shown(cell)
        if "raises-exception" not in cell.metadata.get("tags", []):
            assert "○ this cell waits" not in shown(cell), "this cell needs an exercise and is not tagged"
    return cells


@pytest.mark.parametrize("lesson", LESSONS)
def test_an_unsolved_notebook_runs_from_top_to_bottom(lesson, root, tmp_path):
    cells = run_lesson(root / f"course/{lesson}/{lesson}.ipynb", tmp_path)
    for cell in cells:
        if cell.metadata.get("nbgrader", {}).get("grade"):
            assert "not written yet" in shown(cell)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a learner who solves one lesson after another."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / ".handmade").mkdir()
    return folder


@pytest.mark.xdist_group("solves the course")
@pytest.mark.parametrize("lesson", LESSONS)
def test_a_solved_notebook_runs_from_top_to_bottom(lesson, root, finished):
    cells = run_lesson(root / f"solutions/{lesson}/{lesson}.ipynb", finished)
    for cell in cells:
        if "hidden=True" in cell.source:
            assert "✓" in shown(cell)


@pytest.mark.xdist_group("solves the course")
def test_who_solves_the_course_owns_all_of_it_and_needs_nothing_else(finished, monkeypatch):
    monkeypatch.chdir(finished)
    states = {name: state for _, name, state in parts.table()}
    assert set(states.values()) == {"yours"}
    modules = sorted(path.stem for path in (finished / "my_gpt").glob("*.py") if path.stem != "__init__")
    # The small GPT of the course, with numbers that a seed gives, and what it answers.
    sizes = {"vocab_size": 11, "context_length": 9, "d_model": 12, "n_layers": 2, "n_heads": 3, "d_mlp": 20}
    model = gpt.GPT(gpt.GPTConfig(**sizes))
    generator = torch.Generator().manual_seed(0)
    for _, numbers in sorted(model.state_dict().items()):
        numbers.normal_(0, 0.5, generator=generator)
    ids = torch.randint(11, (2, 9), generator=generator)
    with torch.no_grad():
        expected = model(ids)
    torch.save({"sizes": sizes, "weights": model.state_dict(), "ids": ids, "logits": expected}, "expected.pt")
    program = (
        "import importlib, sys; sys.modules['handmade'] = None\n"
        f"for name in {modules}: importlib.import_module(f'my_gpt.{{name}}')\n"
        "import torch; from my_gpt.gpt import GPT, GPTConfig\n"
        "course = torch.load('expected.pt')\n"
        "model = GPT(GPTConfig(**course['sizes'])); model.load_state_dict(course['weights'])\n"
        "assert (model(course['ids']) - course['logits']).abs().max() < 1e-5\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=finished, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
