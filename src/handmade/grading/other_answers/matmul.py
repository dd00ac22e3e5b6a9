# mypy: disable-error-code="no-untyped-def"
"""Lesson 01, in numpy's short forms."""

import numpy as np


def dot(a, b):
    if a.shape != b.shape:
        raise ValueError("not the same length")
    return np.sum(a * b)


def cosine_similarity(a, b):
    norms = np.linalg.norm(a) * np.linalg.norm(b)
    return np.clip(a @ b / norms, -1, 1) if norms > 0 else 0


def matvec_by_rows(A, x):
    return (A * x).sum(axis=1)


def column_pieces(A, x):
    return A.T * x[:, None]


def outer_pieces(A, B):
    return np.einsum("mk,kn->kmn", A, B)


def is_linear(f, d_in, rng, n_trials=20):
    X = rng.standard_normal((n_trials, d_in))
    Y = rng.standard_normal((n_trials, d_in))
    c, d = rng.uniform(-3, 3, (2, n_trials))
    gaps = [
        np.max(np.abs(f(c[i] * X[i] + d[i] * Y[i]) - c[i] * f(X[i]) - d[i] * f(Y[i])))
        for i in range(n_trials)
    ]
    return bool(max(gaps) < 1e-8)


def collapse(layers):
    d_in = layers[0][0].shape[0]
    zero = np.zeros((1, d_in))
    points = np.vstack([np.eye(d_in), zero])
    for W, b in layers:
        points = points @ W + b
    return points[:-1] - points[-1], points[-1]


def low_rank_factors(W, rank):
    if rank < 1 or rank > min(W.shape):
        raise ValueError(rank)
    values, vectors = np.linalg.eigh(W.T @ W)
    best = vectors[:, np.argsort(values)[::-1][:rank]]
    return W @ best, best.T
