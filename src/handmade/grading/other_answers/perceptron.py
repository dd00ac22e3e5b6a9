# mypy: disable-error-code="no-untyped-def"
"""Lesson 02, in numpy's short forms."""

import numpy as np


def step(z):
    return (z > 0).astype(int)


def perceptron(X, w, b):
    return np.heaviside(X.dot(w) + b, 0.0)


def signed_distance(X, w, b):
    if not w.any():
        raise ValueError("w is zero")
    point = -b * w / (w @ w)
    return (X - point) @ (w / np.sqrt(w @ w))


def gate_weights(gate):
    signs = {"AND": 1, "OR": 1, "NAND": -1, "NOR": -1}
    if gate == "XOR":
        raise ValueError("XOR is not linearly separable")
    if gate not in signs:
        raise ValueError(gate)
    return signs[gate] * np.array([2, 3]), signs[gate] * (-4 if gate in ("AND", "NAND") else -1)


def perceptron_rule(X, y, epochs, learning_rate=1.0):
    X1 = np.column_stack([X, np.ones(len(X))])
    theta = np.zeros(X1.shape[1])
    mistakes = []
    while len(mistakes) < epochs and (not mistakes or mistakes[-1]):
        errors = []
        for x, right in zip(X1, y, strict=True):
            errors.append(right - np.heaviside(theta @ x, 0))
            theta += learning_rate * errors[-1] * x
        mistakes.append(np.count_nonzero(errors))
    return theta[:-1], theta[-1], mistakes


def separable_gates(grid):
    w1, w2, b = (axis.ravel() for axis in np.meshgrid(grid, grid, grid))
    return set(map(tuple, np.stack([b > 0, w2 + b > 0, w1 + b > 0, w1 + w2 + b > 0], axis=1).astype(int)))
