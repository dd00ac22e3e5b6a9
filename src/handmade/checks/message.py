"""What a learner reads: a verdict as text and as HTML, from the same parts."""

from __future__ import annotations

import html
import inspect
import re
import textwrap
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from handmade.checks.compare import describe, difference, is_array, number, to_numpy
from handmade.checks.run import Verdict

ENTRIES_SHOWN = 40  # an answer with more entries than this is described, not printed
LINES_SHOWN = 6  # of what the candidate printed
WIDTH = 84  # of a line of numbers


@dataclass(frozen=True)
class Message:
    """A message in parts: a mark and headline, then blocks that are either prose or code."""

    mark: str
    headline: str
    blocks: tuple[tuple[str, str], ...] = ()  # ("prose" | "code", text)

    def text(self) -> str:
        """Return the message as plain text."""
        parts = [f"{self.mark} {self.headline}"]
        parts += [textwrap.indent(block, "  " if kind == "prose" else "    ") for kind, block in self.blocks]
        return "\n\n".join(parts)

    def html(self) -> str:
        """Return the message as HTML that reads well on a light and on a dark page."""
        colour = {"✓": "#2e8b57", "✗": "#c2571a"}.get(self.mark, "#7a7a7a")
        blocks = [
            f'<pre style="margin:0.4em 0 0.4em 1em;padding:0;background:none;color:inherit;white-space:pre-wrap">{html.escape(b)}</pre>'
            if kind == "code"
            else f'<p style="margin:0.4em 0">{_inline(b)}</p>'
            for kind, b in self.blocks
        ]
        return (
            f'<div class="handmade-message" style="border-left:4px solid {colour};padding:0.3em 0.8em;margin:0.3em 0;max-width:52em">'
            f'<p style="margin:0 0 0.2em 0"><strong>{self.mark} {_inline(self.headline)}</strong></p>{"".join(blocks)}</div>'
        )

    def and_prose(self, sentence: str) -> Message:
        """Return the message with one more sentence at its end."""
        return replace(self, blocks=(*self.blocks, ("prose", sentence)))

    def bundle(self) -> dict[str, str]:
        """Return both forms, as Jupyter's display protocol wants them."""
        return {"text/html": self.html(), "text/plain": self.text()}


def _inline(prose: str) -> str:
    """Escape prose for HTML, with `code` between backticks and line breaks kept."""
    parts = html.escape(prose).split("`")
    marked = [part if i % 2 == 0 else f"<code>{part}</code>" for i, part in enumerate(parts)]
    return "".join(marked).replace("\n", "<br>")


def ordinal(n: int) -> str:
    """Return the n-th in words: first, second, … ninth, then 10th, 11th, 21st."""
    words = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"]
    if n <= len(words):
        return words[n - 1]
    ending = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"


