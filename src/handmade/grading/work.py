"""Executing one submission, from plain data to plain data: what a runner does with a request."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import nbformat
from nbformat import NotebookNode

from handmade.grading.execution import (
    Executed,
    Limits,
    Settings,
    execute,
    graded_cells,
    handed_out_cells,
)


def options(seed: int, release: NotebookNode, settings: Settings) -> dict[str, Any]:
    """Return what a result depends on beside the notebook, as plain data."""
    return {"seed": seed, "handed_out": sorted(handed_out_cells(release)), "settings": asdict(settings)}


def execute_plain(notebook: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """Return the result of a notebook whose graded cells are the gradebook's own, as `Executed.to_json` gives it."""
    node = nbformat.from_dict(notebook)
    given = options["settings"]
    return execute(
        node,
        graded=graded_cells(node),
        seed=options["seed"],
        handed_out=frozenset(options["handed_out"]),
        settings=Settings(**{**given, "limits": Limits(**given["limits"])}),
    ).to_json()


def fill_in(notebook: NotebookNode, result: dict[str, Any]) -> None:
    """Put a result's outputs under the cells of its notebook."""
    Executed.from_json(result).fill(notebook)
