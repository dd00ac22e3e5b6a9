"""Right answers to lesson 01 in a third idiom: as somebody may write who does not know numpy well."""

import math

import numpy as np


def dot(b, a):
    if len(a) != len(b):
        raise ValueError("lengths " + str(len(a)) + " and " + str(len(b)))
    return sum(x * y for x, y in zip(a.tolist(), b.tolist(), strict=True))


def cosine_similarity(u, v):
    lu, lv = math.sqrt(sum(float(t) ** 2 for t in u)), math.sqrt(sum(float(t) ** 2 for t in v))
    if lu == 0 or lv == 0:
        return np.float32(0)
    return np.array(sum((x / lu) * (y / lv) for x, y in zip(u, v, strict=True)))


def matvec_by_rows(matrix, vector):
    answer = np.zeros(matrix.shape[0], dtype=np.float32)
    for i in range(matrix.shape[0]):
        for j in range(matrix.shape[1]):
            answer[i] += matrix[i, j] * vector[j]
    return answer


def column_pieces(A, x):
    rows = []
    for j in range(A.shape[1]):
        rows.append([float(A[i][j]) * float(x[j]) for i in range(A.shape[0])])
    return np.array(rows)


def outer_pieces(A, B):
    return A.T[:, :, None] * B[:, None, :]


def is_linear(f, d_in, rng, n_trials=20):
    return np.bool_(
        all(
            np.linalg.norm(f(a * x - y) - (a * f(x) - f(y)))
            <= 1e-7 * (1 + np.linalg.norm(f(x)) + np.linalg.norm(f(y)))
            for a, x, y in (
                (rng.normal(), rng.normal(size=d_in), rng.normal(size=d_in)) for _ in range(n_trials)
            )
        )
    )


def collapse(layers):
    if len(layers) == 1:
        return list(layers[0])
    (W1, b1), (W2, b2), *rest = layers
    return collapse([(W1 @ W2, W2.T @ b1 + b2), *rest])


def low_rank_factors(matrix, r):
    if r not in range(1, min(matrix.shape) + 1):
        raise ValueError("rank out of range")
    u, s, v = np.linalg.svd(matrix)
    half = np.sqrt(s[:r])
    return [np.asfortranarray(u[:, :r] * half), half[:, None] * v[:r]]
