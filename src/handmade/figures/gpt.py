"""Pictures of lesson 11: the whole model and its shapes, the size of the residual stream, who sees whom, and where the numbers are."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from matplotlib.patches import FancyBboxPatch
from torch import Tensor

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
    short,
    slider,
)
from handmade.reference import gpt as reference

N_TEXTS, N_TOKENS = 2, 10
KINDS = {
    "embedding and unembedding": ("embedding", "unembedding"),
    "attention": ("query", "key", "value_down", "value_up"),
    "MLP": ("mlp_up", "mlp_down"),
    "positions, biases, norms": ("positions", "biases", "norms"),
}
COLOURS = dict(zip(KINDS, (BLUE, ORANGE, GREEN, PURPLE), strict=True))
HATCHES = dict(zip(KINDS, ("", "//", "..", "xx"), strict=True))

# GPT-2: Radford et al., 2019, table 2, and the released files; GPT-3: Brown et al., 2020, table 2.1.
PUBLISHED = {
    "GPT-2 small": (50257, 1024, 768, 12, 12),
    "GPT-2 medium": (50257, 1024, 1024, 24, 16),
    "GPT-2 large": (50257, 1024, 1280, 36, 20),
    "GPT-2 XL": (50257, 1024, 1600, 48, 25),
    "GPT-3 6.7B": (50257, 2048, 4096, 32, 32),
    "GPT-3 175B": (50257, 2048, 12288, 96, 96),
}


def flow(
    GPT: Callable[..., Any] = reference.GPT,
    GPTConfig: Callable[..., Any] = reference.GPTConfig,
    count_parameters: Callable[..., Any] = reference.count_parameters,
) -> None:
    """Show the way of the numbers through a model with the shapes found in one run of it, and each part's parameters."""
    whose = "The course's model" if GPT is reference.GPT else "Your model"

    def draw(n_layers: int, d_model: str, n_heads: str, vocab_size: str) -> Picture:
        config = GPTConfig(int(vocab_size), 64, int(d_model), n_layers, int(n_heads))
        seen = _shapes(GPT(config), config.vocab_size)
        counts = {key: int(value) for key, value in count_parameters(config).items()}
        d, v, m = config.d_model, config.vocab_size, config.d_mlp
        attention = sum(counts[key] for key in KINDS["attention"]) + n_layers * 4 * d
        mlp = counts["mlp_up"] + counts["mlp_down"] + n_layers * (m + d)
        norm = counts["norms"] // (2 * n_layers + 1)
        rows = [
            ("token_embedding + position_embedding", counts["embedding"] + counts["positions"], BLUE, ""),
            ("attention_norm", n_layers * norm, PURPLE, "xx"),
            (
                f"attention: {n_heads} head{'s' * (int(n_heads) > 1)} of {config.d_head}",
                attention,
                ORANGE,
                "//",
            ),
            ("mlp_norm", n_layers * norm, PURPLE, "xx"),
            (f"mlp: {d} → {m} → {d}", mlp, GREEN, ".."),
            ("final_norm", norm, PURPLE, "xx"),
            ("unembedding, tied: counted above", counts["unembedding"], BLUE, ""),
        ]
        figure = new_figure(11.5, 6.6)
        left, right = figure.subplots(1, 2, width_ratios=[2.1, 1], sharey=True)
        _draw_flow(left, [name for name, _, _, _ in rows], seen, n_layers)
        ys = [1.0, 2.5, 3.3, 4.5, 5.3, 6.7, 7.5]
        for y, (_, size, colour, hatch) in zip(ys, rows, strict=True):
            right.barh(y, size, 0.5, color=colour, hatch=hatch, edgecolor="white")
            right.text(size, y, f"  {size:,}", va="center", fontsize=9)
        right.set(
            xlim=(0, 1.45 * max(size for _, size, _, _ in rows)), title=f"parameters: {counts['total']:,}"
        )
        right.set_xticks([])
        right.set_yticks([])
        for side in ("top", "right", "bottom"):
            right.spines[side].set_visible(False)
        stream, logits = seen["attention"], seen["unembedding"]
        alt = (
            f"{whose} from top to bottom, with {n_layers} layers of {n_heads} heads, d_model {d} and {v} tokens. Ids of shape {seen['ids']} become vectors of shape "
            f"{stream} by token and position embedding. In each block attention and MLP, each behind a norm, read the stream and add to it; the MLP has "
            f"{m} neurons. After the final norm the unembedding gives logits of shape {logits}. Parameters: {counts['total']:,} in all, of which "
            f"attention {attention:,} and MLP {mlp:,}."
        )
        widest = max(rows[:5], key=lambda row: row[1])[0].partition(":")[0]
        caption = (
            f"The thick line is the residual stream: {N_TEXTS} texts × {N_TOKENS} tokens × {d} numbers, from the first block to the last. What stands beside it reads "
            f"it and adds to it. Most numbers are in: {widest}. Which parts grow when the vocabulary grows, and which when d_model does?"
        )
        return Picture(figure, alt, caption)

    explore(
        draw,
        n_layers=slider("n_layers", 4, 1, 12, 1),
        d_model=choice("d_model", ["48", "24", "96"]),
        n_heads=choice("n_heads", ["4", "1", "2", "3", "8", "12"]),
        vocab_size=choice("vocab_size", ["65", "512", "4096"]),
    )


