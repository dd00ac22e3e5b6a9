"""Pictures of lesson 13: darts, filters on a real distribution, what is computed twice, time and memory; and a model to talk to."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets
import numpy as np
import torch
from matplotlib.patches import Rectangle

from handmade.figures.picture import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    Page,
    Picture,
    choice,
    explore,
    new_figure,
    short,
    show_with_widgets,
    slider,
)
from handmade.figures.picture import text as line_of_text
from handmade.reference import generation as reference
from handmade.reference.cached_gpt import CachedGPT
from handmade.reference.gpt import GPTConfig, count_parameters

TOKENS_SHOWN = 18
PROMPTS = ["The white whale", "Call me", "the captain of the", "It was a"]


def _shown(token: str) -> str:
    """Return a token as it can be seen: its space as ␣, its line break as ↵."""
    return token.replace(" ", "␣").replace("\n", "↵") or "(nothing)"


def darts(sample: Callable[..., Any]) -> None:
    """Show the line from 0 to 1 that the tokens share, and how often each was drawn by the learner's `sample`."""
    tokens = ["the", "a", "his", "whales", "ink"]
    shares = {"even": [0.3, 0.25, 0.2, 0.15, 0.1], "peaked": [0.8, 0.1, 0.05, 0.04, 0.01]}
    colours = (BLUE, ORANGE, GREEN, PURPLE, RED)

    def draw(n: str, probabilities: str, seed: int) -> Picture:
        p = torch.tensor(shares[probabilities])
        generator = torch.Generator().manual_seed(seed)
        drawn = np.bincount([int(sample(p.clone(), generator)) for _ in range(int(n))], minlength=len(tokens))
        figure = new_figure(9.2, 4.2)
        line, bars = figure.subplots(2, 1, height_ratios=[1, 2.6])
        start = 0.0
        for token, share, colour in zip(tokens, p.tolist(), colours, strict=True):
            line.barh(0, share, left=start, color=colour, alpha=0.55, edgecolor="white")
            if share >= 0.04:
                line.text(start + share / 2, 0, token, ha="center", va="center", fontsize=10)
            start += share
        line.set(
            xlim=(0, 1), title="the line from 0 to 1: each token owns a stretch as long as its probability"
        )
        line.set_yticks([])
        places = np.arange(len(tokens))
        bars.bar(places - 0.2, p.tolist(), 0.38, color=colours, alpha=0.55, label="probability")
        bars.bar(
            places + 0.2,
            drawn / int(n),
            0.38,
            color=colours,
            hatch="//",
            edgecolor="white",
            label="share of the draws",
        )
        for place, count in zip(places, drawn, strict=True):
            bars.text(place + 0.2, count / int(n) + 0.01, f"{count}", ha="center", fontsize=9)
        bars.set_xticks(places, tokens)
        bars.set(ylabel="share", ylim=(0, 1.15 * max(float(p.max()), drawn.max() / int(n))))
        bars.legend(loc="upper right", frameon=False)
        furthest = float(np.abs(drawn / int(n) - p.numpy()).max())
        told = ", ".join(
            f"{token} {count} of {n} ({short(share)})"
            for token, count, share in zip(tokens, drawn, p.tolist(), strict=True)
        )
        alt = f"Five tokens share the line from 0 to 1. Drawn with seed {seed}, with the probability in brackets: {told}."
        caption = (
            f"{n} random numbers, {n} tokens. The largest difference between share and probability is {furthest:.3f}. "
            "With a hundred times as many draws it is about ten times smaller, on average."
        )
        return Picture(figure, alt, caption)

    explore(
        draw,
        n=choice("draws", ["100", "10", "1000", "10000"]),
        probabilities=choice("probabilities", list(shares)),
        seed=slider("random seed", 0, 0, 9, 1),
    )


