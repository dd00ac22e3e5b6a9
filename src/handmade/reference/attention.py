"""One attention head: how the vector at one position takes in what stands at others.

A sequence is a tensor X of shape (n, d_model), one token a row; any axes in front of these two are a batch.
Queries are rows of a pattern and keys are its columns. Everything here is "scaled dot-product attention" of
Vaswani et al., *Attention Is All You Need* (2017), equation 1, with the mask of a decoder.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from handmade.reference.next_token import softmax


def attention_scores(
    Q: Float[Tensor, "*batch n_q d_head"], K: Float[Tensor, "*batch n_k d_head"]
) -> Float[Tensor, "*batch n_q n_k"]:
    """Return how well each query fits each key: their dot product, divided by the square root of d_head.

    Entry [i, j] belongs to query i and key j.

    >>> Q = torch.tensor([[2.0, 0.0, 0.0, 0.0]])
    >>> attention_scores(Q, torch.tensor([[3.0, 1.0, 1.0, 1.0], [0.0, 5.0, 5.0, 5.0]]))
    tensor([[3., 0.]])
    """
    ### BEGIN SOLUTION
    d_head = Q.shape[-1]
    return Q @ K.transpose(-2, -1) / math.sqrt(d_head)
    ### END SOLUTION


def causal_mask(n: int) -> Bool[Tensor, "{n} {n}"]:
    """Return the mask of a reader who never looks ahead: True where query i may look at key j, j <= i.

    >>> causal_mask(3)
    tensor([[ True, False, False],
            [ True,  True, False],
            [ True,  True,  True]])
    """
    ### BEGIN SOLUTION
    positions = torch.arange(n)
    return positions[None, :] <= positions[:, None]
    ### END SOLUTION


def attention_pattern(
    scores: Float[Tensor, "*batch n_q n_k"], mask: Bool[Tensor, "n_q n_k"] | None = None
) -> Float[Tensor, "*batch n_q n_k"]:
    """Return the weights with which each query takes from the keys: none is negative, each row adds up to 1.

    Where the mask is False the weight is exactly 0, whatever the score there. Each row of the mask has a
    True.

    >>> attention_pattern(torch.zeros(2, 2), torch.tensor([[True, False], [True, True]]))
    tensor([[1.0000, 0.0000],
            [0.5000, 0.5000]])
    """
    ### BEGIN SOLUTION
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return softmax(scores, dim=-1)
    ### END SOLUTION


def attention_head(
    X: Float[Tensor, "*batch n d_model"],
    W_Q: Float[Tensor, "d_model d_head"],
    W_K: Float[Tensor, "d_model d_head"],
    W_V: Float[Tensor, "d_model d_head"],
    W_O: Float[Tensor, "d_head d_model"],
    causal: bool = True,
) -> Float[Tensor, "*batch n d_model"]:
    """Return the update: what this head adds to the vector at each position, not the sum of both.

    Each position takes a mixture of the values of all positions up to itself, or of all where `causal` is
    False.

    >>> one = torch.tensor([[1.0]])
    >>> attention_head(torch.tensor([[0.0], [4.0]]), 0 * one, 0 * one, one, one)  # equal scores: a mean
    tensor([[0.],
            [2.]])
    """
    ### BEGIN SOLUTION
    Q, K, V = X @ W_Q, X @ W_K, X @ W_V
    mask = causal_mask(X.shape[-2]).to(X.device) if causal else None
    pattern = attention_pattern(attention_scores(Q, K), mask)
    return pattern @ V @ W_O
    ### END SOLUTION


def qk_form(
    W_Q: Float[Tensor, "d_model d_head"], W_K: Float[Tensor, "d_model d_head"]
) -> Float[Tensor, "d_model d_model"]:
    """Return the one matrix B that stands for both: the dot product of x's query and y's key is `x @ B @ y`.

    Its rank is at most d_head. (Elhage et al., *A Mathematical Framework for Transformer Circuits*, 2021,
    call it the QK circuit.)

    >>> qk_form(torch.tensor([[1.0], [2.0]]), torch.tensor([[3.0], [0.0]]))
    tensor([[3., 0.],
            [6., 0.]])
    """
    ### BEGIN SOLUTION
    return W_Q @ W_K.T
    ### END SOLUTION


def head_parameters(d_model: int, d_head: int) -> dict[str, int]:
    """Return how many numbers a head's matrices hold, under "query", "key", "value_down" and "value_up".

    There are no biases. "value_down" is W_V and "value_up" is W_O.

    >>> head_parameters(d_model=3, d_head=2)
    {'query': 6, 'key': 6, 'value_down': 6, 'value_up': 6}
    """
    ### BEGIN SOLUTION
    matrices = ("query", "key", "value_down", "value_up")
    return dict.fromkeys(matrices, d_model * d_head)
    ### END SOLUTION


def score_std(d_head: int, n: int, generator: torch.Generator) -> float:
    """Return the standard deviation of n dot products, each of a fresh random query and a fresh random key.

    All entries of these vectors are drawn from the generator, with mean 0 and variance 1. The dot products
    are not scaled, so that their standard deviation is close to the square root of d_head.

    >>> 3.9 < score_std(16, 10_000, torch.Generator().manual_seed(0)) < 4.1
    True
    """
    ### BEGIN SOLUTION
    Q = torch.randn(n, d_head, generator=generator)
    K = torch.randn(n, d_head, generator=generator)
    return (Q * K).sum(dim=-1).std().item()
    ### END SOLUTION
