"""Pictures of lesson 12. Each is drawn from what the learner's own functions return."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from handmade.figures.live import LossCurve
from handmade.figures.picture import (
    BLUE,
    GREY,
    ORANGE,
    Page,
    Picture,
    choice,
    explore,
    new_figure,
    short,
    slider,
)

__all__ = ["LossCurve", "batch", "continued", "descent", "schedule", "speed_run"]


def batch(get_batch: Callable[..., Any], ids: Tensor, vocabulary: Sequence[str]) -> None:
    """Show a batch of four rows of twelve characters, x above y, for a seed."""

    def text(row: Any) -> list[str]:
        return [{" ": "␣", "\n": "⏎"}.get(vocabulary[int(i)], vocabulary[int(i)]) for i in row]

    def draw(seed: int) -> Page:
        x, y = get_batch(ids, 4, 12, torch.Generator().manual_seed(seed))
        rows, plain = [], []
        for number, (given, wanted) in enumerate(zip(x, y, strict=True)):
            for name, row, colour in (("x", text(given), BLUE), ("y", text(wanted), ORANGE)):
                cells = "".join(
                    f'<td style="border:1px solid #8888;padding:0 0.45em;text-align:center">{html.escape(c)}</td>'
                    for c in row
                )
                label = f"row {number}, {name}"
                rows.append(
                    f'<tr><th style="text-align:left;padding-right:0.8em;border-left:4px solid {colour};'
                    f'padding-left:0.4em;font-weight:normal">{label}</th>{cells}</tr>'
                )
                plain.append(f"{label}  {''.join(row)}")
        body = f'<table style="font-family:monospace;border-collapse:collapse">{"".join(rows)}</table>'
        first, wanted = "".join(text(x[0])), "".join(text(y[0]))
        alt = (
            f"A batch of four rows, seed {seed}. Each row of y is its row of x, one character later: "
            f"row 0 of x is {first}, row 0 of y is {wanted}."
        )
        caption = (
            "At each place of a row, y holds the character that comes next (␣ is a space, ⏎ a new line). One row of twelve "
            "characters is twelve questions: what comes after the first, after the first two, and so on."
        )
        return Page(body, "\n".join(plain), alt, caption)

    explore(draw, seed=slider("seed", 0, 0, 20, 1))


def schedule(learning_rate: Callable[..., float]) -> None:
    """Show the learning rate of each step of a run of 1,200 steps with peak 0.003."""
    steps, peak = 1200, 0.003

    def draw(warmup: int, floor: float) -> Picture:
        places = range(0, steps + 101)
        rates = [learning_rate(step, warmup, steps, peak, floor * peak) for step in places]
        figure = new_figure(8.4, 3.4)
        axes = figure.subplots()
        axes.plot(places, rates, color=BLUE, lw=2.5)
        axes.axvline(warmup, color=GREY, ls=":", lw=1.5)
        axes.axvline(steps, color=GREY, ls="--", lw=1.5)
        axes.annotate(" warm-up ends", (warmup, peak * 1.07), color="0.3", fontsize=9)
        axes.annotate("step = steps ", (steps, peak * 1.07), color="0.3", fontsize=9, ha="right")
        axes.set(xlabel="step", ylabel="learning rate", xlim=(-15, steps + 100), ylim=(0, peak * 1.2))
        axes.grid(color="0.93")
        half = rates[(warmup + steps) // 2]
        rise = f"rises in a straight line to {peak} during {warmup} steps" if warmup else f"begins at {peak}"
        fall = (
            f"falls along half a wave, through {half:.5f} half-way, to {floor * peak:.5f} at step {steps:,}"
            if floor < 1
            else "does not fall, because the floor is the peak"
        )
        alt = f"The learning rate against the step. It {rise}, then {fall}, and stays there."
        caption = (
            f"Warm-up for {warmup} steps, then half a wave of the cosine, from {peak} to {floor * peak:.5f}. "
            "A wave is slow at both ends and steep in the middle."
        )
        return Picture(figure, alt, caption)

    explore(
        draw,
        warmup=slider("steps of warm-up", 50, 0, 600, 10),
        floor=slider("floor / peak", 0.1, 0.0, 1.0, 0.05),
    )


def descent(adamw_step: Callable[..., None]) -> None:
    """Show sixty steps of gradient descent and of AdamW in a valley that is steeper one way than the other."""
    start, n_steps = (-1.6, 0.9), 60

    def walk(kind: str, steepness: float, lr: float) -> list[tuple[float, float]]:
        slope = torch.tensor([1.0, steepness])
        w, state = torch.tensor(start), {}  # type: ignore[var-annotated]
        path = [start]
        for _ in range(n_steps):
            gradient = slope * w
            if kind == "AdamW":
                adamw_step(w, gradient, state, lr, (0.9, 0.95), 1e-8, 0.0)
            else:
                w = w - lr * gradient
            path.append((float(w[0]), float(w[1])))
        return path

    def draw(steepness: float, lr: float) -> Picture:
        figure = new_figure(9.4, 3.7)
        panels = figure.subplots(1, 2, sharey=True)
        across, up = np.meshgrid(np.linspace(-2, 2, 121), np.linspace(-1.2, 1.2, 81))
        told = []
        for axes, kind, colour in zip(panels, ("Gradient descent", "AdamW"), (ORANGE, BLUE), strict=True):
            path = np.array(walk(kind, steepness, lr))
            axes.contour(across, up, across**2 + steepness * up**2, levels=np.geomspace(0.02, 30, 9), colors="0.8", linewidths=0.8)  # fmt: skip
            seen = np.clip(path, -9, 9)
            axes.plot(seen[:, 0], seen[:, 1], color=colour, lw=1.5, marker="o", ms=3)
            axes.plot(0, 0, marker="*", ms=13, color="0.2", ls="none")
            axes.set(xlim=(-2, 2), ylim=(-1.2, 1.2), xlabel="flat direction, w[0]", title=kind)
            end = path[-1]
            left = math.hypot(*end)
            told.append(
                f"{kind} ends {'far outside' if not left < 10 else f'{left:.2f} from the lowest point'}"
            )
        panels[0].set_ylabel("steep direction, w[1]")
        alt = (
            f"Two panels with the valley's lines of equal loss, {short(steepness)} times as steep upwards as sideways, and the path of "
            f"{n_steps} steps at learning rate {lr:g}. {told[0]}; {told[1]}."
        )
        caption = (
            f"{n_steps} steps from the same start, learning rate {lr:g}; the star is the lowest point. {told[0]}, {told[1]}. "
            f"Gradient descent is thrown out of the valley from learning rate {2 / steepness:.3f} on; AdamW's first steps are as long in both directions."
        )
        return Picture(figure, alt, caption)

    explore(
        draw,
        steepness=slider("steepness", 30.0, 1.0, 100.0, 1.0),
        lr=slider("learning rate", 0.06, 0.01, 0.2, 0.01),
    )


def continued(model: nn.Module, ids: Sequence[int], n_new: int, seed: int = 0) -> list[int]:
    """Return the ids and n_new more, each drawn from the model's probabilities (lesson 13 makes this well, and fast)."""
    generator = torch.Generator().manual_seed(seed)
    device = next(model.parameters()).device
    n_seen: int = model.config.context_length  # type: ignore[union-attr, assignment]
    found, was_training = list(ids), model.training
    model.eval()
    with torch.no_grad():
        for _ in range(n_new):
            visible = torch.tensor([found[-n_seen:]], device=device)
            probabilities = torch.softmax(model(visible)[0, -1].float().cpu(), dim=-1)
            found.append(int(torch.multinomial(probabilities, 1, generator=generator)))
    model.train(was_training)
    return found


