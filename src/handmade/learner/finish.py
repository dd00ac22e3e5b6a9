"""The page at the end of the course: the learner's own GPT, the curve of its training and what it wrote.

keep_run(model, losses, sample)   in lesson 12, after the training: keep what the page will show
finish()                          at the end: write `my_gpt.html`, one file that shows everywhere and asks no network
"""

from __future__ import annotations

import dataclasses
import datetime
import html
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from handmade.checks.message import Message
from handmade.checks.result import Shown
from handmade.learner import overview, parts, progress
from handmade.learner.origin import repository

RUN = "run.json"  # in the folder .handmade
PAGE = "my_gpt.html"
MOST_POINTS = 300  # of the curve: more than a page is wide would not be seen
WIDTH, HEIGHT, LEFT, BOTTOM = 640, 260, 46, 34  # of the curve, in pixels; its margins

STYLE = """
:root { color-scheme: light dark; background: Canvas; color: CanvasText; }
body { font: 17px/1.55 Georgia, serif; max-width: 44rem; margin: 2.5rem auto; padding: 0 1rem; }
h1 { font-size: 2.1rem; margin: 0; } h2 { margin-top: 2.2rem; }
blockquote { font-size: 1.15rem; white-space: pre-wrap; border-left: 4px solid #0072B2; margin: 1.2rem 0; padding: 0.2rem 1rem; }
pre { font-size: 0.8rem; overflow-x: auto; border: 1px solid #7a7a7a; border-radius: 4px; padding: 0.8rem; }
svg { width: 100%; height: auto; } svg text { font: 13px sans-serif; fill: currentColor; }
ol.stages { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: 0.4rem; }
ol.stages li { border: 1px solid #7a7a7a; border-radius: 4px; padding: 0.3rem 0.7rem; font: 14px/1.4 sans-serif; }
ol.stages li + li::before { content: "→ "; }
table { border-collapse: collapse; } th, td { text-align: left; padding: 0.15rem 1.2rem 0.15rem 0; }
"""


@dataclasses.dataclass(frozen=True)
class Run:
    """A training run as it is kept: the model's sizes, its losses, levels to compare them with, and a text that it wrote."""

    sizes: dict[str, Any]
    n_parameters: int
    steps: int
    losses: list[float]  # at most MOST_POINTS, evenly over the steps; each a mean
    levels: dict[str, float]
    sample: str


def keep_run(
    model: Any, losses: Sequence[float], sample: str, levels: Mapping[str, float] | None = None
) -> Shown:
    """Keep a training run for the page at the end. A later run takes its place.

    `losses` has one number a step, `levels` are losses to compare with, by name. Raises ValueError where there are no losses.
    """
    if not len(losses):
        raise ValueError("expected the losses of a training run, got none")
    sizes = {key: value for key, value in vars(model.config).items() if isinstance(value, int)}
    n_parameters = sum(p.numel() for p in model.parameters())
    run = Run(sizes, n_parameters, len(losses), _thinned(losses), dict(levels or {}), str(sample))
    folder = progress.root()
    if folder is None:
        return Shown(Message("○", "nothing is kept: there is no record here"))
    progress.write_whole(
        folder / progress.FOLDER / RUN, json.dumps(dataclasses.asdict(run), ensure_ascii=False) + "\n"
    )
    return Shown(Message("●", "this run is kept for the page at the end of the course"))


def finish(name: str = "") -> Shown:
    """Write the page `my_gpt.html` beside the lessons, with your name on it if you give one; say where it is, or what is missing."""
    folder = progress.root()
    if folder is None:
        return _missing("The page is made in the folder that `handmade start` has filled.")
    try:
        run = Run(**json.loads((folder / progress.FOLDER / RUN).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return _missing(
            "No training run is kept yet. Train the model of lesson 12 on the book, and run the cell with `check.keep_run`."
        )
    progress.write_whole(folder / PAGE, page(run, folder, name))
    then = overview.next_step(overview.overview())
    more = (
        f"The course goes on with `{then[1]}`."
        if then
        else "The course is finished: show the page to somebody."
    )
    says = f"It is {folder / PAGE}: one file, which every browser opens. {more}"
    return Shown(Message("●", "the page of your GPT is written", (("prose", says),)))


def _missing(what: str) -> Shown:
    return Shown(Message("○", "there is no page yet", (("prose", what),)))


def page(run: Run, folder: Path, name: str = "") -> str:
    """Return the page as HTML: the text, the curve, the stages, what was written by hand, and all of its code."""
    lessons = overview.overview()
    rows = parts.table()
    yours = [part for _, part, state in rows if state == "yours"]
    modules = sorted(path for path in (folder / parts.PACKAGE).glob("[!_]*.py"))
    code = {path.stem: path.read_text(encoding="utf-8") for path in modules}
    n_lines = sum(bool(line.strip()) for text in code.values() for line in text.splitlines())
    who = f" by {html.escape(name.strip())}" if name.strip() else ""
    done = sum(lesson.passed for lesson in lessons)
    of = sum(len(lesson.exercises) for lesson in lessons)
    minutes = sum(lesson.minutes for lesson in lessons)
    about = [
        ("parts written by hand", f"{len(yours)} of {len(rows)}"),
        ("exercises passed", f"{done} of {of}"),
        ("lines of code in it", f"{n_lines:,}"),
        ("time with the exercises", f"{minutes / 60:.1f} hours"),
    ]
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>A GPT, handmade{who}</title><style>{STYLE}</style></head><body><main>",
            f"<h1>A GPT, handmade{who}</h1>",
            f"<p>{_today()} · {run.n_parameters:,} parameters</p>",
            f"<blockquote>{html.escape(run.sample)}</blockquote>",
            "<p>The model wrote this, one token after the other.</p>",
            f"<h2>How it learned</h2>{curve(run)}",
            f"<h2>What it is made of</h2>{_stages(run)}",
            "<table><tbody>",
            *(f'<tr><th scope="row">{key}</th><td>{value}</td></tr>' for key, value in about),
            "</tbody></table>",
            "<h2>Its code</h2>",
            *(
                f'<details><summary>{module}.py</summary><pre tabindex="0">{html.escape(text)}</pre></details>'
                for module, text in code.items()
            ),
            f'<p>Made with <a href="{html.escape(repository())}">Handmade GPT</a>, a course in which you write every part.</p>',
            "</main></body></html>\n",
        ]
    )


