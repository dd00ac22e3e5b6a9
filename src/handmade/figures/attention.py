"""Pictures of lesson 08, drawn by the learner's own functions: patterns to point at, an update as arrows, scale, look-up, cost."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from handmade.figures.pattern import PatternPage, pattern_page
from handmade.figures.picture import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    Picture,
    choice,
    explore,
    new_figure,
    short,
    show,
    slider,
)

# The lesson's hand-made vectors. Features: describes, is a thing, about animals, about letters.
WORDS = {
    "the": (0.0, 0.0, 0.0, 0.0),
    "and": (0.0, 0.0, 0.0, 0.0),
    "old": (1.0, 0.0, 0.0, 0.0),
    "wax": (2.0, 0.0, 0.0, 3.0),
    "grey": (2.0, 0.0, 3.0, 0.0),
    "seal": (0.0, 1.0, 1.0, 1.0),
}
W_Q = torch.tensor(
    [[0.0, 1.0], [2.0, 0.0], [0.0, 0.0], [0.0, 0.0]]
)  # a describing word looks for a thing, and a thing for one that describes
W_K = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [0.0, 0.0]])
SHORT = ["old wax seal", "old grey seal", "grey wax seal", "old old seal"]
SENTENCES = ["old wax seal", "old grey seal", "the old grey seal and the wax seal"]


def vectors(sentence: str) -> Tensor:
    """Return X for a sentence of the words above: one hand-made vector a token, no positions."""
    return torch.tensor([WORDS[word] for word in sentence.split()])


def patterns(
    attention_scores: Callable[..., Any],
    causal_mask: Callable[..., Any],
    attention_pattern: Callable[..., Any],
) -> None:
    """Show the pattern of the head set by hand, with and without a mask, as tables to point at."""

    def draw(sentence: str, strength: float) -> PatternPage:
        X = vectors(sentence)
        scores = attention_scores(strength * X @ W_Q, X @ W_K)
        mask = torch.as_tensor(causal_mask(len(X)))
        weights = {
            "causal mask": attention_pattern(scores, mask),
            "no mask": attention_pattern(scores),
        }
        caption = (
            f"The same scores with and without a mask, all queries multiplied by {short(strength)}. Point at a cell, or press Tab and then "
            "the arrow keys: you see its query, its key and its weight. Each row adds up to 1. A hatched 0 is exactly 0."
        )
        return pattern_page(sentence.split(), weights, caption)

    explore(
        draw,
        sentence=choice("sentence", SENTENCES),
        strength=slider("queries times", 1.0, 0.0, 4.0, 0.5),
    )


def update(
    attention_scores: Callable[..., Any],
    causal_mask: Callable[..., Any],
    attention_pattern: Callable[..., Any],
) -> None:
    """Show the last token's update as a weighted sum of value vectors, as arrows in the plane of the two meanings."""

    def draw(sentence: str, strength: float) -> Picture:
        tokens = sentence.split()
        X = vectors(sentence)
        scores = attention_scores(strength * X @ W_Q, X @ W_K)
        weights = np.asarray(attention_pattern(scores, torch.as_tensor(causal_mask(len(X)))))[-1]
        values, start = X[:, 2:].numpy(), X[-1, 2:].numpy()
        colours, hatches = (BLUE, GREEN, PURPLE), ("", "//", "..")
        figure = new_figure(9.6, 4.4)
        left, right = figure.subplots(1, 2, width_ratios=[1, 1.5])
        names = [f"{token}, {i + 1}" for i, token in enumerate(tokens)]
        bars = left.barh(names, weights, color=colours, edgecolor="white")
        for bar, hatch, weight in zip(bars, hatches, weights, strict=True):
            bar.set_hatch(hatch)
            left.text(weight + 0.02, bar.get_y() + bar.get_height() / 2, f"{weight:.2f}", va="center")
        left.invert_yaxis()
        left.set(title="weights: the row of 'seal'", xlabel="weight", ylabel="key, place", xlim=(0, 1.2))
        right.set(
            title="values: tip to tail", xlabel="about animals", ylabel="about letters",
            xlim=(-0.4, 5), ylim=(-0.4, 5), aspect="equal",
        )  # fmt: skip
        right.grid(color="0.9")
        _arrow(right, np.zeros(2), start, GREY, "seal before")
        at = start
        for token, weight, value, colour, style in zip(
            tokens, weights, values, colours, ("-", "--", "-."), strict=True
        ):
            _arrow(
                right, at, at + weight * value, colour, f"{weight:.2f} × value of {token} ({short(value[0])}, {short(value[1])})", style
            )  # fmt: skip
            at = at + weight * value
        right.plot(*at, "X", color=RED, ms=11, label=f"seal after ({short(at[0])}, {short(at[1])})")
        right.legend(loc="upper right", fontsize=8.5)
        moved = at - start
        told = ", ".join(f"{weight:.2f} of {token}" for token, weight in zip(tokens, weights, strict=True))
        alt = (
            f"'{sentence}', all queries multiplied by {short(strength)}. Left: the weights with which 'seal' looks at each token: {told}. Right: a plane, "
            f"animals across and letters upwards. The arrow of 'seal' ends at (1, 1); the weighted values lead from there to "
            f"({short(at[0])}, {short(at[1])})."
        )
        more = "letters" if moved[1] > moved[0] + 0.05 else "animals" if moved[0] > moved[1] + 0.05 else ""
        verdict = f"towards {more}" if more else "towards neither meaning more than the other"
        caption = (
            f"The update is ({short(moved[0])}, {short(moved[1])}): it moves 'seal' {verdict}. An arrow is as long as its value times its weight. "
            "What happens when the queries are multiplied by 0?"
        )
        return Picture(figure, alt, caption)

    explore(draw, sentence=choice("sentence", SHORT), strength=slider("queries times", 1.0, 0.0, 4.0, 0.5))