def speed_run(runs: Mapping[str, Sequence[tuple[int, float, float]]]) -> None:
    """Show the losses of several runs, each a list of (step, seconds, loss), and when each has the last loss of the first."""
    names = list(runs)
    plain = runs[names[0]]
    target = plain[-1][2]
    measures = {"seconds": 1, "steps": 0}

    def draw(against: str, look_at: str) -> Picture:
        place = measures[against]
        figure = new_figure(9.4, 4.2)
        axes = figure.subplots()
        for name in names:
            points = [(point[place], point[2]) for point in runs[name]]
            if name not in (names[0], look_at):
                axes.plot(*zip(*points, strict=True), color="0.75", lw=1.0)
        axes.plot(
            [p[place] for p in plain], [p[2] for p in plain], color=ORANGE, lw=2.2, ls="--", label=names[0]
        )
        seen = runs[look_at]
        axes.plot([p[place] for p in seen], [p[2] for p in seen], color=BLUE, lw=2.6, label=look_at)
        axes.axhline(target, color=GREY, ls=":", lw=1.3, label=f"{names[0]}, at its end: {target:.3f}")
        there = next((point for point in seen if point[2] <= target), None)
        if there:
            axes.plot(there[place], there[2], marker="o", ms=9, color=BLUE, ls="none")
        axes.set(xlabel=against, ylabel="loss on text kept apart", xlim=(0, None))
        axes.legend(frameon=False)
        axes.grid(color="0.93")
        axes.set_axisbelow(True)
        share = there[place] / plain[-1][place] if there else math.nan
        arrival = (
            f"{look_at} is at {names[0]}'s last loss, {target:.3f}, or below it after {short(there[place])} of its {against}: "
            f"{share:.2f} of what {names[0]} needs"
            if there
            else f"{look_at} never comes down to {names[0]}'s last loss, {target:.3f}; it ends at {seen[-1][2]:.3f}"
        )
        alt = f"The loss of {len(names)} runs against {against}. {arrival}."
        caption = f"{arrival}. Grey lines are the other runs. Compare steps with seconds: a step does not always cost the same."
        return Picture(figure, alt, caption)

    explore(
        draw, against=choice("against", list(measures)), look_at=choice("look at", [*names[1:], names[0]])
    )
