"""Muon: an optimiser for the matrices inside a model, whose steps have the same length in every direction.

A gradient is steep in a few directions and flat in most, and so is Adam's step. Muon makes the step of each
matrix orthogonal, so that the flat directions count as much as the steep ones. Embeddings, the unembedding
and vectors keep another optimiser. (Jordan et al., *Muon: An optimizer for hidden layers in neural networks*,
2024.)
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn


def orthogonalise(matrices: Float[Tensor, "n rows columns"]) -> Float[Tensor, "n rows columns"]:
    """Return for each matrix U S Vᵀ about U Vᵀ: the same directions, nearly all at the same length.

    Newton and Schulz's way needs only products of matrices. Each round puts 3.4445 s - 4.775 s³ + 2.0315 s⁵
    in the place of every singular value s: this lifts small ones quickly and leaves those near 1 between 0.7
    and 1.2. Only directions that were hardly there stay shorter. (The three numbers are Jordan's.)
    """
    wide = matrices.shape[-2] <= matrices.shape[-1]
    X = matrices if wide else matrices.mT  # X Xᵀ is then the smaller of the two products
    X = X / (X.norm(dim=(-2, -1), keepdim=True) + 1e-7)  # now no singular value is above 1
    for _ in range(5):
        A = X @ X.mT
        B = torch.baddbmm(A, A, A, beta=-4.775, alpha=2.0315)  # -4.775 A + 2.0315 A A
        X = torch.baddbmm(X, B, X, beta=3.4445)  # 3.4445 X + B X
    return X if wide else X.mT


class Muon(torch.optim.Optimizer):
    """Gradient descent with momentum in which each matrix's step is made orthogonal.

    The step has the length lr in every direction, and √(rows / columns) times that for a matrix that is
    taller than wide.
    """

    def __init__(self, matrices: list[nn.Parameter], lr: float, momentum: float = 0.9) -> None:
        super().__init__(matrices, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """Change all matrices by one step, in place; those of one shape are made orthogonal together."""
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[nn.Parameter]] = {}
            for matrix in group["params"]:
                if matrix.grad is not None:
                    by_shape.setdefault(matrix.shape, []).append(matrix)
            for (rows, columns), matrices in by_shape.items():
                ahead = torch.stack([self._look_ahead(matrix, group["momentum"]) for matrix in matrices])
                updates = orthogonalise(ahead).unbind()
                length = group["lr"] * math.sqrt(max(1, rows / columns))
                for matrix, update in zip(matrices, updates, strict=True):
                    matrix.sub_(update, alpha=length)

    def _look_ahead(self, matrix: nn.Parameter, momentum: float) -> Tensor:
        """Return the gradient mixed with the mean of those so far, itself included (Nesterov's momentum)."""
        state = self.state[matrix]
        mean = state.setdefault("mean", torch.zeros_like(matrix))
        mean.lerp_(matrix.grad, 1 - momentum)
        return matrix.grad.lerp(mean, momentum)
