"""The grader's side of what lives in a worker: functions, classes, objects and modules that checks use like their own.

A handle passes on a fixed list of operations, each answered by a value that was rebuilt here. Of all other names with two
underscores Python asks the handle itself: nothing of the submission decides how it is compared, converted or read as memory.
What the worker says of a thing's kind (its name, that it is a module, which names are one parameter) is a claim; numbers decide.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from handmade.checks.compare import describe
from handmade.checks.guard import PATIENCE, TimeLimit
from handmade.grading.inside import errors
from handmade.grading.inside.peer import ENDED, MOST_ITEMS, Gone, Peer, RemoteFunction
from handmade.grading.inside.wire import Decoder, Encoder, WireError, printable
from handmade.grading.inside.worker import ARITHMETIC, OPERATIONS
from handmade.grading.zygote import Process

DYING = 0.5  # seconds in which a worker that closed its end may end by itself, so that its reason is known
Parts = Callable[[list[str]], Any]


class RemoteType(type):
    """The class of a class that lives in a worker. Calling it makes an object there."""

    _lives_elsewhere = True
    _peer: Any
    _ref: int

    def __call__(cls, *args: Any, **named: Any) -> Any:
        return cls._peer.call(cls, args, named)

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return cls._peer.attribute(cls, name)

    def __setattr__(cls, name: str, value: Any) -> None:
        if name.startswith("_"):
            type.__setattr__(cls, name, value)
        else:
            cls._peer.ask("setattr", cls, name, value)


class RemoteObject(metaclass=RemoteType):
    """An object that lives in a worker."""

    _lives_elsewhere = True
    __array_ufunc__ = None  # numpy leaves it alone
    _peer: Any
    _ref: int

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._peer.attribute(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            raise AttributeError(f"{name} of an object in another process cannot be set")
        self._peer.ask("setattr", self, name, value)

    def __bool__(self) -> bool:
        raise TypeError("an object that lives in another process is neither true nor false")

    def __repr__(self) -> str:
        try:
            shown = self._peer.ask("show", self)
        except (Exception, SystemExit, Interrupted):
            shown = None
        return shown if isinstance(shown, str) else f"<{type(self).__name__}>"

    def __deepcopy__(self, memo: Any) -> Any:
        return self._peer.ask("copy", self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError("an object that lives in another process cannot be pickled")

    def __hash__(self) -> int:
        return id(self)


def _operation(name: str) -> Callable[..., Any]:
    def operation(self: Any, *args: Any) -> Any:
        answer = self._peer.ask("operate", self, name, list(args))
        if name in ARITHMETIC and not (isinstance(answer, RemoteObject) or answer is NotImplemented):
            # A plain number here would be the submission's word for how far its answer is from the right one.
            raise TypeError(f"{name} of an object gave no object, but {describe(answer)}")
        return answer

    operation.__name__ = operation.__qualname__ = name
    return operation


def _call(self: Any, *args: Any, **named: Any) -> Any:
    return self._peer.call(self, args, named)


def _iterate(self: Any) -> Iterator[Any]:
    """Yield what an object gives, a hundred at a time, and not for ever."""
    values, count, ended = self._peer.ask("iterator", self), 0, False
    while not ended:
        taken, ended = self._peer.ask("take", values)
        for value in taken:
            yield value
            count += 1
            if count >= MOST_ITEMS:
                raise RuntimeError(f"more than {MOST_ITEMS:,} values")


def _same_fields(self: Any, other: Any) -> bool:
    """Return whether two dataclasses of a submission have equal fields, compared here."""
    return type(other) is type(self) and all(
        getattr(self, name) == getattr(other, name) for name in type(self).__dataclass_fields__
    )


_METHODS: dict[str, Callable[..., Any]] = {name: _operation(name) for name in OPERATIONS}
_METHODS |= {"__call__": _call, "__iter__": _iterate}


class Side(Peer):
    """The grader's end of a worker.

    `seconds` is what one question may take, in seconds of the worker's work; on the clock PATIENCE times as long. `revive(name)` returns
    what a name stands for in a new worker, once this one is gone.
    """

    passes_on = (Gone, TimeLimit, KeyboardInterrupt, WireError)

    def __init__(self, process: Process, parts: Parts, seconds: float, revive: Callable[[str], Any]) -> None:
        super().__init__(process.channel, first=0)
        self.process, self.parts, self.seconds, self.revive = process, parts, seconds, revive
        self.names: dict[int, str] = {}
        self._classes: dict[int, RemoteType] = {}
        self._records: list[type] = []
        self._raised: dict[int, BaseException] = {}
        self.n_messages = 0  # that were answered, by either side
        self._until: tuple[float, float] | None = None
        process.channel.alarm = self._alarm

    # ------------------------------------------------------------ asking

    def fetch(self, name: str) -> Any:
        """Return what a name of the submission stands for. Raises NameError."""
        value = self.ask("get", name)
        if isinstance(value, RemoteFunction | RemoteType) and value._peer is self:
            self.names[value._ref] = name
        return value

    def call(self, target: Any, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Call something in the worker; what has a name is looked up in a new worker where this one is gone."""
        if self.broken and target._ref in self.names:
            again = self.revive(self.names[target._ref])
            return again(*args, **named)
        return super().call(target, args, named)

    def _ask(self, question: dict[str, Any], encoder: Encoder) -> Any:
        self.n_messages += 1
        self.process.zygote.share_scratch()
        if self._until is not None:
            return super()._ask(question, encoder)
        self._until = self.process.seconds() + self.seconds, time.monotonic() + PATIENCE * self.seconds
        try:
            return super()._ask(question, encoder)
        except Gone:
            raise Gone(f"the process that your code runs in is gone: {self.broken}") from None
        finally:
            self._until = None
            if self.broken:
                self.process.kill(patience=DYING if self.broken == ENDED else 0.0)

    def _alarm(self) -> None:
        """Called while waiting: has the question taken too long?"""
        if self._until is not None:
            work, clock = self._until
            if self.process.seconds() > work or time.monotonic() > clock:
                raise Gone(f"there was no answer within {self.seconds:g} seconds")

    # ------------------------------------------------------------ answering

    def serve(self, op: str, *args: Any) -> Any:
        """Answer a worker: it may call what it was handed, and ask for earlier lessons' parts."""
        self.n_messages += 1
        self._alarm()  # where questions come without end, nobody waits
        if op == "parts":
            [names] = args
            return self.parts([str(name) for name in names])
        if op in ("call", "copy"):
            target = args[0]
            if id(target) not in self._refs:
                raise WireError("something was called that was not handed over")
        return super().serve(op, *args)

    def describe_error(self, error: BaseException, encoder: Encoder) -> Any:
        """Return an error as plain data; should it come back, it is known by its number."""
        described = errors.describe(error, encoder, files="\0")
        described["ref"] = len(self._raised)
        self._raised[len(self._raised)] = error
        return described

    def error(self, error: Any, decoder: Decoder) -> BaseException:
        """Return an error that the submission raised, with the lines of the submission where it did."""
        made = errors.rebuild(error, decoder)
        known = self._raised.get(error["ref"]) if type(error.get("ref")) is int else None
        if known is not None and type(known).__name__ == type(made).__name__:
            return known.with_traceback(None)
        if isinstance(made, KeyboardInterrupt):
            made = Interrupted(str(made))  # nobody pressed a key here
        return _with_frames(made, error.get("frames"))

    def printed(self, text: Any) -> None:
        """Print what the submission printed: whoever asks keeps it, or not."""
        if isinstance(text, str) and text:
            sys.stdout.write(printable(text[:5_000]))

    # ------------------------------------------------------------ how this side writes and reads

    def export_other(self, encoder: Encoder, value: Any) -> Any:
        """Write a dataclass as its fields, a class as a function, a view of a dict as a list, an object of ours as what reads it."""
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return self.export_plain(encoder, value)
        if isinstance(value, type):
            return ["F", self.export_object(value), value.__name__]
        if isinstance(value, collections.abc.MappingView):
            return encoder.encode([*value])  # type: ignore[misc]
        if type(value).__module__.startswith("handmade."):
            length = value.__len__ if isinstance(value, collections.abc.Sized) else None
            return ["O", type(value).__name__, encoder.encode(_reader(value)), encoder.encode(length)]
        return super().export_other(encoder, value)

    def export_plain(self, encoder: Encoder, value: Any) -> Any:
        """Write a dataclass as its fields."""
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return self._record(encoder, value)
        return super().export_plain(encoder, value)

    def _record(self, encoder: Encoder, value: Any) -> list[Any]:
        cls = type(value)
        if cls not in self._records:
            self._records.append(cls)
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        properties = {
            name: getattr(value, name)
            for name in dir(cls)
            if not name.startswith("_") and isinstance(getattr(cls, name), property)
        }
        frozen = cls.__dataclass_params__.frozen
        return [
            "R",
            self._records.index(cls),
            cls.__name__,
            frozen,
            encoder.encode(fields),
            encoder.encode(properties),
        ]

    def resolve_other(self, decoder: Decoder, tag: str, rest: list[Any]) -> Any:
        """Read an object, a class, or a dataclass that was sent before."""
        if tag == "@":
            ref, cls = rest
            return self.proxy(ref, lambda: self._object(ref, decoder.decode(cls)))
        if tag == "K":
            return self._class(*rest)
        if tag == "R":
            number, *values = rest
            cls = self._records[number]
            names = [f.name for f in dataclasses.fields(cls)]
            try:
                return cls(**dict(zip(names, map(decoder.decode, values), strict=True)))
            except ValueError as error:
                raise WireError(f"a {cls.__name__} came back that is none: {error}") from None
        return super().resolve_other(decoder, tag, rest)

    def _object(self, ref: int, cls: Any) -> RemoteObject:
        if not isinstance(cls, RemoteType):
            raise WireError("an object is not in the agreed form")
        made: RemoteObject = object.__new__(cls)  # type: ignore[arg-type]
        made.__dict__.update(_peer=self, _ref=ref)
        return made

    def _class(self, ref: Any, name: Any = None, operations: Any = (), fields: Any = None) -> RemoteType:
        if name is None:
            return self._classes[ref]
        if type(ref) is not int or type(name) is not str or not set(operations) <= OPERATIONS:
            raise WireError("a class is not in the agreed form")
        contents: dict[str, Any] = {op: _METHODS[op] for op in operations}
        contents |= {"_peer": self, "_ref": ref, "__hash__": RemoteObject.__hash__}
        if fields is not None:
            contents["__eq__"] = _same_fields
            contents["__dataclass_fields__"] = dataclasses.make_dataclass("_", fields).__dataclass_fields__  # type: ignore[attr-defined]
        made = RemoteType(name, (RemoteObject,), contents)
        self._classes[ref] = made
        return made


