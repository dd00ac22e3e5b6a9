"""Two ways to see a matrix multiplication, and what "linear" means.

Vectors here are one-dimensional arrays. `A @ x` multiplies a matrix by a column vector, as textbooks do;
`x @ W + b` is the row convention that every later module uses.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Num
from numpy import ndarray


def dot(a: Num[ndarray, "n"], b: Num[ndarray, "n"]) -> float:
    """Return the dot product of two vectors: the sum of the products of matching entries.

    Raises ValueError where the lengths differ.

    >>> dot(np.array([1, 2, 3]), np.array([4, 5, 6]))
    32.0
    """
    ### BEGIN SOLUTION
    if len(a) != len(b):
        raise ValueError(f"expected two vectors of the same length, got lengths {len(a)} and {len(b)}")
    total = 0.0
    for i in range(len(a)):
        total += float(a[i]) * float(b[i])
    return total
    ### END SOLUTION


def cosine_similarity(a: Num[ndarray, "n"], b: Num[ndarray, "n"]) -> float:
    """Return how far two vectors point the same way: 1 the same, 0 at right angles, -1 opposite.

    It is the dot product divided by both lengths. Where either vector is zero the answer is 0.

    >>> cosine_similarity(np.array([3, 4]), np.array([6, 8]))
    1.0
    """
    ### BEGIN SOLUTION
    lengths = np.sqrt(dot(a, a)) * np.sqrt(dot(b, b))
    if lengths == 0:
        return 0.0
    return float(dot(a, b) / lengths)
    ### END SOLUTION


def matvec_by_rows(A: Num[ndarray, "m n"], x: Num[ndarray, "n"]) -> Num[ndarray, "m"]:
    """Return `A @ x`, seen row by row: entry i is the dot product of row i of A with x.

    >>> matvec_by_rows(np.array([[1, 2], [3, 4], [5, 6]]), np.array([10, 1]))
    array([12., 34., 56.])
    """
    ### BEGIN SOLUTION
    return np.array([dot(row, x) for row in A])
    ### END SOLUTION


def column_pieces(A: Num[ndarray, "m n"], x: Num[ndarray, "n"]) -> Num[ndarray, "n m"]:
    """Return `A @ x`, seen column by column and not yet added: piece j is `x[j]` times column j of A.

    >>> column_pieces(np.array([[1, 2], [3, 4]]), np.array([10, 1]))
    array([[10, 30],
           [ 2,  4]])
    """
    ### BEGIN SOLUTION
    return np.array([x[j] * A[:, j] for j in range(len(x))])
    ### END SOLUTION


def outer_pieces(A: Num[ndarray, "m k"], B: Num[ndarray, "k n"]) -> Num[ndarray, "k m n"]:
    """Return `A @ B` as k matrices that are not yet added: piece i is column i of A times row i of B.

    >>> outer_pieces(np.array([[1, 2]]), np.array([[3, 4], [5, 6]]))
    array([[[ 3,  4]],
    <BLANKLINE>
           [[10, 12]]])
    """
    ### BEGIN SOLUTION
    return np.array([np.outer(A[:, i], B[i]) for i in range(len(B))])
    ### END SOLUTION


def is_linear(
    f: Callable[[ndarray], ndarray], d_in: int, rng: np.random.Generator, n_trials: int = 20
) -> bool:
    """Return whether f kept both rules of linearity on `n_trials` random tries.

    The rules: `f(x + y) = f(x) + f(y)`, and `f(c * x) = c * f(x)` for every number c, negative ones too.
    f takes a vector of length `d_in` and returns an array; floats are compared with a tolerance.

    >>> is_linear(lambda x: 3 * x, 2, np.random.default_rng(0))
    True
    """
    ### BEGIN SOLUTION
    for _ in range(n_trials):
        x, y = rng.normal(size=d_in), rng.normal(size=d_in)
        c = rng.normal()
        adds = np.allclose(f(x + y), f(x) + f(y))
        scales = np.allclose(f(c * x), c * f(x))
        if not (adds and scales):
            return False
    return True
    ### END SOLUTION


def collapse(
    layers: list[tuple[Num[ndarray, "_ _"], Num[ndarray, "_"]]],
) -> tuple[Num[ndarray, "d_in d_out"], Num[ndarray, "d_out"]]:
    """Return the one layer (W, b) that does what all the layers do one after another.

    Each layer (W, b) takes a row x to `x @ W + b`; the first in the list comes first.

    >>> collapse([(np.array([[2]]), np.array([1])), (np.array([[3]]), np.array([4]))])
    (array([[6]]), array([7]))
    """
    ### BEGIN SOLUTION
    W, b = layers[0]
    for W_next, b_next in layers[1:]:
        W, b = W @ W_next, b @ W_next + b_next
    return W, b
    ### END SOLUTION


def low_rank_factors(
    W: Float[ndarray, "d_in d_out"], rank: int
) -> tuple[Float[ndarray, "d_in {rank}"], Float[ndarray, "{rank} d_out"]]:
    """Return (down, up), two thin matrices whose product comes closest to W of all matrices of that rank.

    Closest means the smallest sum of squared differences; the truncated singular value decomposition
    gives it (Eckart and Young, 1936). Raises ValueError for a rank outside 1 ... min(d_in, d_out).

    >>> down, up = low_rank_factors(np.array([[3.0, 0.0], [0.0, 1.0]]), rank=1)
    >>> np.round(down @ up, 6) + 0.0
    array([[3., 0.],
           [0., 0.]])
    """
    ### BEGIN SOLUTION
    if not 1 <= rank <= min(W.shape):
        raise ValueError(f"expected a rank from 1 to {min(W.shape)}, got {rank}")
    U, singular_values, Vt = np.linalg.svd(W, full_matrices=False)
    return U[:, :rank] * singular_values[:rank], Vt[:rank]
    ### END SOLUTION
