"""Lesson 04: where weights come from."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from handmade.checks.case import Case, case, fresh, literal, play
from handmade.checks.compare import Unfit, describe, is_array, to_numpy
from handmade.checks.draw import decimals
from handmade.checks.exercise import exercise

array = np.array


@exercise(points=1, level=1, minutes=5, by_hand=("mse_loss", "MSELoss", "mean_squared_error"))
def mse(rng: np.random.Generator) -> Iterator[Case]:
    yield case(array([1, 2, 5]), array([1, 4, 4]), expect=5 / 3)
    yield case(array([2.0, -1.0]), array([2.0, -1.0]), expect=0, note="a perfect prediction")
    yield case(
        array([[1.0], [0.0], [3.0], [2.0]]),
        array([[0.0], [0.0], [1.0], [5.0]]),
        expect=3.5,
        note="a column of 4 predictions",
    )
    yield case(
        array([[1.0, 0.0, 2.0], [0.0, -1.0, 0.0]]),
        array([[0.0, 0.0, 0.0], [2.0, 1.0, -1.0]]),
        expect=7 / 3,
        note="2 rows, 3 columns: one number for all six",
    )
    yield case(array([0.5]), array([-1.0]), expect=2.25, note="one prediction")
    yield case(
        decimals(rng, 5).astype(np.float32), decimals(rng, 5).astype(np.float32), note="float32 numbers"
    )
    yield case(decimals(rng, 3, 4).T, decimals(rng, 4, 3), note="predictions that are a transposed array")
    yield case(decimals(rng, 7), decimals(rng, 7))


@mse.misconception(
    "You added up the squared differences, and did not divide by how many there are.",
    "What would your loss do if every row of the data stood there twice?",
)
def sum_instead_of_mean(prediction: Any, target: Any) -> Any:
    return float(np.sum((prediction - target) ** 2))


@mse.misconception(
    "You took the sizes of the differences, not their squares.",
    "How much worse should a miss by 2 count than a miss by 1?",
)
def absolute_differences(prediction: Any, target: Any) -> Any:
    return float(np.mean(np.abs(prediction - target)))


@mse.misconception(
    "You took the root at the end: that is the root mean squared error.",
    "Which of the words mean, squared and error asks for a root?",
)
def root_taken(prediction: Any, target: Any) -> Any:
    return float(np.sqrt(np.mean((prediction - target) ** 2)))


@mse.misconception(
    "Your loss is half of what is asked. Some books put a ½ in front, to make the slope tidier.",
    "What is the plain mean of the squares here?",
)
def half_of_it(prediction: Any, target: Any) -> Any:
    return float(np.mean((prediction - target) ** 2) / 2)


@mse.misconception(
    "You averaged the differences first and squared the average, so misses upwards and downwards cancel.",
    "One miss by +1 and one by -1: should the loss be 0?",
)
def mean_before_square(prediction: Any, target: Any) -> Any:
    return float(np.mean(prediction - target) ** 2)


@mse.misconception(
    "You averaged each column on its own, so several numbers came out.",
    "A loss is one number for all predictions together: over which axes do you have to average?",
)
def mean_of_each_column(prediction: Any, target: Any) -> Any:
    return ((prediction - target) ** 2).mean(axis=0)


def _slope_case(
    formula: str, f: Callable[[Any], Any], w: np.ndarray, eps: float | None = None, **more: Any
) -> Case:
    """Return the case that asks for the numerical gradient of f at w, and looks at w afterwards too."""
    step = () if eps is None else (eps,)

    def ask(candidate: Any) -> Any:
        given = fresh(w)
        answer = candidate(f, given, *step)
        return answer, np.array(given)

    def gradient(answer: Any) -> Any:
        slopes, after = answer
        if np.max(np.abs(after - w)) > 1e-9:  # putting an entry back may cost its last digit
            raise Unfit("After the call w is not what it was before: your function changed it.")
        return slopes

    text = f"numerical_gradient({formula}, {', '.join(map(literal, (w, *step)))})"
    return play(ask, text, view=gradient, **more)


@exercise(points=2, level=3, minutes=12, by_hand=("approx_fprime", "approx_derivative"))
def numerical_gradient(rng: np.random.Generator) -> Iterator[Case]:
    yield _slope_case(
        "lambda w: w[0] ** 3",
        lambda w: w[0] ** 3,
        array([2.0]),
        2.0,
        expect=array([16.0]),
        note="a large step, eps = 2, so that you can follow: from 0 to 4",
    )
    yield _slope_case(
        "lambda w: w[0] ** 2 + 10 * w[1]",
        lambda w: w[0] ** 2 + 10 * w[1],
        array([3.0, 1.0]),
        expect=array([6.0, 10.0]),
        note="two entries, and the usual small step",
    )
    yield _slope_case(
        "lambda w: w[0] * w[1] * w[2]",
        lambda w: w[0] * w[1] * w[2],
        array([2.0, 3.0, 5.0]),
        0.5,
        expect=array([15.0, 10.0, 6.0]),
        note="three entries that meet in a product",
    )
    weights = array([[1.0, 10.0, 100.0], [2.0, 20.0, 200.0]])
    yield _slope_case(
        "lambda w: np.sum(w * np.array([[1.0, 10.0, 100.0], [2.0, 20.0, 200.0]]))",
        lambda w: np.sum(w * weights),
        array([[0.5, -1.0, 2.0], [3.0, 0.0, -4.0]]),
        expect=weights,
        note="2 rows, 3 columns: as many slopes, in the same shape",
    )
    yield _slope_case(
        "lambda w: np.sum(w ** 3)",
        lambda w: np.sum(w**3),
        decimals(rng, 2, 3, largest=3).T,
        0.5,
        note="a transposed array",
    )
    yield _slope_case("lambda w: 7.0", lambda w: 7.0, decimals(rng, 3), expect=np.zeros(3), note="a constant")
    yield _slope_case(
        "lambda w: np.sum(np.sin(w)) + w[0, 0, 0] * w[1, 0, 2]",
        lambda w: np.sum(np.sin(w)) + w[0, 0, 0] * w[1, 0, 2],
        decimals(rng, 2, 1, 3, largest=3),
        0.25,
        note="three axes",
    )
    yield _slope_case(
        "lambda w: np.tanh(w @ w)", lambda w: np.tanh(w @ w), decimals(rng, 4, largest=0.6), note="a curve"
    )


def _slopes(quotient: Callable[[Callable[[float], float], float], float]) -> Callable[..., Any]:
    """Return a numerical gradient that uses this quotient of f along one entry, by how far the entry is moved."""

    def gradient(f: Any, w: Any, eps: float = 1e-5) -> Any:
        answer = np.zeros(w.shape)
        for index in np.ndindex(*w.shape):

            def along(step: float, index: Any = index) -> float:
                moved = w.copy()
                moved[index] += step
                return float(f(moved))

            answer[index] = quotient(along, eps)
        return answer

    return gradient


@numerical_gradient.misconception(
    "You looked to one side only: f a step ahead, minus f here. On a curve that is the slope of somewhere ahead.",
    "Which two points lie evenly around w?",
)
def one_sided(f: Any, w: Any, eps: float = 1e-5) -> Any:
    return _slopes(lambda along, eps: (along(eps) - along(0)) / eps)(f, w, eps)


@numerical_gradient.misconception(
    "You compared f here with f a step behind: a difference to one side.",
    "What is missing on the other side of w?",
)
def one_sided_behind(f: Any, w: Any, eps: float = 1e-5) -> Any:
    return _slopes(lambda along, eps: (along(0) - along(-eps)) / eps)(f, w, eps)


@numerical_gradient.misconception(
    "You divided by eps. From one point to the other it is further than that, so your slopes are twice too large.",
    "How far apart are w + eps and w - eps?",
)
def divided_by_eps(f: Any, w: Any, eps: float = 1e-5) -> Any:
    return _slopes(lambda along, eps: (along(eps) - along(-eps)) / eps)(f, w, eps)


@numerical_gradient.misconception(
    "You did not divide: these are differences of f, not slopes.",
    "If eps were ten times smaller, what would your answer do, and what should it do?",
)
def not_divided(f: Any, w: Any, eps: float = 1e-5) -> Any:
    return _slopes(lambda along, eps: along(eps) - along(-eps))(f, w, eps)


@numerical_gradient.misconception(
    "You took the lower point first, so every slope has the wrong sign.",
    "If f grows when w grows, should its slope be positive or negative?",
)
def lower_point_first(f: Any, w: Any, eps: float = 1e-5) -> Any:
    return _slopes(lambda along, eps: (along(-eps) - along(eps)) / (2 * eps))(f, w, eps)


@numerical_gradient.misconception(
    "You moved all entries at once. What comes out is the slope along all of them together.",
    "How do you move one entry, and leave the others where they are?",
)
def all_entries_at_once(f: Any, w: Any, eps: float = 1e-5) -> Any:
    return np.full(w.shape, (f(w + eps) - f(w - eps)) / (2 * eps))


@numerical_gradient.misconception(
    "Your slopes come in one row, whatever the shape of w.",
    "Somebody wants to subtract your answer from w: which shape must it have?",
)
def flattened(f: Any, w: Any, eps: float = 1e-5) -> Any:
    return _slopes(lambda along, eps: (along(eps) - along(-eps)) / (2 * eps))(f, w, eps).reshape(-1)


@numerical_gradient.misconception(
    "You moved each entry of w itself, and did not put it back.",
    "What could you move instead of w, or what must happen after the two calls of f?",
)
def w_left_changed(f: Any, w: Any, eps: float = 1e-5) -> Any:
    answer = np.zeros(w.shape)
    for index in np.ndindex(*w.shape):
        w[index] += eps
        above = f(w)
        w[index] -= 2 * eps
        answer[index] = (above - f(w)) / (2 * eps)
    return answer


@numerical_gradient.misconception(
    "Where w is a transposed array, `reshape` and `ravel` make a copy. You moved entries of that copy, and f never saw it.",
    "How do you name an entry of w itself, when it has two axes or three?",
)
def moved_a_copy(f: Any, w: Any, eps: float = 1e-5) -> Any:
    flat = w.reshape(-1)
    answer = np.zeros(w.size)
    for i, kept in enumerate(flat.tolist()):
        flat[i] = kept + eps
        above = f(w)
        flat[i] = kept - eps
        answer[i] = (above - f(w)) / (2 * eps)
        flat[i] = kept
    return answer.reshape(w.shape)


@exercise(points=1, level=1, minutes=5, by_hand=("SGD",))
def gradient_descent(rng: np.random.Generator) -> Iterator[Case]:
    yield case({"w": array([1.0, 2.0])}, {"w": array([10.0, -30.0])}, 0.1, expect={"w": array([0.0, 5.0])})
    yield case(
        {"W": array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), "b": array([0.5])},
        {"W": array([[2.0, 0.0, -2.0], [4.0, 2.0, 0.0]]), "b": array([1.0])},
        0.5,
        expect={"W": array([[0.0, 2.0, 4.0], [2.0, 4.0, 6.0]]), "b": array([0.0])},
        note="two parameters of different shapes",
    )
    yield case(
        {"W": array([1.0]), "b": array([2.0])},
        {"b": array([1.0]), "W": array([-1.0])},
        2.0,
        expect={"W": array([3.0]), "b": array([0.0])},
        note="the gradients stand in another order: the names count",
    )
    yield case(
        {"w": array([1.5, -2.5])},
        {"w": array([0.0, 0.0])},
        0.3,
        expect={"w": array([1.5, -2.5])},
        note="at the bottom, where the slope is 0, nothing moves",
    )
    yield case(
        {"W": decimals(rng, 2, 3).T, "b": decimals(rng, 3)},
        {"W": decimals(rng, 3, 2), "b": decimals(rng, 3)},
        0.7,
        note="a transposed array",
    )
    yield case({"W1": decimals(rng, 2, 4)}, {"W1": decimals(rng, 2, 4)}, 0.3)


@gradient_descent.misconception(
    "You went uphill: the gradient points to where the loss grows.",
    "With which sign does a step go down?",
)
def went_uphill(params: Any, gradients: Any, learning_rate: float) -> Any:
    return {name: value + learning_rate * gradients[name] for name, value in params.items()}


@gradient_descent.misconception(
    "Your step is as long as the gradient: the learning rate is not used.",
    "What should happen to the step when the learning rate is halved?",
)
def rate_not_used(params: Any, gradients: Any, learning_rate: float) -> Any:
    return {name: value - gradients[name] for name, value in params.items()}


@gradient_descent.misconception(
    "You changed the arrays in `params` themselves: whoever kept the old parameters has lost them.",
    "Which is the difference between `a -= b` and `a - b` for arrays?",
)
def changed_in_place(params: Any, gradients: Any, learning_rate: float) -> Any:
    for name in params:
        params[name] -= learning_rate * gradients[name]
    return params


@gradient_descent.misconception(
    "You returned the steps, not the parameters after the step.",
    "Where were the parameters before, and where are they then?",
)
def steps_only(params: Any, gradients: Any, learning_rate: float) -> Any:
    return {name: -learning_rate * gradients[name] for name in params}


@gradient_descent.misconception(
    "You paired parameters and gradients by their place in the dicts.",
    "What do both dicts share for things that belong together?",
)
def paired_by_place(params: Any, gradients: Any, learning_rate: float) -> Any:
    return {
        name: value - learning_rate * slope
        for (name, value), slope in zip(params.items(), gradients.values(), strict=True)
    }


@gradient_descent.misconception(
    "Only the first of the parameters made its step.",
    "How do you get at every name in a dict, one after another?",
)
def first_only(params: Any, gradients: Any, learning_rate: float) -> Any:
    first = next(iter(params))
    return {**params, first: params[first] - learning_rate * gradients[first]}


@exercise(points=2, level=3, minutes=10)
def least_squares(rng: np.random.Generator) -> Iterator[Case]:
    yield case(
        array([[1, 0], [1, 1], [1, 2]]),
        array([1, 3, 5]),
        expect=array([1, 2]),
        note="the line 1 + 2·x goes through all three points",
    )
    yield case(
        array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, 3.0]]),
        array([1.0, 0.0, 4.0, 3.0]),
        expect=array([0.5, 1.0]),
        note="no line goes through all four points",
    )
    yield case(array([[1.0], [2.0]]), array([5.0, 5.0]), expect=array([3.0]), note="one column")
    yield case(
        array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]),
        array([2.0, 4.0, 6.0]),
        expect=array([1.0, 1.0]),
        note="two equal columns: (2, 0), (0, 2) and (1, 1) all fit, and (1, 1) is the shortest",
    )
    yield case(
        array([[3.0, 4.0]]),
        array([50.0]),
        expect=array([6.0, 8.0]),
        note="one row, two columns: a whole line of answers",
    )
    yield case(
        array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]]),
        array([1.0, 2.0, 6.0]),
        expect=array([3.0, 0.0]),
        note="a column of zeros, which no weight can use",
    )
    yield case(_tall(rng, 6, 3), decimals(rng, 6), note="more rows than columns")
    yield case(_tall(rng, 7, 2).T, decimals(rng, 2), note="more columns than rows")


def _tall(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    """Return a random matrix whose columns are far from depending on each other."""
    while True:
        X = decimals(rng, n, d)
        s = np.linalg.svd(X, compute_uv=False)
        if s[-1] > 0.3 * s[0]:
            return X


@least_squares.misconception(
    "You inverted XᵀX, or solved with it as if it had an inverse. Where the columns of X depend on each other it has none.",
    "Which numpy function, or which of the three parts of the singular value decomposition, gets along without an inverse?",
)
def inverts_the_square(X: Any, y: Any) -> Any:
    try:
        return np.linalg.inv(X.T @ X) @ X.T @ y
    except np.linalg.LinAlgError:
        pass
    raise np.linalg.LinAlgError("Singular matrix")


@least_squares.misconception(
    "You returned the predictions `X @ w`, not w.",
    "How many weights belong to a matrix with 2 columns?",
)
def returns_predictions(X: Any, y: Any) -> Any:
    return X @ np.linalg.pinv(X) @ y


@least_squares.misconception(
    "You added a column of ones of your own, so a bias came out among the weights.",
    "If a bias is wanted, in which input does it stand already?",
)
def adds_a_bias(X: Any, y: Any) -> Any:
    return np.linalg.pinv(np.hstack([X, np.ones((len(X), 1))])) @ y


@least_squares.misconception(
    "You stopped at Xᵀy: how far each column agrees with y. Columns that overlap count twice so.",
    "What do you have to divide by for one column, and what does that become for several?",
)
def agreement_only(X: Any, y: Any) -> Any:
    return X.T @ y


@least_squares.misconception(
    "Your w comes as close as possible, and a shorter one comes as close too: you used some columns and left out those that depend on them.",
    "Two equal columns share the work: which split makes w shortest?",
)
def some_columns_only(X: Any, y: Any) -> Any:
    kept: list[int] = []
    for j in range(X.shape[1]):
        if np.linalg.matrix_rank(X[:, [*kept, j]]) > len(kept):
            kept.append(j)
    w = np.zeros(X.shape[1])
    w[kept] = np.linalg.pinv(X[:, kept]) @ y
    return w


@exercise(points=2, level=2, minutes=8)
def lms(rng: np.random.Generator) -> Iterator[Case]:
    yield case(
        array([[1.0, 0.0], [1.0, 2.0]]),
        array([2.0, -2.0]),
        0.5,
        1,
        expect=array([-0.5, -3.0]),
        note="two rows, one pass",
    )
    yield case(array([[2.0]]), array([3.0]), 0.25, 1, expect=array([1.5]), note="one row: 0.25 · 3 · 2")
    yield case(
        array([[1, 1], [0, 1], [1, 0]]),
        array([1, 3, 2]),
        0.5,
        2,
        expect=array([1.125, 1.875]),
        note="three rows, two passes",
    )
    yield case(
        array([[1.0, 0.5]]),
        array([4.0]),
        0.4,
        0,
        expect=array([0.0, 0.0]),
        note="no pass at all: w is still where it starts",
    )
    yield case(decimals(rng, 3, 4, largest=2).T, decimals(rng, 4), 0.1, 3, note="a transposed array")
    yield case(decimals(rng, 5, 2, largest=2), decimals(rng, 5), 0.05, 4, note="5 rows, 4 passes")


def _rule(change: Callable[[Any, Any, float], Any]) -> Callable[..., Any]:
    def weights(X: Any, y: Any, learning_rate: float, epochs: int) -> Any:
        w = np.zeros(X.shape[1])
        for _ in range(epochs):
            for x, target in zip(X, y, strict=True):
                w = w + learning_rate * change(x, target, x @ w)
        return w

    return weights


@lms.misconception(
    "You compared the target with 0 or 1, the step of `x @ w`: that is the perceptron rule of lesson 02.",
    "What does the rule of Widrow and Hoff compare the target with?",
)
def step_inside(X: Any, y: Any, learning_rate: float, epochs: int) -> Any:
    return _rule(lambda x, target, output: (target - float(output > 0)) * x)(X, y, learning_rate, epochs)


@lms.misconception(
    "There is a factor 2 in your step. It comes out when a square is differentiated, and this rule has it in the learning rate already.",
    "What does the rule in the text multiply, and is there a 2?",
)
def factor_two(X: Any, y: Any, learning_rate: float, epochs: int) -> Any:
    return _rule(lambda x, target, output: 2 * (target - output) * x)(X, y, learning_rate, epochs)


@lms.misconception(
    "You collected the errors of all rows and made one step for a whole pass.",
    "Which w should the second row see: the one from before the pass, or the one that the first row has changed?",
)
def one_step_a_pass(X: Any, y: Any, learning_rate: float, epochs: int) -> Any:
    w = np.zeros(X.shape[1])
    for _ in range(epochs):
        w = w + learning_rate * X.T @ (y - X @ w)
    return w


@lms.misconception(
    "You made one step for a whole pass, with the mean of all rows' steps.",
    "After how many rows does w change for the first time?",
)
def one_mean_step_a_pass(X: Any, y: Any, learning_rate: float, epochs: int) -> Any:
    w = np.zeros(X.shape[1])
    for _ in range(epochs):
        w = w + learning_rate * X.T @ (y - X @ w) / len(X)
    return w


@lms.misconception(
    "Your error has the opposite sign, so each step makes it larger.",
    "If the target is above `x @ w`, should `x @ w` go up or down?",
)
def error_reversed(X: Any, y: Any, learning_rate: float, epochs: int) -> Any:
    return _rule(lambda x, target, output: (output - target) * x)(X, y, learning_rate, epochs)


@lms.misconception(
    "You added the error itself to every weight, whatever the row's inputs are.",
    "An input of 0 had no part in the error: should its weight move?",
)
def input_left_out(X: Any, y: Any, learning_rate: float, epochs: int) -> Any:
    return _rule(lambda x, target, output: (target - output) * np.ones(len(x)))(X, y, learning_rate, epochs)


@lms.misconception(
    "You went through the rows once, however many passes were asked for.",
    "Which argument says how often to go through all rows?",
)
def one_pass_only(X: Any, y: Any, learning_rate: float, epochs: int) -> Any:
    return _rule(lambda x, target, output: (target - output) * x)(X, y, learning_rate, min(epochs, 1))


_HALF = math.log(3) / 2  # its tanh is 1/2


def _network(rng: np.random.Generator, h: int) -> dict[str, np.ndarray]:
    small = {"W1": (2, h), "b1": (h,), "W2": (h, 1), "b2": (1,)}
    return {name: decimals(rng, *shape, largest=1.5) for name, shape in small.items()}


def _gradients_case(X: np.ndarray, y: np.ndarray, params: dict[str, np.ndarray], **more: Any) -> Case:
    lines = [
        f"X, y = {literal(X)}, {literal(y)}",
        f"params = {literal(params)}",
        "mlp_gradients(X, y, params)",
    ]
    return case(X, y, params, text="\n".join(lines), **more)


@exercise(points=4, level=4, minutes=20, by_hand=("grad", "backward"))
def mlp_gradients(rng: np.random.Generator) -> Iterator[Case]:
    square = array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    yield _gradients_case(
        square,
        array([[0.0], [1.0], [1.0], [3.0]]),
        {"W1": array([[_HALF], [-_HALF]]), "b1": array([0.0]), "W2": array([[2.0]]), "b2": array([1.0])},
        expect={
            "W1": array([[-1.25], [-2.75]]),
            "b1": array([-1.0]),
            "W2": array([[0.5]]),
            "b2": array([-0.5]),
        },
        note="one hidden neuron that shows 0, -1/2, 1/2 and 0, and predictions 1, 0, 2 and 1",
    )
    yield _gradients_case(
        array([[3.0, -1.0]]),
        array([[1.0]]),
        {
            "W1": np.zeros((2, 3)),
            "b1": np.zeros(3),
            "W2": array([[1.0], [2.0], [-4.0]]),
            "b2": array([2.0]),
        },
        expect={
            "W1": array([[6.0, 12.0, -24.0], [-2.0, -4.0, 8.0]]),
            "b1": array([2.0, 4.0, -8.0]),
            "W2": np.zeros((3, 1)),
            "b2": array([2.0]),
        },
        note="one row, three hidden neurons that all show 0",
    )
    yield _gradients_case(
        square,
        array([[0], [1], [1], [0]]),
        {"W1": np.zeros((2, 4)), "b1": np.zeros(4), "W2": np.zeros((4, 1)), "b2": array([0.5])},
        expect={"W1": np.zeros((2, 4)), "b1": np.zeros(4), "W2": np.zeros((4, 1)), "b2": np.zeros(1)},
        note="XOR with all weights zero and the answer 0.5 everywhere: no slope at all",
    )
    yield _gradients_case(
        decimals(rng, 5, 2, largest=2), decimals(rng, 5, 1), _network(rng, 3), note="5 rows"
    )
    yield _gradients_case(
        decimals(rng, 2, 3, largest=2).T,
        decimals(rng, 3, 1),
        _network(rng, 4),
        note="3 rows, from a transposed array",
    )


def _slopes_of_mlp(
    X: Any,
    y: Any,
    params: Any,
    *,
    slope: Callable[[Any], Any] = lambda hidden: 1 - hidden**2,
    factor: Callable[[int], float] = lambda n: 2 / n,
) -> dict[str, Any]:
    hidden = np.tanh(X @ params["W1"] + params["b1"])
    error = factor(len(X)) * (hidden @ params["W2"] + params["b2"] - y)
    before = error @ params["W2"].T * slope(hidden)
    return {"W1": X.T @ before, "b1": before.sum(0), "W2": hidden.T @ error, "b2": error.sum(0)}


@mlp_gradients.misconception(
    "The slope of tanh is missing: your gradients go through the hidden layer as if it were straight.",
    "What does a hidden neuron at ±1, where tanh is flat, do to a small change that comes in?",
)
def tanh_slope_left_out(X: Any, y: Any, params: Any) -> Any:
    return _slopes_of_mlp(X, y, params, slope=np.ones_like)


@mlp_gradients.misconception(
    "You put the output of tanh into tanh once more before squaring: the slope is 1 - tanh², and `hidden` is tanh already.",
    "What is the slope of tanh where it is 1/2?",
)
def tanh_taken_twice(X: Any, y: Any, params: Any) -> Any:
    return _slopes_of_mlp(X, y, params, slope=lambda hidden: 1 - np.tanh(hidden) ** 2)


@mlp_gradients.misconception(
    "These are the slopes of the sum of squares: the mean over the rows is forgotten.",
    "By what is the sum divided in `mse`, and so its slope?",
)
def mean_forgotten(X: Any, y: Any, params: Any) -> Any:
    return _slopes_of_mlp(X, y, params, factor=lambda n: 2)


@mlp_gradients.misconception(
    "Your gradients are half of what they should be: the slope of a square is twice what is squared.",
    "What is the slope of e² at e = 3?",
)
def factor_two_forgotten(X: Any, y: Any, params: Any) -> Any:
    return _slopes_of_mlp(X, y, params, factor=lambda n: 1 / n)


@mlp_gradients.misconception(
    "All your gradients have the wrong sign: you took target minus prediction.",
    "If the prediction is too high and b2 grows, does the loss grow or shrink?",
)
def sign_reversed(X: Any, y: Any, params: Any) -> Any:
    return _slopes_of_mlp(X, y, params, factor=lambda n: -2 / n)


@mlp_gradients.misconception(
    "Your bias gradients have one row for each example. A bias serves all of them.",
    "How do the wishes of all rows become one number for each bias?",
)
def bias_not_summed(X: Any, y: Any, params: Any) -> Any:
    hidden = np.tanh(X @ params["W1"] + params["b1"])
    error = 2 / len(X) * (hidden @ params["W2"] + params["b2"] - y)
    before = error @ params["W2"].T * (1 - hidden**2)
    return {"W1": X.T @ before, "b1": before, "W2": hidden.T @ error, "b2": error}


@mlp_gradients.misconception(
    "Your bias gradients are means over the rows, and the mean is in the loss already: now it is taken twice.",
    "Each row adds its share to a bias's slope: with which of `sum` and `mean`?",
)
def bias_averaged(X: Any, y: Any, params: Any) -> Any:
    right = _slopes_of_mlp(X, y, params)
    return {name: value / len(X) if name in ("b1", "b2") else value for name, value in right.items()}


@mlp_gradients.misconception(
    "The gradients of your matrices are transposed.",
    "A gradient is subtracted from its matrix: what shape must it have?",
)
def matrices_transposed(X: Any, y: Any, params: Any) -> Any:
    return {name: value.T for name, value in _slopes_of_mlp(X, y, params).items()}


class _Scalar:
    """A scalar that differentiates itself. The mistakes below each change one part of it."""

    def __init__(self, data: Any, inputs: Any = ()) -> None:
        self.data, self.grad, self.inputs = data, 0.0, inputs

    def _other(self, value: Any) -> Any:
        return value if isinstance(value, _Scalar) else type(self)(value)

    def __add__(self, other: Any) -> Any:
        other = self._other(other)
        return type(self)(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __mul__(self, other: Any) -> Any:
        other = self._other(other)
        return type(self)(self.data * other.data, ((self, other.data), (other, self.data)))

    def __pow__(self, exponent: Any) -> Any:
        return type(self)(self.data**exponent, ((self, exponent * self.data ** (exponent - 1)),))

    def relu(self) -> Any:
        return type(self)(max(self.data, 0.0), ((self, float(self.data > 0)),))

    def tanh(self) -> Any:
        t = math.tanh(self.data)
        return type(self)(t, ((self, 1 - t * t),))

    def __radd__(self, other: Any) -> Any:
        return self + other

    def __rmul__(self, other: Any) -> Any:
        return self * other

    def __sub__(self, other: Any) -> Any:
        return self + self._other(other) * -1

    def __rsub__(self, other: Any) -> Any:
        return self * -1 + other

    def order(self) -> list[Any]:
        """Return this value and all behind it, each before those it was made of."""
        found: dict[int, Any] = {}

        def visit(value: Any) -> None:
            if id(value) not in found:
                for source, _ in value.inputs:
                    visit(source)
                found[id(value)] = value

        visit(self)
        return list(found.values())[::-1]

    def push(self) -> None:
        for source, slope in self.inputs:
            source.grad += slope * self.grad

    def backward(self) -> None:
        self.grad = 1.0
        for value in self.order():
            value.push()


def _graph(lines: str, build: Callable[[Any], tuple[Any, dict[str, Any]]], **more: Any) -> Case:
    """Return the case that builds an expression, goes back from its result, and looks at all gradients.

    `build(Value)` returns the result, and by name the Values whose gradients count; `lines` say the same as text.
    """

    def ask(Value: Any) -> dict[str, Any]:
        result, watched = build(Value)
        result.backward()
        return {"result.data": result.data} | {f"{name}.grad": value.grad for name, value in watched.items()}

    def numbers(answer: dict[str, Any]) -> dict[str, Any]:
        for name, value in answer.items():
            if isinstance(value, bool) or not (
                isinstance(value, int | float | np.number) or (is_array(value) and value.ndim == 0)
            ):
                raise Unfit(f"Expected a number in {name}, got {describe(value)}.")
        return {name: round(float(value), 9) for name, value in answer.items()}

    return play(ask, f"{lines}\nresult.backward()", view=numbers, **more)


@exercise(points=5, level=4, minutes=25)
def Value(rng: np.random.Generator) -> Iterator[Case]:
    def product(V: Any) -> Any:
        a, b = V(2.0), V(-3.0)
        return a * b, {"a": a, "b": b}

    yield _graph(
        "a, b = Value(2.0), Value(-3.0)\nresult = a * b",
        product,
        expect={"result.data": -6.0, "a.grad": -3.0, "b.grad": 2.0},
    )

    def plain_numbers(V: Any) -> Any:
        a = V(4.0)
        return 10 - (3 * a + 1) * 2, {"a": a}

    yield _graph(
        "a = Value(4.0)\nresult = 10 - (3 * a + 1) * 2",
        plain_numbers,
        expect={"result.data": -16.0, "a.grad": -6.0},
        note="plain numbers on either side",
    )

    def used_twice(V: Any) -> Any:
        a, b = V(3.0), V(3.0)
        return a * b + a, {"a": a, "b": b}

    yield _graph(
        "a, b = Value(3.0), Value(3.0)\nresult = a * b + a",
        used_twice,
        expect={"result.data": 12.0, "a.grad": 4.0, "b.grad": 3.0},
        note="a is used twice: its two slopes add up",
    )

    def square(V: Any) -> Any:
        a = V(-4.0)
        return a * a, {"a": a}

    yield _graph(
        "a = Value(-4.0)\nresult = a * a",
        square,
        expect={"result.data": 16.0, "a.grad": -8.0},
        note="a times itself",
    )

    def difference(V: Any) -> Any:
        a, b = V(5.0), V(3.0)
        return (a - b) * (a - 1), {"a": a, "b": b}

    yield _graph(
        "a, b = Value(5.0), Value(3.0)\nresult = (a - b) * (a - 1)",
        difference,
        expect={"result.data": 8.0, "a.grad": 6.0, "b.grad": -4.0},
        note="differences",
    )

    def powers(V: Any) -> Any:
        a, b, c = V(2.0), V(4.0), V(9.0)
        return 1 + a**3 + b**-1 + c**0.5, {"a": a, "b": b, "c": c}

    yield _graph(
        "a, b, c = Value(2.0), Value(4.0), Value(9.0)\nresult = 1 + a ** 3 + b ** -1 + c ** 0.5",
        powers,
        expect={"result.data": 12.25, "a.grad": 12.0, "b.grad": -0.0625, "c.grad": 1 / 6},
        note="powers: 3, -1 and 1/2",
    )

    def bent(V: Any) -> Any:
        a, b = V(3.0), V(-2.0)
        return a.relu() * 5 + b.relu() * 7, {"a": a, "b": b}

    yield _graph(
        "a, b = Value(3.0), Value(-2.0)\nresult = a.relu() * 5 + b.relu() * 7",
        bent,
        expect={"result.data": 15.0, "a.grad": 5.0, "b.grad": 0.0},
        note="relu of a positive and of a negative number",
    )

    def curved(V: Any) -> Any:
        a = V(_HALF)
        return a.tanh() * 4, {"a": a}

    yield _graph(
        f"a = Value({_HALF!r})\nresult = a.tanh() * 4",
        curved,
        expect={"result.data": 2.0, "a.grad": 3.0},
        note="tanh is 1/2 here, so its slope is 1 - 1/4",
    )

    def two_ways(V: Any) -> Any:
        a = V(2.0)
        b = a * a
        c = b * 3
        return b + c, {"a": a, "b": b}

    yield _graph(
        "a = Value(2.0)\nb = a * a\nc = b * 3\nresult = b + c",
        two_ways,
        expect={"result.data": 16.0, "a.grad": 16.0, "b.grad": 4.0},
        note="b is reached on two ways, one of them longer: b must wait for both before it passes on",
    )

    def two_ways_again(V: Any) -> Any:
        a = V(2.0)
        b = a * a
        c = b * 3
        return c + b, {"a": a, "b": b}

    yield _graph(
        "a = Value(2.0)\nb = a * a\nc = b * 3\nresult = c + b",
        two_ways_again,
        expect={"result.data": 16.0, "a.grad": 16.0, "b.grad": 4.0},
        note="the same, with the longer way first",
    )

    def doubled(V: Any) -> Any:
        a = V(1.5)
        result = a
        for _ in range(8):
            result = result + result
        return result, {"a": a}

    yield _graph(
        "a = Value(1.5)\nresult = a\nfor _ in range(8):\n    result = result + result",
        doubled,
        expect={"result.data": 384.0, "a.grad": 256.0},
        note="doubled 8 times",
    )

    def side_branch(V: Any) -> Any:
        a, b = V(2.0), V(7.0)
        _unused = a * b * 100
        return a * 3 + b, {"a": a, "b": b}

    yield _graph(
        "a, b = Value(2.0), Value(7.0)\nunused = a * b * 100\nresult = a * 3 + b",
        side_branch,
        expect={"result.data": 13.0, "a.grad": 3.0, "b.grad": 1.0},
        note="only what the result was made of counts",
    )

    x = decimals(rng, 2, largest=1).tolist()
    start = decimals(rng, 5, largest=1).tolist()

    def network(V: Any) -> Any:
        w1, w2, b1, w3, b2 = map(V, start)
        hidden = (w1 * x[0] + w2 * x[1] + b1).tanh()
        error = w3 * hidden + (hidden + 2).relu() + b2 - 1
        return error**2, {"w1": w1, "w2": w2, "b1": b1, "w3": w3, "b2": b2}

    yield _graph(
        f"w1, w2, b1, w3, b2 = map(Value, {start})\nhidden = ({x[0]} * w1 + {x[1]} * w2 + b1).tanh()\n"
        "result = (w3 * hidden + (hidden + 2).relu() + b2 - 1) ** 2",
        network,
        note="a small network and its squared error",
    )


@Value.misconception(
    "A gradient that was there already is overwritten. Where a number is used twice, only one of its uses counts.",
    "a has a part in the result on two ways: what should become of the two slopes?",
)
class gradients_overwritten(_Scalar):
    def push(self) -> None:
        for source, slope in self.inputs:
            source.grad = slope * self.grad


@Value.misconception(
    "A Value passes its gradient on before it is complete, and again later: what came first is counted twice.",
    "Which Values must be finished before b may send anything back to a?",
)
class passed_on_too_early(_Scalar):
    def backward(self) -> None:
        self.grad = 1.0
        self._down()

    def _down(self) -> None:
        self.push()
        for source, _ in self.inputs:
            source._down()


@Value.misconception(
    "You go back level by level, by distance from the result. A Value that is near on one way and far on another passes on too early.",
    "On which of its two ways does b have to wait longer?",
)
class level_by_level(_Scalar):
    def order(self) -> list[Any]:
        found = [self]
        for value in found:
            found += [source for source, _ in value.inputs if all(source is not seen for seen in found)]
        return found


@Value.misconception(
    "All gradients stay 0: nothing starts the flow at the result.",
    "How fast does the result grow with itself?",
)
class no_start(_Scalar):
    def backward(self) -> None:
        for value in self.order():
            value.push()


@Value.misconception(
    "In a product each factor got its own number as slope.",
    "If a grows by a little, by how many times that does a·b grow?",
)
class own_factor(_Scalar):
    def __mul__(self, other: Any) -> Any:
        other = self._other(other)
        return type(self)(self.data * other.data, ((self, self.data), (other, other.data)))


@Value.misconception(
    "The slopes of each single step are there, and are not multiplied by what comes from further on.",
    "If a moves b, and b moves the result: what do you do with the two slopes?",
)
class chain_broken(_Scalar):
    def push(self) -> None:
        for source, slope in self.inputs:
            source.grad += slope


@Value.misconception(
    "The slope of a power is missing its factor: for a³ it is 3·a², not a².",
    "By how much does a³ grow from a = 2 to a = 2.01, and how does that compare with 0.01?",
)
class exponent_left_out(_Scalar):
    def __pow__(self, exponent: Any) -> Any:
        return type(self)(self.data**exponent, ((self, self.data ** (exponent - 1)),))


@Value.misconception(
    "In the slope of a power the exponent did not become smaller by one.",
    "What is the slope of a², at a = 2?",
)
class exponent_kept(_Scalar):
    def __pow__(self, exponent: Any) -> Any:
        return type(self)(self.data**exponent, ((self, exponent * self.data**exponent),))


@Value.misconception(
    "relu lets the gradient through on its flat side, too.",
    "Where a number is negative, what does relu do to a small change of it?",
)
class relu_always_open(_Scalar):
    def relu(self) -> Any:
        return type(self)(max(self.data, 0.0), ((self, 1.0),))


@Value.misconception(
    "The slope of tanh was computed from its input: you have 1 minus the input squared.",
    "Is the slope of tanh 1 - a², or 1 - tanh(a)²?",
)
class tanh_slope_from_input(_Scalar):
    def tanh(self) -> Any:
        return type(self)(math.tanh(self.data), ((self, 1 - self.data**2),))


@Value.misconception(
    "Your tanh passes gradients on as they are, with a slope of 1 everywhere.",
    "Far from 0 tanh is flat: how much of a small change gets through there?",
)
class tanh_slope_one(_Scalar):
    def tanh(self) -> Any:
        return type(self)(math.tanh(self.data), ((self, 1.0),))


@Value.misconception(
    "A plain number minus a Value came out with the wrong sign: you computed Value minus number.",
    "`10 - v` calls `v.__rsub__(10)`: which of the two is subtracted?",
)
class subtraction_swapped(_Scalar):
    def __rsub__(self, other: Any) -> Any:
        return self - other


_XOR = array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), array([[0.0], [1.0], [1.0], [0.0]])
_SHAPES = {"W1": (2, 4), "b1": (4,), "W2": (4, 1), "b2": (1,)}


def _run_of(answer: Any) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return the parameters and the losses of an answer of train_xor, or say what is wrong with its form."""
    if not isinstance(answer, list | tuple) or len(answer) != 2:
        raise Unfit(f"Expected the pair (params, losses), got {describe(answer)}.")
    params, losses = answer
    if not isinstance(params, dict):
        raise Unfit(f"Expected params to be a dict, got {describe(params)}.")
    for name in _SHAPES:
        if name not in params:
            raise Unfit(f"The parameter {name!r} is missing in params.")
        if not is_array(params[name]):
            raise Unfit(f"Expected the parameter {name!r} to be an array, got {describe(params[name])}.")
    if not isinstance(losses, list | tuple) and not (is_array(losses) and losses.ndim == 1):
        raise Unfit(f"Expected losses to be a list of numbers, got {describe(losses)}.")
    try:
        numbers = np.array([float(loss) for loss in losses])
        return {name: to_numpy(params[name]).astype(float) for name in _SHAPES}, numbers
    except (TypeError, ValueError):
        raise Unfit("Not all of the losses and parameters are numbers.") from None


