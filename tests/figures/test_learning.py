"""The pictures of lesson 04 have words, are the same twice, follow their controls, and tell the truth."""

import numpy as np
import pytest

from handmade.figures import learning as figures
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


@pytest.mark.parametrize("rate", [0.32, 0.34])
def test_the_rate_from_which_steps_lead_away(rate, drawing):
    draw, _, _ = drawing(figures, DRAWN["downhill"])
    assert ("too long" in draw(rate=rate, steps=60).caption) == (rate > 0.33)


def test_the_words_say_how_many_starts_solve_xor(drawing):
    draw, _, _ = drawing(figures, DRAWN["starts"])
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
