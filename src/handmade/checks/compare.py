"""Compare an answer with the right one, and say in a sentence how they differ.

Answers are judged by value and shape. A number may be a Python number, a numpy number or a 0-d array; an array
may be numpy's or torch's, of any float or integer type. A list of one number, or an array of shape (1,), is not
a number; text, None, nan and truth values are not either.
"""

from __future__ import annotations

import sys
from numbers import Number
from typing import Any

import numpy as np

TOLERANCE = 1e-5  # of the largest entry: room for float32 arithmetic, far below any real mistake


class Unfit(Exception):
    """An answer that cannot be judged by value; the text says why, as a sentence for the learner."""


def is_array(value: object) -> bool:
    """Return whether the value is a numpy array or a torch tensor (torch is not imported for it)."""
    torch = sys.modules.get("torch")
    return isinstance(value, np.ndarray) or (torch is not None and isinstance(value, torch.Tensor))


def to_numpy(value: Any) -> np.ndarray:
    """Return a numpy copy of an array or tensor; bfloat16, which numpy lacks, becomes float32."""
    if isinstance(value, np.ndarray):
        return np.array(value)
    torch = sys.modules["torch"]
    return np.array((value.float() if value.dtype == torch.bfloat16 else value).numpy(force=True))


def is_bool(value: Any) -> bool:
    """Return whether the value is one truth value: Python's, numpy's or a 0-d array's."""
    return isinstance(value, bool | np.bool_) or (
        is_array(value) and "bool" in str(value.dtype) and value.ndim == 0
    )


def describe(value: Any) -> str:
    """Return what kind of thing the value is, in words: "an array of shape (3,)", "the text 'abc'"."""
    if value is None:
        return "None"
    if is_array(value):
        kind = "a tensor" if not isinstance(value, np.ndarray) else "an array"
        odd = "" if _is_numeric(value) else f" with entries of type {value.dtype}"
        return f"{kind} of shape {tuple(value.shape)}{odd}"
    if is_bool(value):
        return f"the truth value {bool(value)}"
    if isinstance(value, complex | np.complexfloating):
        return "a complex number"
    if isinstance(value, Number):
        return "a number"
    if isinstance(value, str):
        return f"the text {value!r}" if len(value) < 40 else "a text"
    if isinstance(value, list | tuple | set | frozenset | dict):
        return f"a {type(value).__name__} of length {len(value)}"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if callable(value) and hasattr(value, "__name__"):
        return "a function"
    return f"an object of type {type(value).__name__}"


def difference(expected: Any, got: Any, tolerance: float = TOLERANCE) -> str | None:
    """Return a sentence on how `got` differs from the right answer, or None where it does not.

    The kind of `expected` decides what is asked: a truth value, a number, an array, a text, or a list, tuple,
    set or dict of these. `tolerance` is relative to the largest expected entry, or to 1 where that is smaller.
    """
    if got is None and expected is not None:
        return "Your function returned None. Is there a `return` on every way through it?"
    if is_bool(expected):
        if not is_bool(got):
            return f"Expected True or False, got {describe(got)}."
        return None if bool(expected) == bool(got) else ""
    if is_array(expected) or isinstance(expected, Number):
        return _numeric_difference(expected, got, tolerance)
    if isinstance(expected, str | bytes):
        if not isinstance(got, type(expected)):
            return f"Expected {describe(expected)}, got {describe(got)}."
        return None if expected == got else _first_text_difference(expected, got)
    if isinstance(expected, list | tuple):
        return _sequence_difference(expected, got, tolerance)
    if isinstance(expected, set | frozenset):
        return _set_difference(expected, got)
    if isinstance(expected, dict):
        return _dict_difference(expected, got, tolerance)
    return (
        None
        if type(expected) is type(got) and expected == got
        else f"Expected {describe(expected)}, got {describe(got)}."
    )


def _is_numeric(value: Any) -> bool:
    name = str(value.dtype)
    return any(kind in name for kind in ("float", "int")) and "complex" not in name