def _outputs(params: dict[str, np.ndarray]) -> np.ndarray:
    for name, shape in _SHAPES.items():
        if params[name].shape != shape:
            raise Unfit(f"Expected {name!r} of shape {shape}, got shape {params[name].shape}.")
    with np.errstate(all="ignore"):
        return np.asarray(
            np.tanh(_XOR[0] @ params["W1"] + params["b1"]) @ params["W2"] + params["b2"], dtype=float
        )


def _loss_of(params: dict[str, np.ndarray]) -> float:
    return float(np.mean((_outputs(params) - _XOR[1]) ** 2))


def _solves(steps: int, seeds: tuple[int, int]) -> Case:
    """Return the case that looks at a trained network's four answers; a seed that is bad luck gets a second one."""
    right = _XOR[1][:, 0]

    def settled(answer: Any) -> np.ndarray:
        outputs = _outputs(_run_of(answer)[0])[:, 0]
        near = np.abs(outputs - np.round(outputs)) < 0.25
        return np.where(near, np.round(outputs), outputs)

    def ask(train: Any) -> Any:
        first = train(0.3, steps, seeds[0])
        try:
            solved = np.array_equal(settled(first), right)
        except Unfit:
            return first
        return first if solved else train(0.3, steps, seeds[1])

    def answers(answer: Any) -> np.ndarray:
        outputs, W1 = settled(answer), _run_of(answer)[0]["W1"]
        if np.allclose(W1, W1[:, :1]) and not np.array_equal(outputs, right):
            raise Unfit(
                "XOR is not solved: after all these steps the four hidden neurons are copies of one another."
            )
        return outputs

    text = f"params, losses = train_xor(0.3, {steps}, {seeds[0]})\nnp.tanh(X @ params['W1'] + params['b1']) @ params['W2'] + params['b2']"
    note = "the answers to the four rows of XOR after training (0.75 to 1.25 counts as 1, -0.25 to 0.25 as 0)"
    return play(ask, text, view=answers, expect=right, note=note)