def curve(run: Run) -> str:
    """Return the training's losses as an SVG: from left to right the steps, upwards the loss."""
    top = max([*run.losses, *run.levels.values()]) * 1.05

    def at(share: float, loss: float) -> str:
        return f"{LEFT + share * (WIDTH - LEFT - 8):.1f},{(1 - loss / top) * (HEIGHT - BOTTOM):.1f}"

    n = max(1, len(run.losses) - 1)
    line = " ".join(at(i / n, loss) for i, loss in enumerate(run.losses))
    levels = ""
    for name, level in run.levels.items():
        (left, y), (right, _) = at(0, level).split(","), at(1, level).split(",")
        levels += (
            f'<line x1="{left}" y1="{y}" x2="{right}" y2="{y}" stroke="currentColor" stroke-dasharray="3 4"/>'
            f'<text x="{right}" y="{float(y) - 4:.1f}" text-anchor="end">{html.escape(name)}: {level:.2f}</text>'
        )
    ticks = "".join(
        f'<text x="{LEFT - 6}" y="{float(at(0, tick).split(",")[1]) + 4:.1f}" text-anchor="end">{tick}</text>'
        for tick in range(int(top) + 1)
    )
    x_axis = (
        f'<line x1="{LEFT}" y1="{HEIGHT - BOTTOM}" x2="{WIDTH - 8}" y2="{HEIGHT - BOTTOM}" stroke="currentColor"/>'
        f'<text x="{LEFT}" y="{HEIGHT - 12}">step 1</text>'
        f'<text x="{WIDTH - 8}" y="{HEIGHT - 12}" text-anchor="end">step {run.steps:,}</text>'
    )
    compared = "".join(f" {name}: {level:.2f}." for name, level in run.levels.items())
    alt = f"The loss over {run.steps:,} steps, from {run.losses[0]:.2f} to {run.losses[-1]:.2f}.{compared}"
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{html.escape(alt, quote=True)}">{ticks}{x_axis}{levels}'
        f'<polyline points="{line}" fill="none" stroke="#0072B2" stroke-width="2.5"/></svg>'
        f"<p>The loss went from {run.losses[0]:.2f} to {run.losses[-1]:.2f} in {run.steps:,} steps.</p>"
    )


def _stages(run: Run) -> str:
    """Return the way of a text through the model, with its sizes."""
    size = {
        "n_layers": "?",
        "n_heads": "?",
        "d_model": "?",
        "vocab_size": "?",
        "context_length": "?",
    } | run.sizes
    stages = [
        f"{size['context_length']} tokens of {size['vocab_size']} kinds",
        f"vectors of {size['d_model']} numbers, and positions",
        f"{size['n_layers']} × (attention with {size['n_heads']} heads, then an MLP)",
        f"{size['vocab_size']} logits",
        "probabilities",
    ]
    return f'<ol class="stages">{"".join(f"<li>{stage}</li>" for stage in stages)}</ol>'


def _thinned(losses: Sequence[float]) -> list[float]:
    """Return at most MOST_POINTS losses, each the mean of a stretch of them."""
    numbers = [float(loss) for loss in losses]
    n = min(MOST_POINTS, len(numbers))
    edges = [round(i * len(numbers) / n) for i in range(n + 1)]
    return [sum(numbers[a:b]) / (b - a) for a, b in itertools.pairwise(edges)]


def _today() -> str:
    today = datetime.date.today()
    return f"{today.day} {today:%B %Y}"
