"""Lesson 09: many heads at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from handmade.checks.case import Case, case, literal, play, rejects
from handmade.checks.compare import Unfit, describe, is_array
from handmade.checks.draw import floats
from handmade.checks.exercise import ATTENTION, exercise

tensor = torch.tensor


# The right steps, and the wrong ones that several mistakes share.
def _split(x: Any, n_heads: int) -> Any:
    *batch, n, d = x.shape
    if d % n_heads:
        raise ValueError(f"{n_heads} heads cannot share {d} numbers evenly")
    return x.reshape(*batch, n, n_heads, d // n_heads).transpose(-3, -2)


def _merge(x: Any) -> Any:
    *batch, n_heads, n, d_head = x.shape
    return x.transpose(-3, -2).reshape(*batch, n, n_heads * d_head)


def _lower(n: int) -> Tensor:
    return torch.ones(n, n, dtype=torch.bool).tril()


def _mix(Q: Any, K: Any, V: Any, causal: bool = True, scale: float = 0.0) -> Any:
    """Return the mixtures of values, with another divisor where one is given."""
    scores = Q @ K.transpose(-2, -1) / (scale or math.sqrt(Q.shape[-1]))
    if causal:
        scores = scores.masked_fill(~_lower(scores.shape[-1]), -math.inf)
    return torch.softmax(scores, dim=-1) @ V


def _split_by_view(x: Any, n_heads: int) -> Any:
    *batch, n, d = x.shape
    if d % n_heads:
        raise ValueError
    return x.reshape(*batch, n_heads, n, d // n_heads)


def _split_like_cards(x: Any, n_heads: int) -> Any:
    *batch, n, d = x.shape
    if d % n_heads:
        raise ValueError
    return x.reshape(*batch, n, d // n_heads, n_heads).movedim(-1, -3)


def _rows(n: int, d: int) -> Tensor:
    """Return a tensor in which 23 stands for: position 2, number 3."""
    return tensor([[10.0 * i + j for j in range(1, d + 1)] for i in range(1, n + 1)])


@exercise(points=2, level=3, minutes=10)
def split_heads(rng: np.random.Generator) -> Iterator[Case]:
    yield case(
        _rows(3, 4),
        2,
        expect=tensor(
            [[[11.0, 12.0], [21.0, 22.0], [31.0, 32.0]], [[13.0, 14.0], [23.0, 24.0], [33.0, 34.0]]]
        ),
        note="3 positions of 4 numbers, for 2 heads; 23 is the third number of position 2",
    )
    yield case(
        _rows(2, 6),
        3,
        expect=tensor([[[11.0, 12.0], [21.0, 22.0]], [[13.0, 14.0], [23.0, 24.0]], [[15.0, 16.0], [25.0, 26.0]]]),
        note="2 positions of 6 numbers, for 3 heads",
    )  # fmt: skip
    yield case(_rows(3, 2), 1, expect=_rows(3, 2)[None], note="one head gets everything")
    yield case(_rows(1, 6), 2, note="one position")
    yield case(_rows(2, 3), 3, note="as many heads as numbers: each gets one")
    yield case(_rows(4, 8), 4, note="as many heads as positions")
    yield case(floats(rng, 2, 2, 2), 2, note="a batch of 2 texts")
    yield case(floats(rng, 2, 3, 8), 2, note="a batch of 2 texts, d_head 4")
    yield case(floats(rng, 2, 3, 5, 4), 2, note="x of shape (2, 3, 5, 4)")
    yield case(floats(rng, 1, 2, 6), 3, note="a batch of one text")
    yield case(floats(rng, 6, 5).T, 3, note="x is the transpose of another tensor")
    yield case(floats(rng, 3, 8).double(), 2, note="float64")
    yield rejects(_rows(2, 4), 3, note="3 heads cannot share 4 numbers evenly")
    yield rejects(_rows(2, 3), 6, note="more heads than numbers")
    yield rejects(floats(rng, 4, 3, 6), 4, note="4 heads cannot share 6 numbers evenly")


@split_heads.misconception(
    "You cut all numbers in the order they lie in memory, row after row. So a head got all numbers of some positions and none of others.",
    "Which axis is to be cut in two: that of the positions, or that of the d numbers? And which two axes change places after that?",
)
def view_without_transpose(x: Any, n_heads: int) -> Any:
    return _split_by_view(x, n_heads)


@split_heads.misconception(
    "The numbers are cut rightly, and the axes stand in the order position, head: each position holds its heads.",
    "Each head is to be a sequence of its own. Which axis must stand in front of the positions?",
)
def not_transposed(x: Any, n_heads: int) -> Any:
    return _split(x, n_heads).transpose(-3, -2)


@split_heads.misconception(
    "You dealt the numbers out like cards: head 0 got every second one, or every third.",
    "The first d / n_heads numbers are head 0's. In `reshape`, which comes first: the number of the head, or the place within the head?",
)
def dealt_like_cards(x: Any, n_heads: int) -> Any:
    return _split_like_cards(x, n_heads)


@split_heads.misconception(
    "Within each head your positions and numbers have changed places: the shape ends with (d_head, n).",
    "In which order do the last two axes of x stand, and should that change?",
)
def heads_transposed(x: Any, n_heads: int) -> Any:
    return _split(x, n_heads).transpose(-2, -1)


@split_heads.misconception(
    "You cut the positions: each head got a part of the text, with all d numbers.",
    "Every head reads the whole text. What is shared out among the heads?",
)
def positions_cut(x: Any, n_heads: int) -> Any:
    *batch, n, d = x.shape
    if d % n_heads:
        raise ValueError
    each = n // n_heads
    return x[..., : n_heads * each, :].reshape(*batch, n_heads, each, d)


@split_heads.misconception(
    "You took n_heads for the width of a head: there are d / n_heads heads of n_heads numbers.",
    "With 2 heads and 6 numbers, how many numbers does each head get?",
)
def heads_of_n_heads(x: Any, n_heads: int) -> Any:
    if x.shape[-1] % n_heads:
        raise ValueError
    return _split(x, x.shape[-1] // n_heads)


@split_heads.misconception(
    "Your code expects exactly three axes: a batch, positions, numbers. Here there may be none in front, or several.",
    "Which axes can you count from the end, so that it does not matter how many stand in front?",
)
def expects_a_batch(x: Any, n_heads: int) -> Any:
    texts, n, d = x.shape
    if d % n_heads:
        raise ValueError
    return x.reshape(texts, n, n_heads, d // n_heads).transpose(1, 2)


@split_heads.misconception(
    "Your `transpose(1, 2)` counts axes from the front. That fits one batch axis, and nothing else.",
    "Which two axes must change places, counted from the end?",
)
def counted_from_the_front(x: Any, n_heads: int) -> Any:
    return _split(x, n_heads).transpose(-3, -2).transpose(1, 2)


@split_heads.misconception(
    "Your `transpose(0, 1)` counts axes from the front. That fits one text, and no batch.",
    "With a batch in front, which axes does `transpose(0, 1)` let change places?",
)
def no_batch_expected(x: Any, n_heads: int) -> Any:
    if x.shape[-1] % n_heads:
        raise ValueError
    return _split(x, n_heads).transpose(-3, -2).transpose(0, 1)


@split_heads.misconception(
    "The heads stand in front of the batch.",
    "Where does the axis of the heads belong when x has further axes in front: first of all, or right before the positions?",
)
def heads_before_batch(x: Any, n_heads: int) -> Any:
    if x.shape[-1] % n_heads:
        raise ValueError
    return torch.stack(x.chunk(n_heads, dim=-1))


@split_heads.misconception(
    "The axes in front are gone: your heads and texts stand in one axis.",
    "Which shape should come out for a batch of 2 texts? The first axis must still count the texts.",
)
def batch_lost(x: Any, n_heads: int) -> Any:
    if x.shape[-1] % n_heads:
        raise ValueError
    parts = _split(x, n_heads)
    return parts.reshape(-1, *parts.shape[-2:])


@split_heads.misconception(
    "Where the numbers cannot be shared evenly, yours gives an answer, and some numbers are lost or some heads are narrower.",
    "What does the task ask for when n_heads does not divide d? `%` gives the remainder of a division.",
)
def leftovers_dropped(x: Any, n_heads: int) -> Any:
    d_head = max(1, x.shape[-1] // n_heads)
    n_heads = min(n_heads, x.shape[-1])
    return _split(x[..., : n_heads * d_head], n_heads)


@split_heads.misconception(
    "Where the numbers cannot be shared evenly, an error comes from torch, not from you: it talks of shapes, and it is no ValueError.",
    "Can you look at the remainder first, and raise a ValueError with a sentence that says what is wrong?",
)
def torchs_own_error(x: Any, n_heads: int) -> Any:
    *batch, n, d = x.shape
    return x.reshape(*batch, n, n_heads, d // n_heads).transpose(-3, -2)


@split_heads.misconception(
    "You return a list of heads, one tensor each.",
    "Can all heads stand in one tensor, with an axis that counts them?",
)
def list_of_heads(x: Any, n_heads: int) -> Any:
    if x.shape[-1] % n_heads:
        raise ValueError
    return list(x.chunk(n_heads, dim=-1))


@exercise(points=1, level=2, minutes=8)
def merge_heads(rng: np.random.Generator) -> Iterator[Case]:
    yield case(
        tensor([[[11.0, 12.0], [21.0, 22.0]], [[13.0, 14.0], [23.0, 24.0]]]),
        expect=_rows(2, 4),
        note="2 heads, 2 positions, 2 numbers each",
    )
    yield case(
        tensor([[[11.0, 12.0], [21.0, 22.0], [31.0, 32.0]], [[13.0, 14.0], [23.0, 24.0], [33.0, 34.0]]]),
        expect=_rows(3, 4),
        note="2 heads, 3 positions, 2 numbers each",
    )
    yield case(_rows(2, 3)[None], expect=_rows(2, 3), note="one head")
    yield case(
        tensor([[[1.0], [2.0]], [[3.0], [4.0]]]),
        expect=tensor([[1.0, 3.0], [2.0, 4.0]]),
        note="2 heads, 2 positions, one number each",
    )
    yield case(
        tensor([[[1.0, 2.0, 3.0]], [[4.0, 5.0, 6.0]]]),
        expect=tensor([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]),
        note="2 heads, one position",
    )
    yield case(
        tensor([[[1.0], [2.0]], [[3.0], [4.0]], [[5.0], [6.0]]]),
        expect=tensor([[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]]),
        note="3 heads of one number each",
    )
    yield case(floats(rng, 3, 3, 3), note="3 heads, 3 positions, 3 numbers each")
    yield case(floats(rng, 2, 3, 4, 2), note="a batch of 2 texts")
    yield case(floats(rng, 2, 3, 2, 5, 4), note="shape (2, 3, 2, 5, 4)")
    yield case(floats(rng, 1, 2, 3, 2), note="a batch of one text")
    yield case(_split(floats(rng, 4, 6), 3), note="what split_heads returns: not contiguous in memory")
    yield case(floats(rng, 4, 3, 2).transpose(0, 2), note="another tensor that is not contiguous in memory")
    yield case(floats(rng, 2, 3, 4).double(), note="float64")


@merge_heads.misconception(
    "You glued the axes together in the order they stand in, heads before positions, so that a row holds numbers of several positions.",
    "The d numbers of one position must lie side by side. Which two axes have to change places first?",
)
def merged_without_transpose(x: Any) -> Any:
    *batch, n_heads, n, d_head = x.shape
    return x.reshape(*batch, n, n_heads * d_head)


@merge_heads.misconception(
    "Your `view` raised an error: after `transpose` the numbers do not lie in memory in the order that you read them in.",
    "`view` never moves a number. Which method of a tensor moves them where it must?",
)
def view_after_transpose(x: Any) -> Any:
    *batch, n_heads, n, d_head = x.shape
    return x.transpose(-3, -2).view(*batch, n, n_heads * d_head)


@merge_heads.misconception(
    "Heads alternate within a row: the first number of each head, then the second of each.",
    "Head 0's numbers come first, all of them. Which of the last two axes must be the inner one?",
)
def merged_like_cards(x: Any) -> Any:
    *batch, n_heads, n, d_head = x.shape
    return x.movedim(-3, -1).reshape(*batch, n, n_heads * d_head)


@merge_heads.misconception(
    "You added the heads up. They are to stand side by side.",
    "How many numbers has a position after the merge: d_head, or n_heads times as many?",
)
def heads_added(x: Any) -> Any:
    return x.sum(dim=-3)


@merge_heads.misconception(
    "You averaged the heads. They are to stand side by side.",
    "Could `split_heads` get every head back from an average?",
)
def heads_averaged(x: Any) -> Any:
    return x.mean(dim=-3)


@merge_heads.misconception(
    "You put the heads one below the other: there are n_heads times as many positions now.",
    "Along which axis do the heads of one position lie side by side?",
)
def one_below_the_other(x: Any) -> Any:
    *batch, n_heads, n, d_head = x.shape
    return x.reshape(*batch, n_heads * n, d_head)


@merge_heads.misconception(
    "The axes have changed places, and the last two are still apart.",
    "How many axes has x, and how many has the result?",
)
def only_transposed(x: Any) -> Any:
    return x.transpose(-3, -2)


@merge_heads.misconception(
    "The heads are in the wrong order: the last one comes first.",
    "Which head's numbers stand at the beginning of a row?",
)
def last_head_first(x: Any) -> Any:
    return _merge(x.flip(-3))


def _layer(rng: np.random.Generator, *shape: int, largest: float = 2.0) -> tuple[Tensor, ...]:
    """Return random X of this shape and square W_Q, W_K, W_V, W_O."""
    return (floats(rng, *shape, largest=largest), *_square(rng, shape[-1], largest))


def _square(rng: np.random.Generator, d_model: int, largest: float = 2.0) -> tuple[Tensor, ...]:
    return tuple(floats(rng, d_model, d_model, largest=largest) for _ in range(4))


def _zero(n: int) -> Tensor:
    return torch.zeros(n, n)


def _one(n: int) -> Tensor:
    return torch.eye(n)


@exercise(points=3, level=3, minutes=15, by_hand=ATTENTION)
def multi_head_attention(rng: np.random.Generator) -> Iterator[Case]:
    X = tensor([[0.0, 8.0], [4.0, 0.0], [8.0, 1.0]])
    yield case(
        X, _zero(2), _zero(2), _one(2), tensor([[1.0, 0.0], [0.0, 10.0]]), 2,
        expect=tensor([[0.0, 80.0], [2.0, 40.0], [4.0, 30.0]]),
        note="all queries are zero, so every head takes the mean of the values up to each position",
    )  # fmt: skip
    yield case(
        X, _zero(2), _zero(2), _one(2), tensor([[1.0, 0.0], [0.0, 10.0]]), 2, False,
        expect=tensor([[4.0, 30.0], [4.0, 30.0], [4.0, 30.0]]),
        note="the same without a mask",
    )  # fmt: skip
    big = 1000.0
    yield case(
        tensor([[1.0, 0.0, 5.0, 7.0], [0.0, 1.0, 6.0, 8.0]]),
        tensor([[0.0, 0.0, 0.0, 0.0], [big, 0.0, 0.0, big], [0.0] * 4, [0.0] * 4]),
        tensor([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 1.0], [0.0] * 4, [0.0] * 4]),
        tensor([[0.0] * 4, [0.0] * 4, [1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0]]),
        _one(4),
        2,
        expect=tensor([[5.0, 7.0, 5.0, 7.0], [5.0, 7.0, 6.0, 8.0]]),
        note="the second position: head 0 looks at the first, head 1 at itself",
    )
    X, W_Q = floats(rng, 2, 4, largest=1.0), floats(rng, 4, 4)
    yield case(
        X, W_Q, _one(4), _one(4), _one(4), 2,
        text=f"X, one = {literal(X)}, torch.eye(4)\nmulti_head_attention(X, {literal(W_Q)}, one, one, one, 2)",
        note="keys and values are the vectors themselves, and W_O changes nothing",
    )  # fmt: skip
    yield case(*_layer(rng, 3, 4, largest=1.0), 2, note="3 positions, d_model 4, 2 heads")
    yield case(*_layer(rng, 3, 4, largest=1.0), 2, False, note="the same sizes, without a mask")
    yield case(*_layer(rng, 2, 4, largest=1.0), 4, note="4 heads with d_head 1")
    yield case(*_layer(rng, 4, 3, largest=1.0), 1, note="one head: what your attention_head does")
    yield case(*_layer(rng, 1, 4), 2, note="one position: each token takes its own value")
    yield case(*_layer(rng, 2, 5, 6, largest=1.0), 3, note="a batch of 2 texts of 5 positions, 3 heads")
    yield case(*_layer(rng, 2, 4, 6, largest=1.0), 2, False, note="a batch of 2 texts of 4, no mask")
    yield case(*_layer(rng, 2, 3, 4, 6, largest=1.0), 2, note="X of shape (2, 3, 4, 6)")
    yield case(*_layer(rng, 3, 4, largest=6.0), 2, note="large numbers")
    yield case(*(part.double() for part in _layer(rng, 3, 4, largest=1.0)), 2, note="float64")
    yield case(
        *(part.T.contiguous().T for part in _layer(rng, 3, 4, largest=1.0)),
        2,
        note="all tensors are transposes of others",
    )
    X, *W = _layer(rng, 4, 4, largest=1.0)
    X[-1] *= 1000
    yield case(
        X, *W, 2, view=lambda answer: answer[:-1],
        text=f"multi_head_attention({', '.join(map(literal, (X, *W)))}, 2)[:-1]",
        note="the last token is very large, and the tokens before it must not notice",
    )  # fmt: skip
    yield rejects(*_layer(rng, 2, 4), 3, note="3 heads cannot share 4 numbers evenly")


def _many(
    X: Any, W: tuple[Any, ...], n_heads: int, causal: bool, scale: float = 0.0,
    split: Callable[..., Any] = _split, merge: Callable[..., Any] = _merge,
) -> Any:  # fmt: skip
    """Return the right update of many heads, or one with another step, for the mistakes."""
    W_Q, W_K, W_V, W_O = W
    Q, K, V = (split(X @ matrix, n_heads) for matrix in (W_Q, W_K, W_V))
    return merge(_mix(Q, K, V, causal, scale)) @ W_O


@multi_head_attention.misconception(
    "The scores are divided by √d_model. Each head's dot products have d_head terms.",
    "Over how many numbers does one head's dot product run?",
)
def layer_root_of_d_model(
    X: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int, causal: bool = True
) -> Any:
    return _many(X, (W_Q, W_K, W_V, W_O), n_heads, causal, scale=math.sqrt(X.shape[-1]))


@multi_head_attention.misconception(
    "The scores are divided by d_head itself.",
    "Your `attention_scores` of lesson 08 divides by its root. Do you use it?",
)
def layer_divided_by_d_head(
    X: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int, causal: bool = True
) -> Any:
    return _many(X, (W_Q, W_K, W_V, W_O), n_heads, causal, scale=X.shape[-1] / n_heads)


@multi_head_attention.misconception(
    "Your code expects exactly three axes: a batch, positions, numbers. Here there may be none in front, or several.",
    "Does your code need to know how many axes stand in front? Your `split_heads` does not.",
)
def layer_expects_a_batch(
    X: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int, causal: bool = True
) -> Any:
    _texts, _n, _d_model = X.shape
    return _many(X, (W_Q, W_K, W_V, W_O), n_heads, causal)


@multi_head_attention.misconception(
    "The scores are not scaled.",
    "Your `attention_scores` of lesson 08 divides by √d_head. Do you use it?",
)
def layer_without_scale(
    X: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int, causal: bool = True
) -> Any:
    return _many(X, (W_Q, W_K, W_V, W_O), n_heads, causal, scale=1.0)


@multi_head_attention.misconception(
    "It is one large head: there is one pattern for everything, whatever n_heads says.",
    "Where do your queries, keys and values get cut into heads?",
)
def one_large_head(X: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int, causal: bool = True) -> Any:
    if X.shape[-1] % n_heads:
        raise ValueError
    return _many(X, (W_Q, W_K, W_V, W_O), 1, causal)


@multi_head_attention.misconception(
    "Queries, keys and values are cut in the order they lie in memory (a `view` without a `transpose`): your heads mix numbers of different positions.",
    "Your `split_heads` does this rightly once it has passed its check. Do you use it?",
)
def layer_heads_by_view(
    X: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int, causal: bool = True
) -> Any:
    return _many(X, (W_Q, W_K, W_V, W_O), n_heads, causal, split=_split_by_view)


@multi_head_attention.misconception(
    "Cutting and gluing are both done in the order of memory, without changing axes, so that your heads mix numbers of different positions.",
    "Do you use your `split_heads` and your `merge_heads`?",
)
def split_and_merge_by_view(
    X: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int, causal: bool = True
) -> Any:
    return _many(
        X, (W_Q, W_K, W_V, W_O), n_heads, causal, split=_split_by_view, merge=merged_without_transpose
    )


@multi_head_attention.misconception(
    "The heads are glued together without changing the axes: a row of the result holds numbers of several positions.",
    "Your `merge_heads` does this rightly once it has passed its check. Do you use it?",
)
def layer_merged_by_view(
    X: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int, causal: bool = True
) -> Any:
    return _many(X, (W_Q, W_K, W_V, W_O), n_heads, causal, merge=merged_without_transpose)


@multi_head_attention.misconception(
    "You cut X first, so that each head reads a slice of the vectors only. A head reads all d_model numbers, through its own columns of W_Q, W_K and W_V.",
    "What do you cut into heads: X, or the queries, keys and values made of the whole of X?",
)
def slices_of_x(X: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int, causal: bool = True) -> Any:
    if X.shape[-1] % n_heads:
        raise ValueError
    d = X.shape[-1] // n_heads
    parts = []
    for h in range(n_heads):
        own = slice(h * d, (h + 1) * d)
        Q, K, V = (X[..., own] @ W[own, own] for W in (W_Q, W_K, W_V))
        parts.append(_mix(Q, K, V, causal))
    return torch.cat(parts, dim=-1) @ W_O


@multi_head_attention.misconception(
    "Your heads own every second (or third) column of the matrices. Head 0 owns the first d_head columns, all of them.",
    "Your `split_heads` gives each head a block of neighbours. Do you use it?",
)
def layer_like_cards(
    X: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int, causal: bool = True
) -> Any:
    return _many(X, (W_Q, W_K, W_V, W_O), n_heads, causal, split=_split_like_cards)


@multi_head_attention.misconception(
    "The heads stand side by side, and W_O is not used: nothing leads back to the directions of X.",
    "Which of the five tensors does your code never touch?",
)
def layer_output_forgotten(
    X: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int, causal: bool = True
) -> Any:
    return _many(X, (W_Q, W_K, W_V, torch.eye(X.shape[-1], dtype=X.dtype)), n_heads, causal)


@multi_head_attention.misconception(
    "You added X. Asked for is the update alone.",
    "If W_O were all zeros, what should come out?",
)
def layer_adds_x(X: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int, causal: bool = True) -> Any:
    return X + _many(X, (W_Q, W_K, W_V, W_O), n_heads, causal)


@multi_head_attention.misconception(
    "Nothing is masked: each token sees the whole text, its future too.",
    "What does `causal` ask for, and which function of lesson 08 makes that mask?",
)
def layer_never_masked(
    X: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int, causal: bool = True
) -> Any:
    return _many(X, (W_Q, W_K, W_V, W_O), n_heads, False)


@multi_head_attention.misconception(
    "The future is hidden even where `causal` is False.",
    "Which mask do you hand over when nothing is to be hidden?",
)
def layer_always_masked(
    X: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int, causal: bool = True
) -> Any:
    return _many(X, (W_Q, W_K, W_V, W_O), n_heads, True)


@multi_head_attention.misconception(
    "Queries and keys are swapped: W_Q made the keys, and W_K the queries.",
    "Which of the two matrices belongs to the token that asks?",
)
def layer_queries_and_keys_swapped(
    X: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int, causal: bool = True
) -> Any:
    return _many(X, (W_K, W_Q, W_V, W_O), n_heads, causal)


@multi_head_attention.misconception(
    "Each position attends to its own heads: the axes before `@` stand in the order position, head, so the pattern is n_heads × n_heads.",
    "Which two axes do `Q` and `K` end with when a pattern is to be n × n?",
)
def heads_attend_to_heads(
    X: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int, causal: bool = True
) -> Any:
    Q, K, V = (_split(X @ W, n_heads).transpose(-3, -2) for W in (W_Q, W_K, W_V))
    return _mix(Q, K, V, causal).reshape(X.shape) @ W_O


@multi_head_attention.misconception(
    "The size of your mask does not come from the positions: it comes from another axis, the first one or that of the heads.",
    "After the cut, which axis counts the positions, from the end?",
)
def layer_mask_from_first_axis(
    X: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int, causal: bool = True
) -> Any:
    Q, K, V = (_split(X @ W, n_heads) for W in (W_Q, W_K, W_V))
    scores = Q @ K.transpose(-2, -1) / math.sqrt(Q.shape[-1])
    if causal:
        scores = scores.masked_fill(~_lower(Q.shape[0]), -math.inf)
    return _merge(torch.softmax(scores, dim=-1) @ V) @ W_O


@multi_head_attention.misconception(
    "You divided by the number of heads: an average of what they write, where it should be their sum.",
    "Gluing heads together and multiplying by W_O: is there a division in it?",
)
def layer_mean_of_heads(
    X: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int, causal: bool = True
) -> Any:
    return _many(X, (W_Q, W_K, W_V, W_O), n_heads, causal) / n_heads


@exercise(points=2, level=2, minutes=8)
def cut_by_head(rng: np.random.Generator) -> Iterator[Case]:
    q, k, v, o = (tensor([[1.0, 2.0], [3.0, 4.0]]) * factor for factor in (1, 10, 100, 1000))
    yield case(
        q, k, v, o, 2, view=_list_of_fours,
        expect=[
            (tensor([[1.0], [3.0]]), tensor([[10.0], [30.0]]), tensor([[100.0], [300.0]]), tensor([[1000.0, 2000.0]])),
            (tensor([[2.0], [4.0]]), tensor([[20.0], [40.0]]), tensor([[200.0], [400.0]]), tensor([[3000.0, 4000.0]])),
        ],
        note="d_model 2, 2 heads",
    )  # fmt: skip
    yield case(q, k, v, o, 1, view=_list_of_fours, expect=[(q, k, v, o)], note="one head owns everything")
    W = torch.arange(16.0).reshape(4, 4)
    yield case(
        W, W + 100, W + 200, W + 300, 2, view=_list_of_fours,
        text="W = torch.arange(16.0).reshape(4, 4)\ncut_by_head(W, W + 100, W + 200, W + 300, 2)",
        note="d_model 4, 2 heads: d_head is 2; W_Q counts from 0, W_K from 100, W_V from 200, W_O from 300",
    )  # fmt: skip
    W = torch.arange(36.0).reshape(6, 6)
    yield case(
        W, W + 100, W + 200, W + 300, 2, view=_list_of_fours,
        text="W = torch.arange(36.0).reshape(6, 6)\ncut_by_head(W, W + 100, W + 200, W + 300, 2)",
        note="d_model 6, 2 heads: d_head is 3",
    )  # fmt: skip
    yield case(*_square(rng, 4), 2, view=_list_of_fours, note="d_model 4, 2 heads: d_head is 2")
    yield case(*_square(rng, 6), 2, view=_list_of_fours, note="d_model 6, 2 heads: d_head is 3")
    yield case(*_square(rng, 6), 3, view=_list_of_fours, note="d_model 6, 3 heads: d_head is 2")
    yield case(*_square(rng, 3), 3, view=_list_of_fours, note="d_model 3, 3 heads: d_head is 1")
    yield case(*(W.double() for W in _square(rng, 4)), 2, view=_list_of_fours, note="float64")
    yield case(*(W.T for W in _square(rng, 4)), 2, view=_list_of_fours, note="transposes of other tensors")
    yield rejects(*_square(rng, 4), 3, note="3 heads cannot share 4 columns evenly")
    yield rejects(*_square(rng, 2), 4, note="more heads than columns")


def _list_of_fours(answer: Any) -> Any:
    """Return the answer if it is a list of four tensors a head, else say what is wrong in words."""
    if not isinstance(answer, list | tuple):
        raise Unfit(f"Expected a list with four matrices for each head, got {describe(answer)}.")
    for h, head in enumerate(answer):
        if not isinstance(head, list | tuple) or len(head) != 4 or not all(map(is_array, head)):
            what = describe(head) if not isinstance(head, list | tuple) or len(head) != 4 else "other things"
            raise Unfit(f"Expected four matrices at [{h}], got {what}.")
    return answer


def _cut(W: tuple[Any, ...], n_heads: int, cutters: tuple[Callable[..., Any], ...]) -> Any:
    """Return what comes of cutting each matrix by its cutter: cutter(W, h, n_heads)."""
    if W[0].shape[0] % n_heads:
        raise ValueError
    return [
        tuple(cutter(matrix, h, n_heads) for cutter, matrix in zip(cutters, W, strict=True))
        for h in range(n_heads)
    ]


def _columns(W: Any, h: int, n_heads: int) -> Any:
    d = W.shape[1] // n_heads
    return W[:, h * d : (h + 1) * d]


def _rows_of(W: Any, h: int, n_heads: int) -> Any:
    d = W.shape[0] // n_heads
    return W[h * d : (h + 1) * d]


@cut_by_head.misconception(
    "You cut W_O by columns too. The heads' results stand side by side in front of W_O, so each head meets its own rows of it.",
    "In `merged @ W_O`, which rows of W_O does the first number of `merged` get multiplied by?",
)
def output_cut_by_columns(W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int) -> Any:
    return _cut((W_Q, W_K, W_V, W_O), n_heads, (_columns,) * 4)


@cut_by_head.misconception(
    "You cut W_Q, W_K and W_V by rows. A row belongs to a number of X, and each head reads all of these.",
    "One column of W_Q makes one number of the query. Which columns make the numbers of head 0?",
)
def inputs_cut_by_rows(W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int) -> Any:
    return _cut((W_Q, W_K, W_V, W_O), n_heads, (_rows_of,) * 4)


@cut_by_head.misconception(
    "It is the other way round: you cut W_Q, W_K and W_V by rows, and W_O by columns.",
    "W_Q leads from d_model numbers into the head's small space, W_O out of it. Which side of each matrix is the small one?",
)
def rows_and_columns_swapped(W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int) -> Any:
    return _cut((W_Q, W_K, W_V, W_O), n_heads, (_rows_of, _rows_of, _rows_of, _columns))


@cut_by_head.misconception(
    "W_O is not cut: every head got all of it.",
    "A head hands over d_head numbers. How many rows does it need of W_O?",
)
def output_not_cut(W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int) -> Any:
    return _cut((W_Q, W_K, W_V, W_O), n_heads, (_columns, _columns, _columns, lambda W, h, n: W))


@cut_by_head.misconception(
    "Each head got every second (or third) column and row. They are blocks of neighbours.",
    "Which columns does your `split_heads` give to head 0?",
)
def every_other_column(W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int) -> Any:
    def columns(W: Any, h: int, n: int) -> Any:
        return W[:, h::n]

    return _cut((W_Q, W_K, W_V, W_O), n_heads, (columns, columns, columns, lambda W, h, n: W[h::n]))


@cut_by_head.misconception(
    "Your pieces are n_heads wide. There should be n_heads pieces, each d_head wide.",
    "With d_model 6 and 2 heads, how many columns has each head?",
)
def pieces_n_heads_wide(W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int) -> Any:
    if W_Q.shape[0] % n_heads:
        raise ValueError
    return output_rows_right(W_Q, W_K, W_V, W_O, W_Q.shape[0] // n_heads)


def output_rows_right(W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int) -> Any:
    """Return the right cut."""
    return _cut((W_Q, W_K, W_V, W_O), n_heads, (_columns, _columns, _columns, _rows_of))


@cut_by_head.misconception(
    "You return four lists, one a matrix. Asked for is one list, with the four matrices of each head together.",
    "What should `cut_by_head(…)[0]` be, so that it can be handed to `attention_head`?",
)
def four_lists(W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int) -> Any:
    heads = output_rows_right(W_Q, W_K, W_V, W_O, n_heads)
    return tuple(list(matrices) for matrices in zip(*heads, strict=True))


@cut_by_head.misconception(
    "Where the columns cannot be shared evenly, yours cuts pieces of different sizes, or leaves some columns over.",
    "What does the task ask for when n_heads does not divide d_model?",
)
def uneven_pieces(W_Q: Any, W_K: Any, W_V: Any, W_O: Any, n_heads: int) -> Any:
    columns = [W.chunk(n_heads, dim=1) for W in (W_Q, W_K, W_V)]
    return list(zip(*columns, W_O.chunk(n_heads, dim=0), strict=True))


def _update(X: Any, head: Any, causal: bool = True, scale: float = 0.0) -> Any:
    """Return the right update of one head."""
    W_Q, W_K, W_V, W_O = head
    return _mix(X @ W_Q, X @ W_K, X @ W_V, causal, scale) @ W_O


def _heads(
    rng: np.random.Generator, d_model: int, sizes: list[int], largest: float = 1.0
) -> list[tuple[Tensor, ...]]:
    """Return random heads, one for each d_head."""
    return [
        (
            *(floats(rng, d_model, d_head, largest=largest) for _ in range(3)),
            floats(rng, d_head, d_model, largest=largest),
        )
        for d_head in sizes
    ]


@exercise(points=2, level=2, minutes=8, by_hand=ATTENTION)
def sum_of_heads(rng: np.random.Generator) -> Iterator[Case]:
    zero, one = tensor([[0.0]]), tensor([[1.0]])
    mean = (zero, zero, one, one)
    X = tensor([[2.0], [4.0], [9.0]])
    yield case(
        X, [mean, (zero, zero, one, 10 * one)], expect=tensor([[22.0], [33.0], [55.0]]),
        note="two heads that take the mean so far; the second multiplies it by 10",
    )  # fmt: skip
    yield case(
        X, [mean, (zero, zero, one, 10 * one)], False, expect=tensor([[55.0], [55.0], [55.0]]),
        note="the same without a mask",
    )  # fmt: skip
    yield case(X, [mean, mean, mean], expect=tensor([[6.0], [9.0], [15.0]]), note="the same head three times")
    yield case(
        tensor([[1.0, 2.0]]),
        [
            (*(floats(rng, 2, 1) for _ in range(2)), tensor([[1.0], [0.0]]), tensor([[0.0, 5.0]])),
            (*(floats(rng, 2, 1) for _ in range(2)), tensor([[0.0], [1.0]]), tensor([[7.0, 0.0]])),
        ],
        expect=tensor([[14.0, 5.0]]),
        note="one token: it takes its own value, whatever queries and keys are",
    )
    yield case(floats(rng, 3, 2), _heads(rng, 2, [2]), note="one head")
    yield case(floats(rng, 3, 2), _heads(rng, 2, [1, 1]), note="two heads with d_head 1")
    yield case(floats(rng, 2, 2, largest=1.0), _heads(rng, 2, [2, 1]), note="two heads with d_head 2 and 1")
    yield case(floats(rng, 3, 2, largest=1.0), _heads(rng, 2, [4, 1]), note="two heads with d_head 4 and 1")
    yield case(floats(rng, 3, 2), _heads(rng, 2, [1, 2, 3]), False, note="d_head 1, 2 and 3, no mask")
    yield case(floats(rng, 4, 3), _heads(rng, 3, [2, 5]), note="two heads with d_head 2 and 5")
    yield case(floats(rng, 2, 3, 2), _heads(rng, 2, [1, 2]), note="a batch of 2 texts of 3 positions")
    yield case(floats(rng, 2, 3, 4, 2), _heads(rng, 2, [2, 1]), note="X of shape (2, 3, 4, 2)")
    yield case(
        floats(rng, 3, 2).double(),
        [tuple(W.double() for W in head) for head in _heads(rng, 2, [1, 2])],
        note="float64",
    )
    X, heads = floats(rng, 4, 2, largest=1.0), _heads(rng, 2, [1, 2])
    X[-1] *= 1000
    yield case(
        X, heads, view=lambda answer: answer[:-1],
        text=f"sum_of_heads({literal(X)}, {literal(heads)})[:-1]",
        note="the last token is very large, and the tokens before it must not notice",
    )  # fmt: skip


@sum_of_heads.misconception(
    "You averaged the heads. Each of them writes in full.",
    "Does a head write half as much because another one is there?",
)
def mean_of_heads(X: Any, heads: Any, causal: bool = True) -> Any:
    return sum(_update(X, head, causal) for head in heads) / len(heads)


@sum_of_heads.misconception(
    "Your heads work one after the other: each reads what the one before it has written.",
    "All heads of a layer read the same X. What do you hand to the second head?",
)
def one_after_the_other(X: Any, heads: Any, causal: bool = True) -> Any:
    now = X
    for head in heads:
        now = now + _update(now, head, causal)
    return now - X


@sum_of_heads.misconception(
    "Each head reads the result of the one before it, and only the last result is returned.",
    "All heads of a layer read the same X. What becomes of the first head's update?",
)
def chain_of_heads(X: Any, heads: Any, causal: bool = True) -> Any:
    now = X
    for head in heads:
        now = _update(now, head, causal)
    return now


@sum_of_heads.misconception(
    "You added X. Asked for is the sum of the updates alone.",
    "With which value does your sum begin?",
)
def sum_with_x(X: Any, heads: Any, causal: bool = True) -> Any:
    return X + sum(_update(X, head, causal) for head in heads)


@sum_of_heads.misconception(
    "Only one of the heads is in your answer: the last one.",
    "What do you do with a head's update before you go on to the next head?",
)
def last_head_only(X: Any, heads: Any, causal: bool = True) -> Any:
    return _update(X, heads[-1], causal)


@sum_of_heads.misconception(
    "Only one of the heads is in your answer: the first one.",
    "Does your function return before the loop is through?",
)
def first_head_only(X: Any, heads: Any, causal: bool = True) -> Any:
    return _update(X, heads[0], causal)


@sum_of_heads.misconception(
    "All heads are divided by the same root, and they differ in d_head.",
    "Each head's dot products have as many terms as its own W_Q has columns. Do you use `attention_head`?",
)
def scaled_by_the_first(X: Any, heads: Any, causal: bool = True) -> Any:
    return sum(_update(X, head, causal, scale=math.sqrt(heads[0][0].shape[-1])) for head in heads)


@sum_of_heads.misconception(
    "The scores are divided by √d_model, and not by the root of each head's own d_head.",
    "Over how many numbers does one head's dot product run?",
)
def sum_root_of_d_model(X: Any, heads: Any, causal: bool = True) -> Any:
    return sum(_update(X, head, causal, scale=math.sqrt(X.shape[-1])) for head in heads)


@sum_of_heads.misconception(
    "Nothing is masked: `causal` does not reach your heads.",
    "Which arguments does `attention_head` take, and which do you hand over?",
)
def sum_never_masked(X: Any, heads: Any, causal: bool = True) -> Any:
    return sum(_update(X, head, False) for head in heads)


@sum_of_heads.misconception(
    "The future is hidden even where `causal` is False: it does not reach your heads.",
    "What does `attention_head` do where it is told nothing about `causal`?",
)
def sum_always_masked(X: Any, heads: Any, causal: bool = True) -> Any:
    return sum(_update(X, head, True) for head in heads)


@sum_of_heads.misconception(
    "You put the updates side by side. Each of them already has d_model numbers, made by its own W_O.",
    "Which shape should the result have, so that it can be added to X?",
)
def side_by_side(X: Any, heads: Any, causal: bool = True) -> Any:
    return torch.cat([_update(X, head, causal) for head in heads], dim=-1)


@sum_of_heads.misconception(
    "You return a list of updates, or a stack of them, and have not added them up.",
    "How many tensors should come out?",
)
def not_added_up(X: Any, heads: Any, causal: bool = True) -> Any:
    return torch.stack([_update(X, head, causal) for head in heads])


PARTS = ("query", "key", "value", "output")


def _state(
    d_model: int, seed: int, bias: bool = True, dtype: torch.dtype = torch.float32
) -> dict[str, Tensor]:
    """Return random weights for a layer, by name, as the text of `_loaded` makes them."""
    generator = torch.Generator().manual_seed(seed)
    state = {f"{part}.weight": torch.randn(d_model, d_model, generator=generator) for part in PARTS}
    if bias:
        state |= {f"{part}.bias": torch.randn(d_model, generator=generator) for part in PARTS}
    return {name: weight.to(dtype) for name, weight in state.items()}


def _state_text(d_model: int, seed: int, bias: bool = True) -> str:
    lines = [
        f'g, parts = torch.Generator().manual_seed({seed}), ("query", "key", "value", "output")',
        f'state = {{f"{{p}}.weight": torch.randn({d_model}, {d_model}, generator=g) for p in parts}}',
    ]
    if bias:
        lines.append(f'state |= {{f"{{p}}.bias": torch.randn({d_model}, generator=g) for p in parts}}')
    return "\n".join(lines)


def _load(layer: Any, state: dict[str, Tensor]) -> str:
    """Load weights by name, and return "". Where the layer's parameters are others, load nothing and return a sentence."""
    if not isinstance(layer, nn.Module):
        return f"Expected an nn.Module, got {describe(layer)}."
    shapes = {name: tuple(p.shape) for name, p in layer.named_parameters()}
    wanted = {name: tuple(weight.shape) for name, weight in state.items()}
    if more := [name for name in shapes if name not in wanted]:
        return f"There should be no parameter {more[0]!r}."
    if less := [name for name in wanted if shapes.get(name) != wanted[name]]:
        return f"There should be a parameter {less[0]!r} of shape {wanted[less[0]]}."
    layer.load_state_dict({name: weight.clone() for name, weight in state.items()}, strict=False)
    return ""


