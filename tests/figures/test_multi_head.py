"""The pictures of lesson 09 have words, are the same twice, follow their controls, and tell the truth."""

import torch

from handmade.figures import multi_head as figures
from handmade.reference import multi_head as reference


def talk():
    return figures.conversations(6, torch.Generator().manual_seed(0))


def patterns():
    """One head that looks at the line before, and two heads: one that looks at itself, one evenly at all so far."""
    before = torch.eye(8).roll(-1, dims=-1)
    before[0] = torch.eye(8)[0]
    evenly = torch.ones(8, 8).tril()
    evenly = evenly / evenly.sum(-1, keepdim=True)
    two = torch.stack([torch.eye(8), evenly])
    return {"1 head": before.expand(6, 1, 8, 8), "2 heads": two.expand(6, 2, 8, 8)}


MEASURED = {
    "2 heads": {"all heads": (1.0, 0.99), "without 0": (0.13, 0.99), "without 1": (1.0, 0.12)},
    "1 head": {"all heads": (0.9, 0.25), "without 0": (0.12, 0.12)},
}
DRAWN = {
    "heads_at_work": lambda: figures.heads_at_work(talk(), patterns()),
    "without_one": lambda: figures.without_one(MEASURED),
    "cut": lambda: figures.cut(reference.cut_by_head, reference.sum_of_heads),
}


def test_the_right_answers_of_a_conversation():
    some = figures.Talk(
        torch.tensor([[0, 1, 1, 0, 2, 0, 2, 1]]),
        torch.tensor([[0, 1, 2, 3, 4, 5, 6, 7]]),
        torch.tensor([[-1, -1, 1, 0, -1, 3, 4, 2]]),
    )
    generator = torch.Generator().manual_seed(1)
    for drawn in (some, figures.conversations(50, generator)):
        for i, speakers in enumerate(drawn.speaker.tolist()):
            for j, who in enumerate(speakers):
                earlier = [k for k in range(j) if speakers[k] == who]
                assert drawn.own[i, j] == (earlier[-1] if earlier else -1)
                assert bool(drawn.asked[i, j]) == bool(earlier)
                assert bool(drawn.apart[i, j]) == (bool(earlier) and earlier[-1] != j - 1)
                if earlier:
                    assert drawn.word_own[i, j] == drawn.word[i, earlier[-1]]
                    assert drawn.word_before[i, j] == drawn.word[i, j - 1]
    assert some.lines(0)[2] == "3 Bob rice"


def test_a_head_is_described_by_what_it_looks_at(drawing):
    draw, controls, start = drawing(figures, DRAWN["heads_at_work"])
    assert list(controls["head"].options) == ["1 head: head 0", "2 heads: head 0", "2 heads: head 1"]
    assert "puts 1.00 of its weight on the line before and 0.00 on" in draw(**start).caption
    assert "puts 0.00 of its weight on the line before and 0.00 on" in draw("2 heads: head 0", 1).caption


def test_the_heads_that_are_needed_are_counted(drawing):
    draw, _, start = drawing(figures, DRAWN["without_one"])
    assert draw(**start).caption.startswith("2 of 2 heads are needed")
    assert draw(layer="1 head").caption.startswith("1 of 1 heads is needed")


def test_a_head_owns_columns_and_rows(drawing):
    draw, _, _ = drawing(figures, DRAWN["cut"])
    assert "Columns 4–5 of W_Q" in draw(n_heads="4", head=2).alt
    assert "Rows 4–7 of W_O" in draw(n_heads="2", head=1).alt
    assert "head 1 of 2" in draw(n_heads="2", head=7).alt, "a head that is not there stands for one that is"


def test_memory_is_counted_where_it_is_held_at_once(capfd):
    def several():
        big = torch.zeros(1000, 1000)
        small = big[:10].clone()
        del big
        return small + torch.zeros(500, 1000)[:10]

    assert 4_000_000 <= figures.most_bytes(several) <= 4_200_000
    assert figures.most_bytes(lambda: None) == 0
    assert capfd.readouterr().err == ""


def test_the_cost_is_drawn(displayed):
    slow = {256: (0.003, 2**21), 512: (0.012, 2**23)}
    figures.slow_and_fused({"slow": slow, "fused": {256: (0.001, 2**17), 1024: (0.01, 2**19)}})
    assert "slow: from 2 to 8 megabytes at 512 tokens" in displayed[0]["text/plain"]
    assert "fused: from 0.125 to 0.5 megabytes at 1024 tokens" in displayed[0]["text/plain"]
