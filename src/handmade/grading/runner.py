"""A process of its own that executes submissions one after another, and its owner's end of it.

`execute` runs checks in the main thread of its process, under signals and with the standard streams redirected, so each
job needs a process. multiprocessing's own pools will not do: one that dies takes the pool with it, they cannot be started
inside a Dask worker, and they stay behind when their owner is killed. This one ends when its owner's end of the pipe does.

Frames on the pipes: eight bytes of length, then JSON. A request is {"work": "module:function", "notebook": …, "options": …}.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import os
import queue
import struct
import subprocess
import sys
import threading
import traceback
from typing import Any, BinaryIO

EXECUTE = "handmade.grading.work:execute_plain"
LENGTH = struct.Struct(">Q")
PATIENCE = 5.0  # seconds for ending by itself
SECONDS = 1800.0  # for one submission, whatever it holds; its cells and checks have limits of their own


class RunnerDied(RuntimeError):
    """The process ended, or had to be ended, before it answered."""


class Runner:
    """The owner's end: starts the process when it is needed, and again after it died."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def ask(self, request: bytes, seconds: float = SECONDS) -> bytes:
        """Return the answer to a request. Raises RunnerDied, with how, where none comes within so many seconds."""
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        late = threading.Event()

        def end() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            write_frame(process.stdin, request)
            return read_frame(process.stdout)
        except (OSError, EOFError, ValueError):
            status = self._end()
            if late.is_set():
                raise RunnerDied(f"it did not end within {seconds:g} seconds") from None
            raise RunnerDied(_how(status)) from None
        finally:
            timer.cancel()

    def close(self) -> None:
        """End the process; what waits for an answer gets RunnerDied."""
        self._closed = True
        self._end()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._closed:
            raise RunnerDied("it was closed")
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "handmade.grading.runner"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # what went wrong is in the answer
                start_new_session=True,  # Ctrl-C in the terminal is for the owner, who closes the pipe
            )
        return self._process

    def _end(self) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            return process.wait(timeout=PATIENCE)  # it ends by itself, and puts its own things away
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()


def _how(status: int) -> str:
    return (
        f"its process was ended by signal {-status}"
        if status < 0
        else f"its process ended with status {status}"
    )


def write_frame(pipe: BinaryIO | Any, data: bytes) -> None:
    """Write one frame and send it off."""
    pipe.write(LENGTH.pack(len(data)) + data)
    pipe.flush()


def read_frame(pipe: BinaryIO | Any) -> bytes:
    """Return the next frame. Raises EOFError where the pipe ends first."""
    head = pipe.read(LENGTH.size)
    if len(head) < LENGTH.size:
        raise EOFError
    [size] = LENGTH.unpack(head)
    data = pipe.read(size)
    if len(data) < size:
        raise EOFError
    return bytes(data)


def main() -> None:
    """Answer requests on stdin until it ends; then end, whatever is being done."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(2, 1)  # a stray print is no frame
    waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def listen() -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                waiting.put(read_frame(requests))
        atexit._run_exitfuncs()  # the zygote is closed; the main thread may be anywhere, and is not asked
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        try:
            write_frame(replies, _answer(waiting.get()))
        except OSError:  # nobody listens any more: the other thread ends this process
            continue


def _answer(request: bytes) -> bytes:
    try:
        asked = json.loads(request)
        module, _, name = asked["work"].partition(":")
        result = getattr(importlib.import_module(module), name)(asked["notebook"], asked["options"])
        return json.dumps({"result": result}).encode()
    except Exception as error:
        said = {"kind": type(error).__name__, "error": str(error)[:500]}
        return json.dumps(said | {"traceback": traceback.format_exc()[-4000:]}).encode()


if __name__ == "__main__":
    main()
