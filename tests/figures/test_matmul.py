"""Every picture has words, is the same twice, and follows its sliders."""

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
