"""The short setting of long lessons: with HANDMADE_SHORT=1 they train for few steps, and say so."""

from __future__ import annotations

import os

VARIABLE = "HANDMADE_SHORT"


def steps(full: int, short: int) -> int:
    """Return `full`; or, where HANDMADE_SHORT is set, `short`, and print that the text's numbers do not hold."""
    if os.environ.get(VARIABLE, "") in ("", "0"):
        return full
    print(
        f"Short setting ({VARIABLE} is set): {short:,} steps in place of {full:,}. "
        f"The numbers in the text hold for {full:,}."
    )
    return short
