"""Pictures of lesson 10. Each is drawn from what the learner's own functions return."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from matplotlib.patches import Rectangle
from torch import Tensor
from torch.nn.functional import normalize

from handmade.figures.picture import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    Picture,
    choice,
    darkened,
    explore,
    new_figure,
    short,
    slider,
)


def activations(relu: Callable[..., Any], gelu: Callable[..., Any], gelu_tanh: Callable[..., Any]) -> None:
    """Show ReLU and the two forms of GELU, and how far the two forms are apart."""

    def draw(reach: float) -> Picture:
        x = torch.linspace(-reach, reach, 801, dtype=torch.float64)
        curves = [np.asarray(f(x), dtype=float) for f in (relu, gelu, gelu_tanh)]
        gap = 1e4 * (curves[2] - curves[1])
        figure = new_figure(9.6, 3.9)
        left, right = figure.subplots(1, 2)
        for y, colour, style, label in zip(
            curves, (GREY, BLUE, ORANGE), ("-", "-", "--"), ("relu", "gelu", "gelu_tanh"), strict=True
        ):
            left.plot(x, y, color=colour, ls=style, lw=3 if label == "gelu" else 1.8, label=f"your {label}")
        left.set(title="what gets through", xlabel="what the neuron sees, x", ylabel="what it shows")
        left.legend(loc="upper left")
        right.plot(x, gap, color=PURPLE, lw=2)
        right.axhline(0, color="0.8", lw=1, zorder=0)
        right.set(
            title="gelu_tanh minus gelu", xlabel="what the neuron sees, x", ylabel="difference, in 0.0001"
        )
        widest = float(np.abs(gap).max())
        dip = f"{short(curves[1].min())} at x = {short(float(x[curves[1].argmin()]))}"
        alt = (
            f"Two panels, x from {short(-reach)} to {short(reach)}. Left: ReLU is 0 up to 0 and then the diagonal; both GELUs bend smoothly "
            f"and dip to {dip}, one on top of the other. Right: their difference, a wave of at most {short(widest)} ten-thousandths."
        )
        caption = (
            f"Left, GELU is a rounded ReLU that dips below 0 (to {dip}). Right, the two forms of GELU differ by at most "
            f"{short(widest)} · 0.0001 here: too little to see on the left, enough for a check to tell them apart."
        )
        return Picture(figure, alt, caption)

    explore(draw, reach=slider("x reaches to", 4.0, 1.0, 8.0, 0.5))


def one_neuron(fact_neuron: Callable[..., Any]) -> None:
    """Show what a neuron that knows one fact does over the plane of its two names' strengths."""
    axes3 = torch.eye(3)
    w_up, b_up, w_down = (np.asarray(part, dtype=float) for part in fact_neuron(axes3[0], axes3[1], axes3[2]))

    def adds(first: Any, last: Any, shift: float) -> Any:
        """Return how much of the value is added."""
        return np.maximum(first * w_up[0] + last * w_up[1] + b_up + shift, 0) * w_down[2]

    def draw(first: float, last: float, shift: float) -> Picture:
        strengths = np.linspace(-0.5, 1.5, 161)
        a, b = np.meshgrid(strengths, strengths)
        amount = adds(a, b, shift)
        figure = new_figure(6.6, 5.2)
        axes = figure.subplots()
        top = max(2.0, float(amount.max()))
        shades = axes.contourf(a, b, amount, levels=np.linspace(0, top, 21), cmap="Blues")
        figure.colorbar(shades, label="how much of the value is added", ticks=np.arange(0, top + 0.01, 0.5))
        if amount.min() <= 0 < amount.max():
            axes.contour(a, b, amount, levels=[1e-9], colors=[RED], linestyles="--")
            axes.plot([], [], color=RED, ls="--", label="the threshold")
        corners = [(0, 0), (1, 0), (0, 1), (1, 1)]
        shown = [float(adds(p, q, shift)) for p, q in corners]
        for (p, q), value in zip(corners, shown, strict=True):
            axes.plot(p, q, "o", color="black", ms=6)
            axes.annotate(
                short(value),
                (p, q),
                xytext=(7, 6),
                textcoords="offset points",
                bbox={"fc": "white", "ec": "0.7", "pad": 1.5},
            )
        here = float(adds(first, last, shift))
        axes.plot(first, last, "X", color=ORANGE, ms=13, mec="black", label=f"your x: adds {short(here)}")
        axes.set(xlabel="strength of the first name", ylabel="strength of the last name", aspect="equal")
        axes.set_title(f"bias {short(float(b_up) + shift)}")
        axes.legend(loc="lower left")
        alt = (
            f"A square map over the strengths of two names, bias {short(float(b_up) + shift)}. With neither name the neuron adds {short(shown[0])} "
            f"times the value, with the first alone {short(shown[1])}, with the last alone {short(shown[2])}, with both {short(shown[3])}. "
            f"At the marked x, first {short(first)} and last {short(last)}, it adds {short(here)}."
        )
        caption = (
            "Each point is a vector x that holds so much of the first name and so much of the last. White: the neuron is silent. The four dots are "
            "none, one, one and both. Move the bias: where does the neuron become an OR, and where does it fall silent for good?"
        )
        return Picture(figure, alt, caption)

    explore(
        draw,
        first=slider("strength, first name", 1.0, -0.5, 1.5, 0.25),
        last=slider("strength, last name", 0.5, -0.5, 1.5, 0.25),
        shift=slider("added to the bias", 0.0, -1.0, 1.0, 0.25),
    )


