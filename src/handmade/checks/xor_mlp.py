"""Lesson 03: hidden neurons bend the boundary."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from handmade.checks.case import Case, case, literal, play, rejects
from handmade.checks.compare import Unfit, describe, is_array, to_numpy
from handmade.checks.draw import decimals
from handmade.checks.exercise import exercise

array = np.array

INPUTS = array([[0, 0], [0, 1], [1, 0], [1, 1]])


@exercise(points=2, level=3, minutes=10)
def xor_weights(rng: np.random.Generator) -> Iterator[Case]:
    yield _outputs([0, 1, 2, 3], array([0, 1, 1, 0]), "all four inputs, in the order 00, 01, 10, 11")
    yield _outputs([0], array([0]), "neither input is on")
    yield _outputs([1], array([1]), "the second input alone")
    yield _outputs([2], array([1]), "the first input alone")
    yield _outputs([3], array([0]), "both inputs are on")


def _outputs(rows: list[int], expect: np.ndarray, note: str) -> Case:
    """Return the case that judges what the three neurons answer to some of the inputs: many weights are right."""
    X = INPUTS[rows]

    def answers(weights: Any) -> np.ndarray:
        W1, b1, w2, b2 = _four_parts(weights)
        hidden = (X @ W1 + b1 > 0).astype(int)
        return np.asarray(hidden @ w2 + b2 > 0).astype(int)

    text = f"W1, b1, w2, b2 = xor_weights()\nX = {literal(X)}\nhidden = X @ W1 + b1 > 0\n(hidden @ w2 + b2 > 0).astype(int)"
    return play(lambda candidate: candidate(), text, expect=expect, view=answers, note=note)


_SHAPES: dict[str, list[tuple[int, ...]]] = {
    "W1": [(2, 2)],
    "b1": [(2,)],
    "w2": [(2,), (2, 1)],
    "b2": [(), (1,), (1, 1)],
}


def _four_parts(weights: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Return W1, b1, w2 and b2 as numbers of the right shapes; Unfit where they are something else."""
    if not isinstance(weights, list | tuple) or len(weights) != 4:
        raise Unfit(f"Expected the four parts (W1, b1, w2, b2), got {describe(weights)}.")
    parts = []
    for (name, shapes), value in zip(_SHAPES.items(), weights, strict=True):
        try:
            part = to_numpy(value) if is_array(value) else np.array(value)
            kind = part.dtype.kind
        except ValueError:  # rows of different lengths
            raise Unfit(f"{name} is not an array of numbers: its rows have different lengths.") from None
        if kind not in "fiu" or not np.isfinite(part).all():
            raise Unfit(f"Expected {name} to hold finite numbers, got {describe(value)}.")
        if part.shape not in shapes:
            right = "a number" if name == "b2" else f"of shape {shapes[0]}"
            raise Unfit(f"Expected {name} to be {right}, got the shape {part.shape}.")
        parts.append(part.astype(np.float64))
    W1, b1, w2, b2 = parts
    return W1, b1, w2.ravel(), float(b2.ravel()[0])


def _hidden_or_nand(w2: Any, b2: Any) -> Any:
    return array([[1.0, -1.0], [1.0, -1.0]]), array([-0.5, 1.5]), array(w2), b2


@xor_weights.misconception(
    "Your network answers 1 wherever at least one input is on: it computes OR.",
    "Which hidden neuron could tell the input (1, 1) from (0, 1) and (1, 0), and does N3 listen to it?",
)
def computes_or() -> Any:
    return _hidden_or_nand([1.0, 0.0], -0.5)


@xor_weights.misconception(
    "Your network answers 1 where XOR is 0, and 0 where XOR is 1: it computes XNOR.",
    "What happens to a neuron's answers when you change the sign of its weights and of its bias?",
)
def computes_xnor() -> Any:
    return _hidden_or_nand([-1.0, -1.0], 1.5)