def message(verdict: Verdict) -> Message:
    """Return the message for a verdict. Of a hidden case it shows what is special about it, and no numbers."""
    exercise, fault = verdict.exercise, verdict.fault
    name = exercise.name
    printed = _printed(verdict)
    if fault is None:
        points = "1 point" if exercise.points == 1 else f"{exercise.points} points"
        which = "hidden cases are right too" if verdict.hidden else "cases are right"
        return Message("✓", f"{name}: all {verdict.n_cases} {which} ({points})", printed)
    if fault.outcome.stopped == "not written":
        step = f"Write your code in the cell that defines `{name}`, run that cell, then run this one again."
        if inspect.isclass(exercise.reference):  # say which method: the others may be written
            right = "one case is" if verdict.n_right == 1 else f"the first {verdict.n_right} cases are"
            done = f"{right} right, " if verdict.n_right else ""
            name = f"{name}: {done}{_raised_in(fault.outcome.error)} is"
            return Message("○", f"{name} not written yet", (("prose", step),))
        return Message("○", f"{name}: not written yet", (("prose", step),))
    if fault.outcome.stopped == "interrupted":
        return Message(
            "○",
            f"{name}: interrupted",
            (("prose", "Nothing was judged. Run this cell again when you like."),),
        )

    blocks: list[tuple[str, str]] = []
    if verdict.hidden:
        headline = f"{name}: right on the cases that you see, wrong on a hidden one"
        if fault.case.note:
            blocks.append(("prose", f"The hidden case: {fault.case.note}."))
    elif fault.not_called:
        headline = f"{name}: there is nothing to check yet"
    else:
        headline = f"{name}: {_headline(verdict)}"
        special = f"This case: {fault.case.note}." if fault.case.note else ""
        if special:
            blocks.append(("prose", special))
        blocks.append(("code", _comparison(verdict)))
    if fault.sentence and not (verdict.hidden and fault.compares and fault.misconception):
        blocks.append(("prose", _without_numbers(verdict)))
    if fault.outcome.line and not verdict.hidden:
        blocks.append(("code", f"line {fault.outcome.line}"))
    if fault.misconception:
        blocks.append(("prose", f"{fault.misconception.says}\n{fault.misconception.asks}"))
    blocks += printed
    blocks.append(("prose", f'Stuck? `check.hint("{name}")` opens a hint.'))
    return Message("✗", headline, tuple(blocks))


def _raised_in(error: BaseException | None) -> str:
    """Return the name of the function that raised the error, in backticks."""
    trace = error.__traceback__ if error else None
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"`{trace.tb_frame.f_code.co_name}`" if trace else "a part of it"


def _headline(verdict: Verdict) -> str:
    right, n = verdict.n_right, verdict.n_cases
    if right == 0:
        return f"the first of {n} cases is not right yet"
    if right == 1:
        return f"the first of {n} cases is right, the second is not"
    return f"the first {right} of {n} cases are right, the {ordinal(right + 1)} is not"


def _without_numbers(verdict: Verdict) -> str:
    """Return the fault's sentence; of a hidden comparison only that the values differ."""
    fault = verdict.fault
    assert fault is not None
    return "The values differ from the right ones." if verdict.hidden and fault.compares else fault.sentence


def _comparison(verdict: Verdict) -> str:
    """Return the call, and the expected and actual values under it where both can be shown."""
    fault = verdict.fault
    assert fault is not None
    call = _wrapped(fault.case.call_text(verdict.exercise.name))
    if not fault.compares:
        return call
    expected, got = map(show, _narrowed(fault.expected, fault.got, fault.case.tolerance))
    if expected == got and not is_array(fault.expected):
        expected, got = repr(fault.expected), repr(fault.got)
    lines = [call, *_labelled("expected", expected), *_labelled("got", got)]
    return "\n".join(lines)


def _narrowed(expected: Any, got: Any, tolerance: float) -> tuple[Any, Any]:
    """Return, of two dicts of arrays, or of two lists of lists of them, the first entry that differs; else both as they are."""
    if isinstance(expected, dict) and isinstance(got, dict) and any(map(is_array, expected.values())):
        for key, right in expected.items():
            if key not in got:
                return list(expected), list(got)
            if difference(right, got[key], tolerance) is not None:
                return {key: right}, {key: got[key]}
    if isinstance(expected, list) and any(isinstance(part, list | tuple) for part in expected):
        path, right, answer = "", expected, got
        while isinstance(right, list | tuple) and isinstance(answer, list | tuple):
            if len(right) != len(answer):
                return expected, got
            pairs = enumerate(zip(right, answer, strict=True))
            i = next((i for i, (r, a) in pairs if difference(r, a, tolerance) is not None), 0)
            path, right, answer = f"{path}[{i}]", right[i], answer[i]
        if is_array(right):
            return {_Place(path): right}, {_Place(path): answer}
    return expected, got


class _Place(str):
    """Where in an answer something stands, shown without quotes: [0][3]."""

    __repr__ = str.__str__


