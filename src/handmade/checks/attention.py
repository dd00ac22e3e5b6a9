"""Lesson 08: one attention head."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from handmade.checks.case import Case, case, literal, play
from handmade.checks.compare import Unfit, to_numpy
from handmade.checks.draw import floats
from handmade.checks.exercise import ATTENTION, exercise

tensor = torch.tensor
HALF = 5e-3  # of the largest entry: float16 keeps about three digits


def _pattern_of(scores: Tensor, mask: Any = None) -> Tensor:
    """Return the right pattern, for the mistakes that are made elsewhere."""
    return torch.softmax(scores if mask is None else scores.masked_fill(~mask, -math.inf), dim=-1)


def _lower(n: int) -> Tensor:
    return torch.ones(n, n, dtype=torch.bool).tril()


@exercise(points=2, level=2, minutes=8)
def attention_scores(rng: np.random.Generator) -> Iterator[Case]:
    yield case(
        tensor([[2.0, 0.0, 0.0, 0.0], [0.0, 2.0, 2.0, 0.0]]),
        tensor([[3.0, 1.0, 1.0, 1.0], [0.0, 5.0, 5.0, 5.0], [1.0, 1.0, 1.0, 1.0]]),
        expect=tensor([[3.0, 0.0, 1.0], [2.0, 10.0, 2.0]]),
        note="2 queries, 3 keys, 4 numbers each",
    )
    yield case(
        tensor([[0.0, 1.0], [0.0, 2.0], [2.0, 0.0]]),
        tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]]),
        expect=tensor([[0.0, 0.0, 1.0], [0.0, 0.0, 2.0], [2.0, 4.0, 0.0]]) / math.sqrt(2),
        note="the three tokens of the lesson",
    )
    yield case(
        tensor([[3.0]]), tensor([[-2.0]]), expect=tensor([[-6.0]]), note="one query, one key, d_head 1"
    )
    yield case(
        tensor([[1.0] * 9]),
        tensor([[20.0] * 9, [-1.0] * 9, [0.0] * 9, [50.0] * 9]),
        expect=tensor([[60.0, -3.0, 0.0, 150.0]]),
        note="one query, 4 keys, 9 numbers each",
    )
    yield case(floats(rng, 4, 3).double(), floats(rng, 2, 3).double(), note="float64")
    yield case(floats(rng, 5, 3).T, floats(rng, 5, 2).T, note="two tensors that are transposes of others")
    yield case(floats(rng, 2, 4, 6), floats(rng, 2, 3, 6), note="a batch of 2")
    yield case(
        floats(rng, 2, 3, 5, 4), floats(rng, 2, 3, 7, 4), note="two axes in front: 2 texts and 3 heads, say"
    )
    yield case(floats(rng, 3, 1, 2), floats(rng, 3, 1, 2), note="a batch of 3, one query and one key in each")
    yield case(floats(rng, 6, 3, largest=20.0), floats(rng, 5, 3, largest=20.0), note="large numbers")


@attention_scores.misconception(
    "These are the plain dot products; they are not scaled.",
    "By what do you divide, so that the scores stay about the same size when d_head grows?",
)
def not_scaled(Q: Any, K: Any) -> Any:
    return Q @ K.transpose(-2, -1)


@attention_scores.misconception(
    "You divided by d_head itself.",
    "A sum of d random numbers grows like √d. What must the divisor be, so that the scores neither grow nor shrink?",
)
def divided_by_d(Q: Any, K: Any) -> Any:
    return Q @ K.transpose(-2, -1) / Q.shape[-1]


@attention_scores.misconception(
    "Your rows belong to keys and your columns to queries: the matrix is transposed.",
    "Entry [i, j] is about query i and key j. Which of the two tensors stands on the left of `@`?",
)
def keys_as_rows(Q: Any, K: Any) -> Any:
    return K @ Q.transpose(-2, -1) / math.sqrt(Q.shape[-1])


@attention_scores.misconception(
    "You multiplied by √d_head where you should divide.",
    "With more entries a dot product grows by itself. Should the factor make it larger still?",
)
def multiplied_by_root(Q: Any, K: Any) -> Any:
    return Q @ K.transpose(-2, -1) * math.sqrt(Q.shape[-1])


@attention_scores.misconception(
    "You divided by the root of the number of keys.",
    "How many products are added up in one dot product: as many as there are keys, or as many as a key has entries?",
)
def root_of_number_of_keys(Q: Any, K: Any) -> Any:
    return Q @ K.transpose(-2, -1) / math.sqrt(K.shape[-2])


@attention_scores.misconception(
    "You divided by the lengths of the vectors: these are cosines.",
    "Should a key that is twice as long score twice as much, or the same?",
)
def cosines(Q: Any, K: Any) -> Any:
    lengths = Q.norm(dim=-1, keepdim=True) * K.norm(dim=-1, keepdim=True).transpose(-2, -1)
    return Q @ K.transpose(-2, -1) / lengths.clamp(min=1e-12)


@attention_scores.misconception(
    "You went on to the softmax: these are weights already, not scores.",
    "May a score be negative? Which function of this lesson turns scores into weights?",
)
def softmax_already(Q: Any, K: Any) -> Any:
    return torch.softmax(Q @ K.transpose(-2, -1) / math.sqrt(Q.shape[-1]), dim=-1)


@attention_scores.misconception(
    "Your transpose expects a matrix, and here there are axes in front of the last two.",
    "Which two axes have to change places, counted from the end? `K.transpose(…, …)` takes two numbers.",
)
def transposed_as_matrix(Q: Any, K: Any) -> Any:
    return Q @ K.t() / math.sqrt(Q.shape[-1])


@exercise(points=1, level=1, minutes=4, by_hand=("generate_square_subsequent_mask",))
def causal_mask(rng: np.random.Generator) -> Iterator[Case]:
    yield case(3, expect=tensor([[True, False, False], [True, True, False], [True, True, True]]))
    yield case(1, expect=tensor([[True]]), note="one token, which looks at itself")
    yield case(2, expect=tensor([[True, False], [True, True]]))
    yield case(5)
    yield case(int(rng.integers(6, 9)))


@causal_mask.misconception(
    "Your mask lets each token look at itself and at what comes after it, and hides what came before.",
    "In row 0, which keys does the first token know already?",
)
def looks_ahead(n: int) -> Any:
    return torch.ones(n, n, dtype=torch.bool).triu()


@causal_mask.misconception(
    "The diagonal is False: no token may look at itself, and the first token may look at nothing at all.",
    "What would the first row of a pattern add up to, if every key in it is hidden?",
)
def diagonal_excluded(n: int) -> Any:
    return torch.ones(n, n, dtype=torch.bool).tril(-1)


@causal_mask.misconception(
    "Your mask is upside down: True stands where a query must not look.",
    "Read the first line of the docstring again: what does True mean here?",
)
def true_where_hidden(n: int) -> Any:
    return torch.ones(n, n, dtype=torch.bool).triu(1)


@causal_mask.misconception(
    "The places are right, and the entries are numbers: 1 and 0 in place of True and False.",
    "Which `dtype` does a tensor of truth values have?",
)
def ones_and_zeros(n: int) -> Any:
    return torch.ones(n, n).tril()


@causal_mask.misconception(
    "You made the mask that is added to scores: 0 and −∞. Asked for are True and False.",
    "Which comparison of two positions is True where a query may look?",
)
def minus_infinity(n: int) -> Any:
    return torch.full((n, n), -math.inf).triu(1)


@causal_mask.misconception(
    "Your mask hides nothing.",
    "May the first token look at the third?",
)
def hides_nothing(n: int) -> Any:
    return torch.ones(n, n, dtype=torch.bool)


@causal_mask.misconception(
    "Your mask lets each token see one token of the future.",
    "Which key is the last that query 0 may look at?",
)
def one_too_far(n: int) -> Any:
    return torch.ones(n, n, dtype=torch.bool).tril(1)


@causal_mask.misconception(
    "Each token sees itself alone, and nothing of what came before.",
    "The third token may look at how many keys?",
)
def only_itself(n: int) -> Any:
    return torch.eye(n, dtype=torch.bool)


def _hidden_gradient(mask: Tensor, scores: Tensor, weights: Tensor) -> Case:
    """Return the case that asks how the weights would change with the hidden scores: not at all.

    An answer that torch cannot follow back to the scores has no such gradient, which is right too.
    """

    def ask(candidate: Callable[..., Any]) -> Any:
        given = scores.clone().requires_grad_()
        pattern = candidate(given, mask)
        if not isinstance(pattern, Tensor) or not pattern.requires_grad:
            return torch.zeros(int((~mask).sum()))
        (pattern * weights).sum().backward()
        return given.grad[~mask]  # type: ignore[index]

    text = (
        f"scores = {literal(scores)}.requires_grad_()\nmask = {literal(mask)}\n"
        f"(attention_pattern(scores, mask) * {literal(weights)}).sum().backward()\nscores.grad[~mask]"
    )
    expect = torch.zeros(int((~mask).sum()))
    return play(
        ask,
        text,
        expect=expect,
        tolerance=0.0,
        note="no gradient may reach a hidden score, however large it is",
    )


@exercise(points=3, level=3, minutes=12, by_hand=ATTENTION)
def attention_pattern(rng: np.random.Generator) -> Iterator[Case]:
    lower = _lower(3)
    yield case(torch.zeros(2, 2), _lower(2), expect=tensor([[1.0, 0.0], [0.5, 0.5]]))
    logs = tensor([[1.0, 2.0, 3.0], [6.0, 3.0, 1.0]]).log()
    called = "attention_pattern(torch.log(torch.tensor([[1.0, 2.0, 3.0], [6.0, 3.0, 1.0]]))"
    yield case(
        logs,
        expect=tensor([[1.0, 2.0, 3.0], [6.0, 3.0, 1.0]]) / tensor([[6.0], [10.0]]),
        text=f"{called})",
        note="no mask; 2 queries, 3 keys",
    )
    mask = tensor([[True, False, True], [True, True, False]])
    yield case(
        logs,
        mask,
        expect=tensor([[1 / 4, 0.0, 3 / 4], [2 / 3, 1 / 3, 0.0]]),
        text=f"{called}, {literal(mask)})",
        note="a mask that is not causal; 2 queries, 3 keys",
    )
    yield case(tensor([[-7.0]]), _lower(1), expect=tensor([[1.0]]), note="one query and one key")
    yield case(
        tensor([[-1.0, -2.0, -3.0], [-5.0, -5.0, 0.0], [-9.0, -9.0, -9.0]]),
        lower,
        expect=tensor([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [1 / 3, 1 / 3, 1 / 3]]),
        note="negative scores",
    )
    yield case(
        tensor([[0.0, 300.0, 4e9], [1.0, 1.0, 400.0], [8.0, 8.0, 8.0]]),
        lower,
        expect=tensor([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [1 / 3, 1 / 3, 1 / 3]]),
        note="the hidden scores are much larger than the visible ones",
    )
    yield case(
        tensor([[-2e9, 0.0], [-2e4, -2e4]]),
        _lower(2),
        expect=tensor([[1.0, 0.0], [0.5, 0.5]]),
        tolerance=2e-3,
        note="the visible scores are far below zero",
    )
    yield case(
        tensor([[10000.0, 10000.0, -10000.0]]),
        expect=tensor([[0.5, 0.5, 0.0]]),
        tolerance=2e-3,
        note="very large scores",
    )
    ragged = tensor(
        [[True, True, False, True, False], [False, True, True, False, False], [True] * 4 + [False]]
    )
    scores = floats(rng, 3, 5, largest=9.0)
    hidden = (~ragged).numpy()
    yield case(
        scores,
        ragged,
        view=lambda answer: to_numpy(answer)[hidden],
        expect=tensor([0.0] * int(hidden.sum())),
        tolerance=0.0,
        text=f"mask = {literal(ragged)}\nattention_pattern({literal(scores)}, mask)[~mask]",
        note="where the mask is False the weight is exactly 0",
    )
    yield case(scores, ragged, note="3 queries, 5 keys")
    yield case(floats(rng, 4, 4).half(), _lower(4), tolerance=HALF, note="float16, which ends at 65,504")
    yield case(floats(rng, 3, 2, largest=9.0).double(), note="float64")
    yield case(
        floats(rng, 4, 3).T, tensor([[True, False, True, True]] * 3), note="the scores are a transpose"
    )
    yield case(
        floats(rng, 2, 3, 4, 5), tensor([[True, True, False, True, False]] * 4), note="shape (2, 3, 4, 5)"
    )
    yield case(floats(rng, 2, 4, 3), note="a batch of 2, no mask")
    yield _hidden_gradient(
        lower,
        tensor([[1.0, 200.0, 3.0], [0.5, 2.0, 300.0], [1.0, 0.0, 2.0]]),
        tensor([[1.0, 2.0, 3.0], [3.0, 1.0, 2.0], [2.0, 3.0, 1.0]]),
    )


@attention_pattern.misconception(
    "You took the softmax first and put zeros after it, so the visible weights no longer add up to 1.",
    "What must stand in place of a hidden score *before* the softmax, so that its exponential is 0?",
)
def masked_after_softmax(scores: Any, mask: Any = None) -> Any:
    pattern = torch.softmax(scores, dim=-1)
    return pattern if mask is None else pattern * mask


@attention_pattern.misconception(
    "Your columns add up to 1, and not your rows: the softmax ran over the queries.",
    "Each query shares out its attention among the keys. Which axis of the scores runs over the keys?",
)
def over_the_queries(scores: Any, mask: Any = None) -> Any:
    return torch.softmax(scores if mask is None else scores.masked_fill(~mask, -math.inf), dim=-2)


@attention_pattern.misconception(
    "You put a score of 0 where the mask hides something, and exp(0) is 1: the hidden keys still take part.",
    "Which score has the exponential 0?",
)
def hidden_score_is_zero(scores: Any, mask: Any = None) -> Any:
    return torch.softmax(scores if mask is None else scores.masked_fill(~mask, 0.0), dim=-1)


@attention_pattern.misconception(
    "−1,000,000,000 in place of a hidden score is not always enough: float16 cannot hold it, and a visible score may lie lower still.",
    "Which number is below every score, in every type of float?",
)
def minus_a_billion(scores: Any, mask: Any = None) -> Any:
    return torch.softmax(scores if mask is None else scores.masked_fill(~mask, -1e9), dim=-1)


@attention_pattern.misconception(
    "−10,000 in place of a hidden score is not always enough: here a visible score lies lower.",
    "Which number is below every score?",
)
def minus_ten_thousand(scores: Any, mask: Any = None) -> Any:
    return torch.softmax(scores if mask is None else scores.masked_fill(~mask, -1e4), dim=-1)


@attention_pattern.misconception(
    "You added −1,000,000,000 to the hidden scores. A number is still a number afterwards, and it is not below all others.",
    "What can you add to a score so that nothing of it is left, whatever it was?",
)
def a_billion_subtracted(scores: Any, mask: Any = None) -> Any:
    return torch.softmax(scores if mask is None else scores - 1e9 * (~mask).to(scores.dtype), dim=-1)


@attention_pattern.misconception(
    "You hid what the mask shows, and showed what it hides.",
    'True means "may look". Which entries of the scores have to go, then?',
)
def mask_upside_down(scores: Any, mask: Any = None) -> Any:
    return torch.softmax(scores if mask is None else scores.masked_fill(mask, -math.inf), dim=-1)


@attention_pattern.misconception(
    "You did not use the mask.",
    "What should the weight be where the mask is False?",
)
def mask_ignored(scores: Any, mask: Any = None) -> Any:
    return torch.softmax(scores, dim=-1)


@attention_pattern.misconception(
    "You hid the future whatever the mask says.",
    "What should happen when no mask is given, or when the mask is another one?",
)
def always_causal(scores: Any, mask: Any = None) -> Any:
    n_q, n_k = scores.shape[-2:]
    return torch.softmax(
        scores.masked_fill(~torch.ones(n_q, n_k, dtype=torch.bool).tril(), -math.inf), dim=-1
    )


@attention_pattern.misconception(
    "You softmaxed all keys, put zeros, and divided each row by its sum. Where a hidden score is very large, the visible weights are 0 before you divide.",
    "Can you hide a score before the softmax sees it?",
)
def divided_again(scores: Any, mask: Any = None) -> Any:
    pattern = torch.softmax(scores, dim=-1)
    if mask is None:
        return pattern
    pattern = pattern * mask
    return pattern / pattern.sum(dim=-1, keepdim=True)


@attention_pattern.misconception(
    "All entries together add up to 1; each row should do so by itself.",
    "How many softmaxes does a pattern with 2 queries need?",
)
def over_all_entries(scores: Any, mask: Any = None) -> Any:
    scores = scores if mask is None else scores.masked_fill(~mask, -math.inf)
    return torch.softmax(scores.flatten(-2), dim=-1).reshape(scores.shape)


@attention_pattern.misconception(
    "The exponential of a large score overflows.",
    "Your `softmax` of lesson 07 can do this. Do you use it?",
)
def overflows(scores: Any, mask: Any = None) -> Any:
    e = scores.exp() if mask is None else scores.masked_fill(~mask, -math.inf).exp()
    return e / e.sum(dim=-1, keepdim=True)


@attention_pattern.misconception(
    "The weights are right, but the exponential of a hidden score is still computed and overflows: its gradient is nan, and one step of training would ruin every weight.",
    "Can you hide a score before the exponential?",
)
def exponential_of_hidden(scores: Any, mask: Any = None) -> Any:
    if mask is None:
        return torch.softmax(scores, dim=-1)
    largest = scores.masked_fill(~mask, -math.inf).amax(dim=-1, keepdim=True)
    e = torch.where(mask, (scores - largest).exp(), 0.0)
    return e / e.sum(dim=-1, keepdim=True)


def _update(X: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, causal: bool = True, scale: float = 0.0) -> Any:
    """Return the right update, or the one with another divisor, for the mistakes that are made elsewhere."""
    scores = (X @ W_Q) @ (X @ W_K).transpose(-2, -1) / (scale or math.sqrt(W_Q.shape[-1]))
    return _pattern_of(scores, _lower(X.shape[-2]) if causal else None) @ (X @ W_V) @ W_O


def _head(
    rng: np.random.Generator, shape: tuple[int, ...], d_head: int, largest: float = 2.0
) -> tuple[Tensor, ...]:
    """Return random X of this shape and W_Q, W_K, W_V, W_O."""
    d_model = shape[-1]
    W = [floats(rng, d_model, d_head, largest=largest) for _ in range(3)]
    return (floats(rng, *shape, largest=largest), *W, floats(rng, d_head, d_model, largest=largest))


EXAMPLE = (  # "old wax seal", the head that the lesson sets by hand
    tensor([[1.0, 0.0, 0.0, 0.0], [2.0, 0.0, 0.0, 3.0], [0.0, 1.0, 1.0, 1.0]]),
    tensor([[0.0, 1.0], [2.0, 0.0], [0.0, 0.0], [0.0, 0.0]]),
    tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [0.0, 0.0]]),
    tensor([[0.0, 0.0], [0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]),
    tensor([[0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]),
)


@exercise(points=3, level=3, minutes=12, by_hand=ATTENTION)
def attention_head(rng: np.random.Generator) -> Iterator[Case]:
    zero, one = tensor([[0.0]]), tensor([[1.0]])
    X = tensor([[2.0], [4.0], [9.0]])
    yield case(
        X, zero, zero, one, 10 * one, expect=tensor([[20.0], [30.0], [50.0]]),
        note="all queries are zero, so every position takes the mean of the values up to itself",
    )  # fmt: skip
    yield case(
        X, zero, zero, one, 10 * one, False, expect=tensor([[50.0], [50.0], [50.0]]),
        note="the same without a mask",
    )  # fmt: skip
    yield case(*EXAMPLE, note="the three tokens of the lesson")
    yield case(
        tensor([[1.0, 2.0]]), floats(rng, 2, 3), floats(rng, 2, 3), tensor([[1.0, 0.0, 2.0], [0.0, 1.0, 0.0]]),
        tensor([[1.0, 0.0], [0.0, 3.0], [1.0, 1.0]]), expect=tensor([[3.0, 8.0]]), note="one token",
    )  # fmt: skip
    yield case(
        tensor([[100_000.0, 3.0], [2.0, 7.0]]), tensor([[-1.0], [0.0]]), tensor([[1.0], [0.0]]),
        tensor([[0.0], [1.0]]), tensor([[1.0, 0.0]]), expect=tensor([[3.0, 0.0], [7.0, 0.0]]),
        note="the score of the first token with itself is far below zero",
    )  # fmt: skip
    yield case(*_head(rng, (4, 3), 2), note="4 tokens, d_model 3, d_head 2")
    yield case(*_head(rng, (4, 2), 9, largest=1.0), note="4 tokens, d_model 2, d_head 9")
    yield case(*_head(rng, (4, 3), 2), False, note="4 tokens, d_model 3, d_head 2, without a mask")
    yield case(*_head(rng, (2, 5, 3), 4), note="a batch of 2 texts of 5 tokens")
    yield case(*_head(rng, (3, 1, 5, 4), 6, largest=1.0), False, note="X of shape (3, 1, 5, 4), no mask")
    yield case(*_head(rng, (2, 3, 4, 5), 1, largest=1.0), note="X of shape (2, 3, 4, 5), d_head 1")
    X, W_Q, W_K, W_V, W_O = _head(rng, (4, 3), 2, largest=1.0)
    X[-1] *= 10_000
    yield case(
        X, W_Q, W_K, W_V, W_O, view=lambda answer: answer[:-1],
        text=_text("[:-1]", X, W_Q, W_K, W_V, W_O),
        note="the last token is very large, and the tokens before it must not notice",
    )  # fmt: skip
    yield case(*(part.double() for part in _head(rng, (3, 4), 2)), note="float64")
    yield case(
        *(part.half() for part in _head(rng, (4, 3), 2, largest=1.0)), tolerance=4 * HALF, note="float16"
    )
    X, W_Q, W_K, W_V, W_O = _head(rng, (4, 3), 2)
    yield case(
        X.T.contiguous().T, W_Q.T.contiguous().T, W_K.T.contiguous().T, W_V.T.contiguous().T, W_O.T.contiguous().T,
        note="all tensors are transposes of others",
    )  # fmt: skip
    yield _future_gradient(*_head(rng, (4, 3), 2, largest=1.0))


def _text(end: str, *parts: Tensor) -> str:
    return f"attention_head({', '.join(map(literal, parts))}){end}"


def _future_gradient(X: Tensor, *weights: Tensor) -> Case:
    """Return the case that asks how the update of the second token would change with later tokens: not at all.

    An answer that torch cannot follow back to X has no such gradient, which is right too.
    """

    def ask(candidate: Callable[..., Any]) -> Any:
        given = X.clone().requires_grad_()
        update = candidate(given, *weights)
        if not isinstance(update, Tensor) or not update.requires_grad:
            return torch.zeros_like(X[2:])
        update[1].sum().backward()
        return given.grad[2:]  # type: ignore[index]

    text = f"X = {literal(X)}.requires_grad_()\n{_text('[1].sum().backward()', *weights)}\nX.grad[2:]"
    text = text.replace("attention_head(", "attention_head(X, ")
    note = "the update of the second token must not depend on the tokens after it: no gradient reaches them"
    return play(ask, text, expect=torch.zeros_like(X[2:]), tolerance=0.0, note=note)


@attention_head.misconception(
    "You added X: this is the vector after the update. Asked for is the update alone.",
    "If this head had nothing to say, with W_O all zeros, what should come out?",
)
def adds_x(X: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, causal: bool = True) -> Any:
    return X + _update(X, W_Q, W_K, W_V, W_O, causal)


@attention_head.misconception(
    "Queries and keys are swapped: W_Q made the keys, and W_K the queries.",
    "Which of the two matrices belongs to the token that asks, which is the one in row i?",
)
def queries_and_keys_swapped(X: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, causal: bool = True) -> Any:
    return _update(X, W_K, W_Q, W_V, W_O, causal)


@attention_head.misconception(
    "The scores are not scaled.",
    "Your `attention_scores` divides by √d_head. Do you use it?",
)
def head_without_scale(X: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, causal: bool = True) -> Any:
    return _update(X, W_Q, W_K, W_V, W_O, causal, scale=1.0)


@attention_head.misconception(
    "You divided the scores by √d_model.",
    "Between which vectors are the dot products taken, and how many entries have those?",
)
def root_of_d_model(X: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, causal: bool = True) -> Any:
    return _update(X, W_Q, W_K, W_V, W_O, causal, scale=math.sqrt(X.shape[-1]))


@attention_head.misconception(
    "You mixed the rows of X themselves: W_V and W_O took no part.",
    "Which vectors does a token hand over when it is attended to: its own, or its value?",
)
def value_not_projected(X: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, causal: bool = True) -> Any:
    scores = (X @ W_Q) @ (X @ W_K).transpose(-2, -1) / math.sqrt(W_Q.shape[-1])
    return _pattern_of(scores, _lower(X.shape[-2]) if causal else None) @ X


@attention_head.misconception(
    "W_O is missing: your update lives in the small space of the head.",
    "What shape must the update have, so that it can be added to X?",
)
def output_forgotten(X: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, causal: bool = True) -> Any:
    scores = (X @ W_Q) @ (X @ W_K).transpose(-2, -1) / math.sqrt(W_Q.shape[-1])
    return _pattern_of(scores, _lower(X.shape[-2]) if causal else None) @ (X @ W_V)


@attention_head.misconception(
    "Nothing is masked: each token sees the whole text, its future too.",
    "What does `causal` ask for, and which of your functions makes that mask?",
)
def never_masked(X: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, causal: bool = True) -> Any:
    return _update(X, W_Q, W_K, W_V, W_O, False)


@attention_head.misconception(
    "The future is hidden even where `causal` is False.",
    "Which mask do you hand over when nothing is to be hidden?",
)
def always_masked(X: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, causal: bool = True) -> Any:
    return _update(X, W_Q, W_K, W_V, W_O, True)


@attention_head.misconception(
    "The pattern is transposed: each token hands out its value, where it should collect the values of others.",
    "Row i of the update is a mixture of values. Which row of the pattern holds the weights of that mixture?",
)
def pattern_transposed(X: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, causal: bool = True) -> Any:
    scores = (X @ W_Q) @ (X @ W_K).transpose(-2, -1) / math.sqrt(W_Q.shape[-1])
    pattern = _pattern_of(scores, _lower(X.shape[-2]) if causal else None)
    return pattern.transpose(-2, -1) @ (X @ W_V) @ W_O


@attention_head.misconception(
    "The mask is put on after the softmax, so the weights of a row no longer add up to 1.",
    "Your `attention_pattern` takes a mask. Do you give it one?",
)
def head_masked_after_softmax(X: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, causal: bool = True) -> Any:
    scores = (X @ W_Q) @ (X @ W_K).transpose(-2, -1) / math.sqrt(W_Q.shape[-1])
    pattern = torch.softmax(scores, dim=-1)
    pattern = pattern * _lower(X.shape[-2]) if causal else pattern
    return pattern @ (X @ W_V) @ W_O


@attention_head.misconception(
    "The softmax ran over the queries: the weights of a column add up to 1, not those of a row.",
    "Your `attention_pattern` runs over the keys. Do you use it?",
)
def head_over_queries(X: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, causal: bool = True) -> Any:
    scores = (X @ W_Q) @ (X @ W_K).transpose(-2, -1) / math.sqrt(W_Q.shape[-1])
    if causal:
        scores = scores.masked_fill(~_lower(X.shape[-2]), -math.inf)
    return torch.softmax(scores, dim=-2) @ (X @ W_V) @ W_O


@attention_head.misconception(
    "The size of your mask comes from the first axis of X, and with a batch that is the number of texts.",
    "Which axis of X runs over the tokens, counted from the end?",
)
def mask_from_first_axis(X: Any, W_Q: Any, W_K: Any, W_V: Any, W_O: Any, causal: bool = True) -> Any:
    scores = (X @ W_Q) @ (X @ W_K).transpose(-2, -1) / math.sqrt(W_Q.shape[-1])
    return _pattern_of(scores, _lower(X.shape[0]) if causal else None) @ (X @ W_V) @ W_O


@exercise(points=2, level=2, minutes=6)
def qk_form(rng: np.random.Generator) -> Iterator[Case]:
    yield case(tensor([[1.0], [2.0]]), tensor([[3.0], [0.0]]), expect=tensor([[3.0, 0.0], [6.0, 0.0]]))
    yield case(
        tensor([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]]),
        tensor([[0.0, 1.0], [3.0, 0.0], [0.0, 5.0]]),
        expect=tensor([[0.0, 3.0, 0.0], [2.0, 0.0, 10.0], [1.0, 3.0, 5.0]]),
        note="d_model 3, d_head 2",
    )
    yield case(tensor([[3.0]]), tensor([[-2.0]]), expect=tensor([[-6.0]]), note="d_model 1, d_head 1")
    yield case(floats(rng, 2, 4), floats(rng, 2, 4), note="d_head is larger than d_model")
    yield case(floats(rng, 3, 3, largest=9.0), floats(rng, 3, 3, largest=9.0), note="d_head equals d_model")
    yield case(floats(rng, 2, 5).T, floats(rng, 2, 5).T, note="two tensors that are transposes of others")
    yield case(floats(rng, 4, 2).double(), floats(rng, 4, 2).double(), note="float64")
    yield case(floats(rng, 6, 4, largest=9.0), floats(rng, 6, 4, largest=9.0))


@qk_form.misconception(
    "The order is wrong: your matrix is the transpose, with the key's side first.",
    "In `x @ B @ y`, x is the token that asks. Which matrix must meet x first?",
)
def key_first(W_Q: Any, W_K: Any) -> Any:
    return W_K @ W_Q.T


@qk_form.misconception(
    "You divided by √d_head. The form is the plain product; the scale comes later, in the scores.",
    "With `scores = X B Xᵀ / √d_head`, how often would your scores be divided?",
)
def form_scaled(W_Q: Any, W_K: Any) -> Any:
    return W_Q @ W_K.T / math.sqrt(W_Q.shape[-1])


@qk_form.misconception(
    "You multiplied over d_model, and a matrix of the head's own small size came out.",
    "B is to stand between two tokens of d_model numbers each: which shape must it have?",
)
def over_d_model(W_Q: Any, W_K: Any) -> Any:
    return W_Q.T @ W_K


@qk_form.misconception(
    "You multiplied the two matrices entry by entry.",
    "The query of x is `x @ W_Q`, the key of y is `y @ W_K`. How do you write their dot product?",
)
def form_entry_by_entry(W_Q: Any, W_K: Any) -> Any:
    return W_Q * W_K


@qk_form.misconception(
    "You made the form symmetric. But what a token asks and what it answers are two different things.",
    'Must "seal" score as much with "wax" as "wax" does with "seal"?',
)
def made_symmetric(W_Q: Any, W_K: Any) -> Any:
    return (W_Q @ W_K.T + W_K @ W_Q.T) / 2


def _exact_keys(answer: Any) -> Any:
    """Return the answer, if it is a dict with the four keys and no others."""
    if isinstance(answer, dict) and (more := [key for key in answer if key not in MATRICES]):
        raise Unfit(f"Expected the keys {', '.join(map(repr, MATRICES))} and no others, got {more[0]!r} too.")
    return answer


MATRICES = ("query", "key", "value_down", "value_up")


def _counts(d_model: int, d_head: int, each: int, note: str = "") -> Case:
    expect = dict.fromkeys(MATRICES, each)
    return case(d_model, d_head, expect=expect, view=_exact_keys, tolerance=1e-12, note=note)


@exercise(points=1, level=1, minutes=4)
def head_parameters(rng: np.random.Generator) -> Iterator[Case]:
    yield _counts(3, 2, 6)
    yield _counts(5, 1, 5, note="d_head 1")
    yield _counts(768, 64, 49_152, note="GPT-2 small")
    yield _counts(12_288, 128, 1_572_864, note="GPT-3")
    yield _counts(2, 7, 14, note="d_head is larger than d_model")
    d_model, d_head = (int(n) for n in rng.integers(10, 100, size=2))
    yield _counts(d_model, d_head, d_model * d_head)


@head_parameters.misconception(
    "You counted full value matrices, from d_model numbers to d_model numbers.",
    "What are the shapes of W_V and W_O in `attention_head`?",
)
def full_value_matrices(d_model: int, d_head: int) -> Any:
    small, full = d_model * d_head, d_model * d_model
    return {"query": small, "key": small, "value_down": full, "value_up": full}


@head_parameters.misconception(
    "You counted the value map as one full matrix of d_model × d_model, and nothing for the second.",
    "W_V makes a vector small, and W_O makes it large again. How many numbers does each of them hold?",
)
def one_full_value_matrix(d_model: int, d_head: int) -> Any:
    small = d_model * d_head
    return {"query": small, "key": small, "value_down": d_model * d_model, "value_up": 0}


@head_parameters.misconception(
    "You counted biases too; the matrices of this lesson have none.",
    "How many numbers are in a matrix with d_model rows and d_head columns?",
)
def with_biases(d_model: int, d_head: int) -> Any:
    counts = dict.fromkeys(MATRICES[:3], d_model * d_head + d_head)
    return counts | {"value_up": d_head * d_model + d_model}


@head_parameters.misconception(
    "These are square matrices of the head's own size.",
    "What goes into W_Q: a vector of d_model numbers, or of d_head?",
)
def square_of_d_head(d_model: int, d_head: int) -> Any:
    return dict.fromkeys(MATRICES, d_head * d_head)


@head_parameters.misconception(
    "All four of your numbers are d_model × d_model.",
    "How many columns has W_Q?",
)
def square_of_d_model(d_model: int, d_head: int) -> Any:
    return dict.fromkeys(MATRICES, d_model * d_model)


@head_parameters.misconception(
    'The keys are the names of the matrices; asked for are "query", "key", "value_down" and "value_up".',
    "Which of W_Q, W_K, W_V and W_O is meant by each of the four words?",
)
def named_by_matrix(d_model: int, d_head: int) -> Any:
    return dict.fromkeys(("W_Q", "W_K", "W_V", "W_O"), d_model * d_head)


@head_parameters.misconception(
    "There is one key too many: your dict has a total.",
    "What would `sum(….values())` give if the total stood among the four?",
)
def with_total(d_model: int, d_head: int) -> Any:
    return dict.fromkeys(MATRICES, d_model * d_head) | {"total": 4 * d_model * d_head}


def _generator(seed: int, drawn: int = 0) -> torch.Generator:
    generator = torch.Generator().manual_seed(seed)
    torch.rand(drawn, generator=generator)
    return generator


def _std(d_head: int, n: int, seed: int, note: str = "") -> Case:
    """Return the case that asks for √d_head, within five standard errors of a sample of n dot products.

    For entries that are normal the dot product has kurtosis 3 + 6/d_head, and the standard error of a standard
    deviation is √((kurtosis − 1)/(4n)) of it.
    """
    room = 5 * math.sqrt((2 + 6 / d_head) / (4 * n))
    text = f"score_std({d_head}, {n}, torch.Generator().manual_seed({seed}))"
    root = math.sqrt(d_head)
    return case(d_head, n, _generator(seed), expect=root, tolerance=room, text=text, note=note)


@exercise(points=2, level=2, minutes=8)
def score_std(rng: np.random.Generator) -> Iterator[Case]:
    seeds = [int(seed) for seed in rng.integers(1000, size=6)]
    yield _std(64, 6_000, seeds[0], note="expected is √64, within what chance allows")
    yield _std(1, 20_000, seeds[1], note="vectors with one entry")
    yield _std(9, 10_000, seeds[2], note="expected is √9, within what chance allows")
    yield _std(400, 2_000, seeds[3], note="expected is √400, within what chance allows")
    same = f"""a = score_std(8, 50, torch.Generator().manual_seed({seeds[4]}))
