"""What the build makes of a text: cells, tags and ids; which files go out, and which are taken away again."""

import ast
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell
from small_lesson import GOOD, exercises

import handmade.reference
from handmade import checks
from handmade.checks.exercise import Exercise
from handmade.learner import origin
from handmade.lessons.build import build, lesson_names, stale
from handmade.lessons.lesson import LessonError
from handmade.lessons.notebook import _tag_cells_that_need_exercises, source_notebook
from handmade.lessons.source import answer_lines, exercise_source, given_source, learner_imports
from handmade.lessons.text import read_lesson


def load(lesson):
    return exercises("dot")


def silent(text):
    pass


def cells(place, text):
    root, path = place
    path.write_text(text)
    return source_notebook(read_lesson(path, exercises("dot"), root), exercises("dot")).cells


@pytest.mark.parametrize(
    ("sources", "may_fail"),
    [
        (["x = 1", "print(x)"], []),
        (["y = dot(a, b)", "print(y)", "z = y + 1", "print(z)"], [0, 1, 2, 3]),
        (["x = 1\ny = dot(a, b)\nz = 2", "print(x)", "print(z)"], [0, 2]),
        (["y = dot(a, b)", "y = 3", "print(y)"], [0]),
        (["y = dot(a, b)", "if maybe:\n    y = 3", "print(y)"], [0, 2]),
        (["y = dot(a, b)", "y += 1", "print(y)"], [0, 1, 2]),
        (["def use(a):\n    return dot(a, a)", "use(2)"], [0, 1]),
        (["class Use:\n    def it(self): return dot(1, 1)", "Use().it()"], [0, 1]),
        (["table = {}", "table['a'] = dot(a, b)", "print(table['a'])"], [1, 2]),
        (["for x in rows:\n    last = dot(x, x)", "print(last)"], [0, 1]),
        (["[dot(x, x) for x in rows]"], [0]),
        (["dot = other", "dot(1, 2)"], [1]),
        (["with figure() as f:\n    g = dot(a, b)", "print(f, g)"], [0, 1]),
        (["import numpy as np\nnp.dot(a, b)"], []),
        (["print('dot')"], []),
    ],
)
def test_cells_that_need_an_exercise_are_tagged(sources, may_fail):
    made = [new_code_cell(source) for source in sources]
    _tag_cells_that_need_exercises(made, {"dot"})
    assert [i for i, cell in enumerate(made) if cell.metadata.get("tags")] == may_fail


def test_a_tag_of_the_author_stays(place):
    made = cells(place, GOOD.replace("total = dot", ":tags: [hide-input]\n\ntotal = dot"))
    assert ["hide-input", "raises-exception"] in [cell.metadata.get("tags") for cell in made]


def test_markdown_is_joined_unless_the_author_or_a_heading_parts_it(place):
    two = cells(
        place, GOOD.replace("Some words.", "Some words.\n\n```{code-cell} ipython3\n1\n```\n\nA\n\n+++\n\nB")
    )
    words = [cell.source for cell in two if cell.cell_type == "markdown"]
    assert "A" in words
    assert any(source.startswith("B\n\n**`dot`**") for source in words)


def test_the_first_cells(place):
    made = cells(place, GOOD)
    assert made[0].source.startswith("# 01 · A lesson")
    assert made[1].metadata.nbgrader.grade_id == "setup"
    assert made[1].metadata.nbgrader.locked
    assert made[1].source.splitlines()[0].startswith("from __future__ import annotations")
    assert "import numpy as np" in made[1].source
    assert "jaxtyping" not in made[1].source
    assert "from handmade import check" in made[1].source
    assert made[1].source.endswith('check.begin("01_matmul")')


def test_a_badge_leads_to_the_notebook_in_colab_and_the_set_up_installs_only_there(place, monkeypatch):
    title, setup = cells(place, GOOD)[:2]
    address = "https://colab.research.google.com/github/handmade-gpt/handmade-gpt/blob/main/course/01_matmul/01_matmul.ipynb"
    assert f"[![Open in Colab](attachment:colab.png)]({address})" in title.source
    assert title.attachments["colab.png"]["image/png"].startswith("iVBOR"), (
        "the picture comes with the notebook"
    )
    asked = []
    install = setup.source.partition("from handmade")[0]
    shell = SimpleNamespace(run_line_magic=lambda *words: asked.append(words))
    exec(install, {"get_ipython": lambda: shell})
    assert asked == []
    monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
    exec(install, {"get_ipython": lambda: shell})
    assert asked == [("pip", f"install -q git+{origin.repository()}")]


