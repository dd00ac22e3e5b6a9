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
from typing import Any

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
    """What came of a task: its result, or None and the reason why there is none."""

    key: str
    result: dict[str, Any] | None
    reason: str = ""


def task(key: str, notebook: NotebookNode, options: dict[str, Any], work: str = EXECUTE) -> Task:
    """Return the task of executing a notebook; `work` names the function that does it."""
    return Task(key, json.dumps({"work": work, "notebook": notebook, "options": options}).encode())


def done(key: str, answer: bytes) -> Done:
    """Return what a runner's answer says."""
    said = json.loads(answer)
    if "result" in said:
        return Done(key, said["result"])
    return Done(key, None, f"executing it failed with {said['error']}")


def run_here(tasks: Iterable[Task], jobs: int) -> Iterator[Done]:
    """Yield what comes of each task, executed by so many processes of this machine.

    A task whose process dies is tried again, ATTEMPTS times in all. Raises ValueError where `jobs` is less than 1.
    """
    if jobs < 1:
        raise ValueError(f"expected at least 1 job, got {jobs}")
    runners = [Runner() for _ in range(jobs)]
    idle: queue.SimpleQueue[Runner] = queue.SimpleQueue()
    for runner in runners:
        idle.put(runner)
    threads = ThreadPoolExecutor(jobs)
    waiting: set[Future[Done]] = set()
    try:
        for one in tasks:
            waiting.add(threads.submit(_try, one, idle))
            if len(waiting) >= 2 * jobs:
                finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in finished)
        while waiting:
            finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in finished)
    finally:
        for future in waiting:
            future.cancel()
        for runner in runners:
            runner.close()
        threads.shutdown()


def _try(one: Task, idle: queue.SimpleQueue[Runner]) -> Done:
    runner = idle.get()
    try:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return done(one.key, runner.ask(one.request))
            except RunnerDied as died:
                reason = f"executing it was tried {attempt} times, and each time {died}"
        return Done(one.key, None, reason)
    finally:
        idle.put(runner)
