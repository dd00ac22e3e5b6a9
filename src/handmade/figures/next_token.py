"""Pictures of lesson 07. The probabilities in them come from the learner's own functions."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from handmade.figures.picture import (
    BLUE,
    ORANGE,
    RED,
    Picture,
    choice,
    darkened,
    explore,
    new_figure,
    short,
    slider,
)

LETTERS = " abcdefghijklmnopqrstuvwxyz"
SHOWN = LETTERS.replace(" ", "·")  # a space as a reader can see it
BABBLE = 70  # letters of text that are drawn


def by_sum(z: torch.Tensor) -> torch.Tensor:
    """Return the numbers divided by their sum, along the last axis."""
    return z / z.sum(-1, keepdim=True)


def by_squares(z: torch.Tensor) -> torch.Tensor:
    """Return the squares divided by their sum, along the last axis."""
    return z**2 / (z**2).sum(-1, keepdim=True)


def sparsemax(z: torch.Tensor) -> torch.Tensor:
    """Return the nearest row of numbers that are not negative and add to 1 (Martins and Astudillo, 2016).

    It subtracts the same number from all entries, and cuts off at 0: the number with which what is left adds to 1.
    """
    largest_first = z.sort(-1, descending=True).values
    how_many = torch.arange(1, z.shape[-1] + 1)
    taken_off = (largest_first.cumsum(-1) - 1) / how_many  # if that many entries are kept
    kept = (largest_first > taken_off).sum(-1, keepdim=True)
    return (z - taken_off.gather(-1, kept - 1)).clamp(min=0)


def normalisations(softmax: Callable[..., Any]) -> None:
    """Show what four normalisations make of the same four logits, and what they charge when token d comes."""
    ways = {
        "softmax (yours)": softmax,
        "divide by the sum": by_sum,
        "squares by their sum": by_squares,
        "sparsemax": sparsemax,
    }
    names = ["a", "b", "c", "d"]

    def draw(d: float, shift: float) -> Picture:
        logits = torch.tensor([2.0, 1.0, 0.5, d]) + shift
        figure = new_figure(10.4, 3.6)
        panels = figure.subplots(1, len(ways), sharey=True)
        told = []
        for axes, (way, function) in zip(panels, ways.items(), strict=True):
            values = [float(v) for v in function(logits)]
            broken = not all(math.isfinite(v) for v in values)
            heights = [0.0 if broken else min(max(v, -1.0), 1.6) for v in values]
            for place, (height, value) in enumerate(zip(heights, values, strict=True)):
                wrong = height < 0 or value > 1
                axes.bar(
                    place,
                    height,
                    color=RED if wrong else BLUE,
                    hatch="//" if wrong else "",
                    edgecolor="white",
                )
                if not broken:
                    edge = height + 0.04 if height >= 0 else height - 0.04
                    axes.text(
                        place,
                        edge,
                        _brief(value),
                        ha="center",
                        va="bottom" if height >= 0 else "top",
                        fontsize=9,
                    )
            if broken:
                axes.text(1.5, 0.5, "0 / 0", ha="center", fontsize=16, color=darkened(RED))
            axes.axhline(0, color="black", lw=0.8)
            logit_names = [f"{name}\n{short(float(z))}" for name, z in zip(names, logits, strict=True)]
            axes.set(xticks=range(4), xticklabels=logit_names, title=way, ylim=(-1.25, 1.85))
            axes.set_xlabel(f"token, and its logit\nif d comes: {_cost(values[3])}")
            listed = "0 divided by 0" if broken else ", ".join(map(_brief, values))
            told.append(f"{way}: {listed}; if d comes, {_cost(values[3])}")
        panels[0].set_ylabel("probability")
        asked = f"logits {', '.join(short(float(z)) for z in logits)}"
        alt = f"Four panels of bars for the tokens a, b, c, d with {asked}. {'. '.join(told)}."
        caption = (
            "The same four logits, four ways to make probabilities of them. Hatched bars are no probabilities: below 0, or above 1 "
            "(bars are cut at −1 and 1.6). Under each panel: the loss −log p, if token d is the one that comes."
        )
        return Picture(figure, alt, caption)

    explore(
        draw,
        d=slider("logit of d", -1.0, -4.0, 4.0, 0.5),
        shift=slider("added to all four", 0.0, -4.0, 4.0, 0.25),
    )


def _brief(value: float) -> str:
    """Return a number in two decimals, or one digit where it is too small for that: no 0 that is none."""
    return (
        short(value)
        if abs(value) >= 0.005 or value == 0
        else f"{value:.0e}"
        if abs(value) < 1e-4
        else f"{value:.1g}"
    )


def _cost(probability: float) -> str:
    if probability > 0:
        return f"loss {abs(-math.log(probability)):.2f}" if probability <= 1 else "loss below 0"
    return "loss infinite" if probability == 0 else "no loss"


def temperature(softmax_with_temperature: Callable[..., Any], table: Any) -> None:
    """Show the probabilities after one letter at a temperature, and a text that is drawn letter by letter with them."""
    logits = torch.as_tensor(table, dtype=torch.float32)

    def draw(after: str, temperature: float) -> Picture:
        row = _row(after)
        usual, heated = (_list(softmax_with_temperature(logits[row], t)) for t in (1.0, temperature))
        rows = np.array(_list(softmax_with_temperature(logits, temperature)))
        text = _babble(rows, row)
        best = int(np.argmax(heated))
        figure = new_figure(9.6, 4.4)
        axes = figure.subplots()
        places = range(len(LETTERS))
        axes.bar(places, heated, color=BLUE, label=f"at your temperature, {temperature:g}")
        axes.step(
            [p - 0.5 for p in places] + [len(LETTERS) - 0.5], [*usual, usual[-1]],
            where="post", color=ORANGE, lw=1.6, label="at temperature 1",
        )  # fmt: skip
        axes.set(
            xticks=places, xticklabels=list(SHOWN), xlim=(-0.7, len(LETTERS) - 0.3), ylim=(0, 1.05),
            xlabel=f"next letter (· is the space)\n\nwritten at this temperature:  {text}", ylabel="probability",
        )  # fmt: skip
        axes.set_title(
            f"after {SHOWN[row]}: the likeliest is {_named(best)}, with probability {heated[best]:.2f}"
        )
        axes.legend(loc="upper center")
        alt = (
            f"Bars: the probability of each of 27 signs after {after}, at temperature {temperature:g}. The largest is {_named(best)} with "
            f"{heated[best]:.2f} (at temperature 1 it has {usual[best]:.2f}). A text drawn at this temperature: {text}"
        )
        caption = (
            "Bars: your probabilities at this temperature; the line: at temperature 1. The text below is drawn letter by letter, each from the "
            "row of the letter before it, always with the same dice. Cold text repeats the likeliest pairs, hot text is noise."
        )
        return Picture(figure, alt, caption)

    explore(
        draw,
        after=choice("after the letter", ["t", "q", "e", "space"]),
        temperature=slider("temperature", 1.0, 0.1, 5.0, 0.1),
    )


def _named(row: int) -> str:
    return LETTERS[row] if row else "the space"


def _row(letter: str) -> int:
    return 0 if letter == "space" else LETTERS.index(letter)


def _list(values: Any) -> Any:
    return values.detach().tolist() if hasattr(values, "detach") else np.asarray(values).tolist()


def _babble(rows: np.ndarray, start: int) -> str:
    dice = random.Random(7)
    text, current = SHOWN[start], start
    for _ in range(BABBLE):
        reached = np.cumsum(rows[current])
        current = min(
            int(np.searchsorted(reached, dice.random() * reached[-1], side="right")), len(LETTERS) - 1
        )
        text += SHOWN[current]
    return text


def meeting(
    softmax: Callable[..., Any], ids: Any, tables: Mapping[int, Any], losses: Sequence[float]
) -> None:
    """Show a bigram table learned by gradient descent on its way to the one that was counted.

    `tables` holds the learned logits after some numbers of steps, `losses` the loss before each step.
    """
    pairs = np.zeros((len(LETTERS), len(LETTERS)))
    np.add.at(pairs, (np.asarray(ids[:-1]), np.asarray(ids[1:])), 1)
    total = pairs.sum(axis=1, keepdims=True)
    shares = pairs / np.maximum(total, 1)
    seen = pairs > 0
    counted = float(-(pairs[seen] * np.log(shares[seen])).sum() / pairs.sum())
    kept = sorted(tables)

    def draw(steps: int, after: str) -> Picture:
        at = max(k for k in kept if k <= steps)
        row = _row(after)
        learned = np.array(_list(softmax(torch.as_tensor(tables[at])[row])))
        gap = float(np.abs(learned - shares[row]).max())
        loss = losses[min(at, len(losses) - 1)]
        figure = new_figure(10.4, 4.2)
        left, right = figure.subplots(1, 2, width_ratios=[1, 1.5])
        left.plot(losses, color=BLUE, lw=2, label="gradient descent")
        left.axhline(counted, color=ORANGE, ls="--", lw=1.6, label=f"counting: {counted:.3f}")
        left.plot(at, loss, "o", color=BLUE, ms=9, mec="black")
        left.set(xlabel="step", ylabel="cross-entropy", title=f"after {at} steps: {loss:.3f}")
        left.legend(loc="upper right")
        places = np.arange(len(LETTERS))
        right.bar(
            places, shares[row], color=ORANGE, label=f"share in the text ({int(total[row, 0]):,} places)"
        )
        right.plot(places, learned, "o", color=BLUE, ms=6, mec="black", label="softmax of the learned logits")
        right.set(
            xticks=places, xticklabels=list(SHOWN), xlabel="next letter (· is the space)", ylabel="probability",
            ylim=(0, max(1.3 * float(max(shares[row].max(), learned.max())), 0.1)),
            title=f"after {_named(row)}: at most {gap:.3f} apart",
        )  # fmt: skip
        right.legend(loc="upper right")
        alt = (
            f"Left: the cross-entropy falls from {losses[0]:.2f} towards the dashed line of counting at {counted:.3f}; after {at} steps it is {loss:.3f}. "
            f"Right: bars of the shares of the 27 signs after {after} in the text, and a dot for each learned probability; the largest distance is {gap:.3f}."
        )
        caption = (
            "Nobody tells the table on the left what a frequency is; it only goes downhill. Where do the dots end? Compare a letter that is "
            "frequent (t, e, space) with a rare one (q): each row learns at the speed at which its letter occurs."
        )
        return Picture(figure, alt, caption)

    explore(
        draw,
        steps=slider("steps", kept[-1] // 10, 0, kept[-1], kept[1] - kept[0]),
        after=choice("after the letter", ["t", "q", "e", "space"]),
    )


def tied_tables(softmax: Callable[..., Any], tables: Mapping[str, Any]) -> None:
    """Show several bigram tables as maps, of probabilities or of logits, and both directions of one pair of letters.

    The first table is the one that the others are compared with.
    """
    reference, *_ = tables
    logits = {name: torch.as_tensor(table).numpy() for name, table in tables.items()}
    maps = {name: np.array(_list(softmax(torch.as_tensor(table)))) for name, table in tables.items()}

    def draw(model: str, shown: str, pair: str) -> Picture:
        first, second = (_row(letter) for letter in pair.split(" "))
        wanted, found = ([m[first, second], m[second, first]] for m in (maps[reference], maps[model]))
        both = [short(z) for z in (logits[model][first, second], logits[model][second, first])]
        figure = new_figure(10.4, 5.2)
        left, right = figure.subplots(1, 2, width_ratios=[1.6, 1])
        if shown == "probabilities":
            image = left.imshow(np.sqrt(maps[model]), cmap="Blues", vmin=0, vmax=1)
            bar = figure.colorbar(image, ax=left, ticks=[0, 0.1**0.5, 0.3**0.5, 0.6**0.5, 1], shrink=0.8)
            bar.ax.set_yticklabels(["0", "0.1", "0.3", "0.6", "1"])
        else:
            low, high = np.percentile(logits[model], [3, 99])
            image = left.imshow(logits[model], cmap="Blues", vmin=low, vmax=high)
            bar = figure.colorbar(image, ax=left, shrink=0.8)
        bar.set_label(shown)
        for row, column, mark in ((first, second, "s"), (second, first, "o")):
            left.plot(column, row, mark, ms=13, mfc="none", mec=RED, mew=2)
        places = range(len(LETTERS))
        left.set_xticks(places, list(SHOWN), fontsize=8)
        left.set_yticks(places, list(SHOWN), fontsize=8)
        left.set(xlabel="next letter (column)", ylabel="this letter (row)", title=f"{model}: {shown}")
        a, b = SHOWN[first], SHOWN[second]
        groups = [f"{b} after {a} (square)\nlogit {both[0]}", f"{a} after {b} (circle)\nlogit {both[1]}"]
        for offset, values, colour, hatch, label in (
            (-0.2, wanted, ORANGE, "//", f"{reference} in the text"),
            (0.2, found, BLUE, "", f"model: {model}"),
        ):
            ends = [i + offset for i in range(2)]
            right.bar(ends, values, width=0.38, color=colour, hatch=hatch, edgecolor="white", label=label)
            for end, value in zip(ends, values, strict=True):
                right.text(end, value + 0.015, f"{value:.2f}", ha="center")
        right.set(xticks=range(2), xticklabels=groups, ylim=(0, 1.3), ylabel="probability")
        right.set_title("both directions of one pair")
        right.legend(loc="upper right")
        doubles, usual = (float(np.mean(np.diag(maps[name]))) for name in (model, reference))
        mirrored = bool(np.allclose(logits[model], logits[model].T, atol=1e-3))
        alt = (
            f"Left: a map of the {shown} of the model '{model}', 27 by 27, a row for each letter, a column for the next one; its logits are "
            f"{'the same' if mirrored else 'not the same'} when the map is mirrored at its diagonal. Right: {b} after {a} has probability {wanted[0]:.2f} "
            f"in the text, {found[0]:.2f} in the model; {a} after {b} has {wanted[1]:.2f} and {found[1]:.2f}. The two logits: {both[0]} and {both[1]}."
        )
        caption = (
            f"Dark means large. The square and the circle are the two directions of one pair. Mirrored at the diagonal, these logits are "
            f"{'the same map again' if mirrored else 'another map'}. On the diagonal stand doubled letters: their probability is {doubles:.2f} on "
            f"average here, {usual:.2f} in the text."
        )
        return Picture(figure, alt, caption)

    explore(
        draw,
        model=choice("model", [*list(tables)[1:], reference]),
        shown=choice("map of", ["logits", "probabilities"]),
        pair=choice("pair", ["t h", "q u", "h e", "n d"]),
    )
