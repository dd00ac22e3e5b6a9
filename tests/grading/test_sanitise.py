"""What learners and their editors do to notebooks is put right, and nothing that they wrote is lost."""

import copy
import json
import random

import nbformat
import pytest
from grading.conftest import cell, grade_ids
from nbformat.v4 import new_code_cell, new_markdown_cell
from nbgrader.nbgraderformat import MetadataValidator

from handmade.grading.reading import read
from handmade.grading.sanitise import sanitise

PARTS = ["setup", "double", "check_double", "square", "check_square", "why"]


def gradable(notebook, release):
    """Assert all that nbgrader needs of a repaired notebook."""
    nbformat.validate(notebook)
    MetadataValidator().validate_nb(notebook)
    assert sorted(grade_ids(notebook)) == sorted(grade_ids(release))
    for name in grade_ids(release):
        mine, theirs = cell(notebook, name), cell(release, name)
        assert mine.metadata == theirs.metadata
        assert mine.cell_type == theirs.cell_type
        assert mine.source == theirs.source or theirs.metadata.nbgrader.solution
    order = grade_ids(notebook)
    for name in order:
        if f"check_{name}" in order:
            assert order.index("setup") < order.index(name) < order.index(f"check_{name}")
    again, repairs = sanitise(notebook, release)
    assert repairs == []
    assert again == notebook


def test_what_needs_no_repair_is_left_alone(release, done):
    for notebook in (release, done):
        before = copy.deepcopy(notebook)
        repaired, repairs = sanitise(notebook, release)
        assert repairs == []
        assert notebook == before
        assert [c.source for c in repaired.cells] == [c.source for c in notebook.cells]


def test_marks_without_checksums_as_in_the_course_folder_are_no_repair(done, release):
    for c in release.cells:
        if "nbgrader" in c.metadata:
            c.metadata.nbgrader.update(checksum="0" * 32, cell_type=c.cell_type)
    assert sanitise(done, release)[1] == []


def test_deleted_cells_come_back_after_what_stood_before_them(done, release):
    done.cells = [
        c for c in done.cells if c.metadata.get("nbgrader", {}).get("grade_id") in (None, "double", "square")
    ]
    repaired, repairs = sanitise(done, release)
    gradable(repaired, release)
    assert grade_ids(repaired) == PARTS
    assert repairs == [
        "4 cells had been deleted (`setup`, `check_double`, `check_square`, `why`); put back as handed out."
    ]


def test_a_check_comes_back_after_a_helper_that_its_solution_needs(done, release):
    helper = done.cells.pop(3)
    done.cells.remove(cell(done, "check_double"))
    done.cells.insert(done.cells.index(cell(done, "double")) + 1, helper)
    repaired, _ = sanitise(done, release)
    ids = [c.id for c in repaired.cells]
    assert ids.index("double") < ids.index("my-helper") < ids.index("check-double") < ids.index("demo")


def test_a_deleted_solution_comes_back_as_it_was_handed_out(done, release):
    done.cells.remove(cell(done, "square"))
    repaired, repairs = sanitise(done, release)
    gradable(repaired, release)
    assert cell(repaired, "square").source == cell(release, "square").source
    assert "`square`" in repairs[0]


def test_of_copies_the_last_that_was_written_is_the_solution(done, release):
    first = copy.deepcopy(cell(done, "double"))
    first.source = "def double(x):\n    return 0  # first try"
    first["id"] = "first"
    stub = copy.deepcopy(cell(release, "double"))
    stub["id"] = "stub-again"
    done.cells.insert(2, first)
    done.cells.append(stub)
    repaired, repairs = sanitise(done, release)
    gradable(repaired, release)
    assert "helper(x) * 2" in cell(repaired, "double").source
    [kept] = [c for c in repaired.cells if "first try" in c.source]
    assert "nbgrader" not in kept.metadata  # deleted, not {}: nbgrader takes {} for an old version
    assert all(c.id != "stub-again" for c in repaired.cells)
    assert repairs == [
        "Cells were there more than once (`double`); one was kept for grading, and other versions as ordinary cells."
    ]


