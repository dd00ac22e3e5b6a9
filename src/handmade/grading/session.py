"""A submission's life in workers: its cells run in one, and in another again where one was killed or died."""

from __future__ import annotations

import contextlib
import io
import itertools
import linecache
import signal
import time
from typing import TYPE_CHECKING, Any

from handmade.checks.guard import Elsewhere
from handmade.grading.inside.lockdown import LAYERS
from handmade.grading.inside.peer import Gone
from handmade.grading.inside.wire import WireError
from handmade.grading.remote import Interrupted, Parts, Side
from handmade.grading.zygote import IsolationMissing, WorkerLost, Zygote

if TYPE_CHECKING:
    from handmade.grading.execution import Settings

MOST_WORKERS = 60  # for one submission
MOST_IN_A_CELL = 2  # that are started anew: a check that puts ten cases to a function that ends Python needs no ten workers
ANSWER_SECONDS = 60.0  # that one question outside a check's own limit may take
MESSAGE_SECONDS = 0.0003  # that a question and its answer take both sides together; measured: 0.2 to 0.35 ms
START_SECONDS = 60.0  # on the clock, until a forked worker speaks


class Session:
    """What a submission's names stand for, wherever they live at the moment."""

    def __init__(self, zygote: Zygote, settings: Settings, seed: int, parts: Parts) -> None:
        self.zygote, self.settings, self.seed, self.parts = zygote, settings, seed, parts
        self.isolation: dict[str, str] = {}
        self.limits: list[str] = []
        self.memory = 0
        self._ran: dict[str, str] = {}  # the cells that ended, by their file, to run again
        self._side: Side | None = None
        self._started = 0
        self._started_here = 0  # since this cell began
        self._spent = 0.0  # by workers that are gone
        self._exchanged = 0  # messages with them

    def seconds(self) -> float:
        """Return the seconds of work that all workers of this submission have done."""
        return self._spent + (self._side.process.seconds() if self._side is not None else 0.0)

    def elsewhere(self) -> Elsewhere:
        """Return the clocks by which checks count what the workers do."""
        return Elsewhere(self.seconds, lambda: MESSAGE_SECONDS * self._messages())

    def _messages(self) -> int:
        return self._exchanged + (self._side.n_messages if self._side is not None else 0)

    def begin_cell(self) -> None:
        """Let a cell begin, with workers of its own where those before it used theirs up."""
        self._started_here = 0

    def run_cell(self, index: int, source: str) -> dict[str, Any]:
        """Run a learner's cell; return what came of it, in plain data."""
        file = f"<cell {index + 1}>"
        lines = list(itertools.dropwhile(lambda line: not line.strip(), source.splitlines(keepends=True)))
        linecache.cache[file] = (
            len(source),
            None,
            lines,
            file,
        )  # IPython, too, counts from the first line with text
        seconds = self.settings.limits.cell_seconds
        nothing: dict[str, Any] = {
            "result": None,
            "error": None,
            "time": False,
            "output": [],
            "cut": False,
            "lost": "",
        }
        try:
            side = self._alive()
            side.seconds = seconds + 2  # the worker stops it by itself, unless it is kept from that
            done = self._run(side, file, source)
            side.seconds = ANSWER_SECONDS
            checked = nothing | _checked(done, self.settings.limits.output)
        except (Gone, WireError) as error:
            late = "no answer within" in str(error)
            return nothing | ({"time": True} if late else {"lost": self._why(error)})
        self._ran[file] = source
        return checked

    def fetch(self, name: str) -> Any:
        """Return what a name stands for: a value, or a handle. Raises NameError, and Gone where nothing can be had."""
        return self._alive().fetch(name)

    def close(self) -> None:
        """End the worker."""
        self._bury()
        for file in self._ran:
            linecache.cache.pop(file, None)

    def _alive(self) -> Side:
        """Return a worker in which the submission's cells have run."""
        if self._side is not None and not self._side.broken:
            return self._side
        self._bury()
        if self._started_here >= MOST_IN_A_CELL:
            raise Gone("the process that your code runs in was ended too often in this cell")
        if self._started >= MOST_WORKERS or self._spent > self.settings.limits.total_seconds:
            raise Gone("the submission was stopped too often, or has used up its time")
        self._started += 1
        self._started_here += 1
        self._side = side = self._start()
        for file, source in self._ran.items():
            side.seconds = self.settings.limits.cell_seconds + 2
            self._run(side, file, source)
        side.seconds = ANSWER_SECONDS
        return side

    def _run(self, side: Side, file: str, source: str) -> Any:
        """Have a worker run a cell. It tells of an error in the cell; one that comes as its own means that it is no longer ours."""
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # what the cell printed is in the answer
                return side.ask("run", file, source, self.settings.limits.cell_seconds)
        except (Gone, WireError, WorkerLost):
            raise
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and not isinstance(error, Interrupted):
                raise  # somebody pressed a key here
            side.broken = f"it answered with {type(error).__name__} in place of what came of the cell"
            raise Gone(side.broken) from None

    def _start(self) -> Side:
        limits = self.settings.limits
        process = self.zygote.fork(
            seed=self.seed,
            seconds=int(limits.total_seconds),
            memory=limits.memory,
            file_size=limits.file_size,
            output=limits.output,
        )
        until = time.monotonic() + START_SECONDS

        def alarm() -> None:
            if time.monotonic() > until:
                raise Gone("it did not start in time")

        process.channel.alarm = alarm
        try:
            said, _ = process.channel.receive()
        except (Gone, WireError) as error:
            process.kill()
            raise WorkerLost(f"a worker did not start: {error}") from None
        self.isolation = {str(layer): str(what) for layer, what in said["ready"].items()}
        missing = [layer for layer in LAYERS if not self.isolation.get(layer)]
        if missing and self.settings.require_isolation:
            process.kill()
            raise IsolationMissing(f"This machine does not isolate a submission's {', '.join(missing)}.")
        return Side(process, self.parts, ANSWER_SECONDS, self.fetch)

    def _bury(self) -> None:
        """End the worker that there is, and keep what it used."""
        if self._side is None:
            return
        ended = self._side.process.kill()
        self._spent += ended["cpu"]
        self._exchanged += self._side.n_messages
        self.memory = max(self.memory, ended["memory"])
        self._side = None

    def _why(self, error: Exception) -> str:
        """Return how the worker ended, in words."""
        ended = self._side.process.kill() if self._side is not None else {}
        if ended.get("by itself") and ended["signal"]:
            with contextlib.suppress(ValueError):
                return f"ended by {signal.Signals(ended['signal']).name}"
        return "it left Python" if ended.get("by itself") else str(error)


def _checked(done: Any, most: int) -> dict[str, Any]:
    """Return what a worker says of a cell, once it is known to have the agreed form."""

    def text(value: Any, length: int) -> str:
        if type(value) is not str:  # a handle would be asked what it looks like
            raise WireError("what came of a cell is not in the agreed form")
        return value[:length]

    try:
        left, output = most, []
        for name, part in done["output"]:
            if text(name, 6) in ("stdout", "stderr"):
                output.append((name, text(part, left)))
                left -= len(output[-1][1])
        error = None if done["error"] is None else [text(part, 10_000) for part in done["error"]]
        if error is not None and len(error) != 3:
            raise WireError("what came of a cell is not in the agreed form")
        return {
            "result": None if done["result"] is None else text(done["result"], most),
            "error": error,
            "time": done["time"] is True,
            "output": [(name, part) for name, part in output if part],
            "cut": done["cut"] is True or left <= 0,
        }
    except (TypeError, ValueError, KeyError):
        raise WireError("what came of a cell is not in the agreed form") from None
