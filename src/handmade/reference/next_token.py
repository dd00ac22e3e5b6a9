"""Vectors out, probabilities: from a vector to a probability for every token, and what a wrong guess costs.

Logits are numbers of any sign, one for each token of the vocabulary, on the last axis. Softmax makes them
positive, with sum 1; the cross-entropy of the tokens that really came makes them frequencies.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor


def unembed(
    x: Float[Tensor, "*batch d_model"], W_U: Float[Tensor, "d_model vocab_size"]
) -> Float[Tensor, "*batch vocab_size"]:
    """Return the logits of each vector: its dot product with every column of `W_U`, one column a token.

    >>> unembed(torch.tensor([1.0, 2.0]), torch.tensor([[1.0, 0.0, 3.0], [0.0, 1.0, 1.0]]))
    tensor([1., 2., 5.])
    """
    ### BEGIN SOLUTION
    return x @ W_U
    ### END SOLUTION


def last_logits(
    X: Float[Tensor, "n_tokens d_model"], W_U: Float[Tensor, "d_model vocab_size"]
) -> Float[Tensor, "vocab_size"]:
    """Return the logits for the token that comes after the text: those of the last position.

    >>> last_logits(torch.tensor([[9.0, 9.0], [1.0, 2.0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
    tensor([1., 2.])
    """
    ### BEGIN SOLUTION
    return unembed(X[-1], W_U)
    ### END SOLUTION


def softmax(z: Float[Tensor, "*shape"], dim: int = -1) -> Float[Tensor, "*shape"]:
    """Return exp(z) divided by its sum along the axis `dim`: positive numbers that add to 1 along it.

    It works for entries of any size, and gives exactly 0 for -inf. (Bridle, 1990.)

    >>> softmax(torch.tensor([1.0, 2.0, 3.0]).log())  # 1/6, 2/6, 3/6
    tensor([0.1667, 0.3333, 0.5000])
    """
    ### BEGIN SOLUTION
    # A shift along the axis changes nothing: with the largest entry at 0, no exp overflows, and one is 1.
    powers = (z - z.amax(dim=dim, keepdim=True).detach()).exp()
    return powers / powers.sum(dim=dim, keepdim=True)
    ### END SOLUTION


def softmax_with_temperature(
    logits: Float[Tensor, "*batch vocab_size"], temperature: float
) -> Float[Tensor, "*batch vocab_size"]:
    """Return the probabilities at a temperature: the softmax of the logits divided by it, over the last axis.

    1 leaves the probabilities as they are, below 1 they become more peaked, above 1 flatter. Raises
    ValueError for a temperature of 0 or less.

    >>> softmax_with_temperature(torch.tensor([1.0, 2.0, 2.0]).log(), 0.5)  # 1/9, 4/9, 4/9
    tensor([0.1111, 0.4444, 0.4444])
    """
    ### BEGIN SOLUTION
    if temperature <= 0:
        raise ValueError(f"expected a temperature above 0, got {temperature}")
    return softmax(logits / temperature)
    ### END SOLUTION


def cross_entropy(
    logits: Float[Tensor, "*batch vocab_size"], targets: Int[Tensor, "*batch"]
) -> Float[Tensor, ""]:
    """Return the mean of -log p over all positions, where p is the target's probability by the softmax.

    It is computed from the logits, log p = z - log(sum of exp z), so that a p too small for a float costs
    what it should and not infinity.

    >>> cross_entropy(torch.zeros(2, 4), torch.tensor([3, 0]))  # both times log 4
    tensor(1.3863)
    """
    ### BEGIN SOLUTION
    shifted = logits - logits.amax(dim=-1, keepdim=True).detach()
    of_targets = shifted.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
    return (shifted.exp().sum(dim=-1).log() - of_targets).mean()
    ### END SOLUTION


def perplexity(
    logits: Float[Tensor, "*batch vocab_size"], targets: Int[Tensor, "*batch"]
) -> Float[Tensor, ""]:
    """Return e to the cross-entropy: a guess among so many equally likely tokens is as uncertain.

    >>> perplexity(torch.zeros(2, 8), torch.tensor([3, 5]))
    tensor(8.)
    """
    ### BEGIN SOLUTION
    return cross_entropy(logits, targets).exp()
    ### END SOLUTION


def bigram_logits(
    ids: Int[Tensor, "n_tokens"], vocab_size: int, smoothing: float = 1.0
) -> Float[Tensor, "{vocab_size} {vocab_size}"]:
    """Return the logits of a bigram model, by counting: in row a, column b, the log probability of b after a.

    Each pair of neighbours counts 1, and `smoothing` (above 0) is added to all counts, so that no
    probability is 0; then each row is divided by its sum. (Laplace's rule for `smoothing` 1.)

    >>> bigram_logits(torch.tensor([0, 1, 0, 1]), 2).exp()  # counts 0 and 2, 1 and 0; then 1 more everywhere
    tensor([[0.2500, 0.7500],
            [0.6667, 0.3333]])
    """
    ### BEGIN SOLUTION
    pairs = ids[:-1] * vocab_size + ids[1:]  # a pair (a, b) as one number
    counts = torch.bincount(pairs, minlength=vocab_size**2).reshape(vocab_size, vocab_size) + smoothing
    return (counts / counts.sum(dim=-1, keepdim=True)).log()
    ### END SOLUTION
