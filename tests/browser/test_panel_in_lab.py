"""The panel of progress in a real JupyterLab: a check renews it, and its links lead to cells and to other lessons."""

import shutil

import pytest
from in_lab import HIGH, PANEL, Notebook

from handmade.learner.progress import FILE, FOLDER

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

DOT = """def dot(a, b):
    if len(a) != len(b):
        raise ValueError("different lengths")
    return float(sum(a * b))"""


@pytest.fixture
def notebook(lab, page, root):
    """Lesson 01 as it is handed out, in a folder in which nothing is recorded yet."""
    (lab.folder / FOLDER / FILE).unlink(missing_ok=True)
    path = "01_matmul/01_matmul.ipynb"
    shutil.copyfile(root / "course" / path, lab.folder / path)
    made = Notebook(page, path)
    yield made
    made.close()


def test_a_check_renews_the_panel_and_its_links_lead_on(notebook, page, pictures, axe):
    setup = "from __future__"
    notebook.run(setup)
    page.wait_for_timeout(500)
    assert "0 of 8 done" in notebook.text(setup)
    assert "Next: dot" in notebook.text(setup)
    assert page.locator(".jp-MarkdownOutput img[alt='Open in Colab']").evaluate("e => e.naturalWidth") == 138
    notebook.type(notebook.number("def dot"), DOT)
    notebook.run("def dot")
    notebook.run("check.dot")
    page.wait_for_timeout(500)
    assert "1 of 8 done" in notebook.text(setup), "the panel was not renewed"
    assert "✓ dot (done: 1 check)" in notebook.text(setup)
    assert axe(page, ".handmade-progress") == []
    page.evaluate(f"() => {PANEL}.content.widgets[0].node.scrollIntoView()")
    page.wait_for_timeout(300)
    page.screenshot(path=pictures / "panel.png")

    wanted = notebook.number("def column_pieces")
    in_view = f"i => {{ const box = {PANEL}.content.widgets[i].node.getBoundingClientRect(); return 0 < box.top && box.top < {HIGH}; }}"
    assert not page.evaluate(in_view, wanted)
    page.locator(".handmade-progress li a", has_text="column_pieces").focus()
    page.keyboard.press("Enter")
    page.wait_for_function(in_view, arg=wanted, timeout=20_000)

    page.locator(".handmade-progress summary").click()
    page.screenshot(path=pictures / "panel-all.png")
    page.locator(".handmade-progress td a", has_text="One neuron").click()
    page.wait_for_function(
        f"() => {PANEL}.context?.path === '02_perceptron/02_perceptron.ipynb'", timeout=20_000
    )
    Notebook(page, "02_perceptron/02_perceptron.ipynb").close()
    Notebook(page, "01_matmul/01_matmul.ipynb")
