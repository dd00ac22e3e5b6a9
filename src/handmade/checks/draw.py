"""Random numbers for cases: of one decimal place, so that what a message prints is exactly what was used."""

from __future__ import annotations

import numpy as np


def decimals(rng: np.random.Generator, *shape: int, largest: float = 9.0) -> np.ndarray:
    """Return an array of multiples of 0.1 between -largest and largest, none of them 0."""
    tenths = rng.integers(1, round(10 * largest), size=shape, endpoint=True)
    return tenths * rng.choice([-1, 1], size=shape) / 10
