"""Pictures of lesson 01. Each is drawn from what the learner's own functions return."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from handmade.figures.picture import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    Picture,
    choice,
    darkened,
    explore,
    new_figure,
    short,
    slider,
)


def two_views(matvec_by_rows: Callable[..., Any], column_pieces: Callable[..., Any]) -> None:
    """Show `A @ x` for a 2 × 2 matrix twice, side by side: rows as questions, columns as building blocks."""

    def draw(x1: float, x2: float, a: float, b: float, c: float, d: float) -> Picture:
        A, x = np.array([[a, b], [c, d]]), np.array([x1, x2])
        answers, pieces = np.asarray(matvec_by_rows(A, x)), np.asarray(column_pieces(A, x))
        total = pieces.sum(axis=0)
        figure = new_figure(9.6, 4.7)
        left, right = figure.subplots(1, 2)
        reach = 1.45 * max(3.0, np.abs(A).max(), np.abs(x).max(), np.abs(pieces).max(), np.abs(total).max())
        for axes, title in ((left, "By rows: two dot products"), (right, "By columns: a sum of two pieces")):
            axes.set(title=title, xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
            axes.set(xlabel="first entry", ylabel="second entry")
            axes.axhline(0, color="0.85", lw=1, zorder=0)
            axes.axvline(0, color="0.85", lw=1, zorder=0)
        for i, (colour, row) in enumerate(zip((BLUE, ORANGE), A, strict=True)):
            _arrow(left, np.zeros(2), row, colour, f"row {i + 1}")
            if row @ row > 0:  # the foot of the perpendicular from x: how far x reaches along this row
                foot = row * (x @ row) / (row @ row)
                left.plot(*zip(x, foot, strict=True), ls=":", color=colour, lw=1.5)
        _arrow(left, np.zeros(2), x, GREY, "x")
        sums = [
            f"row {i + 1} · x = {short(A[i, 0])}·{short(x1)} + {short(A[i, 1])}·{short(x2)} = {short(answers[i])}"
            for i in range(2)
        ]
        left.text(0.02, 0.02, "\n".join(sums), transform=left.transAxes, family="monospace", fontsize=9)
        _arrow(right, np.zeros(2), A[:, 0], BLUE, "column 1", faint=True)
        _arrow(right, np.zeros(2), A[:, 1], ORANGE, "column 2", faint=True)
        _arrow(right, np.zeros(2), pieces[0], BLUE, f"{short(x1)} × col 1", at_tip=False)
        _arrow(right, pieces[0], total, ORANGE, f"{short(x2)} × col 2", at_tip=False)
        _arrow(right, np.zeros(2), total, GREEN, f"A x = ({short(total[0])}, {short(total[1])})")
        alt = (
            f"Two panels for A = [[{short(a)}, {short(b)}], [{short(c)}, {short(d)}]] and x = ({short(x1)}, {short(x2)}). Left: the rows of A "
            f"and x as arrows, with the dot products {short(answers[0])} and {short(answers[1])}. Right: {short(x1)} times column 1, and "
            f"from its tip {short(x2)} times column 2, ending at ({short(total[0])}, {short(total[1])})."
        )
        caption = (
            "The same product twice. Left, each row asks how far x reaches along it (dotted), and the two answers are the entries "
            "of A x. Right, x says how much of each column to take (faint: one whole column), and the pieces lie tip to tail."
        )
        return Picture(figure, alt, caption)

    explore(
        draw,
        x1=slider("x, first entry", 1.5, -2.0, 2.0, 0.25),
        x2=slider("x, second entry", 1.0, -2.0, 2.0, 0.25),
        a=slider("A, row 1, column 1", 2.0, -2.0, 2.0, 0.25),
        b=slider("A, row 1, column 2", -0.5, -2.0, 2.0, 0.25),
        c=slider("A, row 2, column 1", 0.5, -2.0, 2.0, 0.25),
        d=slider("A, row 2, column 2", 1.5, -2.0, 2.0, 0.25),
    )


_MAPS: dict[str, tuple[Callable[[np.ndarray, float], np.ndarray], str]] = {
    "rotate": (lambda x, s: np.array([[np.cos(s), -np.sin(s)], [np.sin(s), np.cos(s)]]) @ x, "turned"),
    "shear": (lambda x, s: np.array([[1, s], [0, 1]]) @ x, "slanted"),
    "flatten": (lambda x, s: np.array([[1, s], [s, s * s]]) @ x, "pressed onto one line"),
    "shift": (
        lambda x, s: x + np.array([s, s / 2]).reshape(-1, *[1] * (x.ndim - 1)),
        "moved away from the origin",
    ),
    "ReLU": (lambda x, s: np.maximum(x, 0) * s, "folded onto one quarter of the plane"),
    "bend": (lambda x, s: np.array([x[0], x[1] + s * x[0] ** 2 / 3]), "bent"),
}


def grids(is_linear: Callable[..., Any]) -> None:
    """Show what a map does to a grid, and what the learner's `is_linear` says of it."""

    def draw(kind: str, strength: float) -> Picture:
        f, seen = _MAPS[kind]
        verdict = (
            "linear" if is_linear(lambda x: f(x, strength), 2, np.random.default_rng(0)) else "not linear"
        )
        figure = new_figure(6.4, 5.2)
        axes = figure.subplots()
        axes.set(aspect="equal", xlim=(-4, 4), ylim=(-4, 4), xlabel="first entry", ylabel="second entry")
        axes.set_title(f"{kind}, strength {short(strength)}: your is_linear says {verdict}")
        along = np.linspace(-2, 2, 81)
        for k in np.arange(-2, 2.5, 0.5):
            for line in (
                np.array([along, np.full_like(along, k)]),
                np.array([np.full_like(along, k), along]),
            ):
                axes.plot(*line, color="0.85", lw=0.8, zorder=0)
                axes.plot(*f(line, strength), color=BLUE, lw=1.0)
        axes.plot(0, 0, "o", color=GREY, ms=9, mfc="none", label="origin before")
        axes.plot(*f(np.zeros(2), strength), "X", color=ORANGE, ms=9, label="origin after")
        axes.legend(loc="upper left")
        image = ", ".join(map(short, f(np.array([1.0, 2.0]), strength)))
        alt = (
            f"A square grid of lines, before in grey and after the map '{kind}' in blue: the grid is {seen}. It is {verdict}. "
            f"At strength {short(strength)} the point (1, 2) goes to ({image})."
        )
        caption = (
            "A linear map keeps lines straight and evenly spaced, and leaves the origin where it is. Find the maps that break "
            "one of these, and look at what your function says of them. Does any strength make a shift linear?"
        )
        return Picture(figure, alt, caption)

    explore(draw, kind=choice("map", list(_MAPS)), strength=slider("strength", 0.5, -1.5, 1.5, 0.25))


