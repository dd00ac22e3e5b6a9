"""Feedback loses the instructor's hidden tests, and nothing that a student wrote, whatever it looks like."""

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from handmade.grading.tidy import ClearHiddenTests

HIDDEN = "check(f)\n### BEGIN HIDDEN TESTS\ncheck(f, hidden=True)\n### END HIDDEN TESTS"
OPEN = "### BEGIN HIDDEN TESTS\n### BEGIN HIDDEN TESTS\nmine"


def marks(**flags):
    return {"nbgrader": {"grade": False, "solution": False, "locked": False, "schema_version": 3} | flags}


def test_only_the_instructors_cells_are_searched_for_hidden_tests():
    cells = [
        new_code_cell(HIDDEN, metadata=marks(grade=True, locked=True)),
        new_code_cell(HIDDEN),
        new_code_cell(OPEN, metadata=marks(solution=True)),
        new_markdown_cell(OPEN, metadata=marks(grade=True, solution=True)),
    ]
    made, _ = ClearHiddenTests().preprocess(new_notebook(cells=cells), {})
    assert [cell.source for cell in made.cells] == ["check(f)", HIDDEN, OPEN, OPEN]