@xor_weights.misconception(
    "Your network answers 1 for the input (1, 1) alone: it computes AND.",
    "Which two inputs must make N3 fire, and which hidden neurons are on for them?",
)
def computes_and() -> Any:
    return _hidden_or_nand([0.0, -1.0], 0.5)


@xor_weights.misconception(
    "Your network answers 0 for the input (1, 1) alone: it computes NAND.",
    "What do your two hidden neurons answer to (0, 0), and does N3 have a reason to stay silent there?",
)
def computes_nand() -> Any:
    return _hidden_or_nand([0.0, 1.0], -0.5)


@xor_weights.misconception(
    "Your network answers 1 to every input.",
    "Is it enough for N3 that one hidden neuron is on, or must both be on? Which bias says so?",
)
def always_one() -> Any:
    return _hidden_or_nand([1.0, 1.0], -0.5)


@xor_weights.misconception(
    "Your network answers 0 to every input.",
    "What is the largest sum that N3 can get from the hidden neurons, and does its bias leave any of it?",
)
def always_zero() -> Any:
    return _hidden_or_nand([1.0, 1.0], -2.5)


@xor_weights.misconception(
    "Your network answers 1 for the input (1, 0) alone.",
    "The weights of N1 stand in column 0 of W1, because a layer is `X @ W1`: did you write them into row 0?",
)
def only_first_input() -> Any:
    W1, b1, w2, b2 = _hidden_or_nand([1.0, 1.0], -1.5)
    return W1.T, b1, w2, b2


@xor_weights.misconception(
    "Your network answers 1 for the input (0, 1) alone.",
    "Write down what N1 and N2 answer to (1, 0): would N3 be right to fire, and what keeps it silent?",
)
def only_second_input() -> Any:
    return array([[-1.0, 0.0], [1.0, 0.0]]), array([-0.5, 0.5]), array([1.0, 1.0]), -1.5


def _relu(z: Any) -> Any:
    return np.maximum(z, 0)


_ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "lambda z: np.maximum(z, 0)": _relu,
    "np.tanh": np.tanh,
    "lambda z: np.where(z > 0, 1, 0)": lambda z: np.where(z > 0, 1, 0),
    "lambda z: z": lambda z: z,
    "lambda z: z ** 2": lambda z: z**2,
}


def _forward(X: np.ndarray, layers: Any, activation: str, **more: Any) -> Case:
    """Return the case with this activation, which is shown by its Python text."""
    text = f"mlp_forward({literal(X)}, {literal(layers)}, {activation})"
    return case(X, layers, _ACTIVATIONS[activation], text=text, **more)


def _layers(rng: np.random.Generator, *sizes: int) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(decimals(rng, a, b, largest=2), decimals(rng, b, largest=2)) for a, b in pairwise(sizes)]


@exercise(points=2, level=2, minutes=8)
def mlp_forward(rng: np.random.Generator) -> Iterator[Case]:
    relu = "lambda z: np.maximum(z, 0)"
    first = (array([[1, -1], [2, 1]]), array([1, 2]))  # of (1, 2): 6, 3; of (-3, 1): 0, 6; of (-4, -1): -5, 5
    second = (array([[-1], [1]]), array([2]))
    yield _forward(
        array([[1, 2], [-3, 1], [-4, -1]]),
        [first, second],
        relu,
        expect=array([[-1], [8], [7]]),
        note="two layers with ReLU between",
    )
    yield _forward(
        array([[1.0, 2.0], [-3.0, 0.5]]),
        [(array([[1.0, 0.0, -1.0], [2.0, 1.0, 1.0]]), array([0.0, 1.0, -3.0]))],
        relu,
        expect=array([[5.0, 3.0, -2.0], [-2.0, 1.5, 0.5]]),
        note="one layer: there is no between",
    )
    yield _forward(
        array([[3.0]]),
        [
            (array([[1.0]]), array([-5.0])),  # -2, becomes 4
            (array([[1.0]]), array([-1.0])),  # 3, becomes 9
            (array([[2.0]]), array([-20.0])),  # -2, stays
        ],
        "lambda z: z ** 2",
        expect=array([[-2.0]]),
        note="three layers of one neuron, with squares between",
    )
    yield _forward(
        array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]),
        [
            (array([[1.0, 1.0], [1.0, 1.0]]), array([-0.5, -1.5])),
            (array([[1.0], [-1.0]]), array([-0.25])),
        ],
        "lambda z: np.where(z > 0, 1, 0)",
        expect=array([[-0.25], [0.75], [0.75], [-0.25]]),
        note="step neurons; what comes out is not rounded to 0 and 1",
    )
    yield _forward(decimals(rng, 2, 3), _layers(rng, 3, 2, 4), "lambda z: z", note="nothing between")
    yield _forward(
        decimals(rng, 2, 3).astype(np.float32),
        [(W.astype(np.float32), b.astype(np.float32)) for W, b in _layers(rng, 3, 4, 2)],
        relu,
        note="float32 numbers",
    )
    yield _forward(decimals(rng, 2, 3).T, _layers(rng, 2, 3, 1), relu, note="X is the transpose of another")
    yield _forward(
        decimals(rng, 3, 2, largest=1), _layers(rng, 2, 3, 2, 3), "np.tanh", note="three layers with tanh"
    )


