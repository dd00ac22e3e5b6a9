"""Text in boxes and pictures of tokens: words for everybody, alike each time, and they follow their controls."""

import base64

import pytest

from handmade.data.text import moby_dick
from handmade.figures import picture
from handmade.figures import tokens as figures
from handmade.figures.picture import Page
from handmade.reference import tokens as reference

MERGES = reference.train_bpe(moby_dick()[:4_000], 300)
DRAWN = {
    "coloured": lambda: figures.coloured(reference.encode, reference.mergeable_ranks, MERGES),
    "shrinking": lambda: figures.shrinking(reference.merge, reference.to_bytes, MERGES),
    "languages": lambda: figures.languages(reference.encode, MERGES),
}


@pytest.fixture
def displayed(monkeypatch):
    shown = []
    monkeypatch.setattr(picture, "display", lambda data, raw: shown.append(data))
    return shown


def drawing(name, monkeypatch):
    drawn = []
    monkeypatch.setattr(figures, "explore", lambda draw, **controls: drawn.append((draw, controls)))
    DRAWN[name]()
    return drawn[0]


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_has_all_its_forms(name, displayed):
    DRAWN[name]()
    DRAWN[name]()
    first, second = displayed
    assert first["text/plain"] == second["text/plain"]
    assert first["text/html"] == second["text/html"], "the same picture has other bytes the second time"
    assert len(first["text/plain"]) > 60
    assert "<figcaption" in first["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in first
    if name != "coloured":
        assert base64.b64decode(first["image/png"]).startswith(b"\x89PNG")


@pytest.mark.parametrize("name", DRAWN)
def test_every_control_changes_the_picture_and_its_words(name, monkeypatch):
    draw, controls = drawing(name, monkeypatch)
    start = {key: control.value for key, control in controls.items()}
    before = draw(**start)
    for key, control in controls.items():
        ends = (control.min, control.max) if hasattr(control, "min") else control.options
        others = [draw(**(start | {key: end})) for end in ends]
        assert any(other.html() != before.html() for other in others), key
        assert all(other.alt and other.caption for other in others)


def test_the_boxes_hold_the_whole_text_and_nothing_that_html_would_read(monkeypatch):
    monkeypatch.setitem(figures.TEXTS, "letters", 'a<b> & "c" <script>')
    draw, _ = drawing("coloured", monkeypatch)
    page = draw(text="letters", used=0)
    assert "a|<|b|>|·|&|·" in page.plain
    assert "<script>" not in page.html()
    assert "&lt;" in page.html()
    assert page.html().count("<span") == 19 + page.plain.splitlines()[-1].count("|") + 1


def test_tokens_are_shown_as_a_reader_can_see_them():
    assert figures.shown(b" the\n\t") == "·the↵⇥"
    assert figures.shown(b"\xe4\xb8") == "E4 B8"
    assert figures.shown("中".encode()) == "中"


def test_a_page_without_words_is_refused():
    for alt, caption in ((" ", "a caption"), ("something", "")):
        with pytest.raises(ValueError, match="alt text"):
            Page("<p></p>", "", alt, caption)