def test_a_copy_that_was_turned_into_a_helper_does_not_take_the_solutions_place(done, release):
    helper = copy.deepcopy(cell(done, "square"))
    helper.source, helper["id"] = "def my_other(x):\n    return x", "other"
    done.cells.append(helper)
    repaired, _ = sanitise(done, release)
    gradable(repaired, release)
    assert cell(repaired, "square").source == cell(done, "square").source


def test_copies_of_a_check_are_dropped_unless_they_say_something_else(done, release):
    for source in (cell(done, "check_double").source, "assert double(0) == 0"):
        twin = copy.deepcopy(cell(done, "check_double"))
        twin.source = source
        done.cells.append(twin)
    repaired, _ = sanitise(done, release)
    gradable(repaired, release)
    assert sum("double(2) == 4" in c.source for c in repaired.cells) == 1
    assert sum("double(0) == 0" in c.source for c in repaired.cells) == 1


@pytest.mark.parametrize("kind", ["markdown", "raw"])
def test_retyped_cells_are_code_again(done, release, kind):
    for name in ("double", "check_double"):
        c = cell(done, name)
        c["cell_type"] = kind
        del c["outputs"], c["execution_count"]
    repaired, repairs = sanitise(done, release)
    gradable(repaired, release)
    assert "helper(x) * 2" in cell(repaired, "double").source
    assert len(repairs) == 2


def test_an_edited_check_is_put_back_and_its_text_runs_before_it(done, release):
    cell(done, "check_double").source = "def needed(): pass\nassert True"
    repaired, repairs = sanitise(done, release)
    gradable(repaired, release)
    at = repaired.cells.index(cell(repaired, "check_double"))
    assert repaired.cells[at - 1].source == "def needed(): pass\nassert True"
    assert "kept in the cell before it" in repairs[0]


def test_an_answer_written_into_the_question_is_kept_after_it(done, release):
    cell(done, "why").source += "\n\nBecause I say so."
    repaired, _ = sanitise(done, release)
    gradable(repaired, release)
    at = repaired.cells.index(cell(repaired, "why"))
    assert "Because I say so." in repaired.cells[at + 1].source


@pytest.mark.parametrize(
    "edit",
    [
        {"points": 100},
        {"grade": False},
        {"locked": False, "solution": True},
        {"schema_version": 1},
        {"schema_version": 99},
        {"task": True},
        {"unheard_of": 1},
    ],
    ids=str,
)
def test_edited_marks_are_put_back(done, release, edit):
    cell(done, "check_square").metadata.nbgrader.update(edit)
    repaired, repairs = sanitise(done, release)
    gradable(repaired, release)
    assert repairs == ["The marks for grading of `check_square` had been changed; they were put back."]


def test_cells_of_foreign_marks_become_ordinary(done, release):
    for name in ("bonus", "", None):
        extra = copy.deepcopy(cell(done, "check_square"))
        extra.source = f"print({name!r})"
        extra["id"] = f"extra-{name}"
        extra.metadata.nbgrader["grade_id"] = name
        done.cells.append(extra)
    done.cells[0].metadata["nbgrader"] = "not even a dict"
    repaired, repairs = sanitise(done, release)
    gradable(repaired, release)
    assert len(repairs) == 1
    assert "`bonus`" in repairs[0]
    assert sum("print(" in c.source for c in repaired.cells) == 4  # the three, and the demo


def test_marks_that_an_editor_dropped_are_found_by_cell_id_text_and_name(done, release):
    for c in done.cells:
        c.metadata.pop("nbgrader", None)
    by_id, _ = sanitise(done, release)
    gradable(by_id, release)
    for c in done.cells:
        del c["id"]
    done.nbformat_minor = 4
    by_text, repairs = sanitise(done, release)
    gradable(by_text, release)
    for repaired in (by_id, by_text):
        assert grade_ids(repaired) == PARTS
        assert cell(repaired, "square").source == cell(done_again(done), "square").source
    assert "missing on 6 cells" in repairs[0]
    assert repairs[1] == "Cell ids were missing; each cell has one again."


