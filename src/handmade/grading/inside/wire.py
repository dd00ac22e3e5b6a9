"""Values as bytes and back: exact copies of plain data, and nothing that could execute when it is read.

A message is a header in JSON and a list of buffers for the numbers in arrays. JSON from the standard library is small, fast enough
(arrays travel outside it) and cannot be made to call anything; no package is needed. In the header a value is either a
JSON scalar or a list [tag, …]. Whatever comes in is rebuilt as the exact base type (`dict`, `numpy.ndarray`, `torch.Tensor` …):
subclasses arrive as their base, so that no method of theirs has a say where the value is judged.

Containers and arrays are numbered in the order in which they are met. One that is met again is written as its number, so
that two names for one list stay two names for one list; an answer refers to what the question held in the same way.
"""

from __future__ import annotations

import builtins
import collections
import json
import pathlib
import struct
import types
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import torch

MAX_HEADER = 8 * 2**20  # bytes; some 300,000 values that are not in arrays
MAX_BYTES = 256 * 2**20  # all buffers of a message together
MAX_BUFFERS = 20_000
MAX_DEPTH = 60
MAX_VALUES = 1_000_000  # in one value; arrays count as one
LARGE = 2**60  # integers from here on are written in another way, and there may be MAX_LARGE of them
MAX_LARGE = 1_000
MANY = 16  # from so many numbers on, a list of them travels as an array

_JSON = json.JSONEncoder(separators=(",", ":"), check_circular=False)
_SCAN = json.JSONDecoder().scan_once  # type: ignore[attr-defined]  # one value, without the white space that `loads` allows around it
_PREFIX = struct.Struct("<II")
_DICTS = {
    c.__name__: c for c in (dict, collections.OrderedDict, collections.Counter, collections.defaultdict)
}
_TYPES: dict[str, type] = {
    c.__name__: c for c in (bool, int, float, complex, str, bytes, list, tuple, set, dict, type(None))
}
_TYPES |= {n: c for n, c in vars(builtins).items() if isinstance(c, type) and issubclass(c, Exception)}
_NUMPY = {code: np.dtype(code) for code in {np.dtype(c).str for c in "?bhilqBHILQefdgFD"}}
_TORCH = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16, torch.bfloat16,
        torch.float32, torch.float64, torch.complex64, torch.complex128,
    )
}  # fmt: skip
_CONSTANTS = {"...": Ellipsis, "NotImplemented": NotImplemented}


class WireError(Exception):
    """Bytes that are no message, or a value that cannot be sent; the text says which."""


# ---------------------------------------------------------------- frames


def pack(header: Any, buffers: list[Any]) -> bytearray:
    """Return a message as bytes. Raises WireError where it is too large."""
    try:
        text = _JSON.encode(header).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise WireError(f"a value cannot be written: {error}") from None
    sizes = [len(b) for b in buffers]
    if len(text) > MAX_HEADER or len(sizes) > MAX_BUFFERS or sum(sizes) > MAX_BYTES:
        raise WireError(f"a value is too large to be sent: {len(text) + sum(sizes):,} bytes")
    frame = bytearray(_PREFIX.pack(len(text), len(sizes)))
    frame += struct.pack(f"<{len(sizes)}Q", *sizes) + text
    for buffer in buffers:
        frame += buffer
    return frame


def unpack(read: Callable[[int], bytearray | bytes]) -> tuple[Any, list[memoryview]]:
    """Return the header and buffers of the next message, from `read(n)`, which returns exactly n bytes."""
    size, count = _PREFIX.unpack(read(_PREFIX.size))
    if size > MAX_HEADER or count > MAX_BUFFERS:
        raise WireError(f"a message announces {size:,} bytes and {count:,} buffers, more than allowed")
    sizes = struct.unpack(f"<{count}Q", read(8 * count))
    if sum(sizes) > MAX_BYTES:
        raise WireError(f"a message announces {sum(sizes):,} bytes, more than the {MAX_BYTES:,} allowed")
    text = read(size)
    rest = memoryview(read(sum(sizes)))
    try:
        ascii_text = str(text, "ascii")
        header, end = _SCAN(ascii_text, 0)
    except (ValueError, RecursionError, StopIteration):
        raise WireError("a message is not in the agreed form") from None
    if end != len(ascii_text):
        raise WireError("a message is not in the agreed form")
    buffers, at = [], 0
    for n in sizes:
        buffers.append(rest[at : at + n])
        at += n
    return header, buffers


