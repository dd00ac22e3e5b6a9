"""A loss curve that grows while a model trains, in one place of the notebook; lines of text where nothing can be redrawn.

curve = LossCurve(config.steps, tokens_per_step=1024, levels={"a bigram": 2.47})
losses = train(model, ids, config, curve)
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from IPython.display import display

from handmade.figures.picture import BLUE, GREY, ORANGE, PURPLE, Picture, new_figure, short

SECONDS_BETWEEN = 0.5  # pictures follow each other no faster
SHARE_FOR_DRAWING = 0.08  # of the time at most: on a slow machine pictures come less often
SECONDS_BETWEEN_LINES = 5.0  # where lines of text are printed instead


class LossCurve:
    """Call it after each step, `curve(step, loss)`: it is an `on_step` for `train`, and draws at most twice a second.

    `levels` are losses to compare with, by name; `measure(name, step, loss)` adds a point of another measurement.
    It draws no random number, and so changes no loss.
    """

    def __init__(
        self,
        steps: int,
        tokens_per_step: int,
        levels: Mapping[str, float] | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.steps = steps
        self.tokens_per_step = tokens_per_step
        self.levels = dict(levels or {})
        self.losses: dict[int, float] = {}
        self.measured: dict[str, dict[int, float]] = {}
        self._clock = clock
        self._first: tuple[int, float] | None = None  # the first step seen, and when
        self._next = 0.0
        self._place: Any = None  # what is displayed, once it is

    def __call__(self, step: int, loss: float) -> None:
        """Take in the loss of a step, and show the curve where it is time to, and at the end."""
        now = self._clock()
        if self._first is None:
            self._first = (step, now)
        self.losses[step] = float(loss)
        if now >= self._next or step + 1 >= self.steps:
            self._show(now)

    def measure(self, name: str, step: int, loss: float) -> None:
        """Add a loss that was measured at this step on something else, such as text that is kept apart."""
        self.measured.setdefault(name, {})[step] = float(loss)
        if step + 1 >= self.steps and self.losses:
            self._show(self._clock())

    def line(self) -> str:
        """Return where the training is, as one line of text."""
        if not self.losses or self._first is None:
            return f"no step of {self.steps:,} yet"
        step = max(self.losses)
        parts = [f"step {step + 1:,} of {self.steps:,}", f"loss {self._smooth()[-1]:.3f}"]
        since, seconds = step - self._first[0], self._clock() - self._first[1]
        if since and seconds > 0:
            parts.append(f"{self.tokens_per_step * since / seconds:,.0f} tokens per second")
            left = seconds / since * (self.steps - step - 1)
            parts.append(
                f"about {_duration(left)} left" if step + 1 < self.steps else f"took {_duration(seconds)}"
            )
        return " · ".join(parts)

    def picture(self) -> Picture:
        """Return the curve as it stands."""
        steps, smooth = list(self.losses), self._smooth()
        figure = new_figure(8.4, 3.6)
        axes = figure.subplots()
        axes.plot(steps, list(self.losses.values()), color="0.8", lw=0.8, label="each batch")
        axes.plot(steps, smooth, color=BLUE, lw=2.2, label="mean of the last batches")
        for (name, points), colour, marker in zip(
            self.measured.items(), (ORANGE, PURPLE, GREY) * 3, "sD^osD^os", strict=False
        ):
            axes.plot(
                list(points), list(points.values()), color=colour, marker=marker, ls="--", lw=1.2, label=name
            )
        for (name, level), style in zip(self.levels.items(), (":", "-.", "--") * 3, strict=False):
            axes.axhline(level, color=GREY, ls=style, lw=1.3, label=f"{name}: {short(level)}")
        axes.set(xlabel="step", ylabel="loss", xlim=(0, self.steps), ylim=(0, None))
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=9)
        axes.grid(color="0.93")
        axes.set_axisbelow(True)
        compared = "".join(f" {name}: {short(level)}." for name, level in self.levels.items())
        others = "".join(
            f" {name}: from {short(next(iter(points.values())))} to {short(list(points.values())[-1])}."
            for name, points in self.measured.items()
        )
        alt = (
            f"The loss of each step, of {self.steps:,}. It goes from {short(smooth[0])} at step {steps[0]:,} to "
            f"{short(smooth[-1])} at step {steps[-1]:,} (means of the last batches).{others}{compared}"
        )
        return Picture(figure, alt, self.line())

    def _smooth(self) -> list[float]:
        """Return for each step the mean of its own loss and those before it, of a fiftieth of all steps."""
        losses, width = list(self.losses.values()), max(1, self.steps // 50)
        means, total = [], 0.0
        for i, loss in enumerate(losses):
            total += loss - (losses[i - width] if i >= width else 0.0)
            means.append(total / min(i + 1, width))
        return means

    def _show(self, now: float) -> None:
        if not _has_front_end():
            print(self.line())
            self._next = now + SECONDS_BETWEEN_LINES
            return
        bundle = self.picture().bundle()
        if self._place is None:
            self._place = display(bundle, raw=True, display_id=True)
        else:
            self._place.update(bundle, raw=True)
        drawing = self._clock() - now
        self._next = now + max(SECONDS_BETWEEN, drawing / SHARE_FOR_DRAWING)


def _has_front_end() -> bool:
    """Return whether a notebook is there, which can put a new picture in the place of an old one."""
    shell = sys.modules["IPython"].get_ipython()
    return getattr(shell, "kernel", None) is not None


def _duration(seconds: float) -> str:
    """Return a time in words: "40 s", "2 min 5 s"."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"
