"""Random numbers for cases, of few digits, so that what a message prints is exactly what was used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def decimals(rng: np.random.Generator, *shape: int, largest: float = 9.0) -> np.ndarray:
    """Return an array of multiples of 0.1 between -largest and largest, none of them 0."""
    return _parts(rng, shape, largest, 10)


def floats(rng: np.random.Generator, *shape: int, largest: float = 4.0) -> torch.Tensor:
    """Return a float32 tensor of such multiples of 0.1."""
    import torch  # here alone: the lessons on numpy do without

    return torch.tensor(decimals(rng, *shape, largest=largest), dtype=torch.float32)


def quarters(rng: np.random.Generator, *shape: int, largest: float = 4.0) -> np.ndarray:
    """Return an array of multiples of 0.25 between -largest and largest, none of them 0.

    Sums of their products are exact in every order, so that a step on them falls the same way in every idiom.
    """
    return _parts(rng, shape, largest, 4)


def _parts(rng: np.random.Generator, shape: tuple[int, ...], largest: float, parts: int) -> np.ndarray:
    """Return random multiples of 1/parts, of either sign."""
    sizes = rng.integers(1, round(parts * largest), size=shape, endpoint=True)
    return np.asarray(sizes * rng.choice([-1, 1], size=shape) / parts)
