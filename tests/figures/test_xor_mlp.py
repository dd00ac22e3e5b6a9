"""The pictures of lesson 03 have words, are the same twice, and follow their sliders; their own arithmetic is right."""

import numpy as np
import pytest

from handmade.figures import xor_mlp as figures
from handmade.reference import xor_mlp as reference

DRAWN = {
    "xor_panels": lambda: figures.xor_panels(reference.xor_weights),
    "hidden_space": lambda: figures.hidden_space(reference.xor_weights),
    "boundary": lambda: figures.boundary(reference.mlp_forward),
    "regions": lambda: figures.regions(
        reference.region_codes, reference.count_regions, reference.max_regions
    ),
    "depth_and_width": lambda: figures.depth_and_width(reference.tent, reference.count_linear_pieces),
}


@pytest.mark.parametrize(
    "weights",
    [
        ([[2, -2], [-2, 2]], [-1, -1], [5, 5], [-1]),
        (np.ones((2, 2)), np.array([0, -1]), np.array([[1], [-1]]), np.array([0])),
        (np.zeros((2, 2)), np.zeros(2), np.zeros(2), 0.0),
    ],
)
def test_weights_in_any_allowed_form_are_drawn(weights, displayed):
    figures.xor_panels(lambda: weights)
    figures.hidden_space(lambda: weights)
    assert len(displayed) == 2


@pytest.mark.parametrize("kind", figures.SHAPES)
def test_islands_hold_their_centres_and_nothing_far_away(kind):
    centres, radius = figures.SHAPES[kind]
    for sides in (3, 4, 12):
        layers = figures.islands(centres, radius, sides)
        points = np.vstack([centres, [[5.0, 5.0], [-5.0, 5.0]]])
        answers = reference.mlp_forward(points, layers, figures._step)
        assert (answers[:, 0] > 0).tolist() == [True] * len(centres) + [False, False]


def test_a_zigzag_of_n_neurons_has_n_pieces_and_two_make_the_tent():
    for n in (2, 5, 16):
        assert reference.count_linear_pieces(figures.zigzag(n), 8 * n + 1) == n
    x = np.linspace(0, 1, 65)
    assert np.allclose(figures.zigzag(2)(x), reference.tent(x))


def test_pieces_of_a_network_are_counted():
    tower = [(np.array([[2.0, 4.0]]), np.array([0.0, -2.0])), (np.array([[1.0], [-1.0]]), np.array([0.0]))]
    assert figures.pieces_of_network(tower) == 3, "flat below 0, up, and down"
    for seed in range(5):
        assert 1 <= figures.pieces_of_network(figures.random_network(1, 16, seed)) <= 17