def _no_sentence(answer: Any) -> Any:
    """Return the answer; where it is a sentence of `_load`, say that."""
    if isinstance(answer, str):
        raise Unfit(answer)
    return answer


def _loaded(
    rng: np.random.Generator, shape: tuple[int, ...], n_heads: int, *rest: Any, bias: bool = True,
    double: bool = False, first: int = 0, note: str,
) -> Case:  # fmt: skip
    """Return the case that loads known weights by name and looks at the update.

    `rest` is handed to the layer after x; `first`: the layer is called with a text of this length before.
    """
    d_model, seed = shape[-1], int(rng.integers(1000))
    x = floats(rng, *shape, largest=2.0)

    def ask(candidate: Any) -> Any:
        layer = candidate(d_model, n_heads) if bias else candidate(d_model, n_heads, False)
        if sentence := _load(layer, _state(d_model, seed, bias)):
            return sentence
        if double:
            layer = layer.double()
        if first:
            layer(torch.zeros(first, d_model))
        with torch.no_grad():
            return layer(x.double() if double else x, *rest)

    more = "" if bias else ", False"
    lines = [
        _state_text(d_model, seed, bias),
        f"layer = MultiHeadAttention({d_model}, {n_heads}{more})",
        "layer.load_state_dict(state, strict=False)",
    ]
    if double:
        lines.append("layer = layer.double()")
    if first:
        lines.append(f"layer(torch.zeros({first}, {d_model}))")
    x_text = f"{literal(x)}{'.double()' if double else ''}"
    lines.append(f"layer({', '.join([x_text, *map(repr, rest)])})")
    return play(ask, "\n".join(lines), view=_no_sentence, note=note)