def done_again(notebook):
    """Return the notebook with the mark of `square` on the cell that defines it."""
    notebook = copy.deepcopy(notebook)
    for c in notebook.cells:
        if c.source.startswith("def square"):
            c.metadata["nbgrader"] = {"grade_id": "square"}
    return notebook


def test_a_solution_with_a_syntax_error_is_still_found_by_its_name(done, release):
    c = cell(done, "square")
    c.source, c["id"] = "def square(x)\n    return x * x", "other"
    c.metadata.clear()
    repaired, _ = sanitise(done, release)
    gradable(repaired, release)
    assert cell(repaired, "square").source == "def square(x)\n    return x * x"


def test_checks_on_top_are_moved_after_their_solutions(done, release):
    done.cells.sort(key=lambda c: not c.metadata.get("nbgrader", {}).get("grade"))
    repaired, repairs = sanitise(done, release)
    gradable(repaired, release)
    assert "order that cannot work" in repairs[0]


def test_learners_may_put_their_own_cells_anywhere_and_in_any_order(done, release):
    done.cells.insert(0, new_markdown_cell("My notes", id="notes"))
    done.cells.insert(5, new_code_cell("x = 1", id="mine"))
    assert sanitise(done, release)[1] == []


def test_windows_line_ends(done, release):
    for c in done.cells:
        c.source = c.source.replace("\n", "\r\n")
    repaired, repairs = sanitise(done, release)
    gradable(repaired, release)
    assert all("\r" not in c.source for c in repaired.cells)
    assert repairs == ["Windows line ends inside cells were replaced."]


def test_the_same_id_twice(done, release):
    done.cells[3]["id"] = done.cells[0]["id"] = "double"
    repaired, repairs = sanitise(done, release)
    gradable(repaired, release)
    assert repairs == ["Several cells had the same id; each has its own again."]
    assert any("def helper" in c.source for c in repaired.cells)


def damage(notebook, rng):
    """Do one thing to a notebook that may happen to it."""
    cells = notebook.cells
    i = rng.randrange(len(cells))
    c = cells[i]
    match rng.randrange(11):
        case 0 if len(cells) > 2 and "nbgrader" in c.metadata and not c.metadata.nbgrader.get("solution"):
            del cells[i]
        case 1:
            cells.insert(rng.randrange(len(cells)), copy.deepcopy(c))
        case 2:
            cells.insert(rng.randrange(len(cells)), cells.pop(i))
        case 3:
            c.metadata.clear()
        case 4:
            c.pop("id", None)
        case 5 if "nbgrader" in c.metadata:
            c.metadata.nbgrader[rng.choice(["grade", "locked", "solution", "points", "grade_id", "junk"])] = (
                rng.choice([True, False, None, 7, "double", "square", "text", []])
            )
        case 6:
            c.source = rng.choice(
                [c.source.replace("\n", "\r\n"), c.source + f"\n# own words {rng.random()}"]
            )
        case 7:
            c["cell_type"] = rng.choice(["code", "markdown", "raw"])
        case 8:
            cells.insert(i, new_code_cell(f"own = {rng.random()}"))
        case 9:
            c.source = rng.choice(["", "def double(x): return x + x", "def square(x", "own text \x00 …"])
        case 10:
            rng.shuffle(cells)


@pytest.mark.parametrize("seed", range(300))
def test_whatever_happened_it_can_be_graded_and_no_line_is_lost(done, release, seed):
    rng = random.Random(seed)
    for _ in range(rng.randint(1, 12)):
        damage(done, rng)
    written = {line.rstrip() for c in done.cells for line in c.source.splitlines()}
    submitted, _ = read(json.dumps(done).encode())
    repaired, _ = sanitise(submitted, release)
    gradable(repaired, release)
    text = "\n".join(c.source for c in repaired.cells)
    handed_out = "\n".join(c.source for c in release.cells)
    lost = [line for line in written if line not in text and line not in handed_out]
    assert lost == []
