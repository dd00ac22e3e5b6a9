"""Pictures of lesson 03. Each is drawn from what the learner's own functions return."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

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
    slider,
)

INPUTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
XOR = np.array([0, 1, 1, 0])
NAMES = ["00", "01", "10", "11"]

Layers = list[tuple[np.ndarray, np.ndarray]]


def _step(z: np.ndarray) -> np.ndarray:
    return (z > 0).astype(int)


def _weights(xor_weights: Callable[..., Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Return the learner's weights with w2 of shape (2,) and b2 a number, whichever of the allowed forms came."""
    W1, b1, w2, b2 = (np.asarray(part, dtype=float) for part in xor_weights())
    return W1, b1, w2.ravel(), float(b2.ravel()[0])


def xor_panels(xor_weights: Callable[..., Any]) -> None:
    """Show N1's line, N2's line and what N3 makes of them, in the plane of the inputs; three biases can be moved."""
    W1, b1, w2, b2 = _weights(xor_weights)

    def draw(shift1: float, shift2: float, shift3: float) -> Picture:
        moved, moved2 = b1 + np.array([shift1, shift2]), b2 + shift3
        side = np.linspace(-0.75, 1.75, 250)
        plane = np.stack(np.meshgrid(side, side), axis=-1)
        hidden = _step(plane @ W1 + moved)
        output = _step(hidden @ w2 + moved2)
        hidden_at, output_at = (
            _step(INPUTS @ W1 + moved),
            _step(_step(INPUTS @ W1 + moved) @ w2 + moved2),
        )
        right = int((output_at == XOR).sum())
        figure = new_figure(10.4, 4.2)
        panels = figure.subplots(1, 3, sharey=True)
        titles = [
            f"N1 fires for {_those(hidden_at[:, 0])}",
            f"N2 fires for {_those(hidden_at[:, 1])}",
            f"N3 fires for {_those(output_at)}:\n{right} of 4 right",
        ]
        maps = [hidden[..., 0], hidden[..., 1], output]
        for axes, on, title, colour, hatch in zip(
            panels, maps, titles, (BLUE, ORANGE, GREEN), ("//", "\\\\", ".."), strict=True
        ):
            _shade(axes, side, on, colour, hatch)
            _inputs(axes)
            axes.set(title=title, xlabel="x1, first input", aspect="equal")
        panels[0].set_ylabel("x2, second input")
        alt = (
            f"Three panels over the plane of the two inputs. N1 fires on a half plane that holds {_those(hidden_at[:, 0])}; N2 on one that "
            f"holds {_those(hidden_at[:, 1])}; N3 fires in the region that holds {_those(output_at)}, so {right} of the 4 inputs of XOR are right."
        )
        caption = (
            "Hatched: where the neuron answers 1. Filled squares are the inputs for which XOR is 1, open circles those for which it is 0. N1 "
            "and N2 each draw one straight line. N3 draws none here: its region is put together from the two others."
        )
        return Picture(figure, alt, caption)

    explore(
        draw,
        shift1=slider("add to N1's bias", 0.0, -2.0, 2.0, 0.25),
        shift2=slider("add to N2's bias", 0.0, -2.0, 2.0, 0.25),
        shift3=slider("add to N3's bias", 0.0, -2.0, 2.0, 0.25),
    )


