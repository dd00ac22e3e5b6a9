"""Pictures of lesson 09: what each head looks at, a head taken away, matrices cut by head, slow against fused; and the talks they need."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from matplotlib.patches import Rectangle
from torch import Tensor

from handmade.figures.pattern import PatternPage, pattern_page
from handmade.figures.picture import BLUE, GREY, ORANGE, Picture, choice, explore, new_figure, show, slider

SPEAKERS = ["Ann", "Bob", "Cem"]
WORDS = ["tea", "milk", "rice", "soup", "cake", "beans", "plums", "bread"]
N_LINES = 8


@dataclass(frozen=True)
class Talk:
    """Conversations of 8 lines each, as tensors of shape (n_talks, 8), and the two right answers for every line.

    `speaker` and `word` say who speaks in a line and what. `own` is the number of the line in which the same speaker spoke
    last, or -1. Both questions have an answer in the lines that are `asked`; in those that are `apart`, the two answers
    stand in two different lines.
    """

    speaker: Tensor
    word: Tensor
    own: Tensor

    @property
    def asked(self) -> Tensor:
        """Where the speaker has spoken before: then there is a line before, too."""
        return self.own >= 0

    @property
    def apart(self) -> Tensor:
        """Where the speaker has spoken before, but not in the line before."""
        return self.asked & (self.own != torch.arange(N_LINES) - 1)

    @property
    def word_before(self) -> Tensor:
        """The word of the line before."""
        return self.word.roll(1, dims=-1)

    @property
    def word_own(self) -> Tensor:
        """The word that the same speaker said last."""
        return self.word.gather(-1, self.own.clamp(min=0))

    def lines(self, i: int) -> list[str]:
        """Return conversation i in words: "1 Ann tea" and so on."""
        pairs = zip(self.speaker[i].tolist(), self.word[i].tolist(), strict=True)
        return [f"{j + 1} {SPEAKERS[s]} {WORDS[w]}" for j, (s, w) in enumerate(pairs)]


def conversations(n: int, generator: torch.Generator) -> Talk:
    """Return n random conversations: in every line any of 3 speakers says any of 8 words."""
    speaker = torch.randint(len(SPEAKERS), (n, N_LINES), generator=generator)
    word = torch.randint(len(WORDS), (n, N_LINES), generator=generator)
    line = torch.arange(N_LINES)
    earlier = (speaker[:, :, None] == speaker[:, None, :]) & (line < line[:, None])
    return Talk(speaker, word, torch.where(earlier, line, -1).amax(dim=-1))


def heads_at_work(talk: Talk, patterns: Mapping[str, Any]) -> None:
    """Show what each head looks at. `patterns` gives, for each layer by name, a tensor of shape (n_talks, n_heads, 8, 8)."""
    heads = {
        f"{name}: head {h}": torch.as_tensor(pattern)[:, h].detach()
        for name, pattern in patterns.items()
        for h in range(pattern.shape[1])
    }

    def draw(head: str, conversation: int) -> PatternPage:
        weights = heads[head]
        before, own = _weight_on_answers(talk, weights)
        caption = (
            f"Conversation {conversation}. Point at a cell, or press Tab and then the arrow keys. On average over {len(weights)} conversations, in lines where the two "
            f"answers stand apart, this head puts {before:.2f} of its weight on the line before and {own:.2f} on the speaker's own last line."
        )
        return pattern_page(talk.lines(conversation - 1), {head: weights[conversation - 1]}, caption)

    explore(
        draw, head=choice("head", list(heads)), conversation=slider("conversation", 1, 1, min(8, len(talk.word)), 1)
    )  # fmt: skip


def _weight_on_answers(talk: Talk, weights: Tensor) -> tuple[float, float]:
    """Return the mean weight on the line before and on the speaker's own last line, where the two are apart."""
    places = (torch.arange(N_LINES) - 1).clamp(min=0).expand_as(talk.own), talk.own.clamp(min=0)
    before, own = (weights.gather(-1, place[..., None])[..., 0][talk.apart].mean() for place in places)
    return before.item(), own.item()


