"""Serves one submission, in the process that its code runs in.

What it answers is judged elsewhere by value, and nothing here is relied upon there: the submission's code can change all of it.
"""

from __future__ import annotations
import __future__

import ast
import asyncio
import contextlib
import copy
import inspect
import io
import linecache
import signal
import sys
import time
import traceback
import types
from collections.abc import Callable, Iterator
from typing import Any

from torch import nn

from . import errors
from .modules import KNOWN, Mirror
from .peer import Peer
from .wire import Decoder, Encoder, WireError

OUTPUT_OF_A_CALL = 2_100  # characters; checks show no more
MANY = 100  # of an iterator's values are sent at once

# What a handle does. Nothing else that Python would do with two underscores is ever passed on.
# What a handle passes on of Python's own syntax. No comparison: what equals what is decided where it is judged.
ARITHMETIC = frozenset(
    f"__{name}__"
    for name in [
        "neg",
        "pos",
        "abs",
        "add",
        "radd",
        "sub",
        "rsub",
        "mul",
        "rmul",
        "truediv",
        "rtruediv",
        "floordiv",
        "rfloordiv",
        "mod",
        "rmod",
        "pow",
        "rpow",
        "matmul",
        "rmatmul",
    ]
)
OPERATIONS = ARITHMETIC | {
    f"__{name}__" for name in ("call", "len", "getitem", "setitem", "delitem", "contains", "iter", "next")
}
_FUNCTIONS = (
    types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.MethodWrapperType, types.WrapperDescriptorType,
)  # fmt: skip


class TimeIsUp(BaseException):
    """A cell ran too long. Not an Exception, so that `except Exception` does not catch it."""


class _Output(io.TextIOBase):
    """A stream that keeps what is written, up to a limit that it shares with its twin."""

    def __init__(self, name: str, kept: list[list[str]], limit: int) -> None:
        self.stream, self.kept, self.limit = name, kept, limit
        self.size = 0

    def write(self, text: str) -> int:
        text = str(text)
        part = text[: max(0, self.limit - self.size)]
        self.size += len(text)
        if part:
            if self.kept and self.kept[-1][0] == self.stream:
                self.kept[-1][1] += part
            else:
                self.kept.append([self.stream, part])
        return len(text)

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False


