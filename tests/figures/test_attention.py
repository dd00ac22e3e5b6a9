"""The pictures of lesson 08 have words, are the same twice, follow their controls, and tell the truth."""

import pytest
import torch

from handmade.figures import attention as figures
from handmade.reference import attention as reference

STEPS = (reference.attention_scores, reference.causal_mask, reference.attention_pattern)


def trained():
    generator = torch.Generator().manual_seed(0)
    return {
        d: (1 - 0.5 / d, *(torch.randn(20, d, generator=generator, requires_grad=True) for _ in range(2)))
        for d in (1, 3, 8)
    }


DRAWN = {
    "patterns": lambda: figures.patterns(*STEPS),
    "update": lambda: figures.update(*STEPS),
    "saturation": lambda: figures.saturation(reference.attention_scores, reference.attention_pattern),
    "lookup": lambda: figures.lookup(trained(), reference.qk_form),
}


def test_the_head_set_by_hand_tells_the_meanings_apart(drawing):
    draw, _, start = drawing(figures, DRAWN["update"])
    assert "towards letters" in draw(sentence="old wax seal", strength=1.0).caption
    assert "towards animals" in draw(sentence="old grey seal", strength=1.0).caption
    assert "towards neither" in draw(sentence="grey wax seal", strength=1.0).caption
    assert "0.33 of old, 0.33 of wax, 0.33 of seal" in draw(**(start | {"strength": 0.0})).alt


@pytest.mark.parametrize("power", [0, 6, 10])
def test_the_scale_keeps_weights_where_they_were(power, drawing):
    draw, _, _ = drawing(figures, DRAWN["saturation"])
    unscaled, scaled = {0: (0.20, 0.20), 6: (0.84, 0.25), 10: (0.96, 0.25)}[power]
    sharp = figures._sharpness(2**power, reference.attention_scores, reference.attention_pattern)
    assert sharp[:2] == pytest.approx([unscaled, scaled], abs=0.03)
    assert f"{sharp[0]:.2f}" in draw(power=power, seed=0).alt


def test_the_rank_of_the_form_is_read_off(drawing):
    draw, _, _ = drawing(figures, DRAWN["lookup"])
    for d_head in (1, 3, 8):
        assert f"rank {d_head}." in draw(d_head=str(d_head)).caption


def test_the_cost_is_drawn(displayed):
    figures.context_cost({256: (0.001, 2**18), 512: (0.004, 2**20), 1024: (0.02, 2**22)})
    assert "from 0.25 to 4 megabytes" in displayed[0]["text/plain"]
