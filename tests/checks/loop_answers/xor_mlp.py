"""Right answers to lesson 03 in a third idiom: as somebody may write who does not know numpy well."""

import numpy as np


def xor_weights():
    # N1: first and not second; N2: second and not first; N3: one of them
    return [[2, -2], [-2, 2]], [-1, -1], [5, 5], [-1]


def mlp_forward(X, layers, activation):
    answers = []
    for row in X:
        for number, (W, b) in enumerate(layers):
            row = np.array([sum(row[i] * W[i, j] for i in range(len(row))) + b[j] for j in range(len(b))])
            if number + 1 < len(layers):
                row = activation(row)
        answers.append(row)
    return np.array(answers)


def region_codes(X, W, b):
    codes = np.zeros((len(X), len(b)))
    for i in range(len(X)):
        for j in range(len(b)):
            if sum(X[i, k] * W[k, j] for k in range(len(W))) + b[j] > 0:
                codes[i, j] = 1
    return codes


def count_regions(W, b, points):
    seen = []
    for code in region_codes(points, W, b).tolist():
        if code not in seen:
            seen.append(code)
    return len(seen)


def max_regions(n, dimension):
    if n < 0 or dimension < 0:
        raise ValueError
    if n == 0 or dimension == 0:
        return 1
    row = [1] * (dimension + 1)  # no lines yet: one region, in every dimension
    for _ in range(n):
        row = [1] + [row[d] + row[d - 1] for d in range(1, dimension + 1)]
    return row[dimension]


def tent(x):
    def relu(z):
        return np.where(z > 0, z, 0)

    return 1 - 2 * relu(x - 0.5) - 2 * relu(0.5 - x)


def count_linear_pieces(f, n_points=4097):
    step = 1 / (n_points - 1)
    heights = [float(f(np.array([i * step]))[0]) for i in range(n_points)]
    pieces, slope = 1, (heights[1] - heights[0]) / step
    for i in range(2, n_points):
        new = (heights[i] - heights[i - 1]) / step
        if abs(new - slope) > 1e-4:
            pieces += 1
        slope = new
    return pieces
