"""Integers in, vectors out: a row for each token, vectors from counting alone, a vector for each position.

A sequence is a matrix with one token per row. `W_E` has one row for each token, `W_P` one for each position.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor


def one_hot(ids: Int[Tensor, "n"], vocab_size: int) -> Float[Tensor, "n vocab_size"]:
    """Return one row for each id: all 0, and a 1 in the column of that id.

    Raises ValueError for an id below 0, or not below `vocab_size`.

    >>> one_hot(torch.tensor([2, 0]), 3)
    tensor([[0., 0., 1.],
            [1., 0., 0.]])
    """
    ### BEGIN SOLUTION
    if ((ids < 0) | (ids >= vocab_size)).any():
        raise ValueError(f"expected ids from 0 to {vocab_size - 1}, got {ids.tolist()}")
    rows = torch.zeros(len(ids), vocab_size)
    rows[torch.arange(len(ids)), ids] = 1
    return rows
    ### END SOLUTION


def embed(
    ids: Int[Tensor, "*lead"], W_E: Float[Tensor, "vocab_size d_model"]
) -> Float[Tensor, "*lead d_model"]:
    """Return the row of `W_E` for each id: what `one_hot(ids, vocab_size) @ W_E` gives, without the product.

    The ids may have any shape; the answer has that shape, and `d_model` as one more axis at its end.

    >>> embed(torch.tensor([2, 0]), torch.tensor([[1., 2.], [3., 4.], [5., 6.]]))
    tensor([[5., 6.],
            [1., 2.]])
    """
    ### BEGIN SOLUTION
    return W_E[ids]
    ### END SOLUTION


def nearest_tokens(
    vector: Float[Tensor, "d_model"], W_E: Float[Tensor, "vocab_size d_model"], k: int
) -> Int[Tensor, "k"]:
    """Return the ids of the k rows of `W_E` most similar to the vector by cosine, the most similar first.

    The cosine of a row of zeros counts as 0. `vector` is not zero, and k is at most the number of rows.

    >>> nearest_tokens(torch.tensor([1., 0.]), torch.tensor([[0., 5.], [2., 0.], [3., 3.]]), 2)
    tensor([1, 2])
    """
    ### BEGIN SOLUTION
    lengths = W_E.norm(dim=1) * vector.norm()
    cosines = (W_E @ vector) / torch.where(lengths > 0, lengths, 1)
    return cosines.topk(k).indices
    ### END SOLUTION


def analogy(W_E: Float[Tensor, "vocab_size d_model"], a: int, b: int, c: int, k: int = 1) -> Int[Tensor, "k"]:
    """Return the answer to "a is to b as c is to what?": the k tokens nearest to `W_E[b] - W_E[a] + W_E[c]`.

    Nearest by cosine, the nearest first; a, b and c themselves are left out. (Mikolov et al., 2013.)
    k is at most the number of tokens that are left.

    >>> analogy(torch.tensor([[1., 1.], [1., 3.], [4., 1.], [4., 3.], [-1., 2.]]), 0, 1, 2)
    tensor([3])
    """
    ### BEGIN SOLUTION
    order = nearest_tokens(W_E[b] - W_E[a] + W_E[c], W_E, len(W_E))
    left = (order != a) & (order != b) & (order != c)
    return order[left][:k]
    ### END SOLUTION


def cooccurrence_vectors(
    ids: Int[Tensor, "n"], vocab_size: int, window: int, d_model: int
) -> Float[Tensor, "vocab_size d_model"]:
    """Return a vector for each token, by counting alone: tokens in the same company point the same way.

    1. Count: how often does token j stand at most `window` places before or after token i? (A place is not
       its own neighbour.)
    2. Compare with chance: expected[i, j] = (sum of row i) · (sum of column j) / (sum of all). The positive
       PMI is log(count / expected) where that is above 0, and 0 everywhere else. (Church & Hanks, 1990.)
    3. Keep the `d_model` strongest pieces of its singular value decomposition U S Vᵀ: the first columns of U,
       scaled by the square roots of their strengths.

    Only directions are judged, so the signs and the scale of the columns are yours. A token that never occurs
    has zeros. The text holds at least two tokens, and d_model is at most vocab_size.

    >>> vectors = cooccurrence_vectors(torch.tensor([0, 2, 1, 2, 0, 2, 1]), 4, window=1, d_model=2)
    >>> torch.allclose(vectors[0], vectors[1], atol=1e-5)  # tokens 0 and 1 stand beside 2 alone
    True
    >>> vectors[3]
    tensor([0., 0.])
    """
    ### BEGIN SOLUTION
    counts = torch.zeros(vocab_size, vocab_size)
    for distance in range(1, window + 1):
        before, after = ids[:-distance], ids[distance:]
        counts.index_put_((before, after), torch.ones(len(before)), accumulate=True)
    counts = counts + counts.T
    occurs = counts.sum(dim=1, keepdim=True)
    expected = occurs * occurs.T / occurs.sum()
    pmi = torch.where(counts > 0, torch.log(counts / expected), 0)
    U, S, _ = torch.linalg.svd(pmi.clamp(min=0))
    return torch.where(occurs > 0, U[:, :d_model] * S[:d_model].sqrt(), 0)
    ### END SOLUTION


def sinusoidal_positions(context_length: int, d_model: int) -> Float[Tensor, "context_length d_model"]:
    """Return a fixed vector for each position: sin in the even columns, cos in the odd ones, ever slower.

    Columns 2i and 2i + 1 of row p hold the sine and the cosine of p / 10000^(2i / d_model), for an even
    d_model. (Vaswani et al., 2017, section 3.5.)

    >>> sinusoidal_positions(2, 2)
    tensor([[0.0000, 1.0000],
            [0.8415, 0.5403]])
    """
    ### BEGIN SOLUTION
    position = torch.arange(context_length).unsqueeze(1)
    speed = 10000.0 ** (-torch.arange(0, d_model, 2) / d_model)
    table = torch.zeros(context_length, d_model)
    table[:, 0::2] = torch.sin(position * speed)
    table[:, 1::2] = torch.cos(position * speed)
    return table
    ### END SOLUTION


def embed_with_positions(
    ids: Int[Tensor, "*lead n"],
    W_E: Float[Tensor, "vocab_size d_model"],
    W_P: Float[Tensor, "context_length d_model"],
) -> Float[Tensor, "*lead n d_model"]:
    """Return the token's row of `W_E` plus the position's row of `W_P`.

    Positions count from 0 along the last axis of ids.

    Raises ValueError where there are more tokens than `W_P` has positions.

    >>> W_E, W_P = torch.tensor([[1., 2.], [3., 4.]]), torch.tensor([[10., 0.], [20., 0.]])
    >>> embed_with_positions(torch.tensor([1, 1]), W_E, W_P)
    tensor([[13.,  4.],
            [23.,  4.]])
    """
    ### BEGIN SOLUTION
    n = ids.shape[-1]
    if n > len(W_P):
        raise ValueError(f"expected at most {len(W_P)} tokens, got {n}")
    return embed(ids, W_E) + W_P[:n]
    ### END SOLUTION
