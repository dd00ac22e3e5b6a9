"""Pictures of lesson 04. Each is drawn from what the learner's own functions return."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from handmade.figures.picture import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    Picture,
    choice,
    darkened,
    explore,
    new_figure,
    short,
    slider,
)

HOURS = np.array([0.0, 0.5, 1.0, 1.5, 2.0, 2.5])
MARKS = np.array([0.8, 1.9, 1.7, 2.9, 3.4, 3.6])
CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
GATES = {
    "AND": np.array([0, 0, 0, 1]),
    "OR": np.array([0, 1, 1, 1]),
    "NAND": np.array([1, 1, 1, 0]),
    "XOR": np.array([0, 1, 1, 0]),
}
FAR_GROUP = "a far group"
_FAR_POINTS = np.array(
    [[0, 0.1], [0.2, 0.7], [0.4, 0.2], [0.3, 1.0], [0.9, 0.1], [1.0, 0.8], [3.6, 0.3], [3.8, 0.9], [3.9, 0.5]]
)
_FAR_TARGETS = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1])
METHODS = ("set by hand", "perceptron rule", "LMS", "least squares", "backpropagation")


def downhill(
    mse: Callable[..., Any], numerical_gradient: Callable[..., Any], gradient_descent: Callable[..., Any]
) -> None:
    """Show the loss of a line as a landscape over its two weights, and the steps of gradient descent in it."""

    def loss(w: np.ndarray) -> float:
        return float(mse(w[0] + w[1] * HOURS, MARKS))

    intercepts, slopes = np.linspace(-2.5, 5, 90), np.linspace(-1.5, 4.5, 90)
    heights = [[float(np.mean((b + m * HOURS - MARKS) ** 2)) for b in intercepts] for m in slopes]
    bottom = np.polyfit(HOURS, MARKS, 1)[::-1]
    rows = _with_ones(HOURS[:, None])
    limit = 2 / np.linalg.eigvalsh(2 / len(rows) * rows.T @ rows).max()  # longer steps lead away

    def draw(rate: float, steps: int) -> Picture:
        path = [np.array([4.0, -1.0])]
        for _ in range(steps):
            step = gradient_descent({"w": path[-1]}, {"w": numerical_gradient(loss, path[-1])}, rate)
            path.append(np.asarray(step["w"]))
        first, last = loss(path[0]), loss(path[-1])
        away = steps > 0 and rate > limit
        figure = new_figure(9.6, 4.4)
        left, right = figure.subplots(1, 2)
        left.contour(
            intercepts,
            slopes,
            heights,
            levels=[0.1, 0.3, 1, 2, 4, 8, 16, 32],
            colors="0.7",
            linewidths=0.9,
        )
        left.plot(*bottom, "*", color=GREEN, ms=15, label="lowest point")
        left.plot(
            *np.transpose(path), "o-", color=BLUE, ms=4, lw=1.2, label=f"your path, {_count(steps, 'step')}"
        )
        left.plot(*path[0], "s", color=ORANGE, ms=9, label="start")
        left.set(xlim=(-2.5, 5), ylim=(-1.5, 4.5), xlabel="intercept b", ylabel="slope m")
        left.set_title(f"loss {_short(first)} at the start, {_short(last)} now")
        left.legend(loc="upper right")
        ends = np.array([-0.1, 2.7])
        right.plot(HOURS, MARKS, "o", color=GREY, ms=7, label="the data")
        right.plot(
            ends, path[0][0] + path[0][1] * ends, "--", color=ORANGE, lw=2, label="the line at the start"
        )
        right.plot(ends, path[-1][0] + path[-1][1] * ends, color=BLUE, lw=2.5, label="the line now")
        right.set(
            xlim=ends,
            ylim=(-1, 6.5),
            xlabel="hours of practice",
            ylabel="mark",
            title="marks = b + m · hours",
        )
        right.legend(loc="upper right")
        if away:
            seen = "The steps are too long: each one lands on the other side of the valley, higher up than before."
        elif steps == 0:
            seen = "No step is made yet."
        else:
            seen = "The valley is narrow: across it the path comes down fast, along it slowly."
        alt = (
            f"Left: contour lines of the loss over intercept and slope, with a path of {_count(steps, 'step')} at learning rate "
            f"{rate:g} that starts at loss {_short(first)} and ends at {_short(last)}. Right: six data points, the line at the start, "
            f"and the line at the end of the path."
        )
        caption = f"Each point on the left is one line on the right. Rate {rate:g}, {_count(steps, 'step')}: the loss is {_short(last)}. {seen}"
        return Picture(figure, alt, caption)

    explore(
        draw,
        rate=slider("learning rate", 0.1, 0.02, 0.5, 0.01),
        steps=slider("steps", 10, 0, 60, 1),
    )


def graph(Value: Callable[..., Any]) -> None:
    """Show the expression tanh(a·b + a) as a graph, with each number and its gradient by the learner's Value."""
    places = {"a": (0, 1.35), "b": (0, 0), "p": (1, 0.3), "s": (2, 0.85), "result": (3, 0.85)}
    made = {"a": "a", "b": "b", "p": "p = a · b", "s": "s = p + a", "result": "result = tanh(s)"}

    def draw(a: float, b: float) -> Picture:
        values = {"a": Value(a), "b": Value(b)}
        values["p"] = values["a"] * values["b"]
        values["s"] = values["p"] + values["a"]
        values["result"] = values["s"].tanh()
        values["result"].backward()
        data = {name: float(value.data) for name, value in values.items()}
        grad = {name: float(value.grad) for name, value in values.items()}
        flat = 1 - data["result"] ** 2
        figure = new_figure(9.6, 3.9)
        axes = figure.subplots()
        axes.set(xlim=(-0.45, 3.45), ylim=(-0.45, 1.8))
        axes.axis("off")
        for start, end, slope in (
            ("a", "p", data["b"]),
            ("b", "p", data["a"]),
            ("p", "s", 1.0),
            ("a", "s", 1.0),
            ("s", "result", flat),
        ):
            tail, tip = np.array(places[start]), np.array(places[end])
            axes.annotate(
                "",
                xy=(tip[0], tip[1]),
                xytext=(tail[0], tail[1]),
                arrowprops={"arrowstyle": "-|>", "color": GREY, "lw": 1.5, "shrinkA": 42, "shrinkB": 46},
            )
            axes.text(
                (tail[0] + tip[0]) / 2,
                (tail[1] + tip[1]) / 2,
                f"× {short(slope)}",
                ha="center",
                va="center",
                color="0.15",
                fontsize=10,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
            )
        for name, (x, y) in places.items():
            axes.text(
                x,
                y,
                f"{made[name]}\ndata {short(data[name])}\ngrad {short(grad[name])}",
                ha="center",
                va="center",
                fontsize=10,
                bbox={"boxstyle": "round,pad=0.5", "facecolor": "#eef4fa", "edgecolor": BLUE},
            )
        alt = (
            f"A graph of five boxes for result = tanh(a·b + a), a = {short(a)}, b = {short(b)}. p = {short(data['p'])}, s = {short(data['s'])}, "
            f"result = {short(data['result'])}. Gradients: result 1, s {short(grad['s'])}, p {short(grad['p'])}, b {short(grad['b'])}, and a "
            f"{short(grad['a'])}, the sum of its two ways."
        )
        ways = f"{short(flat)} · {short(data['b'])} + {short(flat)} · 1"
        caption = (
            "Data is computed from left to right, gradients from right to left: on each arrow backwards multiply by the slope "
            f"that stands on it. Two arrows leave a, so its gradient is a sum: {ways} = {short(grad['a'])}. (All numbers are rounded.)"
        )
        return Picture(figure, alt, caption)

    explore(draw, a=slider("a", 0.5, -2.0, 2.0, 0.25), b=slider("b", -2.0, -3.0, 3.0, 0.25))


