"""Pictures of lesson 06: a row looked up, words among their kind, nearest words before and after, waves of positions."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from handmade.data.facts import ANSWERS, FIRST_NAMES, LAST_NAMES, facts_corpus
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

WORDS = ["the", "cat", "dog", "sat", "ran", "."]
# Six words, four numbers each, chosen so that every row can be told from the others.
TABLE = torch.tensor(
    [
        [0.5, -1.0, 0.0, 2.0],
        [1.5, 2.0, -0.5, 0.0],
        [1.0, 2.5, -1.0, 0.5],
        [-2.0, 0.0, 1.5, 1.0],
        [-1.5, -0.5, 2.0, 1.0],
        [0.0, 0.5, 0.5, -2.5],
    ]
)
KINDS = {  # (words, colour, marker)
    "first names": (FIRST_NAMES, BLUE, "o"),
    "last names": (LAST_NAMES, ORANGE, "s"),
    "sports": (ANSWERS["plays"], GREEN, "^"),
    "cities": (ANSWERS["lives in"], RED, "D"),
    "colours": (ANSWERS["likes"], PURPLE, "P"),
}
ORDINALS = ("first", "second", "third", "fourth")
SIDES = {"directions 1 and 2": (0, 1), "directions 2 and 3": (1, 2), "directions 3 and 4": (2, 3)}


def lookup(one_hot: Callable[..., Any], embed: Callable[..., Any]) -> None:
    """Show one-hot rows times a table, and the rows that come out, for a text of three words that the learner chooses."""

    def draw(first: str, second: str, third: str) -> Picture:
        text = [first, second, third]
        ids = torch.tensor([WORDS.index(word) for word in text])
        rows, looked_up = np.asarray(one_hot(ids, len(WORDS)), float), np.asarray(embed(ids, TABLE), float)
        product = rows @ TABLE.numpy()
        same = product.shape == looked_up.shape and np.allclose(product, looked_up, atol=1e-5)
        figure = new_figure(10.2, 3.9)
        axes = figure.subplots(1, 3, width_ratios=[6, 4, 4])
        labels = [f"{word}  {int(i)}" for word, i in zip(text, ids, strict=True)]
        _numbers(axes[0], rows, labels, list(map(str, range(len(WORDS)))), "one_hot(ids, 6)", ones=True)
        axes[0].set_xlabel("id")
        _numbers(axes[1], TABLE.numpy(), [f"{w}  {i}" for i, w in enumerate(WORDS)], None, "@  W_E")
        _numbers(axes[2], looked_up, labels, None, "embed(ids, W_E)")
        for i in set(ids.tolist()):
            axes[1].add_patch(_frame(4, i))
        told = "; ".join(
            f"{word} (id {int(i)}): {', '.join(map(short, row))}"
            for word, i, row in zip(text, ids, looked_up, strict=True)
        )
        relation = "the same" if same else "not the same"
        alt = (
            f"Three tables of numbers. Left, one-hot rows for the text '{' '.join(text)}', ids {', '.join(map(str, ids.tolist()))}. Middle, the table "
            f"W_E with 6 rows of 4 numbers; the rows of these ids are framed. Right, what your embed returns: {told}. "
            f"The product of the first two is {relation}."
        )
        caption = (
            f"Each 1 picks one row of W_E (framed), and the zeros cancel the others. one_hot(ids, 6) @ W_E and your embed are {relation} here. "
            "Choose the same word twice: what tells the two rows on the right apart?"
        )
        return Picture(figure, alt, caption)

    explore(
        draw,
        first=choice("first word", WORDS),
        second=choice("second word", [WORDS[1], *WORDS[:1], *WORDS[2:]]),
        third=choice("third word", [WORDS[3], *WORDS[:3], *WORDS[4:]]),
    )


def _numbers(
    axes: Any,
    table: np.ndarray,
    rows: list[str],
    columns: list[str] | None,
    title: str,
    *,
    ones: bool = False,
) -> None:
    """Draw a table of numbers, each in its cell; of a one-hot table only the ones are shaded."""
    axes.imshow(
        table,
        cmap="Blues" if ones else "PuOr_r",
        vmin=0 if ones else -4,
        vmax=2 if ones else 4,
        aspect="auto",
    )
    for (i, j), value in np.ndenumerate(table):
        axes.text(
            j, i, short(value), ha="center", va="center", color="black" if value else "0.45", fontsize=10
        )
    axes.set(yticks=range(len(rows)), yticklabels=rows, title=title)
    axes.set(xticks=range(table.shape[1]) if columns else [], xticklabels=columns or [])
    axes.tick_params(length=0)
    for edge in range(1, table.shape[0]):
        axes.axhline(edge - 0.5, color="white", lw=2)


def _frame(width: int, row: int) -> Any:
    """Return a frame around one row of a table."""
    return Rectangle((-0.48, row - 0.46), width - 0.04, 0.92, fill=False, ec="black", lw=2)


def counts(ids: torch.Tensor, vocab_size: int, window: int) -> torch.Tensor:
    """Return how often two tokens stand at most `window` places apart: the table before any PMI."""
    table = torch.zeros(vocab_size * vocab_size)
    for distance in range(1, window + 1):
        pairs = ids[:-distance] * vocab_size + ids[distance:]
        table += torch.bincount(pairs, minlength=len(table))
    table = table.reshape(vocab_size, vocab_size)
    return table + table.T


def share_among_kind(nearest_tokens: Callable[..., Any], vectors: Any, vocabulary: list[str]) -> float:
    """Return the share of the names, sports, cities and colours whose nearest other word is of their own kind."""
    alike = _alike(nearest_tokens, vectors, vocabulary)
    return sum(n for n, _ in alike.values()) / sum(n for _, n in alike.values())


def _alike(
    nearest_tokens: Callable[..., Any], vectors: Any, vocabulary: list[str]
) -> dict[str, tuple[int, int]]:
    """Return, for each kind, how many of its words have a nearest word of that kind, and how many words it has."""
    kind_of = {word: name for name, (words, _, _) in KINDS.items() for word in words}
    kinds = [kind_of.get(word) for word in vocabulary]
    found: dict[str, tuple[int, int]] = dict.fromkeys(KINDS, (0, 0))
    for i, kind in enumerate(kinds):
        if kind is not None:
            best = [int(j) for j in nearest_tokens(vectors[i], vectors, 2)]
            other = best[0] if best[0] != i else best[1]
            n_alike, n = found[kind]
            found[kind] = n_alike + (kinds[other] == kind), n + 1
    return found


@cache
def _facts(n_people: int) -> tuple[list[str], list[int]]:
    """Return the vocabulary of the facts about so many people, and their text as ids."""
    text, _ = facts_corpus(n_people, seed=0)
    words = re.findall(r"\w+|[.]", text)
    vocabulary = sorted(set(words))
    number = {word: i for i, word in enumerate(vocabulary)}
    return vocabulary, [number[word] for word in words]


def like_with_like(cooccurrence_vectors: Callable[..., Any], nearest_tokens: Callable[..., Any]) -> None:
    """Show the words of the facts on a plane, and the cosines of all pairs, by kinds; the learner sets how the vectors are made."""

    def draw(made: str, window: int, d_model: int, n_people: int, side: str) -> Picture:
        vocabulary, ids = _facts(n_people)
        number = {word: i for i, word in enumerate(vocabulary)}
        if made == "by counting":
            vectors = torch.as_tensor(
                np.asarray(cooccurrence_vectors(torch.tensor(ids), len(vocabulary), window, d_model))
            )
        else:
            vectors = torch.randn(len(vocabulary), d_model, generator=torch.Generator().manual_seed(0))
        groups = {name: [number[w] for w in words if w in number] for name, (words, _, _) in KINDS.items()}
        alike = _alike(nearest_tokens, vectors, vocabulary)
        share = sum(n for n, _ in alike.values()) / sum(n for _, n in alike.values())
        rows = vectors.double().numpy()
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        rows = rows / np.where(lengths > 0, lengths, 1)
        figure = new_figure(10.2, 4.9)
        left, right = figure.subplots(1, 2)
        order = [i for members in groups.values() for i in members]
        places = _plane(rows[order], SIDES[side])
        start = 0
        for name, members in groups.items():
            _, colour, marker = KINDS[name]
            x, y = places[start : start + len(members)].T
            left.plot(x, y, marker, color=colour, ms=6, mec="white", mew=0.5, label=name)
            start += len(members)
        across, up = (ORDINALS[i] for i in SIDES[side])
        left.set(xticks=[], yticks=[], xlabel=f"{across} direction", ylabel=f"{up} direction")
        left.set_title("The words, seen from one side")
        left.legend(loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=3, fontsize=9, frameon=False)
        image = right.imshow(rows[order] @ rows[order].T, cmap="PuOr_r", vmin=-1, vmax=1)
        figure.colorbar(image, ax=right, label="cosine similarity", shrink=0.8)
        edges = np.cumsum([0, *map(len, groups.values())])
        middles = (edges[:-1] + edges[1:] - 1) / 2
        right.set(xticks=middles, yticks=middles, yticklabels=list(groups))
        right.set_xticklabels(list(groups), rotation=30, ha="right")
        right.tick_params(length=0)
        for edge in edges[1:-1]:
            right.axhline(edge - 0.5, color="black", lw=0.8)
            right.axvline(edge - 0.5, color="black", lw=0.8)
        how = f"window {window}, " if made == "by counting" else ""
        right.set_title(f"All pairs, by kind ({how}{d_model} numbers a word)")
        told = ", ".join(f"{name} {n} of {all_}" for name, (n, all_) in alike.items())
        alt = (
            f"{len(order)} words of the facts about {n_people} people, vectors made {made}, {how}{d_model} numbers each. Left, the words as points, seen along {side}, "
            f"a marker for each of five kinds. Right, a square of the cosines of all pairs, sorted by kind. Words whose nearest word is of their own "
            f"kind: {told}."
        )
        caption = (
            f"{100 * share:.0f} % of the words have a nearest word of their own kind ({told}). Dark squares along the diagonal on the right are kinds "
            "whose words point alike. The left panel is a view along two of many directions: what lies together there may lie apart in another view. "
            "(Its points are scattered a little, so that equal ones do not hide each other.)"
        )
        return Picture(figure, alt, caption)

    explore(
        draw,
        made=choice("vectors made", ["by counting", "at random"]),
        window=slider("window", 1, 1, 6, 1),
        d_model=slider("numbers a word", 32, 2, 64, 2),
        n_people=slider("people", 600, 60, 600, 60),
        side=choice("seen along", list(SIDES)),
    )


def _plane(rows: np.ndarray, directions: tuple[int, int]) -> np.ndarray:
    """Return two coordinates for each row: along two of the directions in which the rows differ most, a little scattered."""
    centred = rows - rows.mean(axis=0)
    _, _, Vt = np.linalg.svd(centred, full_matrices=False)
    chosen = np.array([Vt[i % len(Vt)] for i in directions])
    chosen *= np.sign(chosen[[0, 1], np.abs(chosen).argmax(axis=1)])[:, None]  # the sign is free; fix it
    places = centred @ chosen.T
    scatter = np.random.default_rng(0).uniform(-0.025, 0.025, places.shape)
    return np.asarray(places + scatter * max(np.ptp(places), 1e-9))


def neighbours(
    nearest_tokens: Callable[..., Any], vocabulary: list[str], before: Any, after: Any, words: list[str]
) -> None:
    """Show the nearest words of a word that the learner chooses, before (left) and after (right) counting."""
    number = {word: i for i, word in enumerate(vocabulary)}

    def draw(word: str, k: int) -> Picture:
        i = number[word]
        figure = new_figure(9.4, 1.4 + 0.32 * k)
        told = []
        panels = (
            (before, "Before: random vectors", GREY, "//"),
            (after, "After: vectors from counting", BLUE, ""),
        )
        for axes, (vectors, title, colour, hatch) in zip(figure.subplots(1, 2), panels, strict=True):
            found = [int(j) for j in nearest_tokens(vectors[i], vectors, k + 1)]
            found = [j for j in found if j != i][:k]
            lengths = vectors.norm(dim=1) * vectors[i].norm()
            cosines = [float(vectors[j] @ vectors[i] / lengths[j]) if lengths[j] else 0.0 for j in found]
            names = [vocabulary[j] for j in found]
            axes.barh(range(len(found)), cosines, color=colour, hatch=hatch, edgecolor="white")
            axes.set(yticks=range(len(found)), yticklabels=names, xlim=(0, 1), title=title)
            axes.set_xlabel(f"cosine similarity to '{word}'")
            axes.invert_yaxis()
            told.append(
                ", ".join(f"{name} {cosine:.2f}" for name, cosine in zip(names, cosines, strict=True))
            )
        alt = (
            f"The {k} words nearest to '{word}', as bars of cosine similarity, in two panels. Random vectors: {told[0]}. "
            f"Vectors from counting: {told[1]}."
        )
        caption = (
            f"The nearest words of '{word}', before and after. Choose other words. For which ones could you put the neighbour into the "
            "same sentence, and which ones stand beside the word instead?"
        )
        return Picture(figure, alt, caption)

    explore(draw, word=choice("word", words), k=slider("how many", 8, 3, 15, 1))


def positions(sinusoidal_positions: Callable[..., Any]) -> None:
    """Show the table of positions, and the dot products of one position with all others, by distance."""
    length = 128

    def draw(kind: str, position: int, d_model: int) -> Picture:
        if kind == "sines and cosines":
            table = np.asarray(sinusoidal_positions(length, d_model), float)
        else:
            generator = torch.Generator().manual_seed(0)
            table = torch.randn(length, d_model, generator=generator).double().numpy() / np.sqrt(2)
        products = table @ table.T
        figure = new_figure(10.2, 4.4)
        left, right = figure.subplots(1, 2, width_ratios=[1, 1.25])
        image = left.imshow(table, cmap="PuOr_r", vmin=-1.5, vmax=1.5, aspect="auto", interpolation="nearest")
        left.axhline(position, color="black", lw=1.5)
        left.set(xlabel="column", ylabel="position", title=f"The table; the line is position {position}")
        figure.colorbar(image, ax=left, shrink=0.8)
        for other in (0, 40, 80, 127):
            right.plot(np.arange(length) - other, products[other], color="0.7", lw=4, zorder=1)
        right.plot([], [], color="0.7", lw=4, label="positions 0, 40, 80 and 127")
        right.plot(
            np.arange(length) - position, products[position], color=BLUE, lw=1.6, label=f"position {position}"
        )
        right.axhline(0, color="0.85", lw=1, zorder=0)
        right.set(
            xlabel="distance j − i",
            ylabel="dot product of positions i and j",
            title="Dot products, by distance",
            xlim=(-127, 127),
        )
        right.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=2, fontsize=9, frameon=False)
        left.xaxis.set_major_locator(MaxNLocator(integer=True))
        spread = max(np.ptp(np.diagonal(products, distance)) for distance in range(length))
        near = (position + 1) if position + 1 < length else position - 1
        far = position + 30 if position + 30 < length else position - 30
        itself, beside, away = (
            f"{products[position, j]:.1f}".replace("-", "−") for j in (position, near, far)
        )
        told = f"with itself {itself}, with its neighbour {beside}, 30 places away {away}"
        alt = (
            f"Left, the table of {length} positions and {d_model} columns ({kind}) as colours, position {position} marked. Right, dot products "
            f"against the distance: position {position} {told}; the same for four other positions in grey. Pairs at the same distance differ "
            f"by at most {spread:.1f}."
        )
        agreement = (
            "The grey curves of four other positions lie under the blue one: only the distance counts."
            if spread < 0.01 * d_model
            else "The grey curves of four other positions lie elsewhere: here each pair has its own product."
        )
        caption = (
            f"Position {position}: {told}. {agreement} Move the position, then compare with random numbers: which of the two tables "
            "tells near from far before any training?"
        )
        return Picture(figure, alt, caption)

    explore(
        draw,
        kind=choice("table of", ["sines and cosines", "random numbers"]),
        position=slider("position i", 20, 0, length - 1, 1),
        d_model=slider("d_model", 64, 4, 128, 4),
    )
