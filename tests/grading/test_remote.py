"""Handles for what lives in a worker: they do what checks do with functions, classes and modules, and nothing else."""

import copy
import gc
import pickle
import tempfile
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from handmade.checks.guard import call, counting
from handmade.grading.execution import Limits, Settings
from handmade.grading.inside.peer import Gone
from handmade.grading.inside.wire import WireError
from handmade.grading.session import MESSAGE_SECONDS, Session

CELL = """
import math
from dataclasses import dataclass
import numpy as np
import torch
from torch import nn

def same(x): return x
def fail(kind, *args): raise kind(*args)
def work_in_place(x):
    x += 1
def append(xs, x): xs.append(x)
def fill(d): d["new"] = [1]; del d["old"]
def draw(generator): return torch.rand(3, generator=generator) if isinstance(generator, torch.Generator) else generator.random(3)
def apply(f, *args): return f(*args)
def twice(f, x): return f(f(x))
def square(x): return (x ** 2).sum(), {"cube": x ** 3, "name": "x"}
def count():
    n = 0
    while True:
        yield n
        n += 1
def swallow(f):
    try:
        f()
    except ValueError as e:
        return "caught " + str(e)
def loop():
    while True: pass
def leave():
    import os
    os._exit(3)
def told(): print("hello"); return 1
calls = []
def remember(): calls.append(1); return len(calls)
def use_counter(c):
    got = [c.add(4), c.add(1), len(c)]
    try:
        c._secret
    except AttributeError:
        got.append("no attribute")
    return got
def apply_module(module, x): return module(x).detach()

class Value:
    made = 0
    def __init__(self, data): self.data = data; self.hidden = object()
    def __add__(self, other): return Value(self.data + getattr(other, "data", other))
    __radd__ = __add__
    def __mul__(self, other): return NotImplemented
    def __eq__(self, other): return True
    def __len__(self): return 10**6 if self.data < 0 else int(self.data)
    def __getitem__(self, i): return self.data * i
    def __call__(self, k=1): return self.data * k
    def grow(self): self.data += 1; return self
    def __array__(self, *a, **k): raise SystemExit
    __array_interface__ = {"data": (1, False), "shape": (9,), "typestr": "<f8", "version": 3}
    def __index__(self): return 7
    def __float__(self): return 7.0
    def __reduce__(self): return (print, ("owned",))
    def __repr__(self): return f"Value({self.data})"
    def __iter__(self): return iter([1, 2, self])

@dataclass(frozen=True)
class Config:
    width: int
    depth: int = 3
    @property
    def size(self): return self.width * self.depth

class Net(nn.Module):
    def __init__(self, width=3, tie=False):
        super().__init__()
        self.config = Config(width)
        self.up = nn.Linear(width, width)
        self.down = nn.Linear(width, width)
        if tie: self.down.weight = self.up.weight
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(2)])
        self.register_buffer("seen", torch.zeros(1))
        self.register_buffer("mask", torch.ones(width, width), persistent=False)
    def forward(self, x, scale=1.0):
        self.seen += 1
        return {"y": scale * self.down(self.norms[0](self.up(x)).relu()), "n": len(x)}
    def helper(self): return 5

class Right(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.tensor([2.0, 3.0]))
    def forward(self, x): return (self.w * x).sum()

def train(model, x, steps, on_step=None):
    model.train()
    losses = []
    for step in range(steps):
        loss = (model(x) - 10) ** 2
        model.zero_grad()
        loss.backward()
        with torch.no_grad():
            for p in model.parameters():
                p -= 0.01 * p.grad
        losses.append(loss.item())
        if on_step: on_step(step, losses[-1])
    return losses
def clip(parameters):
    parameters = list(parameters)
    for p in parameters:
        if p.grad is not None: p.grad.mul_(0.5)
    return len(parameters)
def replace_parameters(model):
    for m in model.modules():
        for name, p in list(m.named_parameters(recurse=False)):
            setattr(m, name, nn.Parameter(p.detach() + 1))
def save(model, path):
    torch.save(model.state_dict(), path)
def load(path): return torch.load(path)
def freeze(model):
    model.eval()
    for p in model.parameters(): p.requires_grad_(False)
class Cache:
    def __init__(self): self.items = []
    def append(self, x): self.items.append(x); return torch.stack(self.items)
    def __len__(self): return len(self.items)
"""