@mlp_forward.misconception(
    "You applied the activation after the last layer too.",
    "With ReLU at the end, could your network ever answer with a negative number?",
)
def activation_after_the_last(X: Any, layers: Any, activation: Any) -> Any:
    for W, b in layers:
        X = activation(X @ W + b)
    return X


@mlp_forward.misconception(
    "There is no activation between your layers, so they are one layer in disguise (`collapse` of lesson 01).",
    "What must happen to `X @ W + b` before it goes into the next layer?",
)
def no_activation(X: Any, layers: Any, activation: Any) -> Any:
    for W, b in layers:
        X = X @ W + b
    return X


@mlp_forward.misconception(
    "The biases do not count in your answer.",
    "Each layer is a pair of two things. What do you do with the second one?",
)
def biases_dropped(X: Any, layers: Any, activation: Any) -> Any:
    for W, _ in layers[:-1]:
        X = activation(X @ W)
    return X @ layers[-1][0]


@mlp_forward.misconception(
    "You added the bias after the activation. It moves the place of the bend only if it is inside.",
    "A neuron fires where its weights *and its bias* make a sum above 0: what should the activation be given?",
)
def bias_after_activation(X: Any, layers: Any, activation: Any) -> Any:
    for W, b in layers[:-1]:
        X = activation(X @ W) + b
    W, b = layers[-1]
    return X @ W + b


@mlp_forward.misconception(
    "You applied the activation to the input X as well, before the first layer.",
    "Between which two layers does the first activation stand?",
)
def activates_the_input(X: Any, layers: Any, activation: Any) -> Any:
    for W, b in layers:
        X = activation(X) @ W + b
    return X


@mlp_forward.misconception(
    "The activation follows the first layer alone; between the later layers there is none.",
    "Of three layers, how many stand before another layer?",
)
def only_first_activated(X: Any, layers: Any, activation: Any) -> Any:
    for i, (W, b) in enumerate(layers):
        X = X @ W + b
        if i == 0 and len(layers) > 1:
            X = activation(X)
    return X


@mlp_forward.misconception(
    "You returned what the last hidden layer says. The output layer is missing.",
    "How many columns has the last W, and how many has your answer?",
)
def output_layer_missing(X: Any, layers: Any, activation: Any) -> Any:
    for W, b in layers[:-1]:
        X = activation(X @ W + b)
    return X


def _bits(answer: Any) -> Any:
    """Return codes as numbers: True counts as 1."""
    return answer.astype(int) if isinstance(answer, np.ndarray) and answer.dtype == bool else answer


def _off_line(rng: np.random.Generator, n: int) -> np.ndarray:
    """Return n biases for points and weights of one decimal place: no sum comes near 0, however it is rounded."""
    return np.round(decimals(rng, n) + 0.005, 3)


