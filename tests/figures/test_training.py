"""The pictures of lesson 12 are drawn from the learner's functions."""

import torch

from handmade.figures import training as figures
from handmade.reference import training as reference
from handmade.reference.gpt import GPT, GPTConfig

TEXT = "call me ishmael.\nsome years ago & never mind <how> long"
VOCABULARY = sorted(set(TEXT))
IDS = torch.tensor([VOCABULARY.index(c) for c in TEXT])
RUNS = {
    "plain": [(10, 1.0, 3.0), (20, 2.0, 2.5)],
    "quick": [(10, 1.5, 2.4), (20, 3.0, 2.0)],
    "slow": [(10, 1.0, 3.5), (20, 2.0, 3.0)],
}
DRAWN = {
    "batch": lambda: figures.batch(reference.get_batch, IDS, VOCABULARY),
    "schedule": lambda: figures.schedule(reference.learning_rate),
    "descent": lambda: figures.descent(reference.adamw_step),
    "speed_run": lambda: figures.speed_run(RUNS),
}


def test_a_text_is_continued_by_its_own_numbers():
    model = GPT(GPTConfig(vocab_size=7, context_length=4, d_model=6, n_layers=1, n_heads=2)).train()
    torch.manual_seed(0)
    before = torch.get_rng_state()
    one = figures.continued(model, [1, 2], 9, seed=3)
    assert torch.equal(before, torch.get_rng_state())
    assert one[:2] == [1, 2]
    assert len(one) == 11
    assert one == figures.continued(model, [1, 2], 9, seed=3)
    assert one != figures.continued(model, [1, 2], 9, seed=4)
    assert model.training


def test_the_speed_run_says_when_a_run_gets_there_and_when_it_never_does(drawing):
    draw, _, _ = drawing(figures, DRAWN["speed_run"])
    assert "0.75 of what plain needs" in draw(against="seconds", look_at="quick").caption
    assert "0.50 of what plain needs" in draw(against="steps", look_at="quick").caption
    assert "never" in draw(against="steps", look_at="slow").alt
