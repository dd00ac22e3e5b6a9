"""Lesson 12's own AdamW equals torch's, and a checkpoint is whole whenever the program is stopped."""

import os

import pytest
import torch
from torch import nn

from handmade.checks import training as checks
from handmade.reference import training
from handmade.reference.gpt import GPT, GPTConfig, init_weights

SETTINGS = [
    {"betas": (0.9, 0.95), "eps": 1e-8, "weight_decay": 0.1},
    {"betas": (0.6, 0.99), "eps": 0.3, "weight_decay": 0.5},
    {"betas": (0.0, 0.999), "eps": 1e-6, "weight_decay": 0.0},
]


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("step", [training.adamw_step, checks._adam])
def test_twenty_steps_equal_those_of_torch(step, dtype, settings):
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(5, 3, generator=generator, dtype=dtype)
    ours, theirs, state = nn.Parameter(start.T.clone().T), nn.Parameter(start.clone()), {}
    optimiser = torch.optim.AdamW([theirs], lr=1.0, **settings)
    for i in range(20):
        gradient = torch.randn(5, 3, generator=generator, dtype=dtype)
        optimiser.param_groups[0]["lr"] = 0.05 * (i + 1)
        theirs.grad = gradient.clone()
        optimiser.step()
        step(ours, gradient, state, 0.05 * (i + 1), *settings.values())
    torch.testing.assert_close(ours, theirs, rtol=1e-5 if dtype is torch.float32 else 1e-12, atol=1e-6)


def test_who_stops_the_program_while_a_checkpoint_is_written_keeps_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "run.pt"
    training.write_checkpoint(path, {"losses": [1.0]})

    def half(contents, place):
        with open(place, "wb") as file:
            file.write(b"PK\x03\x04 half of a file")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", half)
    with pytest.raises(KeyboardInterrupt):
        training.write_checkpoint(path, {"losses": [1.0, 0.5]})
    assert training.read_checkpoint(path, torch.device("cpu")) == {"losses": [1.0]}


def test_a_checkpoint_runs_no_code(tmp_path):
    class Bad:
        def __reduce__(self):
            return os.system, ("touch run_by_a_checkpoint",)

    torch.save({"losses": Bad()}, tmp_path / "run.pt")
    with pytest.raises(Exception, match=r"(?i)weights.only"):
        training.read_checkpoint(tmp_path / "run.pt", torch.device("cpu"))


def test_a_gpt_goes_on_bit_for_bit_and_others_are_refused(tmp_path):
    sizes = {"vocab_size": 11, "context_length": 6, "d_model": 8, "n_layers": 2, "n_heads": 2}

    def model(seed=0, **changed):
        made = GPT(GPTConfig(**(sizes | changed)))
        init_weights(made, torch.Generator().manual_seed(seed))
        return made

    def config(**changed):
        plain = {"steps": 9, "batch_size": 3, "peak": 0.01, "floor": 0.001, "warmup": 2, "weight_decay": 0.1}
        plain |= {"betas": (0.9, 0.95), "clip": 1.0, "seed": 5}
        return training.TrainingConfig(**(plain | changed))

    ids = torch.randint(11, (200,), generator=torch.Generator().manual_seed(1))
    path = tmp_path / "run.pt"
    kept = config(checkpoint_path=path, checkpoint_every=4)

    def look(step, loss):  # evaluation meanwhile changes nothing
        training.evaluate(whole, ids, 2, torch.Generator().manual_seed(step))

    whole = model()
    losses = training.train(whole, ids, config(), look)

    def stop(step, loss):
        if step == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.train(model(), ids, kept, stop)
    resumed = model(seed=3)
    assert training.train(resumed, ids, kept, resume_from=path) == losses
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)
    with pytest.raises(ValueError, match="of this config"):
        training.train(model(), ids, config(seed=6), resume_from=path)
    other = model(d_model=4)
    before = [parameter.clone() for parameter in other.parameters()]
    with pytest.raises(ValueError, match="of this model"):
        training.train(other, ids, kept, resume_from=path)
    assert all(torch.equal(a, b) for a, b in zip(before, other.parameters(), strict=True))


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0}, {"batch_size": 0}, {"warmup": -1}, {"floor": 2.0}, {"betas": (0.9, 1.0)}, {"clip": 0.0},
        {"weight_decay": -0.1}, {"checkpoint_every": 5}, {"checkpoint_every": 0, "checkpoint_path": "run.pt"},
    ],
)  # fmt: skip
def test_settings_that_cannot_be_meant_are_refused(wrong):
    plain = {"steps": 9, "batch_size": 3, "peak": 0.01, "floor": 0.001, "warmup": 2, "weight_decay": 0.1}
    plain |= {"betas": (0.9, 0.95), "clip": 1.0, "seed": 5}
    with pytest.raises(ValueError, match="expected"):
        training.TrainingConfig(**(plain | wrong))
