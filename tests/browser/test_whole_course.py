"""The whole course in a real JupyterLab: each lesson as it is handed out, and with the reference typed into its cells."""

import re

import pytest
from in_lab import LESSONS

from handmade import checks

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
WAITS = re.compile(r"○ (?:this cell waits for (\w+)|(\w+) does not exist yet)")


def nothing_is_broken(seen):
    """Every cell ran; nothing red, nothing that is not drawn, no complaint of the browser."""
    for number, cell in enumerate(seen.cells):
        where = f"cell {number}: {cell['source'][:200]}"
        assert cell["ran"] or cell["type"] != "code" or not cell["source"].strip(), where
        assert cell["red"] == [], where
        assert cell["broken"] == [], where
        assert cell["hidden"] <= 1, f"pixels of code to the right of {where}"
        assert cell["drawn"] == cell["widgets"], where
        assert all(image["drawn"] and image["alt"].strip() for image in cell["images"]), where
    assert seen.console == []


@pytest.mark.parametrize("lesson", LESSONS)
def test_as_handed_out(lesson, course):
    seen = course(lesson).unsolved
    nothing_is_broken(seen)
    exercises = checks.load_lesson(lesson[3:])
    graded = [cell for cell in seen.cells if cell["marks"].get("grade")]
    assert len(graded) >= len(exercises)
    for cell in graded:
        assert cell["marks"].get("task") or "not written yet" in cell["text"], cell["source"]
    waiting = [(cell, WAITS.search(cell["text"])) for cell in seen.cells if "○ this cell" in cell["text"]]
    assert waiting, "no cell of this lesson needs an answer"
    for cell, found in waiting:
        assert found, f"{cell['source']}: {cell['text']}"
        assert (found[1] or found[2]) in exercises, cell["text"]
    last = [cell for cell in seen.cells if cell["type"] == "code"][-1]
    assert "your answer first" in last["text"]


@pytest.mark.parametrize("lesson", LESSONS)
def test_solved(lesson, course):
    seen = course(lesson).solved
    nothing_is_broken(seen)
    for cell in seen.cells:
        if cell["marks"].get("grade") and not cell["marks"].get("task"):
            assert cell["text"].startswith("✓"), cell["text"]
        assert not WAITS.search(cell["text"]), cell["text"]
    assert sum(len(cell["images"]) for cell in seen.cells) >= 2
    assert sum(cell["widgets"] for cell in seen.cells) >= 1