def table(fact_table: Callable[..., Any], facts: Sequence[tuple[str, str, str]]) -> None:
    """Show what a table of facts answers to every pair of a first and a last name, all directions at right angles."""
    firsts, lasts, answers = (list(dict.fromkeys(column)) for column in zip(*facts, strict=True))
    names = {name: i for i, name in enumerate([*firsts, *lasts, *answers])}
    axes_of = torch.eye(len(names))
    keys = torch.stack([torch.stack([axes_of[names[a]], axes_of[names[b]]]) for a, b, _ in facts])
    values = torch.stack([axes_of[names[answer]] for _, _, answer in facts])
    W_up, b_up, W_down = (np.asarray(part, dtype=float) for part in fact_table(keys, values))
    asked = np.array([[np.eye(len(names))[[names[a], names[b]]].sum(0) for b in lasts] for a in firsts])
    stored = {(a, b) for a, b, _ in facts}

    def draw(bend: str, shift: float) -> Picture:
        seen = asked @ W_up + b_up + shift
        added = (np.maximum(seen, 0) if bend == "ReLU" else seen) @ W_down
        amounts = added[:, :, [names[answer] for answer in answers]]
        figure = new_figure(9.2, 4.6)
        axes = figure.subplots()
        wrong = 0
        for r, a in enumerate(firsts):
            for c, b in enumerate(lasts):
                told = [
                    f"{short(amounts[r, c, k])} {answer}"
                    for k, answer in enumerate(answers)
                    if abs(amounts[r, c, k]) > 0.005
                ]
                known = (a, b) in stored
                right = [f"1 {answer}" for p, q, answer in facts if (p, q) == (a, b)]
                wrong += told != right
                colour = BLUE if known else "0.93"
                axes.add_patch(
                    Rectangle((c - 0.48, r - 0.46), 0.96, 0.92, fc=colour, alpha=0.25 if known else 1)
                )
                lines = told if len(told) <= 3 else [*told[:2], f"and {len(told) - 2} more"]
                axes.text(c, r, "\n".join(lines) or "–", ha="center", va="center", fontsize=8.5)
        axes.set(xlim=(-0.5, len(lasts) - 0.5), ylim=(len(firsts) - 0.5, -0.5))
        axes.set_xticks(range(len(lasts)), lasts)
        axes.set_yticks(range(len(firsts)), firsts)
        axes.set(xlabel="last name", ylabel="first name")
        axes.tick_params(length=0)
        axes.set_title(
            f"between up and down: {bend}; added to every bias: {short(shift)}; {wrong} of {asked[..., 0].size} pairs wrong"
        )
        axes.spines[:].set_visible(False)
        example = f"{firsts[0]} {lasts[-1]}"
        heard = ", ".join(
            f"{short(v)} {answer}"
            for v, answer in zip(amounts[0, -1], answers, strict=True)
            if abs(v) > 0.005
        )
        alt = (
            f"A table of {len(firsts)} first names by {len(lasts)} last names, with {bend} and {short(shift)} added to every bias. {wrong} of the pairs "
            f"get something else than they should. {example}, which is no fact, gets {heard or 'nothing'}."
        )
        caption = (
            f"What your table adds for each pair of names. Blue cells are the {len(facts)} facts: each should read 1 and its answer. Grey cells are no facts: "
            "each should be empty. Take the bend away, or move the biases, and look at what two names add that do not belong together."
        )
        return Picture(figure, alt, caption)

    explore(
        draw,
        bend=choice("between up and down", ["ReLU", "nothing"]),
        shift=slider("added to the biases", 0.0, -1.0, 1.0, 0.25),
    )