def stack(collapse: Callable[..., Any]) -> None:
    """Show a random stack of layers as a function of one number, without and with ReLU between the layers."""

    def draw(depth: int, seed: int) -> Picture:
        layers = random_layers(depth, seed)
        x = np.linspace(-2, 2, 401)[:, None]
        W, b = collapse(layers)
        figure = new_figure(9.6, 3.8)
        left, right = figure.subplots(1, 2, sharex=True)
        straight, bent = run_stack(x, layers, relu=False), run_stack(x, layers, relu=True)
        left.plot(x, straight, color=BLUE, lw=4, alpha=0.5, label=f"{depth} layers, one after another")
        left.plot(x, x @ W + b, color=ORANGE, ls="--", lw=1.5, label="your collapsed layer")
        right.plot(x, bent, color=GREEN, lw=2.5, label=f"{depth} layers with ReLU between")
        for axes, title in ((left, "nothing between the layers"), (right, "ReLU between the layers")):
            axes.set(title=title, xlabel="input (one number)", ylabel="output (one number)")
            axes.legend(loc="best")
        kinks = count_kinks(bent[:, 0])
        alt = (
            f"Two curves of output against input for a stack of {depth} random layers. Left, without ReLU: one straight line, and "
            f"the collapsed layer lies on it. Right, with ReLU between the layers: a line with {kinks} kinks."
        )
        caption = (
            f"Left, the stack is one straight line at every depth, and your one layer (dashed) lies on it. Right, with ReLU: {kinks} "
            "kinks here. Change the depth and the seed. What can the left side never do?"
        )
        return Picture(figure, alt, caption)

    explore(draw, depth=slider("layers", 4, 1, 8, 1), seed=slider("random seed", 1, 0, 20, 1))