@pytest.fixture(scope="module")
def session(zygote):
    made = Session(zygote, Settings(limits=Limits(cell_seconds=5)), 1, lambda names: ({}, {}))
    done = made.run_cell(0, CELL)
    assert done["error"] is None, done
    yield made
    made.close()


@pytest.fixture
def far(session):
    """Whatever the cell defines, by name; each test is a graded cell."""
    session.begin_cell()

    class Far:
        def __getattr__(self, name):
            return session.fetch(name)

    return Far()


# ---------------------------------------------------------------- functions


def test_values_go_through(far):
    assert far.same([1, {"a": (2.5, None)}]) == [1, {"a": (2.5, None)}]
    assert far.same(x=3) == 3
    array = np.arange(6.0).reshape(2, 3).T
    assert np.array_equal(far.same(array), array)


def test_what_is_done_in_place_is_done_here(far):
    array, tensor, parameter = (
        np.zeros(2),
        torch.zeros(2, 3).T,
        nn.Parameter(torch.zeros(2), requires_grad=False),
    )
    for value in (array, tensor, parameter):
        before = value
        assert far.work_in_place(value) is None
        assert value is before
        assert (value == 1).all()
    xs, inner = [1], [2]
    far.append(xs, inner)
    assert xs == [1, [2]]
    assert xs[1] is inner
    table = {"old": 0, "kept": inner}
    far.fill(table)
    assert table == {"kept": [2], "new": [1]}
    assert table["kept"] is inner


def test_an_argument_that_comes_back_is_the_argument(far):
    xs = [1, 2]
    assert far.same(xs) is xs
    pair = far.same((xs, xs))
    assert pair[0] is pair[1] is xs


@pytest.mark.parametrize("make", [np.random.default_rng, lambda seed: torch.Generator().manual_seed(seed)])
def test_a_generator_is_drawn_from(far, make):
    here, there = make(3), make(3)
    for _ in range(2):
        drawn = torch.rand(3, generator=here) if isinstance(here, torch.Generator) else here.random(3)
        assert drawn.tolist() == far.draw(there).tolist()


def test_torchs_own_generator_is_one_on_both_sides(far):
    def draw():
        return far.apply(lambda: torch.rand(1).item()), far.Net(4).up.bias.detach().tolist()

    torch.manual_seed(5)
    first = draw()
    assert draw() != first
    torch.manual_seed(5)
    assert draw() == first


def test_functions_are_called_back(far):
    assert far.apply(lambda a, b: a - b, 5, 3) == 2
    assert far.twice(lambda x: x * 2, 3) == 12
    assert far.apply(far.apply, lambda: far.apply(lambda: 4)) == 4
    seen = []
    far.apply(seen.append, np.ones(2))
    assert np.array_equal(seen[0], np.ones(2))


def test_errors_keep_their_type_and_text(far):
    for error in (ValueError("no"), KeyError("k"), IndexError(), ZeroDivisionError("by 0"), NotImplementedError("not written yet"),
                  np.linalg.LinAlgError("singular"), UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), RecursionError("deep")):  # fmt: skip
        with pytest.raises(type(error)) as caught:
            far.apply(lambda e=error: (_ for _ in ()).throw(e))
        assert caught.value is error, "an error of ours comes back as itself"
        if type(error).__module__ == "builtins":
            with pytest.raises(type(error)) as caught:
                far.fail(type(error), *error.args)
            assert type(caught.value) is type(error)
            assert str(caught.value) == str(error)


def _raise(error):
    raise error


def test_an_error_of_ours_can_be_caught_there(far):
    assert far.swallow(lambda: _raise(ValueError("x"))) == "caught x"
    with pytest.raises(SystemExit):
        far.apply(lambda: _raise(SystemExit(3)))


def test_the_line_that_raised_is_the_submissions(far):
    outcome = call(partial(far.fail, ValueError, "x"), 5)
    assert (
        outcome.line == "8: def fail(kind, *args): raise kind(*args)"
    )  # as in a notebook: empty lines on top don't count


def test_what_is_printed_there_is_printed_here(far, capsys):
    assert far.told() == 1
    assert capsys.readouterr().out == "hello\n"