def largest_cosine(V: Tensor) -> float:
    """Return the largest |cos| of two different rows."""
    cosines = normalize(V, dim=1) @ normalize(V, dim=1).T
    return float(cosines.fill_diagonal_(0).abs().max())


def packing(pack_vectors: Callable[..., Any]) -> None:
    """Show all |cos| among random vectors and among packed ones, with Welch's bound."""

    @lru_cache
    def cosines(n: int, dimension: int, steps: int) -> np.ndarray:
        generator = torch.Generator().manual_seed(0)
        if steps:
            V = pack_vectors(n, dimension, steps, generator)
        else:
            V = normalize(torch.randn(n, dimension, generator=generator), dim=1)
        V = np.asarray(V, dtype=float)
        return np.asarray(np.abs(V @ V.T)[np.triu_indices(n, 1)])

    def draw(n: int, dimension: int, steps: int) -> Picture:
        before, after = cosines(n, dimension, 0), cosines(n, dimension, steps)
        bound = math.sqrt(max(0, n - dimension) / (dimension * (n - 1)))
        figure = new_figure(9.2, 4.2)
        axes = figure.subplots()
        bins = [i / 60 for i in range(61)]
        axes.hist(before, bins, color=GREY, alpha=0.45, label=f"random: largest {short(before.max())}")
        axes.hist(
            after,
            bins,
            histtype="step",
            lw=2.2,
            color=BLUE,
            label=f"after {steps} steps: largest {short(after.max())}",
        )
        axes.axvline(bound, color=RED, ls="--", lw=2, label=f"Welch: the largest is at least {short(bound)}")
        axes.axvline(after.max(), color=BLUE, ls=":", lw=1.5)
        axes.set(
            xlabel="|cos| of two vectors (0: right angle, 1: one line)", ylabel="number of pairs", xlim=(0, 1)
        )
        angle = math.degrees(math.acos(min(1, after.max())))
        axes.set_title(f"{n} vectors in {dimension} dimensions: no two closer than {angle:.0f}°")
        axes.legend(loc="upper right")
        alt = (
            f"Two histograms of |cos| over all pairs of {n} vectors in {dimension} dimensions. Random ones reach up to {short(before.max())}. After "
            f"{steps} steps none is above {short(after.max())}. Welch's bound stands at {short(bound)}."
        )
        caption = (
            "Your vectors before and after the pushing. Where there is room, the long tail on the right is cut off, and many pairs gather at one wall. No method can bring "
            "the wall to the left of the dashed line. Set n to the dimension: where does the wall go? Set 6 vectors in 3 dimensions: where now?"
        )
        return Picture(figure, alt, caption)

    explore(
        draw,
        n=slider("vectors", 100, 4, 140, 2),
        dimension=slider("dimensions", 20, 2, 40, 1),
        steps=slider("steps", 500, 50, 500, 50),
    )