def _by_hand(rest: tuple[Any, ...], expect: Tensor, note: str) -> Case:
    """Return the case of two heads that take means, with biases that can be followed by hand."""
    state = {f"{part}.weight": torch.zeros(2, 2) for part in ("query", "key")}
    state |= {
        "value.weight": tensor([[1.0, 0.0], [0.0, 1.0]]),
        "output.weight": tensor([[0.0, 1.0], [1.0, 0.0]]),
    }
    state |= {f"{part}.bias": torch.zeros(2) for part in ("query", "key")}
    state |= {"value.bias": tensor([0.0, 100.0]), "output.bias": tensor([1000.0, 0.0])}
    x = tensor([[0.0, 8.0], [4.0, 0.0]])

    def ask(candidate: Any) -> Any:
        layer = candidate(2, 2)
        if sentence := _load(layer, state):
            return sentence
        with torch.no_grad():
            return layer(x.clone(), *rest)

    text = "\n".join(
        [
            "layer = MultiHeadAttention(2, 2)",
            "for parameter in layer.parameters(): torch.nn.init.zeros_(parameter)",
            "layer.value.weight.data, layer.value.bias.data = torch.eye(2), torch.tensor([0.0, 100.0])",
            "layer.output.weight.data = torch.tensor([[0.0, 1.0], [1.0, 0.0]])",
            "layer.output.bias.data = torch.tensor([1000.0, 0.0])",
            f"layer({', '.join([literal(x), *map(repr, rest)])})",
        ]
    )
    return play(ask, text, expect=expect, view=_no_sentence, note=note)


