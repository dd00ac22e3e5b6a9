"""What `handmade doctor` says of a sound installation, and of one in which something is missing."""

import subprocess
import sys
from importlib import metadata

import pytest
from click.testing import CliRunner
from packaging.specifiers import SpecifierSet

from handmade.cli import main
from handmade.learner import doctor


def run():
    return CliRunner().invoke(main, ["doctor"])


def test_a_sound_installation_is_said_to_be_sound():
    said = run()
    assert said.exit_code == 0, said.output
    assert "✗" not in said.output
    for about in ("Python", "torch", "jupyterlab", "computing", "kernel", "your folder"):
        assert about in said.output
    assert "nbgrader" not in said.output, "a learner needs none of it"


def without(name, monkeypatch):
    known = metadata.version

    def version(asked):
        if asked == name:
            raise metadata.PackageNotFoundError(asked)
        return known(asked)

    monkeypatch.setattr(metadata, "version", version)


def test_a_missing_package_is_named_with_the_command_that_brings_it(monkeypatch):
    without("regex", monkeypatch)
    said = run()
    assert said.exit_code == 1
    assert "✗ regex" in said.output
    assert f'{sys.executable} -m pip install "regex>=' in said.output
    assert "1 thing to mend" in said.output


@pytest.mark.parametrize(("version", "told"), [("1.24.0", "1.24.0, but >=2.0 is needed")])
def test_an_old_package_is_told_apart_from_a_missing_one(version, told, monkeypatch):
    known = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: version if name == "numpy" else known(name))
    said = run().output
    assert told in said
    assert "--upgrade" in said


def test_a_package_that_cannot_be_imported_says_why(monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    said = run().output
    assert "cannot be imported: ModuleNotFoundError" in said
    assert "--force-reinstall" in said


def test_an_old_python(monkeypatch):
    monkeypatch.setattr(doctor, "_wanted_python", lambda: SpecifierSet(">=99.0"))
    assert "Install Python >=99.0" in run().output


def test_a_folder_without_room_or_without_leave(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "ROOM", 2**60)
    assert "Make room" in run().output
    assert not doctor._folder(tmp_path / "missing").fine


def test_a_kernel_of_another_python(monkeypatch, tmp_path):
    other = tmp_path / "kernels/python3"
    other.mkdir(parents=True)
    (other / "kernel.json").write_text(
        '{"argv": ["/usr/bin/env", "-m"], "display_name": "x", "language": "python"}'
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    said = run().output
    assert "another Python" in said
    assert "ipykernel install" in said


def test_it_runs_where_what_it_looks_for_cannot_be_imported():
    text = "import sys; sys.modules['numpy'] = sys.modules['torch'] = None; from handmade.cli import main; main(['doctor'])"
    said = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
    assert said.returncode == 1, said.stderr
    assert "✗ numpy" in said.stdout
    assert "✗ torch" in said.stdout
