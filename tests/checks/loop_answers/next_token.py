"""Right answers to lesson 07 in a third idiom: loops, plain Python and numpy."""

import math

import numpy as np
import torch


def unembed(vectors, matrix):
    if vectors.dim() > 1:
        return torch.stack([unembed(vector, matrix) for vector in vectors])
    return torch.stack([sum(vectors[i] * column[i] for i in range(len(column))) for column in matrix.T])


def last_logits(X, W_U):
    vector, vocabulary = X.numpy()[len(X) - 1], W_U.numpy().transpose()
    return np.array([np.dot(vector, column) for column in vocabulary])


def softmax(z, dim=-1):
    moved = np.moveaxis(z.numpy().astype(np.float64), dim, 0)
    result = np.zeros_like(moved)
    for place in np.ndindex(moved.shape[1:]):
        line = [float(moved[(i, *place)]) for i in range(len(moved))]
        top = max(line)
        total = sum(math.exp(entry - top) for entry in line)
        for i, entry in enumerate(line):
            result[(i, *place)] = math.exp(entry - top) / total
    return np.moveaxis(result, 0, dim)


def softmax_with_temperature(logits, t):
    if t <= 0:
        raise ValueError(f"no temperature: {t}")
    return torch.tensor(softmax(logits.double() / t))


def cross_entropy(logits, targets):
    rows = logits.reshape(-1, logits.shape[-1]).tolist()
    losses = []
    for row, target in zip(rows, targets.reshape(-1).tolist(), strict=True):
        top = max(row)
        losses.append(math.log(sum(math.exp(z - top) for z in row)) + top - row[target])
    return sum(losses) / len(losses)


def perplexity(logits, targets):
    return np.exp(np.float32(cross_entropy(logits, targets)))


def bigram_logits(ids, vocab_size, smoothing=1.0):
    table = [[smoothing] * vocab_size for _ in range(vocab_size)]
    previous = None
    for token in ids.tolist():
        if previous is not None:
            table[previous][token] += 1
        previous = token
    return torch.tensor([[math.log(entry / sum(row)) for entry in row] for row in table])
