"""One picture, shown alike everywhere: with alt text, a caption, and sliders where widgets run.

A picture is one output with several forms: where widgets run, sliders that redraw it; elsewhere (GitHub, exported
HTML, a PDF) the still picture of the sliders' first positions; and its alt text where no picture can be shown.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ipywidgets
from IPython.display import display
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

# Okabe and Ito's colours: told apart by colour-blind readers too. Lines and labels differ as well.
BLUE, ORANGE, GREEN, RED, PURPLE, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#666666"
DPI = 110
LABEL = "12.5em"  # the width of a control's label; a longer one would be cut
# Widgets space lines far apart and write small; a caption reads like the text around it.
CAPTION = "max-width:52em;line-height:1.45;margin-top:0.3em"
# A slider of ipywidgets has no name for a screen reader, and nobody is told of a new picture. This empty style sheet says
# both once it is in the page, beside the controls: it is the one element that runs a line there and shows nothing.
NAMES = (
    "<style onload=\"const box = this.closest('.widget-vbox'); "
    "box.querySelectorAll('[role=slider]').forEach(s => s.setAttribute('aria-label', "
    "s.closest('.widget-inline-hbox').querySelector('.widget-label').textContent)); "
    "box.querySelectorAll('.handmade-redrawn').forEach(e => e.setAttribute('aria-live', 'polite'))\"></style>"
)


@dataclass(frozen=True)
class Picture:
    """A drawn figure with the words that belong to it.

    `alt` says what is in the picture for somebody who cannot see it, `caption` what to look for.
    Raises ValueError where either is empty.
    """

    figure: Figure
    alt: str
    caption: str

    def __post_init__(self) -> None:
        _demand_words(self.alt, self.caption)

    def png(self) -> bytes:
        """Return the picture as a PNG file; the same drawing gives the same bytes."""
        buffer = io.BytesIO()
        self.figure.savefig(buffer, format="png", dpi=DPI, facecolor="white", metadata={"Software": None})
        return buffer.getvalue()

    def html(self) -> str:
        """Return the picture and its caption as one HTML figure that needs no other file."""
        data = base64.b64encode(self.png()).decode()
        alt, caption = html.escape(self.alt, quote=True), html.escape(self.caption)
        return (
            f'<figure style="margin:0.5em 0;max-width:100%"><img alt="{alt}" src="data:image/png;base64,{data}" '
            f'style="max-width:100%;height:auto"><figcaption style="{CAPTION}">{caption}</figcaption></figure>'
        )

    def bundle(self) -> dict[str, Any]:
        """Return all forms of the still picture, as Jupyter's display protocol wants them."""
        png = base64.b64encode(self.png()).decode()
        return {"text/html": self.html(), "image/png": png, "text/plain": self.alt}


@dataclass(frozen=True)
class Page:
    """A figure made of text in HTML, with the words that belong to it; it has the forms that a Picture has, but no PNG.

    `body` is HTML that is safe to show, `plain` the same for places that show text only. Raises ValueError
    where alt text or caption are empty.
    """

    body: str
    plain: str
    alt: str
    caption: str

    def __post_init__(self) -> None:
        _demand_words(self.alt, self.caption)

    def html(self) -> str:
        """Return the body and its caption as one HTML figure that needs no other file."""
        alt, caption = html.escape(self.alt, quote=True), html.escape(self.caption)
        return (
            f'<figure style="margin:0.5em 0;max-width:52em"><div role="group" aria-label="{alt}">{self.body}</div>'
            f'<figcaption style="{CAPTION}">{caption}</figcaption></figure>'
        )

    def bundle(self) -> dict[str, Any]:
        """Return all forms of the still figure, as Jupyter's display protocol wants them."""
        return {"text/html": self.html(), "text/plain": f"{self.alt}\n\n{self.plain}"}


