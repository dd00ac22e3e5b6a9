"""The settings of a desk, and its secret seed."""

import subprocess
import sys
import threading

import pytest
from traitlets.config import Config

from handmade.grading.config import STUB, configure, secret_seed


def test_the_seed_is_made_once_and_is_the_instructors_own(tmp_path):
    seed = secret_seed(tmp_path)
    assert seed == secret_seed(tmp_path) >= 0
    assert (tmp_path / "secret_seed").stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["secret_seed"]
    assert secret_seed(_folder(tmp_path)) != seed


def test_whoever_comes_first_everybody_gets_the_same_seed(tmp_path):
    seeds = []
    many = [threading.Thread(target=lambda: seeds.append(secret_seed(tmp_path))) for _ in range(20)]
    for thread in many:
        thread.start()
    for thread in many:
        thread.join()
    assert len(seeds) == 20
    assert len(set(seeds)) == 1


@pytest.mark.parametrize("text", ["", "twelve", "-5"])
def test_a_damaged_seed_is_not_replaced_in_silence(tmp_path, text):
    (tmp_path / "secret_seed").write_text(text)
    with pytest.raises(ValueError, match="expected a whole number"):
        secret_seed(tmp_path)


def test_a_configuration_is_made_without_side_effects_on_the_desk(tmp_path):
    c = Config()
    configure(c, tmp_path / "desk", tmp_path / "solutions")
    assert c.CourseDirectory.source_directory == "../solutions"
    assert c.ClearSolutions.code_stub == {"python": STUB}
    assert list(tmp_path.iterdir()) == []


def test_the_stub_is_what_the_messages_know():
    body = "    " + STUB.replace("\n", "\n    ")
    with pytest.raises(NotImplementedError, match=r"^not written yet$"):
        exec(f"def f():\n{body}\nf()")


def test_nbgrader_is_not_imported_for_the_settings():
    code = "import sys, handmade.grading.config; assert not any(m.startswith(('nbgrader', 'nbconvert')) for m in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def _folder(path):
    folder = path / "other"
    folder.mkdir()
    return folder
