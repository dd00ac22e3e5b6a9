"""Lesson 10: the MLP, facts in neurons, directions packed nearly at right angles."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from numbers import Number
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from handmade.checks.case import Case, case, fresh, literal, play
from handmade.checks.compare import Unfit, describe, is_array, is_bool, to_numpy
from handmade.checks.draw import decimals, floats
from handmade.checks.exercise import exercise

tensor = torch.tensor


@exercise(points=1, level=1, minutes=2, by_hand=("relu", "relu_", "ReLU"))
def relu(rng: np.random.Generator) -> Iterator[Case]:
    yield case(tensor([-2.0, 0.0, 3.0]), expect=tensor([0.0, 0.0, 3.0]))
    yield case(
        tensor([[-1, 4], [7, -9], [0, 2]]), expect=tensor([[0, 4], [7, 0], [0, 2]]), note="whole numbers"
    )
    yield case(tensor([-1e4, 1e4, -0.25, 0.25]), expect=tensor([0.0, 1e4, 0.0, 0.25]), tolerance=1e-9)
    yield case(tensor(-2.5), expect=0, note="one number, no axes")
    yield case(floats(rng, 4, 3, largest=9).T, note="a transposed tensor")
    yield case(floats(rng, 2, 3, 4).double(), note="three axes, float64")


@relu.misconception(
    "You took the size of every number: -2 became 2.",
    "How much of a negative number should get through?",
)
def absolute_value(x: Any) -> Any:
    return x.abs()


@relu.misconception(
    "You kept the negative numbers and lost the positive ones.",
    "Of x and 0, do you want the smaller one or the larger one?",
)
def smaller_of_both(x: Any) -> Any:
    return x.clamp(max=0)


@relu.misconception(
    "You answer 1 where x is positive: this is the step of lesson 02.",
    "What should ReLU return for 3, and what for 0.25?",
)
def step_instead(x: Any) -> Any:
    return (x > 0).to(x.dtype)


@relu.misconception(
    "Negative numbers still get through, only smaller: this is the leaky ReLU.",
    "What should come out for -2, exactly?",
)
def leaky(x: Any) -> Any:
    return torch.where(x > 0, x, 0.01 * x)


@relu.misconception(
    "You cut at the top too: nothing above 1 gets through.",
    "What should ReLU return for 3?",
)
def cut_on_both_sides(x: Any) -> Any:
    return x.clamp(0, 1)


@relu.misconception(
    "Your answer is right, and you wrote it into x itself: whoever needs x later finds it changed.",
    "Which way to write it makes a new tensor? (In torch a name with _ at its end works in place.)",
)
def changed_in_place(x: Any) -> Any:
    return x.clamp_(min=0)


def _waves(rng: np.random.Generator) -> Iterator[Case]:
    """Yield what both forms of GELU are asked: they differ by up to 0.0005, and the tolerance is 0.00001 of the largest entry."""
    yield case(tensor([-1.0, 0.0, 1.0]))
    yield case(
        tensor([[-2.2, -1.5, -0.5], [2.2, 1.5, 0.5]]), note="where the exact form and GPT-2's differ most"
    )
    yield case(tensor([-50.0, -10.0, -1e4]), expect=tensor([0.0, 0.0, 0.0]), note="far below zero")
    yield case(tensor([50.0, 10.0, 1e4]), expect=tensor([50.0, 10.0, 1e4]), note="far above zero")
    yield case(tensor(0.75), note="one number, no axes")
    yield case(floats(rng, 4, 3).T, note="a transposed tensor")
    yield case(
        torch.tensor(decimals(rng, 2, 3, 4, largest=4)), note="three axes, float64", tolerance=1e-6
    )  # fine enough for a digit left out of 0.044715


def _inner(x: Any) -> Any:
    return math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)


@exercise(points=1, level=2, minutes=4, by_hand=("gelu", "GELU"))
def gelu(rng: np.random.Generator) -> Iterator[Case]:
    yield from _waves(rng)


@gelu.misconception(
    "This is GPT-2's formula with tanh. It comes close, to about 0.0005, and the exact form is asked for here.",
    "Which function of torch belongs to the bell curve itself?",
)
def tanh_form(x: Any) -> Any:
    return x / 2 * (1 + torch.tanh(_inner(x)))


@gelu.misconception(
    "This is x · sigmoid(1.702 x), a rougher stand-in for GELU, off by up to 0.02.",
    "The formula has `erf` in it: where is it in your line?",
)
def sigmoid_form(x: Any) -> Any:
    return x * torch.sigmoid(1.702 * x)


@gelu.misconception(
    "This is x · sigmoid(x), which is called SiLU or Swish.",
    "What is the probability that a standard normal number is below 1: 0.84 or 0.73?",
)
def silu(x: Any) -> Any:
    return x * torch.sigmoid(x)


@gelu.misconception(
    "You returned the probability alone.",
    "What is it multiplied by, so that large numbers get through as they are?",
)
def probability_alone(x: Any) -> Any:
    return (1 + torch.erf(x / math.sqrt(2))) / 2


@gelu.misconception(
    "Inside erf stands x itself, so your curve rises too early.",
    "By what is x divided in the formula, before erf?",
)
def root_missing(x: Any) -> Any:
    return x / 2 * (1 + torch.erf(x))


@gelu.misconception(
    "Your answers are twice what they should be.",
    "The bracket goes from 0 to 2: which factor makes a probability of it?",
)
def half_missing(x: Any) -> Any:
    return x * (1 + torch.erf(x / math.sqrt(2)))


@exercise(points=1, level=2, minutes=4, by_hand=("gelu", "GELU"))
def gelu_tanh(rng: np.random.Generator) -> Iterator[Case]:
    yield from _waves(rng)


@gelu_tanh.misconception(
    "This is the exact GELU. GPT-2's form differs from it by up to 0.0005, and here that form is asked for.",
    "Where does tanh stand in the formula?",
)
def exact_form(x: Any) -> Any:
    return x / 2 * (1 + torch.erf(x / math.sqrt(2)))


@gelu_tanh.misconception(
    "The term with x³ is missing inside tanh.",
    "What is added to x, before it is multiplied by √(2/π)?",
)
def cube_missing(x: Any) -> Any:
    return x / 2 * (1 + torch.tanh(math.sqrt(2 / math.pi) * x))


@gelu_tanh.misconception(
    "Inside tanh you multiply by 2/π itself, not by its root.",
    "Over what does the root sign reach in the formula?",
)
def no_root(x: Any) -> Any:
    return x / 2 * (1 + torch.tanh(2 / math.pi * (x + 0.044715 * x**3)))


@gelu_tanh.misconception(
    "Inside tanh x is squared, not cubed; a square has lost the sign of x.",
    "What is (-2)³, and what is (-2)²?",
)
def squared_inside(x: Any) -> Any:
    return x / 2 * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**2)))


@gelu_tanh.misconception(
    "√(2/π) multiplies only the first x in your formula, and not the term with x³.",
    "Which bracket follows the root?",
)
def bracket_missing(x: Any) -> Any:
    return x / 2 * (1 + torch.tanh(math.sqrt(2 / math.pi) * x + 0.044715 * x**3))


@gelu_tanh.misconception(
    "You built tanh from exp yourself. For large numbers exp overflows, and infinity divided by infinity is nan.",
    "Which function of torch is safe here?",
)
def overflows(x: Any) -> Any:
    e = torch.exp(2 * _inner(x))
    return x / 2 * (1 + (e - 1) / (e + 1))


_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "torch.relu": torch.relu,
    "torch.tanh": torch.tanh,
    "lambda h: h ** 2": lambda h: h**2,
    "lambda h: h": lambda h: h,
    "lambda h: h / 2 + 1": lambda h: h / 2 + 1,
}


def _mlp(activation: str, *given: Tensor, **more: Any) -> Case:
    """Return the case of an MLP with this activation, which is shown by its Python text."""
    text = f"mlp({', '.join(literal(part) for part in given)}, {activation})"
    return case(*given, _ACTIVATIONS[activation], text=text, **more)


def _parts(rng: np.random.Generator, d_model: int, d_mlp: int) -> list[Tensor]:
    sizes = (d_model, d_mlp), (d_mlp,), (d_mlp, d_model), (d_model,)
    return [floats(rng, *size, largest=2) for size in sizes]


@exercise(points=2, level=2, minutes=6)
def mlp(rng: np.random.Generator) -> Iterator[Case]:
    up, down = tensor([[1.0, -1.0, 0.0], [0.0, 1.0, 2.0]]), tensor([[1.0, 0.0], [10.0, 1.0], [0.0, 5.0]])
    yield _mlp(
        "torch.relu",
        tensor([[1.0, 3.0]]),
        up,
        tensor([0.0, 0.0, -4.0]),
        down,
        tensor([0.5, 0.0]),
        expect=tensor([[21.5, 12.0]]),
        note="one position: the three neurons show 1, 2 and 2",
    )
    yield _mlp(
        "torch.relu",
        tensor([[-1.0, -3.0], [0.0, 1.0], [2.0, 1.0]]),
        up,
        tensor([0.0, 1.0, 1.0]),
        down,
        tensor([0.0, -20.0]),
        expect=tensor([[0.0, -20.0], [20.0, -3.0], [2.0, -5.0]]),
        note="three positions",
    )
    yield _mlp(
        "lambda h: h ** 2", floats(rng, 2, 3, largest=2), *_parts(rng, 3, 4), note="squares as activation"
    )
    yield _mlp(
        "lambda h: h / 2 + 1", floats(rng, 4, 2), *_parts(rng, 2, 3), note="an activation that is not 0 at 0"
    )
    yield _mlp("torch.tanh", floats(rng, 2, 4, 3), *_parts(rng, 3, 5), note="a batch of 2 sequences")
    yield _mlp("torch.relu", floats(rng, 2, 3, 1, 4), *_parts(rng, 4, 6), note="four axes, one position")
    yield _mlp(
        "torch.relu",
        *(part.double() for part in (floats(rng, 5, 4, largest=9), *_parts(rng, 4, 3))),
        note="float64",
    )
    turned = floats(rng, 3, 5).T, floats(rng, 7, 3).T, floats(rng, 7), floats(rng, 3, 7).T, floats(rng, 3)
    yield _mlp("torch.tanh", *turned, note="transposed tensors")
    yield _mlp("lambda h: h", floats(rng, 1, 4), *_parts(rng, 4, 4), note="no bend at all, four neurons")


@mlp.misconception(
    "Your activation comes after the way down. Between up and down there is nothing, so both are one linear layer (lesson 01).",
    "Where do the neurons' values exist: before `W_down`, or after it?",
)
def activation_at_the_end(X: Any, W_up: Any, b_up: Any, W_down: Any, b_down: Any, activation: Any) -> Any:
    return activation((X @ W_up + b_up) @ W_down + b_down)


@mlp.misconception(
    "There is an activation after the way down too. What the MLP adds may be negative; it must not be bent again.",
    "How often does the activation stand between X and the answer?",
)
def activation_twice(X: Any, W_up: Any, b_up: Any, W_down: Any, b_down: Any, activation: Any) -> Any:
    return activation(activation(X @ W_up + b_up) @ W_down + b_down)


@mlp.misconception(
    "You added X. The sum belongs to the block around the MLP (lesson 11), not into the MLP.",
    "What would come out if all weights and biases were 0, and what should?",
)
def residual_added(X: Any, W_up: Any, b_up: Any, W_down: Any, b_down: Any, activation: Any) -> Any:
    return X + activation(X @ W_up + b_up) @ W_down + b_down


@mlp.misconception(
    "The activation is never called: your MLP is one linear layer.",
    "What stands between up and down?",
)
def activation_left_out(X: Any, W_up: Any, b_up: Any, W_down: Any, b_down: Any, activation: Any) -> Any:
    return (X @ W_up + b_up) @ W_down + b_down


@mlp.misconception(
    "You bend by ReLU, whatever activation is passed in.",
    "What is the last argument for?",
)
def always_relu(X: Any, W_up: Any, b_up: Any, W_down: Any, b_down: Any, activation: Any) -> Any:
    return torch.relu(X @ W_up + b_up) @ W_down + b_down


@mlp.misconception(
    "The bias of the neurons, b_up, is missing.",
    "At which value of `X @ W_up` should a neuron with the bias -4 begin to fire?",
)
def b_up_left_out(X: Any, W_up: Any, b_up: Any, W_down: Any, b_down: Any, activation: Any) -> Any:
    return activation(X @ W_up) @ W_down + b_down


@mlp.misconception(
    "You add b_up after the activation. Then it moves no threshold.",
    "Which number should the activation see: with the bias, or without it?",
)
def b_up_after_activation(X: Any, W_up: Any, b_up: Any, W_down: Any, b_down: Any, activation: Any) -> Any:
    return (activation(X @ W_up) + b_up) @ W_down + b_down


@mlp.misconception(
    "The bias of the way down, b_down, is missing.",
    "What should come out where all neurons are silent?",
)
def b_down_left_out(X: Any, W_up: Any, b_up: Any, W_down: Any, b_down: Any, activation: Any) -> Any:
    return activation(X @ W_up + b_up) @ W_down


@mlp.misconception(
    "Your positions mix: each gets the same answer, made of the mean over all positions.",
    "If another token changed, what should change at this position?",
)
def mean_over_positions(X: Any, W_up: Any, b_up: Any, W_down: Any, b_down: Any, activation: Any) -> Any:
    neurons = activation(X @ W_up + b_up).mean(dim=-2, keepdim=True)
    return (neurons @ W_down + b_down).expand(X.shape)


@mlp.misconception(
    "The activation was put on X, before the way up.",
    "Which numbers are the neurons' values, X or `X @ W_up + b_up`?",
)
def activation_first(X: Any, W_up: Any, b_up: Any, W_down: Any, b_down: Any, activation: Any) -> Any:
    return (activation(X) @ W_up + b_up) @ W_down + b_down


def _before(X: Tensor) -> Tensor:
    return torch.cat([0 * X[:1], X[:-1]])


def _after(X: Tensor) -> Tensor:
    return torch.cat([X[1:], 0 * X[:1]])


def _layer_norm(X: Tensor) -> Tensor:
    centred = X - X.mean(dim=1, keepdim=True)
    return centred / (centred.pow(2).mean(dim=1, keepdim=True) + 1e-5).sqrt()


def _rows(text: str, f: Callable[[Tensor], Tensor], X: Tensor, position_wise: bool, note: str) -> Case:
    """Return the case "is f position-wise?", with f shown by its Python text."""
    return case(f, X, expect=position_wise, text=f"is_position_wise({text}, {literal(X)})", note=note)


@exercise(points=3, level=3, minutes=10)
def is_position_wise(rng: np.random.Generator) -> Iterator[Case]:
    yield _rows("torch.relu", torch.relu, tensor([[1.0, -2.0], [-3.0, 4.0], [5.0, 6.0]]), True, "ReLU")
    yield _rows(
        "lambda X: X.flip(0)",
        lambda X: X.flip(0),
        tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]]),
        False,
        "the last row first; the middle row stays",
    )
    yield _rows(
        "lambda X: X + X.sum(dim=0)",
        lambda X: X + X.sum(dim=0),
        floats(rng, 4, 3),
        False,
        "each row plus the sum of all rows",
    )
    W = floats(rng, 3, 5)
    yield _rows(f"lambda X: X @ {literal(W)}", lambda X: X @ W, floats(rng, 4, 3), True, "a linear layer")
    yield _rows(
        "lambda X: X.cumsum(dim=0)",
        lambda X: X.cumsum(dim=0),
        floats(rng, 5, 2),
        False,
        "sums so far: the first row depends on itself alone",
    )
    yield _rows(
        "lambda X: X.flip(0).cumsum(dim=0).flip(0)",
        lambda X: X.flip(0).cumsum(dim=0).flip(0),
        floats(rng, 5, 2),
        False,
        "sums from here to the end: the last row depends on itself alone",
    )
    yield _rows(
        "layer_norm",
        _layer_norm,
        floats(rng, 4, 6),
        True,
        "each row brought to mean 0, variance 1",
    )
    yield _rows(
        "lambda X: (X - X.mean(dim=0)) / (X.var(dim=0, correction=0) + 1e-5).sqrt()",
        lambda X: (X - X.mean(dim=0)) / (X.var(dim=0, correction=0) + 1e-5).sqrt(),
        floats(rng, 6, 3),
        False,
        "each column brought to mean 0, variance 1, over the rows",
    )
    yield _rows(
        "lambda X: X - X.mean(dim=0)",
        lambda X: X - X.mean(dim=0),
        floats(rng, 5, 3),
        False,
        "the mean row subtracted",
    )
    yield _rows(
        "lambda X: torch.softmax(X @ X.T, dim=1) @ X",
        lambda X: torch.softmax(X @ X.T, dim=1) @ X,
        floats(rng, 5, 3, largest=0.9),
        False,
        "attention without a mask",
    )
    yield _rows("lambda X: 0 * X", lambda X: 0 * X, floats(rng, 3, 2), True, "zeros, whatever X is")
    yield _rows(
        "lambda X: X.sort(dim=0).values",
        lambda X: X.sort(dim=0).values,
        floats(rng, 5, 2),
        False,
        "each column sorted",
    )
    yield _rows(
        "lambda X: X.sort(dim=1).values",
        lambda X: X.sort(dim=1).values,
        floats(rng, 4, 3),
        True,
        "each row sorted",
    )
    yield _rows(
        "lambda X: (X - X.mean()) + X.mean()",
        lambda X: (X - X.mean()) + X.mean(),
        floats(rng, 7, 6, largest=0.9),
        True,
        "subtracts and adds the mean of all: the same numbers, but for float32's last digits",
    )
    yield _rows(
        "add_the_row_after",
        lambda X: X + _after(X),
        floats(rng, 5, 2),
        False,
        "each row plus the one after it, the last row alone",
    )
    yield _rows(
        "add_the_row_before",
        lambda X: X + _before(X),
        floats(rng, 5, 2),
        False,
        "each row plus the one before it, the first row alone",
    )
    yield _rows(
        "lambda X: X.softmax(dim=0)",
        lambda X: X.softmax(dim=0),
        floats(rng, 4, 3, largest=2),
        False,
        "softmax down the columns",
    )
    yield _rows(
        "lambda X: X.softmax(dim=1)",
        lambda X: X.softmax(dim=1),
        floats(rng, 4, 3, largest=2),
        True,
        "softmax along each row",
    )
    yield _rows(
        "lambda X: X / X.norm(dim=0)",
        lambda X: X / X.norm(dim=0),
        floats(rng, 4, 2),
        False,
        "each column scaled to length 1",
    )
    yield _rows(
        "lambda X: X - X.amax(dim=0)",
        lambda X: X - X.amax(dim=0),
        floats(rng, 5, 3),
        False,
        "the largest entry of each column subtracted",
    )
    yield _rows(
        "only_the_last",
        lambda X: torch.cat([X[:-1], X[-1:] + X[:1]]),
        floats(rng, 5, 2),
        False,
        "all rows stay, but the last one gets the first added",
    )
    yield _rows(
        "only_the_first",
        lambda X: torch.cat([X[:1] + X[-1:], X[1:]]),
        floats(rng, 5, 2),
        False,
        "all rows stay, but the first one gets the last added",
    )
    yield _rows(
        "only_the_second",
        lambda X: torch.cat([X[:1], X[1:2] + X[:1], X[2:]]),
        floats(rng, 5, 2),
        False,
        "all rows stay, but the second one gets the first added",
    )
    yield _rows(
        "only_the_last_but_one",
        lambda X: torch.cat([X[:-2], X[-2:-1] + X[-1:], X[-1:]]),
        floats(rng, 5, 2),
        False,
        "all rows stay, but the last but one gets the last added",
    )
    up, down = floats(rng, 3, 8), floats(rng, 8, 2)
    yield _rows(
        "an_mlp",
        lambda X: torch.relu(X @ up) @ down,
        floats(rng, 3, 4).T,
        True,
        "an MLP",
    )


def _near(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-4, atol=1e-4)


@is_position_wise.misconception(
    "You shuffle the rows and ask whether the answers are shuffled alike. A sum over all rows passes that test, and attention without a mask too.",
    "What happens to row 0 of `X + X.sum(dim=0)` when you change the numbers in row 1?",
)
def shuffles_only(f: Any, X: Any) -> bool:
    order = [*range(1, len(X)), 0]
    return all(_near(f(X[o]), f(X)[o]) for o in (order, order[::-1]))


@is_position_wise.misconception(
    "You look at the first row only. In a cumulative sum the first row depends on itself alone, and the others do not.",
    "Which rows of the answer should you look at?",
)
def first_row_only(f: Any, X: Any) -> bool:
    changed = 1 - 2 * X
    changed[0] = X[0]
    return _near(f(changed)[0], f(X)[0])


@is_position_wise.misconception(
    "You look at the last row only.",
    "Which function could leave the last row alone, and mix the rows before it?",
)
def last_row_only(f: Any, X: Any) -> bool:
    changed = 1 - 2 * X
    changed[-1] = X[-1]
    return _near(f(changed)[-1], f(X)[-1])


@is_position_wise.misconception(
    "You change the first row and look at all others. A row that takes from the row after it is never caught that way.",
    "Which rows must be changed, so that every way from one row to another is tried?",
)
def changes_the_first(f: Any, X: Any) -> bool:
    changed = X.clone()
    changed[0] = 1 - 2 * X[0]
    return _near(f(changed)[1:], f(X)[1:])


@is_position_wise.misconception(
    "You change the last row and look at all others. A cumulative sum passes that test: its rows take from rows before them.",
    "What must be changed besides the last row, so that every way from one row to another is tried?",
)
def changes_the_last(f: Any, X: Any) -> bool:
    changed = X.clone()
    changed[-1] = 1 - 2 * X[-1]
    return _near(f(changed)[:-1], f(X)[:-1])


@is_position_wise.misconception(
    "You compare floats exactly. The same number, computed in another way, may differ in its last digits.",
    "Which function of torch compares two tensors with a tolerance?",
)
def compares_exactly(f: Any, X: Any) -> bool:
    before = f(X)
    for i in range(len(X)):
        changed = 1 - 2 * X
        changed[i] = X[i]
        if not torch.equal(f(changed)[i], before[i]):
            return False
    return True


@is_position_wise.misconception(
    "You repeat all rows and ask whether the answers repeat. A mean over the rows stays the same when every row stands there twice.",
    "Which rows have *other numbers* in your test than before?",
)
def repeats_rows(f: Any, X: Any) -> bool:
    return _near(f(torch.cat([X, X]))[: len(X)], f(X))


@is_position_wise.misconception(
    "You answer True to everything that returns as many rows as it got.",
    "What is it about the numbers in a row that you want to find out?",
)
def counts_rows(f: Any, X: Any) -> bool:
    return len(f(X)) == len(X)


@is_position_wise.misconception(
    "You say False as soon as any row of the answer changes. The changed row itself may change.",
    "If only row 2 of X is changed, which rows of f(X) have to stay?",
)
def nothing_may_change(f: Any, X: Any) -> bool:
    return _near(f(1 - 2 * X), f(X))


@is_position_wise.misconception(
    "Your answer is the wrong way round: True where rows mix.",
    "What should come out for ReLU?",
)
def wrong_way_round(f: Any, X: Any) -> bool:
    return not all(_near(f(X[i : i + 1]), f(X)[i : i + 1]) for i in range(len(X)))


def _half_signs(size: int) -> Tensor:
    """Return rows of length 1 at right angles, `size` (4 or 16) of them, whose entries float32 holds exactly."""
    signs = tensor([[1.0]])
    while len(signs) < size:
        signs = torch.cat([torch.cat([signs, signs], 1), torch.cat([signs, -signs], 1)])
    return signs / math.sqrt(size)


def _directions(rng: np.random.Generator, size: int) -> Tensor:
    """Return such rows in random order and with random signs."""
    rows = _half_signs(size)[rng.permutation(size).tolist()]
    return rows * torch.from_numpy(rng.choice([-1.0, 1.0], size=(size, 1))).float()


def _part(name: str, value: Any, shape: tuple[int, ...]) -> Tensor:
    """Return one part of an answer in float64; Unfit where it is not finite numbers of this shape."""
    if not (is_array(value) or (isinstance(value, Number) and not is_bool(value))):
        raise Unfit(f"Expected {name} to be {_of_shape(shape)}, got {describe(value)}.")
    array = to_numpy(value) if is_array(value) else np.asarray(value)
    if array.shape != shape:
        raise Unfit(f"Expected {name} to be {_of_shape(shape)}, got {describe(value)}.")
    if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
        raise Unfit(f"Expected {name} to hold finite numbers.")
    return torch.from_numpy(array.astype(np.float64))


def _of_shape(shape: tuple[int, ...]) -> str:
    return f"a tensor of shape {shape}" if shape else "a number"


def _three(answer: Any, names: str, *shapes: tuple[int, ...]) -> list[Tensor]:
    if not isinstance(answer, list | tuple) or len(answer) != 3:
        raise Unfit(f"Expected the three parts ({names}), got {describe(answer)}.")
    return [_part(*named) for named in zip(names.split(", "), answer, shapes, strict=True)]


def _fact(given: tuple[Tensor, Tensor, Tensor], x: Tensor, of_what: str, expect: Tensor, note: str) -> Case:
    """Return the case that asks what the neuron adds for x: many weights are right."""
    d = len(x)

    def added(answer: Any) -> Tensor:
        w_up, b_up, w_down = _three(answer, "w_up, b_up, w_down", (d,), (), (d,))
        return torch.relu(x.double() @ w_up + b_up) * w_down

    first, last, value = map(literal, given)
    text = (
        f"first, last = {first}, {last}\nw_up, b_up, w_down = fact_neuron(first, last, {value})\n"
        f"torch.relu(x @ w_up + b_up) * w_down  # for x = {of_what}"
    )
    return case(*given, view=added, expect=expect.double(), text=text, note=note)


@exercise(points=2, level=3, minutes=8)
def fact_neuron(rng: np.random.Generator) -> Iterator[Case]:
    axes = torch.eye(4)
    value = tensor([0.0, 0.0, 7.0, -2.0])
    given = axes[0], axes[1], value
    zero = torch.zeros(4)
    first, last, _ = given
    yield _fact(given, first + last, "first + last", value, "both names are there")
    yield _fact(given, first, "first", zero, "the first name alone")
    yield _fact(given, last, "last", zero, "the last name alone")
    yield _fact(given, zero, "zeros", zero, "neither name")
    yield _fact(
        given,
        (first + last) / 2,
        "(first + last) / 2",
        zero,
        "both at half strength: as much as one name in all",
    )
    yield _fact(given, last - first, "last - first", zero, "the first name at strength -1")
    more = first + last + 3 * axes[2] - 5 * axes[3]
    yield _fact(
        given,
        more,
        f"first + last + {literal(3 * axes[2] - 5 * axes[3])}",
        value,
        "both names, and much else",
    )
    less = first + 3 * axes[2] - 5 * axes[3]
    yield _fact(given, less, f"first + {literal(3 * axes[2] - 5 * axes[3])}", zero, "one name, and much else")
    for size in (4, 16):
        rows = _directions(rng, size)
        given = rows[0], rows[1], floats(rng, size, largest=9)
        noise = tensor([2.0, -4.0, *[0.0] * (size - 4)]) @ rows[2:]
        note = f"directions that are no axes, in {size} dimensions"
        yield _fact(
            given, rows[0] + rows[1] + noise, "first + last + others", given[2], f"{note}: both names"
        )
        yield _fact(
            given, rows[0] + noise, "first + others", torch.zeros(size), f"{note}: the first name alone"
        )
        yield _fact(
            given, rows[1] + noise, "last + others", torch.zeros(size), f"{note}: the last name alone"
        )
    given = axes[2].double(), axes[0].double(), first.double() + 2 * last.double()
    yield _fact(
        given, given[0] + given[1], "first + last", given[2], "a value along one of the names, in float64"
    )


@fact_neuron.misconception(
    "Your neuron fires as soon as one of the names is there: it computes OR.",
    "For x = first alone, what is `x @ w_up`, and which b_up keeps the neuron silent there?",
)
def fires_for_one(first: Any, last: Any, value: Any) -> Any:
    return first + last, tensor(-0.5), value / 1.5


@fact_neuron.misconception(
    "Your neuron has no threshold. One name gives the value once, two give it twice.",
    "What could b_up be, so that one name is not enough?",
)
def no_threshold(first: Any, last: Any, value: Any) -> Any:
    return first + last, tensor(0.0), value


@fact_neuron.misconception(
    "Your neuron never fires: with both names there, what it sees plus its bias is 0.",
    "For x = first + last, what is `x @ w_up`, and what must be left of it?",
)
def never_fires(first: Any, last: Any, value: Any) -> Any:
    return first + last, tensor(-2.0), value


@fact_neuron.misconception(
    "Your neuron fires at the right moment, and adds half of the value.",
    "What does the neuron show when both names are there, and by what is that multiplied?",
)
def half_the_value(first: Any, last: Any, value: Any) -> Any:
    return first + last, tensor(-1.5), value


@fact_neuron.misconception(
    "You brought the value to length 1. A fact is added as it is.",
    "How long is the value (0, 0, 7, -2), and how long is what you add?",
)
def value_at_length_one(first: Any, last: Any, value: Any) -> Any:
    return first + last, tensor(-1.0), value / value.norm()


@fact_neuron.misconception(
    "Your neuron listens for the first name alone.",
    "Where in your answer does `last` stand?",
)
def listens_to_first_alone(first: Any, last: Any, value: Any) -> Any:
    return first, tensor(0.0), value


@fact_neuron.misconception(
    "You added where you should subtract: with a positive bias the neuron fires for everything.",
    "What does your neuron show for x = 0?",
)
def bias_with_wrong_sign(first: Any, last: Any, value: Any) -> Any:
    return first + last, tensor(1.0), value / 3


@fact_neuron.misconception(
    "The parts are exchanged: your neuron asks for the value, and writes the names.",
    "Which of the three vectors does a neuron ask for, and which does it write?",
)
def writes_the_names(first: Any, last: Any, value: Any) -> Any:
    return value, tensor(-1.0), first + last


def _table(keys: Tensor, values: Tensor, X: Tensor, of_what: str, expect: Tensor, note: str) -> Case:
    """Return the case that asks what the table adds for each row of X."""
    n, d = values.shape

    def added(answer: Any) -> Tensor:
        W_up, b_up, W_down = _three(answer, "W_up, b_up, W_down", (d, n), (n,), (n, d))
        return torch.relu(X.double() @ W_up + b_up) @ W_down

    text = (
        f"keys = {literal(keys)}\nvalues = {literal(values)}\nW_up, b_up, W_down = fact_table(keys, values)\n"
        f"torch.relu(X @ W_up + b_up) @ W_down  # X: {of_what}"
    )
    return case(keys, values, view=added, expect=expect.double(), text=text, note=note)


@exercise(points=3, level=3, minutes=8)
def fact_table(rng: np.random.Generator) -> Iterator[Case]:
    axes = torch.eye(4)
    keys, values = axes[:2][None], tensor([[0.0, 0.0, 7.0, -2.0]])
    yield _table(keys, values, keys.sum(1), "first + last", values, "one fact")
    keys = torch.stack([axes[[0, 1]], axes[[2, 3]]])
    values = tensor([[1.0, 2.0, 3.0, 4.0], [-5.0, 0.0, 6.0, 0.5]])
    yield _table(keys, values, keys.sum(1), "first + last of each fact", values, "two facts")
    alone = "first and last of the first fact, each alone"
    yield _table(keys, values, axes[:2], alone, torch.zeros(2, 4), "two facts, one name alone")
    others = torch.stack([axes[0] + axes[3], axes[0] + axes[2], axes[1] + axes[2], axes[1] + axes[3]])
    yield _table(
        keys,
        values,
        others,
        "names of different facts",
        torch.zeros(4, 4),
        "two facts, names that do not belong together",
    )
    shared = torch.stack([axes[[0, 1]], axes[[0, 2]]])
    values = floats(rng, 2, 4, largest=9)
    yield _table(
        shared, values, shared.sum(1), "first + last of each fact", values, "facts that share a name"
    )
    others = torch.stack([axes[0] + axes[3], axes[1] + axes[2]])
    yield _table(
        shared,
        values,
        others,
        "pairs that no fact has",
        torch.zeros(2, 4),
        "facts that share a name, other pairs",
    )
    firsts, lasts = [0, 0, 0, 1, 2], [1, 2, 3, 2, 3]
    crowd = torch.stack([axes[[a, b]] for a, b in zip(firsts, lasts, strict=True)])
    values = floats(rng, 5, 4, largest=9)
    yield _table(
        crowd,
        values,
        crowd.sum(1),
        "first + last of each fact",
        values,
        "5 facts about 4 names: more facts than dimensions",
    )
    pair = (axes[1] + axes[3])[None]
    yield _table(
        crowd,
        values,
        pair,
        "the one pair that no fact has",
        torch.zeros(1, 4),
        "5 facts about 4 names, the sixth pair",
    )
    rows = _directions(rng, 16)
    names = rng.choice([(i, j) for i in range(5) for j in range(5, 10)], size=12, replace=False)
    keys = torch.stack([rows[pair.tolist()] for pair in names])
    values = floats(rng, 12, 16, largest=9)
    noise = torch.randn(12, 6, generator=torch.Generator().manual_seed(int(rng.integers(1000)))) @ rows[10:]
    yield _table(
        keys,
        values,
        keys.sum(1) + noise,
        "both names and something else",
        values,
        "12 facts in 16 dimensions, with something else in each vector",
    )
    known = {(int(i), int(j)) for i, j in names}
    unknown = [(i, j) for i in range(5) for j in range(5, 10) if (i, j) not in known]
    X = torch.stack([rows[i] + rows[j] for i, j in unknown])
    yield _table(
        keys,
        values,
        X,
        "all pairs that no fact has",
        torch.zeros(13, 16),
        "12 facts in 16 dimensions, the other 13 pairs",
    )
    keys = torch.stack([axes[[3, 0]], axes[[0, 2]]]).double()
    values = floats(rng, 2, 4).double()
    yield _table(
        keys,
        values,
        keys.sum(1),
        "first + last of each fact",
        values,
        "float64; a last name that is a first name too",
    )


def _layer(up: Any, down: Any, bias: float = -1.0) -> Any:
    return up, torch.full((up.shape[1],), bias, dtype=up.dtype), down


@fact_table.misconception(
    "Your W_up has one fact in each row. For `X @ W_up` a neuron's weights stand in a column.",
    "Which shape must W_up have, so that `X @ W_up` has one number for each fact?",
)
def facts_as_rows(keys: Any, values: Any) -> Any:
    return keys.sum(1), -torch.ones(len(keys)), values


@fact_table.misconception(
    "Your W_down has one fact in each column. For `neurons @ W_down` a neuron's value stands in a row.",
    "Which shape must W_down have, so that n neurons become d_model numbers?",
)
def values_as_columns(keys: Any, values: Any) -> Any:
    return keys.sum(1).T, -torch.ones(len(keys)), values.T


@fact_table.misconception(
    "Your neurons have no threshold: one name alone brings up every fact that it belongs to.",
    "What kept your single neuron silent when one name was missing?",
)
def table_without_threshold(keys: Any, values: Any) -> Any:
    return _layer(keys.sum(1).T, values / 2, 0.0)


@fact_table.misconception(
    "Your neurons fire for one name alone: they compute OR.",
    "For one name, what is `x @ W_up` at its neurons, and which bias keeps them silent?",
)
def table_fires_for_one(keys: Any, values: Any) -> Any:
    return _layer(keys.sum(1).T, values / 1.5, -0.5)


@fact_table.misconception(
    "Your neurons never fire.",
    "What is `x @ W_up` at the neuron of a fact whose names are both there, and what must be left of it?",
)
def table_never_fires(keys: Any, values: Any) -> Any:
    return _layer(keys.sum(1).T, values, -2.0)


@fact_table.misconception(
    "Each of your neurons listens to the first name alone, so facts that share it answer together.",
    "What do `keys[i, 0]` and `keys[i, 1]` hold?",
)
def first_names_alone(keys: Any, values: Any) -> Any:
    return _layer(keys[:, 0].T, values, 0.0)


@fact_table.misconception(
    "One number for all biases is not what is asked: each neuron has its own, even if they are alike.",
    "Which shape has `b_up`, for n neurons?",
)
def one_bias(keys: Any, values: Any) -> Any:
    return keys.sum(1).T, tensor(-1.0), values


@fact_table.misconception(
    "Your facts and your values stand in opposite order: the first neuron writes the last value.",
    "Which row of W_down belongs to column 0 of W_up?",
)
def values_in_opposite_order(keys: Any, values: Any) -> Any:
    return _layer(keys.sum(1).T, values.flip(0))


@fact_table.misconception(
    "A fact that shares its first name with a later one is lost.",
    "Do you keep something under the first name? What happens to it when that name comes again?",
)
def later_fact_wins(keys: Any, values: Any) -> Any:
    up = keys.sum(1)
    for i in range(len(keys)):
        if any(torch.equal(keys[i, 0], keys[j, 0]) for j in range(i + 1, len(keys))):
            up[i] = 0
    return _layer(up.T, values)


def _packed(n: int, d: int, steps: int, seed: int, at_most: float | None, note: str) -> Case:
    """Return the case that asks for the lengths and the largest |cos| of n vectors in d dimensions."""

    def facts(answer: Any) -> dict[str, bool]:
        V = _part("the answer", answer, (n, d))
        found = {"all have length 1": bool((V.norm(dim=1) - 1).abs().max() < 1e-4)}
        if at_most is not None:
            cosines = normalize(V, dim=1) @ normalize(V, dim=1).T
            cosines.fill_diagonal_(0)
            largest = float(cosines.abs().max())
            found["two lie on one line"] = largest > 0.999
            found[f"the largest |cos| is at most {at_most}"] = largest <= at_most
        return found

    expect = {"all have length 1": True}
    if at_most is not None:
        expect |= {"two lie on one line": False, f"the largest |cos| is at most {at_most}": True}
    text = f"pack_vectors({n}, {d}, {steps}, torch.Generator().manual_seed({seed}))"
    return play(
        lambda pack: pack(n, d, steps, torch.Generator().manual_seed(seed)),
        text,
        view=facts,
        expect=expect,
        note=note,
    )


def _same_twice(call: Callable[[Any, torch.Generator], Any], text: str, seed: int, what: str) -> Case:
    """Return the case that calls twice, with two generators in the same state."""

    def twice(candidate: Any) -> Any:
        return [fresh(call(candidate, torch.Generator().manual_seed(seed))) for _ in range(2)]

    def equal(answer: Any) -> dict[str, bool]:
        one, other = (_part("the answer", part, tuple(part.shape)) for part in answer)
        return {
            f"both calls give the same {what}": one.shape == other.shape
            and bool((one - other).abs().max() < 1e-5)
        }

    text = f"{text}  # twice, each time with torch.Generator().manual_seed({seed})"
    return play(
        twice,
        text,
        view=equal,
        expect={f"both calls give the same {what}": True},
        note="two generators in the same state",
    )


@exercise(points=3, level=4, minutes=12, seconds=30)
def pack_vectors(rng: np.random.Generator) -> Iterator[Case]:
    seeds = [int(seed) for seed in rng.integers(1000, size=5)]
    yield _packed(5, 3, 10, seeds[0], None, "5 vectors in 3 dimensions, 10 steps: their lengths")
    yield _packed(3, 3, 500, seeds[1], 0.3, "3 vectors in 3 dimensions: room for right angles")
    yield _packed(12, 5, 500, seeds[2], 0.7, "12 vectors in 5 dimensions")
    yield _packed(100, 20, 500, seeds[3], 0.5, "100 vectors in 20 dimensions")
    yield _same_twice(
        lambda pack, generator: pack(6, 4, 20, generator),
        "pack_vectors(6, 4, 20, generator)",
        seeds[4],
        "vectors",
    )


def _pack(
    n: int,
    d: int,
    steps: int,
    generator: torch.Generator,
    weigh: Callable[[Tensor], Tensor] = lambda cosines: (
        torch.softmax(100 * cosines.abs(), 1) * cosines.sign()
    ),
    rate: float = 0.2,
) -> Tensor:
    """Push vectors apart, with one part of it changed."""
    V = normalize(torch.randn(n, d, generator=generator), dim=1)
    for step in range(steps):
        cosines = V @ V.T
        cosines.fill_diagonal_(0)
        V = normalize(V - rate * (1 - step / steps) * weigh(cosines) @ V, dim=1)
    return V


@pack_vectors.misconception(
    "Your vectors are random directions, of the right length, and were not pushed apart.",
    "What should happen in each of the `steps`?",
)
def random_only(n: int, d: int, steps: int, generator: Any) -> Any:
    return _pack(n, d, 0, generator)


@pack_vectors.misconception(
    "Your vectors are not of length 1.",
    "What does a push do to a vector's length, and what brings it back?",
)
def not_of_length_one(n: int, d: int, steps: int, generator: Any) -> Any:
    return _pack(n, d, steps, generator) * torch.linspace(0.7, 1.6, n)[:, None]


@pack_vectors.misconception(
    "Your vectors are axes, used again when they ran out: equal vectors point the same way.",
    "What is the cos of two equal vectors?",
)
def axes_again_and_again(n: int, d: int, steps: int, generator: Any) -> Any:
    return torch.eye(d)[torch.arange(n) % d]


@pack_vectors.misconception(
    "In your steps all other vectors push alike, in proportion to their cos. That spreads the crowd evenly, and leaves single pairs close together.",
    "Which of its neighbours should push a vector hardest?",
)
def all_push_alike(n: int, d: int, steps: int, generator: Any) -> Any:
    return _pack(n, d, steps, generator, weigh=lambda cosines: cosines, rate=0.05)


@pack_vectors.misconception(
    "You push vectors away from those that point the same way only. Two opposite vectors have cos -1, and count as far apart for you.",
    "Which of the two is asked to be small, cos or |cos|?",
)
def opposite_is_far(n: int, d: int, steps: int, generator: Any) -> Any:
    return _pack(n, d, steps, generator, weigh=lambda cosines: torch.softmax(100 * cosines, 1))


@pack_vectors.misconception(
    "Your vectors move towards each other, not away.",
    "Is the push added, or subtracted?",
)
def pulled_together(n: int, d: int, steps: int, generator: Any) -> Any:
    return _pack(n, d, steps, generator, rate=-0.2)


@pack_vectors.misconception(
    "Your random numbers do not come from `generator`: the same state gives other vectors each time.",
    "Which argument of `torch.randn` says where the numbers come from?",
)
def other_generator(n: int, d: int, steps: int, generator: Any) -> Any:
    return _pack(n, d, steps, torch.Generator().manual_seed(int(np.random.default_rng().integers(10**9))))


def _jl(n_points: int, epsilon: float, **more: Any) -> Case:
    return case(n_points, epsilon, tolerance=1e-9, **more)


@exercise(points=1, level=2, minutes=4, by_hand=("johnson_lindenstrauss_min_dim",))
def jl_dimension(rng: np.random.Generator) -> Iterator[Case]:
    yield _jl(10, 0.5, expect=111)
    yield _jl(2, 0.5, expect=34, note="two points")
    yield _jl(1000, 0.1, expect=5921)
    yield _jl(1_000_000, 0.5, expect=664, note="a million points")
    yield _jl(50_257, 0.01, expect=871_805, note="as many points as GPT-3 has tokens, very precisely")
    for _ in range(3):
        n, epsilon = int(rng.integers(3, 100_000)), int(rng.integers(2, 18)) / 20
        while (
            abs((k := _exact_k(n, epsilon)) - round(k)) < 1e-3
        ):  # the whole number must not hang on rounding
            n += 1
        yield _jl(n, epsilon)


def _exact_k(n_points: int, epsilon: float) -> float:
    return 4 * math.log(n_points) / (epsilon**2 / 2 - epsilon**3 / 3)


@jl_dimension.misconception(
    "You cut off the fraction: your k is a little too small.",
    "The smallest whole number that is at least 110.5: which one is it?",
)
def rounded_down(n_points: int, epsilon: float) -> Any:
    return int(_exact_k(n_points, epsilon))


@jl_dimension.misconception(
    "Your k is the right number, not yet whole.",
    "Can a vector have 110.5 entries?",
)
def not_whole(n_points: int, epsilon: float) -> Any:
    return _exact_k(n_points, epsilon)


@jl_dimension.misconception(
    "You took the logarithm to base 2.",
    "What does ln stand for, and what is it called in `math`?",
)
def base_two(n_points: int, epsilon: float) -> Any:
    return math.ceil(_exact_k(n_points, epsilon) / math.log(2))


@jl_dimension.misconception(
    "You took the logarithm to base 10.",
    "Of which number is ln equal to 1: of 10, or of 2.718…?",
)
def base_ten(n_points: int, epsilon: float) -> Any:
    return math.ceil(_exact_k(n_points, epsilon) / math.log(10))


@jl_dimension.misconception(
    "You left out the factor 4.",
    "What stands in front of ln?",
)
def four_missing(n_points: int, epsilon: float) -> Any:
    return math.ceil(_exact_k(n_points, epsilon) / 4)


@jl_dimension.misconception(
    "You added the two terms under the fraction bar.",
    "With which sign does ε³/3 stand there?",
)
def terms_added(n_points: int, epsilon: float) -> Any:
    return math.ceil(4 * math.log(n_points) / (epsilon**2 / 2 + epsilon**3 / 3))


@jl_dimension.misconception(
    "Under your fraction bar stands ε²/2 alone.",
    "What is subtracted from ε²/2, before the division? Brackets decide.",
)
def cube_left_out(n_points: int, epsilon: float) -> Any:
    return math.ceil(4 * math.log(n_points) / (epsilon**2 / 2))


def _projected(d: int, k: int, seed: int, note: str) -> Case:
    """Return the case that projects the d axes: what comes out is the matrix itself, d · k random numbers.

    The mean squared length of a row is 1 with a standard error of √(2 / (d·k)), the mean entry 0 with 1 / (k·√d). Both have
    room for seven of them, so that a right answer fails once in 10¹¹ calls.
    """
    X = torch.eye(d)

    def facts(answer: Any) -> dict[str, bool]:
        R = _part("the answer", answer, (d, k))
        length, room = float((R**2).sum(1).mean()), 7 * math.sqrt(2 / (d * k))
        return {
            "squared lengths grow, on average": length > 1 + room,
            "squared lengths shrink, on average": length < 1 - room,
            "positive and negative entries cancel": bool(
                abs(float(R.mean())) < 7 / (k * math.sqrt(d)) + 1e-9
            ),
        }

    expect = {
        "squared lengths grow, on average": False,
        "squared lengths shrink, on average": False,
        "positive and negative entries cancel": True,
    }
    text = f"random_projection(torch.eye({d}), {k}, torch.Generator().manual_seed({seed}))"
    return play(
        lambda project: project(X.clone(), k, torch.Generator().manual_seed(seed)),
        text,
        view=facts,
        expect=expect,
        note=note,
    )


@exercise(
    points=2, level=3, minutes=6, stretch=True, by_hand=("GaussianRandomProjection", "SparseRandomProjection")
)
def random_projection(rng: np.random.Generator) -> Iterator[Case]:
    seeds = [int(seed) for seed in rng.integers(1000, size=5)]
    yield _projected(1200, 4, seeds[0], "the 1,200 axes, to 4 dimensions")
    yield _projected(8, 600, seeds[1], "8 axes, to 600 dimensions: more than before")

    X = torch.cat([floats(rng, 15, 700), 20 * torch.eye(700)[40::44]])
    k = 164  # jl_dimension(30, 0.5)

    def distances(answer: Any) -> dict[str, bool]:
        ratio = torch.pdist(_part("the answer", answer, (30, k))) / torch.pdist(X.double())
        return {
            "all distances are kept to a factor of 0.5 to 1.5": bool(((ratio > 0.5) & (ratio < 1.5)).all())
        }

    yield play(
        lambda project: project(X.clone(), k, torch.Generator().manual_seed(seeds[2])),
        f"random_projection(X, {k}, torch.Generator().manual_seed({seeds[2]}))  # X: 30 points in 700 dimensions",
        view=distances,
        expect={"all distances are kept to a factor of 0.5 to 1.5": True},
        note="30 points from 700 dimensions to 164; half of them differ in two numbers only",
    )

    rows = floats(rng, 2, 9)
    both = torch.cat([rows, rows.sum(0, keepdim=True), 2 * rows[:1]])

    def linear(answer: Any) -> dict[str, bool]:
        a, b, total, double = _part("the answer", answer, (4, 5))
        room = 1e-4 * float(total.abs().max() + double.abs().max() + 1)
        return {
            "a + b goes to the sum of both": bool((a + b - total).abs().max() < room),
            "2a goes to twice as much": bool((2 * a - double).abs().max() < room),
            "a goes to zero": bool(a.abs().max() == 0),
        }

    yield play(
        lambda project: project(both.clone(), 5, torch.Generator().manual_seed(seeds[3])),
        f"a, b = {literal(rows)}\nrandom_projection(torch.stack([a, b, a + b, 2 * a]), 5, torch.Generator().manual_seed({seeds[3]}))",
        view=linear,
        expect={
            "a + b goes to the sum of both": True,
            "2a goes to twice as much": True,
            "a goes to zero": False,
        },
        note="the same matrix for all rows",
    )
    yield _same_twice(
        lambda project, generator: project(rows.clone(), 3, generator),
        f"random_projection({literal(rows)}, 3, generator)",
        seeds[4],
        "rows",
    )


def _gaussian(X: Any, k: int, generator: Any) -> Any:
    return torch.randn(X.shape[1], k, generator=generator)


@random_projection.misconception(
    "Your matrix is not scaled, so the squared lengths grow by the number of dimensions that they come to.",
    "A sum of k squares of standard normal numbers is about k: what must each number be divided by?",
)
def not_scaled(X: Any, k: int, generator: Any) -> Any:
    return X @ _gaussian(X, k, generator)


@random_projection.misconception(
    "You scaled by the dimension that the rows come from, not by the one they go to.",
    "How many numbers are squared and added to make the length of a projected row?",
)
def scaled_by_the_source(X: Any, k: int, generator: Any) -> Any:
    return X @ _gaussian(X, k, generator) / math.sqrt(X.shape[1])


@random_projection.misconception(
    "You divided by k, not by its root: the squared lengths are k times too small.",
    "If every entry is divided by c, by how much does the squared length shrink?",
)
def divided_by_k(X: Any, k: int, generator: Any) -> Any:
    return X @ _gaussian(X, k, generator) / k


@random_projection.misconception(
    "Each row goes through a matrix of its own, so distances between the rows mean nothing afterwards.",
    "Where is the matrix drawn: once, or once a row?",
)
def a_matrix_for_each_row(X: Any, k: int, generator: Any) -> Any:
    return torch.stack([row @ _gaussian(X, k, generator) for row in X]) / math.sqrt(k)


@random_projection.misconception(
    "Your random numbers are all positive (`torch.rand`), so all rows lean towards one direction.",
    "Which function of torch draws from the bell curve, on both sides of 0?",
)
def all_positive(X: Any, k: int, generator: Any) -> Any:
    return X @ torch.rand(X.shape[1], k, generator=generator) * math.sqrt(3 / k)


@random_projection.misconception(
    "You kept the first k columns. What stood in the others is lost: two rows that differ there fall together.",
    "Which of the old numbers should each new number depend on?",
)
def first_columns(X: Any, k: int, generator: Any) -> Any:
    kept = X[:, :k] * math.sqrt(X.shape[1] / min(k, X.shape[1]))
    return torch.nn.functional.pad(kept, (0, k - kept.shape[1]))


@random_projection.misconception(
    "Your random numbers do not come from `generator`: the same state gives another matrix each time.",
    "Which argument of `torch.randn` says where the numbers come from?",
)
def not_from_the_generator(X: Any, k: int, generator: Any) -> Any:
    other = torch.Generator().manual_seed(int(np.random.default_rng().integers(10**9)))
    return X @ _gaussian(X, k, other) / math.sqrt(k)