def random_layers(depth: int, seed: int, width: int = 8) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return `depth` random layers (W, b) from one number to one number, `width` numbers wide in between."""
    rng = np.random.default_rng(seed)
    sizes = [1, *[width] * (depth - 1), 1]
    return [(rng.normal(size=(m, n)) * np.sqrt(2 / m), rng.normal(size=n) * 0.5) for m, n in pairwise(sizes)]


def run_stack(x: np.ndarray, layers: list[tuple[np.ndarray, np.ndarray]], relu: bool) -> np.ndarray:
    """Return what the layers make of the rows of x, with ReLU between them or with nothing between them."""
    for i, (W, b) in enumerate(layers):
        x = x @ W + b
        if relu and i < len(layers) - 1:
            x = np.maximum(x, 0)
    return x


def count_kinks(y: np.ndarray) -> int:
    """Return how many kinks a piecewise linear curve has, given its heights at evenly spaced inputs.

    A kink between two of the inputs changes the slope in two steps, so neighbouring changes count once.
    """
    bend = np.abs(np.diff(y, 2)) > 1e-9 * max(1.0, float(np.abs(y).max()))
    return int(np.sum(bend[1:] & ~bend[:-1]) + bend[0])


def letters() -> np.ndarray:
    """Return the 28 × 72 matrix that the rank experiment compresses: three letters on a soft slope."""
    glyphs = {
        "G": (" ### ", "#   #", "#    ", "#  ##", "#   #", "#   #", " ### "),
        "P": ("#### ", "#   #", "#   #", "#### ", "#    ", "#    ", "#    "),
        "T": ("#####", "  #  ", "  #  ", "  #  ", "  #  ", "  #  ", "  #  "),
    }
    small = np.zeros((7, 18))
    for k, rows in enumerate(glyphs.values()):
        small[:, 6 * k : 6 * k + 5] = [[cell == "#" for cell in row] for row in rows]
    W = np.kron(small, np.ones((4, 4)))
    height, width = W.shape
    W += 0.3 * np.linspace(0, 1, width) + 0.2 * np.linspace(1, 0, height)[:, None] ** 2
    return W + np.random.default_rng(0).normal(scale=0.04, size=W.shape)


def ranks(low_rank_factors: Callable[..., Any]) -> None:
    """Show a matrix beside its best approximation of a rank, and the error against the rank."""
    W = letters()
    noise = np.random.default_rng(1).normal(size=W.shape)
    every = range(1, min(W.shape) + 1)
    curves = [(M, [_relative_error(M, low_rank_factors(M, rank)) for rank in every]) for M in (W, noise)]

    def draw(rank: int) -> Picture:
        down, up = low_rank_factors(W, rank)
        kept = down.size + up.size
        error = _relative_error(W, (down, up))
        figure = new_figure(9.6, 4.6)
        panels = figure.subplot_mosaic([["W", "curve"], ["close", "curve"]], width_ratios=[1.15, 1])
        for name, matrix, title in (
            ("W", W, f"W, {W.shape[0]} × {W.shape[1]}: {W.size:,} numbers"),
            ("close", down @ up, f"rank {rank}: {kept:,} numbers"),
        ):
            panels[name].imshow(matrix, cmap="gray_r", vmin=-0.1, vmax=1.5)
            panels[name].set(title=title, xticks=[], yticks=[])
        axes = panels["curve"]
        axes.plot(every, curves[0][1], "o-", ms=3, color=BLUE, label="the letters")
        axes.plot(every, curves[1][1], "s--", ms=3, color=PURPLE, label="pure noise of the same size")
        axes.plot(rank, error, "o", ms=12, mfc="none", color=ORANGE, mew=2)
        axes.annotate(f"{100 * error:.0f} %", (rank, error), xytext=(10, 10), textcoords="offset points")
        axes.set(xlabel="rank", ylabel="error, as a share of the size of the matrix", ylim=(0, 1.02))
        axes.legend()
        alt = (
            f"Left: a grey picture of the letters GPT as a matrix, and below it the approximation of rank {rank}, which needs {kept} "
            f"numbers instead of {W.size}. Right: error against rank. For the letters it falls steeply, to {100 * error:.0f} percent at rank "
            f"{rank}; for noise it falls slowly."
        )
        caption = (
            f"Rank {rank} keeps {kept:,} of {W.size:,} numbers and misses {100 * error:.0f} %. Move the slider: where can you read the "
            "letters? A matrix with a pattern is close to one of low rank, noise is not."
        )
        return Picture(figure, alt, caption)

    explore(draw, rank=slider("rank", 2, 1, 28, 1))


def _relative_error(W: np.ndarray, factors: tuple[np.ndarray, np.ndarray]) -> float:
    return float(np.linalg.norm(W - factors[0] @ factors[1]) / np.linalg.norm(W))


def _arrow(
    axes: Any,
    start: np.ndarray,
    end: np.ndarray,
    colour: str,
    label: str,
    *,
    at_tip: bool = True,
    faint: bool = False,
) -> None:
    style = {
        "arrowstyle": "->",
        "color": colour,
        "lw": 1.2 if faint else 2.2,
        "alpha": 0.35 if faint else 1.0,
        "shrinkA": 0,
        "shrinkB": 0,
    }
    axes.annotate("", xy=end, xytext=start, arrowprops=style)
    if not faint:
        axes.plot([], [], color=colour, lw=2.2, label=label)
        place = end if at_tip else (np.asarray(start) + np.asarray(end)) / 2
        text = axes.annotate(
            label.partition(" =")[0],
            place,
            color=darkened(colour),
            xytext=(5, 4),
            textcoords="offset points",
            bbox={"fc": "white", "ec": "none", "alpha": 0.8, "pad": 0.5},
        )
        text.set_in_layout(False)
        axes.legend(loc="upper left", fontsize=9)