b = score_std(8, 50, torch.Generator().manual_seed({seeds[4]}))
a == b"""
    yield play(
        lambda f: bool(f(8, 50, _generator(seeds[4])) == f(8, 50, _generator(seeds[4]))),
        same,
        expect=True,
        note="generators in the same state must give the same number",
    )
    yield play(
        lambda f: bool(abs(f(4, 5, _generator(seeds[5])) - 2.0) < 1e-6),
        f"abs(score_std(4, 5, torch.Generator().manual_seed({seeds[5]})) - 2.0) < 1e-6",
        expect=False,
        note="5 dot products are few: their measured spread is near √4, and as good as never exactly that",
    )
    other = f"""generator = torch.Generator().manual_seed({seeds[5]})
a = score_std(8, 50, torch.Generator().manual_seed({seeds[5]}))
torch.rand(5, generator=generator)  # now its state is another
b = score_std(8, 50, generator)
a == b"""
    yield play(
        lambda f: bool(f(8, 50, _generator(seeds[5])) == f(8, 50, _generator(seeds[5], drawn=5))),
        other,
        expect=False,
        note="a generator in another state gives other random numbers",
    )


def _dots(d_head: int, n: int, generator: Any) -> Tensor:
    Q, K = (torch.randn(n, d_head, generator=generator) for _ in range(2))
    return (Q * K).sum(dim=-1)


@score_std.misconception(
    "This is the variance: the square of the standard deviation.",
    "In which unit do you want the spread: that of the scores, or its square?",
)
def variance(d_head: int, n: int, generator: Any) -> Any:
    return _dots(d_head, n, generator).var().item()


@score_std.misconception(
    "Your number is close to 1 whatever d_head is. That happens when the dot products are scaled, or when the products of entries are not added up.",
    "How large is one of your dot products, before anything is divided, when all of its 64 products are 1?",
)
def scores_scaled(d_head: int, n: int, generator: Any) -> Any:
    return (_dots(d_head, n, generator) / math.sqrt(d_head)).std().item()


@score_std.misconception(
    "This is the mean of the dot products, which is close to 0.",
    "Which method of a tensor tells how far its entries spread?",
)
def mean_of_dots(d_head: int, n: int, generator: Any) -> Any:
    return _dots(d_head, n, generator).mean().item()


@score_std.misconception(
    "Your entries lie between 0 and 1: their mean is not 0 and their variance is 1/12.",
    "`torch.rand` or `torch.randn`: which has mean 0 and variance 1?",
)
def uniform_entries(d_head: int, n: int, generator: Any) -> Any:
    Q, K = (torch.rand(n, d_head, generator=generator) for _ in range(2))
    return (Q * K).sum(dim=-1).std().item()


@score_std.misconception(
    "Each query met itself: you used the same random numbers as queries and as keys.",
    "How many times do you have to draw, for a query and a key that know nothing of each other?",
)
def query_meets_itself(d_head: int, n: int, generator: Any) -> Any:
    Q = torch.randn(n, d_head, generator=generator)
    return (Q * Q).sum(dim=-1).std().item()


@score_std.misconception(
    "Your random numbers do not come from the generator: the same call gives another number each time.",
    "Which argument of `torch.randn` says where its random numbers come from?",
)
def generator_unused(d_head: int, n: int, generator: Any) -> Any:
    return _dots(d_head, n, None).std().item()


@score_std.misconception(
    "You seeded anew inside, so the state of the generator that came in plays no part.",
    "If you measure twice with one generator, should the second measurement be the first one again?",
)
def seeded_inside(d_head: int, n: int, generator: Any) -> Any:
    return _dots(d_head, n, torch.Generator().manual_seed(0)).std().item()


@score_std.misconception(
    "You returned the theory, √d_head, and measured nothing.",
    "Would your function notice if the theory were wrong?",
)
def theory_only(d_head: int, n: int, generator: Any) -> Any:
    return math.sqrt(d_head)


@score_std.misconception(
    "You asked one single query of all keys: a query that happens to be long makes all its scores large.",
    "How many random queries do you need for n dot products?",
)
def one_query(d_head: int, n: int, generator: Any) -> Any:
    q, K = (torch.randn(m, d_head, generator=generator) for m in (1, n))
    return (K @ q.T).std().item()
