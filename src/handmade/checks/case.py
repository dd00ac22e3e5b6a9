"""A case: one question put to a candidate, and how its answer is looked at."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from handmade.checks.compare import TOLERANCE, is_array, number, to_numpy

_FROM_REFERENCE = object()
ENTRIES_SHOWN = 40  # an argument with more entries than this is shown by its shape


@dataclass(frozen=True)
class Case:
    """One question. Make it with `case`, `rejects` or `play`.

    ask      gets the candidate and returns its answer; called with the reference, it returns the right one
    view     what is judged of an answer (all of it, as a rule); may raise Unfit with a sentence
    expected the right answer as `view` shows it, or what the reference answers
    rejected the error that the candidate must raise instead of answering
    text     the call, as a learner would type it; None: made from the exercise's name and the arguments
    note     what is special about this case, in words
    """

    ask: Callable[..., Any]
    args: tuple[Any, ...] = ()
    view: Callable[[Any], Any] = field(default=lambda answer: answer)
    expected: Any = _FROM_REFERENCE
    rejected: type[Exception] | None = None
    text: str | None = None
    note: str = ""
    tolerance: float = TOLERANCE

    def right_answer(self, reference: Callable[..., Any]) -> Any:
        """Return what `view` must show: the stated value, or the reference's."""
        if self.expected is not _FROM_REFERENCE:
            return self.expected
        return self.view(self.ask(reference, *fresh(self.args)))

    def call_text(self, name: str) -> str:
        """Return the call as a learner would type it, small enough to copy."""
        return self.text or f"{name}({', '.join(literal(a) for a in self.args)})"


def case(
    *args: Any,
    expect: Any = _FROM_REFERENCE,
    view: Callable[[Any], Any] | None = None,
    text: str | None = None,
    note: str = "",
    tolerance: float = TOLERANCE,
) -> Case:
    """Return the case that calls the candidate with copies of these arguments, which it must leave as they are."""
    more: dict[str, Any] = {} if view is None else {"view": view}
    return Case(_call, args, expected=expect, text=text, note=note, tolerance=tolerance, **more)


def rejects(*args: Any, error: type[Exception] = ValueError, text: str | None = None, note: str = "") -> Case:
    """Return the case in which these arguments must be refused with this error."""
    return Case(_call, args, expected=None, rejected=error, text=text, note=note)


def play(
    ask: Callable[[Any], Any],
    text: str,
    *,
    expect: Any = _FROM_REFERENCE,
    view: Callable[[Any], Any] | None = None,
    note: str = "",
    tolerance: float = TOLERANCE,
) -> Case:
    """Return the case that does with the candidate whatever `ask(candidate)` does: for classes, seeds, several calls."""
    more: dict[str, Any] = {} if view is None else {"view": view}
    return Case(ask, expected=expect, text=text, note=note, tolerance=tolerance, **more)


def _call(candidate: Callable[..., Any], *args: Any) -> Any:
    return candidate(*args)


def fresh(value: Any) -> Any:
    """Return a copy that shares no memory with the value; an array or tensor keeps being contiguous or not."""
    if isinstance(value, np.ndarray) and not (value.flags.c_contiguous or value.flags.f_contiguous):
        spread = np.zeros([2 * n for n in value.shape], value.dtype)
        held = spread[tuple(slice(None, None, 2) for _ in value.shape)]
        held[...] = value
        return held
    if is_array(value) and not isinstance(value, np.ndarray):
        held = value.detach().clone()  # keeps a transposed layout, but not gaps between the entries
        if held.is_contiguous() and not value.is_contiguous():
            spread = value.new_zeros([2 * n for n in value.shape])
            held = spread[tuple(slice(None, None, 2) for _ in value.shape)].copy_(held)
        return held.requires_grad_(value.requires_grad)
    if type(value).__module__ == "torch._C" and type(value).__name__ == "Generator":
        return value.clone_state()
    if type(value) in (list, tuple):
        return type(value)(fresh(v) for v in value)
    if type(value) is dict:
        return {key: fresh(v) for key, v in value.items()}
    return copy.deepcopy(value)


def same(before: Any, after: Any) -> bool:
    """Return whether an argument is what it was; only data is compared, not functions or generators."""
    if is_array(before):
        return (
            is_array(after)
            and before.shape == after.shape
            and before.dtype == after.dtype
            and bool(((before == after) | ((before != before) & (after != after))).all())
        )
    if isinstance(before, list | tuple):
        return len(before) == len(after) and all(same(b, a) for b, a in zip(before, after, strict=True))
    if isinstance(before, dict):
        return before.keys() == after.keys() and all(same(v, after[k]) for k, v in before.items())
    if isinstance(before, int | float | str | bytes | set | None):
        return bool(before == after)
    return True


def literal(value: Any) -> str:
    """Return the value as Python source that a learner can paste, or its shape where it is large."""
    if is_array(value):
        maker = "np.array" if isinstance(value, np.ndarray) else "torch.tensor"
        if value.size > ENTRIES_SHOWN if isinstance(value, np.ndarray) else value.numel() > ENTRIES_SHOWN:
            return f"<{maker.split('.')[1]} of shape {tuple(value.shape)}>"
        kind = str(value.dtype).removeprefix("torch.")
        usual = kind in ("float64", "int64") if maker == "np.array" else kind in ("float32", "int64", "bool")
        prefix = maker.split(".")[0]
        entries = _entries(to_numpy(value), prefix)
        return f"{maker}({entries}{'' if usual else f', dtype={prefix}.{kind}'})"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(literal, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(k)}: {literal(v)}" for k, v in value.items()) + "}"
    if isinstance(value, np.generic):
        return number(value)
    if isinstance(value, np.random.Generator):
        return "rng"
    if callable(value):
        return getattr(value, "__name__", "a function")
    return repr(value)


def _entries(array: np.ndarray, module: str) -> str:
    """Return an array's entries as nested lists; a float is written as short as its own type allows: 0.1, not 0.10000000149."""
    if array.ndim:
        return f"[{', '.join(_entries(part, module) for part in array)}]"
    entry = array[()]
    if array.dtype.kind != "f":
        return repr(entry.item())
    if not np.isfinite(entry):
        return str(entry).replace("inf", f"{module}.inf").replace("nan", f"{module}.nan")
    return repr(float(str(entry)))
