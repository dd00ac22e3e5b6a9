"""Right answers to lesson 10 in a third idiom: with loops and numpy, as somebody may write who does not know torch well."""

import math

import numpy as np
import torch


def relu(numbers):
    return torch.where(numbers > 0, numbers, 0)


def gelu(x):
    flat = [v * 0.5 * math.erfc(-v / math.sqrt(2)) for v in x.reshape(-1).tolist()]
    return torch.tensor(flat, dtype=torch.float64).reshape(x.shape)


def gelu_tanh(x):
    out = np.array(x, dtype=np.float64)
    with np.nditer(out, op_flags=["readwrite"]) as entries:
        for v in entries:
            z = float(v)
            v[...] = 0.5 * z * (1 + math.tanh((2 / math.pi) ** 0.5 * (z + 0.044715 * z * z * z)))
    return out


def mlp(inputs, up, up_bias, down, down_bias, bend):
    if inputs.ndim > 2:
        return torch.stack([mlp(part, up, up_bias, down, down_bias, bend) for part in inputs])
    rows = []
    for x in inputs:
        total = down_bias.clone()
        for neuron in range(up.shape[1]):
            shows = bend((x * up[:, neuron]).sum() + up_bias[neuron])
            total += shows * down[neuron]
        rows.append(total)
    return torch.stack(rows)


def is_position_wise(f, X):
    n = len(X)
    before = f(X)
    noise = torch.Generator().manual_seed(1)
    for j in range(n):
        other = X.clone()
        other[j] += torch.randn(X.shape[1], generator=noise, dtype=X.dtype)
        after = f(other)
        for i in range(n):
            if i != j and (after[i] - before[i]).abs().max() > 1e-4:
                return False
    return True


def fact_neuron(a, b, v):
    w = np.array([float(p) + float(q) for p, q in zip(a, b, strict=True)])
    return [w, np.float64(-1), v.numpy()]


def fact_table(keys, values):
    n, _, d = keys.shape
    up = np.zeros((d, n))
    for i in reversed(range(n)):  # the neurons may stand in any order
        for j in range(d):
            up[j, n - 1 - i] = 10 * float(keys[i, 0, j] + keys[i, 1, j])
    return up, np.full(n, -19), np.array(values)[::-1].copy()


def pack_vectors(n, d, steps, g):
    """Descend on a power of the cosines, by autograd."""
    V = torch.randn(n, d, generator=g)
    V = (V / V.norm(dim=1, keepdim=True)).requires_grad_()
    optimiser = torch.optim.SGD([V], lr=1.0)
    for _ in range(steps):
        U = V / V.norm(dim=1, keepdim=True)
        off = (U @ U.T) * (1 - torch.eye(n))
        loss = torch.logsumexp((60 * off**2).reshape(-1), 0) / 60
        optimiser.zero_grad()
        loss.backward()
        V.grad *= 0.1 / V.grad.norm(dim=1).max().clamp(min=1e-3)
        optimiser.step()
    return (V / V.norm(dim=1, keepdim=True)).detach().numpy()


def jl_dimension(n, e):
    k = 1
    while k * (e * e / 2 - e * e * e / 3) < 4 * math.log(n):
        k += 1
    return k


def random_projection(X, k, generator):
    R = [torch.randn(X.shape[1], generator=generator) for _ in range(k)]
    return np.array([[float(torch.dot(x, r)) / math.sqrt(k) for r in R] for x in X])