@exercise(points=1, level=2, minutes=6)
def region_codes(rng: np.random.Generator) -> Iterator[Case]:
    W, b = array([[1, -1, 0], [0, 1, 2]]), array([-2, 0, -4])
    yield case(
        array([[3, 0], [0, 3], [5, 7], [2, 2]]),
        W,
        b,
        expect=array([[1, 0, 0], [0, 1, 1], [1, 1, 1], [0, 0, 0]]),
        view=_bits,
        note="four points and three neurons; the last point lies on all three lines",
    )
    yield case(
        array([[0.5], [-0.5], [1.5]]),
        array([[1.0, -2.0]]),
        array([0.0, 2.0]),
        expect=array([[1, 1], [0, 1], [1, 0]]),
        view=_bits,
        note="points on a line: each neuron's boundary is one point",
    )
    yield case(
        array([[1.0, 1.0, 1.0]]),
        array([[2.0], [-1.0], [0.5]]),
        array([-1.5]),
        expect=array([[0]]),
        view=_bits,
        note="one neuron in three dimensions, whose sum is exactly 0",
    )
    yield case(
        decimals(rng, 4, 2).astype(np.float32),
        decimals(rng, 2, 3).astype(np.float32),
        _off_line(rng, 3).astype(np.float32),
        view=_bits,
        note="float32 numbers",
    )
    yield case(
        decimals(rng, 3, 5).T, decimals(rng, 2, 3).T, _off_line(rng, 2), view=_bits, note="transposed arrays"
    )
    yield case(decimals(rng, 6, 2), decimals(rng, 2, 4), _off_line(rng, 4), view=_bits)


@region_codes.misconception(
    "You returned the sums `X @ W + b` themselves; a code says only on which side of each line a point is.",
    "What should become of 0.3 and of 300, if both are on the positive side?",
)
def values_instead_of_bits(X: Any, W: Any, b: Any) -> Any:
    return X @ W + b


@region_codes.misconception(
    "You count a point on the line itself as positive (`>=`).",
    "A step neuron whose sum is exactly 0: does it fire?",
)
def on_the_line_counts(X: Any, W: Any, b: Any) -> Any:
    return (X @ W + b >= 0).astype(int)


@region_codes.misconception(
    "You left out the bias, so all your lines go through the origin.",
    "Where is the line of a neuron with bias -2 and weights (1, 0)?",
)
def no_bias(X: Any, W: Any, b: Any) -> Any:
    return (X @ W > 0).astype(int)


@region_codes.misconception(
    "Your answer has one row for each neuron; it is the transpose of what is asked.",
    "For 4 points and 3 neurons, which shape should the codes have?",
)
def one_row_a_neuron(X: Any, W: Any, b: Any) -> Any:
    return (X @ W + b > 0).astype(int).T


@region_codes.misconception(
    "You answer -1 where 0 is asked (`np.sign` does this).",
    "Which two numbers does a step neuron answer with?",
)
def minus_one_for_zero(X: Any, W: Any, b: Any) -> Any:
    return np.where(X @ W + b > 0, 1, -1)


@region_codes.misconception(
    "Your bits are the wrong way round: 1 stands where the sum is not positive.",
    "Does a neuron fire when its sum is above 0, or below?",
)
def bits_reversed(X: Any, W: Any, b: Any) -> Any:
    return (X @ W + b <= 0).astype(int)


