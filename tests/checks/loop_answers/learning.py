"""Right answers to lesson 04 in a third idiom: loops, entries moved and put back, a tape."""

import math
import random

import numpy as np


def mse(prediction, target):
    total, count = 0.0, 0
    for p, t in zip(prediction.ravel().tolist(), target.ravel().tolist(), strict=True):
        total += (p - t) * (p - t)
        count += 1
    return np.array(total / count)


def numerical_gradient(f, w, eps=1e-5):
    slopes = np.empty_like(w)
    for place in np.ndindex(w.shape):
        kept = w[place]
        w[place] = w[place] + eps
        up = f(w)
        w[place] = w[place] - 2 * eps
        down = f(w)
        w[place] = w[place] + eps  # not exactly what it was: the last digit may differ
        slopes[place] = (up - down) / (2 * eps)
        assert abs(kept - w[place]) < 1e-9
    return slopes


def gradient_descent(params, gradients, learning_rate):
    moved = {}
    for name in params:
        copy = params[name].copy()
        copy -= learning_rate * gradients[name]
        moved[name] = copy
    return moved


def least_squares(X, y):
    w = np.linalg.pinv(X, rcond=1e-12) @ y
    return w.astype(np.float64)


def lms(X, y, learning_rate, epochs):
    w = [0.0] * X.shape[1]
    for _ in range(epochs):
        for i in range(X.shape[0]):
            output = sum(float(X[i, j]) * w[j] for j in range(len(w)))
            for j in range(len(w)):
                w[j] += learning_rate * (float(y[i]) - output) * float(X[i, j])
    return np.array(w)


def mlp_gradients(X, y, params):
    W1, b1, W2, b2 = params["W1"], params["b1"], params["W2"], params["b2"]
    grads = {name: np.zeros_like(value, dtype=float) for name, value in params.items()}
    n, h = len(X), len(b1)
    for r in range(n):
        hidden = [math.tanh(sum(X[r, i] * W1[i, k] for i in range(2)) + b1[k]) for k in range(h)]
        out = sum(hidden[k] * W2[k, 0] for k in range(h)) + b2[0]
        push = 2 * (out - y[r, 0]) / n
        grads["b2"][0] += push
        for k in range(h):
            grads["W2"][k, 0] += push * hidden[k]
            inner = push * W2[k, 0] / math.cosh(math.atanh(hidden[k])) ** 2
            grads["b1"][k] += inner
            for i in range(2):
                grads["W1"][i, k] += inner * X[r, i]
    return grads | {"loss": 0.0}


class Value:
    """Keeps all results in the order in which they were made; going back is going through them from behind."""

    tape: list = []  # noqa: RUF012

    def __init__(self, data):
        self.data = np.float64(data)
        self.grad = np.float64(0)
        self.back = ()
        Value.tape.append(self)

    @staticmethod
    def make(data, *back):
        out = Value(data)
        out.back = back
        return out

    def __add__(self, other):
        if not isinstance(other, Value):
            return Value.make(self.data + other, (self, 1))
        return Value.make(self.data + other.data, (self, 1), (other, 1))

    def __sub__(self, other):
        if not isinstance(other, Value):
            return Value.make(self.data - other, (self, 1))
        return Value.make(self.data - other.data, (self, 1), (other, -1))

    def __mul__(self, other):
        if not isinstance(other, Value):
            return Value.make(self.data * other, (self, other))
        return Value.make(self.data * other.data, (self, other.data), (other, self.data))

    def __radd__(self, number):
        return Value.make(number + self.data, (self, 1))

    def __rsub__(self, number):
        return Value.make(number - self.data, (self, -1))

    def __rmul__(self, number):
        return Value.make(number * self.data, (self, number))

    def __pow__(self, k):
        return Value.make(self.data**k, (self, k * self.data**k / self.data))

    def relu(self):
        return Value.make(self.data, (self, 1)) if self.data >= 0 else Value.make(0.0, (self, 0))

    def tanh(self):
        return Value.make(np.tanh(self.data), (self, 1 / np.cosh(self.data) ** 2))

    def backward(self):
        self.grad = np.float64(1)
        for v in Value.tape[::-1]:
            for source, slope in v.back:
                source.grad = source.grad + slope * v.grad


def train_xor(learning_rate, steps, seed):
    X, y = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0.0], [1], [1], [0]])
    chance = random.Random(seed)

    def draw(*shape):
        return np.array([chance.gauss(0, 0.8) for _ in range(math.prod(shape))]).reshape(shape)

    W1, b1, W2, b2 = draw(2, 4), draw(4), draw(4, 1), draw(1)
    losses = []
    for _ in range(steps):
        h = np.tanh(X @ W1 + b1)
        e = h @ W2 + b2 - y
        losses.append(float((e * e).mean()))
        e = e / 2
        d = e @ W2.T * (1 - h * h)
        W1, b1 = W1 - learning_rate * X.T @ d, b1 - learning_rate * d.sum(0)
        W2, b2 = W2 - learning_rate * h.T @ e, b2 - learning_rate * e.sum(0)
    return [{"W1": W1, "b1": b1, "W2": W2, "b2": b2}, losses]
