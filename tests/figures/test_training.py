"""The pictures of lesson 12 are drawn from the learner's functions."""

import torch

from handmade.figures import training as figures
from handmade.reference import training as reference
from handmade.reference.gpt import GPT, GPTConfig

TEXT = "call me ishmael.\nsome years ago & never mind <how> long"
VOCABULARY = sorted(set(TEXT))
IDS = torch.tensor([VOCABULARY.index(c) for c in TEXT])
DRAWN = {
    "batch": lambda: figures.batch(reference.get_batch, IDS, VOCABULARY),
    "schedule": lambda: figures.schedule(reference.learning_rate),
    "descent": lambda: figures.descent(reference.adamw_step),
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