def _reader(value: Any) -> Callable[[str], Any]:
    """Return the function by which a worker reads an object's public attributes."""

    def read(name: str) -> Any:
        if type(name) is not str or name.startswith("_"):
            raise AttributeError(name)
        return getattr(value, name)

    return read


class Interrupted(KeyboardInterrupt):
    """A submission raised KeyboardInterrupt; nobody pressed a key."""


def _with_frames(error: BaseException, frames: Any) -> BaseException:
    """Return the error with a traceback that names lines of the submission, as if it had been raised there.

    The text of these lines comes from the notebook; that the error was raised in them is what the worker says.
    """
    try:
        known = [
            (file, line, name)
            for file, line, name in frames
            if type(file) is str
            and file.startswith("<cell ")
            and type(line) is int
            and 0 < line < 100_000
            and type(name) is str
        ]
    except (TypeError, ValueError):
        return error
    go: Any = None
    for file, line, name in reversed(known[-errors.MOST_FRAMES :]):
        text = "\n" * (line - 1) + ("raise error" if go is None else "go()")
        code = compile(text, file, "exec").replace(co_name=name, co_qualname=name)
        go = _runner(code, {"error": error, "go": go})
    if go is not None:
        try:
            go()
        except BaseException as raised:
            if raised is error:
                return error
    return error


def _runner(code: Any, names: dict[str, Any]) -> Callable[[], None]:
    return lambda: exec(code, names)
