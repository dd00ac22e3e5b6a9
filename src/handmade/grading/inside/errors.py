"""Errors as they cross between the two processes: by the names of their types, and their text.

An error of a type that Python, numpy or torch define arrives as that type; one of somebody's own type as a new type of that
name, derived from the nearest that is known.
"""

from __future__ import annotations

import builtins
import dataclasses
from typing import Any

import numpy as np
import torch

from .wire import Decoder, Encoder, WireError

MOST_TEXT = 2_000
MOST_FRAMES = 8

KNOWN: dict[str, type[BaseException]] = {
    f"builtins.{name}": value
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException) and name != "BaseExceptionGroup"
}
for _kind in (np.linalg.LinAlgError, torch.linalg.LinAlgError, dataclasses.FrozenInstanceError):
    KNOWN[f"{_kind.__module__}.{_kind.__qualname__}"] = _kind
_made: dict[tuple[str, type], type[BaseException]] = {}


def describe(error: BaseException, encoder: Encoder, files: str = "<cell ") -> dict[str, Any]:
    """Return an error in plain data. Of its traceback it says what lies in files whose names begin with `files`."""
    try:
        text = str(error)
    except Exception:
        text = ""
    frames = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename.startswith(files):
            frames.append([code.co_filename, trace.tb_lineno, code.co_name])
        trace = trace.tb_next
    if len(frames) > MOST_FRAMES:
        frames = [*frames[: MOST_FRAMES // 2], *frames[-MOST_FRAMES // 2 :]]
    kinds = [f"{c.__module__}.{c.__qualname__}"[:200] for c in type(error).__mro__[:20]]
    args = encoder.attempt(tuple(error.args)) if kinds[0] in KNOWN and len(text) <= MOST_TEXT else None
    return {
        "kinds": kinds,
        "text": text[:MOST_TEXT],
        "args": args,
        "frames": frames,
        "ref": getattr(error, "came_as", None),
    }


def rebuild(error: Any, decoder: Decoder) -> BaseException:
    """Return the error that was described."""
    if type(error) is not dict or type(error.get("kinds")) is not list or type(error.get("text")) is not str:
        raise WireError("an error is not in the agreed form")
    kinds, text, args = error["kinds"], error["text"], error.get("args")
    base = next((KNOWN[kind] for kind in kinds if type(kind) is str and kind in KNOWN), Exception)
    if kinds and kinds[0] in KNOWN and args is not None:
        try:
            return base(*decoder.decode(args))
        except WireError:
            raise
        except Exception:
            pass
    name = str(kinds[0]).rpartition(".")[2] if kinds else "Exception"
    return _type(name if name.isidentifier() else "Exception", base)(text)


def _type(name: str, base: type[BaseException]) -> type[BaseException]:
    """Return the type of this name that derives from a known one, and whose text is what it is given."""
    if (name, base) not in _made:
        if len(_made) > 1_000:
            _made.clear()
        known = KNOWN.get(f"builtins.{name}") is base

        def new(cls: Any, text: str) -> Any:
            made = base.__new__(cls)
            made.args = (text,)
            return made

        _made[name, base] = type(
            name, (base,), {"__new__": new, "__init__": lambda self, text: None, "__str__": lambda self: str(self.args[0])}
        )  # fmt: skip
        _made[name, base].__module__ = "builtins" if known else "__main__"
    return _made[name, base]