def test_an_endless_generator_is_taken_in_parts_and_not_for_ever(far):
    from itertools import islice

    assert list(islice(far.count(), 205)) == list(range(205))
    with pytest.raises(RuntimeError, match="more than"):
        list(far.count())


# ---------------------------------------------------------------- objects


def test_objects_do_what_their_class_defines(far):
    Value = far.Value
    a = Value(2)
    assert (a + 3).data == 5
    assert (3 + a).data == 5
    assert (a + a).data == 4
    assert len(a) == 2
    assert a[3] == 6
    assert a(k=5) == 10
    assert a.grow() is a
    assert a.data == 3
    a.data = 7
    assert a.data == 7
    assert isinstance(a, Value)
    assert type(a).__name__ == "Value"
    assert repr(a) == "Value(7)"
    assert list(a)[:2] == [1, 2]
    assert list(a)[2] is a
    assert copy.deepcopy(a) is not a
    assert Value.made == 0
    with pytest.raises(AttributeError):
        a.nothing  # noqa: B018
    with pytest.raises(TypeError, match="unsupported operand"):
        a * 2
    with pytest.raises(TypeError, match="unsupported operand"):
        a @ a


def test_no_other_dunder_is_passed_on(far):
    a = far.Value(2)
    for name in (
        "__array_interface__",
        "__array__",
        "__index__",
        "__float__",
        "__dlpack__",
        "__torch_function__",
        "_private",
    ):
        with pytest.raises(AttributeError):
            getattr(a, name)
    with pytest.raises(TypeError):
        float(a)
    with pytest.raises(TypeError):
        [0] * 9 if [0, 1][a] else 0
    with pytest.raises(TypeError):
        bool(a)
    with pytest.raises(TypeError):
        pickle.dumps(a)
    for use in (torch.tensor, lambda a: np.ones(2) @ a, lambda a: torch.ones(2) @ a, memoryview):
        with pytest.raises((TypeError, ValueError)):
            use(a)
    assert hash(a) == hash(a)
    with pytest.raises(AttributeError):
        a._peer = None
    with pytest.raises(AttributeError):
        a.__class__ = int
    assert type(a).__class__ is not int


def test_a_dataclass_can_be_compared_and_copied_with_changes(far):
    Config = far.Config
    assert Config(2) == Config(2, 3)
    assert Config(2) != Config(3)
    assert replace(Config(2), depth=5).size == 10
    with pytest.raises(AttributeError, match="cannot assign"):
        Config(2).width = 3


def test_our_own_dataclass_goes_there_without_its_methods(far):
    @dataclass(frozen=True)
    class Sizes:
        d: int
        secret: str = "x"

        @property
        def double(self):
            return 2 * self.d

    sizes = Sizes(4)
    assert far.same(sizes) == sizes
    assert type(far.same(sizes)) is Sizes
    assert far.apply(lambda s: s.d, sizes) == 4
    assert far.same(SimpleNamespace(a=1)) == SimpleNamespace(a=1)


def test_handles_that_are_let_go_are_forgotten_there(far, session):
    import gc

    Value, before = far.Value, len(session._side.proxies)
    for _ in range(50):
        Value(1)
    gc.collect()
    far.same(1)
    kept = session._side.ask("show", Value(1))
    assert kept == "Value(1)"
    assert len(session._side.proxies) < before + 5


# ---------------------------------------------------------------- gradients


def test_slopes_flow_through_a_function(far):
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y, more = far.square(x)
    (y + more["cube"].sum()).backward()
    assert x.grad.tolist() == [2 + 3, 4 + 12, 6 + 27]
    assert more["name"] == "x"
    z = (x * 2).requires_grad_()
    y, _ = far.square(z)
    [slope] = torch.autograd.grad(y, x)
    assert slope.tolist() == [8, 16, 24]
    with torch.no_grad():
        assert not far.square(x)[0].requires_grad


def test_a_module_is_a_module(far):
    net = far.Net(3)
    assert isinstance(net, nn.Module)
    assert isinstance(net.up, nn.Linear)
    assert [type(n).__name__ for n in net.norms] == ["LayerNorm"] * 2
    assert len(net.norms) == 2
    names = {name: tuple(p.shape) for name, p in net.named_parameters()}
    assert names["up.weight"] == (3, 3)
    assert set(net.state_dict()) == set(names) | {"seen"}
    assert net.mask.shape == (3, 3)
    assert net.config.size == 9
    assert net.helper() == 5
    assert type(net).__name__ == "Net"
    assert not hasattr(net, "nothing")


