"""Pictures of lesson 02. Each is drawn from what the learner's own functions return."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from handmade.figures.picture import (
    BLUE,
    GREEN,
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

INPUTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
NAMES = ("00", "01", "10", "11")
GATES = {"AND": (0, 0, 0, 1), "OR": (0, 1, 1, 1), "XOR": (0, 1, 1, 0), "NAND": (1, 1, 1, 0)}


def line(perceptron: Callable[..., Any]) -> None:
    """Show one neuron on the four inputs of a gate: its line, its two sides, and its truth table beside the gate's."""

    def draw(gate: str, w1: float, w2: float, b: float) -> Picture:
        w, wanted = np.array([w1, w2]), np.array(GATES[gate])
        said = np.asarray(perceptron(INPUTS, w, b))
        right = said == wanted
        figure = new_figure(9.6, 4.9)
        axes, table = figure.subplots(1, 2, width_ratios=[1.25, 1])
        low, high = -0.75, 1.75
        _two_sides(axes, perceptron, w, b, low, high)
        _draw_line(axes, w, b, low, high)
        for x, target, ok in zip(INPUTS, wanted, right, strict=True):
            _corner(axes, x, int(target), bool(ok))
        axes.set(xlim=(low, high), ylim=(low, high), aspect="equal", xlabel="x1", ylabel="x2")
        axes.set_title(f"z = {short(w1)}·x1 {_signed(w2)}·x2 {_signed(b)}")
        rows = ["input     z     neuron   gate", ""]
        for name, x, answer, target, ok in zip(NAMES, INPUTS, said, wanted, right, strict=True):
            mark = "" if ok else "  ✗ wrong"
            rows.append(f"{name:^5} {short(x @ w + b):>6} {int(answer):>7} {target:>7}{mark}")
        rows += ["", f"{int(right.sum())} of 4 are right"]
        table.axis("off")
        table.text(0.0, 0.5, "\n".join(rows), va="center", family="monospace", fontsize=10.5)
        table.set_title(f"the neuron beside {gate}")
        shown = ", ".join(f"{name}: {int(answer)}" for name, answer in zip(NAMES, said, strict=True))
        alt = (
            f"Left: the four inputs as points, those where {gate} is 1 filled, those where it is 0 hollow, and the side on which "
            f"the neuron with weights {short(w1)} and {short(w2)} and bias {short(b)} says 1, hatched. Right: a table of its answers, "
            f"{shown}. {int(right.sum())} of 4 agree with {gate}."
        )
        caption = (
            f"Filled: {gate} is 1 there; hollow: it is 0. Hatched: the side on which your neuron says 1. The arrow shows where w points. "
            f"A cross marks an input that the neuron gets wrong. Now {int(right.sum())} of 4 are right."
        )
        return Picture(figure, alt, caption)

    explore(
        draw,
        gate=choice("gate", list(GATES)),
        w1=slider("weight w1", 1.0, -2.0, 2.0, 0.25),
        w2=slider("weight w2", 0.5, -2.0, 2.0, 0.25),
        b=slider("bias b", -0.5, -3.0, 3.0, 0.25),
    )


