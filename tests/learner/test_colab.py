"""Colab: what is installed there stays as it is, and the learner's work goes to Drive where they allow it."""

import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from handmade.learner import colab, origin, panel, progress

VERSIONS = Path(__file__).with_name("colab_versions.txt")
LIGHT = {
    "jaxtyping",
    "packaging",
    "wadler-lindig",
    "safetensors",
    "click",
    "regex",
}  # a MB or so each, where Colab lacks them


def preinstalled():
    lines = VERSIONS.read_text().splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


def test_nothing_heavy_changes_in_colab():
    """Walk what pip would: each requirement is met by what Colab has, or is light and brings only what is."""
    there, added = preinstalled(), {}
    waiting = [Requirement(line) for line in metadata.requires("handmade-gpt")]
    environment = {
        "python_version": "3.13",
        "python_full_version": "3.13.0",
        "sys_platform": "linux",
        "extra": "",
    }
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        if wanted.marker is not None and not wanted.marker.evaluate(environment):
            continue
        if name in there:
            assert wanted.specifier.contains(there[name]), f"{wanted} would replace Colab's {there[name]}"
        elif name not in added:
            added[name] = wanted
            waiting += [Requirement(line) for line in metadata.requires(name) or ()]
    assert set(added) <= LIGHT, set(added) - LIGHT


@pytest.fixture
def google(monkeypatch, tmp_path):
    """A stand-in for Colab: `google.colab.drive` mounts a folder under tmp_path, or refuses."""
    made = ModuleType("google.colab")
    made.drive = ModuleType("google.colab.drive")
    made.asked, made.allowed = [], True

    def mount(place):
        made.asked.append(place)
        if not made.allowed:
            raise ValueError("mount failed: credential propagation was unsuccessful")
        (Path(place) / "MyDrive").mkdir(parents=True, exist_ok=True)

    made.drive.mount = mount
    monkeypatch.setitem(sys.modules, "google", ModuleType("google"))
    monkeypatch.setitem(sys.modules, "google.colab", made)
    monkeypatch.setitem(sys.modules, "google.colab.drive", made.drive)
    monkeypatch.setattr(colab, "DRIVE", tmp_path / "drive")
    monkeypatch.chdir(tmp_path)
    return made


def test_the_record_goes_to_drive_and_is_found_there_the_next_day(google, tmp_path, capsys, monkeypatch):
    panel.begin("01_matmul")
    shown = capsys.readouterr().out
    assert "kept in your Google Drive" in shown
    assert progress.root() == tmp_path / "drive/MyDrive/handmade-gpt"
    progress.record("check", "dot", state="passed")
    panel.begin("01_matmul")
    assert len(google.asked) == 1, "asked once a session"
    monkeypatch.chdir(tmp_path)  # a new session begins in /content
    capsys.readouterr()
    panel.begin("01_matmul")
    assert "✓ done   1 check" in capsys.readouterr().out


def test_without_drive_the_work_is_kept_for_the_session_and_the_panel_says_so(google, tmp_path, capsys):
    google.allowed = False
    panel.begin("01_matmul")
    assert "lost when this Colab session ends" in capsys.readouterr().out
    assert progress.root() == tmp_path / "handmade-gpt"
    google.allowed = True
    panel.begin("01_matmul")
    assert "kept in your Google Drive" in capsys.readouterr().out


def test_links_lead_to_colab_there(google):
    panel.begin("01_matmul")
    page = panel._panel().html()
    assert 'href="https://colab.research.google.com/github/' in page
    assert "../02_perceptron" not in page


def test_the_repository_is_said_once(root):
    assert origin.repository().startswith("https://github.com/")
    assert origin.repository() in (root / "pyproject.toml").read_text()
