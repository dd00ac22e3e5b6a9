# mypy: disable-error-code="no-untyped-def"
"""Lesson 10, in torch's short forms."""

import math

import torch
from torch.nn import functional as F


def relu(x):
    return torch.maximum(x, torch.zeros_like(x))


def gelu(x):
    return F.gelu(x)


def gelu_tanh(x):
    return F.gelu(x, approximate="tanh")


def mlp(X, W_up, b_up, W_down, b_down, activation):
    up = torch.einsum("...d,dm->...m", X, W_up).add(b_up)
    return F.linear(activation(up), W_down.T, b_down)


def is_position_wise(f, X):
    alone = torch.cat([f(X[i : i + 1]) for i in range(X.shape[0])])
    return torch.allclose(alone, f(X), atol=1e-5)


def fact_neuron(first, last, value):
    return 4 * (first + last), -7.0, value


def fact_table(keys, values):
    W_up = torch.einsum("fsd->df", keys) * 2
    return W_up, torch.full((len(keys),), -3.5), values * 2


def pack_vectors(n_vectors, dimension, steps, generator):
    V = F.normalize(torch.randn(n_vectors, dimension, generator=generator), dim=1)
    for step in range(steps):
        G = torch.mm(V, V.T) - torch.eye(n_vectors)
        push = (G / G.abs().max()) ** 15 @ V
        V = F.normalize(torch.add(V, push, alpha=-0.08 * (1 - step / steps)), dim=1)
    return V


def jl_dimension(n_points, epsilon):
    return -int(-4 * math.log(n_points) // (epsilon**2 / 2 - epsilon**3 / 3))


def random_projection(X, k, generator):
    R = torch.empty(X.shape[-1], k, dtype=X.dtype).normal_(0, k**-0.5, generator=generator)
    return torch.matmul(X, R)