def hidden_space(xor_weights: Callable[..., Any]) -> None:
    """Show the four inputs on their way from the input plane into the hidden plane, where one line separates them."""
    W1, b1, w2, b2 = _weights(xor_weights)
    hidden = _step(INPUTS @ W1 + b1)

    def draw(way: float) -> Picture:
        figure = new_figure(9.6, 4.6)
        left, right = figure.subplots(1, 2)
        side = np.linspace(-0.6, 1.9, 250)
        plane = np.stack(np.meshgrid(side, side), axis=-1)
        on = _step(plane @ W1 + b1)
        for i, (colour, style) in enumerate(((BLUE, "-"), (ORANGE, "--"))):
            left.contour(side, side, on[..., i], levels=[0.5], colors=colour, linestyles=style, linewidths=2)
            left.plot([], [], color=colour, ls=style, lw=2, label=f"N{i + 1}'s line")
        _inputs(left)
        left.legend(loc="upper center", ncols=2, fontsize=9)
        left.set(
            title="the inputs, with N1's and N2's lines", xlabel="x1, first input", ylabel="x2, second input"
        )
        left.set(aspect="equal", xlim=(-0.6, 1.9), ylim=(-0.6, 1.9))
        _shade(right, side, _step(plane @ w2 + b2), GREEN, "..")
        places = (1 - way) * INPUTS + way * hidden
        for start, place in zip(INPUTS, places, strict=True):
            right.plot(*zip(start, place, strict=True), color=GREY, ls=":", lw=1.5)
        _inputs(right, places)
        xlabel, ylabel = "N1's answer", "N2's answer"
        if way < 1:
            xlabel, ylabel = "from x1 to N1's answer", "from x2 to N2's answer"
        where = "the hidden plane" if way == 1 else f"{way:.0%} of the way"
        right.set(title=f"{where}, with N3's line", xlabel=xlabel, ylabel=ylabel)
        right.set(aspect="equal", xlim=(-0.6, 1.9), ylim=(-0.6, 1.9))
        corners = ", ".join(f"{name} at ({h[0]}, {h[1]})" for name, h in zip(NAMES, hidden, strict=True))
        alt = (
            f"Left: the four inputs with the lines of N1 and N2. Right: the inputs after {way:.0%} of their way to the place that the two hidden "
            f"neurons give them: {corners}. The side of N3's line on which it fires is hatched."
        )
        caption = (
            "Each input moves to the point (N1's answer, N2's answer). At the end of the way one straight line, N3's, has the filled squares on its "
            "hatched side and the open circles on the other. How many of the square's four corners are still in use?"
        )
        return Picture(figure, alt, caption)

    explore(draw, way=slider("way to hidden plane", 1.0, 0.0, 1.0, 0.1))


def _those(on: np.ndarray) -> str:
    """Return the names of the inputs for which a neuron is on: "01 and 10", "none"."""
    names = [name for name, bit in zip(NAMES, on, strict=True) if bit]
    if len(names) in (0, 4):
        return "all four" if names else "none"
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _shade(axes: Any, side: np.ndarray, on: np.ndarray, colour: str, hatch: str) -> None:
    """Tint and hatch the part of the plane where a neuron is on, with a line around it."""
    if on.any():
        axes.contourf(side, side, on, levels=[0.5, 1.5], colors=[colour], alpha=0.22)
        axes.contourf(side, side, on, levels=[0.5, 1.5], colors="none", hatches=[hatch])
    if on.any() and not on.all():
        axes.contour(side, side, on, levels=[0.5], colors=colour, linewidths=2)


