"""The pictures of lesson 07 have words, are the same twice, follow their controls, and tell the truth."""

import pytest
import torch

from handmade.figures import next_token as figures
from handmade.reference import next_token as reference

TEXT = "the quick queen then hid the quilt and the hen heard her and thanked them " * 3
IDS = torch.tensor([figures.LETTERS.index(letter) for letter in TEXT])
TABLE = reference.bigram_logits(IDS, 27, 0.001)
STEPS = {step: TABLE * step / 100 for step in (0, 10, 100)}
DRAWN = {
    "normalisations": lambda: figures.normalisations(reference.softmax),
    "temperature": lambda: figures.temperature(reference.softmax_with_temperature, TABLE),
    "meeting": lambda: figures.meeting(
        reference.softmax, IDS, STEPS, [3.3 - step / 100 for step in range(101)]
    ),
    "tied_tables": lambda: figures.tied_tables(
        reference.softmax, {"counted": TABLE, "tied": TABLE + TABLE.T, "flat": torch.zeros(27, 27)}
    ),
}


@pytest.mark.parametrize(
    ("logits", "right"),
    [([2.0, 1.0, -1.0], [1.0, 0.0, 0.0]), ([0.5, 0.3, 0.1], [8 / 15, 5 / 15, 2 / 15]), ([7.0], [1.0])],
)
def test_sparsemax(logits, right):
    for shift in (0.0, 5.0):
        torch.testing.assert_close(figures.sparsemax(torch.tensor([logits]) + shift), torch.tensor([right]))


def test_what_breaks_is_said(drawing):
    draw, _, _ = drawing(figures, DRAWN["normalisations"])
    assert "0 divided by 0" in draw(d=-3.5, shift=0.0).alt  # 2 + 1 + 0.5 - 3.5 = 0
    assert "sparsemax: 1, 0, 0, 0; if d comes, loss infinite" in draw(d=-1.0, shift=0.0).alt
    assert "no loss" in draw(d=-1.0, shift=0.0).alt  # a negative "probability"
    softmax = [draw(d=-1.0, shift=shift).alt.partition("softmax (yours): ")[2][:30] for shift in (-4.0, 3.0)]
    assert softmax[0] == softmax[1]


def test_cold_text_repeats_and_hot_text_does_not(drawing):
    draw, _, _ = drawing(figures, DRAWN["temperature"])
    cold, hot = (draw(after="t", temperature=t).alt.rpartition(": ")[2] for t in (0.1, 5.0))
    assert len(set(cold)) < len(set(hot))
    assert cold.startswith("the")


def test_the_words_on_the_way_to_the_counts(drawing):
    draw, _, _ = drawing(figures, DRAWN["meeting"])
    assert "after 0 steps it is 3.300" in draw(steps=0, after="t").alt
    assert "after 10 steps" in draw(steps=90, after="t").alt
    apart = [float(draw(steps=s, after="t").alt.rpartition(" ")[2].rstrip(".")) for s in (0, 100)]
    assert apart[1] < 0.02 < apart[0]


def test_the_mirrored_table_is_named(drawing):
    draw, _, start = drawing(figures, DRAWN["tied_tables"])
    assert "the same map again" in draw(**start).caption
    assert "another map" in draw(**(start | {"model": "counted"})).caption
