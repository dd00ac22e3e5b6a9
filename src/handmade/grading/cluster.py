"""Many submissions executed side by side on the machines of a Dask cluster (https://distributed.dask.org).

A worker gets bytes and gives back bytes; the learner's code never runs in the worker's own process, but behind the same
boundary as on one machine. What a lost worker had in hand is done again by another. The workers need this package, in the
same version as here, and its `grading` and `cluster` extras:

    dask scheduler                                     on one machine
    dask worker tcp://scheduler:8786 --nworkers auto --nthreads 1     on each that computes

Dask's own port is open to everybody who reaches it: keep it inside a network that you trust, or give both TLS keys.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import queue
from collections.abc import Iterable, Iterator
from typing import Any

from handmade.grading.cache import versions
from handmade.grading.jobs import Done, Task, done
from handmade.grading.runner import Runner, RunnerDied
from handmade.learner.origin import requirement

PATIENCE = 30.0  # seconds to wait for the scheduler and for a first worker


class NoCluster(RuntimeError):
    """The cluster cannot be used; the text says why, and what to do."""


class There:
    """The workers of the cluster whose scheduler is at `address`. Use it in a `with` statement.

    Raises NoCluster where there is none, or none with our versions.
    """

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise NoCluster(
                f"Dask is not installed here. Run: pip install '{requirement('grading,cluster')}'"
            ) from None
        try:
            self.client = Client(address, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError) as error:
            raise NoCluster(f"No Dask scheduler answers at {address} ({error}). Is it running?") from None
        self._numbers = itertools.count()

    def __enter__(self) -> There:
        try:
            check_workers(self.client, versions())
        except NoCluster:
            self.client.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def run(self, tasks: Iterable[Task]) -> Iterator[Done]:
        """Yield what comes of each task, in any order.

        One whose workers die is put to others; after as many as the scheduler allows (three, as Dask comes) it is tried once
        more with nothing beside it, and then given up.
        """
        from distributed import KilledWorker, as_completed

        tasks = iter(tasks)
        places = max(1, sum(self.client.nthreads().values()))
        asked: dict[Any, Task] = {}
        suspects: list[Task] = []

        def submit(one: Task) -> Any:
            future = self._submit(one)
            asked[future] = one
            return future

        running = as_completed(
            [submit(one) for one in itertools.islice(tasks, 2 * places)], loop=self.client.loop
        )
        for future in running:
            one = asked.pop(future)
            try:
                yield done(one.key, future.result())
            except KilledWorker:
                suspects.append(one)  # perhaps only a neighbour of the one that kills
            except Exception as error:
                kind = type(error).__name__
                yield Done(one.key, None, f"executing it failed with {kind}: {error}"[:500], kind)
            for more in itertools.islice(tasks, 1):
                running.add(submit(more))
        for one in suspects:
            try:
                yield done(one.key, self._submit(one).result())
            except KilledWorker as killed:
                reason = f"executing it was tried {killed.allowed_failures + 1} times, and each time the worker died"
                yield Done(one.key, None, reason)

    def run_everywhere(self, one: Task) -> dict[str, Done]:
        """Return what comes of a task at each worker, by its address."""
        answers = self.client.run(execute_in_worker, one.request, on_error="return")
        return {
            worker: done(one.key, answer) if isinstance(answer, bytes) else Done(one.key, None, str(answer))
            for worker, answer in answers.items()
        }

    def _submit(self, one: Task) -> Any:
        # a name of its own: a run that was broken off may have left this task with the scheduler
        name = f"handmade-{self.client.id}-{next(self._numbers)}"
        return self.client.submit(execute_in_worker, one.request, key=name, pure=False)


def check_workers(client: Any, ours: dict[str, str]) -> None:
    """Raise NoCluster where there is no worker, or one has other versions than this machine: scores could differ."""
    with contextlib.suppress(TimeoutError):
        client.wait_for_workers(1, timeout=PATIENCE)
    theirs = client.run(versions, on_error="return")
    if not theirs:
        raise NoCluster(
            f"The scheduler has no worker yet. Run on each machine: dask worker {client.scheduler.address}"
        )
    for worker, found in theirs.items():
        if isinstance(found, BaseException):
            raise NoCluster(f"The worker {worker} cannot use this package ({found}). Is it installed there?")
        for name, here in ours.items():
            if found.get(name) != here:
                raise NoCluster(
                    f"The worker {worker} has {name} {found.get(name)}, this machine {here}: scores could differ. "
                    "Install the same version there."
                )


# ---------------------------------------------------------------- in the worker

_idle: queue.SimpleQueue[Runner] = queue.SimpleQueue()


def execute_in_worker(request: bytes) -> bytes:
    """Return a runner's answer to a request. The runner stays for the next one."""
    try:
        runner = _idle.get_nowait()
    except queue.Empty:
        runner = Runner()
    try:
        return runner.ask(request)
    except RunnerDied as died:
        return json.dumps({"kind": "RunnerDied", "error": str(died)}).encode()
    finally:
        _idle.put(runner)
