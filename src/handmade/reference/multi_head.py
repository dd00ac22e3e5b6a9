"""Many heads at once: a whole layer of attention, written three times, with the same result each time.

A layer has n_heads heads, and each reads d_model numbers and works in a space of d_head. Where n_heads *
d_head is d_model, all of them fit into four square matrices: head h owns columns h * d_head to (h + 1) *
d_head of W_Q, W_K and W_V, and the rows of these numbers in W_O. (Vaswani et al., *Attention Is All You
Need*, 2017, section 3.2.2.)
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from handmade.reference.attention import (
    attention_head,
    attention_pattern,
    attention_scores,
    causal_mask,
    head_parameters,
)


def split_heads(x: Float[Tensor, "*batch n d"], n_heads: int) -> Float[Tensor, "*batch {n_heads} n d_head"]:
    """Return the numbers of each position dealt out to the heads, as a sequence of its own for each head.

    Head 0 gets the first d / n_heads numbers of every position, head 1 the next, and so on. Raises ValueError
    where n_heads does not divide d.

    >>> split_heads(torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), 2)
    tensor([[[1.],
             [3.],
             [5.]],
    <BLANKLINE>
            [[2.],
             [4.],
             [6.]]])
    """
    ### BEGIN SOLUTION
    *batch, n, d = x.shape
    if d % n_heads:
        raise ValueError(f"expected a width that {n_heads} heads can share evenly, got {d}")
    return x.reshape(*batch, n, n_heads, d // n_heads).transpose(-3, -2)
    ### END SOLUTION


def merge_heads(x: Float[Tensor, "*batch n_heads n d_head"]) -> Float[Tensor, "*batch n d"]:
    """Return the heads' numbers side by side at each position, head 0 first: the inverse of `split_heads`.

    >>> merge_heads(torch.tensor([[[1.0], [3.0], [5.0]], [[2.0], [4.0], [6.0]]]))
    tensor([[1., 2.],
            [3., 4.],
            [5., 6.]])
    """
    ### BEGIN SOLUTION
    *batch, n_heads, n, d_head = x.shape
    return x.transpose(-3, -2).reshape(*batch, n, n_heads * d_head)
    ### END SOLUTION


def multi_head_attention(
    X: Float[Tensor, "*batch n d_model"],
    W_Q: Float[Tensor, "d_model d_model"],
    W_K: Float[Tensor, "d_model d_model"],
    W_V: Float[Tensor, "d_model d_model"],
    W_O: Float[Tensor, "d_model d_model"],
    n_heads: int,
    causal: bool = True,
) -> Float[Tensor, "*batch n d_model"]:
    """Return the update of a layer of heads: their mixtures of values side by side, times W_O.

    Raises ValueError where n_heads does not divide d_model.

    >>> zero, one = torch.zeros(2, 2), torch.eye(2)
    >>> X = torch.tensor([[0.0, 8.0], [4.0, 0.0]])
    >>> multi_head_attention(X, zero, zero, one, one, n_heads=2)  # means so far
    tensor([[0., 8.],
            [2., 4.]])
    """
    ### BEGIN SOLUTION
    Q, K, V = (split_heads(X @ W, n_heads) for W in (W_Q, W_K, W_V))
    mask = causal_mask(X.shape[-2]).to(X.device) if causal else None
    pattern = attention_pattern(attention_scores(Q, K), mask)  # (…, n_heads, n, n): one for each head
    return merge_heads(pattern @ V) @ W_O
    ### END SOLUTION


def cut_by_head(
    W_Q: Float[Tensor, "d_model d_model"],
    W_K: Float[Tensor, "d_model d_model"],
    W_V: Float[Tensor, "d_model d_model"],
    W_O: Float[Tensor, "d_model d_model"],
    n_heads: int,
) -> list[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Return each head's own four matrices, cut out of those of the layer, in the order W_Q, W_K, W_V, W_O.

    Raises ValueError where n_heads does not divide d_model.

    >>> q, k, v, o = (torch.tensor([[1.0, 2.0], [3.0, 4.0]]) * f for f in (1, 10, 100, 1000))
    >>> cut_by_head(q, k, v, o, n_heads=2)[1]  # the second head
    (tensor([[2.],
            [4.]]), tensor([[20.],
            [40.]]), tensor([[200.],
            [400.]]), tensor([[3000., 4000.]]))
    """
    ### BEGIN SOLUTION
    d_model = W_O.shape[0]
    if d_model % n_heads:
        raise ValueError(f"expected a d_model that {n_heads} heads can share evenly, got {d_model}")
    d_head = d_model // n_heads
    heads = []
    for h in range(n_heads):
        own = slice(h * d_head, (h + 1) * d_head)
        heads.append((W_Q[:, own], W_K[:, own], W_V[:, own], W_O[own, :]))
    return heads
    ### END SOLUTION


