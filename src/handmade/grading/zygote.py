"""The grader's end of the isolated processes: a zygote, and a worker of it for each submission."""

from __future__ import annotations

import atexit
import contextlib
import itertools
import json
import os
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import handmade
from handmade.grading.inside.lockdown import VARIABLES, is_root
from handmade.grading.inside.peer import Channel

MOST_ENTRIES = 1_000  # of the scratch folder, that are looked at before each question
START = 120  # seconds that a zygote may take to import torch on a busy machine
_HERE = Path(__file__).parent
_PACKAGE = Path(handmade.__file__).parent
_BOOT = (
    "import sys, json, socket; sys.path.insert(0, sys.argv[1]); from inside import zygote; sys.path.pop(0); "
    "zygote.main(socket.socket(fileno=int(sys.argv[2])), json.loads(sys.argv[3]))"
)


class WorkerLost(RuntimeError):
    """No process can be had for a submission; the fault is this machine's or ours, not the submission's."""


class IsolationMissing(RuntimeError):
    """Isolation was required, and this machine lacks some of it; the text says what."""


class Zygote:
    """A warm interpreter that forks workers. Use it in a `with` statement, or call `close` at the end.

    `hidden` are folders that no worker may read, besides this package: the desk, the source notebooks. `isolate=False`
    is for tests of what isolation costs.
    """

    def __init__(self, hidden: tuple[Path, ...] = (), isolate: bool = True) -> None:
        self._owner = os.getpid()
        self.scratch = tempfile.mkdtemp(prefix="handmade-")
        others = is_root()  # then the worker is another user
        os.chmod(self.scratch, 0o711 if others else 0o700)
        atexit.register(self.close)
        mine, its = socket.socketpair()
        about: dict[str, Any] = {
            "isolate": isolate,
            "hidden": [str(_PACKAGE), *map(str, hidden)],
            "data": str(_PACKAGE / "data"),
            "scratch": os.path.join(os.path.realpath(self.scratch), "work"),
        }
        self._control = mine
        self._read = mine.makefile("rb")
        self.work = Path(about["scratch"])
        self.work.mkdir()
        os.chmod(self.work, 0o777 if others else 0o700)
        with its:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", _BOOT, str(_HERE), str(its.fileno()), json.dumps(about)],
                pass_fds=[its.fileno()],
                stdin=subprocess.DEVNULL,
                env={n: os.environ[n] for n in VARIABLES if n in os.environ} | {"OMP_NUM_THREADS": "1"},
            )
        mine.settimeout(START)
        self._listen("ready")

    def is_mine(self) -> bool:
        """Return whether this process started the zygote, and it is still there."""
        return self._owner == os.getpid() and self._process.poll() is None

    def __enter__(self) -> Zygote:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the zygote and what it forked."""
        atexit.unregister(self.close)
        if self._owner != os.getpid():
            return  # it belongs to the process that this one was forked from
        with contextlib.suppress(OSError):
            self._control.close()
            self._read.close()
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        with contextlib.suppress(OSError):
            self._empty()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def fork(self, **order: Any) -> Process:
        """Return a new worker, in an empty scratch folder. Raises WorkerLost where there is none to be had."""
        with _undisturbed():
            self._empty()
            mine, its = socket.socketpair()
            with its:
                self._tell({"fork": order}, [its.fileno()])
            return Process(self, self._listen("pid")["pid"], mine)

    def end(self, pid: int, patience: float = 0.0) -> dict[str, Any]:
        """Kill a worker, after so many seconds in which it may end by itself, and return how it ended."""
        with _undisturbed():
            self._tell({"end": pid, "patience": patience}, [])
            while True:
                answer = self._listen("ended")
                if answer["ended"] == pid:
                    return answer

    def _empty(self) -> None:
        """Empty the scratch folder; it stays the same one, which alone the workers may write to.

        What is in a folder is moved to the top before the folder goes: however deep a submission nested them, no path gets long.
        """
        while entries := list(os.scandir(self.work)):
            for entry in entries:
                if not entry.is_dir(follow_symlinks=False):
                    os.unlink(entry.path)
                    continue
                os.chmod(entry.path, 0o700)
                for inner in list(os.scandir(entry.path)):
                    if inner.is_dir(follow_symlinks=False):
                        os.chmod(inner.path, 0o700)
                    os.rename(inner.path, self.work / secrets.token_hex(16))
                os.rmdir(entry.path)

    def share_scratch(self) -> None:
        """Let a worker that is another user into the folders that checks made in the scratch folder."""
        if not is_root():
            return
        for entry in itertools.islice(os.scandir(self.work), MOST_ENTRIES):
            about = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(about.st_mode) and about.st_uid == 0 and about.st_mode & 0o777 != 0o777:
                place = os.open(entry.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
                try:
                    os.fchmod(place, 0o777)
                finally:
                    os.close(place)

    def _tell(self, message: dict[str, Any], descriptors: list[int]) -> None:
        try:
            socket.send_fds(self._control, [json.dumps(message).encode()], descriptors)
        except OSError as error:
            raise WorkerLost(f"the zygote does not answer: {error}") from None

    def _listen(self, what: str) -> dict[str, Any]:
        """Return the zygote's next message of this kind; what was left unread of another question is passed over."""
        while True:
            try:
                line = self._read.readline()
            except OSError as error:
                raise WorkerLost(f"the zygote does not answer: {error}") from None
            if not line:
                raise WorkerLost(f"the zygote ended with status {self._process.wait()}")
            answer: dict[str, Any] = json.loads(line)
            if what in answer:
                return answer


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Keep a check's alarm, which raises, out of the block: what was asked of the zygote must be heard to its end."""
    alarm = {signal.SIGALRM} if hasattr(signal, "SIGALRM") else set()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, alarm)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Process:
    """One worker: its channel, its clock and its end."""

    def __init__(self, zygote: Zygote, pid: int, end: socket.socket) -> None:
        self.zygote, self.pid = zygote, pid
        self.channel = Channel(end)
        self.ended: dict[str, Any] = {}

    def seconds(self) -> float:
        """Return the seconds of work that the worker has done."""
        if self.ended:
            return float(self.ended["cpu"])
        try:
            return time.clock_gettime(
                ~self.pid << 3 | 2
            )  # the clock of a process, as clock_getcpuclockid(3) makes it
        except OSError:
            return 0.0

    def kill(self, patience: float = 0.0) -> dict[str, Any]:
        """End the worker, once; return how it ended and what it used."""
        if not self.ended:
            self.channel.end.close()
            self.ended = self.zygote.end(self.pid, patience)
        return self.ended
