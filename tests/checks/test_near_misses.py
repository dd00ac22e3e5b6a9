"""Wrong answers that a check once let through. Each stands here so that it is never let through again."""

import pytest
import torch

from handmade import checks
from handmade.checks.run import judge
from handmade.reference import gpt, mlp, multi_head, next_token


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
    ],
)
def test_a_near_miss_is_refused(name, wrong):
    verdict = judge(checks.find(name), wrong)
    assert verdict.fault is not None
    assert verdict.fault.outcome.stopped == ""  # refused for its answer, not for an error of its own


def test_the_pieces_that_the_near_misses_are_made_of_are_right():
    for module, name in [(next_token, "softmax"), (mlp, "gelu_tanh"), (gpt, "Block")]:
        assert judge(checks.find(name), getattr(module, name)).passed
