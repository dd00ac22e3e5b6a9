"""Lesson 01 in a real JupyterLab, in a real browser, as a learner works: `make lab`'s own command opens it."""

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
]
# No news or update calls; no virtual scrolling, or cells off screen are not in the page.
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
}
PANEL = "window.jupyterapp.shell.currentWidget"
PICTURES = Path("build/browser")

RIGHT_DOT = """def dot(a, b):
    if len(a) != len(b):
        raise ValueError("different lengths")
    return float(sum(a * b))"""
WRONG_ROWS = """def matvec_by_rows(A, x):
    return (A * x).sum(axis=0)"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory, root):
    """Start JupyterLab as `make lab` does, in a folder of its own, and give its address."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert chromium, "no chromium on this machine; `make test-more` needs one"
    home = tmp_path_factory.mktemp("home")
    for name, value in SETTINGS.items():
        file = home / "settings/@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(value))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    config = home / "config"
    config.mkdir()
    (config / "jupyter_server_config.json").write_text(
        json.dumps(
            {
                "ServerApp": {"ip": "127.0.0.1", "port": port, "port_retries": 0, "open_browser": False},
                "IdentityProvider": {"token": token},
                "LabApp": {"expose_app_in_browser": True, "extension_manager": "readonly"},
            }
        )
    )
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(config),
        "JUPYTER_RUNTIME_DIR": str(home / "run"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
    }
    environment.pop("DISPLAY", None)
    log = (home / "lab.log").open("w")
    handmade = [sys.executable, "-m", "handmade.cli", "start", str(home / "work")]
    server = subprocess.Popen(handmade, env=environment, stdout=log, stderr=subprocess.STDOUT, cwd=root)
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api/status?token={token}", timeout=2)
                break
            except OSError:
                assert server.poll() is None, (home / "lab.log").read_text()
                time.sleep(0.25)
        said = (home / "lab.log").read_text()
        assert "put into" in said
        assert f"http://127.0.0.1:{port}/lab" in said, "the address is not printed as JupyterLab does"
        yield f"http://127.0.0.1:{port}/lab/tree/01_matmul/01_matmul.ipynb?token={token}", chromium
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture(scope="module")
def page(lab):
    from playwright.sync_api import sync_playwright

    address, chromium = lab
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1200, "height": 1000})
        page.console_errors = []
        page.on("console", lambda m: page.console_errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: page.console_errors.append(str(error)))
        page.goto(address)
        page.wait_for_function("window.jupyterapp?.restored.then(() => true)", timeout=120_000)
        page.wait_for_function(
            f"() => {PANEL}?.sessionContext?.session?.kernel?.status === 'idle'", timeout=120_000
        )
        yield page
        browser.close()


def idle(page):
    page.wait_for_timeout(300)
    page.wait_for_function(f"() => {PANEL}.sessionContext.session.kernel.status === 'idle'", timeout=120_000)


def cell(page, number):
    """Return the text that a cell shows under its code."""
    script = f"i => {PANEL}.content.widgets[i].node.querySelector('.jp-Cell-outputArea')?.innerText ?? ''"
    return page.evaluate(script, number)


def test_a_learner_works_through_the_lesson(page, root):
    sources = page.evaluate(f"() => {PANEL}.content.widgets.map(c => c.model.sharedModel.getSource())")

    def number(start):
        return next(i for i, source in enumerate(sources) if source.startswith(start))

    # Two answers typed with the keyboard, one right and one wrong; the rest stays as it was handed out.
    for start, answer in (("def dot", RIGHT_DOT), ("def matvec_by_rows", WRONG_ROWS)):
        page.evaluate(
            f"i => {{ {PANEL}.content.activeCellIndex = i; {PANEL}.content.mode = 'edit'; }}", number(start)
        )
        editor = page.locator(".jp-Notebook .jp-Cell.jp-mod-active .cm-content")
        editor.click()
        page.keyboard.press("Control+a")
        page.keyboard.insert_text(answer)
        typed = page.evaluate(f"i => {PANEL}.content.widgets[i].model.sharedModel.getSource()", number(start))
        assert typed == answer

    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
    idle(page)
    page.wait_for_timeout(1000)

    assert "✓ dot" in cell(page, number("check.dot"))
    wrong = cell(page, number("check.matvec_by_rows"))
    assert "✗ matvec_by_rows" in wrong
    assert "added the products down the columns" in wrong
    assert "○ low_rank_factors: not written yet" in cell(page, number("check.low_rank_factors"))
    assert "this cell waits for collapse" in cell(page, number("figures.stack"))
    # Run All reached the last code cell: no failed check stopped it.
    assert "your answer first" in cell(
        page, max(i for i, s in enumerate(sources) if s.startswith("check.rubric"))
    )

    # The two wrong views still draw a picture, and a slider redraws it.
    page.evaluate(
        f"""async () => {{ const nb = {PANEL}.content;
        nb.activeCellIndex = {number("def matvec_by_rows")};
        nb.activeCell.model.sharedModel.setSource('def matvec_by_rows(A, x):\\n    return np.array([dot(row, x) for row in A])');
        await window.jupyterapp.commands.execute('notebook:run-cell');
        nb.activeCellIndex = {number("def column_pieces")};
        nb.activeCell.model.sharedModel.setSource('def column_pieces(A, x):\\n    return A.T * x[:, None]');
        await window.jupyterapp.commands.execute('notebook:run-cell');
        nb.activeCellIndex = {number("figures.two_views")};
        await window.jupyterapp.commands.execute('notebook:run-cell'); }}"""
    )
    idle(page)
    picture = page.locator(".jp-Notebook figure img").first
    picture.wait_for(timeout=20_000)
    assert page.locator(".jp-Notebook figure img").count() == 1, (
        "the still picture and the sliders' one are both shown"
    )
    before = picture.get_attribute("alt")
    handle = page.locator(".jp-Notebook .noUi-handle").first
    handle.press("ArrowRight")
    idle(page)
    page.wait_for_function(
        "old => document.querySelector('.jp-Notebook figure img').alt !== old", arg=before, timeout=20_000
    )

    PICTURES.mkdir(parents=True, exist_ok=True)
    for name, start in (
        ("passed", "check.dot"),
        ("wrong", "check.matvec_by_rows"),
        ("slider", "figures.two_views"),
        ("waiting", "figures.stack"),
    ):
        page.evaluate(
            f"i => {PANEL}.content.widgets[i].node.scrollIntoView({{block: 'center'}})", number(start)
        )
        page.wait_for_timeout(400)
        page.screenshot(path=PICTURES / f"01_matmul-{name}.png")

    red = page.locator(
        '.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.error"], .jp-OutputArea-output[data-mime-type="application/vnd.jupyter.stderr"]'
    )
    assert red.count() == 0, red.all_inner_texts()
    noise = re.compile(r"favicon|ResizeObserver loop")
    assert [text for text in page.console_errors if not noise.search(text)] == []
