"""From a lesson's text to its notebooks: the same bytes every time, mistakes with file and line, and no answer in the release."""

import json
import os
import re
import shutil
import subprocess
import sys

import jupytext
import nbformat
import pytest
from small_lesson import FRONT, GOOD, exercises, line_of, mistakes

from handmade import checks
from handmade.lessons.build import build, lesson_names, stale
from handmade.lessons.lesson import LessonError
from handmade.lessons.source import exercise_source, solution_regions


def test_a_good_lesson_becomes_two_notebooks(place):
    root, _ = place
    said = []
    changed = build(root, load=lambda lesson: exercises("dot"), say=said.append)
    assert len(changed) == 3
    assert build(root, load=lambda lesson: exercises("dot"), say=said.append) == []
    assert said[-1] == "01_matmul: up to date"
    source = nbformat.read(root / "solutions/01_matmul/01_matmul.ipynb", as_version=4)
    release = nbformat.read(root / "course/01_matmul/01_matmul.ipynb", as_version=4)
    nbformat.validate(source)
    nbformat.validate(release)
    by_id = {cell.id: cell for cell in release.cells}
    assert len(by_id) == len(release.cells)
    assert [cell.id for cell in source.cells] == [cell.id for cell in release.cells]
    assert by_id["dot"].source.endswith('raise NotImplementedError("not written yet")')
    assert by_id["check-dot"].source == "check.dot(dot)"
    assert by_id["check-dot"].metadata.nbgrader.points == 1
    assert "because" not in by_id["why"].source
    assert "because" in next(c for c in source.cells if c.id == "why").source
    demo = next(c for c in release.cells if c.source.startswith("total"))
    assert demo.metadata.tags == ["raises-exception"]
    texts = json.loads((root / "src/handmade/learner/texts/01_matmul.json").read_text())
    assert texts["hints"] == {"dot": ["One?", "Two.", "Three."]}
    assert texts["rubrics"] == {"why": "- 2 points: because."}


