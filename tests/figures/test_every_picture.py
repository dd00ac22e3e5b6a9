"""Every picture has words, is the same twice, and follows its controls. A lesson's test module lists them in DRAWN."""

import base64
import importlib

import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text

from handmade import checks
from handmade.figures import picture
from handmade.figures.picture import Page, contrast, darkened, ink_on

TESTS = {lesson: importlib.import_module(f"figures.test_{lesson}") for lesson in checks.lessons()}
each_picture = pytest.mark.parametrize(
    ("lesson", "name"), [(lesson, name) for lesson, tests in TESTS.items() for name in tests.DRAWN]
)


def test_every_picture_of_a_lesson_is_listed():
    for lesson, tests in TESTS.items():
        figures = importlib.import_module(f"handmade.figures.{lesson}")
        with open(figures.__file__, encoding="utf-8") as file:
            functions = file.read().split("\ndef ")[1:]
        drawing = {text.partition("(")[0] for text in functions if "\n    explore(" in text}
        assert drawing == set(tests.DRAWN), lesson


@each_picture
def test_a_picture_has_all_its_forms(lesson, name, displayed, drawing):
    make = TESTS[lesson].DRAWN[name]
    make()
    make()
    first, second = displayed
    assert first["text/plain"] == second["text/plain"]
    assert first["text/html"] == second["text/html"], "the same picture has other bytes the second time"
    assert len(first["text/plain"]) > 60, "the alt text is too short to stand for the picture"
    assert "<figcaption" in first["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in first
    draw, _, start = drawing(TESTS[lesson].figures, make)
    if isinstance(draw(**start), Page):
        assert 'aria-label="' in first["text/html"]
    else:
        assert 'alt="' in first["text/html"]
        assert base64.b64decode(first["image/png"]).startswith(b"\x89PNG")


@each_picture
def test_every_control_changes_the_picture_and_its_words(lesson, name, drawing):
    draw, controls, start = drawing(TESTS[lesson].figures, TESTS[lesson].DRAWN[name])
    before = draw(**start)
    for key, control in controls.items():
        written = ("The whale", "")  # into a line of text
        ends = (control.min, control.max) if hasattr(control, "min") else getattr(control, "options", written)
        others = [draw(**(start | {key: end})) for end in ends]
        assert any(other.html() != before.html() for other in others), key
        if not isinstance(before, Page):
            assert any(other.png() != before.png() for other in others), key
        assert any(other.alt != before.alt for other in others), key
        assert all(other.alt and other.caption for other in others)


@each_picture
def test_letters_can_be_read(lesson, name, drawing):
    """Letters on white are dark enough, and no control's label is cut."""
    draw, controls, start = drawing(TESTS[lesson].figures, TESTS[lesson].DRAWN[name])
    assert all(len(control.description) <= 24 for control in controls.values()), "too long for picture.LABEL"
    first = draw(**start)
    if not isinstance(first, Page):
        first.png()
        for text in first.figure.findobj(Text):
            assert to_hex(text.get_color()) == "#ffffff" or contrast(text.get_color(), "white") >= 4.5, text


def test_colours_of_letters():
    assert contrast("black", "white") == pytest.approx(21)
    assert ink_on("#9ecae1") == "black"
    assert ink_on("#08519c") == "white"
    assert darkened("#000000") == "#000000"
    for colour in (picture.ORANGE, picture.GREEN, picture.PURPLE, picture.RED):
        assert 4.5 <= contrast(darkened(colour), "white") < 5