def test_ids_stay_when_another_cell_changes(place):
    before = [cell.id for cell in cells(place, GOOD)]
    after = [cell.id for cell in cells(place, GOOD.replace("total = dot", "print(1)\ntotal = dot"))]
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 1


def test_equal_cells_have_different_ids(place):
    twice = "```{code-cell} ipython3\nprint(1)\n```\n\n"
    made = [c for c in cells(place, GOOD.replace("## In", f"{twice}{twice}## In")) if c.source == "print(1)"]
    assert made[1].id == f"{made[0].id}-2"


def test_only_what_is_for_learners_goes_out(place):
    """An editor's or git's copies of a text hold its rubrics."""
    root, path = place
    for name in ("01_matmul.md~", ".01_matmul.md.swp", "01_matmul.md.orig", "01_matmul.md.bak", "#01_matmul.md#",
                 "notes.md", "zh.po", "zh.po~", "scratch.ipynb", "01_matmul.rej"):  # fmt: skip
        path.with_name(name).write_text(GOOD if not name.endswith("ipynb") else "{}")
    (path.parent / ".ipynb_checkpoints").mkdir()
    (path.parent / ".ipynb_checkpoints/01_matmul-checkpoint.md").write_text(GOOD)
    (path.parent / "data").mkdir()
    (path.parent / "data/points.csv").write_text("1,2\n")
    path.with_name("drawing.svg").write_text("<svg/>")
    build(root, load=load, say=silent)
    released = {
        p.relative_to(root / "course").as_posix() for p in (root / "course").rglob("*") if p.is_file()
    }
    assert released == {"01_matmul/01_matmul.ipynb", "01_matmul/data/points.csv", "01_matmul/drawing.svg"}


def test_a_picture_that_is_gone_goes_from_the_release(place):
    root, path = place
    path.with_name("drawing.svg").write_text("<svg/>")
    build(root, load=load, say=silent)
    path.with_name("drawing.svg").unlink()
    assert stale(root, load=load) == [Path("course/01_matmul/drawing.svg")]
    said = []
    assert build(root, load=load, say=said.append) == [Path("course/01_matmul/drawing.svg")]
    assert "removed course/01_matmul/drawing.svg" in said[-1]
    assert stale(root, load=load) == []


def test_a_lesson_that_is_gone_leaves_nothing(place):
    root, path = place
    build(root, load=load, say=silent)
    (root / "course/README.md").write_text("not a lesson")
    (root / "course/.ipynb_checkpoints").mkdir()
    path.unlink()
    gone = {
        Path("course/01_matmul"),
        Path("solutions/01_matmul/01_matmul.ipynb"),
        Path("src/handmade/learner/texts/01_matmul.json"),
    }
    assert set(stale(root, load=load)) == gone
    assert set(build(root, load=load, say=silent)) == gone
    assert not any((root / path).exists() for path in gone)
    assert (root / "course/README.md").exists()


def test_a_text_under_another_name_is_not_passed_over(place):
    root, path = place
    path.rename(path.with_name("matmul.md"))
    with pytest.raises(LessonError, match=r"solutions/01_matmul/matmul\.md:1: .* belongs in 01_matmul\.md"):
        lesson_names(root)


def test_lessons_by_name(place):
    root, _ = place
    assert len(build(root, ["01_matmul"], load=load, say=silent)) == 3
    with pytest.raises(LessonError, match="no lesson '02_other'; there are 01_matmul"):
        build(root, ["02_other"], load=load, say=silent)


def test_a_lesson_without_checks_or_reference(place):
    root, _ = place
    with pytest.raises(LessonError, match=r"01_matmul\.md:1: .*not there: handmade\.checks\.matmul2"):
        build(root, load=lambda lesson: checks.load_lesson("matmul2"), say=silent)
    nowhere = Exercise("dot", "nowhere", 1, 1, 5, False, 5.0, (), lambda rng: iter(()))
    with pytest.raises(LessonError, match=r":\d+: there is no module handmade\.reference\.nowhere"):
        build(root, load=lambda lesson: {"dot": nowhere}, say=silent)