class Worker(Peer):
    """The side on which the submission's code runs."""

    def __init__(self, channel: Any, output_limit: int) -> None:
        super().__init__(channel, first=1)
        self.output_limit = output_limit
        self.main = types.ModuleType("__main__")
        self.main.__dict__["__builtins__"] = __builtins__
        sys.modules["__main__"] = self.main
        self._flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        self._classes: set[int] = set()

    def run_forever(self) -> None:
        """Serve questions until the other side is gone."""
        while True:
            message, buffers = self._receive()
            if "ask" not in message:
                raise WireError("an answer came that nobody asked for")
            self._answer(message, buffers)

    # ------------------------------------------------------------ operations

    def serve(self, op: str, *args: Any) -> Any:
        """Do what is asked."""
        method = getattr(self, f"do_{op}", None)
        return method(*args) if method is not None else super().serve(op, *args)

    def do_getattr(self, target: Any, name: str) -> Any:
        return getattr(target, name)

    def do_setattr(self, target: Any, name: str, value: Any) -> None:
        setattr(target, name, value)

    def do_operate(self, target: Any, name: str, args: list[Any]) -> Any:
        """Return target.__name__(*args), as Python's own syntax would: looked up on the type."""
        if name not in OPERATIONS:
            raise WireError(f"{name} is not passed on")
        return getattr(type(target), name)(target, *args)

    def do_take(self, iterator: Any) -> tuple[list[Any], bool]:
        """Return the iterator's next values, and whether it has ended."""
        taken: list[Any] = []
        for value in iterator:
            taken.append(value)
            if len(taken) == MANY:
                return taken, False
        return taken, True

    def do_iterator(self, target: Any) -> Any:
        return _Handle(iter(target))

    def do_show(self, target: Any) -> str:
        return repr(target)[:500]

    def do_get(self, name: str) -> Any:
        try:
            return vars(self.main)[name]
        except KeyError:
            raise NameError(f"name {name!r} is not defined", name=name) from None

    def copy(self, target: Any) -> Any:
        """Return a deep copy of anything."""
        return copy.deepcopy(target)

    # ------------------------------------------------------------ cells

    def do_run(self, file: str, source: str, seconds: float) -> dict[str, Any]:
        """Run a cell; return its output, the text of its last expression's value, and its error."""
        kept: list[list[str]] = []
        streams = [_Output(name, kept, self.output_limit) for name in ("stdout", "stderr")]
        done: dict[str, Any] = {"result": None, "error": None, "time": False}
        with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
            try:
                with _time_limit(seconds):
                    done["result"] = self._run(file, source)
            except TimeIsUp:
                done["time"] = True
            except BaseException as error:
                done["error"] = [type(error).__name__, _text(error), _traceback(error)]
        done["output"] = [[name, text[: self.output_limit]] for name, text in kept]
        done["cut"] = any(s.size > s.limit for s in streams)
        return done

    def _run(self, file: str, source: str) -> str | None:
        text = _python(source)
        linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
        tree = compile(text, file, "exec", self._flags | ast.PyCF_ONLY_AST)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        self._execute(compile(tree, file, "exec", self._flags))
        if last is None:
            return None
        value = self._execute(compile(ast.Expression(last.value), file, "eval", self._flags))
        shown = not source.rstrip().endswith(";")
        return repr(value)[: self.output_limit] if value is not None and shown else None

    def _execute(self, code: types.CodeType) -> Any:
        self._flags |= code.co_flags & _FUTURE
        value = eval(code, vars(self.main))
        if inspect.iscoroutine(value) and code.co_flags & inspect.CO_COROUTINE:
            return asyncio.run(value)
        return value

    # ------------------------------------------------------------ how this side writes and reads

    def export_iterator(self, encoder: Encoder, value: Iterator[Any]) -> Any:
        """Write an iterator as an object: it may have no end."""
        return self.export_other(encoder, value)

    def _export(self, encoder: Encoder, value: Any) -> Any:
        if isinstance(value, nn.Module) and not isinstance(value, Mirror):
            return super()._export(encoder, value)
        if isinstance(value, _FUNCTIONS) or getattr(type(value), "_lives_elsewhere", False):
            return super()._export(encoder, value)
        return self.export_other(encoder, value)

    def export_other(self, encoder: Encoder, value: Any) -> Any:
        """Write an object as a handle."""
        if type(value) in _records:
            return ["R", _records[type(value)], *map(encoder.encode, vars(value).values())]
        value = value.held if isinstance(value, _Handle) else value
        if isinstance(value, type):
            return self._class(value)
        return ["@", self.export_object(value), self._class(type(value))]

    def _class(self, cls: type) -> list[Any]:
        ref = self.export_object(cls)
        if ref in self._classes:
            return ["K", ref]
        self._classes.add(ref)
        operations = [name for name in OPERATIONS if _has(cls, name)]
        fields = getattr(cls, "__dataclass_fields__", None)
        names = [name for name, f in fields.items() if f.init] if isinstance(fields, dict) else None
        return ["K", ref, cls.__name__[:200], sorted(operations), names]

    def resolve_other(self, decoder: Decoder, tag: str, rest: list[Any]) -> Any:
        """Read a record, which is a dataclass of the other side without its methods, or an object that lives there."""
        if tag == "O":
            name, read, length = rest[0], *map(decoder.decode, rest[1:])
            special = {"__getattr__": lambda _, attribute: read(attribute), "__len__": lambda _: length()}
            if length is None:
                del special["__len__"]
            return type(name, (), special)()
        if tag != "R":
            return super().resolve_other(decoder, tag, rest)
        number, name, frozen, fields, properties = rest
        return _record(number, name, frozen, decoder.decode(fields), decoder.decode(properties))

    def new_mirror(self, name: str, known: str, exact: bool) -> nn.Module:
        """Return an empty mirror; of torch's own classes a module that runs here."""
        return KNOWN[known].__new__(KNOWN[known]) if exact else super().new_mirror(name, known, exact)

    def set_attributes(self, made: nn.Module, attributes: Any, decoder: Decoder) -> None:
        """Give a mirror the attributes that are plain data."""
        made.__dict__.update({name: decoder.decode(node) for name, node in attributes.items()})

    def attribute(self, target: Any, name: str) -> Any:
        """Refuse: what the other side's objects hold besides is its own."""
        raise AttributeError(f"{type(target).__name__!r} object has no attribute {name!r}")

    @contextlib.contextmanager
    def capture(self) -> Iterator[Callable[[], str]]:
        """Keep what is printed while a question is served."""
        kept: list[list[str]] = []
        streams = [_Output(name, kept, OUTPUT_OF_A_CALL) for name in ("stdout", "stderr")]
        with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
            yield lambda: "".join(text for _, text in kept)[:OUTPUT_OF_A_CALL]

    def error(self, error: Any, decoder: Decoder) -> BaseException:
        """Return an error that a function of the other side raised; should it come back, it is known there."""
        made = errors.rebuild(error, decoder)
        made.came_as = error.get("ref")  # type: ignore[attr-defined]
        return made