def _shapes(model: Any, vocab_size: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of what the parts of a model give out, in one run with random ids."""
    seen: dict[str, tuple[int, ...]] = {}
    block = model.blocks[0]
    parts = {
        "attention_norm": block.attention_norm,
        "attention": block.attention,
        "up": block.mlp.up,
        "mlp": block.mlp,
    }
    parts |= {"final_norm": model.final_norm, "unembedding": model.unembedding}
    for name, part in parts.items():
        part.register_forward_hook(
            lambda _, __, answer, name=name: seen.__setitem__(name, tuple(answer.shape))
        )
    ids = torch.arange(N_TEXTS * N_TOKENS).reshape(N_TEXTS, N_TOKENS) % vocab_size
    with torch.no_grad():
        logits = model(ids)
    return {"ids": tuple(ids.shape), **seen, "unembedding": tuple(logits.shape)}


def _draw_flow(axes: Any, names: list[str], seen: dict[str, tuple[int, ...]], n_layers: int) -> None:
    axes.set(xlim=(0, 10), ylim=(8.8, -0.4))
    axes.axis("off")
    stream, beside = 1.9, 5.9
    axes.plot([stream, stream], [0.2, 8.2], color=BLUE, lw=5, alpha=0.45, solid_capstyle="butt", zorder=1)
    embedding, first_norm, attention, second_norm, mlp, final_norm, unembedding = names

    def box(x: float, y: float, width: float, text: str, colour: str) -> None:
        axes.add_patch(
            FancyBboxPatch(
                (x - width / 2, y - 0.27), width, 0.54, boxstyle="round,pad=0.02,rounding_size=0.08",
                fc="white", ec=colour, lw=1.8, zorder=3,
            )
        )  # fmt: skip
        axes.text(x, y, text, ha="center", va="center", fontsize=9, zorder=4)

    def note(x: float, y: float, text: str, side: str = "left") -> None:
        axes.text(x, y, text, ha=side, va="center", fontsize=8.5, color="#333333")

    def arrow(x0: float, y0: float, x1: float, y1: float) -> None:
        style = {"arrowstyle": "->", "color": GREY, "lw": 1.4, "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", (x1, y1), (x0, y0), arrowprops=style)

    def way(y_out: float, norm: str, part: str, colour: str, inside: str) -> None:
        """Draw one way out of the stream, through a norm and a part, and back into the stream."""
        y_in = y_out + 1.4
        arrow(stream, y_out, beside - 1.65, y_out)
        box(beside, y_out, 3.3, norm, PURPLE)
        arrow(beside, y_out + 0.29, beside, y_out + 0.51)
        box(beside, y_out + 0.8, 3.3, part, colour)
        note(beside + 1.75, y_out + 0.8, inside)
        axes.plot([beside, beside], [y_out + 1.09, y_in], color=GREY, lw=1.4)
        arrow(beside, y_in, stream + 0.22, y_in)
        axes.plot(stream, y_in, "o", ms=17, mfc="white", mec=BLUE, mew=1.6, zorder=3)
        axes.text(stream, y_in, "+", ha="center", va="center", fontsize=12, zorder=4)

    axes.text(stream, -0.05, f"ids  {seen['ids']}", ha="center", va="center", fontsize=10)
    box(3.0, 1.0, 5.0, embedding, BLUE)
    note(stream - 0.15, 1.7, str(seen["attention_norm"]), "right")
    axes.add_patch(
        FancyBboxPatch(
            (1.0, 2.05), 8.9, 4.05, boxstyle="round,pad=0.02,rounding_size=0.15",
            fc="#f4f4f4", ec=GREY, lw=1.2, zorder=0,
        )
    )  # fmt: skip
    own = "" if n_layers == 1 else ", each with its own numbers"
    axes.text(9.9, 1.8, f"block: {n_layers} ×{own}", ha="right", va="center", fontsize=10, weight="bold")
    way(2.5, first_norm, attention, ORANGE, f"out {seen['attention']}")
    way(4.5, second_norm, mlp, GREEN, f"neurons {seen['up']}\nout {seen['mlp']}")
    box(stream, 6.7, 2.8, final_norm, PURPLE)
    box(3.0, 7.5, 5.0, unembedding, BLUE)
    axes.text(stream, 8.45, f"logits  {seen['unembedding']}", ha="center", va="center", fontsize=10)
    note(stream + 1.5, 8.45, "at each position, one number for each token that may come next")


WRITERS = ("attention.output.weight", "mlp.down.weight")


def stream_sizes(
    GPT: Callable[..., Any], GPTConfig: Callable[..., Any], init_weights: Callable[..., Any]
) -> None:
    """Show how long the residual stream's vectors are after each block of a new model, with scaled writers and without."""

    def draw(n_layers: str, d_model: str, seed: int) -> Picture:
        depth = int(n_layers)
        config = GPTConfig(65, 32, int(d_model), depth, 4)
        model = GPT(config)
        init_weights(model, torch.Generator().manual_seed(seed))
        ids = torch.randint(65, (1, 32), generator=torch.Generator().manual_seed(seed))
        scaled = _lengths(model, ids)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if name.endswith(WRITERS):
                    parameter.mul_(math.sqrt(2 * depth))
        plain = _lengths(model, ids)
        figure = new_figure(8.6, 4.2)
        axes = figure.subplots()
        places = np.arange(depth + 1)
        axes.plot(places, plain, "o--", ms=4, color=ORANGE, label="all matrices 0.02")
        axes.plot(places, scaled, "s-", ms=4, color=BLUE, label="writers 0.02 / √(2 · n_layers)")
        axes.set(
            xlabel="after block (0: the embeddings)", ylabel="mean length of a vector", ylim=(0, 1.1 * plain.max()),
            title=f"the residual stream of a new model, {depth} layers, d_model {d_model}",
        )  # fmt: skip
        axes.grid(color="0.9")
        axes.legend(loc="upper left")
        grown = plain[-1] / plain[0], scaled[-1] / scaled[0]
        alt = (
            f"Mean length of the vectors after each of {depth} blocks, d_model {d_model}, seed {seed}. With all matrices at 0.02 it grows from "
            f"{short(plain[0])} to {short(plain[-1])}; with the writers scaled, to {short(scaled[-1])}."
        )
        caption = (
            f"{depth} layers write {2 * depth} times into the stream. Without the scale its vectors become {short(grown[0])} times as long, with it "
            f"{short(grown[1])} times. Which of the two curves ends at about the same height, whatever n_layers is?"
        )
        return Picture(figure, alt, caption)

    explore(
        draw,
        n_layers=choice("n_layers", ["12", "2", "6", "24", "48"]),
        d_model=choice("d_model", ["64", "32", "96"]),
        seed=slider("random seed", 0, 0, 9, 1),
    )


def _lengths(model: Any, ids: Tensor) -> np.ndarray:
    """Return the mean length of the vectors that go into the first block, and of those that come out of each."""
    found: list[float] = []
    blocks = list(model.blocks)
    hooks = [
        blocks[0].register_forward_pre_hook(
            lambda _, given: found.append(float(given[0].norm(dim=-1).mean()))
        )
    ]
    hooks += [
        b.register_forward_hook(lambda _, __, answer: found.append(float(answer.norm(dim=-1).mean())))
        for b in blocks
    ]
    with torch.no_grad():
        model(ids)
    for hook in hooks:
        hook.remove()
    return np.array(found)


SENTENCE = ["the", "old", "grey", "seal", "swims", "near", "the", "wax", "boat"]
NO_MASK = "no mask"


def who_sees_whom(GPT: Callable[..., Any], GPTConfig: Callable[..., Any]) -> None:
    """Show which logits move when one token of a sentence is changed, with the causal mask and without.

    The blocks' random matrices are ten times as large as those of a new model: else one would hardly see the later logits move.
    """
    words = sorted({*SENTENCE, "moon"})
    ids = torch.tensor([[words.index(word) for word in SENTENCE]])
    n = len(SENTENCE)
    moved = {}
    for mask in ("causal, as you wrote it", NO_MASK):
        with torch.random.fork_rng([]):
            torch.manual_seed(0)
            model = GPT(GPTConfig(len(words), n, 32, 2, 4))
        with torch.no_grad():
            for parameter in model.blocks.parameters():
                parameter.mul_(10 if parameter.ndim == 2 else 1)
        if mask == NO_MASK:
            for block in model.blocks:
                block.attention.register_forward_pre_hook(
                    lambda _, given, named: (given[:1], {"causal": False}), with_kwargs=True
                )
        moved[mask] = _moves(model, ids, words.index("moon"))

    def draw(place: int, mask: str) -> Picture:
        sizes = moved[mask]
        changed = place - 1
        figure = new_figure(11, 4.9)
        left, right = figure.subplots(1, 2, width_ratios=[1.25, 1])
        shown = [*SENTENCE[:changed], "moon", *SENTENCE[changed + 1 :]]
        for j, size in enumerate(sizes[changed]):
            if size == 0:
                left.text(j, 0, "0", ha="center", va="bottom", fontsize=11)
            else:
                left.bar(
                    j,
                    size,
                    color=RED if j == changed else BLUE,
                    hatch="//" if j == changed else "",
                    edgecolor="white",
                )
        labels = [f"{word}\n{j + 1}" for j, word in enumerate(shown)]
        labels[changed] = f"{SENTENCE[changed]}\n→ moon\n{place}"
        left.set_xticks(range(n), labels)
        left.set(
            xlim=(-0.6, n - 0.4), ylim=(0, 1.12 * max(s.max() for s in moved.values())), xlabel="logits at position",
            ylabel="largest change of a logit", title=f"token {place} changes ({mask})",
        )  # fmt: skip
        right.set(
            xlim=(-0.5, n - 0.5), ylim=(n - 0.5, -0.5), xlabel="logits at position", ylabel="token that is changed",
            title="moves: ■   does not move by one bit: ·", aspect="equal",
        )  # fmt: skip
        for i, j in np.ndindex(n, n):
            moves = sizes[i, j] > 0
            right.plot(j, i, "s" if moves else ".", ms=13 if moves else 4, color=BLUE if moves else GREY)
        right.axhspan(changed - 0.5, changed + 0.5, color=ORANGE, alpha=0.35, zorder=0)
        right.set_xticks(range(n), range(1, n + 1))
        right.set_yticks(range(n), [f"{word} {i + 1}" for i, word in enumerate(SENTENCE)])
        still = [str(j + 1) for j in range(n) if sizes[changed, j] == 0]
        stay = (
            f"the logits at positions {', '.join(still)} do not move at all" if still else "all logits move"
        )
        alt = (
            f"The sentence '{' '.join(SENTENCE)}'; token {place}, '{SENTENCE[changed]}', becomes 'moon' ({mask}): {stay}. Right, a table of all changes: "
            f"{int((sizes > 0).sum())} of {n * n} pairs of changed token and position move."
        )
        caption = f"One token changes, and {stay}. Each row of the table on the right is one such trial. " + (
            "With no mask even the first logits know the last token."
            if mask == NO_MASK
            else "The empty half is the future."
        )
        return Picture(figure, alt, caption)

    explore(draw, place=slider("changed token", 4, 1, n, 1), mask=choice("mask", list(moved)))


def _moves(model: Any, ids: Tensor, other: int) -> np.ndarray:
    """Return, for each token that is changed into `other` and each position, the largest change of a logit there."""
    n = ids.shape[1]
    with torch.no_grad():
        before = model(ids)[0]
        changes = []
        for i in range(n):
            changed = ids.clone()
            changed[0, i] = other
            changes.append((model(changed)[0] - before).abs().amax(dim=-1))
    return np.asarray(torch.stack(changes))


def shares(GPTConfig: Callable[..., Any], count_parameters: Callable[..., Any]) -> None:
    """Show in which parts the parameters of the published models are."""

    def draw(name: str, unembedding: str) -> Picture:
        tied = unembedding == "tied"
        figure = new_figure(10.5, 4.4)
        axes = figure.subplots()
        chosen: dict[str, float] = {}
        for row, (model, sizes) in enumerate(PUBLISHED.items()):
            counts = count_parameters(GPTConfig(*sizes, tied=tied))
            total, start = counts["total"], 0.0
            for kind, keys in KINDS.items():
                share = sum(counts[key] for key in keys) / total
                axes.barh(
                    row, share, left=start, color=COLOURS[kind], hatch=HATCHES[kind], edgecolor="white",
                    label=kind if row == 0 else None, alpha=1 if model == name else 0.5,
                )  # fmt: skip
                if share > 0.06:
                    axes.text(
                        start + share / 2, row, f"{100 * share:.0f} %", ha="center", va="center", fontsize=9,
                        bbox={"fc": "white", "ec": "none", "pad": 1, "alpha": 0.85},
                    )  # fmt: skip
                start += share
                if model == name:
                    chosen[kind] = share
            axes.text(
                1.01,
                row,
                f"{total:,}",
                va="center",
                fontsize=9.5,
                weight="bold" if model == name else "normal",
            )
        axes.set_yticks(range(len(PUBLISHED)), list(PUBLISHED))
        axes.invert_yaxis()
        axes.set(
            xlim=(0, 1.22),
            xlabel="share of all parameters",
            title=f"unembedding {'tied' if tied else 'of its own'}",
        )
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        axes.spines["bottom"].set_bounds(0, 1)
        axes.legend(loc="upper center", bbox_to_anchor=(0.42, -0.16), ncols=4, fontsize=9, frameon=False)
        told = ", ".join(f"{kind} {100 * share:.1f} %" for kind, share in chosen.items())
        total = count_parameters(GPTConfig(*PUBLISHED[name], tied=tied))["total"]
        alt = f"Six published models, each a bar cut into shares, unembedding {'tied' if tied else 'of its own'}. {name}, with {total:,} parameters: {told}."
        caption = (
            f"{name}: {told}. In the blocks there are two numbers in the MLP for each one in attention. What becomes of the share of the "
            "embedding as models grow, and why?"
        )
        return Picture(figure, alt, caption)

    explore(
        draw, name=choice("model", list(PUBLISHED)), unembedding=choice("unembedding", ["tied", "of its own"])
    )