def _named(bias: bool) -> Case:
    """Return the case that asks for the layer's parameters by name."""
    d = 6

    def ask(candidate: Any) -> Any:
        layer = candidate(d, 2) if bias else candidate(d, 2, False)
        if not isinstance(layer, nn.Module):
            return f"Expected an nn.Module, got {describe(layer)}."
        return {name: list(p.shape) for name, p in layer.named_parameters()}

    def exact(answer: Any) -> Any:
        _no_sentence(answer)
        if more := [name for name in answer if name not in expect]:
            raise Unfit(f"Expected the parameters {', '.join(expect)} and no others, got {more[0]} too.")
        return answer

    expect = {f"{part}.weight": [d, d] for part in PARTS}
    if bias:
        expect |= {f"{part}.bias": [d] for part in PARTS}
    call = f"MultiHeadAttention({d}, 2{'' if bias else ', False'})"
    note = "the names and shapes of the parameters" + (
        "" if bias else "; `bias` is False, so there are no biases"
    )
    text = f"{{name: list(p.shape) for name, p in {call}.named_parameters()}}"
    return play(ask, text, expect=expect, view=exact, note=note)


def _reached(rng: np.random.Generator) -> Case:
    """Return the case that asks which weights get a gradient: all four."""
    seed, x = int(rng.integers(1000)), floats(rng, 2, 4, largest=1.0)

    def ask(candidate: Any) -> Any:
        layer = candidate(4, 2)
        if sentence := _load(layer, _state(4, seed)):
            return sentence
        (layer(x.clone()) ** 2).sum().backward()
        parameters = dict(layer.named_parameters())
        gradients = {part: parameters[f"{part}.weight"].grad for part in PARTS}
        return {part: bool(grad is not None and grad.abs().max() > 1e-6) for part, grad in gradients.items()}

    text = "\n".join(
        [
            _state_text(4, seed),
            "layer = MultiHeadAttention(4, 2)",
            "layer.load_state_dict(state, strict=False)",
            f"(layer({literal(x)}) ** 2).sum().backward()",
            "{p: bool(getattr(layer, p).weight.grad.abs().max() > 0) for p in parts}",
        ]
    )
    return play(
        ask,
        text,
        expect=dict.fromkeys(PARTS, True),
        note="the gradient reaches the weights of all four parts",
    )


