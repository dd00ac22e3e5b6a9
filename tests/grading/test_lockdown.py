"""What a worker may do and what not: each thing tried in a worker, as a submission would."""

import os
import subprocess
import sys

import pytest
from grading.isolated import run, said

from handmade.grading.inside import lockdown


def tried(zygote, code):
    """Return "done" or the error that a piece of a submission's code ended with."""
    return said(
        run(
            zygote,
            f"try:\n    {code}\n    print('done')\nexcept BaseException as e:\n    print(type(e).__name__, e)",
        ),
        0,
    ).strip()


DENIED = {
    "read the package": "open({package!r} + '/checks/matmul.py').read()",
    "read a solution": "open({package!r} + '/reference/matmul.py').read()",
    "list the package": "import os; os.listdir({package!r})",
    "import a solution": "import handmade.reference.matmul",
    "import the checks": "import handmade.checks",
    "load the package by its file": "import importlib.util as u; s = u.spec_from_file_location('x', {package!r} + '/__init__.py'); u.module_from_spec(s).__loader__.get_data({package!r} + '/__init__.py')",
    "read the repository": "open({root!r} + '/pyproject.toml').read()",
    "read a password file": "open('/etc/passwd').read()",
    "read another process's memory": "import os; open('/proc/%d/mem' % os.getppid(), 'rb').read(1)",
    "read another process's environment": "import os; open('/proc/%d/environ' % os.getppid()).read()",
    "read its own environment": "open('/proc/self/environ').read()",
    "write beside Python's packages": "import numpy, os; open(os.path.dirname(numpy.__file__) + '/new.py', 'w')",
    "write to the shared memory": "open('/dev/shm/x', 'w')",
    "write to the folder for temporary files": "open('/tmp/handmade-test', 'w')",
    "fork": "import os; os.fork()",
    "start a program": "import subprocess, sys; subprocess.run([sys.executable, '-c', ''])",
    "start a shell": "import os; assert os.system('true') == 0",
    "replace itself": "import os, sys; os.execv(sys.executable, ['python'])",
    "kill its parent": "import os; os.kill(os.getppid(), 9)",
    "kill everybody": "import os; os.kill(-1, 9)",
    "open a socket": "import socket; socket.socket()",
    "connect to a name": "import socket; socket.create_connection(('localhost', 80), 1)",
    "become root": "import os; os.setuid(0)",
    "raise its limits": "import resource; resource.setrlimit(resource.RLIMIT_CPU, (10**6, 10**6))",
    "trace its parent": "import ctypes, os; assert ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0) == 0",
    "leave its network": "import ctypes; assert ctypes.CDLL(None).unshare(0x40000000) == 0",
    "mount": "import ctypes; assert ctypes.CDLL(None).mount(b'x', b'/tmp', b'tmpfs', 0, 0) == 0",
    "open a large file": "open('big', 'wb').write(bytes(200 * 2**20))",
    "take all memory": "x = bytearray(64 * 2**30)",
    "take all memory by torch": "import torch; x = torch.ones(2**34)",
    "read from its input": "assert input()",
}  # fmt: skip

ALLOWED = {
    "write and read in its scratch folder": "open('mine', 'w').write('x'); assert open('mine').read() == 'x'",
    "make a temporary folder": "import tempfile; tempfile.TemporaryDirectory().cleanup()",
    "start threads": "import threading; t = threading.Thread(target=int); t.start(); t.join()",
    "use several threads in torch": "import torch; torch.set_num_threads(2); (torch.ones(300, 300, requires_grad=True) @ torch.ones(300, 300)).sum().backward()",
    "import what was not imported before": "import decimal, colorsys, wave, sqlite3; import matplotlib.colors",
    "use torch's parts that load late": "import torch; torch.linalg.svd(torch.eye(3)); torch.fft.fft(torch.ones(4)); torch.optim.AdamW([torch.ones(1, requires_grad=True)])",
    "save and load": "import torch; torch.save(torch.ones(2), 'x.pt'); assert torch.load('x.pt').sum() == 2",
    "read the course's texts": "from handmade.data.text import moby_dick; assert 'whale' in moby_dick()",
    "ask for random bytes": "import os, secrets; os.urandom(4); secrets.token_hex()",
    "run its own loop of events": "import asyncio; asyncio.run(asyncio.sleep(0))",
    "tell the time": "import time, datetime; time.sleep(0.001); datetime.datetime.now().astimezone()",
    "compile a class of its own": "import dataclasses; dataclasses.make_dataclass('D', ['x'])(1)",
    "kill nobody but itself": "import os; os.kill(os.getpid(), 0)",
}


@pytest.fixture(scope="module")
def places(root):
    import handmade

    return {"package": os.path.dirname(handmade.__file__), "root": str(root)}


@pytest.mark.parametrize("what", DENIED)
def test_denied(zygote, places, what):
    answer = tried(zygote, DENIED[what].format(**places))
    assert answer != "done"
    expected = (
        "PermissionError", "ModuleNotFoundError", "MemoryError", "AssertionError", "OSError", "RuntimeError", "EOFError",
        "BlockingIOError", "gaierror", "ValueError",
    )  # fmt: skip
    assert answer.split()[0] in expected, answer


@pytest.mark.parametrize("what", ALLOWED)
def test_allowed(zygote, what):
    assert tried(zygote, ALLOWED[what]) == "done"


def test_what_is_in_force_is_said(zygote):
    isolation = run(zygote, "1").isolation
    assert set(isolation) == set(lockdown.LAYERS)
    assert isolation["limits"]
    assert isolation["files"] == "Landlock"
    assert isolation["system calls"] == "seccomp"


def test_one_submission_finds_nothing_of_another(zygote):
    run(zygote, "open('mine', 'w').write('secret'); import torch; torch.handmade_was_here = 1")
    text = said(
        run(zygote, "import os, torch; print(os.listdir('.'), hasattr(torch, 'handmade_was_here'))"), 0
    )
    assert text == "[] False\n"


def test_descriptors_of_the_grader_are_closed(zygote):
    code = "import os\nopen_ones = []\nfor d in range(256):\n    try:\n        os.fstat(d); open_ones.append(d)\n    except OSError: pass\nprint(open_ones)"
    assert said(run(zygote, code), 0) == "[0, 1, 2, 3]\n"


def test_trees_leave_out_what_is_hidden(tmp_path):
    for name in ("a/b/secret/x", "a/b/open", "a/c", "d/e"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = lockdown.trees_without([str(tmp_path)], [str(tmp_path / "a/b/secret")])
    assert found == [str(tmp_path / name) for name in ("a/b/open", "a/c", "d")]


def test_without_the_kernels_help_the_worker_still_runs_and_says_so():
    """As on macOS or an old kernel: what cannot be had is named, and required isolation refuses."""
    code = """
import handmade.grading.inside.lockdown as l
l._LINUX = False
l._libc = None
plan = l.Plan((), (), 60, 2**30, 2**20)
print(l.lock(plan, l.ruleset([], [])))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "'files': ''" in done.stdout
    assert "'system calls': ''" in done.stdout
    assert "limits of time" in done.stdout