def filters(
    model: Any,
    tokenizer: Any,
    top_k_filter: Callable[..., Any] = reference.top_k_filter,
    top_p_filter: Callable[..., Any] = reference.top_p_filter,
) -> None:
    """Show what temperature, top-k and top-p make of the model's next tokens, by the learner's filters."""
    known = {prompt: _last_logits(model, tokenizer, prompt) for prompt in PROMPTS}
    everything = "all"

    def draw(prompt: str, temperature: float, top_k: str, top_p: float) -> Picture:
        logits = known[prompt]
        before = logits.softmax(-1)
        kept = logits / temperature
        warmed = kept.softmax(-1)
        kept = kept if top_k == everything else top_k_filter(kept, int(top_k))
        kept = kept if top_p == 1 else top_p_filter(kept, top_p)
        after = kept.softmax(-1)
        order = before.argsort(descending=True)
        best = order[:TOKENS_SHOWN].tolist()
        n_kept, beyond = int((after > 0).sum()), float(after[order[TOKENS_SHOWN:]].sum())
        figure = new_figure(11.4, 5.4)
        bars, sums = figure.subplots(1, 2, width_ratios=[1.35, 1])
        rows = np.arange(len(best))
        bars.barh(
            rows, before[best].tolist(), 0.85, color="none", edgecolor=GREY, lw=1.2, label="the model's own"
        )
        bars.barh(rows, after[best].tolist(), 0.5, color=BLUE, label="after your settings")
        dropped = [row for row, token in zip(rows, best, strict=True) if after[token] == 0]
        bars.plot(
            [0] * len(dropped), dropped, "x", color=RED, ms=7, mew=2, clip_on=False, label="dropped", ls=""
        )
        bars.set_yticks(rows, [_shown(tokenizer.decode([token])) for token in best])
        bars.invert_yaxis()
        bars.set(xlabel="probability of the next token", title=f"after “{prompt}”")
        bars.legend(loc="lower right")
        ranks = np.arange(1, len(before) + 1)
        for values, style, label in (
            (before, "--", "the model's own"),
            (warmed, "-", f"temperature {short(temperature)}"),
        ):
            sums.plot(
                ranks,
                values.sort(descending=True).values.cumsum(-1),
                style,
                color=GREY if style == "--" else BLUE,
                label=label,
            )
        if top_p < 1:
            sums.axhline(top_p, color=ORANGE, ls="-.", label=f"top_p {short(top_p)}")
        if top_k != everything:
            sums.axvline(int(top_k), color=GREEN, ls=":", lw=2, label=f"top_k {top_k}")
        sums.set(
            xscale="log",
            xlabel="number of tokens, likeliest first",
            ylabel="probability together",
            ylim=(0, 1.03),
            title=f"{n_kept:,} of {len(before):,} tokens can come",
        )
        sums.grid(color="0.92")
        sums.legend(loc="lower right")
        first, second = (_shown(tokenizer.decode([token])) for token in best[:2])
        settings = f"temperature {short(temperature)}, top_k {top_k}, top_p {short(top_p)}"
        alt = (
            f"Next tokens after “{prompt}” at {settings}. {n_kept:,} of {len(before):,} tokens can come. The likeliest, “{first}”, goes from {float(before[best[0]]):.3f} to "
            f"{float(after[best[0]]):.3f}, the second, “{second}”, from {float(before[best[1]]):.3f} to {float(after[best[1]]):.3f}. All tokens that are not shown have {beyond:.3f} together."
        )
        caption = (
            f"{settings}: {n_kept:,} tokens can come, and those beyond the {TOKENS_SHOWN} that are shown share {beyond:.0%}. "
            "Which slider changes who may come, and which one only how often?"
        )
        return Picture(figure, alt, caption)

    explore(
        draw,
        prompt=choice("prompt", PROMPTS),
        temperature=slider("temperature", 1.0, 0.1, 2.0, 0.1),
        top_k=choice("top_k", [everything, "40", "10", "3", "1"]),
        top_p=slider("top_p", 1.0, 0.05, 1.0, 0.05),
    )


def _last_logits(model: Any, tokenizer: Any, prompt: str) -> torch.Tensor:
    ids = torch.tensor([tokenizer.encode(prompt)[-model.config.context_length :]])
    device = next((parameter.device for parameter in model.parameters()), ids.device)
    with torch.no_grad():
        logits: torch.Tensor = model(ids.to(device))[0, -1].float().cpu()
    return logits


