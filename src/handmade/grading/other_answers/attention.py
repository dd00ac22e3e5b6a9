# mypy: disable-error-code="no-untyped-def"
"""Lesson 08, in einsum and in torch's own attention."""

import numpy as np
import torch
import torch.nn.functional as F


def attention_scores(Q, K):
    return torch.einsum("...qd,...kd->...qk", Q / Q.size(-1) ** 0.5, K)


def causal_mask(n):
    return ~torch.triu(torch.ones(n, n), diagonal=1).bool()


def attention_pattern(scores, mask=None):
    if mask is None:
        return F.softmax(scores, dim=-1)
    return F.softmax(scores + torch.zeros_like(scores).masked_fill(mask.logical_not(), float("-inf")), -1)


def attention_head(X, W_Q, W_K, W_V, W_O, causal=True):
    return F.scaled_dot_product_attention(X @ W_Q, X @ W_K, X @ W_V, is_causal=causal) @ W_O


def qk_form(W_Q, W_K):
    return torch.einsum("id,jd->ij", W_Q, W_K)


def head_parameters(d_model, d_head):
    each = torch.empty(d_model, d_head, device="meta").numel()
    return {"value_up": each, "value_down": each, "key": each, "query": each}


def score_std(d_head, n, generator):
    vectors = torch.empty(2, n, d_head, dtype=torch.float64).normal_(generator=generator)
    return np.std(torch.linalg.vecdot(vectors[0], vectors[1]).numpy())