def test_modules_that_nobody_holds_are_forgotten_by_both_sides(far):
    for _ in range(3):
        far.Net(3)(torch.zeros(2, 3))
    gc.collect()
    assert far.Net.__name__ == "Net"
    far.Net(3)  # tells the worker
    side = far.Net._peer
    assert len(side.modules.roots) <= 2, "each message costs what the modules hold that are still known"


def test_a_module_computes_what_its_parameters_say(far):
    net, here = far.Net(3), nn.Linear(3, 3)
    state = {name: torch.randn_like(p) for name, p in net.state_dict().items()}
    net.load_state_dict(state)
    x = torch.randn(4, 3)

    def right(weights, x):
        y = nn.functional.layer_norm(
            x @ weights["up.weight"].T + weights["up.bias"],
            (3,),
            weights["norms.0.weight"],
            weights["norms.0.bias"],
        )
        return y.relu() @ weights["down.weight"].T + weights["down.bias"]

    answer = net(x, scale=2.0)
    assert answer["n"] == 4
    assert torch.allclose(answer["y"], 2 * right(state, x), atol=1e-5)
    assert net.seen.item() == pytest.approx(state["seen"].item() + 1), (
        "a buffer that the module changed is changed here"
    )
    given = x.clone().requires_grad_()
    (net(given)["y"] ** 2).sum().backward()
    leaves = {name: p.clone().requires_grad_() for name, p in state.items()}
    other = x.clone().requires_grad_()
    (right(leaves, other) ** 2).sum().backward()
    assert torch.allclose(given.grad, other.grad, atol=1e-4)
    for name, p in net.named_parameters():
        if leaves[name].grad is None:
            assert p.grad is None, name
        else:
            assert torch.allclose(p.grad, leaves[name].grad, atol=1e-4), name
    net.double()
    assert net(x.double())["y"].dtype == torch.float64
    assert here(x).shape == (4, 3)


def test_an_optimizer_of_ours_trains_it(far):
    model = far.Right()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    x = torch.tensor([1.0, 2.0])
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = (model(x) - 10) ** 2
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]


def test_ties_parts_and_copies(far):
    tied = far.Net(3, tie=True)
    assert tied.up.weight is tied.down.weight
    assert len(list(tied.parameters())) == len(list(far.Net(3).parameters())) - 1
    with torch.no_grad():
        tied.up.weight.fill_(1.0)
    part = tied.up(torch.ones(3))
    assert torch.allclose(part, 3 + tied.up.bias)
    again = copy.deepcopy(tied)
    assert again.up.weight is again.down.weight
    assert again.up.weight is not tied.up.weight
    with torch.no_grad():
        again.up.weight.zero_()
    assert torch.allclose(tied.up(torch.ones(3)), part)
    with pytest.raises(TypeError):
        pickle.dumps(tied)


def test_modes_and_frozen_parameters(far):
    net = far.Net(2)
    net.eval()
    assert far.apply(lambda m: m.training, net) is False
    far.freeze(net)
    assert not any(p.requires_grad for p in net.parameters())
    assert not net.training


# ---------------------------------------------------------------- our modules there


class Ours(nn.Module):
    def __init__(self):
        super().__init__()
        self.config = SimpleNamespace(context_length=2)
        self.linear = nn.Linear(2, 1)
        self.calls = []

    def forward(self, x):
        self.calls.append((self.training, torch.is_grad_enabled()))
        return self.linear(x).sum()


def test_a_function_trains_our_module_in_place(far):
    here, there = Ours().eval(), Ours()
    here.load_state_dict(there.state_dict())
    parameters, seen = dict(here.named_parameters()), []
    x = torch.tensor([[1.0, 2.0]])
    losses = far.train(here, x, 5, lambda step, loss: seen.append((step, loss)))
    for _ in range(5):
        loss = (there(x) - 10) ** 2
        there.zero_grad()
        loss.backward()
        with torch.no_grad():
            for p in there.parameters():
                p -= 0.01 * p.grad
    assert seen == list(enumerate(losses))
    assert here.training
    assert here.calls[0] == (True, True)
    for name, p in here.named_parameters():
        assert p is parameters[name]
        assert torch.allclose(p, dict(there.named_parameters())[name], atol=1e-6)
        assert torch.allclose(p.grad, dict(there.named_parameters())[name].grad, atol=1e-5)