def how_many(counts: Mapping[float, Mapping[int, int]], jl_dimension: Callable[..., Any]) -> None:
    """Show how many directions were found under a bound on |cos|, against the dimension, and what theory says.

    `counts[bound][dimension]` is a number of directions.
    """

    def draw(bound: str) -> Picture:
        limit = float(bound)
        found = counts[limit]
        dimensions, numbers = list(found), list(found.values())
        slope, start = np.polyfit(dimensions[1:], np.log(numbers[1:]), 1)
        doubling = math.log(2) / slope
        figure = new_figure(9.8, 4.4)
        left, right = figure.subplots(1, 2)
        left.semilogy(dimensions, numbers, "o", ms=8, color=BLUE, label="found")
        line = np.array([0, dimensions[-1] * 1.05])
        left.semilogy(
            line,
            np.exp(start + slope * line),
            color=BLUE,
            lw=1,
            label=f"a straight line: doubles every {short(doubling)} dimensions",
        )
        left.semilogy(line, np.maximum(line, 1), color=GREY, ls=":", label="at right angles: d and no more")
        capped = np.linspace(1, min(0.98 / limit**2, line[1]), 200)
        cap = capped * (1 - limit**2) / (1 - capped * limit**2)
        low = cap < 3 * numbers[-1]
        left.semilogy(
            capped[low],
            cap[low],
            color=RED,
            ls="--",
            label=f"Welch: no more than this (from d = {1 / limit**2:.0f} on: no limit)",
        )
        left.set(
            title=f"directions with |cos| ≤ {bound}",
            xlabel="dimension d",
            ylabel="how many (each tick ten times more)",
            ylim=(1, 200 * numbers[-1]),  # room for the legend
            xlim=(0, line[1]),
        )
        _tens(left.yaxis, 200 * numbers[-1])
        left.legend(loc="upper left", fontsize=8)
        many = np.logspace(1, 6, 26)
        epsilon = limit / (
            2 + limit
        )  # squared distances kept to 1 ± epsilon keep right angles to |cos| ≤ limit
        enough = np.array([float(jl_dimension(int(n) + 1, epsilon)) for n in many])
        extended = (np.log(many) - start) / slope
        right.loglog(many, many, color=GREY, ls=":", label="at right angles: n")
        right.loglog(many, enough, color=GREEN, lw=2, label="Johnson–Lindenstrauss: always enough")
        right.loglog(many, np.maximum(extended, 1), color=BLUE, lw=1, label="our straight line, drawn on")
        right.loglog(numbers, dimensions, "o", ms=8, color=BLUE, label="found")
        right.set(title="dimensions for n directions", xlabel="n directions", ylabel="dimensions")
        _tens(right.xaxis, 1e6, step=2)
        _tens(right.yaxis, 1e6)
        right.set(xlim=(3, 1.2e6), ylim=(2, 1e6))
        right.legend(loc="upper left", fontsize=8)
        alt = (
            f"Two panels for |cos| at most {bound}. Left, on a logarithmic axis: {numbers[0]} directions in {dimensions[0]} dimensions, then "
            f"{', '.join(f'{n} in {d}' for d, n in zip(dimensions[1:], numbers[1:], strict=True))}, along a straight line that doubles every "
            f"{short(doubling)} dimensions. Right: for a million directions Johnson and Lindenstrauss need {int(enough[-1]):,} dimensions, our line {extended[-1]:.0f}."
        )
        caption = (
            "Left (line through all dots but the first), each equal step to the right multiplies the number: exponential growth, where right angles give one direction a dimension. Right, the same the other way round: a million "
            f"directions have room in {int(enough[-1]):,} dimensions by proof, and in about {extended[-1]:.0f} if our line goes on (which we did not try)."
        )
        return Picture(figure, alt, caption)

    explore(draw, bound=choice("largest |cos| allowed", [str(bound) for bound in counts]))


