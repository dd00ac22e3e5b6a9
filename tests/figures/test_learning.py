"""The pictures of lesson 04 have words, are the same twice, follow their controls, and tell the truth."""

import base64

import numpy as np
import pytest

from handmade.figures import learning as figures
from handmade.figures import picture
from handmade.reference import learning as reference

LEARNERS = (reference.lms, reference.least_squares, reference.mlp_gradients, reference.gradient_descent)
DRAWN = {
    "downhill": lambda: figures.downhill(
        reference.mse, reference.numerical_gradient, reference.gradient_descent
    ),
    "graph": lambda: figures.graph(reference.Value),
    "starts": lambda: figures.starts(reference.mlp_gradients, reference.gradient_descent),
    "five_ways": lambda: figures.five_ways(*LEARNERS),
}


def drawing(name, monkeypatch):
    drawn = []
    monkeypatch.setattr(figures, "explore", lambda draw, **controls: drawn.append((draw, controls)))
    DRAWN[name]()
    return drawn[0]


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_has_all_its_forms(name, monkeypatch):
    shown = []
    monkeypatch.setattr(picture, "display", lambda data, raw: shown.append(data))
    DRAWN[name]()
    DRAWN[name]()
    first, second = shown
    assert first["text/plain"] == second["text/plain"]
    assert first["text/html"] == second["text/html"], "the same picture has other bytes the second time"
    assert base64.b64decode(first["image/png"]).startswith(b"\x89PNG")
    assert len(first["text/plain"]) > 60, "the alt text is too short to stand for the picture"


@pytest.mark.parametrize("name", DRAWN)
def test_every_control_changes_the_picture_and_its_words(name, monkeypatch):
    draw, controls = drawing(name, monkeypatch)
    start = {key: control.value for key, control in controls.items()}
    before = draw(**start)
    for key, control in controls.items():
        ends = (control.min, control.max) if hasattr(control, "min") else control.options
        others = [draw(**(start | {key: end})) for end in ends]
        assert any(other.png() != before.png() for other in others), key
        assert all(other.alt and other.caption for other in others)


@pytest.mark.parametrize("rate", [0.32, 0.34])
def test_the_rate_from_which_steps_lead_away(rate, monkeypatch):
    draw, _ = drawing("downhill", monkeypatch)
    assert ("too long" in draw(rate=rate, steps=60).caption) == (rate > 0.33)


def test_the_words_say_how_many_starts_solve_xor(monkeypatch):
    draw, _ = drawing("starts", monkeypatch)
    assert "6 of 6 solve XOR" in draw(size="0.5", hidden=4).caption
    assert "0 of 6 solve XOR" in draw(size="0", hidden=4).caption
    assert "0 of 6 solve XOR" in draw(size="0.5", hidden=1).caption


def test_which_way_can_do_what():
    mistakes = {}
    for data in [*figures.GATES, figures.FAR_GROUP]:
        X, targets = figures.points(data)
        for name, decide in figures.ways(data, *LEARNERS).items():
            mistakes[data, name] = int((decide(X) != targets).sum())
    assert {name for (data, name), wrong in mistakes.items() if data == "XOR" and wrong} == {
        "perceptron rule",
        "LMS",
        "least squares",
    }
    assert {(data, name) for (data, name), wrong in mistakes.items() if wrong and data != "XOR"} == {
        (figures.FAR_GROUP, "LMS"),
        (figures.FAR_GROUP, "least squares"),
    }


def test_a_training_that_runs_away_ends_calmly():
    _, losses = figures.train(
        figures.CORNERS,
        np.ones((4, 1)),
        reference.mlp_gradients,
        reference.gradient_descent,
        hidden=4,
        size=3.0,
        seed=0,
        rate=50.0,
        steps=300,
    )
    assert len(losses) == 300
    assert not np.isfinite(losses[-1])