def distances(signed_distance: Callable[..., Any]) -> None:
    """Show four points with their distances to the line of a neuron, and z beside it, for w and b at several scales."""
    points = np.array([[2.0, 3.0], [-1.0, 2.5], [-2.5, 0.5], [2.5, -2.0]])

    def draw(angle: int, b: float, scale: float) -> Picture:
        turn = np.deg2rad(angle)
        w, bias = scale * np.array([np.cos(turn), np.sin(turn)]), scale * b
        distance = np.asarray(signed_distance(points, w, bias))
        z = points @ w + bias
        figure = new_figure(9.6, 4.9)
        axes, table = figure.subplots(1, 2, width_ratios=[1.25, 1])
        axes.set(xlim=(-4.5, 4.5), ylim=(-4.5, 4.5), aspect="equal", xlabel="x1", ylabel="x2")
        _draw_line(axes, w, bias, -4.5, 4.5)
        for name, point, far in zip("ABCD", points, distance, strict=True):
            foot = point - far * w / scale
            colour = ORANGE if far > 0 else BLUE
            axes.plot(*zip(point, foot, strict=True), ls=":" if far > 0 else "--", color=colour, lw=1.8)
            axes.plot(*point, "^" if far > 0 else "v", color=colour, ms=9, mec="black")
            axes.annotate(
                f"{name}  {short(far)}", point, xytext=(9, 4), textcoords="offset points", **_ON_WHITE
            )
        axes.set_title(f"w = ({short(w[0])}, {short(w[1])}), b = {short(bias)}")
        rows = ["point       z    distance", ""]
        rows += [
            f"{name:^5} {short(zi):>7} {short(far):>11}"
            for name, zi, far in zip("ABCD", z, distance, strict=True)
        ]
        rows += ["", f"length of w: {short(float(np.linalg.norm(w)))}"]
        table.axis("off")
        table.text(0.05, 0.5, "\n".join(rows), va="center", family="monospace", fontsize=11)
        table.set_title("z and the distance")
        shown = ", ".join(f"{name} {short(far)}" for name, far in zip("ABCD", distance, strict=True))
        alt = (
            f"Left: a line with its weights as an arrow at right angles to it, and four points A to D joined to the line by "
            f"perpendiculars. The signed distances are {shown}. Right: a table of z and distance for each point; w has length "
            f"{short(scale)}."
        )
        caption = (
            "Each point with its distance to the line: upward triangles on the side to which w points, downward ones on the other. Move "
            "only the last slider. Which column of the table changes, which does not, and what does the line do?"
        )
        return Picture(figure, alt, caption)

    explore(
        draw,
        angle=slider("direction of w (degrees)", 60, 0, 345, 15),
        b=slider("bias b", -0.5, -3.0, 3.0, 0.5),
        scale=slider("w and b, both times", 1.0, 0.5, 4.0, 0.5),
    )


def sixteen(separable_gates: Callable[..., Any]) -> None:
    """Show all 16 truth tables of two inputs, and which of them the learner's search finds on a grid."""

    def draw(largest: int) -> Picture:
        grid = np.arange(-largest, largest + 1)
        found = {tuple(int(v) for v in table) for table in separable_gates(grid)}
        figure = new_figure(9.6, 6.6)
        panels = figure.subplots(4, 4).ravel()
        every = [tuple(int(bit) for bit in f"{k:04b}") for k in range(16)]
        for axes, table in zip(panels, every, strict=True):
            name = _TABLE_NAMES.get(table, "")
            axes.set(xlim=(-0.45, 1.45), ylim=(-0.45, 1.45), aspect="equal", xticks=[], yticks=[])
            axes.set_title(f"{''.join(map(str, table))} {name}", fontsize=10)
            if table in found:
                w, b = _some_neuron(table)
                _draw_line(axes, w, b, -0.45, 1.45, arrow=False)
            else:
                axes.set_facecolor("0.88")
                axes.text(0.5, 0.5, "not found", ha="center", va="center", fontsize=10)
            for x, target in zip(INPUTS, table, strict=True):
                axes.plot(*x, "o", ms=9, color=PURPLE if target else "white", mec="black", zorder=3)
        missing = [_TABLE_NAMES.get(t, "".join(map(str, t))) for t in every if t not in found]
        names = ", ".join(missing) if len(missing) <= 4 else f"{len(missing)} of them"
        alt = (
            f"Sixteen small panels, one for each truth table of two inputs. With w1, w2 and b from {-largest} to {largest} your search "
            f"finds {len(found)} of them; a line is drawn where both 0s and 1s are among its answers. Not found: {names or 'none'}."
        )
        caption = (
            f"The 16 truth tables (answers to 00, 01, 10, 11). Filled points are 1. With whole numbers from {short(-largest)} to {largest} your search "
            f"finds {len(found)}; grey panels were not found: {names or 'none'}. Make the grid larger. Which two stay grey?"
        )
        return Picture(figure, alt, caption)

    explore(draw, largest=slider("largest number", 0, 0, 5, 1))