@exercise(points=3, level=3, minutes=10, seconds=20, by_hand=("backward", "MLPRegressor", "MLPClassifier"))
def train_xor(rng: np.random.Generator) -> Iterator[Case]:
    for steps in (3, 7):

        def form(answer: Any) -> dict[str, Any]:
            params, losses = _run_of(answer)
            return {name: params[name].shape for name in _SHAPES} | {"number of losses": len(losses)}

        def short(train: Any, steps: int = steps) -> Any:
            return train(0.3, steps, 0)

        yield play(
            short,
            f"train_xor(0.3, {steps}, 0)",
            view=form,
            expect=_SHAPES | {"number of losses": steps},
            note=f"the form of the answer, after {steps} steps",
        )

    seed = int(rng.integers(1000))

    def fall(answer: Any) -> dict[str, bool]:
        losses = _run_of(answer)[1]
        return {
            "the last loss is smaller than the first": bool(losses[-1] < losses[0]),
            "all losses are equal": bool(np.all(losses == losses[0])),
        }

    yield play(
        lambda train: train(0.1, 100, seed),
        f"params, losses = train_xor(0.1, 100, {seed})",
        view=fall,
        expect={"the last loss is smaller than the first": True, "all losses are equal": False},
        note="does the loss fall in 100 steps",
    )

    def moved(answer: Any) -> dict[str, bool]:
        (early, _), (late, _) = (_run_of(run) for run in answer)
        return {f"{name} has changed": not np.array_equal(early[name], late[name]) for name in _SHAPES}

    yield play(
        lambda train: (train(0.1, 1, seed), train(0.1, 100, seed)),
        f"train_xor(0.1, 1, {seed})[0], train_xor(0.1, 100, {seed})[0]",
        view=moved,
        expect={f"{name} has changed": True for name in _SHAPES},
        note="do all four parameters move, between step 1 and step 100",
    )

    def twice(answer: Any) -> dict[str, bool]:
        first, second = (_run_of(run)[1] for run in answer)
        return {"both runs have the same losses": bool(np.array_equal(first, second))}

    yield play(
        lambda train: (train(0.1, 5, seed), train(0.1, 5, seed)),
        f"train_xor(0.1, 5, {seed})[1], train_xor(0.1, 5, {seed})[1]",
        view=twice,
        expect={"both runs have the same losses": True},
        note="the same seed twice",
    )
    yield play(
        lambda train: (train(0.1, 5, seed), train(0.2, 5, seed)),
        f"train_xor(0.1, 5, {seed})[1], train_xor(0.2, 5, {seed})[1]",
        view=twice,
        expect={"both runs have the same losses": False},
        note="two learning rates from the same start",
    )

    def belongs(answer: Any) -> dict[str, bool]:
        (params, losses), (_, longer) = (_run_of(run) for run in answer)
        loss, room = _loss_of(params), 1e-5 * max(1.0, abs(float(losses[-1])))
        before, after = abs(longer[-1] - loss) <= room, abs(losses[-1] - loss) <= room
        return {"params are those that the losses tell of": bool(before or after)}

    yield play(
        lambda train: (train(0.1, 20, seed), train(0.1, 21, seed)),
        f"train_xor(0.1, 20, {seed}), train_xor(0.1, 21, {seed})",
        view=belongs,
        expect={"params are those that the losses tell of": True},
        note="is the loss of the network that comes back the next in the list (or the last one)",
    )
    yield _solves(2000, (seed, seed + 1))


