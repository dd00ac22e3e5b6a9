"""Many submissions executed side by side, by processes of this machine; `cluster` does the same on several.

Both take tasks one by one as they have room, and hand back what is done as it is done, in any order: of ten thousand
submissions only a few are in memory at a time. Whatever a submission does, it gets an answer and the others go on.
"""

from __future__ import annotations

import json
import queue
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Protocol

from nbformat import NotebookNode

from handmade.grading.runner import EXECUTE, Runner, RunnerDied

ATTEMPTS = 3  # a process may also die because the machine had no memory left for it


@dataclass(frozen=True)
class Task:
    """A submission to execute: the key of its result, and the request that a runner understands."""

    key: str
    request: bytes


@dataclass(frozen=True)
class Done:
    """What came of a task: its result, or None and the reason why there is none; `kind` names the error, if it was one."""

    key: str
    result: dict[str, Any] | None
    reason: str = ""
    kind: str = ""


class Places(Protocol):
    """Where submissions are executed: `Here`, or on a cluster."""

    def run(self, tasks: Iterable[Task]) -> Iterator[Done]:
        """Yield what comes of each task, in any order."""

    def run_everywhere(self, one: Task) -> dict[str, Done]:
        """Return what comes of a task at each place, by its name."""


def task(key: str, notebook: NotebookNode, options: dict[str, Any], work: str = EXECUTE) -> Task:
    """Return the task of executing a notebook; `work` names the function that does it."""
    return Task(key, json.dumps({"work": work, "notebook": notebook, "options": options}).encode())


def done(key: str, answer: bytes) -> Done:
    """Return what a runner's answer says."""
    said = json.loads(answer)
    if "result" in said:
        return Done(key, said["result"])
    return Done(key, None, f"executing it failed with {said['kind']}: {said['error']}", said["kind"])


class Here:
    """So many processes of this machine. Use it in a `with` statement. Raises ValueError for less than one."""

    def __init__(self, jobs: int) -> None:
        if jobs < 1:
            raise ValueError(f"expected at least 1 job, got {jobs}")
        self.runners = [Runner() for _ in range(jobs)]
        self._idle: queue.SimpleQueue[Runner] = queue.SimpleQueue()
        for runner in self.runners:
            self._idle.put(runner)
        self._threads = ThreadPoolExecutor(jobs)

    def __enter__(self) -> Here:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        for runner in self.runners:
            runner.close()
        self._threads.shutdown()

    def run(self, tasks: Iterable[Task]) -> Iterator[Done]:
        """Yield what comes of each task, in any order. One whose process dies is tried again, ATTEMPTS times in all."""
        waiting: set[Future[Done]] = set()
        for one in tasks:
            waiting.add(self._threads.submit(self._try, one))
            if len(waiting) >= 2 * len(self.runners):
                finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in finished)
        while waiting:
            finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in finished)

    def run_everywhere(self, one: Task) -> dict[str, Done]:
        """Return what comes of a task on this machine, after all of its processes have tried it: each has started then."""
        tried = list(self._threads.map(self._try, [one] * len(self.runners)))
        return {"": next((done for done in tried if done.result is None), tried[0])}

    def _try(self, one: Task) -> Done:
        runner = self._idle.get()
        try:
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    return done(one.key, runner.ask(one.request))
                except RunnerDied as died:
                    reason = f"executing it was tried {attempt} times, and each time {died}"
            return Done(one.key, None, reason)
        finally:
            self._idle.put(runner)
