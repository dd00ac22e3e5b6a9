"""Questions and answers between two processes, one of which the other does not trust.

Both sides speak alike. While one waits for an answer it serves the other's questions, so that a function handed over can be
called back. A question carries copies of its arguments; the answer tells what has become of them, so that a function
that works in place is seen to. What cannot be copied (functions; in the worker also objects) goes as a number, and the
other side asks. Gradients flow through: the other side keeps the graph of what it computed, and is asked for slopes.

Nothing that comes in is believed about its own kind: every value is rebuilt by `wire`, every operation has a name from a fixed list.
"""

from __future__ import annotations

import contextlib
import itertools
import operator
import random
import socket
import struct
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from . import errors, wire
from .modules import KNOWN, Mirror, Modules, Seen, known_class, mirror_class, overwrite
from .wire import Decoder, Encoder, WireError

ENDED = "it has ended"
MOST_NESTED = 50  # questions within questions
MOST_ITEMS = 100_000  # of an iterator


class Gone(Exception):
    """The other process ended, or broke the rules, or took too long. The text says which."""


class Channel:
    """Messages over a socket. `alarm()` is called every 50 ms while waiting, and may raise."""

    def __init__(self, end: socket.socket, alarm: Callable[[], None] = lambda: None) -> None:
        self.end, self.alarm = end, alarm
        end.setblocking(True)
        for side in (
            socket.SO_RCVTIMEO,
            socket.SO_SNDTIMEO,
        ):  # by the kernel: one system call fewer a message
            end.setsockopt(socket.SOL_SOCKET, side, struct.pack("ll", 0, 50_000))
        self._came = b""  # and was not read yet

    def send(self, header: Any, buffers: list[Any]) -> None:
        """Send a message. Raises WireError where it is too large, Gone where nobody reads."""
        data = memoryview(wire.pack(header, buffers))
        while data:
            try:
                data = data[self.end.send(data) :]
            except BlockingIOError:
                self.alarm()
            except OSError:
                raise Gone(ENDED) from None

    def receive(self) -> tuple[Any, list[memoryview]]:
        """Return the next message."""
        return wire.unpack(self._read)

    def _read(self, n: int) -> bytearray | bytes:
        if len(self._came) >= n:
            data, self._came = self._came[:n], self._came[n:]
            return data
        whole = bytearray(self._came)
        self._came = b""
        while len(whole) < n:
            try:
                more = self.end.recv(max(1 << 16, min(n - len(whole), 1 << 22)))
            except BlockingIOError:
                self.alarm()
                continue
            except OSError:
                more = b""
            if not more:
                raise Gone(ENDED)
            whole += more
        self._came = bytes(whole[n:])
        del whole[n:]
        return whole


class RemoteFunction:
    """A function that lives in the other process."""

    _lives_elsewhere = True
    __array_ufunc__ = None  # numpy leaves it alone

    def __init__(self, peer: Peer, ref: int, name: str) -> None:
        self._peer, self._ref = peer, ref
        self.__name__ = self.__qualname__ = name

    def __call__(self, *args: Any, **named: Any) -> Any:
        return self._peer.call(self, args, named)

    def __deepcopy__(self, memo: Any) -> RemoteFunction:
        return self

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError("a function that lives in another process cannot be pickled")


class _Question(torch.autograd.Function):
    """A question whose answer has slopes along the tensors in it."""

    @staticmethod
    def forward(ctx: Any, ask: Callable[[], tuple[_Graph, list[Tensor]]], *inputs: Tensor) -> Any:
        ctx.set_materialize_grads(False)
        ctx.graph, outputs = ask()
        return tuple(outputs)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *slopes: Tensor | None) -> Any:
        return (None, *ctx.graph.slopes(list(slopes)))


class _Graph:
    """What the other side keeps to answer for slopes; it forgets when this is gone."""

    def __init__(self, peer: Peer, number: int, n_inputs: int) -> None:
        self.peer, self.number, self.n_inputs = peer, number, n_inputs

    def slopes(self, slopes: list[Tensor | None]) -> list[Tensor | None]:
        if all(slope is None for slope in slopes):
            return [None] * self.n_inputs
        found = self.peer.ask("slopes", self.number, slopes)
        if type(found) is not list or len(found) != self.n_inputs:
            raise WireError("slopes are not in the agreed form")
        return found

    def __del__(self) -> None:
        self.peer.forgotten_graphs.append(self.number)