def _slope_of_x(rng: np.random.Generator) -> Case:
    """Return the case that asks for the slope along the input: what comes before the layer learns by it alone."""
    seed, x = int(rng.integers(1000)), floats(rng, 3, 4, largest=1.0)

    def ask(candidate: Any) -> Any:
        layer = candidate(4, 2)
        if sentence := _load(layer, _state(4, seed)):
            return sentence
        given = x.clone().requires_grad_()
        (layer(given) ** 2).sum().backward()
        return "No gradient reaches x." if given.grad is None else given.grad

    text = "\n".join(
        [
            _state_text(4, seed),
            "layer = MultiHeadAttention(4, 2)",
            "layer.load_state_dict(state, strict=False)",
            f"x = {literal(x)}.requires_grad_()",
            "(layer(x) ** 2).sum().backward()",
            "x.grad",
        ]
    )
    note = "the gradient along x, by which the layers before this one learn"
    return play(ask, text, view=_no_sentence, note=note, tolerance=1e-4)


def _fresh_weights() -> Case:
    """Return the case that asks for a new layer's weights to be random: not zero, and no two of the four alike."""

    def ask(candidate: Any) -> Any:
        state = candidate(6, 3).state_dict()
        weights = [state[f"{part}.weight"] for part in PARTS]
        return {
            "some weight is not 0": all(bool((W != 0).any()) for W in weights),
            "the four differ": not any(
                torch.equal(a, b) for i, a in enumerate(weights) for b in weights[i + 1 :]
            ),
        }

    text = "state = MultiHeadAttention(6, 3).state_dict()\n# are the weights random, and four different matrices?"
    expect = {"some weight is not 0": True, "the four differ": True}
    return play(ask, text, expect=expect, note="a new layer's weights, as nn.Linear makes them")


