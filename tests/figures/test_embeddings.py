"""The pictures of lesson 06 have words, are the same twice, follow their controls, and tell the truth."""

import pytest
import torch

from handmade.figures import embeddings as figures
from handmade.reference import embeddings as reference

VOCABULARY = [f"word{i}" for i in range(18)]
BEFORE, AFTER = (
    torch.randn(len(VOCABULARY), 3, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2)
)
DRAWN = {
    "lookup": lambda: figures.lookup(reference.one_hot, reference.embed),
    "like_with_like": lambda: figures.like_with_like(
        reference.cooccurrence_vectors, reference.nearest_tokens
    ),
    "neighbours": lambda: figures.neighbours(
        reference.nearest_tokens, VOCABULARY, BEFORE, AFTER, ["north", "east", "down"]
    ),
    "positions": lambda: figures.positions(reference.sinusoidal_positions),
}


def test_a_wrong_look_up_is_said_to_differ_from_the_product(drawing):
    make = lambda: figures.lookup(reference.one_hot, lambda ids, W_E: W_E[ids] + 1)  # noqa: E731
    draw, _, start = drawing(figures, make)
    assert "not the same" in draw(**start).alt
    right, _, start = drawing(figures, DRAWN["lookup"])
    assert "not the same" not in right(**start).alt


def test_counting_puts_like_with_like_and_chance_does_not(drawing):
    draw, _, start = drawing(figures, DRAWN["like_with_like"])
    assert draw(**start).caption.startswith("100 %")
    by_chance = int(draw(**(start | {"made": "at random"})).caption.split(" %")[0])
    assert 10 < by_chance < 40
    too_wide = int(draw(**(start | {"window": 6, "n_people": 60})).caption.split(" %")[0])
    assert too_wide < 6


def test_answers_in_numpy_are_drawn_too(drawing):
    def vectors(*args):
        return reference.cooccurrence_vectors(*args).double().numpy()

    draw, _, start = drawing(
        figures, lambda: figures.like_with_like(vectors, lambda *a: reference.nearest_tokens(*a).numpy())
    )
    assert draw(**start).caption.startswith("100 %")
    draw, _, start = drawing(
        figures, lambda: figures.positions(lambda *a: reference.sinusoidal_positions(*a).numpy())
    )
    assert "only the distance counts" in draw(**start).caption


def test_nearest_words_are_named_before_and_after(drawing):
    draw, _, start = drawing(figures, DRAWN["neighbours"])
    before, after = draw(**(start | {"k": 3})).alt.split("Vectors from counting: ")
    for words, vectors in ((before.split("Random vectors: ")[1], BEFORE), (after, AFTER)):
        nearest = [VOCABULARY[i] for i in reference.nearest_tokens(vectors[0], vectors, 4)[1:]]
        assert [word.split()[0] for word in words.split(", ")] == nearest


@pytest.mark.parametrize("d_model", [4, 64, 128])
@pytest.mark.parametrize("position", [0, 60, 127])
def test_which_tables_depend_on_the_distance_alone(position, d_model, drawing):
    draw, _, _ = drawing(figures, DRAWN["positions"])
    for kind, alone in (("sines and cosines", True), ("random numbers", False)):
        caption = draw(kind=kind, position=position, d_model=d_model).caption
        assert ("only the distance counts" in caption) == alone


def test_counts_are_those_of_a_loop_over_all_places():
    ids = torch.tensor([0, 2, 1, 1, 0, 2])
    for window in (1, 2, 4):
        wanted = torch.zeros(4, 4)
        for i in range(6):
            for j in range(6):
                wanted[ids[i], ids[j]] += 0 < abs(i - j) <= window
        assert torch.equal(figures.counts(ids, 4, window), wanted)
