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
import queue
from collections.abc import Iterable, Iterator
from typing import Any

from handmade.grading.cache import versions
from handmade.grading.jobs import Done, Task, done
from handmade.grading.runner import Runner, RunnerDied

PATIENCE = 30.0  # seconds to wait for the scheduler and for a first worker


class NoCluster(RuntimeError):
    """The cluster cannot be used; the text says why, and what to do."""


def run_there(tasks: Iterable[Task], address: str) -> Iterator[Done]:
    """Yield what comes of each task, executed by the workers of the cluster whose scheduler is at `address`.

    A task whose workers die is put to others; after as many as the scheduler allows (three, as Dask comes) it is tried
    once more with nothing beside it, and then given up. Raises NoCluster where there is none, or none of our versions.
    """
    try:
        from distributed import Client, KilledWorker, as_completed
    except ImportError:
        raise NoCluster(
            "Dask is not installed here. Run: pip install 'handmade-gpt[grading,cluster]'"
        ) from None
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise NoCluster(f"No Dask scheduler answers at {address} ({error}). Is it running?") from None
    with client:
        check_workers(client, versions())
        places = max(1, sum(client.nthreads().values()))
        numbers = itertools.count()
        tasks = iter(tasks)
        of: dict[Any, Task] = {}
        suspects: list[Task] = []

        def submit(task: Task) -> Any:
            # a key of its own: a run that was broken off may have left this task with the scheduler
            future = client.submit(
                execute_in_worker, task.request, key=f"handmade-{client.id}-{next(numbers)}", pure=False
            )
            of[future] = task
            return future

        running = as_completed([submit(one) for one in itertools.islice(tasks, places)], loop=client.loop)
        for future in running:
            task = of.pop(future)
            try:
                yield _done(task.key, future.result())
            except KilledWorker:
                suspects.append(task)  # perhaps only a neighbour of the one that kills
            except Exception as error:
                yield Done(task.key, None, f"executing it failed with {type(error).__name__}: {error}"[:500])
            for more in itertools.islice(tasks, 1):
                running.add(submit(more))
        for task in suspects:
            future = submit(task)
            try:
                yield _done(task.key, future.result())
            except KilledWorker as killed:
                deaths = killed.allowed_failures + 1
                yield Done(
                    task.key, None, f"executing it was tried {deaths} times, and each time the worker died"
                )
            of.pop(future)


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


def _done(key: str, answer: bytes | str) -> Done:
    return Done(key, None, answer) if isinstance(answer, str) else done(key, answer)


# ---------------------------------------------------------------- in the worker

_idle: queue.SimpleQueue[Runner] = queue.SimpleQueue()


def execute_in_worker(request: bytes) -> bytes | str:
    """Return a runner's answer to a request, or, as text, why there is none. The runner stays for the next request."""
    try:
        runner = _idle.get_nowait()
    except queue.Empty:
        runner = Runner()
    try:
        return runner.ask(request)
    except RunnerDied as died:
        return f"executing it failed: {died}"
    finally:
        _idle.put(runner)