def _training(
    *,
    start: Callable[[np.random.Generator, tuple[int, ...]], Any] = lambda rng, shape: (
        rng.normal(size=shape) / 2
    ),
    target: Any = _XOR[1],
    direction: float = 1.0,
    first_layer: float = 1.0,
) -> Callable[[float, int, int], tuple[Any, Any, list[float]]]:
    """Return a training of XOR, as (first params, last params, losses), with one part of it changed."""

    def train(learning_rate: float, steps: int, seed: int) -> tuple[Any, Any, list[float]]:
        rng = np.random.default_rng(seed)
        p = {
            "W1": start(rng, (2, 4)),
            "b1": np.zeros(4),
            "W2": start(rng, (4, 1)),
            "b2": np.zeros(1),
        }
        first, losses = p, []
        with np.errstate(all="ignore"):
            for _ in range(steps):
                hidden = np.tanh(_XOR[0] @ p["W1"] + p["b1"])
                error = hidden @ p["W2"] + p["b2"] - target
                losses.append(float(np.mean(error**2)))
                error = direction * error / 2
                before = first_layer * (error @ p["W2"].T) * (1 - hidden**2)
                p = {
                    "W1": p["W1"] - learning_rate * (_XOR[0].T @ before),
                    "b1": p["b1"] - learning_rate * before.sum(0),
                    "W2": p["W2"] - learning_rate * (hidden.T @ error),
                    "b2": p["b2"] - learning_rate * error.sum(0),
                }
        return first, p, losses

    return train