def printable(text: str) -> str:
    """Return a text that can be written as UTF-8: halves of characters become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


# ---------------------------------------------------------------- writing


class Encoder:
    """Writes values. `export(encoder, value)` writes what is not plain data, or raises WireError; `nodes` lists what got a number.

    `given` are the nodes of the message that is answered. `shared(tensor)` is the number of a tensor that both sides have, or None;
    `met` lists those that were met. `results`, where it is a list, gets the tensors that have a graph behind them.
    """

    def __init__(
        self,
        export: Callable[[Encoder, Any], Any] | None = None,
        given: list[Any] | None = None,
        buffers: list[Any] | None = None,
        shared: Callable[[torch.Tensor], int | None] = lambda tensor: None,
    ) -> None:
        self.export, self.shared = export, shared
        self.buffers: list[Any] = [] if buffers is None else buffers
        self.nodes: list[Any] = []
        self.met: list[int] = []
        self.results: list[torch.Tensor] | None = None
        self._numbers: dict[int, list[Any]] = {
            id(v): ["<", n] for n, v in enumerate(given or []) if v is not None
        }
        self._depth = 0

    def encode(self, value: Any) -> Any:
        """Return the value as JSON can hold it; its numbers are added to the buffers."""
        kind = type(value)
        if value is None or kind in (bool, float, str):
            return value
        if kind is int:
            return value if -LARGE < value < LARGE else ["i", hex(value)]
        if id(value) in self._numbers:
            return self._numbers[id(value)]
        if isinstance(value, torch.Tensor) and (known := self.shared(value)) is not None:
            self.met.append(known)
            return ["H", known]
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise WireError(f"a value is nested more than {MAX_DEPTH} levels deep")
        write = _WRITERS.get(kind) or _writer_of_base(kind)  # type: ignore[arg-type]
        node = None if write is None else write(self, value)
        if node is None:
            if self.export is None:
                raise WireError(f"a value of type {kind.__name__} cannot be sent")
            node = self.export(self, value)
        self._depth -= 1
        return node

    def content(self, value: Any) -> Any:
        """Return the node of a container, array or generator itself, even where it has a number."""
        before = self._numbers.get(id(value))
        write = _WRITERS.get(type(value)) or _writer_of_base(type(value))  # type: ignore[arg-type]
        node = None if write is None else write(self, value)
        if before is not None:
            self._numbers[id(value)] = before
        return node

    def attempt(self, value: Any, export: Callable[[Encoder, Any], Any] | None = None) -> Any:
        """Return the node of a value, or None, with nothing written, where it is not plain data; `export` knows more of that."""
        before = dict(self._numbers), len(self.nodes), len(self.buffers), self._depth, self.export
        self.export = export
        try:
            return self.encode(value)
        except WireError:
            self._numbers, n_nodes, n_buffers, self._depth, _ = before
            del self.nodes[n_nodes:], self.buffers[n_buffers:]
            return None
        finally:
            self.export = before[4]

    def number(self, value: Any) -> None:
        """Give the value the next number."""
        self._numbers[id(value)] = ["=", len(self.nodes)]
        self.nodes.append(value)

    def buffer(self, data: Any) -> int:
        """Add a buffer and return its place."""
        self.buffers.append(data)
        return len(self.buffers) - 1

    def array(self, value: np.ndarray) -> Any:
        """Return the node of an array; numbers go into a buffer, texts and objects one by one."""
        self.number(value)
        shape = list(value.shape)
        if value.dtype.str not in _NUMPY:
            if value.dtype.kind not in "USO":
                raise WireError(f"an array of {value.dtype} cannot be sent")
            entries = [self.encode(v) for v in value.reshape(-1).tolist()]
            return ["A", value.dtype.kind, shape, entries]
        flags = value.flags
        layout = "C" if flags.c_contiguous else "F" if flags.f_contiguous else "N"
        data = value.tobytes("F" if layout == "F" else "C")
        return ["a", value.dtype.str, shape, layout, self.buffer(data)]

    def tensor(self, value: torch.Tensor) -> Any:
        """Return the node of a tensor: its numbers, how they lie in memory, and what autograd knows of it."""
        name = str(value.dtype).removeprefix("torch.")
        if name not in _TORCH or value.layout != torch.strided or value.is_meta:
            raise WireError(f"a tensor of {value.dtype}, {value.layout}, on {value.device} cannot be sent")
        self.number(value)
        plain = value.detach() if value.is_cpu else value.detach().cpu()
        if value.is_complex() or value.is_neg():
            plain = plain.resolve_conj().resolve_neg()
        kept = _gradient_kind(value)
        if kept == 4 and self.results is not None:
            kept = 5
            self.results.append(value)
        layout, plain = _layout(plain)
        if value.dtype == torch.bfloat16:  # which numpy lacks
            plain = plain.contiguous().view(torch.int16)
        data = plain.numpy().tobytes()
        node = ["T", name, list(value.shape), layout, self.buffer(data), kept]
        if kept in (1, 2) and value.grad is not None:
            node.append(self.encode(value.grad))
        return node


def _gradient_kind(value: torch.Tensor) -> int:
    """Return 0: needs no gradient, 1: a leaf that does, 2: a Parameter that does, 3: one that does not, 4: a result that does.

    (5 is written for a result for which the other side can ask for slopes.)
    """
    if isinstance(value, torch.nn.Parameter):
        return 2 if value.requires_grad else 3
    return 0 if not value.requires_grad else 1 if value.is_leaf else 4


def _layout(plain: torch.Tensor) -> tuple[Any, torch.Tensor]:
    """Return how a tensor lies in memory, and the tensor whose entries are to be sent one after another."""
    if plain.is_contiguous():
        return "C", plain
    order = sorted(range(plain.ndim), key=plain.stride, reverse=True)
    turned = plain.permute(order)
    return (order, turned) if turned.is_contiguous() else ("N", plain)


def _several(tag: str) -> Callable[[Encoder, Any], Any]:
    def write(encoder: Encoder, value: Any) -> Any:
        if tag in "ls":
            encoder.number(value)
        kinds = set(map(type, value)) if len(value) >= MANY else ()
        if len(kinds) == 1:
            [kind] = kinds
            if kind is float or (kind is int and min(value) >= -(2**63) and max(value) < 2**63):
                data = np.array(list(value), np.float64 if kind is float else np.int64)
                return ["n", tag, "f" if kind is float else "i", encoder.buffer(data.tobytes())]
        return [tag, *map(encoder.encode, value)]

    return write


def _write_dict(encoder: Encoder, value: Any) -> Any:
    encoder.number(value)
    kind = type(value).__name__ if type(value) in _DICTS.values() else "dict"
    flat = [encoder.encode(part) for item in dict.items(value) for part in item]
    return ["d", kind, *flat]


def _write_generator(encoder: Encoder, value: np.random.Generator) -> Any:
    if not isinstance(value.bit_generator, np.random.PCG64):
        raise WireError(f"a generator of {type(value.bit_generator).__name__} cannot be sent")
    encoder.number(value)
    return ["g", *numpy_state(value)]


def numpy_state(value: np.random.Generator) -> list[Any]:
    """Return the state of a generator of PCG64, as `set_numpy_state` takes it."""
    state: Any = value.bit_generator.state
    numbers = state["state"]["state"], state["state"]["inc"], state["has_uint32"], state["uinteger"]
    return [hex(int(n)) for n in numbers]


def _write_torch_generator(encoder: Encoder, value: torch.Generator) -> Any:
    encoder.number(value)
    return ["G", encoder.buffer(value.get_state().numpy().data)]


def _write_scalar(encoder: Encoder, value: np.generic) -> Any:
    if value.dtype.str not in _NUMPY:
        return encoder.encode(value.item()) if value.dtype.kind in "US" else None
    return ["v", value.dtype.str, encoder.buffer(value.tobytes())]


_WRITERS: dict[type, Callable[[Encoder, Any], Any]] = {
    list: _several("l"),
    tuple: _several("t"),
    frozenset: _several("f"),
    torch.Size: lambda e, v: ["z", *v],
    bytes: lambda e, v: ["b", e.buffer(v)],
    bytearray: lambda e, v: ["B", e.buffer(v)],
    complex: lambda e, v: ["c", v.real, v.imag],
    range: lambda e, v: ["r", *map(e.encode, (v.start, v.stop, v.step))],
    slice: lambda e, v: ["S", *map(e.encode, (v.start, v.stop, v.step))],
    np.ndarray: Encoder.array,
    torch.Tensor: Encoder.tensor,
    torch.nn.Parameter: Encoder.tensor,
    torch.dtype: lambda e, v: ["D", str(v).removeprefix("torch.")],
    torch.device: lambda e, v: ["C", "cpu"],
    np.random.Generator: _write_generator,
    torch.Generator: _write_torch_generator,
    set: _several("s"),
    types.SimpleNamespace: lambda e, v: ["N", *(e.encode(p) for item in vars(v).items() for p in item)],
    type(Ellipsis): lambda e, v: ["k", "..."],
    type(NotImplemented): lambda e, v: ["k", "NotImplemented"],
    **dict.fromkeys(_DICTS.values(), _write_dict),
}


@lru_cache(maxsize=1024)
def _writer_of_base(kind: type) -> Callable[[Encoder, Any], Any] | None:
    """Return the writer of the base type that a subclass is sent as, or None.

    The base type's own methods read it, so that what an overriding method says does not count.
    """
    if issubclass(kind, type):
        return _write_type
    return next((_BASES[base] for base in kind.__mro__ if base in _BASES), None)


_BASES: dict[type, Callable[[Encoder, Any], Any]] = {
    np.generic: _write_scalar,
    np.dtype: lambda e, v: ["y", v.str] if v.str in _NUMPY else None,
    int: lambda e, v: e.encode(int.__int__(v)),
    float: lambda e, v: float.__float__(v),
    str: lambda e, v: str.__str__(v),
    bytes: lambda e, v: ["b", e.buffer(bytes.__getitem__(v, slice(None)))],
    tuple: lambda e, v: _WRITERS[tuple](e, tuple.__getitem__(v, slice(None))),
    list: lambda e, v: _WRITERS[list](e, list.__getitem__(v, slice(None))),
    dict: _write_dict,
    pathlib.PurePath: lambda e, v: ["p", str(v)],
    np.ndarray: lambda e, v: e.array(np.ndarray.view(v, np.ndarray)),
    torch.Tensor: lambda e, v: e.tensor(v.as_subclass(torch.Tensor)),
}


def _write_type(encoder: Encoder, value: type) -> Any:
    if _TYPES.get(value.__name__) is value:
        return ["Y", value.__name__]
    if issubclass(value, np.generic) and np.dtype(value).str in _NUMPY:
        return ["Y", np.dtype(value).str]
    return None


# ---------------------------------------------------------------- reading


_WRONG = (LookupError, TypeError, ValueError, OverflowError, RuntimeError, AttributeError, MemoryError)


class Decoder:
    """Reads values. `resolve(tag, rest)` reads what the other side's `export` wrote; `nodes` lists what got a number."""

    def __init__(
        self,
        buffers: list[memoryview],
        resolve: Callable[[Decoder, str, list[Any]], Any] | None = None,
        given: list[Any] | None = None,
    ) -> None:
        self.buffers = buffers
        self.resolve = resolve
        self.nodes: list[Any] = []
        self.results: list[torch.Tensor] = []  # those that have a graph behind them on the other side
        self.given = given or []
        self._depth = 0
        self._count = 0  # of values so far; what is met again counts again, with all that is in it
        self._counts: dict[int, int] = {}  # of what has a number, by that
        self._bytes = 0
        self._large = 0

    def decode(self, node: Any) -> Any:
        """Return the value that a node stands for. Raises WireError for anything that no Encoder writes."""
        try:
            return self.read(node)
        except _WRONG as error:
            raise WireError("a value is not in the agreed form") from error

    def read(self, node: Any) -> Any:
        """Return the value that a node stands for; what is wrong with it may come as another error."""
        self._count += 1
        if node is None or type(node) in (bool, float, str):
            return node
        if type(node) is int:
            if not -LARGE < node < LARGE:
                raise WireError("an integer is not in the agreed form")
            return node
        if type(node) is not list or not node or type(node[0]) is not str:
            raise WireError("a value is not in the agreed form")
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise WireError(f"a value is nested more than {MAX_DEPTH} levels deep")
        tag, *rest = node
        n_nodes, count = len(self.nodes), self._count
        reader = _READERS.get(tag)
        if reader is not None:
            value = reader(self, rest)
        elif self.resolve is not None:
            value = self.resolve(self, tag, rest)
        else:
            raise WireError("a value is not in the agreed form")
        if len(self.nodes) > n_nodes:
            self._counts[n_nodes] = self._count - count + 1
        if self._count > MAX_VALUES:
            raise WireError(f"a value holds more than {MAX_VALUES:,} others")
        self._depth -= 1
        return value

    def again(self, number: Any) -> Any:
        """Return what was met before under this number."""
        if _count(number) not in self._counts:
            raise WireError("a value holds itself")  # nothing that a check asks for does
        self._count += self._counts[number]
        return self.nodes[number]

    def large_integer(self) -> None:
        """Count an integer of many digits: Python's dicts are slow where thousands of them are keys."""
        self._large += 1
        if self._large > MAX_LARGE:
            raise WireError(f"a value holds more than {MAX_LARGE:,} integers of more than 18 digits")

    def number(self, value: Any) -> Any:
        """Give the value the next number, and return it."""
        self.nodes.append(value)
        return value

    def buffer(self, place: Any) -> memoryview:
        """Return a buffer by its place. Each time that one is asked for its bytes are copied, and counted."""
        found = self.buffers[_count(place)]
        self.room(len(found))
        return found

    def room(self, size: int) -> None:
        """Count bytes that are about to be used."""
        self._bytes += size
        if self._bytes > MAX_BYTES:
            raise WireError(f"a value takes more than {MAX_BYTES:,} bytes")