@exercise(points=4, level=4, minutes=20, by_hand=ATTENTION)
def MultiHeadAttention(rng: np.random.Generator) -> Iterator[Case]:
    yield _named(bias=True)
    yield _by_hand(
        (),
        tensor([[1108.0, 0.0], [1104.0, 2.0]]),
        "two heads that take means, biases, and an output that swaps the two numbers",
    )
    yield _by_hand((False,), tensor([[1104.0, 2.0], [1104.0, 2.0]]), "the same without a mask")
    yield _loaded(rng, (2, 4), 2, note="2 positions, d_model 4, 2 heads")
    yield _loaded(rng, (2, 4), 2, False, note="the same sizes, without a mask")
    yield _named(bias=False)
    yield _loaded(rng, (3, 4), 2, bias=False, note="without biases")
    yield _loaded(rng, (4, 3), 3, note="3 heads with d_head 1")
    yield _loaded(rng, (3, 2), 1, note="one head")
    yield _loaded(rng, (1, 6), 2, note="one position")
    yield _loaded(rng, (2, 3, 6), 3, note="a batch of 2 texts of 3 positions")
    yield _loaded(rng, (3, 2, 4), 2, False, note="a batch of 3 texts of 2 positions, no mask")
    yield _loaded(rng, (2, 1, 3, 4), 2, note="x of shape (2, 1, 3, 4)")
    yield _loaded(rng, (5, 4), 2, first=3, note="after a shorter text, a longer one")
    yield _loaded(rng, (2, 4), 2, first=5, note="after a longer text, a shorter one")
    yield _loaded(rng, (3, 4), 2, double=True, note="float64")
    yield _reached(rng)
    yield _slope_of_x(rng)
    yield _fresh_weights()
    yield rejects(6, 4, text="MultiHeadAttention(6, 4)", note="4 heads cannot share 6 numbers evenly")
    yield rejects(2, 4, text="MultiHeadAttention(2, 4)", note="more heads than numbers")


class _Right(nn.Module):
    """A right layer, in steps that the mistakes replace."""

    query: Any
    key: Any
    value: Any
    output: Any
    W_O: Any
    kept: Any

    def __init__(self, d_model: int, n_heads: int, bias: bool = True) -> None:
        super().__init__()
        if d_model % n_heads:
            raise ValueError
        self.d_model, self.n_heads, self.bias = d_model, n_heads, bias
        self.make()

    def make(self) -> None:
        for part in PARTS:
            setattr(self, part, nn.Linear(self.d_model, self.d_model, bias=self.bias))

    def forward(self, x: Any, causal: bool = True) -> Any:
        Q, K, V = (_split(getattr(self, part)(x), self.n_heads) for part in PARTS[:3])
        return self.output(_merge(_mix(Q, K, V, causal)))


@MultiHeadAttention.misconception(
    "Your layers are kept in a Python list or dict, where torch does not see them: the module has no parameters, so nothing would be trained or saved.",
    "What does an nn.Module do with an nn.Linear that is assigned to one of its attributes, `self.query = …`?",
)
class kept_in_a_list(_Right):
    def make(self) -> None:
        self.linears = [nn.Linear(self.d_model, self.d_model, bias=self.bias) for _ in PARTS]

    def forward(self, x: Any, causal: bool = True) -> Any:
        Q, K, V = (_split(linear(x), self.n_heads) for linear in self.linears[:3])
        return self.linears[3](_merge(_mix(Q, K, V, causal)))


@MultiHeadAttention.misconception(
    "Your parts carry the names of the matrices; asked for are query, key, value and output.",
    "Under which names will somebody look for the weights of your layer, to load their own?",
)
class named_by_matrix(_Right):
    def make(self) -> None:
        for name in ("W_Q", "W_K", "W_V", "W_O"):
            setattr(self, name, nn.Linear(self.d_model, self.d_model, bias=self.bias))

    def forward(self, x: Any, causal: bool = True) -> Any:
        Q, K, V = (_split(getattr(self, name)(x), self.n_heads) for name in ("W_Q", "W_K", "W_V"))
        return self.W_O(_merge(_mix(Q, K, V, causal)))


@MultiHeadAttention.misconception(
    "Each part is a bare matrix, an nn.Parameter; asked for are four nn.Linear.",
    "What does an nn.Linear hold besides a weight?",
)
class bare_matrices(_Right):
    def make(self) -> None:
        for part in PARTS:
            setattr(self, part, nn.Parameter(torch.randn(self.d_model, self.d_model) / self.d_model**0.5))

    def forward(self, x: Any, causal: bool = True) -> Any:
        Q, K, V = (_split(x @ getattr(self, part), self.n_heads) for part in PARTS[:3])
        return _merge(_mix(Q, K, V, causal)) @ self.output


