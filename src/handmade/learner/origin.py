"""Where this course comes from, by its own metadata: for badges, links and what pip is told."""

from __future__ import annotations

from functools import cache
from importlib import metadata

DISTRIBUTION = "handmade-gpt"


@cache
def repository() -> str:
    """Return where the course's repository is: https://github.com/owner/name."""
    for line in metadata.metadata(DISTRIBUTION).get_all("Project-URL") or []:
        name, _, address = line.partition(", ")
        if name == "Repository":
            return address
    raise LookupError(f"the metadata of {DISTRIBUTION} say no Repository")


def requirement(extras: str = "") -> str:
    """Return what pip installs the course by, with extras such as "lab". It is not on PyPI, so it comes from the repository."""
    return f"{DISTRIBUTION}{f'[{extras}]' if extras else ''} @ git+{repository()}"