class _Handle:
    """Something that is to be sent as a handle, whatever it is."""

    def __init__(self, held: Any) -> None:
        self.held = held


def _has(cls: type, name: str) -> bool:
    """Return whether a class defines an operation itself, or inherits it from one that is not `object`."""
    return any(vars(c).get(name) is not None for c in cls.__mro__ if c is not object)


_FUTURE = 0  # the flags of all `from __future__ import …`, which hold for later cells too
for _name in __future__.all_feature_names:
    _FUTURE |= getattr(__future__, _name).compiler_flag


def _python(source: str) -> str:
    """Return a cell's text with what only IPython reads (magics, `!`, `?`) turned into calls."""
    from IPython.core.inputtransformer2 import TransformerManager

    return str(TransformerManager().transform_cell(source))


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeIsUp in the block once so many seconds of work, or four times as many on the clock, have passed."""
    work, clock = time.process_time(), time.monotonic()

    def ring(*_: object) -> None:
        if time.process_time() - work >= seconds or time.monotonic() - clock >= 4 * seconds:
            raise TimeIsUp

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, min(seconds, 0.2), 0.2)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _text(error: BaseException) -> str:
    try:
        return str(error)[: errors.MOST_TEXT]
    except Exception:
        return ""


def _traceback(error: BaseException) -> str:
    """Return the traceback without the frames of this module."""
    trace = error.__traceback__
    while trace is not None and not trace.tb_frame.f_code.co_filename.startswith("<cell "):
        trace = trace.tb_next
    try:
        lines = traceback.format_exception(type(error), error, trace, limit=-20, chain=False)
    except Exception:
        lines = [type(error).__name__]
    return "".join(lines)[-8_000:]


# ---------------------------------------------------------------- records

_records: dict[type, int] = {}
_classes: dict[int, type] = {}


def _record(number: int, name: str, frozen: bool, fields: dict[str, Any], properties: dict[str, Any]) -> Any:
    """Return a dataclass instance with these fields. Its properties are known for these values alone."""
    import dataclasses

    if number not in _classes:

        def reader(key: str) -> property:
            def read(self: Any) -> Any:
                known = _known.get((number, *(getattr(self, f) for f in fields)))
                if known is None:
                    raise AttributeError(f"{key} of a changed {name} is not known here")
                return known[key]

            return property(read)

        cls = dataclasses.make_dataclass(
            name, list(fields), frozen=frozen, namespace={key: reader(key) for key in properties}
        )
        _classes[number] = cls
        _records[cls] = number
    with contextlib.suppress(TypeError):  # where a field cannot be hashed
        _known[(number, *fields.values())] = properties
    return _classes[number](**fields)


_known: dict[tuple[Any, ...], dict[str, Any]] = {}
