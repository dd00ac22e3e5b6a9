"""The pictures of lesson 03 have words, are the same twice, and follow their sliders; their own arithmetic is right."""

import base64

import numpy as np
import pytest

from handmade.figures import picture
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
        assert any(other.alt != before.alt for other in others), key
        assert all(other.alt and other.caption for other in others)


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