def starts(mlp_gradients: Callable[..., Any], gradient_descent: Callable[..., Any]) -> None:
    """Show the loss on XOR step by step, from six random starts of a size, for some number of hidden neurons."""
    n_seeds, n_steps = 6, 2000
    target = GATES["XOR"][:, None].astype(float)

    def draw(size: str, hidden: int) -> Picture:
        curves = np.array(
            [
                train(
                    CORNERS,
                    target,
                    mlp_gradients,
                    gradient_descent,
                    hidden=hidden,
                    size=float(size),
                    steps=n_steps,
                    seed=seed,
                )[1]
                for seed in range(n_seeds)
            ]
        )
        last = curves[:, -1]
        solved = int(np.sum(last < 0.01))
        lost = int(np.sum(~np.isfinite(last)))
        figure = new_figure(8.0, 4.4)
        axes = figure.subplots()
        styles = ["-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1))]
        with np.errstate(invalid="ignore"):
            shown = np.where(np.isfinite(curves), np.clip(curves, 1e-5, 20), np.nan)
        for seed, curve in enumerate(shown):
            axes.plot(curve, ls=styles[seed], lw=1.6, label=f"seed {seed}")
        plain = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 0.5}
        axes.axhline(0.25, color=GREY, lw=0.8)
        axes.text(
            n_steps, 0.27, "0.25: answers 0.5 to everything", ha="right", va="bottom", color=GREY, bbox=plain
        )
        axes.axhline(0.01, color=GREEN, lw=0.8)
        axes.text(
            n_steps,
            0.0108,
            "0.01: below this it counts as solved",
            ha="right",
            va="bottom",
            color=darkened(GREEN),
            bbox=plain,
        )
        axes.set(
            yscale="log", ylim=(1e-5, 20), xlim=(-20, n_steps), xlabel="step", ylabel="loss on XOR (log axis)"
        )
        axes.set_title(
            f"start size {size}, {_count(hidden, 'hidden neuron')}: {solved} of {n_seeds} starts solve XOR"
        )
        axes.legend(loc="upper right", ncols=3)
        alt = (
            f"Loss against step on a log axis, for six random starts of size {size} with {_count(hidden, 'hidden neuron')}. {solved} of the "
            f"six end below 0.01; the final losses are {', '.join(_short(x) for x in last)}."
        )
        overflow = f" {_count(lost, 'start')} ran away to infinity, where the line ends." if lost else ""
        caption = (
            f"Six starts, learning rate 0.3, 2,000 steps; weights drawn with standard deviation {size}. {solved} of 6 solve XOR.{overflow} "
            "Lines that reach the lower edge have a loss below 0.00001."
        )
        return Picture(figure, alt, caption)

    explore(
        draw,
        size=choice("size of the start", ["0.5", "0", "0.01", "0.1", "1", "3"]),
        hidden=slider("hidden neurons", 4, 1, 8, 1),
    )