@train_xor.misconception(
    "The loss never changes: the network after a step is the one from before it.",
    "What becomes of the dict that `gradient_descent` returns?",
)
def never_updates(learning_rate: float, steps: int, seed: int) -> Any:
    first, _, losses = _training()(learning_rate, min(steps, 1), seed)
    return first, losses * steps


@train_xor.misconception(
    "Your four hidden neurons start with the same weights (all zero, for example). Then they get the same gradient in every step, and stay one neuron in four copies.",
    "What could make the four neurons differ before the first step?",
)
def all_start_alike(learning_rate: float, steps: int, seed: int) -> Any:
    return _training(start=lambda rng, shape: np.zeros(shape))(learning_rate, steps, seed)[1:]


@train_xor.misconception(
    "Only the output neuron learns: W1 and b1 stay where they started.",
    "Which parameters does the dict hold that `mlp_gradients` returns, and which of them make a step?",
)
def first_layer_stays(learning_rate: float, steps: int, seed: int) -> Any:
    return _training(first_layer=0.0)(learning_rate, steps, seed)[1:]


@train_xor.misconception(
    "The loss rises from step to step: the parameters move uphill.",
    "Is the gradient added, or subtracted?",
)
def climbs(learning_rate: float, steps: int, seed: int) -> Any:
    return _training(direction=-1.0)(learning_rate, steps, seed)[1:]