@exercise(points=1, level=2, minutes=6)
def count_regions(rng: np.random.Generator) -> Iterator[Case]:
    # lines x = 0, y = 0 and x + y = 4; the codes are 110 (four times), 111, 010, 011, 000, 100
    W, b = array([[1, 0, 1], [0, 1, 1]]), array([0, 0, -4])
    points = array([[1, 1], [2, 1], [1, 1], [2, 1], [4, 4], [-1, 2], [-1, 9], [-2, -2], [1, -2]])
    yield case(W, b, points, expect=6, note="three lines and nine points, four of them in one region")
    yield case(W, b, array([[1, 1], [2, 1], [1, 2]]), expect=1, note="all points in one region")
    yield case(
        array([[1.0], [0.0]]),
        array([0.0]),
        array([[0.0, 1.0], [-2.0, 5.0], [0.0, -7.0]]),
        expect=1,
        note="one line, x = 0: points on it belong to the side where the neuron is silent",
    )
    yield case(
        array([[1.0, 1.0]]),
        array([-1.0, -2.0]),
        array([[0.5], [1.5], [2.5], [0.7], [3.0]]),
        expect=3,
        note="two neurons on a line: three regions",
    )
    yield case(
        array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]),
        array([0, 0, 0, 5]),
        array([[1, 1, -1], [1, -1, 1], [-1, 1, 1], [1, 1, -3], [-1, -1, -1]]),
        expect=4,
        note="four neurons in three dimensions, one of them always on",
    )
    yield case(decimals(rng, 3, 2).T, _off_line(rng, 3), decimals(rng, 2, 16).T, note="transposed arrays")
    yield case(decimals(rng, 2, 5), _off_line(rng, 5), decimals(rng, 18, 2), note="five neurons, 18 points")


def _codes(W: Any, b: Any, points: Any) -> Any:
    return (points @ W + b > 0).astype(int)


@count_regions.misconception(
    "You counted the points. Several points can lie in the same region.",
    "When two points have the same code, how many regions do they show you?",
)
def counts_points(W: Any, b: Any, points: Any) -> Any:
    return len(points)


@count_regions.misconception(
    "You looked at the bits of the first neuron alone.",
    "Two points on the same side of the first line: must they be on the same side of the second?",
)
def first_neuron_only(W: Any, b: Any, points: Any) -> Any:
    return len(np.unique(_codes(W, b, points)[:, 0]))


@count_regions.misconception(
    "You counted how many different bits there are, 0 and 1, not how many different rows (`np.unique` looks at single numbers unless you say `axis=0`).",
    "What makes one code: a bit, or a whole row of bits?",
)
def different_bits(W: Any, b: Any, points: Any) -> Any:
    return len(np.unique(_codes(W, b, points)))


@count_regions.misconception(
    "You told regions apart by how many neurons fire. Different neurons may fire in two regions, and equally many.",
    "Are the codes 110 and 011 the same region?",
)
def how_many_fire(W: Any, b: Any, points: Any) -> Any:
    return len({int(code.sum()) for code in _codes(W, b, points)})


@count_regions.misconception(
    "You took 2 to the number of neurons: every code that can be written down. Asked is how many occur among the points.",
    "Do your points have to show every code?",
)
def all_codes_that_exist(W: Any, b: Any, points: Any) -> Any:
    return 2 ** len(b)


@count_regions.misconception(
    "You counted different sums `points @ W + b`, before they became bits.",
    "Two points of one region have different sums as a rule. What do they have in common?",
)
def different_sums(W: Any, b: Any, points: Any) -> Any:
    return len(np.unique(points @ W + b, axis=0))


@count_regions.misconception(
    "You counted a point on a line as if it were on the positive side.",
    "What does `region_codes` say of a point whose sum is exactly 0?",
)
def line_is_positive(W: Any, b: Any, points: Any) -> Any:
    return len(np.unique(points @ W + b >= 0, axis=0))


@exercise(points=2, level=2, minutes=8)
def max_regions(rng: np.random.Generator) -> Iterator[Case]:
    yield case(4, 2, expect=11, note="four lines in the plane")
    yield case(3, 2, expect=7, note="three lines in the plane")
    yield case(5, 1, expect=6, note="five points on a line")
    yield case(3, 3, expect=8, note="three planes in space")
    yield case(2, 5, expect=4, note="more dimensions than hyperplanes")
    yield case(0, 2, expect=1, note="no line: one region, the whole plane")
    yield case(6, 0, expect=1, note="a space of dimension 0 is one point")
    yield rejects(-1, 2, note="a negative number of lines must be refused")
    yield rejects(4, -1, note="a negative dimension must be refused")
    yield case(100, 2, expect=5051, note="a hundred lines in the plane")
    yield case(int(rng.integers(6, 15)), int(rng.integers(3, 6)), note="higher dimensions")


