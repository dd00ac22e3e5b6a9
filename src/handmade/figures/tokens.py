"""Pictures of lesson 05: text cut into tokens, by the learner's own merges and by GPT-2's."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

from handmade.data.gpt2 import gpt2_encoding
from handmade.data.text import moby_dick
from handmade.figures.picture import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    Page,
    Picture,
    choice,
    explore,
    new_figure,
    slider,
)

# Article 1 of the Universal Declaration of Human Rights (United Nations, 1948).
ARTICLE_1 = {
    "English": (
        "All human beings are born free and equal in dignity and rights. They are endowed with reason and conscience "
        "and should act towards one another in a spirit of brotherhood."
    ),
    "German": (
        "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft und Gewissen begabt und "
        "sollen einander im Geist der Brüderlichkeit begegnen."
    ),
    "Chinese": "人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心,并应以兄弟关系的精神相对待。",
}
TEXTS = {
    "Moby-Dick": "Call me Ishmael. Some years ago—never mind how long precisely—having little or no money in my purse",
    "letters": "How many r's are in strawberry? strawberry Strawberry STRAWBERRY",
    "numbers": "2024 2025 8041 127 + 677 = 804, 1267 + 6774 = 8041",
    "spaces": "def f(x):\n        return x  # the The  THE",
    "German": ARTICLE_1["German"],
    "Chinese": ARTICLE_1["Chinese"],
}
_SHADES = (
    "#cfe8fa",
    "#fbe3b0",
    "#c9eadf",
    "#f3d4e4",
)  # pale enough for black letters; borders part the tokens too


def shown(token: bytes) -> str:
    """Return a token as a reader can see it: spaces as ·, ends of lines as ↵, bytes that are no sign alone in hexadecimal."""
    try:
        text = token.decode("utf-8")
    except UnicodeDecodeError:
        return " ".join(f"{byte:02X}" for byte in token)
    return text.replace(" ", "·").replace("\n", "↵").replace("\t", "⇥")


def strip(tokens: list[bytes], ids: list[int]) -> str:
    """Return the tokens as a line of boxes in HTML; pointing at one shows its id."""
    boxes = [
        f'<span title="id {token_id}" style="display:inline-block;background:{_SHADES[i % len(_SHADES)]};color:#111;'
        f"border:1px solid #555;border-radius:3px;padding:0 2px;margin:1px;font-family:monospace;font-size:"
        f'{"80%" if _broken(token) else "100%"}">{html.escape(shown(token))}</span>'
        for i, (token, token_id) in enumerate(zip(tokens, ids, strict=True))
    ]
    return "".join(boxes)


def _broken(token: bytes) -> bool:
    """Return whether a token is no text of its own: it begins or ends inside a sign."""
    try:
        token.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False


def _spelling(mergeable_ranks: Callable[..., Any], merges: list[tuple[int, int]]) -> dict[int, bytes]:
    return {int(rank): token for token, rank in mergeable_ranks(merges).items()}


def coloured(
    encode: Callable[..., Any], mergeable_ranks: Callable[..., Any], merges: list[tuple[int, int]]
) -> None:
    """Show a text cut into tokens twice: by the first of the learner's merges, and by GPT-2's 50,000."""
    spelling = _spelling(mergeable_ranks, merges)
    gpt2 = gpt2_encoding()

    def draw(text: str, used: int) -> Page:
        words = TEXTS[text]
        own = [int(i) for i in encode(words, merges[:used])]
        theirs = gpt2.encode(words)
        rows = (
            (f"Yours, {used} merges", own, [spelling[i] for i in own]),
            ("GPT-2's, 50,000 merges", theirs, [gpt2.decode_single_token_bytes(i) for i in theirs]),
        )
        body, plain = "", ""
        for title, ids, tokens in rows:
            count = f"{title}: {len(ids)} tokens for {len(words)} characters"
            body += f'<p style="margin:0.6em 0 0.2em 0"><strong>{count}</strong></p><div>{strip(tokens, ids)}</div>'
            plain += f"{count}\n{'|'.join(map(shown, tokens))}\n\n"
        alt = (
            f"The text '{text}' cut into tokens, each in a box. With {used} of your merges: {len(own)} tokens. "
            f"With GPT-2's merges: {len(theirs)} tokens."
        )
        broken = sum(map(_broken, rows[1][2]))
        caption = (
            "Each box is one token; · is a space, ↵ the end of a line, and a box such as E4 B8 holds bytes that are only part of a sign "
            f"({broken} of GPT-2's boxes here). The model sees the number of each box (point at it), never the letters inside."
        )
        return Page(body, plain.rstrip(), alt, caption)

    explore(
        draw,
        text=choice("text", list(TEXTS)),
        used=slider("your merges used", len(merges), 0, len(merges), 1),
    )


def shrinking(merge: Callable[..., Any], to_bytes: Callable[..., Any], merges: list[tuple[int, int]]) -> None:
    """Show bytes per token against the number of merges, on the training text, on new text and in other languages."""
    novel = moby_dick()
    kinds = {
        "text that you trained on": (novel[:8_000], BLUE, "-"),
        "a later chapter": (novel[600_000:608_000], GREEN, "--"),
        "German": (ARTICLE_1["German"], PURPLE, "-."),
        "Chinese": (ARTICLE_1["Chinese"], ORANGE, ":"),
    }
    curves: dict[str, list[float]] = {}
    for name, (text, _, _) in kinds.items():
        ids = list(to_bytes(text))
        n_bytes = len(ids)
        curves[name] = [1.0]
        for i, pair in enumerate(merges):
            ids = merge(ids, pair, 256 + i)
            curves[name].append(n_bytes / len(ids))

    def draw(used: int) -> Picture:
        figure = new_figure(8.6, 4.4)
        axes = figure.subplots()
        for name, (_, colour, style) in kinds.items():
            axes.plot(curves[name], style, color=colour, lw=2.2, label=f"{name}: {curves[name][used]:.2f}")
            axes.plot(used, curves[name][used], "o", color=colour, ms=7)
        axes.axvline(used, color=GREY, lw=1, ls=":")
        axes.set(
            xlabel="merges used",
            ylabel="bytes per token",
            title=f"How far {used} merges shrink a text",
            ylim=(0.9, None),
        )
        axes.legend(title="bytes per token", loc="upper left")
        told = ", ".join(f"{name} {curves[name][used]:.2f}" for name in kinds)
        alt = f"Bytes per token against the number of merges used, four curves. With {used} merges: {told}."
        caption = (
            "The first merges help most: they are the most frequent pairs. Move the slider. What do merges learned from English do for "
            "Chinese, and what would you train on, if your model should read both?"
        )
        return Picture(figure, alt, caption)

    explore(draw, used=slider("merges used", min(50, len(merges)), 0, len(merges), 1))


def languages(encode: Callable[..., Any], merges: list[tuple[int, int]]) -> None:
    """Show tokens per character for one sentence in three languages, by the learner's merges and by GPT-2's."""
    gpt2 = gpt2_encoding()
    names = list(ARTICLE_1)
    theirs = [len(gpt2.encode(text)) / len(text) for text in ARTICLE_1.values()]

    def draw(used: int) -> Picture:
        own = [len(encode(text, merges[:used])) / len(text) for text in ARTICLE_1.values()]
        figure = new_figure(8.6, 3.6)
        axes = figure.subplots()
        for shift, values, colour, hatch, label in (
            (-0.2, own, BLUE, "", f"your first {used} merges"),
            (0.2, theirs, ORANGE, "//", "GPT-2's 50,000 merges"),
        ):
            places = [i + shift for i in range(len(names))]
            axes.barh(places, values, height=0.36, color=colour, hatch=hatch, edgecolor="white", label=label)
            for place, value in zip(places, values, strict=True):
                axes.text(value + 0.03, place, f"{value:.2f}", va="center")
        axes.set(yticks=range(len(names)), yticklabels=names, xlabel="tokens per character", xlim=(0, 3.4))
        axes.invert_yaxis()
        axes.legend(loc="upper right")
        told = "; ".join(
            f"{name}: yours {a:.2f}, GPT-2's {b:.2f}" for name, a, b in zip(names, own, theirs, strict=True)
        )
        alt = f"Bars of tokens per character for the same sentence in three languages. {told}."
        caption = (
            "The same sentence (Universal Declaration of Human Rights, Article 1). With 0 merges you see the bytes of UTF-8 alone. "
            "Which bars do your merges shorten, and which not at all?"
        )
        return Picture(figure, alt, caption)

    explore(draw, used=slider("your merges used", len(merges), 0, len(merges), 1))