MISTAKES = {
    "unknown exercise": ("{exercise} dot", "{exercise} dott", "unknown exercise 'dott': no check has this name (did you mean 'dot'?)"),
    "duplicate name": ("{predict} how_many", "{predict} dot", "the name 'dot' stands at line"),
    "no points": (":points: 2\n", "", "the question 'why' needs points"),
    "points are no number": (":points: 2\n", ":points: two\n", "the question 'why' needs points"),
    "unknown option": (":points: 2\n", ":points: 2\n:pints: 2\n", "unknown option 'pints'"),
    "no rubric": (":::{rubric}\n- 2 points: because.\n:::\n", "", "needs one rubric, and has 0"),
    "too few hints": (":::{hint}\nThree.\n:::\n", "", "needs 3 hints, and has 2"),
    "unknown directive": (":::{predict} how_many", ":::{predictt} how_many", "unknown directive '{predictt} how_many'"),
    "directive without a name": (":::{predict} how_many", ":::{predict}", "the predict has no name"),
    "image without alt text": ("Some words.", "Some words.\n\n![](a.png)", "an image without alt text"),
    "HTML image without alt text": ("Some words.", '<img src="a.png">', "an image without alt text"),
    "alt text that is a path": ("Some words.", "![figures/a.png](a.png)", "is a file name"),
    "repeated alt text": ("Some words.", "![a line](a.png)\n![a line](b.png)", "stands at two images"),
    "skipped heading": ("## In your", "### In your", "a level is skipped"),
    "second title": ("## In your", "# In your", "a second heading of level 1"),
    "fence never closed": ("## In your", "```python\n## In your", "is never closed"),
    "no Python": ("print(total)", "print(total", "this code cell is not Python"),
    "pyplot": ("print(total)", "plt.show()", "draw it in handmade.figures"),
    "a hint that is the answer": ("Three.", "Write `total += float(a[i]) * float(b[i])` there.", "this hint contains a line of the answer"),
    "a directive without words": ("Write it.\n", "", "the exercise 'dot' has no words"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_with_file_and_line(name, place):
    old, new, said = MISTAKES[name]
    assert GOOD.count(old) == 1
    text = GOOD.replace(old, new)
    found = mistakes(text, place)
    line = next((line for line in found.splitlines() if said in line), None)
    assert line, found
    match = re.match(r"solutions/01_matmul/01_matmul\.md:(\d+): ", line)
    assert match, line
    near = line_of(GOOD, old)
    assert near - 14 <= int(match[1]) <= near + 14, line


def test_lines_are_exact(place):
    text = GOOD.replace("{exercise} dot", "{exercise} dott")
    assert f":{line_of(text, '::::{exercise}')}: unknown exercise" in mistakes(text, place)
    text = GOOD.replace("print(total)", "print(total")
    assert f":{line_of(text, 'print(total')}: this code cell" in mistakes(text, place)
    text = GOOD.replace("Three.", "total += float(a[i]) * float(b[i])")
    assert f":{line_of(text, 'total += ') - 1}: this hint" in mistakes(text, place)
    text = GOOD.replace("Some words.", "Some words.\n\nMore.\n\n![](a.png)")
    assert f":{line_of(text, '![]')}: an image" in mistakes(text, place)


def test_all_mistakes_are_reported_together(place):
    found = mistakes(
        GOOD.replace(":points: 2\n", "").replace("Two.", "").replace("{predict}", "{guess}"), place
    )
    assert "needs points" in found
    assert "unknown directive" in found


def test_an_exercise_without_points_or_without_text(place):
    assert "has no points" in mistakes(GOOD, place, points=0)
    assert "the exercise 'collapse' has a check and does not appear" in mistakes(
        GOOD, place, known=("dot", "collapse")
    )
    assert "defines no 'no_such_thing'" in mistakes(
        GOOD.replace("dot\n", "no_such_thing\n"), place, known=("no_such_thing",)
    )


def test_missing_front_matter(place):
    assert ":1: the front matter" in mistakes(GOOD.removeprefix(FRONT), place)


def test_a_name_may_stand_in_one_lesson_only(place):
    root, _ = place
    other = root / "solutions/02_matmul/02_matmul.md"
    other.parent.mkdir()
    other.write_text(GOOD)
    with pytest.raises(LessonError, match=r"02_matmul\.md:\d+: the name 'dot' is used in 01_matmul already"):
        build(root, load=lambda lesson: exercises("dot"), say=lambda text: None)
    assert not (root / "course").exists(), "something was written although the text has mistakes"


def test_what_belongs_to_no_lesson_is_removed(place):
    root, _ = place
    (root / "course/09_gone").mkdir(parents=True)
    assert build(root, load=lambda lesson: exercises("dot"), say=lambda text: None)[-1].name == "09_gone"
    assert not (root / "course/09_gone").exists()


def test_a_stale_lesson_is_named(place):
    root, text = place
    build(root, load=lambda lesson: exercises("dot"), say=lambda text: None)
    assert stale(root, load=lambda lesson: exercises("dot")) == []
    text.write_text(GOOD.replace("Some words.", "Other words."))
    named = [path.as_posix() for path in stale(root, load=lambda lesson: exercises("dot"))]
    assert named == ["solutions/01_matmul/01_matmul.ipynb", "course/01_matmul/01_matmul.ipynb"]


def test_the_committed_notebooks_are_up_to_date(root):
    assert stale(root) == [], "run `make build`"


@pytest.mark.slow
def test_the_bytes_depend_on_nothing_but_the_text(root, tmp_path):
    there = tmp_path / "another place"
    for folder in ("solutions", "src/handmade/learner/texts"):
        shutil.copytree(root / folder, there / folder)
    for path in there.rglob("*.ipynb"):
        path.unlink()
    environment = os.environ | {"PYTHONHASHSEED": "77", "TZ": "Asia/Shanghai", "LC_ALL": "C"}
    command = [sys.executable, "-m", "handmade.lessons", "--root", str(there)]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, stdout=subprocess.DEVNULL, umask=0o077)
    for lesson in lesson_names(root):
        for part in ("solutions", "course"):
            name = f"{part}/{lesson}/{lesson}.ipynb"
            assert (there / name).read_bytes() == (root / name).read_bytes()


def squeezed(text):
    return re.sub(r"\s+", "", text)


def test_nothing_of_an_answer_is_in_the_release(root):
    """Search every file of course/ for every solution body, every hint and every rubric."""
    files = [path for path in (root / "course").rglob("*") if path.is_file()]
    assert files
    assert {path.suffix for path in files}.isdisjoint({".md", ".po", ".py"})
    released = {}
    for path in files:
        if path.suffix == ".ipynb":
            cells = nbformat.read(path, as_version=4).cells
            released[path] = squeezed("\n".join(cell.source for cell in cells))
            allowed = {"nbgrader", "tags", "deletable", "editable"}
            assert all(set(cell.metadata) <= allowed for cell in cells)
            assert not any(cell.get("outputs") for cell in cells)
        else:
            released[path] = squeezed(path.read_bytes().decode("utf-8", errors="ignore"))
    secrets = []
    for lesson in checks.lessons():
        for exercise in checks.load_lesson(lesson).values():
            for region in solution_regions(exercise_source(exercise)):
                lines = [squeezed(line) for line in region.splitlines()]
                secrets.append("".join(lines))
                secrets += ["".join(lines[i : i + 2]) for i in range(len(lines) - 1)]
        for path in (root / "src/handmade/learner/texts").glob("*.json"):
            texts = json.loads(path.read_text())
            secrets += [
                squeezed(hint) for hints in texts["hints"].values() for hint in hints if len(hint) > 20
            ]
            secrets += [
                squeezed(line)
                for rubric in texts["rubrics"].values()
                for line in rubric.splitlines()
                if len(line) > 20
            ]
    for path, text in released.items():
        assert not re.search(r"BEGINHIDDENTESTS|hidden=True|BEGINMARKSCHEME|BEGINSOLUTION", text)
        for secret in secrets:
            assert secret not in text, f"{path.name} holds {secret}"


def test_the_text_opens_as_a_notebook(root):
    for lesson in lesson_names(root):
        notebook = jupytext.reads((root / f"solutions/{lesson}/{lesson}.md").read_text(), fmt="md:myst")
        nbformat.validate(notebook)
        assert any(cell.cell_type == "code" for cell in notebook.cells)