def sum_of_heads(
    X: Float[Tensor, "*batch n d_model"],
    heads: list[tuple[Tensor, Tensor, Tensor, Tensor]],
    causal: bool = True,
) -> Float[Tensor, "*batch n d_model"]:
    """Return the sum of what single heads write, each of them reading the same X; they may differ in d_head.

    (Elhage et al., *A Mathematical Framework for Transformer Circuits*, 2021, "Attention heads are
    independent and additive".)

    >>> zero, one = torch.tensor([[0.0]]), torch.tensor([[1.0]])
    >>> mean = (zero, zero, one, one)
    >>> sum_of_heads(torch.tensor([[2.0], [4.0]]), [mean, mean, mean])
    tensor([[6.],
            [9.]])
    """
    ### BEGIN SOLUTION
    total = torch.zeros_like(X)
    for W_Q, W_K, W_V, W_O in heads:
        total = total + attention_head(X, W_Q, W_K, W_V, W_O, causal)
    return total
    ### END SOLUTION


class MultiHeadAttention(nn.Module):
    """A layer of attention that owns its weights: `layer(x)` is the update, of the shape of x.

    `query`, `key`, `value` and `output` are `nn.Linear` layers from d_model numbers to d_model numbers, with
    a bias each, or with none where `bias` is False. Raises ValueError where n_heads does not divide d_model.

    >>> layer = MultiHeadAttention(d_model=6, n_heads=2)
    >>> layer(torch.zeros(5, 6)).shape
    torch.Size([5, 6])
    """

    def __init__(self, d_model: int, n_heads: int, bias: bool = True) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        if d_model % n_heads:
            raise ValueError(f"expected a d_model that {n_heads} heads can share evenly, got {d_model}")
        self.n_heads = n_heads
        self.query = nn.Linear(d_model, d_model, bias=bias)
        self.key = nn.Linear(d_model, d_model, bias=bias)
        self.value = nn.Linear(d_model, d_model, bias=bias)
        self.output = nn.Linear(d_model, d_model, bias=bias)
        ### END SOLUTION

    def forward(
        self, x: Float[Tensor, "*batch n d_model"], causal: bool = True
    ) -> Float[Tensor, "*batch n d_model"]:
        """Return the update of all heads for the vectors x."""
        ### BEGIN SOLUTION
        Q, K, V = (split_heads(linear(x), self.n_heads) for linear in (self.query, self.key, self.value))
        mask = causal_mask(x.shape[-2]).to(x.device) if causal else None
        pattern = attention_pattern(attention_scores(Q, K), mask)
        return self.output(merge_heads(pattern @ V))
        ### END SOLUTION


def attention_parameters(d_model: int, n_heads: int, d_head: int, n_layers: int) -> dict[str, int]:
    """Return how many numbers all heads of a network hold, under "query", "key", "value_down" and "value_up".

    There are no biases, and n_heads * d_head need not be d_model.

    >>> attention_parameters(d_model=4, n_heads=2, d_head=3, n_layers=10)
    {'query': 240, 'key': 240, 'value_down': 240, 'value_up': 240}
    """
    ### BEGIN SOLUTION
    one_head = head_parameters(d_model, d_head)
    return {matrix: n_heads * n_layers * size for matrix, size in one_head.items()}
    ### END SOLUTION


def fused_attention(
    Q: Float[Tensor, "*batch n d_head"],
    K: Float[Tensor, "*batch n d_head"],
    V: Float[Tensor, "*batch n d_head"],
    causal: bool = True,
) -> Float[Tensor, "*batch n d_head"]:
    """Return the mixtures of values of every query, by torch's `scaled_dot_product_attention`.

    The result is that of `attention_pattern(attention_scores(Q, K), mask) @ V`. Where a fast version exists
    for the shape and the device, the pattern is never in memory as a whole. (Dao et al., *FlashAttention*,
    2022.)

    >>> same = torch.zeros(2, 1)
    >>> fused_attention(same, same, torch.tensor([[2.0], [4.0]]))
    tensor([[2.],
            [3.]])
    """
    ### BEGIN SOLUTION
    return nn.functional.scaled_dot_product_attention(Q, K, V, is_causal=causal)
    ### END SOLUTION
