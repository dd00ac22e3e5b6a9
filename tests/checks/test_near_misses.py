"""Wrong answers that a check once let through. Each stands here so that it is never let through again."""

from dataclasses import replace
from unittest import mock

import pytest
import torch

from handmade import checks
from handmade.checks.run import judge
from handmade.reference import gpt, mlp, multi_head, next_token, training


def weights_of_minus_twenty(logits, dim=-1):
    """Give −inf a small weight instead of none."""
    return next_token.softmax(torch.where(logits == -torch.inf, logits.max() - 20, logits), dim)


def a_digit_left_out(x):
    """GPT-2's GELU with 0.04715 in place of 0.044715."""
    return 0.5 * x * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (x + 0.04715 * x**3)))


class AttentionCutOff(multi_head.MultiHeadAttention):
    """Right outputs; no gradient reaches the layers before."""

    def forward(self, x, causal=True):
        return super().forward(x.detach(), causal)


class NormCutOff(gpt.LayerNorm):
    def forward(self, x):
        return super().forward(x.detach())


class MLPCutOff(gpt.MLPLayer):
    def forward(self, x):
        return super().forward(x.detach())


class BlockCutOff(gpt.Block):
    def forward(self, x):
        x = x + self.attention(self.attention_norm(x.detach()))
        return x + self.mlp(self.mlp_norm(x))


class ModelCutOff(gpt.GPT):
    """The blocks after the first pass their gradient around, not through."""

    def forward(self, ids):
        if ids.shape[-1] > self.config.context_length or ids.min() < 0 or ids.max() >= self.config.vocab_size:
            raise ValueError
        x = self.token_embedding(ids) + self.position_embedding.weight[: ids.shape[-1]]
        for i, block in enumerate(self.blocks):
            x = block(x) if i == 0 else x + (block(x.detach()) - x.detach())
        return self.unembedding(self.final_norm(x))


def rows_that_follow_each_other(ids, batch_size, context_length, generator):
    """One random start; the next rows start one place further on each."""
    n_starts = len(ids) - context_length
    if n_starts < 1:
        raise ValueError
    starts = (torch.randint(n_starts, (1,), generator=generator) + torch.arange(batch_size)) % n_starts
    places = starts[:, None] + torch.arange(context_length)
    return ids[places], ids[places + 1]


def the_same_batch_again_and_again(model, ids, n_batches, generator):
    seed = generator.initial_seed()
    losses = [training.evaluate(model, ids, 1, generator.manual_seed(seed)) for _ in range(n_batches)]
    return sum(losses) / n_batches


def train_that_clips_each_gradient_by_itself(*args):
    def each(parameters, max_norm):
        return [one([parameter], max_norm) for parameter in parameters]

    one = training.clip_gradients
    with mock.patch.object(training, "clip_gradients", each):
        return training.train(*args)


def train_that_keeps_nothing_once_it_was_resumed(model, ids, config, on_step=None, resume_from=None):
    if resume_from is not None:
        config = replace(config, checkpoint_path=None, checkpoint_every=None)
    return training.train(model, ids, config, on_step, resume_from)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("softmax", weights_of_minus_twenty),
        ("gelu_tanh", a_digit_left_out),
        ("MultiHeadAttention", AttentionCutOff),
        ("LayerNorm", NormCutOff),
        ("MLPLayer", MLPCutOff),
        ("Block", BlockCutOff),
        ("GPT", ModelCutOff),
        ("get_batch", rows_that_follow_each_other),
        ("evaluate", the_same_batch_again_and_again),
        ("train", train_that_clips_each_gradient_by_itself),
        ("train", train_that_keeps_nothing_once_it_was_resumed),
    ],
)
def test_a_near_miss_is_refused(name, wrong):
    verdict = judge(checks.find(name), wrong)
    assert verdict.fault is not None
    assert verdict.fault.outcome.stopped == ""  # refused for its answer, not for an error of its own


def test_the_pieces_that_the_near_misses_are_made_of_are_right():
    for module, name in [(next_token, "softmax"), (mlp, "gelu_tanh"), (gpt, "Block")]:
        assert judge(checks.find(name), getattr(module, name)).passed
