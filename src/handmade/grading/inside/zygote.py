"""A fresh interpreter that imports and warms up what submissions use, and forks a worker for each of them.

Started by `handmade.grading.zygote`, never imported there. It must not import the rest of the package: whatever is in its memory,
a submission can find. One thread alone works here before the fork; torch's pool of threads does not survive it.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import random
import signal
import socket
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

import numpy as np
import torch

from . import lockdown, standins
from .peer import Channel, Gone
from .wire import WireError
from .worker import Worker


def main(control: socket.socket, about: dict[str, Any]) -> None:
    """Serve one grader until it is gone: fork, kill, and tell what a worker used."""
    torch.set_num_threads(1)
    _warm_up()
    rules = None
    if about["isolate"]:
        others = [os.path.join(place, "handmade") for place in sys.path]  # a second copy, installed elsewhere
        readable = [*lockdown.python_trees([*about["hidden"], *others]), about["data"]]
        rules = lockdown.ruleset(readable, [about["scratch"], "/dev/null"])
    about["readable"] = readable if about["isolate"] else []
    gc.collect()
    gc.freeze()
    _say(control, {"ready": os.getpid()})
    children: set[int] = set()
    try:
        while True:
            data, descriptors, _, _ = socket.recv_fds(control, 1 << 16, 1)
            if not data:
                break
            order = json.loads(data)
            if "fork" in order:
                [end] = descriptors
                pid = os.fork()
                if pid == 0:
                    _be_a_worker(end, order["fork"], about, rules)
                os.close(end)
                children.add(pid)
                _say(control, {"pid": pid})
            else:
                pid = order["end"]
                used = _end(pid, order["patience"]) if pid in children else {"memory": 0, "cpu": 0.0}
                _say(control, {"ended": pid, **used})
                children.discard(pid)
    finally:
        for pid in children:
            _end(pid)


def _say(control: socket.socket, message: dict[str, Any]) -> None:
    control.sendall(json.dumps(message).encode() + b"\n")


def _end(pid: int, patience: float = 0.0) -> dict[str, Any]:
    """Kill a worker, and return how it ended and what it used."""
    until = time.monotonic() + patience
    done, status, usage = os.wait4(pid, os.WNOHANG)
    while not done and time.monotonic() < until:
        time.sleep(0.005)
        done, status, usage = os.wait4(pid, os.WNOHANG)
    if not done:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        _, status, usage = os.wait4(pid, 0)
    scale = 1 if sys.platform == "darwin" else 1024
    return {
        "by itself": bool(done),
        "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
        "memory": usage.ru_maxrss * scale,
        "cpu": usage.ru_utime + usage.ru_stime,
    }


def _be_a_worker(end: int, order: dict[str, Any], about: dict[str, Any], rules: int | None) -> None:
    """Become the process of one submission. Never returns."""
    try:
        os.setsid()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nowhere, descriptor)
        socket_at = 3
        rules_at = 4
        if rules is not None:
            rules = os.dup2(rules, 200, inheritable=False)
        end = os.dup2(end, 201, inheritable=False)
        os.dup2(end, socket_at, inheritable=False)
        if rules is not None:
            os.dup2(rules, rules_at, inheritable=False)
        os.closerange(5 if rules is not None else 4, 4096)
        sys.stdin = os.fdopen(0)
        os.umask(0o077)
        scratch = about["scratch"]
        kept = {name: os.environ[name] for name in lockdown.VARIABLES if name in os.environ}
        os.environ.clear()
        os.environ.update(
            kept, HOME=scratch, TMPDIR=scratch, MPLCONFIGDIR=scratch, MPLBACKEND="agg", OMP_NUM_THREADS="1"
        )
        os.chdir(scratch)
        tempfile.tempdir = scratch
        sys.path[:] = [p for p in sys.path if p]
        _reseed(order["seed"])
        plan = lockdown.Plan(
            tuple(about["readable"]), (scratch,), order["seconds"], order["memory"], order["file_size"]
        )
        isolation = lockdown.lock(plan, rules_at if rules is not None else None) if about["isolate"] else {}
        if rules is not None:
            os.close(rules_at)
        worker = Worker(Channel(socket.socket(fileno=socket_at)), order["output"])
        standins.install(Path(about["data"]), lambda names: worker.ask("parts", names))
        worker.channel.send({"ready": isolation}, [])
        gc.enable()
        worker.run_forever()
    except (Gone, WireError):
        pass
    except BaseException:
        if about.get("debug"):
            Path(about["debug"]).write_text(traceback.format_exc())
    finally:
        os._exit(0)


def _reseed(seed: int) -> None:
    """Seed all generators that a submission may find: every child would inherit the same."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.default_generator.manual_seed(
        seed % 2**63
    )  # `torch.manual_seed` looks for all kinds of devices first


def _warm_up() -> None:
    """Run once what imports or compiles at its first use, with numbers that mean nothing. Never an answer, never a case."""
    import ast
    import collections
    import copy
    import dataclasses
    import functools
    import itertools
    import math
    import re
    import statistics
    import typing

    from IPython.core.inputtransformer2 import TransformerManager

    TransformerManager().transform_cell("%matplotlib inline\nx = 1\n")
    for module in (ast, collections, copy, functools, itertools, math, re, statistics, typing):
        assert module
    dataclasses.make_dataclass("_Warm", ["x"], frozen=True)(1)
    np.linalg.svd(np.eye(2))
    np.random.default_rng(0).normal(size=2)
    np.testing.assert_allclose(np.ones(2), np.ones(2))
    np.einsum("ij,jk->ik", np.eye(2), np.eye(2))
    f = torch.nn.functional
    x = torch.ones(2, 2, 4, requires_grad=True)
    norm, linear, table = torch.nn.LayerNorm(4), torch.nn.Linear(4, 4), torch.nn.Embedding(3, 4)
    y = f.gelu(linear(norm(x))) + table(torch.tensor([[0, 1], [2, 0]]))
    y = f.scaled_dot_product_attention(y[None], y[None], y[None], is_causal=True)[0]
    loss = f.cross_entropy(y.reshape(-1, 4).softmax(-1), torch.zeros(4, dtype=torch.int64))
    loss.backward()
    torch.testing.assert_close(torch.ones(1), torch.ones(1))
    torch.einsum("bij,bjk->bik", y, y.mT)
    torch.optim.SGD(linear.parameters(), 0.1).step()
    torch.multinomial(torch.ones(2), 1, generator=torch.Generator().manual_seed(0))
    repr(torch.ones(2, 2)), repr(np.ones((2, 2)))
    for cls in (torch.nn.GELU, torch.nn.ReLU, torch.nn.Dropout, torch.nn.ModuleList):
        cls()
