# mypy: disable-error-code="no-untyped-def"
"""Lesson 04, in numpy's short forms, and a Value that keeps closures."""

import math

import numpy as np


def mse(prediction, target):
    return np.square(np.subtract(target, prediction)).mean()


def numerical_gradient(f, w, eps=1e-5):
    steps = eps * np.eye(w.size).reshape(w.size, *w.shape)
    slopes = [(f(w + step) - f(w - step)) / eps / 2 for step in steps]
    return np.reshape(slopes, w.shape)


def gradient_descent(params, gradients, learning_rate):
    return {k: params[k] + -learning_rate * g for k, g in gradients.items()}


def least_squares(X, y):
    return np.linalg.lstsq(X, y, rcond=None)[0]


def lms(X, y, learning_rate, epochs):
    w = 0.0 * X[0]
    for i in list(range(len(X))) * epochs:
        w = w + learning_rate * (y[i] - X[i] @ w) * X[i]
    return w


def mlp_gradients(X, y, params):
    h = np.tanh(np.einsum("ni,ih->nh", X, params["W1"]) + params["b1"])
    e = (np.einsum("nh,ho->no", h, params["W2"]) + params["b2"] - y) * (2 / y.size)
    back = np.einsum("no,ho,nh->nh", e, params["W2"], (1 - h) * (1 + h))
    return {
        "b2": np.einsum("no->o", e),
        "W2": np.einsum("nh,no->ho", h, e),
        "b1": np.einsum("nh->h", back),
        "W1": np.einsum("ni,nh->ih", X, back),
    }


class Value:
    def __init__(self, data, parents=()):
        self.data = data
        self.grad = 0
        self._parents = set(parents)
        self._pull = lambda: None

    def _lift(self, other):
        return other if isinstance(other, Value) else Value(other)

    def __add__(self, other):
        other = self._lift(other)
        out = Value(self.data + other.data, (self, other))

        def pull():
            self.grad += out.grad
            other.grad += out.grad

        out._pull = pull
        return out

    def __mul__(self, other):
        other = self._lift(other)
        out = Value(self.data * other.data, (self, other))

        def pull():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out._pull = pull
        return out

    def _one(self, data, slope):
        out = Value(data, (self,))

        def pull():
            self.grad += slope * out.grad

        out._pull = pull
        return out

    def __pow__(self, n):
        return self._one(self.data**n, n * self.data ** (n - 1))

    def relu(self):
        return self._one(self.data if self.data > 0 else 0, self.data > 0)

    def tanh(self):
        t = (math.exp(2 * self.data) - 1) / (math.exp(2 * self.data) + 1)
        return self._one(t, 1 - t * t)

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -self._lift(other)

    def __rsub__(self, other):
        return self._lift(other) - self

    __radd__, __rmul__ = __add__, __mul__

    def backward(self):
        order, seen = [], set()

        def build(v):
            if v not in seen:
                seen.add(v)
                for parent in v._parents:
                    build(parent)
                order.append(v)

        build(self)
        self.grad = 1
        for v in reversed(order):
            v._pull()


def train_xor(learning_rate, steps, seed):
    X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0], [1], [1], [0]])
    rng = np.random.default_rng(seed)
    p = {
        "W1": rng.uniform(-1, 1, (2, 4)),
        "b1": rng.uniform(-1, 1, 4),
        "W2": rng.uniform(-1, 1, (4, 1)),
        "b2": np.zeros(1),
    }
    losses = np.zeros(steps)
    for i in range(steps):
        g = mlp_gradients(X, y, p)
        for k in p:
            p[k] -= learning_rate * g[k]
        losses[i] = mse(np.tanh(X @ p["W1"] + p["b1"]) @ p["W2"] + p["b2"], y)
    return p, losses
