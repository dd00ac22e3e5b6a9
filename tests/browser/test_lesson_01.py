"""Lesson 01 in a real JupyterLab, in a real browser, as a learner works: one answer right, one wrong, a slider moved."""

import shutil

import pytest
from in_lab import PANEL, Notebook

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

RIGHT_DOT = """def dot(a, b):
    if len(a) != len(b):
        raise ValueError("different lengths")
    return float(sum(a * b))"""
WRONG_ROWS = """def matvec_by_rows(A, x):
    return (A * x).sum(axis=0)"""
RIGHT_ROWS = """def matvec_by_rows(A, x):
    return np.array([dot(row, x) for row in A])"""
WRONG_PIECES = """def column_pieces(A, x):
    return A.T * x[:, None]"""


@pytest.fixture
def notebook(page, lab, root):
    path = "01_matmul/01_matmul.ipynb"
    shutil.copyfile(root / "course" / path, lab.folder / path)  # another test may have solved it
    notebook = Notebook(page, path)
    yield notebook
    notebook.close()


def test_a_learner_works_through_the_lesson(notebook, page, pictures):
    # Two answers typed with the keyboard, one right and one wrong; the rest stays as it was handed out.
    for start, answer in (("def dot", RIGHT_DOT), ("def matvec_by_rows", WRONG_ROWS)):
        notebook.type(notebook.number(start), answer)
    notebook.run_all()

    assert "✓ dot" in notebook.text("check.dot")
    wrong = notebook.text("check.matvec_by_rows")
    assert "✗ matvec_by_rows" in wrong
    assert "added the products down the columns" in wrong
    assert "○ low_rank_factors: not written yet" in notebook.text("check.low_rank_factors")
    assert "this cell waits for collapse" in notebook.text("figures.stack")
    # Run All reached the last code cell: no failed check stopped it.
    assert "your answer first" in [cell["text"] for cell in notebook.cells() if cell["type"] == "code"][-1]

    # The two wrong views still draw a picture, and a slider redraws it.
    for start, answer in (("def matvec_by_rows", RIGHT_ROWS), ("def column_pieces", WRONG_PIECES)):
        notebook.type(notebook.number(start), answer)
        notebook.run(start)
    notebook.run("figures.two_views")
    picture = page.locator(".jp-Notebook figure img").first
    picture.wait_for(timeout=20_000)
    assert page.locator(".jp-Notebook figure img").count() == 1, (
        "the still picture and the sliders' one are both shown"
    )
    before = picture.get_attribute("alt")
    page.locator(".jp-Notebook .noUi-handle").first.press("ArrowRight")
    notebook.wait()
    page.wait_for_function(
        "old => document.querySelector('.jp-Notebook figure img').alt !== old", arg=before, timeout=20_000
    )

    for name, start in (
        ("passed", "check.dot"),
        ("wrong", "check.matvec_by_rows"),
        ("slider", "figures.two_views"),
        ("waiting", "figures.stack"),
    ):
        page.evaluate(
            f"i => {PANEL}.content.widgets[i].node.scrollIntoView({{block: 'center'}})",
            notebook.number(start),
        )
        page.wait_for_timeout(400)
        page.screenshot(path=pictures / f"01_matmul-{name}.png")

    assert [text for cell in notebook.cells() for text in cell["red"]] == []
    assert notebook.console() == []
