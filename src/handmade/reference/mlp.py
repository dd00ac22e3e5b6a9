"""The MLP: what a GPT does to each position on its own, and how many directions fit into a vector.

A vector of `d_model` numbers goes up to `d_mlp` neurons, through a bend, and down again. Rows are positions.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Float, Num
from torch import Tensor


def relu(x: Num[Tensor, "*shape"]) -> Num[Tensor, "*shape"]:
    """Return x where it is positive, and 0 elsewhere.

    >>> relu(torch.tensor([-2.0, 0.0, 3.0]))
    tensor([0., 0., 3.])
    """
    ### BEGIN SOLUTION
    return x.clamp(min=0)
    ### END SOLUTION


def gelu(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Return x times the probability that a standard normal number is below x: `x / 2 * (1 + erf(x / √2))`.

    Hendrycks and Gimpel, *Gaussian Error Linear Units (GELUs)*, 2016.

    >>> gelu(torch.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.1587,  0.0000,  0.8413])
    """
    ### BEGIN SOLUTION
    return x / 2 * (1 + torch.erf(x / math.sqrt(2)))
    ### END SOLUTION


def gelu_tanh(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Return GPT-2's GELU, close to the exact one: `x / 2 * (1 + tanh(√(2/π) * (x + 0.044715 x³)))`.

    The formula is from the same paper. It differs from `gelu` by less than 0.0005.

    >>> gelu_tanh(torch.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.1588,  0.0000,  0.8412])
    """
    ### BEGIN SOLUTION
    return x / 2 * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    ### END SOLUTION


def mlp(
    X: Float[Tensor, "*batch n d_model"],
    W_up: Float[Tensor, "d_model d_mlp"],
    b_up: Float[Tensor, "d_mlp"],
    W_down: Float[Tensor, "d_mlp d_model"],
    b_down: Float[Tensor, "d_model"],
    activation: Callable[[Tensor], Tensor],
) -> Float[Tensor, "*batch n d_model"]:
    """Return what the MLP adds at each position: up, through the activation, down. X itself is not added.

    >>> W_up, W_down = torch.tensor([[1.0, -1.0]]), torch.tensor([[10.0], [1.0]])
    >>> mlp(torch.tensor([[2.0], [-3.0]]), W_up, torch.zeros(2), W_down, torch.tensor([0.5]), relu)
    tensor([[20.5000],
            [ 3.5000]])
    """
    ### BEGIN SOLUTION
    neurons = activation(X @ W_up + b_up)
    return neurons @ W_down + b_down
    ### END SOLUTION


def is_position_wise(f: Callable[[Tensor], Tensor], X: Float[Tensor, "n d"]) -> bool:
    """Return whether each row of f(X) depends on that row of X alone, as far as changing others shows.

    f takes any number of rows, and returns as many. Floats are compared with a tolerance.

    >>> X = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> is_position_wise(lambda X: 2 * X, X), is_position_wise(lambda X: X.flip(0), X)
    (True, False)
    """
    ### BEGIN SOLUTION
    before = f(X)
    for i in range(len(X)):
        changed = 1 - 2 * X  # all rows become others …
        changed[i] = X[i]  # … except this one
        if not torch.allclose(f(changed)[i], before[i], rtol=1e-4, atol=1e-4):
            return False
    return True
    ### END SOLUTION


def fact_neuron(
    first: Float[Tensor, "d_model"], last: Float[Tensor, "d_model"], value: Float[Tensor, "d_model"]
) -> tuple[Float[Tensor, "d_model"], Float[Tensor, ""], Float[Tensor, "d_model"]]:
    """Return (w_up, b_up, w_down) of one neuron that knows one fact; `b_up` is a number.

    `first` and `last` have length 1 and stand at right angles. The neuron adds
    `relu(x @ w_up + b_up) * w_down`: exactly `value` where x holds both directions at strength 1, and nothing
    where one of them is missing.

    >>> first, last = torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 1.0, 0.0])
    >>> fact_neuron(first, last, torch.tensor([0.0, 0.0, 5.0]))
    (tensor([1., 1., 0.]), tensor(-1.), tensor([0., 0., 5.]))
    """
    ### BEGIN SOLUTION
    return first + last, first.new_tensor(-1.0), value.clone()
    ### END SOLUTION


def fact_table(
    keys: Float[Tensor, "n 2 d_model"], values: Float[Tensor, "n d_model"]
) -> tuple[Float[Tensor, "d_model n"], Float[Tensor, "n"], Float[Tensor, "n d_model"]]:
    """Return (W_up, b_up, W_down) of n neurons that know n facts.

    `keys[i]` holds the two directions of fact i. All directions in `keys` have length 1, and two different
    ones stand at right angles; facts may share one. `relu(x @ W_up + b_up) @ W_down` is `values[i]` for the
    sum of the pair i, and nothing for a pair that belongs to no fact.

    >>> keys = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    >>> fact_table(keys, values=torch.tensor([[7.0, 8.0]]))
    (tensor([[1.],
            [1.]]), tensor([-1.]), tensor([[7., 8.]]))
    """
    ### BEGIN SOLUTION
    neurons = [fact_neuron(first, last, value) for (first, last), value in zip(keys, values, strict=True)]
    w_up, b_up, w_down = zip(*neurons, strict=True)
    return torch.stack(w_up, dim=1), torch.stack(b_up), torch.stack(w_down)
    ### END SOLUTION


def pack_vectors(
    n_vectors: int, dimension: int, steps: int, generator: torch.Generator
) -> Float[Tensor, "{n_vectors} {dimension}"]:
    """Return vectors of length 1, one a row, random at first and then pushed apart in so many steps.

    "Apart" means towards right angles: what shrinks is the largest |cos| of two of them. For 100 vectors in
    20 dimensions it is at most 0.5 after 500 steps. The same state of the generator gives the same vectors.

    >>> V = pack_vectors(3, 3, steps=500, generator=torch.Generator().manual_seed(0))
    >>> (V @ V.T).round(decimals=1).abs()
    tensor([[1., 0., 0.],
            [0., 1., 0.],
            [0., 0., 1.]])
    """
    ### BEGIN SOLUTION
    V = torch.nn.functional.normalize(torch.randn(n_vectors, dimension, generator=generator), dim=1)
    for step in range(steps):
        cosines = V @ V.T
        cosines.fill_diagonal_(0)  # nobody flees from themselves
        weights = torch.softmax(100 * cosines.abs(), dim=1)  # the closest neighbour counts most
        push = (weights * cosines.sign()) @ V
        V = torch.nn.functional.normalize(V - 0.2 * (1 - step / steps) * push, dim=1)  # ever shorter steps
    return V
    ### END SOLUTION


def jl_dimension(n_points: int, epsilon: float) -> int:
    """Return the smallest whole k with `k ≥ 4 ln(n_points) / (epsilon² / 2 - epsilon³ / 3)`.

    With so many dimensions n points have room: some linear map into them changes every squared distance by a
    factor between 1 - epsilon and 1 + epsilon, however many dimensions the points had (Johnson and
    Lindenstrauss, 1984; the formula: Dasgupta and Gupta, *An elementary proof of a theorem of Johnson and
    Lindenstrauss*, 2003).

    >>> jl_dimension(10, epsilon=0.5)  # 4 * 2.3026 / (0.125 - 0.041667) = 110.5
    111
    """
    ### BEGIN SOLUTION
    return math.ceil(4 * math.log(n_points) / (epsilon**2 / 2 - epsilon**3 / 3))
    ### END SOLUTION


def random_projection(X: Float[Tensor, "n d"], k: int, generator: torch.Generator) -> Float[Tensor, "n {k}"]:
    """Return the rows of X in k dimensions, by a random matrix of normal numbers, scaled to keep lengths.

    The same state of the generator gives the same matrix.

    >>> random_projection(torch.ones(2, 5), 3, torch.Generator().manual_seed(0)).shape
    torch.Size([2, 3])
    """
    ### BEGIN SOLUTION
    R = torch.randn(X.shape[1], k, generator=generator, dtype=X.dtype)
    return X @ R / math.sqrt(k)
    ### END SOLUTION