def epochs(perceptron_rule: Callable[..., Any]) -> None:
    """Show the line after some epochs of the perceptron rule, and the mistakes that each epoch made."""

    def draw(data: str, n_epochs: int) -> Picture:
        X, y = points_of(data)
        w, b, mistakes = perceptron_rule(X, y, n_epochs) if n_epochs else (np.zeros(X.shape[1]), 0.0, [])
        w = np.asarray(w)
        wrong = np.where(X @ w + b > 0, 1, 0) != y
        figure = new_figure(9.6, 4.6)
        left, right = figure.subplots(1, 2)
        low, high = (-0.75, 1.75) if len(X) == 4 else (-3.0, 3.0)
        if np.any(w):
            _draw_line(left, w, float(b), low, high, arrow=False)
        for target, marker, colour in ((0, "v", BLUE), (1, "^", ORANGE)):
            left.plot(
                *X[y == target].T, marker, color=colour, ms=8, mec="black", ls="", label=f"should be {target}"
            )
        if wrong.any():
            left.plot(
                *X[wrong].T, "o", ms=17, mfc="none", mec=RED, mew=1.8, ls="", label="wrong with this line"
            )
        left.set(xlim=(low, high), ylim=(low, high), aspect="equal", xlabel="x1", ylabel="x2")
        left.set_title(
            f"{data}, after {len(mistakes)} epochs: {int(wrong.sum())} of {len(X)} wrong", fontsize=11
        )
        left.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=3, fontsize=8.5)
        right.plot(range(1, len(mistakes) + 1), mistakes, "o-", color=GREEN, ms=4)
        right.set(
            xlim=(0, 41),
            ylim=(-0.3, max(4, *mistakes, 4) + 0.7),
            xlabel="epoch",
            ylabel="mistakes in this epoch",
        )
        stopped = bool(mistakes) and mistakes[-1] == 0
        right.set_title(
            "it has stopped: an epoch without a mistake" if stopped else "mistakes per epoch", fontsize=11
        )
        alt = (
            f"Left: {len(X)} points of two kinds, the line that the perceptron rule has after {len(mistakes)} epochs. It gets "
            f"{int(wrong.sum())} of them wrong, which are ringed. Right: mistakes per epoch: {', '.join(map(str, mistakes)) or 'none yet'}."
        )
        caption = (
            f"Left, the line after {len(mistakes)} epochs; ringed points are on the wrong side of it. Right, the mistakes made during each epoch, "
            "while the line was moving. Choose other data: which curves reach 0, and which never do?"
        )
        return Picture(figure, alt, caption)

    explore(
        draw,
        data=choice("data", list(DATA)),
        n_epochs=slider("epochs", 3, 0, 40, 1),
    )


DATA = ("AND", "OR", "XOR", "two clouds with a gap", "two clouds that overlap")