def _inputs(axes: Any, places: np.ndarray = INPUTS) -> None:
    """Draw the four inputs of XOR, where they are or where they have moved to, with one label a place."""
    labels: dict[tuple[float, float], list[str]] = {}
    for name, bit, place in zip(NAMES, XOR, places, strict=True):
        x, y = (round(float(p), 6) for p in place)
        axes.plot(x, y, "s" if bit else "o", ms=11, mfc="black" if bit else "white", mec="black", mew=2)
        labels.setdefault((x, y), []).append(name)
    for place, names in labels.items():
        box = {"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.8}
        axes.annotate(", ".join(names), place, xytext=(10, 9), textcoords="offset points", bbox=box)


SHAPES = {
    "one island": (np.array([[0.013, 0.007]]), 1.2),
    "two islands": (np.array([[-0.987, -0.593], [1.007, 0.611]]), 0.75),
}


def islands(centres: np.ndarray, radius: float, sides: int) -> Layers:
    """Return a network of step neurons that answers above 0 inside a polygon around each centre, below 0 outside.

    First layer: one neuron a side. Second layer: one neuron a polygon, which fires when all its sides do (AND).
    Output: above 0 when one of the polygons fires (OR). With one centre the AND is the output itself. Each polygon
    has the area of a circle of this radius.
    """
    angles = 2 * np.pi * np.arange(sides) / sides + 0.3
    inward = -np.array([np.cos(angles), np.sin(angles)])
    reach = radius * np.sqrt(np.pi / (sides * np.tan(np.pi / sides)))
    W1 = np.hstack([inward] * len(centres))
    b1 = np.concatenate([reach - centre @ inward for centre in centres])
    W2 = np.kron(np.eye(len(centres)), np.ones((sides, 1)))
    b2 = np.full(len(centres), 0.5 - sides)
    layers = [(W1, b1), (W2, b2)]
    return layers if len(centres) == 1 else [*layers, (np.ones((len(centres), 1)), np.array([-0.5]))]


def boundary(mlp_forward: Callable[..., Any]) -> None:
    """Show how a network of step neurons follows a round boundary, with more and more neurons, in one or two pieces."""
    side = np.linspace(-2, 2, 151)
    plane = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    every = range(3, 13)

    def fired(kind: str, sides: int) -> np.ndarray:
        centres, radius = SHAPES[kind]
        answers = np.asarray(mlp_forward(plane, islands(centres, radius, sides), _step))
        return (answers[:, 0] > 0).reshape(len(side), len(side))

    def wanted(kind: str) -> np.ndarray:
        centres, radius = SHAPES[kind]
        near = np.linalg.norm(plane[:, None] - centres, axis=-1).min(axis=1) < radius
        return near.reshape(len(side), len(side))

    curves = {
        kind: [float((fired(kind, sides) != wanted(kind)).mean()) for sides in every] for kind in SHAPES
    }

    def draw(kind: str, sides: int) -> Picture:
        centres, _ = SHAPES[kind]
        on, error = fired(kind, sides), curves[kind][sides - 3]
        hidden = [len(b) for _, b in islands(*SHAPES[kind], sides)[:-1]]
        built = " + ".join(map(str, hidden)) + " hidden neurons"
        layers = "one hidden layer" if len(hidden) == 1 else "two hidden layers"
        figure = new_figure(9.6, 4.5)
        left, right = figure.subplots(1, 2, width_ratios=[1, 1.1])
        _shade(left, side, on, GREEN, "..")
        left.contour(side, side, wanted(kind), levels=[0.5], colors="black", linestyles="--", linewidths=1.5)
        left.plot([], [], color="black", ls="--", lw=1.5, label="wanted")
        left.plot([], [], color=GREEN, lw=2, label="the network's boundary")
        left.set(
            title=f"{layers}: {built}", xlabel="x1, first input", ylabel="x2, second input", aspect="equal"
        )
        left.legend(loc="lower right", fontsize=9)
        for name, colour, style in (("one island", BLUE, "o-"), ("two islands", PURPLE, "s--")):
            right.plot(every, [100 * e for e in curves[name]], style, ms=4, color=colour, label=name)
        right.plot(sides, 100 * error, "o", ms=13, mfc="none", mec=RED, mew=2)
        right.set(xlabel="neurons of the first layer for each island", ylabel="% of the square that is wrong")
        right.set(ylim=(0, None), title=f"{sides} sides: {100 * error:.1f} % wrong")
        right.legend()
        alt = (
            f"Left: the plane with a dashed round target ({kind}) and the region where the network answers 1, made of straight sides, {sides} for "
            f"each island, by {layers} with {built}. Right: the share of the square that is wrong, falling as sides are added, {100 * error:.1f} percent here."
        )
        caption = (
            f"The network's region has {sides} straight sides{' for each island' if len(centres) > 1 else ''}: one neuron of the first layer "
            "draws each side. More neurons in a layer: more sides. A further layer puts whole regions together."
        )
        return Picture(figure, alt, caption)

    explore(draw, kind=choice("wanted", list(SHAPES)), sides=slider("sides of an island", 4, 3, 12, 1))


REACH = 3.0  # the regions are looked for in a square from -REACH to REACH


def random_lines(n_lines: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (W, b) of neurons with random lines that pass near the origin; fewer lines are the first of more."""
    rng = np.random.default_rng(seed)
    angles, b = rng.uniform(0, np.pi, 12), rng.uniform(-1, 1, 12)
    return np.array([np.cos(angles), np.sin(angles)])[:, :n_lines], b[:n_lines]


def square(n: int = 101) -> np.ndarray:
    """Return n × n points that fill the square in which regions are looked for, one a row."""
    side = np.linspace(-REACH, REACH, n)
    return np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)


def regions(
    region_codes: Callable[..., Any], count_regions: Callable[..., Any], max_regions: Callable[..., Any]
) -> None:
    """Show the regions that random lines make, and their number beside the largest possible one and 2 to the n."""
    points = square(101)
    bounds = [int(max_regions(n, 2)) for n in range(1, 11)]
    tints = np.array(
        [[0.95, 0.9, 0.6], [0.7, 0.85, 0.95], [0.9, 0.75, 0.85], [0.75, 0.92, 0.8], [0.97, 0.8, 0.65]]
    )

    @cache
    def counted(seed: int) -> list[int]:
        return [int(count_regions(*random_lines(n, seed), points)) for n in range(1, 11)]

    def draw(n_lines: int, seed: int) -> Picture:
        W, b = random_lines(n_lines, seed)
        codes = np.asarray(region_codes(points, W, b)).astype(int)
        counts = counted(seed)
        found, bound = counts[n_lines - 1], bounds[n_lines - 1]
        figure = new_figure(9.6, 4.5)
        left, right = figure.subplots(1, 2, width_ratios=[1, 1.1])
        size = int(np.sqrt(len(points)))
        number = codes @ (3 ** np.arange(n_lines))
        picture = tints[number % len(tints)].reshape(size, size, 3)
        left.imshow(picture, origin="lower", extent=(-REACH, REACH, -REACH, REACH), interpolation="nearest")
        for i in range(n_lines):
            along = np.array([-W[1, i], W[0, i]])
            ends = np.array([-b[i] * W[:, i] + k * along for k in (-9, 9)])
            left.plot(ends[:, 0], ends[:, 1], color="black", lw=1.3)
        if n_lines <= 4:
            for code in np.unique(codes, axis=0):
                inside = points[(codes == code).all(axis=1)]
                if len(inside) > 200:
                    left.text(
                        *inside.mean(axis=0), "".join(map(str, code)), ha="center", va="center", fontsize=9
                    )
        left.set(
            xlim=(-REACH, REACH), ylim=(-REACH, REACH), xlabel="x1, first input", ylabel="x2, second input"
        )
        left.set_title(f"{n_lines} line{'s' if n_lines > 1 else ''}: {found} regions in this square")
        n = np.arange(1, 11)
        right.plot(n, 2.0**n, ":", color=GREY, lw=2, label="all codes, 2 to the n")
        right.plot(n, bounds, "s--", color=ORANGE, ms=6, mfc="none", label="your max_regions(n, 2)")
        right.plot(n, counts, "o-", color=BLUE, ms=4, label="your count_regions, these lines")
        right.plot(n_lines, found, "o", ms=13, mfc="none", mec=RED, mew=2)
        right.set(xlabel="n, number of lines (hidden neurons)", ylabel="regions (log scale)", yscale="log")
        right.set(
            xticks=n,
            yticks=[2, 5, 10, 20, 50, 100, 500, 1000],
            yticklabels=["2", "5", "10", "20", "50", "100", "500", "1,000"],
        )
        right.minorticks_off()
        right.legend(loc="upper left", fontsize=9)
        alt = (
            f"Left: a square of the plane cut by {n_lines} random straight line{'s' if n_lines > 1 else ''} (seed {seed}) into {found} regions. Right: number of regions against number of lines "
            f"on a log scale: the counted ones ({found} here) stay at or below the largest possible ({bound}); with many lines both fall far behind 2 to the n ({2**n_lines} here)."
        )
        caption = (
            f"{found} regions counted, {bound} are possible with {n_lines} line{'s' if n_lines > 1 else ''}, {2**n_lines} codes can be written down. (Up to four lines the "
            "codes stand in the larger regions.) A region outside the square, or smaller than the grid of points, is not counted."
        )
        return Picture(figure, alt, caption)

    explore(draw, n_lines=slider("lines", 3, 1, 10, 1), seed=slider("random seed", 0, 0, 20, 1))


def zigzag(n_neurons: int) -> Callable[[np.ndarray], np.ndarray]:
    """Return one hidden layer of n ReLUs as a function on [0, 1]: n straight pieces, up and down between 0 and 1.

    For two ReLUs it is the tent. The first neuron, which bends at 0, makes the first slope; each other one turns it.
    """
    bends = np.arange(n_neurons) / n_neurons
    weights = 2 * n_neurons * np.where(np.arange(n_neurons) % 2 == 0, 1.0, -1.0)
    weights[0] /= 2

    def f(x: np.ndarray) -> np.ndarray:
        return np.asarray(np.maximum(np.asarray(x)[..., None] - bends, 0) @ weights)

    return f


def depth_and_width(tent: Callable[..., Any], count_linear_pieces: Callable[..., Any]) -> None:
    """Show tents put into tents beside one wide layer of equally many ReLUs, and the pieces of both."""

    def tower(depth: int) -> Callable[[np.ndarray], np.ndarray]:
        def f(x: np.ndarray) -> np.ndarray:
            for _ in range(depth):
                x = np.asarray(tent(x))
            return x

        return f

    def wide_pieces(depth: int) -> int:
        return int(count_linear_pieces(zigzag(2 * depth), 32 * depth + 1))

    depths = range(1, 9)
    deep = [int(count_linear_pieces(tower(depth))) for depth in depths]
    wide = [wide_pieces(depth) for depth in depths]

    def draw(depth: int) -> Picture:
        x = np.linspace(0, 1, 4097)
        figure = new_figure(10.0, 4.7)
        panels = figure.subplot_mosaic([["deep", "count"], ["wide", "count"]], width_ratios=[1.3, 1])
        layers = f"{depth} layer{'s' if depth > 1 else ''} of 2"
        for name, y, colour, title in (
            ("deep", tower(depth)(x), GREEN, f"deep, {layers}: {deep[depth - 1]} pieces"),
            ("wide", zigzag(2 * depth)(x), PURPLE, f"wide, 1 layer of {2 * depth}: {wide[depth - 1]} pieces"),
        ):
            panels[name].plot(x, y, color=colour, lw=1.4)
            panels[name].set(title=title, ylim=(-0.08, 1.08), ylabel="output")
        panels["wide"].set_xlabel("input, from 0 to 1")
        axes, neurons = panels["count"], [2 * d for d in depths]
        axes.plot(neurons, deep, "o-", color=GREEN, label="deep: tents in tents")
        axes.plot(neurons, wide, "s--", color=PURPLE, label="wide: one layer")
        axes.plot(2 * depth, deep[depth - 1], "o", ms=13, mfc="none", mec=RED, mew=2)
        axes.plot(2 * depth, wide[depth - 1], "o", ms=13, mfc="none", mec=RED, mew=2)
        axes.set(
            xlabel="number of ReLU neurons",
            ylabel="straight pieces (log scale)",
            yscale="log",
            xticks=neurons,
        )
        axes.set(
            yticks=[2, 4, 8, 16, 32, 64, 128, 256],
            yticklabels=["2", "4", "8", "16", "32", "64", "128", "256"],
        )
        axes.minorticks_off()
        axes.legend(loc="upper left")
        alt = (
            f"Left above: your tent put into itself, {depth} layer{'s' if depth > 1 else ''} deep: a saw of {deep[depth - 1]} straight pieces. Left below: one layer of {2 * depth} ReLUs, a zigzag "
            f"of {wide[depth - 1]} pieces. Right: pieces against neurons on a log scale: the deep line climbs straight, doubling with every layer; the wide one flattens."
        )
        caption = (
            f"Both networks have {2 * depth} ReLU neurons. One behind another, every layer doubles the pieces ({deep[depth - 1]}); side by side, every neuron adds one "
            f"({wide[depth - 1]}). Both counts come from your count_linear_pieces."
        )
        return Picture(figure, alt, caption)

    explore(draw, depth=slider("tents (layers)", 3, 1, 8, 1))


def random_network(depth: int, width: int, seed: int) -> Layers:
    """Return a random network from one number to one, with `depth` hidden layers of `width` neurons."""
    rng = np.random.default_rng(seed)
    sizes = [1, *[width] * depth, 1]
    return [(rng.normal(size=(m, n)) * np.sqrt(2 / m), rng.normal(size=n) * 0.5) for m, n in pairwise(sizes)]


def pieces_of_network(layers: Layers, n_points: int = 20_001) -> int:
    """Return the number of straight pieces of a ReLU network on [-2, 2]: how often the set of firing neurons changes.

    The points lie 1/5000 apart: a piece that is shorter than this can be missed.
    """
    x = np.linspace(-2, 2, n_points)[:, None]
    changes = np.zeros(n_points - 1, dtype=bool)
    for W, b in layers[:-1]:
        z = x @ W + b
        changes |= ((z[1:] > 0) != (z[:-1] > 0)).any(axis=1)
        x = np.maximum(z, 0)
    return int(changes.sum()) + 1