def _not_negative(n_lines: int, dimension: int) -> None:
    if n_lines < 0 or dimension < 0:
        raise ValueError


@max_regions.misconception(
    "You doubled for every line: 2 to the number of lines. But a new line crosses only some of the regions that are there.",
    "Draw two crossing lines, then a third: into how many of the four regions can it enter?",
)
def two_to_the_n(n_lines: int, dimension: int) -> Any:
    _not_negative(n_lines, dimension)
    return 2**n_lines


@max_regions.misconception(
    "You added one region for each line, as for points on a line: dimension 1.",
    "A second line that crosses the first in the plane: how many regions does it add?",
)
def one_more_a_line(n_lines: int, dimension: int) -> Any:
    _not_negative(n_lines, dimension)
    return n_lines + 1


@max_regions.misconception(
    "Your sum stops one term too early: C(n, dimension) is missing.",
    "How many numbers does `range(dimension)` give, and what is the last one?",
)
def last_term_missing(n_lines: int, dimension: int) -> Any:
    _not_negative(n_lines, dimension)
    return sum(math.comb(n_lines, i) for i in range(dimension))


@max_regions.misconception(
    "Your sum begins at i = 1: the term C(n, 0) = 1 is missing.",
    "How many regions are there before the first line is drawn?",
)
def first_term_missing(n_lines: int, dimension: int) -> Any:
    _not_negative(n_lines, dimension)
    return sum(math.comb(n_lines, i) for i in range(1, dimension + 1))


@max_regions.misconception(
    "You took one term, C(n, dimension), and not the sum of all terms up to it.",
    "What do the terms C(n, 0) and C(n, 1) count for lines in the plane?",
)
def one_term(n_lines: int, dimension: int) -> Any:
    _not_negative(n_lines, dimension)
    return math.comb(n_lines, dimension)


@max_regions.misconception(
    "Your formula is the one for the plane, whatever the dimension is.",
    "Five points on a line: how many pieces do they leave?",
)
def always_the_plane(n_lines: int, dimension: int) -> Any:
    _not_negative(n_lines, dimension)
    return 1 + n_lines + n_lines * (n_lines - 1) // 2


@max_regions.misconception(
    "You let a negative dimension through: a sum without terms is 0.",
    "Where do you look at both numbers, before you add anything?",
)
def negative_dimension_passes(n_lines: int, dimension: int) -> Any:
    if n_lines < 0:
        raise ValueError
    return sum(math.comb(n_lines, i) for i in range(dimension + 1))


@max_regions.misconception(
    "You let a negative number of lines through.",
    "What should happen for -1 lines, before any formula is used?",
)
def negative_lines_pass(n_lines: int, dimension: int) -> Any:
    if dimension < 0:
        raise ValueError
    return sum(math.comb(max(n_lines, 0), i) for i in range(dimension + 1))


@exercise(points=2, level=3, minutes=8)
def tent(rng: np.random.Generator) -> Iterator[Case]:
    yield case(array([0.0, 0.25, 0.5, 0.75, 1.0]), expect=array([0.0, 0.5, 1.0, 0.5, 0.0]))
    yield case(array([0.1, 0.45, 0.55, 0.9]), expect=array([0.2, 0.9, 0.9, 0.2]), note="both slopes")
    yield case(array([0.6]), expect=array([0.8]), note="one number")
    yield case(
        array([[0.0, 0.3, 1.0], [0.8, 0.5, 0.2]]),
        expect=array([[0.0, 0.6, 0.0], [0.4, 1.0, 0.4]]),
        note="a matrix of numbers",
    )
    yield case(np.linspace(0, 1, 9, dtype=np.float32), note="float32 numbers")
    yield case(rng.integers(0, 101, size=(6, 4))[::2].T / 100, note="every second row, transposed")
    yield case(rng.integers(0, 101, size=7) / 100)