def test_parameters_that_were_exchanged_are_exchanged_here(far):
    model = Ours()
    before = dict(model.named_parameters())
    values = {name: p.detach().clone() for name, p in before.items()}
    far.replace_parameters(model)
    for name, p in model.named_parameters():
        assert p is not before[name]
        assert torch.equal(p, values[name] + 1)
        assert isinstance(p, nn.Parameter)


def test_gradients_of_loose_parameters(far):
    parameters = [nn.Parameter(torch.ones(2)) for _ in range(3)]
    parameters[0].grad, parameters[2].grad = torch.ones(2), torch.full((2,), 4.0)
    assert far.clip(p for p in parameters) == 3
    assert parameters[0].grad.tolist() == [0.5, 0.5]
    assert parameters[1].grad is None
    assert parameters[2].grad.tolist() == [2.0, 2.0]
    model = Ours()
    far.freeze(model)
    model.requires_grad_(True)
    model(torch.ones(1, 2)).backward()
    grad = model.linear.weight.grad.clone()
    far.clip(model.parameters())
    assert torch.equal(model.linear.weight.grad, grad / 2)


def test_files_in_a_temporary_folder(far, session, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(session.zygote.work))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "run.pt")
        far.save(Ours(), path)
        assert path.exists()
        assert set(far.load(str(path))) == {"linear.weight", "linear.bias"}


def test_a_cache_has_a_length(far):
    cache = far.Cache()
    assert cache.append(torch.ones(2)).shape == (1, 2)
    cache.append(torch.ones(2))
    assert len(cache) == 2


# ---------------------------------------------------------------- when it goes wrong


def test_what_we_do_not_hand_over_cannot_be_called(far, session):
    with pytest.raises((WireError, Gone)):
        session._side.serve("call", print, ["x"], {})
    with pytest.raises(WireError, match="no operation"):
        session._side.serve("getattr", print, "__self__")


def test_an_endless_function_is_stopped_and_the_next_call_finds_a_new_process(far, session):
    outcome = call(far.loop, 0.3)
    assert outcome.stopped == "time"
    again = far.remember
    assert again() == 1
    process = session._side.process.pid
    assert call(far.leave, 5).stopped == "raised"
    assert again() == 1, "a name is looked up in a new process, in which the cells have run"
    assert session._side.process.pid != process


def test_seconds_there_are_counted_here_and_the_way_is_not(far, session):
    clocks = session.elsewhere()
    work, way = clocks.work(), clocks.way()
    assert call(far.loop, 0.5).stopped == "time"
    assert 0.2 < clocks.work() - work < 4
    with counting(clocks):
        outcome = call(far.loop, 0.5)
    assert outcome.stopped == "time"
    assert 0.4 < outcome.seconds < 2
    way = clocks.way()
    for _ in range(100):
        far.same(1)
    assert clocks.way() - way == pytest.approx(
        2 * 100 * MESSAGE_SECONDS, rel=0.05
    )  # each name is looked up, too


# ---------------------------------------------------------------- what lives here and is handed over


class Counter:
    """An object of a check: a worker reads its public attributes, calls its methods, and asks its length."""

    def __init__(self):
        self.n, self._secret = 3, "hidden"

    def add(self, k):
        self.n += k
        return self.n

    def __len__(self):
        return self.n


Counter.__module__ = "handmade.checks.counter"


def test_an_object_of_a_check_is_used_where_it_lives(far):
    mine = Counter()
    assert far.use_counter(mine) == [7, 8, 8, "no attribute"]
    assert mine.n == 8


def test_a_module_is_the_same_in_a_second_call(far):
    module = torch.nn.Linear(2, 1)
    first = far.apply_module(module, torch.ones(2))
    with torch.no_grad():
        module.weight.add_(1.0)
    second = far.apply_module(module, torch.ones(2))
    torch.testing.assert_close(second, first + 2.0)