def _count(n: Any) -> int:
    if type(n) is not int or n < 0:
        raise WireError("a count is not in the agreed form")
    return n


def _shape(shape: Any, itemsize: int, size: int) -> tuple[int, ...]:
    """Return a shape, once it is known to hold exactly so many bytes."""
    checked = tuple(map(_count, shape))
    entries = 1
    for n in checked:
        entries *= n
    if len(checked) > 32 or entries * itemsize != size or max(checked, default=0) > 2**40:
        raise WireError("the shape of an array does not fit its numbers")
    return checked


def _read_numbers(decoder: Decoder, rest: list[Any]) -> Any:
    tag, kind, place = rest
    dtype = np.dtype({"f": np.float64, "i": np.int64}[kind])
    numbers = _numbers(decoder.buffer(place), dtype).tolist()
    value = {"l": list, "t": tuple, "s": set, "f": frozenset}[tag](numbers)
    return decoder.number(value) if tag in "ls" else value


def _read_list(decoder: Decoder, rest: list[Any]) -> list[Any]:
    value: list[Any] = decoder.number([])
    value.extend(map(decoder.read, rest))
    return value


def _read_set(decoder: Decoder, rest: list[Any]) -> set[Any]:
    value: set[Any] = decoder.number(set())
    value.update(_hashable(decoder.read(n)) for n in rest)
    return value