@tent.misconception(
    "Your tent goes up and stays at 1: from the middle on it should come down again.",
    "After the middle the slope must change from +2 to -2: by how much is that, and so how large is the second weight?",
)
def flat_after_the_middle(x: Any) -> Any:
    return 2 * _relu(x) - 2 * _relu(x - 0.5)


@tent.misconception(
    "Your tent has its top at 0.5, half as high as it should be.",
    "On the way from x = 0 to x = 0.5 it must climb from 0 to 1: what is its slope?",
)
def half_as_high(x: Any) -> Any:
    return _relu(x) - 2 * _relu(x - 0.5)


@tent.misconception(
    "Your tent stands on its head: it is 0 in the middle and 1 at both ends.",
    "Which of your ReLUs should pull the line up, and which should push it down?",
)
def upside_down(x: Any) -> Any:
    return 1 - 2 * _relu(x) + 4 * _relu(x - 0.5)


@tent.misconception(
    "You drew a parabola. A network of ReLUs has straight pieces only.",
    "What is the height at x = 0.25, half-way up a straight roof?",
)
def a_parabola(x: Any) -> Any:
    return 4 * x * (1 - x)


@tent.misconception(
    "Your line climbs and never comes down: it does not bend in the middle.",
    "Which ReLU begins to act at x = 0.5, and what is its weight?",
)
def no_bend(x: Any) -> Any:
    return 2 * _relu(x)


@tent.misconception(
    "Your second half falls at half the pace, and ends at 0.5 where it should reach 0.",
    "The first ReLU still pulls up by 2 after the middle. How strong must the second be to win and fall by 2?",
)
def falls_too_slowly(x: Any) -> Any:
    return 2 * _relu(x) - 3 * _relu(x - 0.5)


@tent.misconception(
    "Your function climbs twice, and jumps down in the middle (a saw tooth).",
    "Can a sum of ReLUs jump, or only bend?",
)
def a_saw_tooth(x: Any) -> Any:
    return np.where(x < 0.5, 2 * x, 2 * x - 1)


def _pieces(
    name: str, f: Callable[[Any], Any], n_points: int | None = None, *, expect: int, note: str
) -> Case:
    """Return the case that counts the pieces of f, which is shown by its Python text."""
    if n_points is None:
        return case(f, expect=expect, text=f"count_linear_pieces({name})", note=note)
    text = f"count_linear_pieces({name}, {n_points})"
    return case(f, n_points, expect=expect, text=text, note=note)


def _tents(x: Any, depth: int) -> Any:
    for _ in range(depth):
        x = 1 - np.abs(2 * x - 1)
    return x


