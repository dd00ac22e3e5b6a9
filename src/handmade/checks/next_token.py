"""Lesson 07: vectors out, probabilities."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from handmade.checks.case import Case, case, literal, rejects
from handmade.checks.draw import floats
from handmade.checks.exercise import CROSS_ENTROPY, SOFTMAX, exercise

tensor = torch.tensor
inf = math.inf
LOOSE = 2e-3  # room for float32 at entries of ±10,000, where neighbouring floats are 0.001 apart


def _of_logs(name: str, odds: Any, *more: Any, expect: Any, note: str = "") -> Case:
    """Return the case whose logits are logs of small integers, written so that a person can do it by hand."""
    odds = tensor(odds, dtype=torch.float32)
    text = ", ".join([f"{literal(odds)}.log()", *map(literal, more)])
    return case(odds.log(), *more, expect=expect, text=f"{name}({text})", note=note)


def _ids(rng: np.random.Generator, vocab_size: int, *shape: int) -> torch.Tensor:
    return tensor(rng.integers(vocab_size, size=shape))


@exercise(points=1, level=1, minutes=5)
def unembed(rng: np.random.Generator) -> Iterator[Case]:
    yield case(
        tensor([10.0, 1.0]), tensor([[1.0, 2.0], [3.0, 4.0]]), expect=tensor([13.0, 24.0]), note="one vector"
    )
    yield case(
        tensor([[1.0, 2.0], [0.0, 1.0], [-1.0, 3.0]]),
        tensor([[1.0, 0.0, 3.0, 1.0], [0.0, 1.0, 1.0, -2.0]]),
        expect=tensor([[1.0, 2.0, 5.0, -3.0], [0.0, 1.0, 1.0, -2.0], [-1.0, 3.0, 0.0, -7.0]]),
        note="three vectors, a vocabulary of four",
    )
    yield case(
        tensor([[[1.0, 0.0, 2.0]], [[0.0, -3.0, 1.0]]]),
        tensor([[1.0, 2.0], [4.0, 0.0], [5.0, 3.0]]),
        expect=tensor([[[11.0, 8.0]], [[-7.0, 3.0]]]),
        note="two texts of one vector each: three axes go in, and three come out",
    )
    yield case(floats(rng, 3, 4, 5), floats(rng, 5, 9), note="three texts of four vectors each")
    yield case(
        tensor([[2.0, -1.0, 3.0]]),
        tensor([[1.0], [4.0], [5.0]]),
        expect=tensor([[13.0]]),
        note="one vector, one token",
    )
    yield case(floats(rng, 3, 2).double(), floats(rng, 2, 4).double(), note="float64 numbers")
    yield case(floats(rng, 5, 3), floats(rng, 4, 3).T, note="a W_U that is the transpose of another matrix")
    yield case(floats(rng, 2, 1, 3, 4, largest=9), floats(rng, 4, 6), note="three leading axes")


@unembed.misconception(
    "You multiplied by the transpose of W_U. (A layer of `torch.nn` keeps its matrix that way round.)",
    "W_U has one column for each token. Which axis of W_U must be as long as a vector?",
)
def unembed_transposed(x: Any, W_U: Any) -> Any:
    return x @ W_U.T


@unembed.misconception(
    "These are probabilities already: a softmax ran over the logits.",
    "A logit is a dot product and nothing more. What is the dot product of the vector with the first column?",
)
def unembed_to_probabilities(x: Any, W_U: Any) -> Any:
    return torch.softmax(x @ W_U, -1)


@unembed.misconception(
    "You returned the token with the largest logit, and the logits are lost.",
    "How many numbers should come out for one vector?",
)
def unembed_to_best_token(x: Any, W_U: Any) -> Any:
    return (x @ W_U).argmax(-1)


@unembed.misconception(
    "You kept the last position of each text only. That is the next exercise.",
    "Three vectors go in: how many rows of logits come out?",
)
def unembed_last_only(x: Any, W_U: Any) -> Any:
    return (x[-1] if x.ndim == 2 else x[..., -1, :] if x.ndim > 2 else x) @ W_U


@unembed.misconception(
    "All positions of all texts came out in one long row of rows; the leading axes are lost.",
    "For vectors of shape (2, 1, 3) and a vocabulary of 2, what should the shape of the logits be?",
)
def unembed_flattened(x: Any, W_U: Any) -> Any:
    return (x.reshape(-1, x.shape[-1]) @ W_U) if x.ndim > 2 else x @ W_U


@unembed.misconception(
    "You compared directions: the vectors were divided by their lengths, as in a cosine.",
    "If a vector becomes twice as long, should its logits stay, or become twice as large?",
)
def unembed_by_cosine(x: Any, W_U: Any) -> Any:
    return (x / x.norm(dim=-1, keepdim=True)) @ (W_U / W_U.norm(dim=0, keepdim=True))


@exercise(points=1, level=1, minutes=4)
def last_logits(rng: np.random.Generator) -> Iterator[Case]:
    yield case(
        tensor([[9.0, 8.0], [10.0, 1.0]]),
        tensor([[1.0, 2.0], [3.0, 4.0]]),
        expect=tensor([13.0, 24.0]),
        note="two positions",
    )
    yield case(
        tensor([[1.0, 2.0], [5.0, -1.0], [0.0, 3.0]]),
        tensor([[1.0, 0.0, 3.0, 1.0], [0.0, 1.0, 1.0, -2.0]]),
        expect=tensor([0.0, 3.0, 3.0, -6.0]),
        note="three positions, a vocabulary of four",
    )
    yield case(
        tensor([[2.0, -1.0]]),
        tensor([[1.0, 0.0, 2.0], [3.0, 1.0, 5.0]]),
        expect=tensor([-1.0, -1.0, -1.0]),
        note="a text of one token",
    )
    yield case(floats(rng, 3, 3), floats(rng, 3, 3), note="as many positions as the vectors have entries")
    yield case(floats(rng, 5, 4, largest=9), floats(rng, 4, 7), note="five positions")
    yield case(floats(rng, 2, 4).double(), floats(rng, 4, 3).double(), note="float64 numbers")
    yield case(floats(rng, 3, 4).T, floats(rng, 5, 3).T, note="two matrices that are transposes of others")


@last_logits.misconception(
    "You took the first position.",
    "Which vector has seen the whole text, the first or the last?",
)
def logits_of_the_first(X: Any, W_U: Any) -> Any:
    return X[0] @ W_U


@last_logits.misconception(
    "You took the mean of all positions.",
    "The next token comes behind one position. Which one?",
)
def logits_of_the_mean(X: Any, W_U: Any) -> Any:
    return X.mean(0) @ W_U


@last_logits.misconception(
    "These are the logits of every position.",
    'How many rows does the answer to the question "what comes next?" have?',
)
def logits_of_all(X: Any, W_U: Any) -> Any:
    return X @ W_U


@last_logits.misconception(
    "The numbers are right, and they stand in a matrix with one row: a slice such as `X[-1:]` keeps the axis.",
    "What is the difference between `X[-1:]` and `X[-1]`?",
)
def last_axis_kept(X: Any, W_U: Any) -> Any:
    return X[-1:] @ W_U


@last_logits.misconception(
    "You took the last column of X: the last entry of every vector.",
    "One token is one row. How do you take the last row?",
)
def last_column(X: Any, W_U: Any) -> Any:
    return X[:, -1] @ W_U


@last_logits.misconception(
    "You added up all positions.",
    "Would the same last vector behind a longer text give other logits? Should it?",
)
def logits_of_the_sum(X: Any, W_U: Any) -> Any:
    return (X @ W_U).sum(0)


@last_logits.misconception(
    "A softmax ran over the logits; these are probabilities.",
    "Logits may be negative, and need not add to 1. What does your `unembed` give for the last vector?",
)
def last_probabilities(X: Any, W_U: Any) -> Any:
    return torch.softmax(X[-1] @ W_U, -1)


@exercise(points=3, level=3, minutes=20, by_hand=SOFTMAX)
def softmax(rng: np.random.Generator) -> Iterator[Case]:
    yield _of_logs("softmax", [1, 2, 3], expect=tensor([1.0, 2.0, 3.0]) / 6)
    yield _of_logs(
        "softmax",
        [[1, 3], [1, 1], [4, 1]],
        expect=tensor([[0.25, 0.75], [0.5, 0.5], [0.8, 0.2]]),
        note="three rows; without a `dim`, each row is one question",
    )
    yield _of_logs(
        "softmax",
        [[1, 2, 3], [3, 2, 1]],
        0,
        expect=tensor([[0.25, 0.5, 0.75], [0.75, 0.5, 0.25]]),
        note="dim 0: each column is one question",
    )
    yield case(
        tensor([1000.0, 1001.0, 999.0]),
        note="large numbers: e to the 1,000 is too large for a float",
        tolerance=LOOSE,
    )
    yield case(
        tensor([-10000.0, -10000.0, -10000.0, -10000.0]),
        expect=tensor([0.25] * 4),
        note="far below zero",
        tolerance=LOOSE,
    )
    yield case(
        tensor([10000.0, 0.0, -10000.0]), expect=tensor([1.0, 0.0, 0.0]), note="both at once", tolerance=LOOSE
    )
    yield case(
        tensor([[10000.0, 10001.0], [-10000.0, -10001.0], [0.0, 1.0]]),
        note="rows of very different sizes",
        tolerance=LOOSE,
    )
    yield case(
        tensor([-inf, 0.0, -inf, 0.0]),
        expect=tensor([0.0, 0.5, 0.0, 0.5]),
        note="an entry of -inf gets exactly 0",
    )
    yield case(
        tensor([[2.0, -inf, 2.0], [-inf, -10000.0, -inf]]),
        expect=tensor([[0.5, 0.0, 0.5], [0.0, 1.0, 0.0]]),
        note="-inf at different places in two rows",
    )
    yield case(floats(rng, 3, 3), 0, note="a square, dim 0")
    yield case(floats(rng, 3, 3), note="a square, the default dim")
    yield case(floats(rng, 2, 3, 4), 1, note="three axes, the middle one asked for")
    yield case(floats(rng, 2, 3, 4, largest=9), -1, note="three axes, the last one asked for")
    yield case(floats(rng, 3, 2, 4), -3, note="three axes, counted from the end")
    yield case(floats(rng, 2, 3, 2, 4), 2, note="four axes")
    yield case(tensor([[5.0], [-3.0]]), expect=tensor([[1.0], [1.0]]), note="a vocabulary of one token")
    yield case(
        floats(rng, 4, 3).double().T, 1, note="float64 numbers, in a matrix that is the transpose of another"
    )
    yield case(
        tensor([[0.0, -inf], [-10000.0, 3.0], [-inf, 3.0]]),
        0,
        expect=tensor([[1.0, 0.0], [0.0, 0.5], [0.0, 0.5]]),
        note="-inf and large numbers, dim 0",
        tolerance=LOOSE,
    )


@softmax.misconception(
    "The powers overflow: e to the 89 is too large for a float32 and becomes inf, and inf / inf is nan. Far below zero all powers become 0, and 0 / 0 is nan too.",
    "What happens to the answer when you subtract the same number from all entries? Which number would make the largest entry harmless?",
)
def softmax_overflows(z: Any, dim: int = -1) -> Any:
    return z.exp() / z.exp().sum(dim, keepdim=True)


@softmax.misconception(
    "All entries of your answer together add to 1.",
    "Each row is a question of its own. Along which axis should the numbers add to 1?",
)
def softmax_over_everything(z: Any, dim: int = -1) -> Any:
    powers = (z - z.max()).exp()
    return powers / powers.sum()


@softmax.misconception(
    "Your softmax runs over the last axis, whatever `dim` says.",
    "Where does `dim` appear in your code? It belongs to the sum, and to the largest entry too.",
)
def softmax_ignores_dim(z: Any, dim: int = -1) -> Any:
    return torch.softmax(z, -1)


@softmax.misconception(
    "Your softmax runs over the first axis, whatever `dim` says: your columns add to 1, and your rows do not.",
    "Where does `dim` appear in your code, and what is it when nobody gives it?",
)
def softmax_over_the_first(z: Any, dim: int = -1) -> Any:
    return torch.softmax(z, 0)


@softmax.misconception(
    "The sums have lost their axis, so they are stretched along the wrong one when you divide.",
    "What does `keepdim=True` do?",
)
def softmax_without_keepdim(z: Any, dim: int = -1) -> Any:
    powers = (z - z.amax(dim, keepdim=True)).exp()
    return powers / powers.sum(dim)


@softmax.misconception(
    "You subtracted the largest entry of the whole tensor. Where a row lies far below it, all its powers become 0, and 0 / 0 is nan.",
    "Each row may be shifted by a number of its own. Which one?",
)
def softmax_one_maximum(z: Any, dim: int = -1) -> Any:
    powers = (z - z.max()).exp()
    return powers / powers.sum(dim, keepdim=True)


@softmax.misconception(
    "You subtracted the mean. The largest entry can still lie far above it and overflow, and with an entry of -inf the mean is -inf.",
    "Which entry must not be above 0 after the shift?",
)
def softmax_mean_shift(z: Any, dim: int = -1) -> Any:
    powers = (z - z.mean(dim, keepdim=True)).exp()
    return powers / powers.sum(dim, keepdim=True)


@softmax.misconception(
    "You cut off large numbers before the powers. Then 1,000 and 1,001 look alike.",
    "What happens to the answer when you subtract the same number from all entries?",
)
def softmax_clamped(z: Any, dim: int = -1) -> Any:
    return torch.softmax(z.clamp(-80, 80), dim)


@softmax.misconception(
    "You divided the numbers themselves by their sum; the powers are missing.",
    "What should become of a negative number, so that the answer is positive?",
)
def divided_by_the_sum(z: Any, dim: int = -1) -> Any:
    return z / z.sum(dim, keepdim=True)


@softmax.misconception(
    "You squared the numbers and divided by the sum. Then -2 counts as much as 2.",
    "Which function is positive everywhere and keeps the order of all numbers?",
)
def squares_by_the_sum(z: Any, dim: int = -1) -> Any:
    return z**2 / (z**2).sum(dim, keepdim=True)


@softmax.misconception(
    "The powers are there, and do not add to 1.",
    "What do you divide by?",
)
def powers_alone(z: Any, dim: int = -1) -> Any:
    return (z - z.amax(dim, keepdim=True)).exp()


@softmax.misconception(
    "These are the logs of the probabilities.",
    "What undoes a logarithm?",
)
def log_of_softmax(z: Any, dim: int = -1) -> Any:
    return torch.log_softmax(z, dim)


@softmax.misconception(
    "You took powers of 2. A softmax takes powers of e.",
    "What is `exp(log(3))`, and what is 2 to the log(3)?",
)
def softmax_of_base_two(z: Any, dim: int = -1) -> Any:
    return torch.softmax(z * math.log(2), dim)


@softmax.misconception(
    "You gave everything to the largest entry.",
    "For the logs of 1, 2 and 3, how much more should the last one get than the first?",
)
def hard_maximum(z: Any, dim: int = -1) -> Any:
    top = z == z.amax(dim, keepdim=True)
    return top.to(z.dtype) / top.sum(dim, keepdim=True)


@exercise(points=2, level=2, minutes=8, by_hand=SOFTMAX)
def softmax_with_temperature(rng: np.random.Generator) -> Iterator[Case]:
    name = "softmax_with_temperature"
    yield _of_logs(
        name, [1, 2, 3], 0.5, expect=tensor([1.0, 4.0, 9.0]) / 14, note="colder: the odds are squared"
    )
    yield _of_logs(
        name, [1, 4, 9], 2.0, expect=tensor([1.0, 2.0, 3.0]) / 6, note="hotter: the roots of the odds"
    )
    yield _of_logs(
        name, [1, 2, 3], 1.0, expect=tensor([1.0, 2.0, 3.0]) / 6, note="temperature 1 changes nothing"
    )
    yield _of_logs(
        name,
        [[1, 3], [1, 1], [2, 1]],
        0.5,
        expect=tensor([[0.1, 0.9], [0.5, 0.5], [0.8, 0.2]]),
        note="three rows",
    )
    yield rejects(tensor([1.0, 2.0, 3.0]), 0.0, note="temperature 0 must be refused")
    yield rejects(tensor([1.0, 2.0, 3.0]), -1.0, note="a negative temperature must be refused")
    yield case(tensor([1.0, 1.5, -2.0]), 0.01, note="very cold")
    yield case(tensor([300.0, 0.0, -100.0]), 100.0, note="very hot, and logits that lie far apart")
    yield case(tensor([[10000.0, 9999.0], [-10000.0, -10001.0]]), 0.5, note="large logits", tolerance=LOOSE)
    yield case(floats(rng, 4), 0.7)
    yield case(floats(rng, 2, 3, 4), 1.5, note="two leading axes")
    yield case(floats(rng, 3, 3), 0.8, note="a square")
    yield case(floats(rng, 2, 4, largest=9).double(), 2.5, note="float64 numbers")


def _refuse(temperature: float) -> None:
    if temperature <= 0:
        raise ValueError


@softmax_with_temperature.misconception(
    "You multiplied the logits by the temperature.",
    "At a high temperature the probabilities become more alike. Should the logits move together or apart for that?",
)
def temperature_multiplied(logits: Any, temperature: float) -> Any:
    _refuse(temperature)
    return torch.softmax(logits * temperature, -1)


@softmax_with_temperature.misconception(
    "You divided the probabilities, so they no longer add to 1.",
    "Which numbers does the temperature belong to, those before the softmax or those after it?",
)
def temperature_after_the_softmax(logits: Any, temperature: float) -> Any:
    _refuse(temperature)
    return torch.softmax(logits, -1) / temperature


@softmax_with_temperature.misconception(
    "The temperature changes nothing in your answer: it is the softmax at temperature 1.",
    "What becomes of a factor that stands in every term of a sum, when you divide by that sum?",
)
def temperature_without_effect(logits: Any, temperature: float) -> Any:
    _refuse(temperature)
    p = torch.softmax(logits, -1) / temperature
    return p / p.sum(-1, keepdim=True)


@softmax_with_temperature.misconception(
    "A temperature of 0 or less was not refused.",
    "What would you divide by at temperature 0, and what would -1 do to the order of the tokens?",
)
def every_temperature_taken(logits: Any, temperature: float) -> Any:
    return torch.softmax(logits / temperature, -1)


@softmax_with_temperature.misconception(
    "A negative temperature was not refused; 0 was.",
    "What does dividing by -1 do to the order of the tokens?",
)
def negative_temperature_taken(logits: Any, temperature: float) -> Any:
    if temperature == 0:
        raise ValueError
    return torch.softmax(logits / temperature, -1)


@softmax_with_temperature.misconception(
    "At temperature 0 you gave everything to the largest logit. That is a fair idea, and lesson 13 has it; here 0 is to be refused.",
    "Where do you raise the `ValueError`, before anything is divided?",
)
def zero_is_greedy(logits: Any, temperature: float) -> Any:
    if temperature < 0:
        raise ValueError
    if temperature == 0:
        return functional.one_hot(logits.argmax(-1), logits.shape[-1]).to(logits.dtype)
    return torch.softmax(logits / temperature, -1)


@softmax_with_temperature.misconception(
    "You raised the probabilities to a power. On paper that is the same; in a float32, a probability below 1e-45 has become 0, and no power brings it back.",
    "What could you divide before anything has become that small?",
)
def powers_of_probabilities(logits: Any, temperature: float) -> Any:
    _refuse(temperature)
    p = torch.softmax(logits, -1) ** (1 / temperature)
    return p / p.sum(-1, keepdim=True)


@softmax_with_temperature.misconception(
    "You divided by the square root of the temperature.",
    "At temperature 0.5, by how much should the distance between two logits grow?",
)
def root_of_the_temperature(logits: Any, temperature: float) -> Any:
    _refuse(temperature)
    return torch.softmax(logits / temperature**0.5, -1)


@softmax_with_temperature.misconception(
    "Your columns add to 1, and your rows do not: the softmax ran over the first axis.",
    "Which axis holds the vocabulary?",
)
def temperature_over_the_first_axis(logits: Any, temperature: float) -> Any:
    _refuse(temperature)
    return torch.softmax(logits / temperature, 0)


@exercise(points=3, level=3, minutes=20, by_hand=CROSS_ENTROPY)
def cross_entropy(rng: np.random.Generator) -> Iterator[Case]:
    name = "cross_entropy"
    yield _of_logs(
        name,
        [[1, 2, 1]],
        tensor([1]),
        expect=math.log(2),
        note="one position; the target has probability 1/2",
    )
    yield _of_logs(
        name,
        [[1, 2, 1], [4, 3, 1]],
        tensor([1, 2]),
        expect=math.log(4),
        note="two positions, with probabilities 1/2 and 1/8: the mean of log 2 and log 8",
    )
    yield case(
        torch.zeros(3, 8),
        tensor([0, 7, 4]),
        expect=math.log(8),
        note="all logits equal: the loss is log of the vocabulary's size",
    )
    yield case(tensor([[2.0, -1.0, 0.5]]), tensor([0]))
    yield case(floats(rng, 2, 3, 4), _ids(rng, 4, 2, 3), note="two texts of three positions, four tokens")
    yield case(floats(rng, 2, 4, 4), _ids(rng, 4, 2, 4), note="as many positions as tokens")
    yield case(
        tensor([[10000.0, 0.0, -10000.0]]),
        tensor([2]),
        expect=20000.0,
        note="a target that seems impossible costs much, not infinitely much",
    )
    yield case(
        tensor([[1000.0, 0.0], [0.0, 1000.0]]),
        tensor([1, 1]),
        expect=500.0,
        note="large logits, one guess wrong, one right",
    )
    yield case(
        tensor([[-10000.0, -9999.0], [10000.0, 9999.0]]),
        tensor([1, 0]),
        expect=math.log(1 + math.exp(-1)),
        note="large logits that are close together",
        tolerance=LOOSE,
    )
    yield case(floats(rng, 5, 7, largest=9), _ids(rng, 7, 5), note="five positions, seven tokens")
    yield case(floats(rng, 2, 2, 3, 5), _ids(rng, 5, 2, 2, 3), note="three leading axes")
    yield case(floats(rng, 4, 3).double(), _ids(rng, 3, 4), note="float64 numbers")
    yield case(floats(rng, 6, 3).T, _ids(rng, 6, 3), note="a matrix that is the transpose of another")


def _losses(logits: Any, targets: Any) -> Any:
    return -torch.log_softmax(logits, -1).gather(-1, targets[..., None])[..., 0]


@cross_entropy.misconception(
    "You took the log of a probability that has become 0: a float32 cannot hold e to the -104. The loss is then infinite, or nan.",
    "log(exp(z) / sum) is a difference of two logs. What is left of the first one, when you do not compute the exp at all?",
)
def log_of_an_underflow(logits: Any, targets: Any) -> Any:
    return -torch.softmax(logits, -1).log().gather(-1, targets[..., None]).mean()


@cross_entropy.misconception(
    "You added something small to the probability, so as never to take the log of 0. Then a wrong guess costs the same, however wrong it is.",
    "log(exp(z) / sum) is a difference of two logs. Can you do without the probability?",
)
def log_with_epsilon(logits: Any, targets: Any) -> Any:
    return -(torch.softmax(logits, -1).gather(-1, targets[..., None]) + 1e-9).log().mean()


@cross_entropy.misconception(
    "The powers overflow: you shifted nothing before `exp`, and inf or nan came out.",
    "By how much may you shift the logits of one position without changing its probabilities?",
)
def log_sum_overflows(logits: Any, targets: Any) -> Any:
    return (logits.exp().sum(-1).log() - logits.gather(-1, targets[..., None])[..., 0]).mean()


@cross_entropy.misconception(
    "You added the losses of all positions up.",
    "If the same text came twice, should the loss double or stay?",
)
def sum_of_the_losses(logits: Any, targets: Any) -> Any:
    return _losses(logits, targets).sum()


@cross_entropy.misconception(
    "The sign is the other way round: your loss is negative, and grows when the guesses get better.",
    "The log of a probability is at most 0. What should a loss be?",
)
def sign_of_the_loss(logits: Any, targets: Any) -> Any:
    return -_losses(logits, targets).mean()


@cross_entropy.misconception(
    "You treated the logits as probabilities: the log of the target's logit itself.",
    "Logits may be negative, and need not add to 1. What makes probabilities of them?",
)
def logits_as_probabilities(logits: Any, targets: Any) -> Any:
    return -logits.gather(-1, targets[..., None]).log().mean()


@cross_entropy.misconception(
    "The softmax ran twice: you computed the loss of probabilities as though they were logits.",
    "Which of your lines already turns logits into (logs of) probabilities?",
)
def softmax_twice(logits: Any, targets: Any) -> Any:
    return _losses(torch.softmax(logits, -1), targets).mean()


@cross_entropy.misconception(
    "The logarithm is missing: this is the mean probability of the targets, with a minus sign.",
    "What should it cost to give the right token 1 in a million instead of 1 in a hundred: nearly the same?",
)
def minus_the_probability(logits: Any, targets: Any) -> Any:
    return -torch.softmax(logits, -1).gather(-1, targets[..., None]).mean()


@cross_entropy.misconception(
    "You took the log of the mean probability. Asked for is the mean of the logs.",
    "Which comes first, the log of each position or the mean over the positions?",
)
def log_of_the_mean(logits: Any, targets: Any) -> Any:
    return -torch.softmax(logits, -1).gather(-1, targets[..., None]).mean().log()


@cross_entropy.misconception(
    "You divided by the number of all logits. In each position only one of them, the target's, counts.",
    "How many losses are there: one a position, or one a position and token?",
)
def mean_over_the_vocabulary(logits: Any, targets: Any) -> Any:
    return _losses(logits, targets).sum() / logits.numel()


@cross_entropy.misconception(
    "You averaged over all tokens, as if each of them were the target.",
    "Which entry of each row do the targets point to?",
)
def every_token_a_target(logits: Any, targets: Any) -> Any:
    return -torch.log_softmax(logits, -1).mean()


@cross_entropy.misconception(
    "These are the losses, one for each position; their mean is missing.",
    "How many numbers is one loss?",
)
def losses_not_averaged(logits: Any, targets: Any) -> Any:
    return _losses(logits, targets)


@cross_entropy.misconception(
    "Your loss counts in bits (logs of base 2).",
    "In which base is the log of e equal to 1, and which base did you take?",
)
def loss_in_bits(logits: Any, targets: Any) -> Any:
    return _losses(logits, targets).mean() / math.log(2)


@cross_entropy.misconception(
    "The second axis was taken for the vocabulary. (torch's own `cross_entropy` does so when there are more than two axes.)",
    "Which axis of the logits holds the vocabulary, and how could you bring all other axes into one?",
)
def vocabulary_on_the_second_axis(logits: Any, targets: Any) -> Any:
    return functional.cross_entropy(logits, targets)


@cross_entropy.misconception(
    "Your loss is that of the last position only.",
    "How many positions have a target?",
)
def loss_of_the_last_position(logits: Any, targets: Any) -> Any:
    return _losses(logits, targets)[..., -1].mean()


@cross_entropy.misconception(
    "You added up the positions of each text, and averaged over the texts only.",
    "If one text had twice as many positions, should its loss double?",
)
def sum_within_each_text(logits: Any, targets: Any) -> Any:
    losses = _losses(logits, targets)
    return losses.sum(-1).mean() if losses.ndim > 1 else losses.mean()


@cross_entropy.misconception(
    "This is a squared error between probabilities and a vector with a single 1.",
    "Which number of each row does the cross-entropy look at, and which function does it take of it?",
)
def squared_error(logits: Any, targets: Any) -> Any:
    wanted = functional.one_hot(targets, logits.shape[-1]).to(logits.dtype)
    return ((torch.softmax(logits, -1) - wanted) ** 2).sum(-1).mean()


@exercise(points=1, level=2, minutes=5, by_hand=CROSS_ENTROPY)
def perplexity(rng: np.random.Generator) -> Iterator[Case]:
    name = "perplexity"
    yield _of_logs(name, [[1, 2, 1]], tensor([1]), expect=2, note="the target has probability 1/2")
    yield _of_logs(
        name,
        [[1, 2, 1], [4, 3, 1]],
        tensor([1, 2]),
        expect=4,
        note="probabilities 1/2 and 1/8",
    )
    yield case(torch.zeros(3, 8), tensor([0, 7, 4]), expect=8, note="all logits equal, eight tokens")
    yield case(tensor([[50.0, 0.0], [0.0, 50.0]]), tensor([0, 1]), expect=1, note="sure, and right")
    yield case(
        torch.full((2, 5), 10000.0),
        tensor([3, 0]),
        expect=5,
        note="all logits equal and large",
        tolerance=LOOSE,
    )
    yield case(floats(rng, 2, 3, 4), _ids(rng, 4, 2, 3), note="two texts of three positions", tolerance=1e-4)
    yield case(floats(rng, 5, 3).double(), _ids(rng, 3, 5), note="float64 numbers", tolerance=1e-4)
    yield case(floats(rng, 4, 7), _ids(rng, 7, 4), tolerance=1e-4)


@perplexity.misconception(
    "This is the cross-entropy itself.",
    "Where all 8 tokens are equally likely the cross-entropy is log 8. Which function makes 8 of it?",
)
def loss_as_perplexity(logits: Any, targets: Any) -> Any:
    return _losses(logits, targets).mean()


@perplexity.misconception(
    "You took a power of 2 of a loss that counts in base e.",
    "Which function undoes the log that you use?",
)
def power_of_two(logits: Any, targets: Any) -> Any:
    return 2 ** _losses(logits, targets).mean()


@perplexity.misconception(
    "You took the exp at each position, and the mean after it.",
    "Which comes first, the mean or the exp?",
)
def mean_of_perplexities(logits: Any, targets: Any) -> Any:
    return _losses(logits, targets).exp().mean()


@perplexity.misconception(
    "You divided 1 by the mean probability. One very bad guess hardly shows in it.",
    "What is e to the *mean of the losses*, for the probabilities 1/2 and 1/8?",
)
def one_by_the_mean_probability(logits: Any, targets: Any) -> Any:
    return 1 / (-_losses(logits, targets)).exp().mean()


@perplexity.misconception(
    "This is a typical probability of the target. Perplexity is 1 divided by it.",
    "Should a worse guess give a smaller perplexity, or a larger one?",
)
def typical_probability(logits: Any, targets: Any) -> Any:
    return (-_losses(logits, targets).mean()).exp()


@perplexity.misconception(
    "You took the exp of the sum of all losses.",
    "Should a longer text, guessed equally well, have a larger perplexity?",
)
def exp_of_the_sum(logits: Any, targets: Any) -> Any:
    return _losses(logits, targets).sum().exp()


@perplexity.misconception(
    "You measured how spread out the guesses are, and did not look at the targets.",
    "A model that is sure, and wrong: is its perplexity small?",
)
def spread_of_the_guesses(logits: Any, targets: Any) -> Any:
    p = torch.softmax(logits, -1)
    return (-(p * torch.log_softmax(logits, -1)).sum(-1).mean()).exp()


@exercise(points=3, level=3, minutes=18)
def bigram_logits(rng: np.random.Generator) -> Iterator[Case]:
    yield case(
        tensor([0, 1, 0, 1]),
        2,
        expect=(tensor([[1.0, 3.0], [2.0, 1.0]]) / tensor([[4.0], [3.0]])).log(),
        note="the pair (0, 1) occurs twice, (1, 0) once; then every count is 1 larger",
    )
    yield case(
        tensor([0, 1, 2, 0, 1]),
        3,
        expect=(
            tensor([[1.0, 3.0, 1.0], [1.0, 1.0, 2.0], [2.0, 1.0, 1.0]]) / tensor([[5.0], [4.0], [4.0]])
        ).log(),
        note="three tokens",
    )
    yield case(
        tensor([1, 1, 1, 1]),
        3,
        expect=(
            tensor([[1.0, 1.0, 1.0], [1.0, 4.0, 1.0], [1.0, 1.0, 1.0]]) / tensor([[3.0], [6.0], [3.0]])
        ).log(),
        note="tokens 0 and 2 never occur; the pair (1, 1) occurs three times",
    )
    yield case(
        tensor([1, 0, 0]),
        2,
        0.5,
        expect=(tensor([[1.5, 0.5], [1.5, 0.5]]) / 2).log(),
        note="smoothing 0.5",
    )
    yield case(tensor([2]), 4, expect=torch.full((4, 4), 0.25).log(), note="one token alone: no pair")
    yield case(
        tensor([0, 1]),
        2,
        2.0,
        expect=(tensor([[2.0, 3.0], [2.0, 2.0]]) / tensor([[5.0], [4.0]])).log(),
        note="smoothing 2",
    )
    yield case(_ids(rng, 4, 30), 4, 0.001, note="very little smoothing")
    yield case(_ids(rng, 5, 400), 7, 0.1, note="400 tokens, a vocabulary of seven")
    yield case(_ids(rng, 3, 40)[::2], 3, note="every second token of a longer text")


def _counts(ids: Any, vocab_size: int) -> Any:
    counts = torch.zeros(vocab_size, vocab_size)
    for a, b in zip(ids[:-1].tolist(), ids[1:].tolist(), strict=True):
        counts[a, b] += 1
    return counts


def _log_rows(counts: Any) -> Any:
    return (counts / counts.sum(1, keepdim=True)).log()


@bigram_logits.misconception(
    "Your columns were divided by their sums, not your rows.",
    "Row a asks: what comes after a? Along which axis do the answers to one question add to 1?",
)
def columns_normalised(ids: Any, vocab_size: int, smoothing: float = 1.0) -> Any:
    counts = _counts(ids, vocab_size) + smoothing
    return (counts / counts.sum(0, keepdim=True)).log()


@bigram_logits.misconception(
    "Your matrix is transposed: its rows are the second token of each pair.",
    "Which token do you know already when you ask for the next one? It chooses the row.",
)
def second_token_in_rows(ids: Any, vocab_size: int, smoothing: float = 1.0) -> Any:
    return _log_rows(_counts(ids, vocab_size).T + smoothing)


@bigram_logits.misconception(
    "Where a pair never occurs, you took the log of 0 (or divided 0 by 0): the smoothing is missing.",
    "At which moment do you add `smoothing`, before or after the rows are divided by their sums?",
)
def not_smoothed(ids: Any, vocab_size: int, smoothing: float = 1.0) -> Any:
    return _log_rows(_counts(ids, vocab_size))


@bigram_logits.misconception(
    "You divided by the counts' own sums and forgot what the smoothing had added, so your rows do not add to 1.",
    "When every count of a row becomes larger, what becomes of its sum?",
)
def smoothed_above_only(ids: Any, vocab_size: int, smoothing: float = 1.0) -> Any:
    counts = _counts(ids, vocab_size)
    return ((counts + smoothing) / counts.sum(1, keepdim=True)).log()


@bigram_logits.misconception(
    "You added the smoothing to the probabilities, after the rows were divided by their sums.",
    "Is the smoothing an addition to the *counts*, or to the shares?",
)
def smoothed_after(ids: Any, vocab_size: int, smoothing: float = 1.0) -> Any:
    counts = _counts(ids, vocab_size)
    return (counts / counts.sum(1, keepdim=True).clamp(min=1) + smoothing).log()


@bigram_logits.misconception(
    "The smoothing is always 1 in your code.",
    "Where does the argument `smoothing` appear?",
)
def smoothing_fixed(ids: Any, vocab_size: int, smoothing: float = 1.0) -> Any:
    return _log_rows(_counts(ids, vocab_size) + 1)


@bigram_logits.misconception(
    "These are the probabilities; their logs are asked for.",
    "What must a softmax get, so that it gives these probabilities back?",
)
def probabilities_not_logs(ids: Any, vocab_size: int, smoothing: float = 1.0) -> Any:
    counts = _counts(ids, vocab_size) + smoothing
    return counts / counts.sum(1, keepdim=True)


@bigram_logits.misconception(
    "These are logs of counts. A softmax would forgive you, but asked for are the logs of *shares*: each row, after `exp`, adds to 1.",
    "What do you divide each row by before the log?",
)
def logs_of_counts(ids: Any, vocab_size: int, smoothing: float = 1.0) -> Any:
    return (_counts(ids, vocab_size) + smoothing).log()


@bigram_logits.misconception(
    "You divided by the number of all pairs, so all your rows together add to 1.",
    "Row a asks: what comes after a? What should one row alone add to?",
)
def all_pairs_together(ids: Any, vocab_size: int, smoothing: float = 1.0) -> Any:
    counts = _counts(ids, vocab_size) + smoothing
    return (counts / counts.sum()).log()


@bigram_logits.misconception(
    "You counted one pair too many: the last token is followed by the first (`torch.roll` does this).",
    "How many pairs of neighbours does a text of n tokens have?",
)
def text_in_a_ring(ids: Any, vocab_size: int, smoothing: float = 1.0) -> Any:
    return _log_rows(_counts(torch.cat([ids, ids[:1]]), vocab_size) + smoothing)


@bigram_logits.misconception(
    "Your pairs do not overlap: after each pair you went on behind it.",
    "In the text a b c, which tokens come after which?",
)
def pairs_apart(ids: Any, vocab_size: int, smoothing: float = 1.0) -> Any:
    counts = torch.zeros(vocab_size, vocab_size)
    for i in range(0, len(ids) - 1, 2):
        counts[ids[i], ids[i + 1]] += 1
    return _log_rows(counts + smoothing)


@bigram_logits.misconception(
    "You counted each pair in both directions.",
    "In the text `qu`, does q come after u?",
)
def both_directions(ids: Any, vocab_size: int, smoothing: float = 1.0) -> Any:
    counts = _counts(ids, vocab_size)
    return _log_rows(counts + counts.T + smoothing)


@bigram_logits.misconception(
    "Each pair counts once in your matrix, however often it occurs. (`counts[a, b] += 1` with tensors a and b does this.)",
    "What does the entry of a pair that occurs twice have to be?",
)
def each_pair_once(ids: Any, vocab_size: int, smoothing: float = 1.0) -> Any:
    counts = torch.full((vocab_size, vocab_size), float(smoothing))
    counts[ids[:-1], ids[1:]] += 1
    return _log_rows(counts)


@bigram_logits.misconception(
    "All your rows are the same: how often each token occurs, whatever stands before it.",
    "Which row does the pair (a, b) belong to?",
)
def single_tokens(ids: Any, vocab_size: int, smoothing: float = 1.0) -> Any:
    counts = torch.bincount(ids, minlength=vocab_size) + smoothing
    return (counts / counts.sum()).log().repeat(vocab_size, 1)