def _hashable(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value
    hash(value)
    return value


def _read_dict(decoder: Decoder, rest: list[Any]) -> Any:
    kind, *flat = rest
    value = decoder.number(_DICTS[kind]())
    for key, entry in _pairs(flat):
        value[_hashable(decoder.read(key))] = decoder.read(entry)
    return value


def _pairs(flat: list[Any]) -> Iterator[tuple[Any, Any]]:
    if len(flat) % 2:
        raise WireError("a value is not in the agreed form")
    return zip(flat[::2], flat[1::2], strict=True)


def _read_array(decoder: Decoder, rest: list[Any]) -> np.ndarray:
    code, shape, layout, place = rest
    dtype, data = _NUMPY[code], decoder.buffer(place)
    checked = _shape(shape, dtype.itemsize, len(data))
    flat = _numbers(data, dtype)
    array = flat.reshape(checked, order="F" if layout == "F" else "C")
    if layout == "N":
        decoder.room(2 * len(data))
        held = np.zeros([*checked[:-1], 2 * checked[-1]], dtype)[..., ::2]
        held[...] = array
        array = held
    elif layout not in ("C", "F"):
        raise WireError("the layout of an array is not in the agreed form")
    decoder.number(array)
    return array


def _numbers(data: memoryview, dtype: np.dtype) -> np.ndarray:
    """Return a writable copy of the numbers; a truth value is made of every byte that is not 0."""
    if not len(data):
        return np.empty(0, dtype)
    if dtype == np.bool_:
        return np.frombuffer(data, np.uint8) != 0
    return np.frombuffer(data, dtype).copy()


def _read_entries(decoder: Decoder, rest: list[Any]) -> np.ndarray:
    kind, shape, entries = rest
    array = np.empty(len(entries), object)
    place = len(decoder.nodes)
    decoder.number(None)
    for i, entry in enumerate(entries):
        array[i] = decoder.read(entry)
    if kind != "O":
        if any(type(v) is not {"U": str, "S": bytes}[kind] for v in array):
            raise WireError("an array of texts is not in the agreed form")
        decoder.room(4 * len(entries) * max(map(len, array), default=0))  # the longest decides for all
        array = array.astype(kind)
    decoder.nodes[place] = array = array.reshape(_shape(shape, 1, len(entries)))
    return array


def _read_tensor(decoder: Decoder, rest: list[Any]) -> torch.Tensor:
    name, shape, layout, place, kept, *grad = rest
    dtype, data = _TORCH[name], decoder.buffer(place)
    checked = _shape(shape, dtype.itemsize, len(data))
    order = list(range(len(checked))) if isinstance(layout, str) else list(map(_count, layout))
    if sorted(order) != list(range(len(checked))):
        raise WireError("the layout of a tensor is not in the agreed form")
    if not len(data):
        flat = torch.empty(0, dtype=dtype)
    elif dtype == torch.bool:
        flat = torch.from_numpy(np.frombuffer(data, np.uint8) != 0)
    else:
        flat = torch.frombuffer(bytearray(data), dtype=dtype)
    value = flat.reshape([checked[axis] for axis in order])
    if layout == "N":
        decoder.room(2 * len(data))
        value = value.new_zeros([*checked[:-1], 2 * checked[-1]])[..., ::2].copy_(value)
    elif not isinstance(layout, str):
        value = value.permute([order.index(axis) for axis in range(len(order))])
    elif layout != "C":
        raise WireError("the layout of a tensor is not in the agreed form")
    if kept in (2, 3):
        value = torch.nn.Parameter(value, requires_grad=kept == 2)
    elif kept == 1:
        value.requires_grad_()
    elif kept == 4:
        value = value.requires_grad_().clone()  # a result, as it is on the other side
    elif kept == 5:
        decoder.results.append(value)
    elif kept != 0:
        raise WireError("a tensor is not in the agreed form")
    decoder.number(value)
    if grad and kept in (1, 2):
        value.grad = decoder.read(grad[0])
    return value


def _read_numpy_generator(decoder: Decoder, rest: list[Any]) -> np.random.Generator:
    value = np.random.Generator(np.random.PCG64())
    set_numpy_state(value, rest)
    return decoder.number(value)


def set_numpy_state(value: np.random.Generator, numbers: list[Any]) -> None:
    """Put a generator into the state that `numpy_state` wrote."""
    state, inc, has, uinteger = (int(n, 16) for n in numbers)
    value.bit_generator.state = {
        "bit_generator": "PCG64",
        "state": {"state": state % 2**128, "inc": inc % 2**128 | 1},
        "has_uint32": has % 2,
        "uinteger": uinteger % 2**32,
    }


def _read_torch_generator(decoder: Decoder, rest: list[Any]) -> torch.Generator:
    value = torch.Generator()
    set_torch_state(value, decoder.buffer(rest[0]))
    return decoder.number(value)


def set_torch_state(value: torch.Generator, data: memoryview) -> None:
    """Put a generator into a state, once its counters are known to stay inside its 624 numbers.

    torch checks each of the two, and not that they belong together: with both at their end it would read past its numbers.
    """
    if len(data) != value.get_state().numel():
        raise WireError("the state of a generator is not in the agreed form")
    left, seeded, following = struct.unpack_from("<iiq", data, 8)
    if seeded != 1 or not ((left, following) == (1, 0) or (1 <= left <= 624 and left + following == 625)):
        raise WireError("the state of a generator is not one that can be reached")
    value.set_state(torch.frombuffer(bytearray(data), dtype=torch.uint8))


def _read_scalar(decoder: Decoder, rest: list[Any]) -> np.generic:
    code, place = rest
    [value] = _numbers(decoder.buffer(place), _NUMPY[code])
    return value


def _read_integer(decoder: Decoder, rest: list[Any]) -> int:
    [text] = rest
    if type(text) is not str or len(text) > 2_000_000:
        raise WireError("a number is not in the agreed form")
    decoder.large_integer()
    return int(text, 16)


def _read_path(decoder: Decoder, rest: list[Any]) -> pathlib.Path:
    [text] = rest
    if type(text) is not str or "\0" in text:
        raise WireError("a path is not in the agreed form")
    return pathlib.Path(text)


def _read_namespace(decoder: Decoder, rest: list[Any]) -> types.SimpleNamespace:
    pairs = {decoder.read(key): decoder.read(entry) for key, entry in _pairs(rest)}
    if not all(type(key) is str and not key.startswith("_") for key in pairs):
        raise WireError("a namespace is not in the agreed form")
    return types.SimpleNamespace(**pairs)


def _read_complex(decoder: Decoder, rest: list[Any]) -> complex:
    real, imaginary = map(float, rest)
    return complex(real, imaginary)


_READERS: dict[str, Callable[[Decoder, list[Any]], Any]] = {
    "l": _read_list,
    "t": lambda d, rest: tuple(map(d.read, rest)),
    "s": _read_set,
    "f": lambda d, rest: frozenset(_hashable(d.read(n)) for n in rest),
    "n": _read_numbers,
    "d": _read_dict,
    "z": lambda d, rest: torch.Size(map(_count, rest)),
    "b": lambda d, rest: bytes(d.buffer(rest[0])),
    "B": lambda d, rest: bytearray(d.buffer(rest[0])),
    "c": _read_complex,
    "i": _read_integer,
    "r": lambda d, rest: range(*map(d.read, rest)),
    "S": lambda d, rest: slice(*map(d.read, rest)),
    "a": _read_array,
    "A": _read_entries,
    "T": _read_tensor,
    "v": _read_scalar,
    "D": lambda d, rest: _TORCH[rest[0]],
    "C": lambda d, rest: torch.device("cpu"),
    "y": lambda d, rest: _NUMPY[rest[0]],
    "Y": lambda d, rest: _TYPES[rest[0]] if rest[0] in _TYPES else _NUMPY[rest[0]].type,
    "g": _read_numpy_generator,
    "G": _read_torch_generator,
    "p": _read_path,
    "N": _read_namespace,
    "k": lambda d, rest: _CONSTANTS[rest[0]],
    "=": lambda d, rest: d.again(rest[0]),
    "<": lambda d, rest: d.given[_count(rest[0])],
}