def without_one(measured: Mapping[str, Mapping[str, Sequence[float]]]) -> None:
    """Show how many answers stay right when one head of a layer is taken away.

    `measured` gives for each layer, by what was taken away, the share of right answers to the first question and to the second.
    """

    def draw(layer: str) -> Picture:
        rows = measured[layer]
        figure = new_figure(8.6, 3.6)
        axes = figure.subplots()
        places = np.arange(len(rows))
        for i, (colour, hatch, label) in enumerate(
            ((BLUE, "", "the word in the line before"), (ORANGE, "//", "the speaker's own last word"))
        ):
            values = [row[i] for row in rows.values()]
            bars = axes.bar(
                places + 0.4 * i - 0.2,
                values,
                0.38,
                color=colour,
                hatch=hatch,
                edgecolor="white",
                label=label,
            )
            for bar, value in zip(bars, values, strict=True):
                axes.text(
                    bar.get_x() + bar.get_width() / 2, value + 0.015, f"{value:.2f}", ha="center", fontsize=9
                )
        axes.axhline(1 / len(WORDS), color=GREY, ls="--", lw=1, label="guessing: 1 of 8")
        axes.set_xticks(places, list(rows))
        axes.set(title=f"layer of {layer}", ylabel="share of right answers", ylim=(0, 1.12))
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
        told = "; ".join(f"{name}: {row[0]:.2f} and {row[1]:.2f}" for name, row in rows.items())
        alt = f"Bars for a layer of {layer}: the share of right answers to the first and to the second question. {told}. Guessing gives 0.12."
        all_heads, *others = rows.values()
        lost = [any(a - b > 0.5 for a, b in zip(all_heads, row, strict=True)) for row in others]
        caption = (
            f"{sum(lost)} of {len(lost)} heads is needed here: without it more than half of the answers to one question are lost."
            if sum(lost) == 1
            else f"{sum(lost)} of {len(lost)} heads are needed here: without one of them more than half of the answers to one question are lost."
        )
        return Picture(figure, alt, caption)

    explore(draw, layer=choice("layer", list(measured)))


def cut(cut_by_head: Callable[..., Any], sum_of_heads: Callable[..., Any]) -> None:
    """Show which part of each matrix belongs to a head, and what that head writes."""
    generator = torch.Generator().manual_seed(3)
    d_model = 8
    X, *W = (
        torch.randn(n, d_model, generator=generator) / 2 for n in (4, d_model, d_model, d_model, d_model)
    )

    def draw(n_heads: str, head: int) -> Picture:
        n = int(n_heads)
        h, d_head = head % n, d_model // n
        heads = cut_by_head(*W, n)
        with torch.no_grad():
            mixed = [
                torch.as_tensor(sum_of_heads(X, [(*part[:3], torch.eye(d_head, d_model))]))[:, :d_head]
                for part in heads
            ]
            one, every = (torch.as_tensor(sum_of_heads(X, some)) for some in ([heads[h]], heads))
        own = slice(h * d_head, (h + 1) * d_head)
        place = f" {own.start}" if d_head == 1 else f"s {own.start}–{own.stop - 1}"
        figure = new_figure(11, 2.55)
        panels = figure.subplots(1, 6)
        everything = slice(0, d_model)
        for axes, matrix, rows, columns, title, below in (
            (panels[0], X, slice(0, 4), everything, "X", "read whole"),
            (panels[1], W[0], everything, own, "W_Q", f"column{place}"),
            (panels[2], torch.cat(mixed, -1), slice(0, 4), own, "mixed values", f"column{place}"),
            (panels[3], W[3], own, everything, "W_O", f"row{place}"),
            (panels[4], one, slice(0, 4), everything, f"head {h} writes", "to all columns"),
            (panels[5], every, slice(0, 4), slice(0, 0), "all heads write", "the sum"),
        ):
            _blocks(axes, np.asarray(matrix), rows, columns, title, below)
        alt = (
            f"Six matrices in a row, for head {h} of {n}; what belongs to the head is outlined. All of X, 4 × 8. Column{place} of W_Q, and so of W_K and W_V. "
            f"Column{place} of the mixed values that stand side by side. Row{place} of W_O. The update that this head writes, in all 8 columns; its first entry is {one[0, 0]:.2f}. "
            f"The sum of all heads; its first entry is {every[0, 0]:.2f}."
        )
        size = "1 number" if d_head == 1 else f"{d_head} numbers"
        caption = (
            f"Head {h} of {n} works with {size} a token. It reads all of X, through its own columns of W_Q (and of W_K and W_V, not drawn), and it writes to all 8 numbers of the update, "
            f"through its own rows of W_O. Dark is far from 0. Add up what all heads write, and the last matrix comes out."
        )
        return Picture(figure, alt, caption)

    explore(draw, n_heads=choice("n_heads", ["4", "2", "8", "1"]), head=slider("head", 1, 0, 7, 1))


