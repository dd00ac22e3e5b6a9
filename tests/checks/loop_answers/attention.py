"""Right answers to lesson 08 in a third idiom: loops over single numbers, and numpy."""

import itertools
import math

import numpy as np
import torch


def attention_scores(queries, keys):
    *batch, n_q, d = queries.shape
    n_k = keys.shape[-2]
    answer = torch.zeros(*batch, n_q, n_k, dtype=torch.float64)
    for where in itertools.product(*map(range, batch)):
        for i in range(n_q):
            for j in range(n_k):
                total = sum(float(queries[where][i, c]) * float(keys[where][j, c]) for c in range(d))
                answer[where][i, j] = total / math.sqrt(d)
    return answer


def causal_mask(length):
    rows = []
    for query in range(length):
        rows.append([key <= query for key in range(length)])
    return np.array(rows)


def attention_pattern(scores, mask=None):
    table = scores.detach().double().numpy()
    flat = table.reshape(-1, *table.shape[-2:])
    answer = np.zeros_like(flat)
    for one, page in zip(answer, flat, strict=True):
        for i, row in enumerate(page):
            seen = [j for j in range(len(row)) if mask is None or mask[i, j]]
            largest = max(row[j] for j in seen)
            total = sum(math.exp(row[j] - largest) for j in seen)
            for j in seen:
                one[i, j] = math.exp(row[j] - largest) / total
    return torch.from_numpy(answer.reshape(table.shape))


def attention_head(X, W_Q, W_K, W_V, W_O, causal=True):
    if X.dim() > 2:
        return torch.stack([attention_head(x, W_Q, W_K, W_V, W_O, causal) for x in X])
    rows = []
    for i in range(len(X)):
        seen = X[: i + 1] if causal else X
        fits = (seen @ W_K) @ (X[i] @ W_Q) / W_K.shape[1] ** 0.5
        rows.append(torch.softmax(fits, 0) @ (seen @ W_V) @ W_O)
    return torch.stack(rows)


def qk_form(queries, keys):
    return sum(torch.outer(q, k) for q, k in zip(queries.T, keys.T, strict=True))


def head_parameters(d_model, d_head):
    counts = {}
    for name, shape in {
        "query": (d_model, d_head),
        "key": (d_model, d_head),
        "value_down": (d_model, d_head),
        "value_up": (d_head, d_model),
    }.items():
        counts[name] = np.int64(shape[0] * shape[1])
    return counts


def score_std(d_head, n, generator):
    """Entries of 1 and −1 have mean 0 and variance 1 too."""
    signs = 2.0 * torch.randint(0, 2, (n, 2, d_head), generator=generator) - 1
    dots = (signs[:, 0] * signs[:, 1]).sum(1)
    mean = dots.mean()
    return ((dots - mean) ** 2).mean().sqrt()
