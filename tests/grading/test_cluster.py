"""Grading on a Dask cluster: the scores of one machine, whatever happens to its workers."""

import os
import signal
import threading
import time

import pytest
from grading.small_desk import hand_in, hand_in_class, results, run, scores

from handmade.grading import cluster

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster")]


@pytest.fixture
def workers(another_desk):
    """A cluster of two workers on this machine, started after PYTHONPATH was set, which they hand to their runners."""
    import dask
    from distributed import LocalCluster

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 2}),
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as local,
    ):
        yield local


@pytest.fixture
def expected(another_desk):
    """Return a function that gives the scores of the same class, graded here."""

    def grade_here(fill):
        desk = another_desk()
        fill(desk)
        run(desk)
        return scores(desk)

    return grade_here


def test_a_cluster_gives_the_gradebook_of_one_machine(desk, workers, expected):
    hand_in_class(desk, 6)
    did = run(desk, scheduler=workers.scheduler_address)
    assert (did.executed, len(did.written), did.failed) == (6, 6, {})
    assert scores(desk) == expected(lambda other: hand_in_class(other, 6))
    assert run(desk, scheduler=workers.scheduler_address).executed == 0


def test_what_a_lost_worker_had_in_hand_is_done_by_another(desk, workers, expected):
    hand_in_class(desk, 6, line="# slow")
    victim = next(iter(workers.workers.values())).pid

    def kill():
        while not results(desk):
            time.sleep(0.05)
        os.kill(victim, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    did = run(desk, scheduler=workers.scheduler_address)
    killer.join()
    assert did.failed == {}
    assert scores(desk) == expected(lambda other: hand_in_class(other, 6, line="# slow"))


def test_what_kills_worker_after_worker_gets_nothing_and_a_reason(desk, workers, expected):
    def fill(other):
        hand_in_class(other, 3)
        hand_in(other, "poison", double="# crash worker\n# right", square="# right")

    fill(desk)
    did = run(desk, scheduler=workers.scheduler_address)
    assert list(did.failed) == ["poison"]
    assert "3 times, and each time the worker died" in did.failed["poison"]
    assert scores(desk)["poison", "check_square"][0] == 0
    assert [scores(desk)[f"s{i:03}", "check_double"][0] for i in range(3)] == [2] * 3


def test_learner_code_that_ends_its_runner_does_not_end_the_worker(desk, workers):
    hand_in(desk, "poison", double="# crash", square="# right")
    before = {worker.pid for worker in workers.workers.values()}
    did = run(desk, scheduler=workers.scheduler_address)
    assert "signal 11" in did.failed["poison"]
    assert {worker.pid for worker in workers.workers.values()} == before


def test_no_scheduler(desk, monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE", 0.5)
    hand_in_class(desk, 1)
    with pytest.raises(cluster.NoCluster, match=r"No Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        run(desk, scheduler="tcp://127.0.0.1:9")


def test_a_worker_with_other_versions_is_not_used(workers):
    from distributed import Client

    with Client(workers.scheduler_address, set_as_default=False) as client:
        cluster.check_workers(client, cluster.versions())
        with pytest.raises(cluster.NoCluster, match=r"has torch .*, this machine 1\.0: scores could differ"):
            cluster.check_workers(client, {"torch": "1.0"})