def _tens(axis: Any, largest: float, step: int = 1) -> None:
    """Put ticks at 1, 10, 100 … up to `largest` on a logarithmic axis, in plain digits; only every `step`-th of them."""
    ticks = [10**k for k in range(0, 7, step) if 10**k <= largest]
    axis.set_ticks(ticks, [f"{tick:,}" for tick in ticks])
    axis.set_ticks([], minor=True)


def superposition(trained: Mapping[str, tuple[Tensor, Tensor]]) -> None:
    """Show each feature as an arrow in the plane of two neurons, and what the network reads when one feature is on.

    `trained` holds (W, b) by a word for how often the features are on.
    """
    colours = (BLUE, ORANGE, GREEN, RED, PURPLE)

    def draw(data: str, feature: int) -> Picture:
        W, b = (np.asarray(part, dtype=float) for part in trained[data])
        figure = new_figure(9.8, 4.5)
        panels = figure.subplot_mosaic([["plane", "neurons"], ["plane", "read"]], width_ratios=[1.25, 1])
        plane = panels["plane"]
        plane.set(xlim=(-1.5, 1.5), ylim=(-1.5, 1.5), aspect="equal", xlabel="neuron 1", ylabel="neuron 2")
        plane.axhline(0, color="0.85", zorder=0)
        plane.axvline(0, color="0.85", zorder=0)
        lengths = np.linalg.norm(W, axis=1)
        for i, (row, colour) in enumerate(zip(W, colours, strict=True)):
            chosen = i + 1 == feature
            plane.annotate(
                "",
                row,
                (0, 0),
                arrowprops={
                    "arrowstyle": "-|>",
                    "color": colour,
                    "lw": 3.5 if chosen else 1.8,
                    "shrinkA": 0,
                    "shrinkB": 0,
                },
            )
            if lengths[i] > 0.3:
                plane.text(
                    row[0] * (1 + 0.2 / lengths[i]),
                    row[1] * (1 + 0.2 / lengths[i]),
                    str(i + 1),
                    color=darkened(colour),
                    ha="center",
                    va="center",
                    weight="bold",
                )
        short_ones = [str(i + 1) for i in range(len(W)) if lengths[i] <= 0.3]
        if short_ones:
            plane.text(-1.42, -1.4, f"lost: feature {', '.join(short_ones)}", color=GREY)
        plane.set_title(f"five features, two neurons: {data}")
        places = np.arange(1, len(W) + 1)
        for k, (hatch, offset) in enumerate((("", -0.2), ("///", 0.2))):
            panels["neurons"].bar(
                places + offset,
                W[:, k],
                0.4,
                color="0.75" if k else GREY,
                ec="black",
                hatch=hatch,
                label=f"neuron {k + 1}",
            )
        panels["neurons"].axhline(0, color="black", lw=0.8)
        panels["neurons"].set(
            title="what each neuron shows for each feature", xticks=places, ylim=(-1.3, 1.9)
        )
        panels["neurons"].legend(loc="upper right", fontsize=8, ncols=2)
        read = np.maximum(W @ W[feature - 1] + b, 0)
        panels["read"].bar(places, read, 0.6, color=colours, ec="black")
        panels["read"].set(
            title=f"read back, when feature {feature} alone is on",
            xticks=places,
            xlabel="feature",
            ylim=(0, 1.25),
        )
        both = [str(i + 1) for i in range(len(W)) if min(abs(W[i])) > 0.2]
        kept = len(W) - len(short_ones)
        alt = (
            f"Features that are {data}: {kept} of five are kept as long arrows in the plane of two neurons. Feature {feature}, alone on, "
            f"is read back as {short(read[feature - 1])}, the others as up to {short(max(np.delete(read, feature - 1)))}. "
            f"Both neurons answer to the features {', '.join(both) or 'none'}."
        )
        caption = (
            f"Left: one arrow a feature, {kept} of five kept. Top right: how each neuron answers to each feature. Bottom right: the ReLU at the "
            "end reads the feature back, and cuts off the small traces that it leaves on the other arrows. Compare dense with sparse."
        )
        return Picture(figure, alt, caption)

    explore(
        draw,
        data=choice("the features are", list(trained)),
        feature=slider("feature that is on", 1, 1, 5, 1),
    )