def _numeric_difference(expected: Any, got: Any, tolerance: float) -> str | None:
    one_number = not is_array(expected) or expected.ndim == 0
    wanted = "a number" if one_number else f"an array of shape {tuple(expected.shape)}"
    bits = is_array(expected) and "bool" in str(expected.dtype)
    right_kind = is_array(got) or (one_number and isinstance(got, Number | np.generic))
    if (
        not right_kind
        or isinstance(got, complex | np.complexfloating | np.str_ | np.bytes_ | np.void)
        or is_bool(got)
    ):
        return f"Expected {wanted}, got {describe(got)}."
    if is_array(got) and not (_is_numeric(got) or (bits and "bool" in str(got.dtype))):
        kind = "True and False" if "bool" in str(got.dtype) else f"entries of type {got.dtype}"
        return f"Expected {'True and False' if bits else 'numbers'}, got {kind}."
    if bits and "bool" not in str(got.dtype):
        return f"Expected True and False (an array of bool), got entries of type {got.dtype}."
    right, answer = (to_numpy(v) if is_array(v) else np.asarray(v) for v in (expected, got))
    if right.shape != answer.shape:
        return f"Expected {wanted}, got {describe(got)}."
    if bits:
        return _first_array_difference(right, answer, right != answer)
    try:
        right, answer = right.astype(np.float64), answer.astype(np.float64)
    except (OverflowError, ValueError, TypeError):
        return f"Expected {wanted}, got one that no float can hold."
    if np.isnan(answer).any() and not np.isnan(right).any():
        return (
            "Your answer is nan, which is not a number."
            if one_number
            else "Your answer contains nan, which is not a number."
        )
    finite = np.abs(right[np.isfinite(right)])
    room = tolerance * max(1.0, float(finite.max(initial=0.0)))
    with np.errstate(invalid="ignore"):
        wrong = ~((right == answer) | (np.abs(right - answer) <= room) | (np.isnan(right) & np.isnan(answer)))
    return _first_array_difference(right, answer, wrong)


def _first_array_difference(right: np.ndarray, answer: np.ndarray, wrong: np.ndarray) -> str | None:
    if not wrong.any():
        return None
    if right.ndim == 0:
        return ""
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    count = int(wrong.sum())
    entries = "1 entry differs" if count == 1 else f"{count} of {wrong.size} entries differ"
    return f"{entries}, first at [{', '.join(map(str, first))}]: {number(right[first])} expected, {number(answer[first])} found."


def number(value: Any) -> str:
    """Return a number as short text, without numpy's type around it: 0.731059, 32, True."""
    if is_bool(value):
        return str(bool(value))
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, int):
        return str(value) if abs(value) < 10**18 else "an integer of more than 18 digits"
    return f"{value:.6g}"


def _first_text_difference(expected: Any, got: Any) -> str:
    same = next(
        (i for i, (a, b) in enumerate(zip(expected, got, strict=False)) if a != b),
        min(len(expected), len(got)),
    )
    return f"They differ first at position {same}." if len(expected) > 1 else ""


def _sequence_difference(expected: Any, got: Any, tolerance: float) -> str | None:
    wanted = f"a {type(expected).__name__} of length {len(expected)}"
    if not isinstance(got, list | tuple) or len(expected) != len(got):
        return f"Expected {wanted}, got {describe(got)}."
    for i, (right, answer) in enumerate(zip(expected, got, strict=True)):
        if right is not None and answer is None:
            return f"At [{i}]: expected {describe(right)}, got None."
        if (sentence := difference(right, answer, tolerance)) is not None:
            deeper = (
                "They differ first at ["  # in a list of lists: one place, [0][2], instead of two sentences
            )
            if sentence.startswith(deeper):
                return f"They differ first at [{i}][{sentence.removeprefix(deeper)}"
            return f"They differ first at [{i}]. {sentence}".strip()
    return None


def _set_difference(expected: Any, got: Any) -> str | None:
    if not isinstance(got, set | frozenset):
        return f"Expected a set, got {describe(got)}."
    if missing := sorted(expected - got, key=repr):
        return f"{len(missing)} missing, for example {missing[0]}."
    if extra := sorted(got - expected, key=repr):
        return f"{len(extra)} too many, for example {extra[0]}."
    return None


def _dict_difference(expected: Any, got: Any, tolerance: float) -> str | None:
    if not isinstance(got, dict):
        return f"Expected a dict, got {describe(got)}."
    for key, right in expected.items():
        if key not in got:
            return f"The key {key!r} is missing."
        if (sentence := difference(right, got[key], tolerance)) is not None:
            return f"They differ at the key {key!r}. {sentence}".strip()
    return None
