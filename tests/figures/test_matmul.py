"""Every picture has words, is the same twice, and follows its sliders."""

import base64

import pytest

from handmade.figures import matmul as figures
from handmade.figures import picture
from handmade.figures.picture import Picture, new_figure
from handmade.reference import matmul as reference

DRAWN = {
    "two_views": lambda: figures.two_views(reference.matvec_by_rows, reference.column_pieces),
    "grids": lambda: figures.grids(reference.is_linear),
    "stack": lambda: figures.stack(reference.collapse),
    "ranks": lambda: figures.ranks(reference.low_rank_factors),
}


@pytest.fixture
def displayed(monkeypatch):
    shown = []
    monkeypatch.setattr(picture, "display", lambda data, raw: shown.append(data))
    return shown


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_has_all_its_forms(name, displayed):
    DRAWN[name]()
    DRAWN[name]()
    first, second = displayed
    assert first["text/plain"] == second["text/plain"]
    assert first["text/html"] == second["text/html"], "the same picture has other bytes the second time"
    assert base64.b64decode(first["image/png"]).startswith(b"\x89PNG")
    assert len(first["text/plain"]) > 60, "the alt text is too short to stand for the picture"
    assert 'alt="' in first["text/html"]
    assert "<figcaption" in first["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in first


@pytest.mark.parametrize("name", DRAWN)
def test_every_control_changes_the_picture_and_its_words(name, monkeypatch):
    drawn = []
    monkeypatch.setattr(figures, "explore", lambda draw, **controls: drawn.append((draw, controls)))
    DRAWN[name]()
    draw, controls = drawn[0]
    start = {key: control.value for key, control in controls.items()}
    before = draw(**start)
    for key, control in controls.items():
        ends = (control.min, control.max) if hasattr(control, "min") else control.options
        others = [draw(**(start | {key: end})) for end in ends]
        assert any(other.png() != before.png() for other in others), key
        assert all(other.alt and other.caption for other in others)


def test_a_picture_without_words_is_refused():
    with pytest.raises(ValueError, match="alt text"):
        Picture(new_figure(1, 1), " ", "a caption")
    with pytest.raises(ValueError, match="caption"):
        Picture(new_figure(1, 1), "something", "")


def test_an_error_in_the_learners_code_keeps_the_sliders_alive(displayed):
    calls = []

    def draw(value):
        calls.append(value)
        if value > 1:
            raise ZeroDivisionError("division by zero")
        return Picture(new_figure(1, 1), "an empty picture", "Nothing is drawn here.")

    control = picture.slider("value", 1, 0, 5, 1)
    picture.explore(draw, value=control)
    control.value = 3
    control.value = 0
    assert calls == [1, 3, 0]


def test_kinks_are_counted():
    import numpy as np

    x = np.linspace(-2, 2, 401)
    assert figures.count_kinks(3 * x + 1) == 0
    assert figures.count_kinks(np.abs(x)) == 1
    assert figures.count_kinks(np.maximum(x - 0.123, 0) + np.maximum(-x - 0.7071, 0)) == 2
