"""Where weights come from: a loss, its slope, and steps downhill.

Rows of X are examples. A network of lesson 03 with one hidden layer is a dict of four arrays here:
`W1 (2, h)`, `b1 (h,)`, `W2 (h, 1)`, `b2 (1,)`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Num
from numpy import ndarray


def mse(prediction: Num[ndarray, "*shape"], target: Num[ndarray, "*shape"]) -> float:
    """Return the mean squared error: the mean of all squared differences.

    >>> mse(np.array([1, 2, 5]), np.array([1, 4, 4]))  # (0 + 4 + 1) / 3
    1.6666666666666667
    """
    ### BEGIN SOLUTION
    return float(np.mean((prediction - target) ** 2))
    ### END SOLUTION


def numerical_gradient(
    f: Callable[[ndarray], float], w: Float[ndarray, "*shape"], eps: float = 1e-5
) -> Float[ndarray, "*shape"]:
    """Return the slope of f along each entry of w, in an array of w's shape, measured by central differences.

    For one entry: f with the entry `eps` larger, minus f with it `eps` smaller, divided by `2 * eps`. All
    other entries stay. w itself is afterwards what it was before.

    >>> numerical_gradient(lambda w: w[0] ** 3, np.array([2.0]), eps=1.0)  # (27 - 1) / 2
    array([13.])
    """
    ### BEGIN SOLUTION
    gradient = np.zeros(w.shape)
    for index in np.ndindex(*w.shape):
        above, below = w.copy(), w.copy()
        above[index] += eps
        below[index] -= eps
        gradient[index] = (f(above) - f(below)) / (2 * eps)
    return gradient
    ### END SOLUTION


def gradient_descent(
    params: dict[str, ndarray], gradients: dict[str, ndarray], learning_rate: float
) -> dict[str, ndarray]:
    """Return new parameters, one step downhill: each minus `learning_rate` times its gradient.

    A gradient has its parameter's name. Neither dict is changed, nor the arrays in it.

    >>> gradient_descent({"w": np.array([1.0, 2.0])}, {"w": np.array([10.0, -10.0])}, 0.1)
    {'w': array([0., 3.])}
    """
    ### BEGIN SOLUTION
    return {name: value - learning_rate * gradients[name] for name, value in params.items()}
    ### END SOLUTION


def least_squares(X: Num[ndarray, "n d"], y: Num[ndarray, "n"]) -> Float[ndarray, "d"]:
    """Return the w for which `X @ w` comes closest to y, in the sum of squared differences.

    Where several w come equally close (X lacks full rank), it is the shortest of them.

    >>> np.round(least_squares(np.array([[1, 0], [1, 1], [1, 2]]), np.array([1, 3, 5])), 6)
    array([1., 2.])
    """
    ### BEGIN SOLUTION
    U, s, Vt = np.linalg.svd(X, full_matrices=False)
    kept = s > 1e-10 * s.max()
    return Vt[kept].T @ ((U[:, kept].T @ y) / s[kept])
    ### END SOLUTION


def lms(
    X: Num[ndarray, "n d"], y: Num[ndarray, "n"], learning_rate: float, epochs: int
) -> Float[ndarray, "d"]:
    """Return w after so many passes over the rows of X, by the rule of Widrow and Hoff (1960).

    w starts at zero. At each row x with target t, in order, `learning_rate * (t - x @ w) * x` is added to it.

    >>> lms(np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([2.0, 4.0]), learning_rate=0.5, epochs=1)
    array([2.5, 1.5])
    """
    ### BEGIN SOLUTION
    w = np.zeros(X.shape[1])
    for _ in range(epochs):
        for x, target in zip(X, y, strict=True):
            error = target - x @ w
            w = w + learning_rate * error * x
    return w
    ### END SOLUTION


def mlp_gradients(
    X: Num[ndarray, "n 2"], y: Num[ndarray, "n 1"], params: dict[str, ndarray]
) -> dict[str, ndarray]:
    """Return the gradient of the mean squared error for each parameter, under its name, in its shape.

    The network: `hidden = tanh(X @ W1 + b1)`, `prediction = hidden @ W2 + b2`. The loss:
    `mse(prediction, y)`.

    >>> params = {"W1": np.zeros((2, 1)), "b1": np.zeros(1), "W2": np.array([[2.0]]), "b2": np.array([3.0])}
    >>> mlp_gradients(np.array([[1.0, 0.0]]), np.array([[2.0]]), params)["W1"]
    array([[4.],
           [0.]])
    """
    ### BEGIN SOLUTION
    hidden = np.tanh(X @ params["W1"] + params["b1"])
    prediction = hidden @ params["W2"] + params["b2"]
    d_prediction = 2 * (prediction - y) / len(X)
    d_hidden = d_prediction @ params["W2"].T
    d_before = d_hidden * (1 - hidden**2)  # before tanh: its slope is 1 - tanh²
    return {
        "W1": X.T @ d_before,
        "b1": d_before.sum(axis=0),
        "W2": hidden.T @ d_prediction,
        "b2": d_prediction.sum(axis=0),
    }
    ### END SOLUTION


class Value:
    """A number that remembers what it was computed from, so that it can send its slope back there.

    `data` is the number. `backward()` on a result fills in `grad` of every Value it came from: how fast the
    result grows when that Value grows. `inputs` holds a pair (input, slope) for each Value that this one was
    made of directly.

    >>> a, b = Value(2.0), Value(3.0)
    >>> c = a * b + a
    >>> c.backward()
    >>> c.data, a.grad, b.grad
    (8.0, 4.0, 2.0)
    """

    def __init__(self, data: float, inputs: tuple[tuple[Value, float], ...] = ()) -> None:
        self.data = data
        self.grad = 0.0
        self.inputs = inputs

    def __add__(self, other: Value | float) -> Value:
        """Return self + other. Each side counts in full: both slopes are 1."""
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __mul__(self, other: Value | float) -> Value:
        """Return self * other."""
        other = other if isinstance(other, Value) else Value(other)
        ### BEGIN SOLUTION
        return Value(self.data * other.data, ((self, other.data), (other, self.data)))
        ### END SOLUTION

    def __pow__(self, exponent: float) -> Value:
        """Return self ** exponent, for an exponent that is a plain number."""
        ### BEGIN SOLUTION
        slope = exponent * self.data ** (exponent - 1)
        return Value(self.data**exponent, ((self, slope),))
        ### END SOLUTION

    def relu(self) -> Value:
        """Return self where it is positive, else 0."""
        ### BEGIN SOLUTION
        slope = 1.0 if self.data > 0 else 0.0
        return Value(max(self.data, 0.0), ((self, slope),))
        ### END SOLUTION

    def tanh(self) -> Value:
        """Return tanh of self."""
        ### BEGIN SOLUTION
        t = math.tanh(self.data)
        return Value(t, ((self, 1 - t**2),))
        ### END SOLUTION

    def backward(self) -> None:
        """Add to `grad` of every Value behind this one how fast this one grows with it; its own is 1."""
        ### BEGIN SOLUTION
        order: list[Value] = []  # every Value after all that it was computed from
        seen = set()

        def visit(value: Value) -> None:
            if value not in seen:
                seen.add(value)
                for source, _ in value.inputs:
                    visit(source)
                order.append(value)

        visit(self)
        self.grad = 1.0
        for value in reversed(order):
            for source, slope in value.inputs:
                source.grad += slope * value.grad
        ### END SOLUTION

    # What is left is made of the above: 3 + v, 3 * v, v - 3 and 3 - v.
    def __radd__(self, other: float) -> Value:
        return self + other

    def __rmul__(self, other: float) -> Value:
        return self * other

    def __sub__(self, other: Value | float) -> Value:
        return self + other * -1

    def __rsub__(self, other: float) -> Value:
        return self * -1 + other

    def __repr__(self) -> str:
        return f"Value({self.data:g}, grad={self.grad:g})"


def train_xor(learning_rate: float, steps: int, seed: int) -> tuple[dict[str, ndarray], list[float]]:
    """Return a network that has learned XOR, as a dict of parameters, and the loss in each step.

    Hidden layer of 4 with tanh, mean squared error, all four rows in every step. The start is random, by the
    seed.

    >>> params, losses = train_xor(learning_rate=0.3, steps=2000, seed=0)
    >>> len(losses), losses[-1] < 0.01
    (2000, True)
    """
    ### BEGIN SOLUTION
    X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = np.array([[0.0], [1.0], [1.0], [0.0]])
    rng = np.random.default_rng(seed)
    params = {
        "W1": rng.normal(size=(2, 4)) / 2,
        "b1": np.zeros(4),
        "W2": rng.normal(size=(4, 1)) / 2,
        "b2": np.zeros(1),
    }
    losses = []
    for _ in range(steps):
        prediction = np.tanh(X @ params["W1"] + params["b1"]) @ params["W2"] + params["b2"]
        losses.append(mse(prediction, y))
        params = gradient_descent(params, mlp_gradients(X, y, params), learning_rate)
    return params, losses
    ### END SOLUTION
