# mypy: disable-error-code="no-untyped-def"
"""Lesson 09, in einsum, unflatten and torch's own attention."""

import torch
import torch.nn.functional as F
from torch import nn


def split_heads(x, n_heads):
    if x.size(-1) % n_heads != 0:
        raise ValueError(f"{n_heads} heads cannot share {x.size(-1)} numbers")
    return torch.stack(x.tensor_split(n_heads, dim=-1), dim=-3)


def merge_heads(x):
    return torch.cat(x.unbind(dim=-3), dim=-1)


def multi_head_attention(X, W_Q, W_K, W_V, W_O, n_heads, causal=True):
    d_model = W_Q.size(0)
    if d_model % n_heads:
        raise ValueError("n_heads must divide d_model")
    W = torch.stack([W_Q, W_K, W_V]).unflatten(-1, (n_heads, -1))
    Q, K, V = torch.einsum("...nd,tdhe->t...hne", X, W).unbind(0)
    mixed = F.scaled_dot_product_attention(Q, K, V, is_causal=causal)
    return torch.einsum("...hne,hed->...nd", mixed, W_O.unflatten(0, (n_heads, -1)))


def cut_by_head(W_Q, W_K, W_V, W_O, n_heads):
    d_head, left_over = divmod(W_O.size(0), n_heads)
    if left_over:
        raise ValueError("n_heads must divide d_model")
    columns = (W.split(d_head, dim=1) for W in (W_Q, W_K, W_V))
    return [list(head) for head in zip(*columns, W_O.split(d_head), strict=True)]


def sum_of_heads(X, heads, causal=True):
    updates = [
        F.scaled_dot_product_attention(X @ W_Q, X @ W_K, X @ W_V, is_causal=causal) @ W_O
        for W_Q, W_K, W_V, W_O in heads
    ]
    return torch.stack(updates).sum(dim=0)


class MultiHeadAttention(nn.Module):
    def __init__(self, width, heads, bias=True, max_length=64):
        super().__init__()
        if width % heads:
            raise ValueError("heads must divide width")
        self.heads = heads
        self.query, self.key, self.value, self.output = (nn.Linear(width, width, bias) for _ in range(4))
        self.register_buffer("hidden", torch.ones(max_length, max_length).triu(1).bool())

    def forward(self, x, causal=True):
        n = x.size(-2)
        Q, K, V = (part(x).unflatten(-1, (self.heads, -1)) for part in (self.query, self.key, self.value))
        scores = torch.einsum("...qhe,...khe->...hqk", Q, K) * Q.size(-1) ** -0.5
        if causal:
            scores = scores.masked_fill(self.hidden[:n, :n], float("-inf"))
        mixed = torch.einsum("...hqk,...khe->...qhe", scores.softmax(-1), V)
        return self.output(mixed.flatten(-2))


def attention_parameters(d_model, n_heads, d_head, n_layers):
    into = torch.empty(n_layers, n_heads, d_model, d_head, device="meta").numel()
    out_of = torch.empty(n_layers, n_heads, d_head, d_model, device="meta").numel()
    return {"total": 3 * into + out_of, "query": into, "key": into, "value_down": into, "value_up": out_of}


def fused_attention(Q, K, V, causal=True):
    n = Q.size(-2)
    mask = torch.ones(n, n, dtype=torch.bool, device=Q.device).tril() if causal else None
    return F.scaled_dot_product_attention(Q, K, V, attn_mask=mask)