@MultiHeadAttention.misconception(
    "There are biases although `bias` is False.",
    "Which argument of `nn.Linear` leaves its bias out?",
)
class bias_ignored(_Right):
    def make(self) -> None:
        for part in PARTS:
            setattr(self, part, nn.Linear(self.d_model, self.d_model))


@MultiHeadAttention.misconception(
    "There are no biases although `bias` is True.",
    "What do you hand over as `bias` when you make an `nn.Linear`?",
)
class never_a_bias(_Right):
    def make(self) -> None:
        for part in PARTS:
            setattr(self, part, nn.Linear(self.d_model, self.d_model, bias=False))


@MultiHeadAttention.misconception(
    "Your parts are d_head wide: they have room for one head.",
    "How many numbers must `query` make for each token, so that there are d_head of them for every head?",
)
class room_for_one_head(_Right):
    def make(self) -> None:
        d_head = self.d_model // self.n_heads
        for part in PARTS[:3]:
            setattr(self, part, nn.Linear(self.d_model, d_head, bias=self.bias))
        self.output = nn.Linear(d_head, self.d_model, bias=self.bias)

    def forward(self, x: Any, causal: bool = True) -> Any:
        return self.output(_mix(self.query(x), self.key(x), self.value(x), causal))


@MultiHeadAttention.misconception(
    "It is one large head: queries, keys and values are never cut.",
    "Where does your `forward` use n_heads?",
)
class module_of_one_head(_Right):
    def forward(self, x: Any, causal: bool = True) -> Any:
        return self.output(_mix(self.query(x), self.key(x), self.value(x), causal))


@MultiHeadAttention.misconception(
    "The scores are divided by √d_model.",
    "Over how many numbers does one head's dot product run?",
)
class module_root_of_d_model(_Right):
    def forward(self, x: Any, causal: bool = True) -> Any:
        Q, K, V = (_split(getattr(self, part)(x), self.n_heads) for part in PARTS[:3])
        return self.output(_merge(_mix(Q, K, V, causal, scale=math.sqrt(self.d_model))))


@MultiHeadAttention.misconception(
    "The scores are divided by d_head itself.",
    "Your `attention_scores` divides by its root. Do you use it?",
)
class module_divided_by_d_head(_Right):
    def forward(self, x: Any, causal: bool = True) -> Any:
        Q, K, V = (_split(getattr(self, part)(x), self.n_heads) for part in PARTS[:3])
        return self.output(_merge(_mix(Q, K, V, causal, scale=Q.shape[-1])))


@MultiHeadAttention.misconception(
    "Your `forward` expects exactly three axes: a batch, positions, numbers. Here there may be none in front, or several.",
    "Does `forward` need to know how many axes stand in front? Your `split_heads` does not.",
)
class module_expects_a_batch(_Right):
    def forward(self, x: Any, causal: bool = True) -> Any:
        _texts, _n, _d_model = x.shape
        return super().forward(x, causal)


@MultiHeadAttention.misconception(
    "The weights of your parts are used and their biases are not.",
    "What does an nn.Linear do when you call it, `self.query(x)`, that `x @ self.query.weight.T` does not?",
)
class biases_unused(_Right):
    def forward(self, x: Any, causal: bool = True) -> Any:
        Q, K, V = (_split(x @ getattr(self, part).weight.T, self.n_heads) for part in PARTS[:3])
        return _merge(_mix(Q, K, V, causal)) @ self.output.weight.T


@MultiHeadAttention.misconception(
    "The scores are not scaled.",
    "Your `attention_scores` divides by √d_head. Do you use it?",
)
class module_without_scale(_Right):
    def forward(self, x: Any, causal: bool = True) -> Any:
        Q, K, V = (_split(getattr(self, part)(x), self.n_heads) for part in PARTS[:3])
        return self.output(_merge(_mix(Q, K, V, causal, scale=1.0)))


@MultiHeadAttention.misconception(
    "`output` is not used: the heads are put side by side and returned.",
    "Which of your four parts does `forward` never call?",
)
class output_unused(_Right):
    def forward(self, x: Any, causal: bool = True) -> Any:
        Q, K, V = (_split(getattr(self, part)(x), self.n_heads) for part in PARTS[:3])
        return _merge(_mix(Q, K, V, causal))


@MultiHeadAttention.misconception(
    "You cut in the order of memory (a `view` without a `transpose`): the heads mix numbers of different positions.",
    "Do you use your `split_heads`?",
)
class module_heads_by_view(_Right):
    def forward(self, x: Any, causal: bool = True) -> Any:
        Q, K, V = (_split_by_view(getattr(self, part)(x), self.n_heads) for part in PARTS[:3])
        return self.output(_merge(_mix(Q, K, V, causal)))


@MultiHeadAttention.misconception(
    "The heads are glued together without changing the axes: a row holds numbers of several positions.",
    "Do you use your `merge_heads`?",
)
class module_merged_by_view(_Right):
    def forward(self, x: Any, causal: bool = True) -> Any:
        Q, K, V = (_split(getattr(self, part)(x), self.n_heads) for part in PARTS[:3])
        return self.output(merged_without_transpose(_mix(Q, K, V, causal)))


@MultiHeadAttention.misconception(
    "Nothing is masked, whatever `causal` says.",
    "Which mask hides the future, and where does it go?",
)
class module_never_masked(_Right):
    def forward(self, x: Any, causal: bool = True) -> Any:
        return super().forward(x, False)


@MultiHeadAttention.misconception(
    "The future is hidden even where `causal` is False.",
    "Does your `forward` look at `causal`?",
)
class module_always_masked(_Right):
    def forward(self, x: Any, causal: bool = True) -> Any:
        return super().forward(x, True)


@MultiHeadAttention.misconception(
    "The size of your mask comes from the first axis of x, and with a batch that is the number of texts.",
    "Which axis of x counts the positions, from the end?",
)
class module_mask_from_first_axis(_Right):
    def forward(self, x: Any, causal: bool = True) -> Any:
        Q, K, V = (_split(getattr(self, part)(x), self.n_heads) for part in PARTS[:3])
        scores = Q @ K.transpose(-2, -1) / math.sqrt(Q.shape[-1])
        if causal:
            scores = scores.masked_fill(~_lower(x.shape[0]), -math.inf)
        return self.output(_merge(torch.softmax(scores, dim=-1) @ V))


@MultiHeadAttention.misconception(
    "Your mask is made once, for the first text, and the next text has another length.",
    "How long may the next text be, and where can the mask be made so that it always fits?",
)
class mask_made_once(_Right):
    def forward(self, x: Any, causal: bool = True) -> Any:
        if not hasattr(self, "kept"):
            self.kept = _lower(x.shape[-2])
        Q, K, V = (_split(getattr(self, part)(x), self.n_heads) for part in PARTS[:3])
        scores = Q @ K.transpose(-2, -1) / math.sqrt(Q.shape[-1])
        if causal:
            scores = scores.masked_fill(~self.kept, -math.inf)
        return self.output(_merge(torch.softmax(scores, dim=-1) @ V))


@MultiHeadAttention.misconception(
    "You added x. Asked for is the update alone; the sum is made outside (lesson 11).",
    "If `output` had weights and biases of zero, what should come out?",
)
class module_adds_x(_Right):
    def forward(self, x: Any, causal: bool = True) -> Any:
        return x + super().forward(x, causal)


@MultiHeadAttention.misconception(
    "`query` and `key` have changed places: the keys ask, and the queries are asked.",
    "Rows of a pattern are queries. Which part made your rows?",
)
class module_queries_and_keys_swapped(_Right):
    def forward(self, x: Any, causal: bool = True) -> Any:
        Q, K, V = (_split(getattr(self, part)(x), self.n_heads) for part in PARTS[:3])
        return self.output(_merge(_mix(K, Q, V, causal)))


@MultiHeadAttention.misconception(
    "`query` and `key` are one and the same nn.Linear: what is trained in one changes the other.",
    "How many nn.Linear do you make, and how many do you need?",
)
class query_is_key(_Right):
    def make(self) -> None:
        super().make()
        self.key = self.query


@MultiHeadAttention.misconception(
    "The gradient stops on its way: `detach`, `.data`, `torch.no_grad()` or numpy cuts the weights off from the result, and they would never learn.",
    "Between the weights and the result, is every step one that torch can follow back?",
)
class gradient_stops(_Right):
    def forward(self, x: Any, causal: bool = True) -> Any:
        Q, K, V = (_split(getattr(self, part)(x), self.n_heads) for part in PARTS[:3])
        return self.output(_merge(_mix(Q.detach(), K.detach(), V, causal)))


@MultiHeadAttention.misconception(
    "All weights of a new layer are zero. Every head would write nothing, and query and key would get no gradient at all.",
    "nn.Linear makes random weights by itself. Do you have to change them?",
)
class zeros_at_the_start(_Right):
    def make(self) -> None:
        super().make()
        for parameter in self.parameters():
            nn.init.zeros_(parameter)