def five_ways(
    lms: Callable[..., Any],
    least_squares: Callable[..., Any],
    mlp_gradients: Callable[..., Any],
    gradient_descent: Callable[..., Any],
) -> None:
    """Show what five ways to find weights make of the same data: the side of class 1, and the points they miss."""

    def draw(data: str) -> Picture:
        X, targets = points(data)
        deciders = ways(data, lms, least_squares, mlp_gradients, gradient_descent)
        low, high = X.min(axis=0) - 0.5, X.max(axis=0) + 0.5
        across, up = np.meshgrid(np.linspace(low[0], high[0], 120), np.linspace(low[1], high[1], 120))
        grid = np.column_stack([across.ravel(), up.ravel()])
        figure = new_figure(12.4, 3.4)
        panels = figure.subplots(1, len(METHODS), sharex=True, sharey=True)
        found = []
        for axes, name in zip(panels, METHODS, strict=True):
            decide = deciders[name]
            region = decide(grid).reshape(across.shape).astype(float)
            axes.contourf(across, up, region, levels=[0.5, 1.5], colors=["#d7e8f5"])
            if region.min() < region.max():
                axes.contour(across, up, region, levels=[0.5], colors=[BLUE], linewidths=1.5)
            wrong = decide(X) != targets
            found.append((name, int(wrong.sum())))
            for value, mark, colour in ((0, "o", ORANGE), (1, "s", BLUE)):
                axes.plot(*X[targets == value].T, mark, color=colour, ms=9, mec="black", ls="none")
            axes.plot(*X[wrong].T, "x", color="black", ms=17, mew=2, ls="none")
            axes.set(title=f"{name}\n{_misses(int(wrong.sum()))}", xlabel="first input")
        panels[0].set_ylabel("second input")
        listed = "; ".join(f"{name}: {_misses(count)}" for name, count in found)
        alt = f"Five panels with the same points ({data}). Each shows where one method answers 1. {listed}."
        caption = (
            f"{data}: circles want 0, squares want 1; in the shaded part a method answers 1, and a cross marks a point it gets wrong. "
            "The first four methods set one neuron, the last one a hidden layer of four. (No neuron does XOR, so there the first panel shows the hidden layer that lesson 03 set by hand.)"
        )
        return Picture(figure, alt, caption)

    explore(draw, data=choice("data", ["XOR", "AND", "OR", "NAND", FAR_GROUP]))


