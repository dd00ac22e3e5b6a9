"""Hidden neurons bend the boundary: XOR, regions, and what depth adds to width.

A layer is a pair (W, b) and takes rows to `X @ W + b`: column i of W and entry i of b belong to neuron i.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int, Num
from numpy import ndarray


def xor_weights() -> tuple[Num[ndarray, "2 2"], Num[ndarray, "2"], Num[ndarray, "2"], float]:
    """Return (W1, b1, w2, b2) of a network of three step neurons that computes XOR.

    The hidden neurons N1 and N2 answer `h = step(x @ W1 + b1)`, column 0 of W1 being the weights of N1, and
    the output neuron N3 answers `step(h @ w2 + b2)`. Many answers are right.

    >>> W1, b1, w2, b2 = xor_weights()
    >>> hidden = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]) @ W1 + b1 > 0
    >>> (hidden @ w2 + b2 > 0).astype(int)
    array([0, 1, 1, 0])
    """
    ### BEGIN SOLUTION
    W1 = np.array([[1.0, -1.0], [1.0, -1.0]])
    b1 = np.array([-0.5, 1.5])  # N1 says OR, N2 says NAND
    w2 = np.array([1.0, 1.0])
    b2 = -1.5  # N3 says AND: both hidden neurons must be on
    return W1, b1, w2, b2
    ### END SOLUTION


def mlp_forward(
    X: Num[ndarray, "n d_in"],
    layers: list[tuple[Num[ndarray, "_ _"], Num[ndarray, "_"]]],
    activation: Callable[[ndarray], ndarray],
) -> Num[ndarray, "n d_out"]:
    """Return what the layers make of the rows of X, with the activation between layers, not after the last.

    >>> first, second = (np.array([[1, -1]]), np.array([0, 3])), (np.array([[1], [1]]), np.array([-9]))
    >>> mlp_forward(np.array([[5]]), [first, second], lambda z: np.maximum(z, 0))
    array([[-4]])
    """
    ### BEGIN SOLUTION
    for W, b in layers[:-1]:
        X = activation(X @ W + b)
    W, b = layers[-1]
    return X @ W + b
    ### END SOLUTION


def region_codes(
    X: Num[ndarray, "n d_in"], W: Num[ndarray, "d_in n_hidden"], b: Num[ndarray, "n_hidden"]
) -> Int[ndarray, "n n_hidden"]:
    """Return for each point (row) the bits of the hidden neurons: 1 on the positive side of its line, else 0.

    A point on the line itself gets 0.

    >>> region_codes(np.array([[3, 0], [0, 3]]), np.array([[1, -1], [0, 1]]), np.array([-2, 0]))
    array([[1, 0],
           [0, 1]])
    """
    ### BEGIN SOLUTION
    return (X @ W + b > 0).astype(int)
    ### END SOLUTION


def count_regions(
    W: Num[ndarray, "d_in n_hidden"], b: Num[ndarray, "n_hidden"], points: Num[ndarray, "n d_in"]
) -> int:
    """Return into how many regions the neurons' lines cut the points: how many different codes these have.

    >>> count_regions(np.array([[1, 0], [0, 1]]), np.array([0, 0]), np.array([[2, 3], [5, 1], [2, -3]]))
    2
    """
    ### BEGIN SOLUTION
    return len({tuple(code) for code in region_codes(points, W, b)})
    ### END SOLUTION


def max_regions(n_lines: int, dimension: int) -> int:
    """Return the largest number of regions into which n hyperplanes can cut a space of this dimension.

    It is C(n, 0) + C(n, 1) + … + C(n, dimension) (Schläfli; Zaslavsky, 1975). A hyperplane is a line in the
    plane and a point on a line. Raises ValueError where either number is negative.

    >>> max_regions(3, 2)
    7
    """
    ### BEGIN SOLUTION
    if n_lines < 0 or dimension < 0:
        raise ValueError(f"expected numbers that are not negative, got {n_lines} and {dimension}")
    return sum(math.comb(n_lines, i) for i in range(dimension + 1))
    ### END SOLUTION


def tent(x: Float[ndarray, "*shape"]) -> Float[ndarray, "*shape"]:
    """Return the tent map of each number from 0 to 1: up from 0 to 1 at the middle, and down to 0 again.

    It is made of ReLUs only, `np.maximum(…, 0)`: as a layer of hidden neurons and an output would make it.

    >>> tent(np.array([0.0, 0.25, 0.5, 1.0]))
    array([0. , 0.5, 1. , 0. ])
    """
    ### BEGIN SOLUTION
    return 2 * np.maximum(x, 0) - 4 * np.maximum(x - 0.5, 0)
    ### END SOLUTION


def count_linear_pieces(f: Callable[[ndarray], ndarray], n_points: int = 4097) -> int:
    """Return of how many straight pieces the graph of f on [0, 1] consists.

    f is continuous and piecewise linear, takes an array of numbers and returns one of the same shape. It
    bends only at points of the grid `np.linspace(0, 1, n_points)`. Rounding errors are not bends.

    >>> count_linear_pieces(lambda x: np.abs(x - 0.5), n_points=5)
    2
    """
    ### BEGIN SOLUTION
    y = f(np.linspace(0, 1, n_points))
    bends = np.abs(np.diff(y, 2)) > 1e-9 * max(1.0, float(np.abs(y).max()))
    return int(bends.sum()) + 1
    ### END SOLUTION
