"""Every picture has words, is the same twice, and follows its sliders."""

import numpy as np
import pytest

from handmade.figures import perceptron as figures
from handmade.reference import perceptron as reference

DRAWN = {
    "line": lambda: figures.line(reference.perceptron),
    "distances": lambda: figures.distances(reference.signed_distance),
    "sixteen": lambda: figures.sixteen(reference.separable_gates),
    "epochs": lambda: figures.epochs(reference.perceptron_rule),
}


def test_no_setting_of_the_line_gets_xor_right(drawing):
    draw, _, start = drawing(figures, DRAWN["line"])
    assert "4 of 4 agree with AND" in draw(**(start | {"gate": "AND", "w1": 1.0, "w2": 1.0, "b": -1.5})).alt
    for w1, w2, b in [(1, 1, -0.5), (-1, -1, 1.5), (2, -2, 0), (0, 0, 0), (0, 0, 3)]:
        assert "4 of 4" not in draw(gate="XOR", w1=w1, w2=w2, b=b).alt


@pytest.mark.parametrize(("largest", "found"), [(0, 1), (1, 13), (2, 14), (5, 14)])
def test_the_lesson_s_numbers_of_tables(largest, found, drawing):
    draw, _, _ = drawing(figures, DRAWN["sixteen"])
    assert f"finds {found} of them" in draw(largest=largest).alt


def test_a_line_of_sixteen_gives_its_table():
    for table in reference.separable_gates(np.arange(-2, 3)):
        w, b = figures._some_neuron(table)
        if w.any():
            assert tuple(reference.perceptron(figures.INPUTS, w, b).tolist()) == table


@pytest.mark.parametrize("gap", [0.02, 0.3, 1.0])
def test_the_gap_is_kept(gap):
    X, y = figures.gap_points(gap, np.random.default_rng(0))
    distance = reference.signed_distance(X, np.array([0.6, 0.8]), -0.5)
    assert len(X) == 60
    assert np.abs(distance).min() >= gap / 2
    assert ((distance > 0) == (y == 1)).all()


def test_the_overlapping_clouds_never_reach_zero_mistakes():
    X, y = figures.points_of("two clouds that overlap")
    _, _, mistakes = reference.perceptron_rule(X, y, 40)
    assert min(mistakes) > 0
    X, y = figures.points_of("two clouds with a gap")
    assert reference.perceptron_rule(X, y, 40)[2][-1] == 0