class Peer:
    """One of the two sides. `first` is 0 here and 1 there."""

    def __init__(self, channel: Channel, first: int) -> None:
        self.channel = channel
        self.modules = Modules(self, first)
        self.objects: dict[int, Any] = {}  # what the other side knows by a number
        self.proxies: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
        self._received: dict[int, int] = {}
        self.forgotten: list[list[int]] = []
        self._kept: list[Any] = []
        self.forgotten_graphs: list[int] = []
        self._refs: dict[int, int] = {}
        self._times: dict[int, int] = {}
        self._next = 1
        self._graphs: dict[int, tuple[list[Tensor], list[Tensor]]] = {}
        self._tokens = random.Random()
        self.held: list[Any] = []  # new mirrors, until something else holds them
        self._depth = 0
        self.broken = ""  # why nothing can be asked any more
        self._dice = b""  # torch's own generator, as the other side knows it

    # ------------------------------------------------------------ asking

    def ask(self, op: str, *args: Any) -> Any:
        """Return the answer to a question, or raise the error that it is."""
        return self._put_question(op, args, None)

    def call(self, target: Any, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Return target(*args, **named), with its slopes where gradients are kept record of."""
        return self._put_question("call", (target, args, named) if named else (target, args), target)

    def attribute(self, target: Any, name: str) -> Any:
        """Return an attribute that is public."""
        return self.ask("getattr", target, name)

    def _put_question(self, op: str, args: tuple[Any, ...], target: Any) -> Any:
        encoder = self._encoder()
        question = {"op": op, "v": encoder.encode(args)}
        inputs: list[tuple[Any, Tensor]] = []
        if not torch.is_grad_enabled():
            question["g"] = False
        elif op == "call":
            inputs = self._inputs(encoder, target)
        if not inputs:
            return self._ask(question, encoder)[0]
        question["w"] = [place for place, _ in inputs]
        kept: list[Any] = []

        def ask() -> tuple[_Graph, list[Tensor]]:
            value, graph, outputs = self._ask(question, encoder)
            kept.append(value)
            return _Graph(self, graph, len(inputs)), outputs

        _Question.apply(ask, *(tensor for _, tensor in inputs))
        return kept[0]

    def _inputs(self, encoder: Encoder, target: Any) -> list[tuple[Any, Tensor]]:
        """Return the tensors along which there are slopes, and how the question names them."""
        found: list[tuple[Any, Tensor]] = []
        for n, value in enumerate(encoder.nodes):
            if isinstance(value, Tensor) and value.requires_grad and value.is_floating_point():
                found.append((["=", n], value))
        shared: set[int | None] = set(encoder.met)
        if isinstance(target, nn.Module):
            shared |= {self.modules.number(p) for p in target.parameters()}
        for k in sorted(k for k in shared if k is not None):
            tensor = self.modules.tensors[k]
            if tensor.requires_grad:
                found.append((["H", k], tensor))
        return found

    def _ask(self, question: dict[str, Any], encoder: Encoder) -> tuple[Any, int, list[Tensor]]:
        if self.broken:
            raise Gone(self.broken)
        alive = [
            root() for root in self.modules.roots.values()
        ]  # no mirror goes away while the other side answers
        try:
            message, decoder = self._exchange({"ask": self._tokens.getrandbits(53), **question}, encoder)
            value = None if "x" in message else decoder.decode(message.get("v"))
            for n, content in message.get("c", ()):
                _restore(encoder.nodes[n], decoder.decode(content))
        except BaseException as error:  # in the middle of a message: what follows could not be understood
            self.broken = str(error) or type(error).__name__
            raise
        finally:
            del alive
            self._kept.clear()
        self.printed(message.get("p", ""))
        if "x" in message:
            raise self.error(message["x"], decoder)
        graph = message.get("o", 0)
        return value, graph if type(graph) is int else 0, decoder.results

    def _exchange(self, question: dict[str, Any], encoder: Encoder) -> tuple[dict[str, Any], Decoder]:
        """Send a question, serve the other side's meanwhile, and return the answer."""
        self._send(question, encoder)
        while True:
            message, buffers = self._receive()
            if "ask" in message:
                self._answer(message, buffers)
            elif message.get("tell") == question["ask"]:
                decoder = Decoder(buffers, self._resolve, given=encoder.nodes)
                self._settle(message, decoder)
                return message, decoder
            else:
                raise WireError("an answer came that nobody asked for")

    # ------------------------------------------------------------ answering

    def _answer(self, message: Any, buffers: list[memoryview]) -> None:
        """Serve one question, and send the answer."""
        if self._depth >= MOST_NESTED:
            raise WireError(f"questions are nested more than {MOST_NESTED} levels deep")
        self._depth += 1
        decoder = Decoder(buffers, self._resolve)
        self._settle(message, decoder)
        reply: dict[str, Any] = {"tell": message["ask"]}
        given: _Given | None = None
        encoder = self._encoder()
        recorded = torch.is_grad_enabled()
        with self.capture() as output:
            try:
                torch.set_grad_enabled(True)
                args = decoder.decode(message["v"])
                self._kept.clear()
                given = _Given(decoder.nodes)
                torch.set_grad_enabled(bool(message.get("g", True)))
                value = self.serve(message["op"], *args)
                watched = self._watched(message, decoder)
                encoder = self._encoder(decoder.nodes)
                encoder.results = [] if watched else None
                reply["v"] = encoder.encode(value)
                if watched and encoder.results is not None:
                    self._next += 1
                    reply["o"] = self._next
                    self._graphs[self._next] = (encoder.results, watched)
            except self.passes_on:
                raise
            except BaseException as error:
                encoder = self._encoder(decoder.nodes)
                reply.pop("v", None)
                reply["x"] = self.describe_error(error, encoder)
            finally:
                torch.set_grad_enabled(recorded)
        if given is not None and given.nodes and (changes := given.changes(encoder)):
            reply["c"] = changes
        if text := output():
            reply["p"] = text
        self._depth -= 1
        self._send(reply, encoder)

    passes_on: tuple[type[BaseException], ...] = (Gone,)

    def _watched(self, message: Any, decoder: Decoder) -> list[Tensor]:
        found = []
        for tag, n in message.get("w", ()):
            tensor = decoder.nodes[n] if tag == "=" else self.modules.tensors[n]
            if not isinstance(tensor, Tensor):
                raise WireError("slopes are asked along something else than a tensor")
            found.append(tensor)
        return found

    def slopes(self, number: int, slopes: list[Tensor | None]) -> list[Tensor | None]:
        """Return the slopes along a graph's inputs, from the slopes along its outputs."""
        outputs, inputs = self._graphs[number]
        pairs = [(o, s) for o, s in zip(outputs, slopes, strict=True) if s is not None]
        if not pairs:
            return [None] * len(inputs)
        along = [t for t in inputs if t.requires_grad]
        found = iter(
            torch.autograd.grad(
                [o for o, _ in pairs], along, [s for _, s in pairs], retain_graph=True, allow_unused=True
            )
        )
        return [next(found) if t.requires_grad else None for t in inputs]

    def serve(self, op: str, *args: Any) -> Any:
        """Do what is asked. Subclasses say more."""
        if op == "call":
            target, positional, *named = args
            return target(*positional, **named[0]) if named else target(*positional)
        if op == "slopes":
            return self.slopes(*args)
        if op == "copy":
            return self.copy(*args)
        raise WireError(f"there is no operation {str(op)[:40]!r}")

    def copy(self, target: Any) -> Any:
        """Return a copy of a module."""
        import copy

        if not isinstance(target, nn.Module):
            raise WireError("only a module can be copied")
        return copy.deepcopy(target)

    # ------------------------------------------------------------ what goes with every message

    def _send(self, message: dict[str, Any], encoder: Encoder) -> None:
        # What dies here from now on can be told only with the next message: until one has come, nothing does.
        self._kept = [root() for root in self.modules.roots.values()]
        self.held.clear()
        while self.forgotten:
            ref, times = self.forgotten.pop()
            message.setdefault("f", []).append([ref, times])
            self.modules.drop_root(-ref)
        if self.forgotten_graphs:
            message["fg"], self.forgotten_graphs = self.forgotten_graphs, []
        if self.modules.roots:
            told = self.modules.collect(Encoder(self._export, buffers=encoder.buffers))
            if told:
                message["s"] = told
        dice = torch.get_rng_state().numpy().tobytes()
        if dice != self._dice:
            message["r"] = encoder.buffer(dice)
            self._dice = dice
        self.channel.send(message, encoder.buffers)

    def _receive(self) -> tuple[dict[str, Any], list[memoryview]]:
        message, buffers = self.channel.receive()
        if type(message) is not dict:
            raise WireError("a message is not in the agreed form")
        return message, buffers

    def _settle(self, message: dict[str, Any], decoder: Decoder) -> None:
        """Take in what came with a message besides question or answer."""
        try:
            for ref, times in message.get("f", ()):
                self._forget(ref, times)
            for number in message.get("fg", ()):
                self._graphs.pop(number, None)
            if "s" in message:
                self.modules.apply(message["s"], Decoder(decoder.buffers, self._resolve))
            if "r" in message:
                wire.set_torch_state(torch.default_generator, decoder.buffer(message["r"]))
                self._dice = bytes(decoder.buffer(message["r"]))
        except (TypeError, ValueError, LookupError, AttributeError, RuntimeError) as error:
            raise WireError("a message is not in the agreed form") from error

    # ------------------------------------------------------------ what cannot be copied

    def export_object(self, value: Any) -> int:
        """Return the number under which the other side knows an object from now on."""
        ref = self._refs.get(id(value))
        if ref is None:
            ref = self._next = self._next + 1
            self._refs[id(value)], self.objects[ref] = ref, value
        self._times[ref] = self._times.get(ref, 0) + 1
        return ref

    def _forget(self, ref: int, times: int) -> None:
        """Let an object go, once the other side has let go of it as often as it was sent."""
        left = self._times.get(ref, 0) - times
        if left > 0:
            self._times[ref] = left
        elif ref in self.objects:
            self._times.pop(ref, None)
            del self._refs[id(self.objects.pop(ref))]
            self.modules.drop_root(ref)

    def _encoder(self, given: list[Any] | None = None) -> Encoder:
        return Encoder(self._export, given, shared=self.modules.number)

    def _export(self, encoder: Encoder, value: Any) -> Any:
        """Write what cannot be copied."""
        if getattr(type(value), "_lives_elsewhere", False) and value._peer is self:
            return ["~", value._ref]
        if isinstance(value, nn.Module):
            ref = self.export_object(value)
            self.modules.add_root(ref, value, owned=True)
            return ["M", ref]
        if isinstance(value, Iterator):
            return self.export_iterator(encoder, value)
        if callable(value) and not isinstance(value, type):
            return ["F", self.export_object(value), str(getattr(value, "__name__", "a function"))[:200]]
        return self.export_other(encoder, value)

    def export_plain(self, encoder: Encoder, value: Any) -> Any:
        """Write what is sent by its fields, as `export_other` does."""
        raise WireError(f"a value of type {type(value).__name__} cannot be sent")

    def export_iterator(self, encoder: Encoder, value: Iterator[Any]) -> Any:
        """Write an iterator as what it gives."""
        taken = list(itertools.islice(value, MOST_ITEMS + 1))
        if len(taken) > MOST_ITEMS:
            raise WireError(f"an iterator gives more than {MOST_ITEMS:,} values")
        return ["I", *map(encoder.encode, taken)]

    def export_other(self, encoder: Encoder, value: Any) -> Any:
        """Write any other value. Subclasses know some."""
        raise WireError(f"a value of type {type(value).__name__} cannot be sent")

    def _resolve(self, decoder: Decoder, tag: str, rest: list[Any]) -> Any:
        """Return what the other side's `_export` wrote."""
        if tag == "~":
            return self.objects[rest[0]]
        if tag == "H":
            return self.modules.tensors[rest[0]]
        if tag == "M":
            module = self.proxies[rest[0]]
            self._received[rest[0]] += 1
            return module
        if tag == "F":
            ref, name = rest
            return self.proxy(ref, lambda: RemoteFunction(self, ref, str(name)[:200]))
        if tag == "I":
            return iter([decoder.decode(node) for node in rest])
        return self.resolve_other(decoder, tag, rest)

    def resolve_other(self, decoder: Decoder, tag: str, rest: list[Any]) -> Any:
        """Return what the other side's `export_other` wrote."""
        raise WireError("a value is not in the agreed form")

    def proxy(self, ref: Any, make: Callable[[], Any]) -> Any:
        """Return what stands here for an object of the other side; the same each time, as long as it is held."""
        if type(ref) is not int or ref <= 0:
            raise WireError("a handle is not in the agreed form")
        found = self.proxies.get(ref)
        if found is None:
            found = self.proxies[ref] = make()
            self._received[ref] = 0
            weakref.finalize(found, self._let_go, ref).atexit = False
        self._received[ref] += 1
        return found

    def _let_go(self, ref: int) -> None:
        self.forgotten.append([ref, self._received.pop(ref, 0)])

    # ------------------------------------------------------------ modules

    def describe_module(self, encoder: Encoder, path: str, module: nn.Module) -> list[Any]:
        """Return a part of a module's structure, for the other side's `mirror`."""
        known = known_class(module)
        attributes = {
            name: node
            for name, value in vars(module).items()
            if not name.startswith("_") and (node := encoder.attempt(value, self.export_plain)) is not None
        }
        exact = type(module) is KNOWN.get(known)
        return [path, self.export_object(module), type(module).__name__[:200], known, exact, attributes]

    def mirror(
        self, decoder: Decoder, ref: Any, name: Any, known: Any, exact: Any, attributes: Any
    ) -> nn.Module:
        """Return what stands here for a module of the other side."""
        if type(name) is not str or (known and known not in KNOWN):
            raise WireError("a module is not in the agreed form")

        def make() -> nn.Module:
            made = self.new_mirror(name, known, bool(exact))
            nn.Module.__init__(made)
            if isinstance(made, Mirror):
                made.__dict__.update(_peer=self, _ref=ref)
            self.set_attributes(made, attributes, decoder)
            return made

        module: nn.Module = self.proxy(ref, make)
        return module

    def new_mirror(self, name: str, known: str, exact: bool) -> nn.Module:
        """Return an empty mirror of a module of this class."""
        cls = mirror_class(name, known)
        return cls.__new__(cls)

    def set_attributes(self, made: nn.Module, attributes: Any, decoder: Decoder) -> None:
        """Give a mirror the attributes that are plain data. Here it asks for them when they are wanted."""

    # ------------------------------------------------------------ for subclasses

    def capture(self) -> contextlib.AbstractContextManager[Callable[[], str]]:
        """Catch what is printed while a question is served; the context is a function that tells it."""
        return contextlib.nullcontext(str)

    def printed(self, text: Any) -> None:
        """Take what the other side printed while it served a question."""

    def describe_error(self, error: BaseException, encoder: Encoder) -> Any:
        """Return an error as the other side's `error` takes it."""
        return errors.describe(error, encoder)

    def error(self, error: Any, decoder: Decoder) -> BaseException:
        """Return an error that came from the other side, ready to be raised."""
        return errors.rebuild(error, decoder)


class _Given:
    """The arguments of a question as they came, to see afterwards which were changed in place."""

    def __init__(self, nodes: list[Any]) -> None:
        self.nodes = list(nodes)
        self._before = [_snapshot(node) for node in nodes]

    def changes(self, encoder: Encoder) -> list[Any]:
        """Return the number and the new content of each that was changed."""
        return [
            [n, encoder.content(node)]
            for n, (node, before) in enumerate(zip(self.nodes, self._before, strict=True))
            if before is not None and not before(node)
        ]


def _snapshot(value: Any) -> Callable[[Any], bool] | None:
    """Return a function that tells whether the value is still what it is now; None for what never changes."""
    if isinstance(value, Tensor):
        return Seen.of(value).holds
    if isinstance(value, np.ndarray):
        if value.dtype.kind == "O":
            entries, shape = value.copy(), value.shape
            return lambda now: now.shape == shape and all(map(operator.is_, now.flat, entries.flat))
        held, shape = value.tobytes(), value.shape
        return lambda now: now.shape == shape and now.tobytes() == held
    if isinstance(value, list):
        items = list(value)
        return lambda now: len(now) == len(items) and all(map(operator.is_, now, items))
    if isinstance(value, dict):
        pairs = [part for item in value.items() for part in item]
        return lambda now: (
            2 * len(now) == len(pairs)
            and all(map(operator.is_, (part for item in now.items() for part in item), pairs))
        )
    if isinstance(value, set | bytearray):
        copied = value.copy()
        return lambda now: bool(now == copied)
    if isinstance(value, np.random.Generator):
        state = wire.numpy_state(value)
        return lambda now: wire.numpy_state(now) == state
    if isinstance(value, torch.Generator):
        dice = value.get_state()
        return lambda now: torch.equal(now.get_state(), dice)
    return None


def _restore(old: Any, new: Any) -> None:
    """Do to an argument in place what the other side did to its copy."""
    if isinstance(old, Tensor) and isinstance(new, Tensor):
        overwrite(old, new)
    elif isinstance(old, np.ndarray) and isinstance(new, np.ndarray) and old.size == new.size:
        old.shape = new.shape
        old[...] = new
    elif isinstance(old, list) and isinstance(new, list):
        old[:] = new
    elif isinstance(old, dict) and isinstance(new, dict):
        old.clear()
        old.update(new)
    elif isinstance(old, set) and isinstance(new, set):
        old.clear()
        old |= new
    elif isinstance(old, bytearray) and isinstance(new, bytearray):
        old[:] = new
    elif isinstance(old, np.random.Generator) and isinstance(new, np.random.Generator):
        old.bit_generator.state = new.bit_generator.state
    elif isinstance(old, torch.Generator) and isinstance(new, torch.Generator):
        old.set_state(new.get_state())
    else:
        raise WireError("an argument came back as something else")