@train_xor.misconception(
    "The losses are those of a training, and the parameters that come back are those from before it.",
    "Which of your variables holds the parameters after the last step?",
)
def returns_the_start(learning_rate: float, steps: int, seed: int) -> Any:
    first, _, losses = _training()(learning_rate, steps, seed)
    return first, losses


@train_xor.misconception(
    "You returned one loss, and asked for is a list with one for each step.",
    "Where in the loop could each loss be kept?",
)
def last_loss_only(learning_rate: float, steps: int, seed: int) -> Any:
    _, last, losses = _training()(learning_rate, steps, seed)
    return last, losses[-1]


@train_xor.misconception(
    "The learning rate makes no difference to your training.",
    "Where does the argument `learning_rate` go?",
)
def rate_fixed(learning_rate: float, steps: int, seed: int) -> Any:
    return _training()(0.1, steps, seed)[1:]


@train_xor.misconception(
    "The same seed gives another training each time.",
    "Which generator do your random numbers come from, and what is it made of?",
)
def seed_not_used(learning_rate: float, steps: int, seed: int) -> Any:
    chance = int(np.random.default_rng().integers(10**9))
    return _training()(learning_rate, steps, chance)[1:]


@train_xor.misconception(
    "Your network has learned OR.",
    "What is the target of the row (1, 1) in XOR?",
)
def learns_or(learning_rate: float, steps: int, seed: int) -> Any:
    return _training(target=array([[0.0], [1.0], [1.0], [1.0]]))(learning_rate, steps, seed)[1:]


@train_xor.misconception(
    "Your network has learned the opposite of XOR: 1 where the inputs agree.",
    "In which order do your targets stand, and in which your rows?",
)
def learns_xnor(learning_rate: float, steps: int, seed: int) -> Any:
    return _training(target=1 - _XOR[1])(learning_rate, steps, seed)[1:]


@train_xor.misconception(
    "Your list has one loss more than there are steps.",
    "How many losses belong to 3 steps, if each step writes down one?",
)
def one_loss_too_many(learning_rate: float, steps: int, seed: int) -> Any:
    _, last, losses = _training()(learning_rate, steps + 1, seed)
    return last, losses