def points_of(data: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the points and the right answers of one of the data sets by name."""
    if data in GATES:
        return INPUTS, np.array(GATES[data])
    if data == "two clouds with a gap":
        return gap_points(0.3, np.random.default_rng(7), 40)
    rng = np.random.default_rng(2)
    X = rng.normal(size=(40, 2)) * 0.75 + np.repeat([[-0.6, -0.4], [0.7, 0.5]], 20, axis=0)
    order = rng.permutation(40)
    return X[order], np.repeat([0, 1], 20)[order]


def gap_points(gap: float, rng: np.random.Generator, n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Return n points in a square, and on which side of the line 0.6 x1 + 0.8 x2 = 0.5 they lie.

    None of them is nearer to the line than half the gap.
    """
    X = rng.uniform(-2.5, 2.5, size=(40 * n, 2))
    distance = X @ np.array([0.6, 0.8]) - 0.5
    X, distance = X[np.abs(distance) >= gap / 2][:n], distance[np.abs(distance) >= gap / 2][:n]
    return X, (distance > 0).astype(int)


_ON_WHITE: dict[str, Any] = {
    "bbox": {"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.8}
}

_TABLE_NAMES: dict[tuple[int, ...], str] = {
    (0, 0, 0, 0): "always 0",
    (1, 1, 1, 1): "always 1",
    (0, 0, 0, 1): "AND",
    (0, 1, 1, 1): "OR",
    (1, 1, 1, 0): "NAND",
    (1, 0, 0, 0): "NOR",
    (0, 1, 1, 0): "XOR",
    (1, 0, 0, 1): "XNOR",
    (0, 0, 1, 1): "x1",
    (0, 1, 0, 1): "x2",
    (1, 1, 0, 0): "not x1",
    (1, 0, 1, 0): "not x2",
}


def _some_neuron(table: tuple[int, ...]) -> tuple[np.ndarray, float]:
    """Return a neuron whose line lies well between the 0s and the 1s of the table; w = 0 where it has only one kind."""
    ones, zeros = (INPUTS[np.array(table) == kind] for kind in (1, 0))
    w = ones.mean(axis=0) - zeros.mean(axis=0) if len(ones) and len(zeros) else np.zeros(2)
    if not w.any():
        return w, 0.0
    return w, -float((ones @ w).min() + (zeros @ w).max()) / 2


def _draw_line(axes: Any, w: np.ndarray, b: float, low: float, high: float, *, arrow: bool = True) -> None:
    """Draw where `x @ w + b` is 0, and the arrow w from the line's nearest point to the middle of the picture."""
    size = float(w @ w)
    if size == 0:
        return
    middle = np.full(2, (low + high) / 2)
    foot = middle - w * (middle @ w + b) / size
    along = np.array([-w[1], w[0]]) / np.sqrt(size) * 3 * (high - low)
    axes.plot(*zip(foot - along, foot + along, strict=True), color="black", lw=2, scalex=False, scaley=False)
    if arrow and np.all((foot > low) & (foot < high)):
        style = {"arrowstyle": "->", "color": GREEN, "lw": 2.2, "shrinkA": 0, "shrinkB": 0}
        tip = foot + w * min(1.0, 0.45 * (high - low) / np.sqrt(size))
        axes.annotate("", xy=tip, xytext=foot, arrowprops=style, annotation_clip=True)
        axes.annotate(
            "w",
            (foot + tip) / 2,
            xytext=(6, 6),
            textcoords="offset points",
            color=darkened(GREEN),
            clip_on=True,
            **_ON_WHITE,
        )


def _two_sides(
    axes: Any, perceptron: Callable[..., Any], w: np.ndarray, b: float, low: float, high: float
) -> None:
    """Hatch the side on which the neuron says 1."""
    ticks = np.linspace(low, high, 161)
    x1, x2 = np.meshgrid(ticks, ticks)
    says = np.asarray(perceptron(np.column_stack([x1.ravel(), x2.ravel()]), w, b)).reshape(x1.shape)
    if says.any():
        axes.contourf(x1, x2, says, levels=[0.5, 1.5], colors=["#FBE9C6"], hatches=["//"], zorder=0)


def _corner(axes: Any, x: np.ndarray, target: int, right: bool) -> None:
    axes.plot(*x, "o", ms=15, color=PURPLE if target else "white", mec="black", mew=1.5, zorder=3)
    axes.annotate(
        f"{x[0]}{x[1]}: {target}", x, xytext=(12, 8), textcoords="offset points", zorder=4, **_ON_WHITE
    )
    if not right:
        axes.plot(*x, "x", ms=24, color=RED, mew=3, zorder=4)


def _signed(value: float) -> str:
    """Return a number with its sign in front, as it stands in a sum: "+ 1", "− 0.5"."""
    return f"{'−' if value < 0 else '+'} {short(abs(value))}"
