"""An attention pattern as a table to point at: queries down, keys across, each weight as a number and as a filled square.

No script is needed. A mouse shows one weight at a time; with the keyboard, Tab goes to the first cell of a pattern and
the arrow keys go from cell to cell. Screen readers find an ordinary table. Where no HTML is shown there is a still
picture, and the numbers as text.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from handmade.figures.picture import CAPTION, Page, Picture, ink_on, new_figure

NUMBERS_UP_TO = 10  # a pattern with more keys shows its numbers only where one points
LOW, HIGH = (247, 251, 255), (8, 69, 148)  # the colours of the weights 0 and 1; the numbers on them read well
STYLE = """
.handmade-pattern{display:inline-block;vertical-align:top;margin:0.5em 2em 0.5em 0;border:0;padding:0}
.handmade-pattern table{border-collapse:collapse;border:0;font-size:90%;margin:0}
.handmade-pattern caption{text-align:left;font-weight:bold;padding:0 0 0.3em 0;color:inherit}
.handmade-pattern th,.handmade-pattern td{background:none;color:inherit;text-align:center;border:0;padding:0.15em 0.4em}
.handmade-pattern tbody th{text-align:right}
.handmade-pattern tr{background:none!important}
.handmade-pattern td.w{position:relative;border:1px solid #8c8c8c;padding:0}
.handmade-pattern label{position:relative;display:flex;align-items:center;justify-content:center;box-sizing:border-box;margin:0;width:100%}
.handmade-pattern .full label{min-width:3.4em;height:2.5em}
.handmade-pattern .small label{min-width:1.2em;height:1.2em;background:#f7fbff}
.handmade-pattern .small thead th.k{writing-mode:vertical-rl;padding:0.2em 0;text-align:right}
.handmade-pattern .small i{display:block}
.handmade-pattern .small tbody th{line-height:1;padding:0 0.4em;white-space:nowrap}
.handmade-pattern .small td.w{line-height:0}
.handmade-pattern .small b{line-height:1.3}
.handmade-pattern .none label{background:repeating-linear-gradient(45deg,#fff 0 3px,#bbb 3px 4px);color:#111}
.handmade-pattern input{position:absolute;opacity:0;width:100%;height:100%;left:0;top:0;margin:0;cursor:pointer}
.handmade-pattern b{position:absolute;display:none;left:50%;bottom:115%;transform:translateX(-50%);z-index:9;white-space:nowrap;
 background:#111;color:#fff;border:1px solid #fff;border-radius:3px;padding:0.2em 0.5em;font-weight:normal;pointer-events:none}
.handmade-pattern td.w:hover b,.handmade-pattern input:focus~b{display:block}
.handmade-pattern td.w:hover label,.handmade-pattern input:focus~span{outline:3px solid #D55E00;outline-offset:-3px}
.handmade-pattern td.w:hover,.handmade-pattern td.w:focus-within{z-index:8}
.handmade-pattern label>span{position:absolute;inset:0;pointer-events:none}
""".replace("\n", "")


@dataclass(frozen=True)
class PatternPage(Page):
    """A Page of patterns, which are to be explored: it is a group of tables, and has a still picture besides."""

    still: Picture

    def html(self) -> str:
        """Return the patterns and their caption as one HTML figure that needs no other file."""
        alt, caption = html.escape(self.alt, quote=True), html.escape(self.caption)
        return (
            f'<figure style="margin:0.5em 0;max-width:100%"><style>{STYLE}</style><div role="group" aria-label="{alt}" '
            f'style="overflow-x:auto;padding-top:1.6em">{self.body}</div>'
            f'<figcaption style="{CAPTION}">{caption}</figcaption></figure>'
        )

    def bundle(self) -> dict[str, Any]:
        """Return all forms, as Jupyter's display protocol wants them."""
        return {**super().bundle(), "image/png": base64.b64encode(self.still.png()).decode()}


def pattern_page(
    tokens: Sequence[str],
    patterns: Mapping[str, Any],
    caption: str,
    *,
    key_tokens: Sequence[str] | None = None,
    of: str = "attention weights",
) -> PatternPage:
    """Return a figure of one or several patterns side by side; pointing at a cell shows its query, its key and its weight.

    `tokens` name the queries, and the keys too unless `key_tokens` names them. `patterns` maps a title to each
    pattern: anything that numpy can read, of shape (n_q, n_k). Raises ValueError where a shape does not fit the names, or
    an entry is no number from 0 to 1.
    """
    keys = list(tokens if key_tokens is None else key_tokens)
    queries = list(tokens)
    weights = {title: _checked(title, pattern, queries, keys) for title, pattern in patterns.items()}
    if not weights:
        raise ValueError("expected at least one pattern, got none")
    alt = f"{'; '.join(_in_words(title, w, queries, keys) for title, w in weights.items())}."
    body = "".join(_table(title, w, queries, keys, of) for title, w in weights.items())
    plain = "\n\n".join(_plain(title, w, queries, keys) for title, w in weights.items())
    return PatternPage(body, plain, alt, caption, _still(weights, queries, keys, alt, caption))


def _checked(title: str, pattern: Any, queries: list[str], keys: list[str]) -> np.ndarray:
    if hasattr(pattern, "detach"):
        pattern = pattern.detach().cpu().double()
    weights = np.asarray(pattern, dtype=float)
    if weights.shape != (len(queries), len(keys)):
        raise ValueError(
            f"expected the pattern {title!r} in shape ({len(queries)}, {len(keys)}), one row a query and one column "
            f"a key, got {weights.shape}"
        )
    if not ((weights >= 0) & (weights <= 1 + 1e-6)).all():
        raise ValueError(
            f"expected weights from 0 to 1 in the pattern {title!r}; did it go through the softmax?"
        )
    return weights


def _in_words(title: str, weights: np.ndarray, queries: list[str], keys: list[str]) -> str:
    """Return what is in a pattern: for each of the first rows its largest weight."""
    told = []
    for query, row in zip(queries, weights, strict=True):
        best = np.flatnonzero(row >= row.max() - 1e-6)
        where = keys[best[0]] if len(best) == 1 else f"{len(best)} keys alike"
        told.append(f"{query} looks most at {where} ({row.max():.2f})")
    more = f", and {len(told) - 8} more queries" if len(told) > 8 else ""
    return f"Pattern '{title}', shape {weights.shape}, queries as rows and keys as columns: {', '.join(told[:8])}{more}"


def _table(title: str, weights: np.ndarray, queries: list[str], keys: list[str], of: str) -> str:
    """Return one pattern as a table of radio buttons: Tab reaches the group, and the arrows each cell of it."""
    group = hashlib.sha256(f"{title}{queries}{keys}".encode() + weights.tobytes()).hexdigest()[:12]
    full = len(keys) <= NUMBERS_UP_TO
    head = "".join(f'<th scope="col" class="k">{html.escape(_cut(key))}</th>' for key in keys)
    rows = []
    for query, row in zip(queries, weights, strict=True):
        cells = "".join(_cell(query, key, weight, group, full) for key, weight in zip(keys, row, strict=True))
        rows.append(f'<tr><th scope="row">{html.escape(_cut(query))}</th>{cells}</tr>')
    shape = f"({len(queries)}, {len(keys)})"
    return (
        f'<form method="dialog" class="handmade-pattern"><table class="{"full" if full else "small"}">'
        f"<caption>{html.escape(title)}: {of}, shape {shape}</caption><thead>"
        f'<tr><td></td><th scope="colgroup" colspan="{len(keys)}">keys: who is looked at →</th></tr>'
        f'<tr><th scope="col">queries: who looks ↓</th>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></form>'
    )


def _cell(query: str, key: str, weight: float, group: str, full: bool) -> str:
    """Return one cell: its number or a square whose area is the weight, and the words that pointing at it shows."""
    shown = _number(weight)
    words = html.escape(f"query {query}, key {key}: {shown}", quote=True)
    none = weight == 0
    shade = [round(a + (b - a) * weight) for a, b in zip(LOW, HIGH, strict=True)]
    fill = "background:rgb({},{},{})".format(*shade)
    if full:
        ink = ink_on([part / 255 for part in shade])
        inside = f'<label{"" if none else f""" style="{fill};color:{ink}" """.rstrip()}>{shown}'
    else:
        side = 100 * weight**0.5
        inside = f'<label><i style="{fill};width:{side:.0f}%;height:{side:.0f}%"></i>'
    # JupyterLab would take the arrow keys for itself, unless the element in focus says otherwise.
    button = (
        f'<input type="radio" name="{group}" aria-label="{words}" data-lm-suppress-shortcuts="true"><span></span>'
        f'<b aria-hidden="true">{words}</b>'
    )
    return f'<td class="w{" none" if none else ""}">{inside}{button}</label></td>'


def _number(weight: float) -> str:
    """Return a weight in two decimals; an exact 0 as "0", so that it can be told from one that is only small."""
    return "0" if weight == 0 else f"{weight:.2f}"


def _cut(token: str) -> str:
    """Return a token short enough for the head of a row or column, with its spaces to be seen."""
    text = token.replace("\n", "↵")
    text = f"·{text[1:]}" if text.startswith(" ") else text
    return text if len(text) <= 12 else f"{text[:11]}…"


def _plain(title: str, weights: np.ndarray, queries: list[str], keys: list[str]) -> str:
    names = [_cut(key) for key in keys]
    wide = [max(5, len(name)) for name in names]
    left = max(len(_cut(query)) for query in queries)
    lines = [f"{title}: queries as rows, keys as columns, shape {weights.shape}"]
    lines.append(" " * left + "".join(f"  {name:>{w}}" for name, w in zip(names, wide, strict=True)))
    for query, row in zip(queries, weights, strict=True):
        numbers = "".join(f"  {_number(float(x)):>{w}}" for x, w in zip(row, wide, strict=True))
        lines.append(f"{_cut(query):>{left}}{numbers}")
    return "\n".join(lines)


def _still(
    weights: Mapping[str, np.ndarray], queries: list[str], keys: list[str], alt: str, caption: str
) -> Picture:
    """Return the same patterns as a still picture."""
    full = len(keys) <= NUMBERS_UP_TO
    side = 0.62 if full else 0.26
    upright = not full or max(len(_cut(key)) for key in keys) > 7  # longer names would run into each other
    width, height = max(2.6, side * len(keys) + 1.2), max(2.0, side * len(queries) + 1.4 + 0.4 * upright)
    figure = new_figure(width * len(weights), height)
    for axes, (title, w) in zip(
        np.atleast_1d(figure.subplots(1, len(weights))), weights.items(), strict=True
    ):
        image = axes.imshow(w, cmap="Blues", vmin=0, vmax=1)
        axes.set(title=f"{title}, {w.shape}", xlabel="keys: who is looked at", ylabel="queries: who looks")
        axes.set_xticks(range(len(keys)), [_cut(k) for k in keys], rotation=90 if upright else 0)
        axes.set_yticks(range(len(queries)), [_cut(q) for q in queries])
        for i, j in np.ndindex(*w.shape):
            if full:
                ink = ink_on(image.to_rgba(w[i, j])[:3])
                axes.text(j, i, _number(float(w[i, j])), ha="center", va="center", color=ink, fontsize=9)
            elif w[i, j] > 0:
                axes.plot(j, i, "s", color="black", ms=1 + 4 * w[i, j] ** 0.5, mfc="none", mew=0.5)
    return Picture(figure, alt, caption)
