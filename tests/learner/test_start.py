"""A learner's folder: filled once, renewed where untouched, never written over."""

import os
import subprocess
import sys

import pytest

from handmade.learner.start import fill


def test_work_is_never_written_over(tmp_path):
    course, work = tmp_path / "course", tmp_path / "work"
    for name in ("01_a", "02_b"):
        (course / name).mkdir(parents=True)
        (course / name / f"{name}.ipynb").write_text("version 1")
    assert fill(work, course) == [f"2 files put into {work}."]
    assert fill(work, course) == []
    (work / "01_a/01_a.ipynb").write_text("my work")
    assert fill(work, course) == [], "nothing new came, so there is nothing to say"
    (course / "01_a/01_a.ipynb").write_text("version 2")
    (course / "02_b/02_b.ipynb").write_text("version 2")
    said = fill(work, course)
    assert (work / "01_a/01_a.ipynb").read_text() == "my work"
    assert (work / "02_b/02_b.ipynb").read_text() == "version 2"
    assert said[0] == f"1 file put into {work}."
    assert "kept as it is" in said[1]


def test_a_damaged_memory_keeps_everything(tmp_path):
    course, work = tmp_path / "course", tmp_path / "work"
    (course / "01_a").mkdir(parents=True)
    (course / "01_a/01_a.ipynb").write_text("version 1")
    fill(work, course)
    (work / ".handmade/copied.json").write_text("{")
    (work / "01_a/01_a.ipynb").write_text("my work")
    (course / "01_a/01_a.ipynb").write_text("version 2")
    fill(work, course)
    assert (work / "01_a/01_a.ipynb").read_text() == "my work"


@pytest.fixture(scope="module")
def installed(root, tmp_path_factory):
    """The package as `pip install` puts it, from a wheel, in a folder of its own."""
    place = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    wheel = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(place), str(root)]
    subprocess.run([*pip, *wheel], check=True)
    [made] = place.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", str(place / "site"), str(made)], check=True)
    return place / "site"


@pytest.mark.slow
def test_the_wheel_brings_the_course(installed, root, tmp_path):
    environment = os.environ | {"PYTHONPATH": str(installed)}
    command = [sys.executable, "-m", "handmade.cli", "start", "mine", "--no-lab"]
    said = subprocess.check_output(command, cwd=tmp_path, env=environment, text=True)
    assert "files put into mine" in said
    there = {p.relative_to(root / "course"): p.read_bytes() for p in (root / "course").glob("*/*.ipynb")}
    assert {
        p.relative_to(tmp_path / "mine"): p.read_bytes() for p in (tmp_path / "mine").glob("*/*.ipynb")
    } == there
    where = [sys.executable, "-c", "import handmade; print(handmade.__file__)"]
    assert str(installed) in subprocess.check_output(where, cwd=tmp_path, env=environment, text=True)
    (tmp_path / "mine/01_matmul/01_matmul.ipynb").write_text("my work")
    assert subprocess.check_output(command, cwd=tmp_path, env=environment, text=True) == ""
    assert (tmp_path / "mine/01_matmul/01_matmul.ipynb").read_text() == "my work"