def _demand_words(alt: str, caption: str) -> None:
    if not alt.strip() or not caption.strip():
        raise ValueError("expected an alt text and a caption that are not empty")


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of this size in inches, outside pyplot: nothing is kept open, nothing shown twice."""
    return Figure(figsize=(width, height), layout="constrained")


def contrast(one: Any, other: Any) -> float:
    """Return how well two colours are told apart, from 1 to 21, as the W3C measures it (WCAG 2); letters need 4.5."""
    light = []
    for colour in (one, other):
        parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
        light.append(0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2])
    return (max(light) + 0.05) / (min(light) + 0.05)


def ink_on(background: Any) -> str:
    """Return the colour of letters that read better on this one: "black" or "white"."""
    return "black" if contrast("black", background) >= contrast("white", background) else "white"


def darkened(colour: str) -> str:
    """Return the colour, darkened as far as letters on white need it."""
    red, green, blue = to_rgb(colour)
    shades = ((red * share, green * share, blue * share) for share in (1 - n / 50 for n in range(51)))
    return to_hex(next(shade for shade in shades if contrast(shade, "white") >= 4.5))


def show(picture: Picture | Page) -> None:
    """Display a still picture."""
    display(picture.bundle(), raw=True)


def explore(draw: Callable[..., Picture | Page], **controls: Any) -> None:
    """Display `draw(**values)` with one control a keyword, redrawn when a control is let go.

    A control is made by `slider`, `choice` or `text`. Where no widgets run, the picture of the first values is shown.
    """
    first = draw(**{name: control.value for name, control in controls.items()})
    place = ipywidgets.HTML(first.html())
    place.add_class("handmade-redrawn")

    def redraw(_: Any) -> None:
        try:
            place.value = draw(**{name: control.value for name, control in controls.items()}).html()
        # The learner's own code is called: say what it did, keep the sliders alive.
        except Exception as error:
            place.value = (
                f"<p>Your code raised {html.escape(type(error).__name__)}: {html.escape(str(error))}</p>"
            )

    for control in controls.values():
        control.observe(redraw, names="value")
    show_with_widgets(ipywidgets.VBox([*controls.values(), place]), first)


def show_with_widgets(widget: Any, still: Picture | Page) -> None:
    """Display a widget that holds controls, and where no widgets run the still picture."""
    widget = ipywidgets.VBox([widget, ipywidgets.HTML(NAMES, layout={"display": "none"})])
    forms = widget._repr_mimebundle_() if hasattr(widget, "_repr_mimebundle_") else {}
    view = "application/vnd.jupyter.widget-view+json"
    if view not in forms:  # ipywidgets 7 has no such method
        forms = {view: {"version_major": 2, "version_minor": 0, "model_id": widget._model_id}}
    display({view: forms[view], **still.bundle()}, raw=True)


def slider(label: str, value: float, low: float, high: float, step: float) -> Any:
    """Return a slider; whole numbers where all of its numbers are whole."""
    numbers = (value, low, high, step)
    kind = ipywidgets.IntSlider if all(isinstance(n, int) for n in numbers) else ipywidgets.FloatSlider
    return kind(
        value=value, min=low, max=high, step=step, description=label, continuous_update=False,
        style={"description_width": LABEL}, layout={"width": "34.5em", "max_width": "100%"},
    )  # fmt: skip


def choice(label: str, options: list[str]) -> Any:
    """Return a drop-down list, the first option chosen."""
    return ipywidgets.Dropdown(
        options=options,
        value=options[0],
        description=label,
        style={"description_width": LABEL},
        layout={"width": "34.5em", "max_width": "100%"},
    )


def text(label: str, value: str) -> Any:
    """Return a line to write in; the picture is redrawn when Enter is pressed or the line is left."""
    return ipywidgets.Text(
        value=value, description=label, continuous_update=False,
        style={"description_width": LABEL}, layout={"width": "44.5em", "max_width": "100%"},
    )  # fmt: skip


def short(value: float) -> str:
    """Return a number in at most two decimals, with a real minus sign, without trailing zeros."""
    text = f"{float(value):.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text.replace("-", "−")