def _blocks(axes: Any, matrix: np.ndarray, rows: slice, columns: slice, title: str, below: str) -> None:
    """Draw a matrix in shades of its size, with one part outlined and the rest faded."""
    part = np.zeros(matrix.shape, dtype=bool)
    part[rows, columns] = True
    shown = part if part.any() else ~part
    axes.imshow(
        np.abs(matrix),
        cmap="Blues",
        vmin=0,
        vmax=max(1.0, float(np.abs(matrix).max())),
        alpha=np.where(shown, 1.0, 0.18),
    )
    if part.any():
        corner = (columns.start - 0.5, rows.start - 0.5)
        size = columns.stop - columns.start, rows.stop - rows.start
        axes.add_patch(Rectangle(corner, *size, fill=False, ec=ORANGE, lw=3, clip_on=False))
    axes.set_xticks(range(matrix.shape[1]), [str(i) for i in range(matrix.shape[1])], fontsize=7)
    axes.set_yticks(range(matrix.shape[0]), [str(i) for i in range(matrix.shape[0])], fontsize=7)
    axes.set_title(f"{title}\n{matrix.shape[0]} × {matrix.shape[1]}", fontsize=10)
    axes.set_xlabel(below, fontsize=10)
    axes.set_anchor("N")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Send what C code writes to stderr nowhere: some of torch's profilers announce themselves there."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def most_bytes(function: Callable[..., Any], *args: Any) -> int:
    """Return the largest number of bytes that tensors made during `function(*args)` held at once, as torch's profiler counts them."""
    with _quiet(), torch.autograd.profiler.profile(profile_memory=True, use_kineto=False) as profile:
        function(*args)
    held = most = 0
    for event in sorted(profile.function_events, key=lambda event: event.time_range.end):
        held += event.self_cpu_memory_usage
        most = max(most, held)
    return most


def slow_and_fused(measured: Mapping[str, Mapping[int, tuple[float, int]]]) -> None:
    """Show time and memory against the number of tokens. `measured` gives, by name, (seconds, bytes) for each n."""
    figure = new_figure(9.6, 3.9)
    left, right = figure.subplots(1, 2)
    sizes = sorted({n for rows in measured.values() for n in rows})
    told = []
    for (name, rows), colour, marker, style in zip(
        measured.items(), (ORANGE, BLUE), "os", ("--", "-"), strict=True
    ):
        n = list(rows)
        for axes, values, unit in (
            (left, [1000 * rows[m][0] for m in n], "milliseconds"),
            (right, [rows[m][1] / 2**20 for m in n], "megabytes"),
        ):
            axes.loglog(n, values, marker + style, color=colour, base=2, label=name)
            above = 7 if style == "--" else -15
            for m, value in zip(n, values, strict=True):
                shown = f"{value:,.0f}" if value >= 100 else f"{value:.2g}"
                axes.annotate(
                    shown, (m, value), xytext=(0, above), textcoords="offset points", ha="center", fontsize=9
                )  # fmt: skip
            told.append(
                f"{name}: from {values[0]:.3g} to {float(f'{values[-1]:.3g}'):,g} {unit} at {n[-1]} tokens"
            )
    for axes, label in (
        (left, "milliseconds for 4 heads"),
        (right, "megabytes that were held at once"),
    ):
        axes.set_xticks(sizes, [str(n) for n in sizes])
        axes.set(xlabel="tokens", ylabel=label, xlim=(sizes[0] / 1.5, sizes[-1] * 1.5))
        axes.margins(y=0.15)
        axes.legend(loc="upper left")
        axes.grid(color="0.92")
    alt = f"Two panels against the number of tokens, all axes double at each step. {'; '.join(told)}."
    caption = (
        "Both axes double at each step. The memory of the slow form grows fourfold with each doubling of the tokens, that of the fused form about twofold. Its time still grows about "
        "fourfold for long texts: it meets every query with every key, too. It only keeps nothing of it."
    )
    show(Picture(figure, alt, caption))
