"""One neuron: a weighted sum, a bias and a threshold. It draws one straight line.

Rows convention: the points are the rows of X, the neuron is a vector of weights w and a number b, and it says
1 where `x @ w + b` is above 0 (Rosenblatt, 1958).
"""

from __future__ import annotations

from itertools import product

import numpy as np
from jaxtyping import Float, Int, Num
from numpy import ndarray


def step(z: Num[ndarray, "*shape"]) -> Int[ndarray, "*shape"]:
    """Return 1 where z is above 0, and 0 elsewhere, as integers, in the shape of z.

    >>> step(np.array([-2.0, 0.0, 0.5]))
    array([0, 0, 1])
    """
    ### BEGIN SOLUTION
    return np.where(z > 0, 1, 0)
    ### END SOLUTION


def perceptron(X: Num[ndarray, "n d"], w: Num[ndarray, "d"], b: float) -> Int[ndarray, "n"]:
    """Return what one neuron says of each row x of X: the step of `x @ w + b`.

    >>> perceptron(np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([1, 1]), -1.5)
    array([0, 0, 0, 1])
    """
    ### BEGIN SOLUTION
    return step(X @ w + b)
    ### END SOLUTION


def signed_distance(X: Num[ndarray, "n d"], w: Num[ndarray, "d"], b: float) -> Float[ndarray, "n"]:
    """Return how far each row of X is from the line `x @ w + b = 0`: positive where the neuron says 1.

    Raises ValueError where all weights are 0, for then there is no line.

    >>> signed_distance(np.array([[3, 4], [0, 0]]), np.array([3, 4]), -5.0)
    array([ 4., -1.])
    """
    ### BEGIN SOLUTION
    length = np.linalg.norm(w)
    if length == 0:
        raise ValueError("expected weights that are not all 0: without a direction there is no line")
    return (X @ w + b) / length
    ### END SOLUTION


def gate_weights(gate: str) -> tuple[Num[ndarray, "2"], float]:
    """Return weights and a bias (w, b) with which one neuron computes the gate.

    The gates are "AND", "OR", "NAND" and "NOR". Raises ValueError for any other name; for "XOR" the error's
    text says that no line separates it.

    >>> perceptron(np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), *gate_weights("OR"))
    array([0, 1, 1, 1])
    """
    ### BEGIN SOLUTION
    known = {
        "AND": (np.array([1.0, 1.0]), -1.5),
        "OR": (np.array([1.0, 1.0]), -0.5),
        "NAND": (np.array([-1.0, -1.0]), 1.5),
        "NOR": (np.array([-1.0, -1.0]), 0.5),
    }
    if gate == "XOR":
        raise ValueError("no line separates the inputs where XOR is 1 from those where it is 0")
    if gate not in known:
        raise ValueError(f"expected one of {', '.join(known)}, got {gate!r}")
    return known[gate]
    ### END SOLUTION


def perceptron_rule(
    X: Num[ndarray, "n d"], y: Num[ndarray, "n"], epochs: int, learning_rate: float = 1.0
) -> tuple[Float[ndarray, "d"], float, list[int]]:
    """Return (w, b, mistakes): weights and bias learned from examples, and how many mistakes each epoch had.

    Weights and bias start at 0. One epoch goes through the rows of X in their order; after each guess, w
    grows by `learning_rate * (y - guess) * x` and b by `learning_rate * (y - guess)`, where y is that row's
    right answer, 0 or 1. The loop stops after `epochs` epochs, or after the first one without a mistake.

    >>> perceptron_rule(np.array([[2], [1]]), np.array([1, 0]), epochs=10)
    (array([1.]), -1.0, [2, 1, 2, 0])
    """
    ### BEGIN SOLUTION
    w, b = np.zeros(X.shape[1]), 0.0
    mistakes = []
    for _ in range(epochs):
        wrong = 0
        for x, right in zip(X, y, strict=True):
            error = float(right - int(x @ w + b > 0))
            w = w + learning_rate * error * x
            b = b + learning_rate * error
            wrong += error != 0
        mistakes.append(wrong)
        if wrong == 0:
            break
    return w, b, mistakes
    ### END SOLUTION


def separable_gates(grid: Num[ndarray, "k"]) -> set[tuple[int, int, int, int]]:
    """Return all truth tables that one neuron makes with w1, w2 and b taken from the grid.

    A truth table is a tuple of the neuron's answers to the inputs 00, 01, 10 and 11, in this order.

    >>> sorted(separable_gates(np.array([0, 1])))
    [(0, 0, 0, 0), (0, 0, 1, 1), (0, 1, 0, 1), (0, 1, 1, 1), (1, 1, 1, 1)]
    """
    ### BEGIN SOLUTION
    inputs = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    tables = set()
    for w1, w2, b in product(grid, repeat=3):
        tables.add(tuple(perceptron(inputs, np.array([w1, w2]), float(b)).tolist()))
    return tables
    ### END SOLUTION