def points(data: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the points of a data set, one a row, and their targets, 0 or 1."""
    if data == FAR_GROUP:
        return _FAR_POINTS, _FAR_TARGETS
    return CORNERS, GATES[data]


def ways(
    data: str,
    lms: Callable[..., Any],
    least_squares: Callable[..., Any],
    mlp_gradients: Callable[..., Any],
    gradient_descent: Callable[..., Any],
) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Return five deciders for a data set, by the method that found their weights: each says 0 or 1 for rows of points."""
    X, targets = points(data)
    rows = _with_ones(X)
    params, _ = train(
        X,
        targets[:, None].astype(float),
        mlp_gradients,
        gradient_descent,
        hidden=4,
        size=0.5,
        rate=0.1,
        seed=0,
    )

    def network(Z: np.ndarray) -> np.ndarray:
        answer = np.tanh(Z @ params["W1"] + params["b1"]) @ params["W2"] + params["b2"]
        return (answer[:, 0] > 0.5).astype(int)

    return {
        "set by hand": lambda Z: _by_hand(data, Z),
        "perceptron rule": _line(_perceptron_rule(rows, targets), 0.0),
        "LMS": _line(np.asarray(lms(rows, targets, 0.05, 200)), 0.5),
        "least squares": _line(np.asarray(least_squares(rows, targets)), 0.5),
        "backpropagation": network,
    }


def train(
    X: np.ndarray,
    y: np.ndarray,
    mlp_gradients: Callable[..., Any],
    gradient_descent: Callable[..., Any],
    *,
    hidden: int,
    size: float,
    seed: int,
    rate: float = 0.3,
    steps: int = 2000,
) -> tuple[dict[str, np.ndarray], list[float]]:
    """Return a network trained by the learner's own two functions, and its loss before each step."""
    rng = np.random.default_rng(seed)
    params = {
        "W1": size * rng.normal(size=(2, hidden)),
        "b1": np.zeros(hidden),
        "W2": size * rng.normal(size=(hidden, 1)),
        "b2": np.zeros(1),
    }
    losses: list[float] = []
    with np.errstate(all="ignore"):
        for _ in range(steps):
            prediction = np.tanh(X @ params["W1"] + params["b1"]) @ params["W2"] + params["b2"]
            losses.append(float(np.mean((prediction - y) ** 2)))
            if not np.isfinite(losses[-1]):
                return params, losses + [np.inf] * (steps - len(losses))
            params = gradient_descent(params, mlp_gradients(X, y, params), rate)
    return params, losses


def _perceptron_rule(rows: np.ndarray, targets: np.ndarray, epochs: int = 100) -> np.ndarray:
    w = np.zeros(rows.shape[1])
    for _ in range(epochs):
        for x, target in zip(rows, targets, strict=True):
            w = w + (target - int(x @ w > 0)) * x
    return w


def _by_hand(data: str, Z: np.ndarray) -> np.ndarray:
    total = Z[:, 0] + Z[:, 1]
    either, both = total > 0.5, total > 1.5
    if data == FAR_GROUP:
        return (Z[:, 0] > 0.65).astype(int)
    return {"AND": both, "OR": either, "NAND": ~both, "XOR": either & ~both}[data].astype(int)


def _line(w: np.ndarray, threshold: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda Z: (_with_ones(Z) @ w > threshold + 1e-9).astype(int)


def _with_ones(X: np.ndarray) -> np.ndarray:
    return np.column_stack([X, np.ones(len(X))])


def _misses(count: int) -> str:
    return "no mistake" if count == 0 else _count(count, "mistake")


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _short(value: float) -> str:
    return "infinity" if not np.isfinite(value) else f"{value:.2g}" if value < 1000 else f"{value:.1e}"
