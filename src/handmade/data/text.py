"""Real text that ships with the course."""

from __future__ import annotations

from importlib.resources import files


def moby_dick() -> str:
    """Return Herman Melville's Moby-Dick (1851) as one text of about 1.2 million characters."""
    return (files("handmade.data") / "moby_dick.txt").read_bytes().decode("utf-8")