def capacity(
    pack_vectors: Callable[..., Any], fact_table: Callable[..., Any], relu: Callable[..., Any]
) -> None:
    """Show the share of facts recalled against their number, for names packed into too few dimensions."""

    @lru_cache
    def names_of(n: int, dimension: int) -> Tensor:
        packed = pack_vectors(n, dimension, 200, torch.Generator().manual_seed(0))
        return torch.as_tensor(np.asarray(packed), dtype=torch.float32)

    @lru_cache
    def curves(dimension: int, n_names: int) -> tuple[list[int], list[float], list[float]]:
        names = names_of(n_names, dimension)
        sizes = [n for n in (8, 16, 32, 64, 128, 256, 512, 1024, 2048) if n <= n_names**2 // 4]
        bent: list[float] = []
        straight: list[float] = []
        for n_facts in sizes:
            keys, values, answers, which = random_facts(names, n_facts, seed=0)
            W_up, b_up, W_down = (
                torch.as_tensor(np.asarray(part), dtype=torch.float32) for part in fact_table(keys, values)
            )
            seen = keys.sum(1) @ W_up
            for shares, neurons in ((bent, relu(seen + b_up)), (straight, seen)):
                told = neurons @ W_down @ answers.T
                shares.append(float((told.argmax(1) == which).float().mean()))
        return sizes, bent, straight

    def draw(dimension: str, n_names: int) -> Picture:
        d = int(dimension)
        sizes, bent, straight = curves(d, n_names)
        closest = largest_cosine(names_of(n_names, d))
        figure = new_figure(8.6, 4.3)
        axes = figure.subplots()
        axes.semilogx(sizes, bent, "o-", base=2, color=BLUE, lw=2, label="with ReLU and bias")
        axes.semilogx(sizes, straight, "s--", base=2, color=ORANGE, label="with nothing between up and down")
        axes.axhline(1 / 12, color=GREY, ls=":", label="guessing among 12 answers")
        axes.axvline(d, color=GREEN, ls="-.", lw=1.2, label=f"as many facts as dimensions, {d}")
        axes.set(
            xlabel="number of facts",
            ylabel="share answered right",
            ylim=(0, 1.05),
            xticks=sizes,
            xticklabels=[f"{n:,}" for n in sizes],
        )
        axes.set_title(f"{n_names} names in {d} dimensions, |cos| up to {short(closest)}")
        axes.legend(loc="lower left", fontsize=9)
        alt = (
            f"Share of facts answered right against their number, for {n_names} names in {d} dimensions. With ReLU: "
            f"{', '.join(f'{share:.2f} of {n}' for n, share in zip(sizes, bent, strict=True))}. With nothing between up and down, at {sizes[-1]} facts: "
            f"{straight[-1]:.2f}."
        )
        caption = (
            f"All {n_names} names share {d} numbers, and the table is yours, unchanged. It was made for right angles; with nearly right angles it goes on working, "
            "far beyond one fact a dimension. Without the bend it does not. Choose fewer dimensions, or more names: where does it break?"
        )
        return Picture(figure, alt, caption)

    explore(
        draw,
        dimension=choice("dimensions", ["64", "32", "16"]),
        n_names=slider("names", 128, 32, 256, 32),
    )


def random_facts(names: Tensor, n_facts: int, seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return (keys, values, answers, which) for so many different pairs of names, with 12 random answers.

    The first half of the rows of `names` are first names, the rest last names. `which[i]` is the answer of fact i.
    """
    generator = torch.Generator().manual_seed(seed)
    half = len(names) // 2
    pairs = torch.randperm(half * half, generator=generator)[:n_facts]
    keys = torch.stack([names[pairs // half], names[half + pairs % half]], dim=1)
    answers = normalize(torch.randn(12, names.shape[1], generator=generator), dim=1)
    which = torch.randint(12, (n_facts,), generator=generator)
    return keys, answers[which], answers, which
