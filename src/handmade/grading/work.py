"""Executing one submission, from plain data to plain data: what a runner does with a request."""

from __future__ import annotations

import atexit
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from handmade.grading.execution import (
    Limits,
    Settings,
    Zygote,
    execute,
    handed_out_cells,
)


def options(
    graded: Mapping[str, str],
    seed: int,
    release: NotebookNode,
    settings: Settings,
    hidden: Sequence[Path] = (),
) -> dict[str, Any]:
    """Return what executing needs beside the notebook, as plain data.

    `graded` are the gradebook's texts of the graded cells, by grade_id; `hidden` folders that no learner's code may read.
    """
    return {
        "graded": dict(graded),
        "seed": seed,
        "handed_out": sorted(handed_out_cells(release)),
        "settings": asdict(settings),
        "hidden": [str(path) for path in hidden],
    }


def execute_plain(notebook: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """Return the result of a notebook, as `Executed.to_json` gives it."""
    given = options["settings"]
    return execute(
        nbformat.from_dict(notebook),
        graded=options["graded"],
        seed=options["seed"],
        handed_out=frozenset(options["handed_out"]),
        settings=Settings(**{**given, "limits": Limits(**given["limits"])}),
        zygote=_zygote(tuple(options["hidden"])),
    ).to_json()


_zygotes: dict[tuple[str, ...], Zygote] = {}


def _zygote(hidden: tuple[str, ...]) -> Zygote:
    """Return this process's zygote for these hidden folders, started where there is none that lives."""
    found = _zygotes.get(hidden)
    if found is None or not found.is_mine():
        for other in _zygotes.values():
            other.close()
        _zygotes.clear()
        found = _zygotes[hidden] = Zygote(tuple(map(Path, hidden)))
        atexit.register(found.close)
    return found


def fits(notebook: NotebookNode, result: dict[str, Any]) -> bool:
    """Return whether a result is one of this notebook: of all its code cells, where they stand."""
    places = [(i, cell.get("id", "")) for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    return [(cell["index"], cell["id"]) for cell in result["cells"]] == places