@MultiHeadAttention.misconception(
    "A number of heads that does not divide d_model is accepted.",
    "When should the mistake be found: when the layer is made, or when it is first used?",
)
class refuses_too_late(_Right):
    def __init__(self, d_model: int, n_heads: int, bias: bool = True) -> None:
        nn.Module.__init__(self)
        self.d_model, self.n_heads, self.bias = d_model, n_heads, bias
        self.make()


def _gpt(
    d_model: int, n_heads: int, d_head: int, n_layers: int, each: int | None = None, note: str = ""
) -> Case:
    count = d_model * n_heads * d_head * n_layers if each is None else each
    expect = dict.fromkeys(("query", "key", "value_down", "value_up"), count)
    return case(d_model, n_heads, d_head, n_layers, expect=expect, tolerance=1e-13, note=note)


@exercise(points=1, level=1, minutes=5)
def attention_parameters(rng: np.random.Generator) -> Iterator[Case]:
    yield _gpt(4, 2, 3, 10, 240, note="d_model 4, 2 heads of d_head 3, 10 layers")
    yield _gpt(5, 1, 2, 1, 10, note="one head, one layer")
    yield _gpt(768, 12, 64, 12, 7_077_888, note="GPT-2 small")
    yield _gpt(12_288, 96, 128, 96, 14_495_514_624, note="GPT-3")
    yield _gpt(7, 3, 1, 2, 42, note="d_head 1")
    d_model, n_heads, d_head, n_layers = (int(n) for n in rng.integers(2, 40, size=4))
    yield _gpt(d_model, n_heads, d_head, n_layers)


@attention_parameters.misconception(
    "You counted one layer.",
    "How many layers are there, and does each have heads of its own?",
)
def one_layer(d_model: int, n_heads: int, d_head: int, n_layers: int) -> Any:
    return _counts(d_model * d_head * n_heads)


@attention_parameters.misconception(
    "You counted one head in each layer.",
    "How many heads work side by side in a layer?",
)
def one_head_a_layer(d_model: int, n_heads: int, d_head: int, n_layers: int) -> Any:
    return _counts(d_model * d_head * n_layers)


@attention_parameters.misconception(
    "You counted square matrices, d_model × d_model. That is right only where n_heads × d_head is d_model.",
    "How many columns do all W_Q of a layer have together?",
)
def square_matrices(d_model: int, n_heads: int, d_head: int, n_layers: int) -> Any:
    return _counts(d_model * d_model * n_layers)


@attention_parameters.misconception(
    "You took d_model / n_heads for d_head. Here d_head is an argument of its own.",
    "Which of the four arguments does your code not use?",
)
def every_head_full(d_model: int, n_heads: int, d_head: int, n_layers: int) -> Any:
    return _counts(d_model * (d_model // n_heads) * n_heads * n_layers)


@attention_parameters.misconception(
    "Each of your numbers is the total of all four matrices.",
    "What should the four numbers of the dict add up to?",
)
def total_in_each(d_model: int, n_heads: int, d_head: int, n_layers: int) -> Any:
    return _counts(4 * d_model * d_head * n_heads * n_layers)


@attention_parameters.misconception(
    "You counted the value maps as full matrices of d_model × d_model for each head.",
    "What are the shapes of W_V and W_O of one head?",
)
def full_value_maps(d_model: int, n_heads: int, d_head: int, n_layers: int) -> Any:
    small, full = (size * d_model * n_heads * n_layers for size in (d_head, d_model))
    return {"query": small, "key": small, "value_down": full, "value_up": full}


@attention_parameters.misconception(
    "You counted biases too. This count is of the matrices alone.",
    "Which numbers are in a matrix with d_model rows and d_head columns?",
)
def biases_counted(d_model: int, n_heads: int, d_head: int, n_layers: int) -> Any:
    inner, outer = (d_model * d_head + more for more in (d_head, d_model))
    counts = [n_heads * n_layers * count for count in (inner, inner, inner, outer)]
    return dict(zip(("query", "key", "value_down", "value_up"), counts, strict=True))


@attention_parameters.misconception(
    "Your keys are the names of the parts of the module; asked for are query, key, value_down and value_up.",
    "W_V makes a vector small and W_O makes it large again. Under which keys do they stand in `head_parameters`?",
)
def named_by_part(d_model: int, n_heads: int, d_head: int, n_layers: int) -> Any:
    return dict.fromkeys(PARTS, d_model * d_head * n_heads * n_layers)


def _counts(each: int) -> dict[str, int]:
    return dict.fromkeys(("query", "key", "value_down", "value_up"), each)


def _qkv(rng: np.random.Generator, *shape: int, largest: float = 2.0) -> tuple[Tensor, ...]:
    return tuple(floats(rng, *shape, largest=largest) for _ in range(3))


@exercise(points=1, level=2, minutes=5)
def fused_attention(rng: np.random.Generator) -> Iterator[Case]:
    V = tensor([[0.0, 6.0], [4.0, 0.0], [8.0, 3.0]])
    yield case(
        torch.zeros(3, 2), torch.zeros(3, 2), V, expect=tensor([[0.0, 6.0], [2.0, 3.0], [4.0, 3.0]]),
        note="all scores are 0: the means of the values so far",
    )  # fmt: skip
    yield case(
        torch.zeros(3, 2), torch.zeros(3, 2), V, False, expect=tensor([[4.0, 3.0]] * 3),
        note="the same without a mask",
    )  # fmt: skip
    yield case(*_qkv(rng, 3, 4), note="3 positions, d_head 4")
    yield case(*_qkv(rng, 3, 4), False, note="3 positions, d_head 4, without a mask")
    yield case(*_qkv(rng, 1, 2), note="one position")
    yield case(*_qkv(rng, 5, 1), note="d_head 1")
    yield case(*_qkv(rng, 2, 4, 3), note="2 heads, 4 positions, d_head 3")
    yield case(*_qkv(rng, 2, 3, 5, 4), note="2 texts, 3 heads, 5 positions, d_head 4")
    yield case(*_qkv(rng, 2, 3, 5, 4), False, note="shape (2, 3, 5, 4), without a mask")
    yield case(*_qkv(rng, 1, 2, 2, 3, 4), note="shape (1, 2, 2, 3, 4)")
    yield case(*(x.double() for x in _qkv(rng, 2, 3, 4)), note="float64")
    yield case(*_qkv(rng, 3, 3, largest=9.0), note="large numbers")
    yield case(
        *(_split(x, 2) for x in _qkv(rng, 3, 8)), note="what split_heads returns: not contiguous in memory"
    )


@fused_attention.misconception(
    "Nothing is masked: torch's function hides the future only where you tell it to.",
    "Which argument of `scaled_dot_product_attention` asks for the causal mask?",
)
def fused_never_masked(Q: Any, K: Any, V: Any, causal: bool = True) -> Any:
    return _mix(Q, K, V, False)


@fused_attention.misconception(
    "The future is hidden even where `causal` is False.",
    "What do you hand over as `is_causal`?",
)
def fused_always_masked(Q: Any, K: Any, V: Any, causal: bool = True) -> Any:
    return _mix(Q, K, V, True)


@fused_attention.misconception(
    "The scores are scaled twice: torch's function divides by √d_head by itself.",
    "What does the word *scaled* in the function's name say?",
)
def fused_scaled_twice(Q: Any, K: Any, V: Any, causal: bool = True) -> Any:
    return _mix(Q, K, V, causal, scale=Q.shape[-1])


@fused_attention.misconception(
    "The scores are not scaled.",
    "What does `scale` do, if you gave one? Left out, it is 1/√d_head.",
)
def fused_not_scaled(Q: Any, K: Any, V: Any, causal: bool = True) -> Any:
    return _mix(Q, K, V, causal, scale=1.0)


@fused_attention.misconception(
    "Queries and keys are swapped.",
    "In which order does `scaled_dot_product_attention` take its first two arguments?",
)
def fused_swapped(Q: Any, K: Any, V: Any, causal: bool = True) -> Any:
    return _mix(K, Q, V, causal)


@fused_attention.misconception(
    "Your mask is made of the numbers 1 and 0, and torch adds numbers to the scores: the future is hardly hidden.",
    "Of which type must a mask be whose entries mean *may look*? Or can `is_causal` do it for you?",
)
def mask_of_numbers(Q: Any, K: Any, V: Any, causal: bool = True) -> Any:
    mask = _lower(Q.shape[-2]).to(Q.dtype) if causal else None
    return F.scaled_dot_product_attention(Q, K, V, attn_mask=mask)


@fused_attention.misconception(
    "Your mask is upside down: you hid what a query may see.",
    "What does True mean in the mask that torch takes?",
)
def fused_upside_down(Q: Any, K: Any, V: Any, causal: bool = True) -> Any:
    return F.scaled_dot_product_attention(Q, K, V, attn_mask=~_lower(Q.shape[-2]) if causal else None)


@fused_attention.misconception(
    "You return the pattern. Asked for are the mixtures of values.",
    "What does the third argument do?",
)
def pattern_returned(Q: Any, K: Any, V: Any, causal: bool = True) -> Any:
    return _mix(Q, K, torch.eye(Q.shape[-2], dtype=Q.dtype), causal)
