"""Right answers to lesson 09 in a third idiom: loops over positions, heads and numbers, some of them in numpy."""

import itertools
import math

import numpy as np
import torch
from torch import nn


def split_heads(x, n_heads):
    *batch, n, d = x.shape
    if d / n_heads != d // n_heads:
        raise ValueError("does not divide")
    size = d // n_heads
    answer = np.zeros((*batch, n_heads, n, size))
    for where in itertools.product(*map(range, batch)):
        for h in range(n_heads):
            for i in range(n):
                for j in range(size):
                    answer[(*where, h, i, j)] = float(x[where][i, h * size + j])
    return answer


def merge_heads(x):
    *batch, n_heads, n, size = x.shape
    answer = torch.zeros(*batch, n, n_heads * size, dtype=x.dtype)
    for h in range(n_heads):
        answer[..., h * size : (h + 1) * size] = x[..., h, :, :]
    return answer


def _head(X, W_Q, W_K, W_V, W_O, causal):
    """One text, one head, in numpy."""
    Q, K, V = X @ W_Q, X @ W_K, X @ W_V
    n = len(X)
    rows = []
    for i in range(n):
        keys = range(i + 1) if causal else range(n)
        scores = [float(Q[i] @ K[j]) / math.sqrt(Q.shape[1]) for j in keys]
        powers = [math.exp(score - max(scores)) for score in scores]
        rows.append(sum(p * V[j] for p, j in zip(powers, keys, strict=True)) / sum(powers))
    return np.stack(rows) @ W_O


def _double(*tensors):
    return [t.detach().double().numpy() for t in tensors]


def multi_head_attention(x, w_q, w_k, w_v, w_o, heads, causal=True):
    size = x.shape[-1] // heads
    if size * heads != x.shape[-1]:
        raise ValueError
    x, w_q, w_k, w_v, w_o = _double(x, w_q, w_k, w_v, w_o)
    answer = np.zeros(x.shape)
    for where in itertools.product(*map(range, x.shape[:-2])):
        for first in range(0, size * heads, size):
            own = slice(first, first + size)
            answer[where] += _head(x[where], w_q[:, own], w_k[:, own], w_v[:, own], w_o[own], causal)
    return answer


def cut_by_head(w_q, w_k, w_v, w_o, heads):
    n = w_q.shape[0]
    if n % heads:
        raise ValueError
    size = n // heads
    answer = ()
    for h in range(heads):
        columns = [h * size + i for i in range(size)]
        answer += ((w_q[:, columns], w_k[:, columns], w_v[:, columns], w_o[columns]),)
    return answer


def sum_of_heads(x, heads, causal=True):
    answer = np.zeros(x.shape)
    (doubled,) = _double(x)
    for head in heads:
        matrices = _double(*head)
        for where in itertools.product(*map(range, x.shape[:-2])):
            answer[where] = answer[where] + _head(doubled[where], *matrices, causal)
    return torch.from_numpy(answer)


class MultiHeadAttention(nn.Module):
    def __init__(self, d, h, with_bias=True):
        super().__init__()
        assert h > 0
        if d % h != 0:
            raise ValueError("no")
        self.output = nn.Linear(d, d, bias=with_bias)
        self.value = nn.Linear(d, d, bias=with_bias)
        self.key = nn.Linear(d, d, bias=with_bias)
        self.query = nn.Linear(d, d, bias=with_bias)
        self.h = h

    def forward(self, x, look_back_only=True):
        n, d = x.shape[-2:]
        size = d // self.h
        Q, K, V = self.query(x), self.key(x), self.value(x)
        heads = []
        for h in range(self.h):
            own = slice(h * size, (h + 1) * size)
            q, k, v = Q[..., own], K[..., own], V[..., own]
            rows = []
            for i in range(n):
                last = i + 1 if look_back_only else n
                scores = (k[..., :last, :] * q[..., i : i + 1, :]).sum(-1) / math.sqrt(size)
                rows.append((scores.softmax(-1).unsqueeze(-1) * v[..., :last, :]).sum(-2))
            heads.append(torch.stack(rows, dim=-2))
        return self.output(torch.cat(heads, dim=-1))


def attention_parameters(d_model, n_heads, d_head, n_layers):
    counts = {"query": 0, "key": 0, "value_down": 0, "value_up": 0}
    for _layer in range(n_layers):
        for _head in range(n_heads):
            for name in counts:
                counts[name] += d_model * d_head
    return counts


def fused_attention(q, k, v, causal=True):
    flat = [t.reshape(-1, *t.shape[-2:]) for t in (q, k, v)]
    one = np.eye(v.shape[-1])
    texts = []
    for Q, K, V in zip(*map(_double_one, flat), strict=True):
        n = len(Q)
        rows = []
        for i in range(n):
            keys = range(i + 1) if causal else range(n)
            scores = [float(Q[i] @ K[j]) / math.sqrt(Q.shape[1]) for j in keys]
            powers = [math.exp(score - max(scores)) for score in scores]
            rows.append(sum(p * V[j] for p, j in zip(powers, keys, strict=True)) / sum(powers))
        texts.append(np.stack(rows) @ one)
    return torch.from_numpy(np.stack(texts)).reshape(v.shape)


def _double_one(t):
    return t.detach().double().numpy()
