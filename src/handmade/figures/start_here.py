"""Pictures of lesson 00: each stage of the shipped model, for a text that the learner writes."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from handmade.figures.pattern import pattern_page
from handmade.figures.picture import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    Page,
    Picture,
    choice,
    explore,
    new_figure,
    short,
    slider,
    text,
)
from handmade.figures.tokens import shown, strip
from handmade.reference.attention import attention_pattern, attention_scores, causal_mask
from handmade.reference.generation import generate
from handmade.reference.multi_head import split_heads
from handmade.reference.next_token import softmax_with_temperature

MOST = 16  # tokens in a picture; of a longer text the last ones are shown


@dataclass(frozen=True)
class Run:
    """What happened in one run of the model. `n` is the number of tokens.

    `stream`: the vectors after each layer, the embeddings first, (n_layers + 1, n, d_model). `patterns`: who looked at
    whom, (n_layers, n_heads, n, n). `neurons`: the MLPs' activations, (n_layers, n, d_mlp). `logits`: (vocab_size,), of the last token.
    """

    ids: list[int]
    pieces: list[str]
    stream: Tensor
    patterns: Tensor
    neurons: Tensor
    logits: Tensor


def run(model: Any, tokenizer: Any, ids: list[int]) -> Run:
    """Run the model once on the last tokens of the ids, and keep what its parts gave out."""
    ids = ids[-MOST:]
    seen: dict[str, list[Tensor]] = {"stream": [], "query": [], "key": [], "up": []}
    hooks = [
        model.blocks[0].register_forward_pre_hook(lambda _, given: seen["stream"].append(given[0])),
    ]
    for block in model.blocks:
        parts = {
            "stream": block,
            "query": block.attention.query,
            "key": block.attention.key,
            "up": block.mlp.up,
        }
        hooks += [
            part.register_forward_hook(lambda _, __, answer, name=name: seen[name].append(answer))
            for name, part in parts.items()
        ]
    try:
        with torch.no_grad():
            logits = model(torch.tensor([ids]))[0, -1]
    finally:
        for hook in hooks:
            hook.remove()
    mask = causal_mask(len(ids))
    n_heads = model.config.n_heads
    patterns = [
        attention_pattern(attention_scores(split_heads(q, n_heads), split_heads(k, n_heads)), mask)[0]
        for q, k in zip(seen["query"], seen["key"], strict=True)
    ]
    return Run(
        ids=ids,
        pieces=[shown(tokenizer.decode_single_token_bytes(i)) for i in ids],
        stream=torch.cat(seen["stream"]),
        patterns=torch.stack(patterns),
        neurons=torch.nn.functional.gelu(torch.cat(seen["up"]), approximate="tanh"),
        logits=logits,
    )


def read(tokenizer: Any, prompt: str) -> list[int]:
    """Return the tokens of a prompt. A model needs something to begin with: an empty prompt is read as the end of a line."""
    ids: list[int] = tokenizer.encode(prompt or "\n")
    return ids


def _piece(tokenizer: Any, token: int) -> str:
    return shown(tokenizer.decode_single_token_bytes(token))


def journey(model: Any, tokenizer: Any, prompt: str) -> None:
    """Show the whole way from a text to its next token, stage by stage, with real numbers and shapes."""
    config = model.config

    def draw(prompt: str, rounds: int) -> Picture:
        ids = read(tokenizer, prompt)
        ids = generate(model, torch.tensor(ids), rounds, temperature=0.0).tolist() if rounds else ids
        found = run(model, tokenizer, ids)
        n, d = found.stream.shape[1:]
        probabilities = torch.softmax(found.logits, dim=0)
        best = probabilities.argsort(descending=True)[:6].tolist()
        names = [_piece(tokenizer, i) for i in best]
        likeliest = f"{names[0]} ({100 * float(probabilities[best[0]]):.0f} %)"
        figure = new_figure(11.2, 8.6)
        rows = figure.subplots(7, 1, height_ratios=[0.4, 0.8, 1.1, 0.9, 1.1, 1.2, 1.3])
        labels = [
            ("text", "", f"{len(tokenizer.decode(found.ids))} characters"),
            ("tokens", "lesson 05", f"({n},)"),
            ("one vector a token", "lesson 06", f"({n}, {d})"),
            (
                f"{config.n_layers} layers of\nattention + MLP",
                "lessons 08–11",
                f"{config.n_layers} × {config.n_heads} patterns\n({n}, {n})",
            ),
            ("the vectors again", "", f"({n}, {d})"),
            ("logits, of the last\nvector", "lesson 07", f"({config.vocab_size},)"),
            ("probabilities", "lesson 07", f"({config.vocab_size},)"),
        ]
        labels[-1] = (
            "probabilities",
            "lesson 07",
            f"({config.vocab_size},)\n\n{names[0]} goes\nbehind the text ↺",
        )
        for axes, (name, lesson, shape) in zip(rows, labels, strict=True):
            what = name + (f"\n{lesson}" if lesson else "")
            side = {"va": "center", "fontsize": 10, "transform": axes.transAxes}
            axes.text(-0.05, 0.5, what, ha="right", **side)
            axes.text(1.02, 0.5, shape, ha="left", color=GREY, **side)
        _draw_line(rows[0], tokenizer.decode(found.ids), names[0])
        _draw_tokens(rows[1], found)
        _draw_vectors(rows[2], found.stream[0])
        _draw_patterns(rows[3], found)
        _draw_vectors(rows[4], found.stream[-1])
        _draw_logits(rows[5], found.logits, best[0])
        _draw_bars(rows[6], [float(probabilities[i]) for i in best], names)
        cut = f" (the last {MOST} tokens of your text)" if len(ids) > MOST else ""
        alt = (
            f"The way of the text '{tokenizer.decode(found.ids)}'{cut} through the model. It is cut into {n} tokens. They become {n} vectors of {d} numbers, pass "
            f"{config.n_layers} layers of attention and MLP, and the last vector gives {config.vocab_size:,} logits. As probabilities the likeliest are: "
            f"{', '.join(f'{name} {100 * float(probabilities[i]):.0f} %' for name, i in zip(names, best, strict=True))}. {likeliest} would be appended."
        )
        caption = (
            f"From top to bottom: what the model makes of your text{cut}. The likeliest next token is {likeliest}; appended to the text (grey, in the first row), it "
            "goes in again at the top. Write another text and press Enter, or let the loop go round a few times. What changes, and what keeps its shape?"
        )
        return Picture(figure, alt, caption)

    explore(draw, prompt=text("your text", prompt), rounds=slider("times round", 0, 0, 8, 1))


def _plain(axes: Any) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(False)


def _draw_line(axes: Any, words: str, following: str) -> None:
    _plain(axes)
    words = words.replace("\n", "↵")
    words = words if len(words) < 60 else f"…{words[-59:]}"
    axes.text(
        0.0, 0.5, words, ha="left", va="center", fontsize=13, transform=axes.transAxes, family="monospace"
    )
    axes.text(
        1.0, 0.5, f"next: {following}", ha="right", va="center", fontsize=13, color=GREY, transform=axes.transAxes, family="monospace",
    )  # fmt: skip


def _draw_tokens(axes: Any, found: Run) -> None:
    _plain(axes)
    axes.set(xlim=(0, MOST), ylim=(0, 1))
    for i, (piece, token) in enumerate(zip(found.pieces, found.ids, strict=True)):
        axes.add_patch(_box(i, "#cfe8fa" if i % 2 == 0 else "#fbe3b0"))
        size = 9 if len(piece) <= 6 else 7
        axes.text(
            i + 0.5,
            0.66,
            piece if len(piece) <= 8 else f"{piece[:7]}…",
            ha="center",
            va="center",
            fontsize=size,
        )
        axes.text(i + 0.5, 0.26, str(token), ha="center", va="center", fontsize=8, color="#333333")


def _box(i: int, colour: str) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((i + 0.04, 0.06), 0.92, 0.88, fc=colour, ec="#555555", lw=0.8)


def _draw_vectors(axes: Any, vectors: Tensor) -> None:
    largest = max(float(vectors.abs().max()), 1e-9)
    axes.imshow(vectors, aspect="auto", cmap="RdBu_r", vmin=-largest, vmax=largest, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])


def _draw_patterns(axes: Any, found: Run) -> None:
    _plain(axes)
    n_layers, n_heads = found.patterns.shape[:2]
    for layer in range(n_layers):
        for head in range(n_heads):
            inner = axes.inset_axes(
                ((layer * n_heads + head) / (n_layers * n_heads), 0.22, 0.92 / (n_layers * n_heads), 0.78)
            )
            inner.imshow(
                found.patterns[layer, head],
                cmap="Blues",
                vmin=0,
                vmax=1,
                interpolation="nearest",
                aspect="auto",
            )
            inner.set_xticks([])
            inner.set_yticks([])
        middle = (layer + 0.5) / n_layers
        axes.text(
            middle, 0.0, f"layer {layer + 1}", ha="center", va="center", fontsize=9, transform=axes.transAxes
        )


def _draw_logits(axes: Any, logits: Tensor, best: int) -> None:
    axes.plot(logits, lw=0.6, color=BLUE)
    axes.plot(best, float(logits[best]), "o", color=ORANGE, ms=7, mec="black")
    axes.set(xlim=(0, len(logits) - 1))
    axes.set_xticks([])
    axes.tick_params(labelsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _draw_bars(axes: Any, shares: list[float], names: list[str]) -> None:
    places = range(len(shares))
    bars = axes.bar(
        places, shares, 0.6, color=[ORANGE] + [BLUE] * (len(shares) - 1), edgecolor="black", lw=0.6
    )
    bars[0].set_hatch("//")
    for i, share in enumerate(shares):
        axes.text(i, share, f"{100 * share:.0f} %", ha="center", va="bottom", fontsize=9)
    axes.set(ylim=(0, 1.25 * max(shares)))
    axes.set_xticks(places, names, fontsize=10)
    axes.set_yticks([])
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def write(model: Any, tokenizer: Any, prompt: str) -> None:
    """Show what the model writes after a text, at a temperature."""

    def draw(prompt: str, temperature: float, n_new: int, seed: int) -> Page:
        ids = torch.tensor(read(tokenizer, prompt))
        generator = torch.Generator().manual_seed(seed)
        written = generate(model, ids, n_new, temperature=temperature, generator=generator).tolist()
        told = tokenizer.decode(written[len(ids) :])
        body = (
            '<p style="font-size:115%;line-height:1.5;white-space:pre-wrap;overflow-wrap:anywhere">'
            f"<strong>{html.escape(prompt)}</strong>{html.escape(told)}</p>"
        )
        how = (
            "always the likeliest token"
            if temperature == 0
            else f"temperature {short(temperature)}, seed {seed}"
        )
        return Page(
            body,
            f"{prompt}{told}",
            f"The text '{prompt}' goes on with {n_new} tokens, {how}: {told}",
            f"Your text in bold, then {n_new} tokens from the model, {how}. It has read one novel and 300 short facts, nothing else.",
        )

    explore(
        draw,
        prompt=text("your text", prompt),
        temperature=slider("temperature", 0.5, 0.0, 1.5, 0.1),
        n_new=slider("new tokens", 40, 1, 100, 1),
        seed=slider("seed", 0, 0, 20, 1),
    )


def tokens(tokenizer: Any, prompt: str) -> None:
    """Show a text cut into tokens, each with its id."""

    def draw(prompt: str) -> Page:
        ids = read(tokenizer, prompt)
        pieces = [tokenizer.decode_single_token_bytes(i) for i in ids]
        body = (
            f'<div>{strip(pieces, ids)}</div><p style="font-family:monospace">{html.escape(str(ids))}</p>'
            f"<p>shape ({len(ids)},)</p>"
        )
        return Page(
            body,
            f"{'|'.join(map(shown, pieces))}\n{ids}",
            f"The text '{prompt}' as {len(ids)} tokens: {', '.join(f'{shown(p)} is {i}' for p, i in zip(pieces, ids, strict=True))}.",
            f"{len(prompt)} characters, {len(ids)} tokens; · is a space, ↵ the end of a line. The model sees only the numbers. Which words are one token, "
            "which are several? Try a word that no whaler would use.",
        )

    explore(draw, prompt=text("your text", prompt))


def vectors(model: Any, tokenizer: Any, prompt: str) -> None:
    """Show the vectors of all tokens, before the first layer or after one."""
    n_layers = model.config.n_layers

    def draw(prompt: str, layer: int) -> Picture:
        found = run(model, tokenizer, read(tokenizer, prompt))
        now = found.stream[layer]
        n, d = now.shape
        where = "before the first layer" if layer == 0 else f"after layer {layer}"
        figure = new_figure(10, 0.9 + 0.3 * max(n, 2))
        axes = figure.subplots()
        largest = float(now.abs().max())
        picture = axes.imshow(
            now, aspect="auto", cmap="RdBu_r", vmin=-largest, vmax=largest, interpolation="nearest"
        )
        axes.set_yticks(range(n), found.pieces)
        axes.set(xlabel=f"the {d} numbers of each vector", title=f"{where}: shape ({n}, {d})")
        figure.colorbar(picture, ax=axes, label="size", fraction=0.03, pad=0.01)
        moved = float((now[-1] - found.stream[0][-1]).norm())
        lengths = ", ".join(f"{p} {short(float(v.norm()))}" for p, v in zip(found.pieces, now, strict=True))
        alt = f"{n} vectors of {d} numbers, {where}. Their lengths: {lengths}. The numbers lie between −{short(largest)} and {short(largest)}."
        caption = (
            f"Each row is one token's vector {where}. The shape is the same after every layer; the numbers are not: the last row "
            f"has moved by {short(moved)} since the beginning, and is now {short(float(now[-1].norm()))} long. "
            "Layer by layer, a row takes in what stands before it."
        )
        return Picture(figure, alt, caption)

    explore(draw, prompt=text("your text", prompt), layer=slider("after layer", 0, 0, n_layers, 1))


def attention(model: Any, tokenizer: Any, prompt: str) -> None:
    """Show who looks at whom in a head of a layer."""
    config = model.config

    def draw(prompt: str, layer: int, head: int) -> Page:
        found = run(model, tokenizer, read(tokenizer, prompt))
        names = [f"{i + 1} {piece}" for i, piece in enumerate(found.pieces)]
        return pattern_page(
            names,
            {f"layer {layer}, head {head}": found.patterns[layer - 1, head - 1]},
            "Each row is a token that looks back, and says how much it takes from which token; a row adds up to 1, and nobody sees the future. Point at a cell. "
            f"There are {config.n_layers} × {config.n_heads} such patterns. Can you find a head in which each token looks at the one before it?",
        )

    explore(
        draw,
        prompt=text("your text", prompt),
        layer=slider("layer", 1, 1, config.n_layers, 1),
        head=slider("head", 1, 1, config.n_heads, 1),
    )


def neurons(model: Any, tokenizer: Any, prompt: str) -> None:
    """Show which neurons of an MLP fire at a token."""
    config = model.config
    wide = 32

    def draw(prompt: str, layer: int, back: int) -> Picture:
        found = run(model, tokenizer, read(tokenizer, prompt))
        place = max(0, len(found.ids) - 1 - back)
        active = found.neurons[layer - 1, place]
        firing = int((active > 0.5).sum())
        figure = new_figure(9, 4.3)
        axes = figure.subplots()
        largest = float(active.abs().max())
        picture = axes.imshow(
            active.reshape(-1, wide), cmap="RdBu_r", vmin=-largest, vmax=largest, interpolation="nearest"
        )
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set(
            title=f"layer {layer}, at the token {found.pieces[place]}: shape ({config.d_mlp},), drawn in rows of {wide}"
        )
        figure.colorbar(picture, ax=axes, label="activation", fraction=0.03, pad=0.01)
        strongest = int(active.argmax())
        alt = (
            f"The {config.d_mlp} neurons of the MLP in layer {layer} at the token {found.pieces[place]}: {firing} have an activation above 0.5, "
            f"the strongest is neuron {strongest} with {short(float(active[strongest]))}."
        )
        caption = (
            f"One square is one neuron. {firing} of {config.d_mlp} are above 0.5, most are near 0. Each token is worked on alone here, with what attention "
            "has brought to it. Another token, other neurons."
        )
        return Picture(figure, alt, caption)

    explore(
        draw,
        prompt=text("your text", prompt),
        layer=slider("layer", 1, 1, config.n_layers, 1),
        back=slider("tokens before the last", 0, 0, 8, 1),
    )


def next_token(model: Any, tokenizer: Any, prompt: str) -> None:
    """Show the logits and the probabilities of the likeliest next tokens, at a temperature."""

    def draw(prompt: str, temperature: float) -> Picture:
        found = run(model, tokenizer, read(tokenizer, prompt))
        probabilities = softmax_with_temperature(found.logits, temperature)
        best = found.logits.argsort(descending=True)[:10].tolist()
        names = [_piece(tokenizer, i) for i in best]
        figure = new_figure(10, 4.2)
        left, right = figure.subplots(1, 2, sharey=True)
        places = np.arange(len(best))
        left.barh(places, found.logits[best], 0.7, color=BLUE, edgecolor="black", lw=0.5)
        left.set(title="logits: any numbers", xlabel="logit")
        right.barh(places, probabilities[best], 0.7, color=ORANGE, hatch="//", edgecolor="black", lw=0.5)
        right.set(
            title=f"probabilities at temperature {short(temperature)}", xlabel="probability", xlim=(0, 1.12)
        )
        for place, i in enumerate(best):
            right.text(
                float(probabilities[i]),
                place,
                f" {100 * float(probabilities[i]):.1f} %",
                va="center",
                fontsize=9,
            )
        left.set_yticks(places, names)
        left.invert_yaxis()
        top = ", ".join(
            f"{name} {100 * float(probabilities[i]):.1f} %" for name, i in zip(names, best, strict=True)
        )
        share = 100 * float(probabilities[best].sum())
        alt = f"The ten likeliest of {len(found.logits):,} tokens after '{tokenizer.decode(found.ids)}', at temperature {short(temperature)}: {top}."
        caption = (
            f"Left the scores as they come out of the model, right what becomes of them. These ten tokens have {share:.0f} % together; the other "
            f"{len(found.logits) - 10:,} share the rest. Move the temperature: which way makes the model bolder? Does the order change?"
        )
        return Picture(figure, alt, caption)

    explore(draw, prompt=text("your text", prompt), temperature=slider("temperature", 1.0, 0.1, 2.0, 0.1))


def context(model: Any, tokenizer: Any, visible_context: Callable[..., Any], prompts: list[str]) -> None:
    """Show what the model expects next when it sees only the last tokens of a text."""

    def draw(prompt: str, context_length: int) -> Picture:
        ids = read(tokenizer, prompt)
        seen = list(visible_context(ids, context_length))
        with torch.no_grad():
            probabilities = torch.softmax(model(torch.tensor([seen]))[0, -1], dim=0)
        best = probabilities.argsort(descending=True)[:8].tolist()
        names = [_piece(tokenizer, i) for i in best]
        shares = [float(probabilities[i]) for i in best]
        hidden, visible = tokenizer.decode(ids[: len(ids) - len(seen)]), tokenizer.decode(seen)
        figure = new_figure(9, 3.6)
        axes = figure.subplots()
        places = np.arange(len(best))
        axes.barh(places, shares, 0.7, color=GREEN, edgecolor="black", lw=0.5)
        for place, share in enumerate(shares):
            axes.text(share, place, f" {100 * share:.0f} %", va="center", fontsize=9)
        axes.set_yticks(places, names)
        axes.invert_yaxis()
        told = textwrap.shorten(visible, 60, placeholder=" …")
        axes.set(
            xlim=(0, 1.1),
            xlabel="probability of the next token",
            title=f"the model sees {len(seen)} of {len(ids)} tokens: “{told}”",
        )
        top = ", ".join(f"{name} {100 * share:.0f} %" for name, share in zip(names, shares, strict=True))
        alt = f"The model sees only '{visible}'; hidden is '{hidden}'. Its likeliest next tokens: {top}."
        caption = (
            f"Hidden from the model: “{hidden}”. Visible: “{visible}”. The fewer tokens it sees, the less it can know. From which "
            "context_length on does it know who is meant?"
        )
        return Picture(figure, alt, caption)

    explore(draw, prompt=choice("text", prompts), context_length=slider("context_length", 1, 1, 6, 1))
