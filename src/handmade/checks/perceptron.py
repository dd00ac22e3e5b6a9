"""Lesson 02: one neuron, one straight line.

Where a step decides, the random numbers are quarters: sums of their products are exact in every order, so that a
right answer lands on the same side of 0 whatever its idiom.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from handmade.checks.case import Case, case, play, rejects
from handmade.checks.compare import Unfit, describe, is_array, is_bool, to_numpy
from handmade.checks.draw import decimals, quarters
from handmade.checks.exercise import exercise

array = np.array

INPUTS = array([[0, 0], [0, 1], [1, 0], [1, 1]])
TABLES = {"AND": (0, 0, 0, 1), "OR": (0, 1, 1, 1), "NAND": (1, 1, 1, 0), "NOR": (1, 0, 0, 0)}


def _integers(answer: Any) -> Any:
    """Return the answer of a step, which must be whole numbers by type."""
    if isinstance(answer, float | np.floating) or (is_array(answer) and "float" in str(answer.dtype)):
        shown = " ".join(str(np.asarray(answer)).split())[:120]
        raise Unfit(f"Expected integers, got floats: {shown}.")
    return answer


def _steps(z: np.ndarray, expect: Any = None, note: str = "") -> Case:
    if expect is None:
        return case(z, view=_integers, note=note)
    return case(z, expect=expect, view=_integers, note=note)


@exercise(points=1, level=1, minutes=4, by_hand=("heaviside",))
def step(rng: np.random.Generator) -> Iterator[Case]:
    yield _steps(array([-2.0, 0.0, 0.5, 3.0]), array([0, 0, 1, 1]))
    yield _steps(
        array([[1, -1, 0], [0, 7, -3]]), array([[1, 0, 0], [0, 1, 0]]), "a matrix of integers, 2 rows"
    )
    yield _steps(array(2.5), 1, "an array without axes, which holds one number")
    yield _steps(
        array([1e-20, -1e-20]), array([1, 0]), "numbers very close to 0, and still on one side of it"
    )
    yield _steps(array([[[0.2]], [[-0.2]]]), array([[[1]], [[0]]]), "three axes")
    yield _steps(quarters(rng, 5, largest=1.0).astype(np.float32), note="float32 numbers")
    yield _steps(quarters(rng, 3, 2).T, note="a matrix that is the transpose of another")
    yield _steps(rng.integers(-2, 3, size=(2, 3, 4)) / 2, note="three axes, with some zeros")


@step.misconception(
    "At z = 0 your step is 1. Here a neuron must get above 0 before it says 1.",
    "Do you compare with `>` or with `>=`?",
)
def one_at_zero(z: Any) -> Any:
    return np.where(z >= 0, 1, 0)


@step.misconception(
    "Your step answers −1 and 1.",
    "Which two numbers are the answers of a step, and which of them stands for no?",
)
def minus_one_and_one(z: Any) -> Any:
    return np.where(z > 0, 1, -1)


@step.misconception(
    "This is the sign: it tells three cases apart, −1, 0 and 1.",
    "What should a negative number become?",
)
def the_sign(z: Any) -> Any:
    return np.sign(z).astype(int)


@step.misconception(
    "Your answers are True and False: the comparison alone.",
    "How do you make the integers 1 and 0 of an array of True and False?",
)
def booleans(z: Any) -> Any:
    return z > 0


@step.misconception(
    "The values are right, but they are floats, 0.0 and 1.0.",
    "Which type makes whole numbers of an array, with `.astype(…)`?",
)
def floats(z: Any) -> Any:
    return np.where(z > 0, 1.0, 0.0)


@step.misconception(
    "This is ReLU: it turns negative numbers into 0, and lets positive ones through as they are.",
    "Which one number should every positive z become?",
)
def relu(z: Any) -> Any:
    return np.maximum(z, 0)


@step.misconception(
    "Your 0s and 1s are exchanged.",
    "Which answer should a large positive number give?",
)
def exchanged(z: Any) -> Any:
    return np.where(z > 0, 0, 1)


@exercise(points=1, level=1, minutes=6)
def perceptron(rng: np.random.Generator) -> Iterator[Case]:
    X = array([[1, 0], [0, 1], [2, 3], [-1, 1], [3, -1]])
    yield case(X, array([2, -1]), -2.0, expect=array([0, 0, 0, 0, 1]), note="z is 0, −3, −1, −5 and 5")
    yield case(X, array([1.0, 2.0]), 1.5, expect=array([1, 1, 1, 1, 1]), note="a bias above 0")
    yield case(INPUTS, array([1, 1]), -1.5, expect=array([0, 0, 0, 1]), note="AND")
    yield case(array([[2.0, 0.5, -1.0]]), array([1.0, 4.0, 3.0]), 0.0, expect=array([1]), note="one row")
    yield case(
        array([[-1.0], [0.25], [0.5]]),
        array([2.0]),
        -0.5,
        expect=array([0, 0, 1]),
        note="one entry in each row",
    )
    yield case(quarters(rng, 6, 3), np.zeros(3), 0.25, note="all weights are 0: the bias alone decides")
    yield case(
        quarters(rng, 7, 3).astype(np.float32),
        quarters(rng, 3).astype(np.float32),
        float(quarters(rng, 1)[0]),
        note="float32 numbers",
    )
    yield case(
        quarters(rng, 4, 9).T,
        quarters(rng, 8)[::2],
        float(quarters(rng, 1, largest=8.0)[0]),
        note="a transposed matrix, and every second entry of a longer vector",
    )
    yield case(quarters(rng, 10, 2), quarters(rng, 2), float(quarters(rng, 1)[0]))


def _z(X: Any, w: Any, b: Any) -> Any:
    return X @ w + b


def _threshold(z: Any) -> Any:
    return np.where(z > 0, 1, 0)


@perceptron.misconception(
    "The bias is left out.",
    "How much is z at a point where all entries of x are 0?",
)
def bias_left_out(X: Any, w: Any, b: Any) -> Any:
    return _threshold(X @ w)


@perceptron.misconception(
    "The bias is added after the step: the step decides without it.",
    "What belongs inside the brackets of `step(…)`?",
)
def bias_after_step(X: Any, w: Any, b: Any) -> Any:
    return _threshold(X @ w) + b


@perceptron.misconception(
    "This is z itself. The neuron has not decided anything yet.",
    "Which function turns z into 0 or 1?",
)
def no_step(X: Any, w: Any, b: Any) -> Any:
    return _z(X, w, b)


@perceptron.misconception(
    "The bias is subtracted. It works here as a threshold; asked for is what is added to the weighted sum.",
    "Which sign stands before b in z = x · w + b?",
)
def bias_subtracted(X: Any, w: Any, b: Any) -> Any:
    return _threshold(X @ w - b)


@perceptron.misconception(
    "Your neuron says 1 where z is exactly 0.",
    "Is a point on the line itself above 0?",
)
def one_on_the_line(X: Any, w: Any, b: Any) -> Any:
    return np.where(_z(X, w, b) >= 0, 1, 0)


@perceptron.misconception(
    "You answer True and False.",
    "Which function from the exercise before gives 1 and 0?",
)
def truth_values(X: Any, w: Any, b: Any) -> Any:
    return _z(X, w, b) > 0


@perceptron.misconception(
    "The step came first: it was applied to X, and the weighted sum was taken of its 0s and 1s.",
    "Which comes first in a neuron, the weighted sum or the decision?",
)
def step_before_sum(X: Any, w: Any, b: Any) -> Any:
    return _threshold(X) @ w + b


@perceptron.misconception(
    "You have one answer for each entry of X: the products of a row and w were not added up.",
    "How many answers should one row of X give?",
)
def products_not_added(X: Any, w: Any, b: Any) -> Any:
    return _threshold(X * w + b)


@exercise(points=2, level=2, minutes=10)
def signed_distance(rng: np.random.Generator) -> Iterator[Case]:
    X = array([[3.0, 4.0], [0.0, 0.0], [3.0, -1.0]])
    yield case(X, array([3.0, 4.0]), -5.0, expect=array([4.0, -1.0, 0.0]), note="w has length 5")
    yield case(
        X,
        array([3e-6, 4e-6]),
        -5e-6,
        expect=array([4.0, -1.0, 0.0]),
        note="the same line, with weights a million times smaller",
    )
    yield case(array([[2, 5], [-1, 7]]), array([0, -2]), 6.0, expect=array([-2.0, -4.0]), note="integers")
    yield case(
        array([[1.0, 1.0, 1.0], [0.0, 3.0, 0.0]]),
        array([2.0, -1.0, 2.0]),
        0.0,
        expect=array([1.0, -1.0]),
        note="a plane in three dimensions, through the origin",
    )
    yield case(array([[0.5], [-3.0]]), array([-2.0]), -4.0, expect=array([-2.5, 1.0]), note="one dimension")
    yield rejects(X, array([0.0, 0.0]), 1.0, note="w = 0 gives no line and must be refused")
    yield rejects(array([[1, 2, 3]]), array([0, 0, 0]), 0.0, note="w = 0 with b = 0 must be refused too")
    yield case(decimals(rng, 5, 3), decimals(rng, 3), float(decimals(rng, 1)[0]))
    yield case(
        decimals(rng, 4, 6).T.astype(np.float32),
        decimals(rng, 4).astype(np.float32),
        float(decimals(rng, 1)[0]),
        note="float32 numbers, in a matrix that is the transpose of another",
    )


def _length(w: Any) -> float:
    if not np.any(w):
        raise ValueError
    return float(np.linalg.norm(w))


@signed_distance.misconception(
    "This is z, the weighted sum: it doubles when w and b double, although the line stays where it is.",
    "What would you divide by, so that only the line counts and not how long w is?",
)
def not_divided(X: Any, w: Any, b: Any) -> Any:
    _length(w)
    return _z(X, w, b)


@signed_distance.misconception(
    "You divided by the square of the length of w: `w @ w` is the length times itself.",
    "How do you get the length of (3, 4), which is 5, from `w @ w`, which is 25?",
)
def divided_by_square(X: Any, w: Any, b: Any) -> Any:
    return _z(X, w, b) / _length(w) ** 2


@signed_distance.misconception(
    "Your distances have lost their sign, and with it the side of the line.",
    "Where the neuron says 0, which sign should come out?",
)
def sign_lost(X: Any, w: Any, b: Any) -> Any:
    return np.abs(_z(X, w, b)) / _length(w)


@signed_distance.misconception(
    "You divided the weighted sum by the length of w, and added b undivided.",
    "If w and b are both doubled, the line stays: does each of your two terms stay too?",
)
def bias_not_divided(X: Any, w: Any, b: Any) -> Any:
    return X @ w / _length(w) + b


@signed_distance.misconception(
    "Without the bias you measure from a line through the origin.",
    "Where is b in your answer?",
)
def without_bias(X: Any, w: Any, b: Any) -> Any:
    return X @ w / _length(w)


@signed_distance.misconception(
    "You divided by the sum of the sizes of the weights, which is not the length of an arrow.",
    "By Pythagoras, how long is the arrow (3, 4)?",
)
def divided_by_sum(X: Any, w: Any, b: Any) -> Any:
    _length(w)
    return _z(X, w, b) / np.abs(w).sum()


@signed_distance.misconception(
    "All signs are the other way round.",
    "On the side to which w points, does z grow or shrink?",
)
def signs_reversed(X: Any, w: Any, b: Any) -> Any:
    return -_z(X, w, b) / _length(w)


@signed_distance.misconception(
    "With w = 0 your function answered, though there is no line to measure from: a division by 0 gives only a warning in numpy.",
    "Where in your code do you know that the length of w is 0?",
)
def zero_not_refused(X: Any, w: Any, b: Any) -> Any:
    with np.errstate(all="ignore"):
        return _z(X, w, b) / np.linalg.norm(w)


@exercise(points=2, level=2, minutes=10)
def gate_weights(rng: np.random.Generator) -> Iterator[Case]:
    for gate, table in TABLES.items():
        text = f'w, b = gate_weights("{gate}")\nperceptron(inputs, w, b)  # the inputs 00, 01, 10, 11'
        yield case(gate, view=_truth_table, expect=array(table), text=text, note=f"the truth table of {gate}")
    yield _refused("XOR", note="XOR has no weights and must be refused")
    yield play(
        _error_text,
        'gate_weights("XOR")',
        view=_speaks_of_a_line,
        expect=_SAYS_SO,
        note="the error's text must say that no line separates XOR",
    )
    yield _refused("XNOR", note="a name that is none of the four must be refused")
    yield _refused("MAYBE", note="a name that is no gate must be refused")


def _refused(gate: str, note: str) -> Case:
    """Return the case in which this name must be refused; answers instead of the error are told apart by their kind."""

    def kind(answer: Any) -> str:
        return "words" if isinstance(answer, str) else "nothing" if answer is None else "weights"

    return replace(rejects(gate, note=note), view=kind)


def _truth_table(answer: Any) -> np.ndarray:
    """Return what the neuron (w, b) says of the four inputs."""
    if not isinstance(answer, list | tuple) or len(answer) != 2:
        raise Unfit(f"Expected the pair (w, b) of two weights and a bias, got {describe(answer)}.")
    w, b = (to_numpy(part) if is_array(part) else part for part in answer)
    bias = np.asarray(b)
    if bias.ndim != 0 or bias.dtype.kind not in "iuf" or not np.isfinite(bias):
        raise Unfit(f"Expected a number for the bias b, got {describe(answer[1])}.")
    if isinstance(w, list | tuple) and len(w) == 2 and not any(map(is_bool, w)):
        w = np.asarray([float(number) for number in w])
    if not isinstance(w, np.ndarray) or w.shape != (2,) or w.dtype.kind not in "iuf":
        raise Unfit(f"Expected an array of two numbers for the weights w, got {describe(answer[0])}.")
    if not np.isfinite(w).all():
        raise Unfit("Expected weights that are finite numbers.")
    return _threshold(_z(INPUTS, w.astype(np.float64), float(bias)))


_SAYS_SO = "a ValueError whose text says that no line separates XOR"


def _error_text(candidate: Any) -> Any:
    try:
        return [candidate("XOR")]
    except ValueError as error:
        return f"ValueError: {str(error)[:200]}"


def _speaks_of_a_line(answer: Any) -> str:
    said = answer.casefold() if isinstance(answer, str) else ""
    if not any(word in said for word in ("line", "separ", "plane")):
        raise Unfit("The text of your error says nothing of a line that separates (or does not).")
    return _SAYS_SO


@gate_weights.misconception(
    "Your neuron for AND says 1 as soon as one of the inputs is 1: that is OR.",
    "z must stay at 0 or below for one input, and get above 0 for two. Which b does that?",
)
def and_fires_too_early(gate: str) -> Any:
    return _weights(gate, AND=([1.0, 1.0], -0.5))


@gate_weights.misconception(
    "Your neuron for AND never says 1. At 11 the value of z is w1 + w2 + b, and a z of exactly 0 gives 0.",
    "How much is w1 + w2 + b with your numbers?",
)
def line_through_the_corner(gate: str) -> Any:
    return _weights(gate, AND=([1.0, 1.0], -2.0))


@gate_weights.misconception(
    "Your neuron for OR says 1 only where both inputs are 1.",
    "What is z at 01, where one weight alone meets the bias?",
)
def or_fires_too_late(gate: str) -> Any:
    return _weights(gate, OR=([1.0, 1.0], -1.0))


@gate_weights.misconception(
    'What you return for NAND computes AND: the "N" is missing.',
    "What becomes of the two sides of a line when w and b all change their sign?",
)
def nand_is_and(gate: str) -> Any:
    return _weights(gate, NAND=([1.0, 1.0], -1.5))


@gate_weights.misconception(
    "Your NAND is 0 for every input, even for 00, where z is the bias alone.",
    "NAND is 1 at 00. Which sign must b have for that?",
)
def nand_with_old_bias(gate: str) -> Any:
    return _weights(gate, NAND=([-1.0, -1.0], -1.5))


@gate_weights.misconception(
    "Your NAND is 1 for every input, even for 11.",
    "Each further 1 among the inputs should pull z down. What does that say about the weights?",
)
def nand_with_old_weights(gate: str) -> Any:
    return _weights(gate, NAND=([1.0, 1.0], 1.5))


@gate_weights.misconception(
    "Your NOR is 0 only at 11: that is NAND.",
    "One input that is 1 should be enough to silence NOR. How far may b lie above 0?",
)
def nor_is_nand(gate: str) -> Any:
    return _weights(gate, NOR=([-1.0, -1.0], 1.5))


@gate_weights.misconception(
    "You returned something for XOR. Whatever the weights, one neuron gets at least one of the four inputs wrong.",
    "Which error belongs there instead of weights?",
)
def weights_for_xor(gate: str) -> Any:
    return (array([1.0, -1.0]), -0.5) if gate == "XOR" else _weights(gate)


@gate_weights.misconception(
    "For a name without weights your function comes to its end and returns None, without a word.",
    "Which statement stops a function and says why?",
)
def nothing_returned(gate: str) -> Any:
    return _weights(gate) if gate in TABLES else None


@gate_weights.misconception(
    "You returned a text where an error was asked for. Whoever calls your function takes what it returns for weights.",
    "How do you raise a `ValueError` with these words?",
)
def words_returned(gate: str) -> Any:
    return _weights(gate) if gate in TABLES else "no line separates it"


@gate_weights.misconception(
    "Your error for XOR does not give the reason. XOR is a gate like the others, and a reader should learn why it has no neuron.",
    "What would you tell somebody who asks why there are no weights for XOR?",
)
def xor_without_reason(gate: str) -> Any:
    if gate not in TABLES:
        raise ValueError(f"unknown gate {gate}")
    return _weights(gate)


@gate_weights.misconception(
    "A name that is none of the four got an answer, and no error.",
    "What does your function do after its last comparison has failed?",
)
def any_name_is_nor(gate: str) -> Any:
    return _weights(gate if gate in (*TABLES, "XOR") else "NOR")


def _weights(gate: str, **wrong: Any) -> Any:
    right = {
        "AND": ([1.0, 1.0], -1.5),
        "OR": ([1.0, 1.0], -0.5),
        "NAND": ([-1.0, -1.0], 1.5),
        "NOR": ([-1.0, -1.0], 0.5),
    }
    if gate not in right:
        raise ValueError("no line separates this gate")
    w, b = (right | wrong)[gate]
    return array(w), b


@exercise(points=3, level=3, minutes=15, by_hand=("Perceptron",))
def perceptron_rule(rng: np.random.Generator) -> Iterator[Case]:
    yield case(
        array([[2], [1]]), array([1, 0]), 10, expect=(array([1.0]), -1.0, [2, 1, 2, 0]), note="two examples"
    )
    yield case(
        INPUTS,
        array([0, 1, 1, 1]),
        20,
        expect=(array([1.0, 1.0]), 0.0, [1, 2, 1, 0]),
        note="OR, which takes four epochs",
    )
    yield case(
        INPUTS,
        array([0, 1, 1, 0]),
        3,
        expect=(array([-1.0, 0.0]), 1.0, [2, 3, 4]),
        note="XOR: the epochs run out before the mistakes do",
    )
    yield case(
        array([[1.0, -2.0], [3.0, 1.0]]),
        array([0, 0]),
        7,
        expect=(array([0.0, 0.0]), 0.0, [0]),
        note="no mistake from the start",
    )
    yield case(
        array([[2, -1, 4]]),
        array([1]),
        5,
        0.5,
        expect=(array([1.0, -0.5, 2.0]), 0.5, [1, 0]),
        note="learning rate 0.5: the weights are floats, although X holds integers",
    )
    yield case(array([[1], [3]]), array([1, 0]), 1, expect=(array([-2.0]), 0.0, [2]), note="one epoch only")
    X, w = quarters(rng, 9, 2), quarters(rng, 2)
    yield case(X, _threshold(X @ w - 0.5), 12, note="points on two sides of a line")
    X, w = quarters(rng, 5, 3), quarters(rng, 3)
    yield case(X.astype(np.float32), _threshold(X @ w + 0.25).astype(float), 6, 0.25, note="float32 numbers")
    yield case(
        quarters(rng, 3, 8).T,
        rng.integers(0, 2, size=16)[::2],
        4,
        2.0,
        note="answers by chance, and a matrix that is the transpose of another",
    )


def _rule(
    X: Any,
    y: Any,
    epochs: int,
    learning_rate: float,
    *,
    says: Any = lambda z: float(z > 0),
    error: Any = lambda right, guess: right - guess,
    moves_b: bool = True,
    batch: bool = False,
    records_zero: bool = True,
    stops: bool = True,
    resets: bool = True,
) -> Any:
    """Return what the perceptron rule gives with one of its parts changed."""
    w, b, mistakes, wrong = np.zeros(X.shape[1]), 0.0, [], 0
    for _ in range(epochs):
        wrong = 0 if resets else wrong
        before, w_start, b_start = wrong, w.copy(), b
        for x, right in zip(X, y, strict=True):
            guess = says(x @ w_start + b_start if batch else x @ w + b)
            e = float(error(right, guess))
            w = w + learning_rate * e * x
            b = b + learning_rate * e * moves_b
            wrong += int(guess != right)
        if wrong == before and stops and not records_zero:
            break
        mistakes.append(wrong)
        if wrong == before and stops:
            break
    return w, b, mistakes


@perceptron_rule.misconception(
    "You also change the weights after a right answer. They never come to rest.",
    "When the guess is right, what is y − guess?",
)
def updates_on_right_answers(X: Any, y: Any, epochs: int, learning_rate: float = 1.0) -> Any:
    return _rule(X, y, epochs, learning_rate, error=lambda right, guess: 2 * right - 1)


@perceptron_rule.misconception(
    "Your updates go the wrong way: after each mistake the neuron is further from the right answer.",
    "The neuron says 0 and should say 1. Must z grow or shrink, and what does w += x do to it?",
)
def sign_flipped(X: Any, y: Any, epochs: int, learning_rate: float = 1.0) -> Any:
    return _rule(X, y, epochs, learning_rate, error=lambda right, guess: guess - right)


@perceptron_rule.misconception(
    "Your bias stays at 0, so the line can turn and never leaves the origin.",
    "By how much does b change after a mistake?",
)
def bias_never_learned(X: Any, y: Any, epochs: int, learning_rate: float = 1.0) -> Any:
    return _rule(X, y, epochs, learning_rate, moves_b=False)


@perceptron_rule.misconception(
    "All guesses of an epoch were made with the weights from its start, and the changes came together at its end.",
    "With which weights should the second row be judged: those before or those after the first row's update?",
)
def whole_batch(X: Any, y: Any, epochs: int, learning_rate: float = 1.0) -> Any:
    return _rule(X, y, epochs, learning_rate, batch=True)


@perceptron_rule.misconception(
    "The weights are right. The last epoch, the one without a mistake, is missing from the list.",
    "Do you append the count before or after you decide to stop?",
)
def last_zero_missing(X: Any, y: Any, epochs: int, learning_rate: float = 1.0) -> Any:
    return _rule(X, y, epochs, learning_rate, records_zero=False)


@perceptron_rule.misconception(
    "You went on after an epoch without a mistake, up to the last epoch allowed.",
    "After an epoch without a mistake, can a later one change anything?",
)
def never_stops_early(X: Any, y: Any, epochs: int, learning_rate: float = 1.0) -> Any:
    return _rule(X, y, epochs, learning_rate, stops=False)


@perceptron_rule.misconception(
    "Your list holds all mistakes made so far. It asks for those of each epoch alone.",
    "Where does the counter go back to 0?",
)
def counts_all_so_far(X: Any, y: Any, epochs: int, learning_rate: float = 1.0) -> Any:
    return _rule(X, y, epochs, learning_rate, resets=False)


@perceptron_rule.misconception(
    "Where z is exactly 0 your neuron guesses 1. At the start, with all weights 0, that is every first guess.",
    "What does `step(0)` say?",
)
def guesses_one_at_zero(X: Any, y: Any, epochs: int, learning_rate: float = 1.0) -> Any:
    return _rule(X, y, epochs, learning_rate, says=lambda z: float(z >= 0))


@perceptron_rule.misconception(
    "The learning rate has no effect in your code.",
    "With a learning rate of 0.5, by how much does w change after a mistake?",
)
def learning_rate_ignored(X: Any, y: Any, epochs: int, learning_rate: float = 1.0) -> Any:
    return _rule(X, y, epochs, 1.0)


@perceptron_rule.misconception(
    "You learn only from examples that should be 1, and pass over those that are wrongly called 1.",
    "What is y − guess where the answer is 0 and the guess 1?",
)
def only_ones_teach(X: Any, y: Any, epochs: int, learning_rate: float = 1.0) -> Any:
    return _rule(X, y, epochs, learning_rate, error=lambda right, guess: max(right - guess, 0))


@exercise(points=2, level=3, minutes=12)
def separable_gates(rng: np.random.Generator) -> Iterator[Case]:
    yield case(
        array([0, 1]),
        expect={(0, 0, 0, 0), (0, 0, 1, 1), (0, 1, 0, 1), (0, 1, 1, 1), (1, 1, 1, 1)},
        note="eight neurons, five different tables",
    )
    yield case(
        array([-1.0, 1.0]),
        expect={(0, 0, 0, 0), (0, 0, 0, 1), (1, 0, 0, 0), (1, 1, 0, 1), (1, 0, 1, 1), (1, 1, 1, 1)},
        note="one negative number, one positive",
    )
    yield case(array([0.5]), expect={(1, 1, 1, 1)}, note="one number: one neuron")
    yield case(array([-3.0, -0.5]), expect={(0, 0, 0, 0)}, note="negative numbers only")
    every = set(product((0, 1), repeat=4))
    yield case(
        np.arange(-4, 5) / 2,
        expect=every - {(0, 1, 1, 0), (1, 0, 0, 1)},
        note="a fine grid: 14 of the 16 tables, and neither XOR nor XNOR",
    )
    yield case(array([0.25, 2.0, -1.75], dtype=np.float32), note="float32 numbers, not sorted")
    yield case(quarters(rng, 4), note="four numbers by chance")
    yield case(np.append(quarters(rng, 4), 0.0)[::-1], note="some numbers by chance, and 0")


def _tables(grid: Any, says: Any = _threshold, inputs: np.ndarray = INPUTS) -> Any:
    return [
        tuple(says(inputs @ array([w1, w2]) + b).tolist())
        for w1, w2, b in product(np.asarray(grid), repeat=3)
    ]


@separable_gates.misconception(
    "Your tables are read backwards, from the input 11 to the input 00.",
    "Which input does the first entry of a table belong to?",
)
def read_backwards(grid: Any) -> Any:
    return set(_tables(grid, inputs=INPUTS[::-1]))


@separable_gates.misconception(
    "You return a list, one table for each neuron tried; most tables stand in it several times.",
    "Which Python collection keeps each thing only once?",
)
def list_with_duplicates(grid: Any) -> Any:
    return _tables(grid)


@separable_gates.misconception(
    "These are all 16 truth tables that exist. Asked for are those that some neuron with numbers from the grid makes.",
    "Which w1, w2 and b make the table (0, 1, 1, 0)?",
)
def all_sixteen(grid: Any) -> Any:
    return set(product((0, 1), repeat=4))


@separable_gates.misconception(
    "Both weights are always the same number in your search.",
    "In a loop over w1, how do you try every w2 with each w1?",
)
def equal_weights(grid: Any) -> Any:
    tables = {
        (w, b): tuple(_threshold(INPUTS @ array([w, w]) + b).tolist())
        for w, b in product(np.asarray(grid), repeat=2)
    }
    return set(tables.values())


@separable_gates.misconception(
    "Your neurons have no bias: at 00 all of them say 0.",
    "How many numbers of the grid does one neuron need?",
)
def no_bias(grid: Any) -> Any:
    return {tuple(_threshold(INPUTS @ array(pair)).tolist()) for pair in product(np.asarray(grid), repeat=2)}


@separable_gates.misconception(
    "A z of exactly 0 counts as 1 in your tables.",
    "With w1 = 0, w2 = 0 and b = 0, what should the neuron say?",
)
def zero_counts_as_one(grid: Any) -> Any:
    return set(_tables(grid, says=lambda z: np.where(z >= 0, 1, 0)))


@separable_gates.misconception(
    "You counted the tables. Asked for are the tables themselves.",
    "Which line of yours throws the tables away and keeps their number?",
)
def only_counted(grid: Any) -> Any:
    return len(set(_tables(grid)))
