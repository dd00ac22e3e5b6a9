"""Right answers to lesson 06 in a third idiom: loops, Python's numbers, and numpy where torch is new to somebody."""

import math

import numpy as np
import torch


def one_hot(tokens, size):
    rows = []
    for token in tokens.tolist():
        if token not in range(size):
            raise ValueError(token)
        rows.append([1 if column == token else 0 for column in range(size)])
    return np.array(rows)


def embed(ids, table):
    if ids.ndim == 0:
        return table[int(ids)]
    return torch.stack([embed(part, table) for part in ids])


def _cosine(u, v):
    lengths = math.sqrt(sum(x * x for x in u)) * math.sqrt(sum(x * x for x in v))
    return sum(x * y for x, y in zip(u, v, strict=True)) / lengths if lengths else 0.0


def nearest_tokens(v, table, how_many):
    order = sorted(range(len(table)), key=lambda i: -_cosine(table[i].tolist(), v.tolist()))
    return np.array(order[:how_many])


def analogy(table, a, b, c, k=1):
    E = table.numpy()
    found = []
    for i in nearest_tokens(table[b] + (table[c] - table[a]), table, E.shape[0]):
        if i not in {a, b, c} and len(found) < k:
            found.append(i)
    return torch.tensor(np.array(found), dtype=torch.int32)


def cooccurrence_vectors(ids, vocab_size, window, d_model):
    """A dict of counts, unigram frequencies from the pairs, unit rows at the end."""
    text, counts = ids.tolist(), {}
    for i, token in enumerate(text):
        for j in range(max(0, i - window), min(len(text), i + window + 1)):
            if j != i:
                counts[token, text[j]] = counts.get((token, text[j]), 0) + 1
    total = sum(counts.values())
    met = [sum(n for (a, _), n in counts.items() if a == token) for token in range(vocab_size)]
    table = np.zeros((vocab_size, vocab_size))
    for (a, b), n in counts.items():
        table[a, b] = max(0.0, math.log(n * total / (met[a] * met[b]) + 1e-9))
    _, s, vt = np.linalg.svd(table)
    rows = (vt.T * np.sqrt(s))[:, :d_model]
    for row, n in zip(rows, met, strict=True):
        row *= (n > 0) / max(np.linalg.norm(row), 1e-12)
    return rows


def sinusoidal_positions(n, d):
    table = np.empty((n, d), dtype=np.float32)
    for p in range(n):
        for i in range(d // 2):
            angle = p / math.exp(2 * i / d * math.log(10000))
            table[p, 2 * i], table[p, 2 * i + 1] = math.sin(angle), math.cos(angle)
    return table


def embed_with_positions(ids, tokens, positions):
    n, m = ids.shape[-1], positions.shape[0]
    if n > m:
        raise ValueError(f"{n} tokens, {m} positions")
    answer = torch.empty(*ids.shape, tokens.shape[1], dtype=tokens.dtype)
    for place in range(n):
        answer[..., place, :] = tokens[ids[..., place]] + positions[place]
    return answer.numpy()