N_KEYS = 16


def saturation(attention_scores: Callable[..., Any], attention_pattern: Callable[..., Any]) -> None:
    """Show the weights of random queries over 16 random keys, with the scale and without, against d_head."""
    sizes = [2**i for i in range(11)]
    curves = np.array([_sharpness(d, attention_scores, attention_pattern) for d in sizes])

    def draw(power: int, seed: int) -> Picture:
        d_head = 2**power
        generator = torch.Generator().manual_seed(seed)
        q, K = (torch.randn(m, d_head, generator=generator) for m in (1, N_KEYS))
        scores = torch.as_tensor(attention_scores(q, K))
        scaled = np.asarray(attention_pattern(scores))[0]
        plain = np.asarray(attention_pattern(scores * math.sqrt(d_head)))[0]
        figure = new_figure(10.4, 3.9)
        bars, largest, slope = figure.subplots(1, 3, width_ratios=[1.5, 1, 1])
        places = np.arange(N_KEYS)
        bars.bar(places - 0.2, plain, 0.4, color=ORANGE, hatch="//", edgecolor="white", label="not scaled")
        bars.bar(places + 0.2, scaled, 0.4, color=BLUE, label="scaled by 1/√d_head")
        bars.set(title=f"one query, d_head = {d_head}", xlabel="key", ylabel="weight", ylim=(0, 1.02))
        bars.set_xticks(places[::3])
        bars.legend(fontsize=9)
        for axes, column, title in (
            (largest, 0, "largest weight, mean"),
            (slope, 2, "slope p(1 − p), mean"),
        ):
            axes.plot(sizes, curves[:, column], "o--", ms=4, color=ORANGE, label="not scaled")
            axes.plot(sizes, curves[:, column + 1], "s-", ms=4, color=BLUE, label="scaled")
            axes.axvline(d_head, color=GREY, ls=":", lw=1.5)
            axes.set_xscale("log", base=2)
            axes.set(title=title, xlabel="d_head")
            axes.set_xticks([1, 8, 64, 512], ["1", "8", "64", "512"])
        largest.set_ylim(0, 1.02)
        slope.set_ylim(0, 0.065)
        alt = (
            f"Three panels for d_head = {d_head}. Left: the weights of one random query, seed {seed}, over {N_KEYS} random keys: the largest is {plain.max():.2f} without "
            f"the scale and {scaled.max():.2f} with it. Middle and right, against d_head, the mean over many queries: without the scale the largest "
            f"weight is {curves[power, 0]:.2f} and the slope of the softmax {curves[power, 2]:.3f}; with it, {curves[power, 1]:.2f} and {curves[power, 3]:.3f}."
        )
        caption = (
            f"At d_head = {d_head}, without the scale one key takes {100 * curves[power, 0]:.0f} % of the attention on average, and the slope by which "
            f"the head could learn is {curves[power, 2]:.3f}. With the scale both stay where they were at d_head = 1."
        )
        return Picture(figure, alt, caption)

    explore(
        draw,
        power=slider("d_head is 2^", 6, 0, 10, 1),
        seed=slider("random seed", 1, 0, 20, 1),
    )


def _sharpness(
    d_head: int, attention_scores: Callable[..., Any], attention_pattern: Callable[..., Any]
) -> list[float]:
    """Return (largest weight not scaled, scaled, slope not scaled, scaled), means over 200 random queries."""
    generator = torch.Generator().manual_seed(0)
    Q = torch.randn(200, 1, d_head, generator=generator)
    K = torch.randn(200, N_KEYS, d_head, generator=generator)
    scores = torch.as_tensor(attention_scores(Q, K))
    both = [np.asarray(attention_pattern(scores * factor)) for factor in (math.sqrt(d_head), 1.0)]
    return [float(p.max(-1).mean()) for p in both] + [float((p * (1 - p)).mean()) for p in both]


