"""The pictures of lesson 11 are drawn by running the learner's model."""

import torch

from handmade.figures import gpt as figures
from handmade.reference import gpt as reference

DRAWN = {
    "flow": lambda: figures.flow(),
    "stream_sizes": lambda: figures.stream_sizes(reference.GPT, reference.GPTConfig, reference.init_weights),
    "who_sees_whom": lambda: figures.who_sees_whom(reference.GPT, reference.GPTConfig),
    "shares": lambda: figures.shares(reference.GPTConfig, reference.count_parameters),
}


def test_shapes_are_those_of_a_run():
    model = reference.GPT(reference.GPTConfig(7, 12, 6, 2, 3, d_mlp=10))
    shapes = figures._shapes(model, 7)
    assert shapes["ids"] == (2, 10)
    assert shapes["attention"] == (2, 10, 6)
    assert shapes["up"] == (2, 10, 10)
    assert shapes["unembedding"] == (2, 10, 7)


def test_a_changed_token_moves_no_earlier_logit_and_without_mask_it_moves_all(drawing):
    draw, _, start = drawing(figures, DRAWN["who_sees_whom"])
    assert "positions 1, 2, 3 do not move at all" in draw(**start).alt
    assert "45 of 81 pairs" in draw(**start).alt
    assert "81 of 81 pairs" in draw(**start | {"mask": figures.NO_MASK}).alt


def test_the_length_of_the_stream_is_measured_before_the_first_and_after_every_block():
    model = reference.GPT(reference.GPTConfig(7, 12, 6, 3, 3))
    for name, parameter in model.named_parameters():
        if name.endswith(figures.WRITERS):
            torch.nn.init.zeros_(parameter)
    lengths = figures._lengths(model, torch.arange(7)[None])
    assert lengths.shape == (4,)
    assert (lengths == lengths[0]).all()


def test_the_published_models_have_their_published_sizes():
    totals = {
        name: reference.count_parameters(reference.GPTConfig(*sizes))["total"]
        for name, sizes in figures.PUBLISHED.items()
    }
    assert totals["GPT-2 small"] == 124_439_808
    assert totals["GPT-2 XL"] == 1_557_611_200
    assert totals["GPT-3 175B"] == 174_604_259_328
