"""Call somebody else's function and come back, whatever it does: loop, print, exit, raise, return anything."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import io
import linecache
import os
import signal
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

PATIENCE = 4  # how many seconds may pass for each second of work
MOST_WAY = 10.0  # seconds of messages that a candidate is not charged with; it pays for what is more
OUTPUT_KEPT = 2_000  # characters of a candidate's own output that are kept to be shown


class TimeLimit(BaseException):
    """The candidate's time is up. Not an Exception, so that `except Exception` does not catch it."""


@dataclass(frozen=True)
class Outcome:
    """What came of one call: a value, or what stopped it; and what it printed meanwhile.

    `stopped` is "" for a value, else one of: raised, time, exit, interrupted, not written.
    `line` is the line of the candidate's code that raised, and its number in the cell: "7: return a / b".
    """

    value: Any = None
    stopped: str = ""
    error: BaseException | None = None
    line: str = ""
    printed: str = ""
    seconds: float = 0.0


def call(function: Callable[[], Any], seconds: float) -> Outcome:
    """Return what came of calling `function()`, within a limit of so many seconds.

    They are seconds of work of this thread, so that a busy machine takes nothing from a candidate; one that only
    waits is stopped after PATIENCE times as long. `Outcome.seconds` counts alike.
    Output to stdout and stderr is kept, at most OUTPUT_KEPT characters of it, and shown nowhere else: what is
    written to the file descriptors 1 and 2 directly is dropped.
    """
    spent = _stopwatch()
    kept = _Capped()
    outcome = Outcome()
    try:
        with _output_to(kept), _alarm(seconds):
            outcome = Outcome(value=function())
    except TimeLimit:
        outcome = Outcome(stopped="time")
    except SystemExit as error:
        outcome = Outcome(stopped="exit", error=error)
    except KeyboardInterrupt as error:
        outcome = Outcome(stopped="interrupted", error=error)
    except NotImplementedError as error:
        outcome = Outcome(stopped="not written", error=error)
    except BaseException as error:
        outcome = Outcome(stopped="raised", error=error, line=_line_that_raised(error))
    return Outcome(outcome.value, outcome.stopped, outcome.error, outcome.line, kept.text(), spent())


@dataclass(frozen=True)
class Elsewhere:
    """Another process in which candidates run on this thread's behalf.

    `work` tells the seconds of its work, `way` those that went into the messages to and fro, which are no candidate's.
    """

    work: Callable[[], float]
    way: Callable[[], float]


_elsewhere: list[Elsewhere] = []


@contextlib.contextmanager
def counting(elsewhere: Elsewhere) -> Iterator[None]:
    """Count the work of another process, too, in the limits of candidates that are called in the block."""
    _elsewhere.append(elsewhere)
    try:
        yield
    finally:
        _elsewhere.remove(elsewhere)


def _stopwatch() -> Callable[[], float]:
    """Return a function that tells the seconds spent since now: of work, or a part of those that passed where that is more."""

    def now() -> tuple[float, float, float]:
        work = time.thread_time() + sum(e.work() for e in _elsewhere)
        return work, time.perf_counter(), sum(e.way() for e in _elsewhere)

    start = now()

    def spent() -> float:
        work, passed, way = (later - first for later, first in zip(now(), start, strict=True))
        way = min(way, MOST_WAY)
        return max(work - way, (passed - way) / PATIENCE)

    return spent


class _Capped(io.RawIOBase):
    """A file that keeps the first bytes written to it and counts the rest."""

    def __init__(self) -> None:
        self.kept, self.size = bytearray(), 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        data = bytes(data)
        self.kept += data[: max(0, OUTPUT_KEPT - len(self.kept))]
        self.size += len(data)
        return len(data)

    def text(self) -> str:
        more = f"\n… and {self.size - len(self.kept):,} more characters" if self.size > len(self.kept) else ""
        return self.kept.decode("utf-8", errors="replace") + more


@contextlib.contextmanager
def _output_to(raw: io.RawIOBase) -> Iterator[None]:
    """Send sys.stdout and sys.stderr to `raw`, and the file descriptors under them to nowhere."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    text = io.TextIOWrapper(raw, encoding="utf-8", errors="replace", write_through=True)  # type: ignore[type-var]
    saved = {}
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for descriptor in (1, 2):
            with contextlib.suppress(OSError):  # a host may have closed them
                saved[descriptor] = os.dup(descriptor)
                os.dup2(nowhere, descriptor)
        with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
            yield
    finally:
        for descriptor, copy in saved.items():
            os.dup2(copy, descriptor)
            os.close(copy)
        os.close(nowhere)
        with contextlib.suppress(Exception):
            text.detach()


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Raise TimeLimit inside the block when the time is up, and again every 0.2 s where it is caught."""
    if threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer"):
        spent = _stopwatch()

        def ring(*_: object) -> None:
            if spent() >= seconds:
                raise TimeLimit

        before = signal.signal(signal.SIGALRM, ring)
        try:
            signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001), min(0.2, max(seconds, 0.01)))
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
    else:  # Windows, or not the main thread: between two bytecodes at least
        thread = ctypes.c_ulong(threading.get_ident())
        over = threading.Event()

        def ring_later() -> None:
            if not over.wait(seconds):
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(TimeLimit))

        timer = threading.Thread(target=ring_later, daemon=True)
        timer.start()
        try:
            yield
        finally:
            over.set()
            timer.join()


@functools.cache
def _installed() -> tuple[str, str]:
    """Return the folders of installed libraries."""
    paths = sysconfig.get_paths()
    return paths["platlib"], paths["purelib"]


def _line_that_raised(error: BaseException) -> str:
    """Return the innermost line of the candidate's own code in the error's traceback, or ""."""
    here = os.path.dirname(__file__)
    grading = (
        os.path.join(os.path.dirname(here), "grading") + os.sep
    )  # where a candidate in another process is called
    found = ""
    frames = []
    trace = error.__traceback__
    while trace is not None:
        frames.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno))
        trace = trace.tb_next
    # torch calls a module's forward: frames of installed libraries may come before the candidate's
    theirs = [frame for frame in frames if not frame[0].startswith((here, grading, *_installed()))]
    if theirs:
        own_file = theirs[0][0]  # the first frame outside this package and those is the candidate's
        number = [line for name, line in theirs if name == own_file][-1]
        source = linecache.getline(own_file, number).strip()
        found = f"{number}: {source}" if source else ""
    return found