def test_the_command(place):
    root, path = place
    path.write_text(GOOD.replace("{exercise} dot", "{exercise} dott"))
    run = [sys.executable, "-m", "handmade.lessons", "--root", str(root)]
    done = subprocess.run(run, capture_output=True, text=True)
    assert done.returncode == 1
    assert "solutions/01_matmul/01_matmul.md:12: unknown exercise 'dott'" in done.stderr
    assert "Traceback" not in done.stderr
    path.unlink()
    (root / "course/01_matmul").mkdir(parents=True)
    done = subprocess.run([*run, "--check"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout == "not up to date: course/01_matmul (run `make build`)\n"


MODULE = '''
"""A lesson."""

from __future__ import annotations

import functools
from collections.abc import (
    Callable,
)

from jaxtyping import Num


@functools.cache
def dot(
    a: Callable,
) -> str:
    """Text that
reaches the margin.
    """
    ### BEGIN SOLUTION
    first = "a long enough line"  # with a remark
    text = """
at the margin
"""
    return text
    ### END SOLUTION


# About the class.
class Value:
    def go(self):
        ### BEGIN SOLUTION
        return 1
        ### END SOLUTION

    def back(self):
        ### BEGIN SOLUTION
        return 2
        ### END SOLUTION


def bare():
    return 1


def unfinished():
    ### BEGIN SOLUTION
    return 1
'''


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """The exercise of this name, whose reference is in MODULE."""
    (tmp_path / "tiny.py").write_text(MODULE)
    monkeypatch.setattr(handmade.reference, "__path__", [str(tmp_path)])
    return lambda name: Exercise(name, "tiny", 1, 1, 5, False, 5.0, (), lambda rng: iter(()))


def test_an_exercise_is_copied_whole(tiny):
    source = exercise_source(tiny("dot"))
    assert source.startswith("@functools.cache\ndef dot(\n")
    assert source.endswith("    return text\n    ### END SOLUTION")
    source = exercise_source(tiny("Value"))
    assert source.startswith("class Value:")
    assert source.endswith("        return 2\n        ### END SOLUTION")
    for name in ("bare", "unfinished"):
        with pytest.raises(LookupError, match=f"handmade.reference.tiny.{name} needs '### BEGIN SOLUTION'"):
            exercise_source(tiny(name))
    with pytest.raises(LookupError, match="defines no 'other'"):
        exercise_source(tiny("other"))


def test_a_given_helper_is_copied_whole(tiny):
    assert given_source("tiny", "bare") == "def bare():\n    return 1"
    with pytest.raises(LookupError, match="holds a solution"):
        given_source("tiny", "dot")


def test_a_remark_does_not_hide_a_line_of_the_answer(tiny):
    assert answer_lines(tiny("dot")) == ['first="alongenoughline"']


def test_learners_get_the_plain_imports(tiny):
    assert learner_imports("tiny") == ["import functools", "from collections.abc import (\n    Callable,\n)"]


@pytest.mark.parametrize("lesson", checks.lessons())
def test_every_solution_in_the_reference_has_a_check_and_every_lesson_its_text(lesson, root):
    text = (root / f"src/handmade/reference/{lesson}.py").read_text()
    solved = [
        node.name
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and "### BEGIN SOLUTION" in "\n".join(text.splitlines()[node.lineno : node.end_lineno])
    ]
    assert solved == list(checks.load_lesson(lesson))
    assert [name for name in lesson_names(root) if name.partition("_")[2] == lesson]


def test_texts_show_no_machinery_on_github(root):
    """A directive in backticks would show as code; one in colons shows as its words."""
    for lesson in lesson_names(root):
        text = (root / f"solutions/{lesson}/{lesson}.md").read_text()
        assert "```{exercise}" not in text
        inside = False
        for line in text.splitlines():
            if line.startswith("::::"):
                inside = "{" in line
            assert not (inside and line.startswith("```{code-cell}")), line


def test_what_a_cell_reveals_is_shown(root):
    """A notebook shows what a cell's last statement gives: what `check.reveal` gives in the middle is lost."""
    for lesson in lesson_names(root):
        notebook = nbformat.read(root / f"course/{lesson}/{lesson}.ipynb", as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                lost = [ast.unparse(node) for node in ast.parse(cell.source).body[:-1]]
                assert not [text for text in lost if text.startswith("check.")], f"{lesson}: {cell.source}"


def test_no_line_of_code_needs_scrolling(root):
    """JupyterLab shows 113 columns in a window of 1,200 pixels; ruff keeps to 110."""
    for lesson in lesson_names(root):
        notebook = nbformat.read(root / f"solutions/{lesson}/{lesson}.ipynb", as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                assert not [line for line in cell.source.splitlines() if len(line) > 110], lesson
