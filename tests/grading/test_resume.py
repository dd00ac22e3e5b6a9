"""A run that is killed at any moment, and started again, ends with the gradebook of an undisturbed one."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from grading import killed
from grading.small_desk import hand_in, hand_in_class, results, scores

from handmade.grading.desk import Desk

STUDENTS = 5
pytestmark = pytest.mark.slow


def grade(desk, kills=0, seed=0, seconds=0.0):
    """Grade in another process, killed so often before it may end; returns what it said, and the seconds of the last run."""
    command = [sys.executable, killed.__file__, str(desk.root), str(kills), str(seed), str(seconds)]
    environment = os.environ | {"HANDMADE_DESK": str(desk.root)}  # by which its processes are found
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    *said, last = done.stdout.split()
    return said, float(last)


def fill(desk):
    hand_in_class(desk, STUDENTS, line="# slow")
    hand_in(desk, "poison", double="# crash\n# right", square="# right")
    hand_in(desk, "torn").write_text("{")


@pytest.fixture(scope="module")
def undisturbed(desk_to_copy, tmp_path_factory):
    """What the gradebook holds after an undisturbed run, and how long that took."""
    folder = tmp_path_factory.mktemp("undisturbed") / "desk"
    shutil.copytree(desk_to_copy.root, folder)
    desk = Desk(folder)
    fill(desk)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
        _, seconds = grade(desk)
    return scores(desk), seconds


def killed_and_resumed(desk, undisturbed, kills, seed):
    expected, seconds = undisturbed
    fill(desk)
    said, _ = grade(desk, kills, seed, seconds)
    assert len(said) == kills
    assert scores(desk) == expected
    assert {path.suffix for path in results(desk)} == {".json"}
    assert _left_behind(desk) == []


def _left_behind(desk, patience=10):
    """Return the processes of a desk's runs that are still there after a while."""
    end = time.monotonic() + patience
    while True:
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                environment = (process / "environ").read_bytes()
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:  # it ended meanwhile, or is not ours
                continue
            if f"HANDMADE_DESK={desk.root}".encode() in environment.split(b"\0") and command:
                found.append(command)
        if not found or time.monotonic() > end:
            return found
        time.sleep(0.1)


@pytest.mark.parametrize("seed", range(3))
def test_killed_and_resumed(desk, undisturbed, seed):
    killed_and_resumed(desk, undisturbed, kills=2, seed=seed)


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(100, 150))
def test_killed_at_fifty_moments(desk, undisturbed, seed):
    killed_and_resumed(desk, undisturbed, kills=1, seed=seed)