def work() -> None:
    """Show which positions are computed in each step of writing, with a cache and without."""

    def draw(n_prompt: int, n_new: int, cache: str) -> Picture:
        with_cache = cache == "with a cache"
        figure = new_figure(9.4, 4.6)
        axes = figure.subplots()
        done = 0
        for step in range(n_new):
            for position in range(n_prompt + step):
                again = step > 0 and position < n_prompt + step - 1
                if again and with_cache:
                    axes.add_patch(Rectangle((position, step), 1, 1, fc="white", ec=GREY, lw=0.6))
                    axes.plot(position + 0.5, step + 0.5, ".", color=GREY, ms=4)
                    continue
                done += 1
                axes.add_patch(
                    Rectangle(
                        (position, step),
                        1,
                        1,
                        fc=ORANGE if again else BLUE,
                        ec="white",
                        lw=0.6,
                        hatch="//" if again else "",
                    )
                )
        total = n_prompt + n_new - 1
        axes.set(
            xlim=(0, total), ylim=(n_new, 0), xlabel="position in the text", ylabel="step: the token that is being chosen",
            title=f"{cache}: {done} positions computed for {n_new} new token{'s' * (n_new > 1)}",
        )  # fmt: skip
        ticks = np.arange(0, total, max(1, total // 12))
        axes.set_xticks(ticks + 0.5, ticks)
        rows = np.arange(0, n_new, max(1, n_new // 8))
        axes.set_yticks(rows + 0.5, rows + 1)
        handles = [
            Rectangle((0, 0), 1, 1, fc=BLUE),
            Rectangle((0, 0), 1, 1, fc=ORANGE, hatch="//", ec="white"),
            Rectangle((0, 0), 1, 1, fc="white", ec=GREY),
        ]
        axes.legend(
            handles,
            ["for the first time", "again, with the same result", "read from the cache (·)"],
            loc="upper right",
            bbox_to_anchor=(1, -0.14),
            ncols=3,
            frameon=False,
        )
        axes.set_axisbelow(True)
        alt = f"A table of steps and positions, prompt tokens: {n_prompt}, new tokens: {n_new}, {cache}. Positions that are computed: {done}, of them for the first time: {total}."
        caption = (
            f"Each row is one step. Positions that are computed: {done}, of them {total} for the first time"
            + (
                ", none again."
                if with_cache
                else f", and {done - total} again, with the same keys and values as before."
            )
            + " What happens to the number when there are twice as many new tokens?"
        )
        return Picture(figure, alt, caption)

    explore(
        draw,
        n_prompt=slider("prompt tokens", 4, 1, 12, 1),
        n_new=slider("new tokens", 12, 1, 24, 1),
        cache=choice("cache", ["without a cache", "with a cache"]),
    )


def mask_rows() -> None:
    """Show which rows of the whole text's mask belong to new queries."""

    def draw(n_before: int, n_new: int) -> Picture:
        n = n_before + n_new
        figure = new_figure(6.6, 5.0)
        axes = figure.subplots()
        for query in range(n):
            for key in range(n):
                new, seen = query >= n_before, key <= query
                colour = "white" if not seen else BLUE if new else "0.86"
                axes.add_patch(Rectangle((key, query), 1, 1, fc=colour, ec=GREY, lw=0.7))
                axes.text(
                    key + 0.5, query + 0.5, "✓" if seen else "·", ha="center", va="center",
                    color="white" if new and seen else GREY, fontsize=10, fontfamily="DejaVu Sans",
                )  # fmt: skip
        axes.add_patch(Rectangle((0, n_before), n, n_new, fc="none", ec=RED, lw=2.5))
        if n_before:
            axes.axvline(n_before, color=RED, ls="--", lw=1.5)
        axes.set(
            xlim=(0, n),
            ylim=(n, 0),
            xlabel="key: " + ("in the cache | new" if n_before else "new"),
            ylabel="query",
            aspect="equal",
            title=f"{n_before} in the cache, {n_new} new",
        )
        axes.set_xticks(np.arange(n) + 0.5, np.arange(n))
        axes.set_yticks(np.arange(n) + 0.5, np.arange(n))
        alt = f"The causal mask of a text, positions in the cache: {n_before}, new: {n_new}. The rows of the new queries are framed; the first of them sees keys up to number {n_before}, the last up to {n - 1}."
        caption = (
            f"Framed: what the {n_new} new quer{'y' if n_new == 1 else 'ies'} may see. The grey rows were needed in earlier steps. "
            + (
                "With one new query every key is allowed: no mask is needed."
                if n_new == 1
                else "The new queries do not all see the same."
            )
        )
        return Picture(figure, alt, caption)

    explore(draw, n_before=slider("in the cache", 4, 0, 8, 1), n_new=slider("new positions", 2, 1, 6, 1))


def time_curves(lengths: Sequence[int], without: Sequence[float], with_cache: Sequence[float]) -> None:
    """Show the measured milliseconds of one more token, for texts of these lengths."""
    x = np.asarray(lengths, dtype=float)
    times = {
        "without a cache": np.asarray(without, dtype=float),
        "with a cache": np.asarray(with_cache, dtype=float),
    }

    def draw(shown: str, axes_are: str) -> Picture:
        figure = new_figure(8.6, 4.4)
        axes = figure.subplots()
        ends = {}
        for (name, values), style, colour in zip(times.items(), ("o--", "s-"), (ORANGE, BLUE), strict=True):
            if shown == "the whole text so far":  # the area under the curve
                steps = np.diff(x, prepend=0)
                before = np.concatenate([values[:1], values[:-1]])
                values = np.cumsum(steps * (values + before) / 2)
            axes.plot(x, values, style, color=colour, label=name)
            ends[name] = values[-1]
        axes.set(
            xlabel="tokens in the text", ylabel=f"milliseconds for {shown}", title="measured in your notebook"
        )
        if axes_are == "logarithmic":
            axes.set(xscale="log", yscale="log")
            axes.set_xticks(x, [f"{n:g}" for n in x])
            axes.minorticks_off()
        else:
            axes.set(xlim=(0, None), ylim=(0, None))
        axes.grid(color="0.92")
        axes.legend()
        ratio = ends["without a cache"] / ends["with a cache"]
        alt = (
            f"Milliseconds for {shown} against the length of the text, {axes_are} axes. At {x[-1]:g} tokens {ends['without a cache']:.2f} without a cache and "
            f"{ends['with a cache']:.2f} with one: {ratio:.1f} times."
        )
        caption = f"At {x[-1]:g} tokens, {shown} takes {ratio:.1f} times as long without a cache. Which curve would you like to follow to 100,000 tokens?"
        return Picture(figure, alt, caption)

    explore(
        draw,
        shown=choice("shown", ["one more token", "the whole text so far"]),
        axes_are=choice("axes", ["linear", "logarithmic"]),
    )


# GPT-2: Radford et al., 2019, table 2, and the released files; GPT-3: Brown et al., 2020, table 2.1.
MODELS = {
    "4 layers × 128": GPTConfig(512, 128, 128, 4, 4),
    "GPT-2 small": GPTConfig(50257, 1024, 768, 12, 12),
    "GPT-2 XL": GPTConfig(50257, 1024, 1600, 48, 25),
    "GPT-3 175B": GPTConfig(50257, 2048, 12288, 96, 96),
}


def cache_memory() -> None:
    """Show how much memory keys and values take beside the weights."""

    def draw(n_tokens: str, n_texts: str, bytes_a_number: str) -> Picture:
        size = int(bytes_a_number)
        numbers = size * int(n_tokens) * int(n_texts)
        caches = {name: 2 * config.n_layers * config.d_model * numbers for name, config in MODELS.items()}
        weights = {name: size * count_parameters(config)["total"] for name, config in MODELS.items()}
        figure = new_figure(9.2, 3.8)
        axes = figure.subplots()
        rows = np.arange(len(MODELS))
        axes.barh(rows - 0.2, list(weights.values()), 0.38, color=GREY, label="weights")
        axes.barh(
            rows + 0.2,
            list(caches.values()),
            0.38,
            color=BLUE,
            hatch="//",
            edgecolor="white",
            label="keys and values",
        )
        for row, name in enumerate(MODELS):
            axes.text(weights[name] * 1.2, row - 0.2, _bytes(weights[name]), va="center", fontsize=9)
            axes.text(caches[name] * 1.2, row + 0.2, _bytes(caches[name]), va="center", fontsize=9)
        axes.set_yticks(rows, list(MODELS))
        axes.invert_yaxis()
        axes.set(
            xscale="log", xlabel="bytes, on a logarithmic scale", xlim=(1e4, 1e14),
            title=f"{n_texts} text{'s' * (n_texts != '1')} of {int(n_tokens):,} tokens, {size} bytes a number",
        )  # fmt: skip
        axes.grid(axis="x", color="0.92")
        axes.set_axisbelow(True)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, frameon=False)
        told = "; ".join(
            f"{name}: weights {_bytes(weights[name])}, cache {_bytes(caches[name])}" for name in MODELS
        )
        alt = f"Memory for {n_texts} texts of {n_tokens} tokens at {size} bytes a number. {told}."
        share = caches["GPT-3 175B"] / weights["GPT-3 175B"]
        caption = (
            f"2 · n_layers · d_model numbers a token. At GPT-3's size the caches take {_bytes(caches['GPT-3 175B'])}, {share:.1%} of the weights. "
            "All texts that are written at once share the weights, and each has its own cache. (A text longer than a model's context would need a longer context.)"
        )
        return Picture(figure, alt, caption)

    explore(
        draw,
        n_tokens=choice("tokens", ["2048", "128", "1024", "32768"]),
        n_texts=choice("texts at once", ["1", "8", "64"]),
        bytes_a_number=choice("bytes a number", ["2", "4"]),
    )


def _bytes(number: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:.3g} TB"


PAUSE = 0.01  # seconds after each token, in which a click on Stop is heard


class Talk:
    """A prompt, a few settings, and a text that grows token by token until it is long enough or stopped.

    Each token is one call of `generate` for one new token. It runs as a task in the notebook's own loop of events, so
    that a click is heard between two tokens, and all code stays in one thread.
    """

    def __init__(self, model: Any, tokenizer: Any, generate: Callable[..., Any], n_new: int = 80) -> None:
        self.tokenizer, self.generate, self.n_new = tokenizer, generate, n_new
        # A GPT gets its caches; any other model is asked as it is.
        self.model = CachedGPT(model) if hasattr(model, "blocks") else model
        self.prompt = line_of_text("prompt", PROMPTS[0])
        self.temperature = slider("temperature", 0.7, 0.0, 2.0, 0.1)
        self.top_p = slider("top_p", 0.9, 0.05, 1.0, 0.05)
        self.seed = slider("random seed", 0, 0, 99, 1)
        self.go = ipywidgets.Button(description="Write", tooltip="write a text that begins with the prompt")
        self.halt = ipywidgets.Button(description="Stop", tooltip="stop writing", disabled=True)
        self.place = ipywidgets.HTML()
        self.go.on_click(self.start)
        self.halt.on_click(self.stop)
        self.widget = ipywidgets.VBox(
            [
                self.prompt,
                self.temperature,
                self.top_p,
                self.seed,
                ipywidgets.HBox([self.go, self.halt]),
                self.place,
            ]
        )
        self.task: asyncio.Task[None] | None = None
        self._stopped = True

    def page(self) -> Page:
        """Return a whole text by the settings as they stand, as a still page."""
        ids = self._prompt_ids()
        if len(ids):
            ids = self.generate(
                self.model, ids, self.n_new, self.temperature.value, None, self.top_p.value, self._generator()
            )
        told = self.tokenizer.decode(ids.tolist())
        settings = f"temperature {short(self.temperature.value)}, top_p {short(self.top_p.value)}, seed {self.seed.value}"
        caption = f"{self.n_new} new tokens at {settings}. Where widgets run, there are sliders here, and a text that you can stop."
        return Page(
            _paragraph(told),
            told,
            f"A text that the model wrote after “{self.prompt.value}”, {settings}. It begins: {told[:80]}",
            caption,
        )

    def start(self, _: Any = None) -> None:
        """Begin a new text; one that is being written stops."""
        if self.task is not None:
            self.task.cancel()
        self._stopped = False
        self.task = asyncio.get_running_loop().create_task(self._write())

    def stop(self, _: Any = None) -> None:
        """Stop after the token that is being chosen."""
        self._stopped = True

    def _prompt_ids(self) -> torch.Tensor:
        return torch.tensor(self.tokenizer.encode(self.prompt.value), dtype=torch.int64)

    def _generator(self) -> torch.Generator:
        return torch.Generator().manual_seed(self.seed.value)

    async def _write(self) -> None:
        self.halt.disabled = False
        settings = (self.temperature.value, None, self.top_p.value, self._generator())
        try:
            ids = self._prompt_ids()
            if not len(ids):
                self.place.value = (
                    "<p>The prompt has no token that this model knows. Write at least one word.</p>"
                )
                return
            n_prompt = len(ids)
            for n in range(1, self.n_new + 1):
                ids = self.generate(self.model, ids, 1, *settings)
                self._show(ids, n_prompt, f"{n} of {self.n_new} tokens")
                await asyncio.sleep(PAUSE)
                if self._stopped:
                    self._show(ids, n_prompt, f"stopped after {n} tokens")
                    return
            self._show(ids, n_prompt, f"{self.n_new} tokens")
        except Exception as error:  # the learner's own code is called: say what it did
            self.place.value = (
                f"<p>Your code raised {html.escape(type(error).__name__)}: {html.escape(str(error))}</p>"
            )
        finally:
            self.halt.disabled = True

    def _show(self, ids: torch.Tensor, n_prompt: int, state: str) -> None:
        prompt, told = (self.tokenizer.decode(part.tolist()) for part in (ids[:n_prompt], ids))
        new = told.removeprefix(prompt)
        self.place.value = f"{_paragraph(new, bold=prompt)}<p><em>{state}</em></p>"


def _paragraph(text: str, bold: str = "") -> str:
    start = f"<b>{html.escape(bold)}</b>" if bold else ""
    return f'<p style="max-width:46em;white-space:pre-wrap;font-family:serif;font-size:1.1em">{start}{html.escape(text)}</p>'


def talk(model: Any, tokenizer: Any, generate: Callable[..., Any]) -> None:
    """Display a model to talk to: settings, a text that streams, and a button that stops it; where no widgets run, one text."""
    talk = Talk(model, tokenizer, generate)
    still = talk.page()
    talk.place.value = _paragraph(still.plain)
    show_with_widgets(talk.widget, still)
