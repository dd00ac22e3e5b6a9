"""Text in boxes and pictures of tokens: words for everybody, alike each time, and they follow their controls."""

import pytest

from handmade.data.text import moby_dick
from handmade.figures import tokens as figures
from handmade.figures.picture import Page
from handmade.reference import tokens as reference

MERGES = reference.train_bpe(moby_dick()[:4_000], 300)
DRAWN = {
    "coloured": lambda: figures.coloured(reference.encode, reference.mergeable_ranks, MERGES),
    "shrinking": lambda: figures.shrinking(reference.merge, reference.to_bytes, MERGES),
    "languages": lambda: figures.languages(reference.encode, MERGES),
}


def test_the_boxes_hold_the_whole_text_and_nothing_that_html_would_read(monkeypatch, drawing):
    monkeypatch.setitem(figures.TEXTS, "letters", 'a<b> & "c" <script>')
    draw, _, _ = drawing(figures, DRAWN["coloured"])
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