def lookup(trained: Mapping[int, tuple[float, Tensor, Tensor]], qk_form: Callable[..., Any]) -> None:
    """Show how accuracy and parameters depend on d_head, and the singular values of a trained query–key form.

    `trained` gives (accuracy, W_Q, W_K) for each d_head.
    """
    sizes = list(trained)

    def draw(d_head: str) -> Picture:
        accuracy, W_Q, W_K = trained[int(d_head)]
        B = torch.as_tensor(qk_form(W_Q.detach(), W_K.detach()))
        strengths = np.asarray(torch.linalg.svdvals(B))
        rank = int((strengths > 1e-4 * strengths.max()).sum())
        figure = new_figure(9.6, 3.9)
        left, right = figure.subplots(1, 2)
        left.plot(sizes, [trained[d][0] for d in sizes], "o-", color=BLUE, label="share of right look-ups")
        left.axhline(1 / 8, color=GREY, ls="--", lw=1, label="guessing: 1 of 8")
        left.plot(int(d_head), accuracy, "o", ms=14, mfc="none", mew=2, color=ORANGE)
        left.set_xscale("log", base=2)
        left.set_xticks(sizes, [str(d) for d in sizes])
        left.set(xlabel="d_head", ylabel="accuracy", ylim=(0, 1.05), title="one head looks up one of 8 pairs")
        left.legend(loc="lower right")
        places = np.arange(1, len(strengths) + 1)
        right.plot(places, strengths, "o", ms=4, color=GREEN)
        right.set(
            xlabel="which singular value",
            ylabel="its size",
            title=f"the form of the head with d_head {d_head}",
        )
        n_numbers = W_Q.numel() + W_K.numel()
        alt = (
            f"Left: accuracy against d_head; at {d_head} it is {accuracy:.2f}. Right: the {len(strengths)} singular values of that head's query–key form, "
            f"of which {rank} are not 0."
        )
        caption = (
            f"d_head {d_head}: {100 * accuracy:.0f} % right with {n_numbers:,} numbers in W_Q and W_K. Its form is a matrix of {B.shape[0]} × {B.shape[1]} of rank {rank}. "
            "Where does more room stop to help?"
        )
        return Picture(figure, alt, caption)

    explore(draw, d_head=choice("d_head", [str(d) for d in sizes]))


def context_cost(measured: Mapping[int, tuple[float, int]]) -> None:
    """Show time and pattern size against the number of tokens. `measured` gives (seconds, bytes) for each n."""
    n = list(measured)
    seconds = [measured[m][0] for m in n]
    megabytes = [measured[m][1] / 2**20 for m in n]
    figure = new_figure(9.6, 3.9)
    left, right = figure.subplots(1, 2)
    for axes, values, colour, label in (
        (left, [1000 * s for s in seconds], BLUE, "milliseconds for one head"),
        (right, megabytes, GREEN, "megabytes of one pattern"),
    ):
        axes.loglog(n, values, "o-", color=colour, base=2)
        for m, value in zip(n, values, strict=True):
            axes.annotate(
                f"{value:,.0f}" if value >= 100 else f"{value:.3g}",
                (m, value),
                xytext=(-4, 7),
                textcoords="offset points",
                ha="right",
            )
        axes.loglog(
            n, [values[0] * (m / n[0]) ** 2 for m in n], ":", color=GREY, base=2, label="4 times as much for each doubling",
        )  # fmt: skip
        axes.set_xticks(n, [str(m) for m in n])
        axes.set(xlabel="tokens", ylabel=label, xlim=(n[0] / 1.6, n[-1] * 1.2), ylim=(None, 3 * max(values)))
        axes.legend(loc="lower right", fontsize=9)
    alt = (
        f"Two curves against the number of tokens, from {n[0]} to {n[-1]}. Time grows from {1000 * seconds[0]:.1f} to {1000 * seconds[-1]:.0f} milliseconds, the "
        f"pattern from {megabytes[0]:.2f} to {megabytes[-1]:.0f} megabytes."
    )
    caption = (
        "Both axes double at each step. The dotted line grows fourfold for each doubling of the tokens. The memory of the pattern lies on it exactly; time "
        "follows it roughly, once the pattern no longer fits into the fast memory near the processor."
    )
    show(Picture(figure, alt, caption))


def _arrow(axes: Any, start: np.ndarray, end: np.ndarray, colour: str, label: str, style: str = "-") -> None:
    """Draw an arrow, and its label in the legend; of an arrow without length only the label."""
    axes.plot([], [], color=colour, lw=2.2, ls=style, label=label)
    if np.abs(end - start).max() > 0.02:
        how = {"arrowstyle": "->", "color": colour, "lw": 2.2, "ls": style, "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", xy=end, xytext=start, arrowprops=how)
