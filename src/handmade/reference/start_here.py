"""The loop around a GPT: look at the last tokens, take the likeliest next one, append it, begin again."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from numpy import ndarray


def pick_next(probabilities: Float[ndarray, "vocab_size"]) -> int:
    """Return the index of the largest probability: the id of the likeliest token. Of equal ones, the first.

    >>> pick_next(np.array([0.2, 0.5, 0.3]))
    1
    """
    ### BEGIN SOLUTION
    return int(np.argmax(probabilities))
    ### END SOLUTION


def visible_context(ids: list[int], context_length: int) -> list[int]:
    """Return the last `context_length` ids in a new list: all of them where there are fewer, none for 0.

    Raises ValueError for a negative length.

    >>> visible_context([7, 8, 9], context_length=2)
    [8, 9]
    """
    ### BEGIN SOLUTION
    if context_length < 0:
        raise ValueError(f"expected a context_length of at least 0, got {context_length}")
    return ids[max(0, len(ids) - context_length) :]
    ### END SOLUTION


def generate_greedy(
    next_token_probabilities: Callable[[list[int]], Float[ndarray, "vocab_size"]],
    ids: list[int],
    n_new: int,
    context_length: int,
) -> list[int]:
    """Return the ids with `n_new` tokens behind them, each the likeliest one after the visible context.

    `next_token_probabilities` is the model: it gets a list of ids and gives a probability for each token of
    the vocabulary. It is never given more than `context_length` ids. The list `ids` stays as it is.

    >>> def counts_up(ids):  # after the id 1 comes 2, after 2 comes 3 …
    ...     return np.eye(10)[ids[-1] + 1]
    >>> generate_greedy(counts_up, [4, 1], n_new=3, context_length=2)
    [4, 1, 2, 3, 4]
    """
    ### BEGIN SOLUTION
    ids = list(ids)
    for _ in range(n_new):
        probabilities = next_token_probabilities(visible_context(ids, context_length))
        ids.append(pick_next(probabilities))
    return ids
    ### END SOLUTION
