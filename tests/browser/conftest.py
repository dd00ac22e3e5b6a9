"""One JupyterLab and one browser for all tests of this folder, and the course as it looks in them."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

import nbformat
import pytest
from in_lab import HIGH, WIDE, Notebook

from handmade.learner import pace

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
DARK = ["01_matmul", "08_attention", "12_training"]  # photographed in JupyterLab's dark colours too
# Colours that are not ours: of the numbers and the code in cells as nbconvert's template (Pygments) has them.
NOT_OURS = [[".jp-InputPrompt"], [".jp-OutputPrompt"], [".highlight"]]


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: where it is on the net, and the learner's folder."""

    address: str
    folder: Path


@pytest.fixture(scope="session")
def lab(tmp_path_factory, root):
    """Start JupyterLab as `make lab` does, in a folder of its own; long lessons take their short setting."""
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
        pace.VARIABLE: "1",
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
        yield Lab(f"http://127.0.0.1:{port}/lab?token={token}", home / "work")
    finally:
        server.terminate()
        server.wait(20)
    with pytest.raises(urllib.error.URLError):  # whoever stops `handmade start` has stopped JupyterLab
        urllib.request.urlopen(f"http://127.0.0.1:{port}/api/status?token={token}", timeout=2)


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert chromium, "no chromium on this machine; `make test-more` needs one"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def page(lab, browser):
    """JupyterLab in the browser."""
    page = browser.new_page(viewport={"width": WIDE, "height": HIGH})
    page.console_errors = []
    page.on("console", lambda m: page.console_errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: page.console_errors.append(str(error)))
    page.goto(lab.address)
    page.wait_for_function("window.jupyterapp?.restored.then(() => true)", timeout=120_000)
    return page


@pytest.fixture(scope="session")
def pictures(root):
    """The folder of the photographs, which CI keeps."""
    folder = root / "build/browser"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def axe():
    """A function that gives the rules of axe-core that a page (or a part of it) breaks, each with the first places."""
    script = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")

    def broken(page, part="body", only=None):
        page.evaluate(script)
        found = page.evaluate(
            "([what, only]) => axe.run(what, {resultTypes: ['violations'], ...(only && {runOnly: only})})",
            [{"include": [[part]], "exclude": NOT_OURS}, only],
        )
        return [
            f"{rule['impact']} {rule['id']}, {len(rule['nodes'])} times: {node['html'][:300]} {node['failureSummary']}"
            for rule in found["violations"]
            for node in rule["nodes"][:2]
        ]

    return broken


@dataclass(frozen=True)
class Seen:
    """A notebook after Run All: its cells, and what the browser complained of."""

    cells: list
    console: list


@dataclass(frozen=True)
class Work:
    """A lesson, worked through: as handed out; solved; the solved file as JupyterLab saved it.

    `axe` has, by JupyterLab's theme, the rules that the outputs of the solved cells break.
    """

    unsolved: Seen
    solved: Seen
    saved: Path
    axe: dict


@pytest.fixture(scope="session")
def course(lab, page, axe, pictures, root):
    """The course: `course(lesson)` works a lesson through in JupyterLab, once."""

    @cache
    def work_through(lesson):
        path = f"{lesson}/{lesson}.ipynb"
        shutil.copyfile(root / "course" / path, lab.folder / path)
        clock = Clock(pictures / "minutes.json", lesson)
        notebook = Notebook(page, path)
        try:
            notebook.run_all()
            clock.stop("unsolved")
            unsolved = Seen(notebook.cells(), notebook.console())
            notebook.photograph(pictures / f"{lesson}-unsolved")

            clock.start()
            for number, answer in answers(notebook, root / "solutions" / path).items():
                notebook.type(number, answer)
            notebook.run_all("notebook:restart-run-all")
            clock.stop("solved")
            solved = Seen(notebook.cells(), notebook.console())
            notebook.photograph(pictures / f"{lesson}-solved")
            notebook.save()
            saved = pictures / f"{lesson}-solved.ipynb"
            shutil.copyfile(lab.folder / path, saved)

            broken = {}
            for theme in ("JupyterLab Dark", "JupyterLab Light"):
                notebook.theme(theme)
                broken[theme] = axe(page, ".jp-Notebook .jp-Cell-outputArea")
                if theme == "JupyterLab Dark" and lesson in DARK:
                    notebook.photograph(pictures / f"{lesson}-dark")
            return Work(unsolved, solved, saved, broken)
        finally:
            notebook.close()

    return work_through


class Clock:
    """Notes the minutes that a lesson takes in a file: a record, and no limit."""

    def __init__(self, file, lesson):
        self.file, self.lesson = file, lesson
        self.start()

    def start(self):
        self.since = time.monotonic()

    def stop(self, what):
        known = json.loads(self.file.read_text()) if self.file.exists() else {}
        known.setdefault(self.lesson, {})[what] = round((time.monotonic() - self.since) / 60, 2)
        self.file.write_text(json.dumps(dict(sorted(known.items())), indent=1) + "\n")


def answers(notebook, solutions):
    """Return, by the number of the cell in the open notebook, what the reference would write there."""
    answer_of = {
        cell.metadata.nbgrader.grade_id: "\n".join(
            line for line in cell.source.splitlines() if not line.lstrip().startswith("###")
        )
        for cell in nbformat.read(solutions, as_version=4).cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    }
    marks = [cell["marks"] for cell in notebook.cells()]
    return {i: answer_of[m["grade_id"]] for i, m in enumerate(marks) if m.get("solution")}