@exercise(points=3, level=4, minutes=12)
def count_linear_pieces(rng: np.random.Generator) -> Iterator[Case]:
    yield _pieces(  # slopes -1, 1, 3, 1, 3: four bends, one turn, three different slopes
        "lambda x: x + np.abs(x - 0.25) + np.abs(x - 0.5) - np.abs(x - 0.625) + np.abs(x - 0.75)",
        lambda x: x + np.abs(x - 0.25) + np.abs(x - 0.5) - np.abs(x - 0.625) + np.abs(x - 0.75),
        9,
        expect=5,
        note="a line with four bends, of which only the first is a turn",
    )
    yield _pieces(
        "lambda x: 3 * x + 0.7", lambda x: 3 * x + 0.7, expect=1, note="a straight line, whose values round"
    )
    yield _pieces("lambda x: np.maximum(x - 0.5, 0)", lambda x: np.maximum(x - 0.5, 0), expect=2, note="ReLU")
    yield _pieces(
        "lambda x: np.maximum(x, 0.5) + np.maximum(x, 0.75)",
        lambda x: np.maximum(x, 0.5) + np.maximum(x, 0.75),
        5,
        expect=3,
        note="bends at neighbouring points of the grid",
    )
    yield _pieces(
        "lambda x: np.abs(x - 0.3) - np.abs(x - 0.4)",
        lambda x: np.abs(x - 0.3) - np.abs(x - 0.4),
        11,
        expect=3,
        note="a grid of tenths, and two pieces of the same slope",
    )
    yield _pieces(
        "lambda x: 1 - np.abs(2 * (1 - np.abs(2 * x - 1)) - 1)",
        lambda x: _tents(x, 2),
        expect=4,
        note="a tent of a tent",
    )
    yield _pieces("lambda x: 0 * x", lambda x: 0 * x, expect=1, note="the function that is 0 everywhere")
    depth = int(rng.integers(5, 9))

    yield _pieces(
        f"tents  # {depth} tents, one in another",
        lambda x: _tents(x, depth),
        expect=2**depth,
        note="many tents, one in another",
    )
    places = np.sort(rng.choice(np.arange(1, 40), size=int(rng.integers(5, 12)), replace=False)) / 40
    weights = decimals(rng, len(places), largest=3)
    yield _pieces(
        f"lambda x: sum(w * np.maximum(x - p, 0) for w, p in zip({weights.tolist()}, {places.tolist()}))",
        lambda x: sum(w * np.maximum(x - p, 0) for w, p in zip(weights, places, strict=True)),
        41,
        expect=len(places) + 1,
        note="a layer of several ReLUs, added up",
    )


def _heights(f: Any, n_points: int) -> Any:
    return np.asarray(f(np.linspace(0, 1, n_points)))


def _bends(f: Any, n_points: int) -> int:
    return int(np.sum(np.abs(np.diff(_heights(f, n_points), 2)) > 1e-9))


@count_linear_pieces.misconception(
    "You counted the bends. There is one piece more than there are bends.",
    "A straight line has no bend: how many pieces has it?",
)
def counts_bends(f: Any, n_points: int = 4097) -> Any:
    return _bends(f, n_points)


@count_linear_pieces.misconception(
    "You took rounding errors for bends: slopes that should be equal differ in the last digits.",
    "How large is a change of slope that you would call a bend, and how large is a rounding error?",
)
def counts_rounding(f: Any, n_points: int = 4097) -> Any:
    return 1 + int(np.sum(np.diff(_heights(f, n_points), 2) != 0))


@count_linear_pieces.misconception(
    "You counted different slopes. Two pieces apart from each other may have the same slope.",
    "Where two neighbouring slopes differ there is a bend. Have you compared neighbours?",
)
def different_slopes(f: Any, n_points: int = 4097) -> Any:
    return len(set(np.round(np.diff(_heights(f, n_points)) * (n_points - 1), 6) + 0.0))


@count_linear_pieces.misconception(
    "You counted the turns from up to down and back. A line can also bend and go on climbing, more steeply.",
    "Which slopes does a piece of slope 1 followed by a piece of slope 3 have in your count?",
)
def counts_turns(f: Any, n_points: int = 4097) -> Any:
    signs = np.sign(np.round(np.diff(_heights(f, n_points)), 9))
    return 1 + int(np.sum(signs[1:] * signs[:-1] < 0))


@count_linear_pieces.misconception(
    "You counted the steps of the grid: how many there are says nothing about f.",
    "Two steps side by side have the same slope: are they two pieces, or one?",
)
def steps_of_the_grid(f: Any, n_points: int = 4097) -> Any:
    return n_points - 1


@count_linear_pieces.misconception(
    "You used a grid of your own. A bend that falls between two of its points changes the slope in two steps, and counts twice.",
    "Which argument says how many points the grid must have, so that every bend lies on one of them?",
)
def own_grid(f: Any, n_points: int = 4097) -> Any:
    return 1 + _bends(f, 4097)


@count_linear_pieces.misconception(
    "Your count is one too high.",
    "For a straight line, what does your function answer, and what should it?",
)
def one_too_many(f: Any, n_points: int = 4097) -> Any:
    return 2 + _bends(f, n_points)
