"""Right answers to lesson 02 in a third idiom: as somebody may write who does not know numpy well."""

import math

import numpy as np


def step(numbers):
    flat = [1 if float(v) > 0 else 0 for v in numbers.flatten()]
    return np.array(flat, dtype=np.int8).reshape(numbers.shape)


def perceptron(points, weights, bias):
    answers = []
    for point in points:
        z = bias
        for i in range(len(weights)):
            z += float(point[i]) * float(weights[i])
        answers.append(1 if z > 0 else 0)
    return np.array(answers)


def signed_distance(X, w, b):
    size = math.sqrt(sum(float(v) ** 2 for v in w))
    if size == 0.0:
        raise ValueError("no direction")
    return np.array(
        [sum(float(x) * float(v) / size for x, v in zip(row, w, strict=True)) + b / size for row in X]
    )


def gate_weights(name):
    if name == "AND":
        return [[0.1, 0.2], np.array(-0.25)]
    if name == "OR":
        return [[7, 5], -1]
    if name == "NAND":
        return (-3, -3.5), np.float32(6)
    if name == "NOR":
        return np.array([-1, -1], dtype=np.float32), 1e-6
    if name == "XOR":
        raise ValueError("Two of XOR's corners lie on each side of any cut: they cannot be SEPARATED.")
    raise ValueError("unknown gate: " + name)


def perceptron_rule(X, y, epochs, learning_rate=1.0):
    w = [0.0] * len(X[0])
    b = 0
    history = []
    for _ in range(epochs):
        bad = 0
        for i in range(len(X)):
            z = sum(w[j] * float(X[i][j]) for j in range(len(w))) + b
            if z > 0 and y[i] == 0:
                for j in range(len(w)):
                    w[j] -= learning_rate * float(X[i][j])
                b -= learning_rate
                bad += 1
            elif z <= 0 and y[i] == 1:
                for j in range(len(w)):
                    w[j] += learning_rate * float(X[i][j])
                b += learning_rate
                bad += 1
        history.append(bad)
        if bad == 0:
            return np.array(w), b, history
    return np.array(w), b, history


def separable_gates(grid):
    found = frozenset()
    for b in grid:
        for w2 in grid:
            for w1 in grid:
                table = (int(b > 0), int(w2 + b > 0), int(w1 + b > 0), int(w1 + w2 + b > 0))
                found = found | {table}
    return found