def _labelled(label: str, value: str) -> list[str]:
    first, *rest = value.splitlines() or [""]
    return [f"  {label:<10}{first}", *(" " * 12 + line for line in rest)]


def _wrapped(call: str, width: int = 96) -> str:
    """Return the call with lines that are too long cut at spaces; lines that it has already stay apart."""
    return "\n".join(
        line
        if len(line) <= width
        else "\n".join(
            textwrap.wrap(
                line, width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
            )
        )
        for line in call.splitlines()
    )


def show(value: Any) -> str:
    """Return a value as a person reads it: rounded to a few digits, a large one by its shape and first entries."""
    if is_array(value):
        array = to_numpy(value)
        if array.dtype.kind not in "fiub":
            return describe(value)
        if array.ndim == 0:
            return number(array[()])
        rounded = array if array.dtype.kind in "iub" else np.where(np.abs(array) < 5e-7, 0.0, array)
        if array.size <= ENTRIES_SHOWN:
            small = bool(np.abs(rounded).max(initial=0) < 1e4)
            return _compact(np.array2string(rounded, precision=4, suppress_small=small, max_line_width=WIDTH))
        first = np.array2string(rounded.ravel()[:6], precision=4, max_line_width=WIDTH)
        return f"shape {array.shape}, first entries {first}"
    if isinstance(value, bool):
        return repr(value)
    if isinstance(value, str | bytes):
        return repr(value) if len(value) < 250 else f"{value[:120]!r} … ({len(value)} in all)"
    if isinstance(value, int | float | np.generic):
        return number(value)
    if isinstance(value, tuple) and value and all(is_array(v) for v in value):
        return "\n".join(f"{show(v)}{',' if i < len(value) - 1 else ''}" for i, v in enumerate(value))
    if isinstance(value, dict) and len(value) == 1 and is_array(next(iter(value.values()))):
        key, entry = next(iter(value.items()))
        return f"{key!r}: " + show(entry).replace("\n", "\n" + " " * len(f"{key!r}: "))
    try:
        if isinstance(value, set | frozenset):
            value = dict.fromkeys(sorted(value, key=repr))  # in an order of its own, whoever made it
            shown = "{" + ", ".join(map(repr, value)) + "}" if value else "set()"
        else:
            shown = _in_one_line(value) if isinstance(value, list) else repr(value)
    except Exception:  # a candidate's own class may do anything
        return describe(value)
    if len(shown) < 300:
        return shown
    entries = f" ({len(value)} in all)" if isinstance(value, list | tuple | set | frozenset | dict) else ""
    return f"{shown[:200]} …{entries}"


def _in_one_line(value: Any) -> str:
    """Return lists and tuples with the arrays in them as plain numbers, without line breaks."""
    if isinstance(value, list | tuple) and value:
        inside = ", ".join(map(_in_one_line, value))
        return f"[{inside}]" if isinstance(value, list) else f"({inside})"
    return re.sub(r"\s*\n\s*", " ", show(value)) if is_array(value) else repr(value)


def _compact(text: str) -> str:
    """Return the text of an array of three axes or more with each matrix in one line, where all of them fit."""
    if not text.startswith("[[["):
        return text
    text = re.sub(r"\n\n+", "\n", text)
    short = re.sub(r"(?<!\])\]\n +\[(?!\[)", "] [", text)
    return short if max(map(len, short.splitlines())) <= WIDTH else text


def _printed(verdict: Verdict) -> tuple[tuple[str, str], ...]:
    lines = verdict.printed.strip().splitlines()
    if not lines or verdict.hidden:
        return ()
    cut = [line[:100] for line in lines[:LINES_SHOWN]]
    if len(lines) > LINES_SHOWN:
        cut.append(f"… and more ({len(lines)} lines kept)")
    return (("prose", "Your function printed:"), ("code", "\n".join(cut)))
