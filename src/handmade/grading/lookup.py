"""In place of nbgrader's Execute: the outputs come from the cache; what it has not is executed now, in isolation.

A result is what `Executed.to_json` gives, or {"failed": why there is none}.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Dict, Unicode

from handmade.grading import cache, work
from handmade.grading.jobs import Done, Here, task
from handmade.grading.runner import EXECUTE
from handmade.grading.table import FAILED, GRADED

NOT_EXECUTED = "NotExecuted"


class LookUp(NbGraderPreprocessor):
    """Fill in the outputs of a notebook's code cells, and note in its metadata what happened.

    `options` are those of the execution; with the cells they make the key of the result.
    """

    options = Dict(help="The options of the execution.").tag(config=True)
    desk = Unicode(help="The folder of the instructor's desk.").tag(config=True)
    work = Unicode(EXECUTE, help="What executes a notebook that the cache has not.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Return the notebook with its outputs."""
        kept = cache.Cache(Path(self.desk), resources["nbgrader"]["assignment"])
        options = dict(self.options)
        key = cache.key(nb, options)
        result = kept.get(key)
        if result is None or not (FAILED in result or work.fits(nb, result)):
            with Here(1) as here:
                [done] = here.run([task(key, nb, options, self.work)])
            result = result_of(done)
            kept.put(key, result)
        if FAILED in result:
            mark_failed(nb, result[FAILED])
        else:
            work.fill_in(nb, result)
        nb.metadata[GRADED] = {"key": key, **{k: v for k, v in result.items() if k != "cells"}}
        return nb, resources


def result_of(done: Done) -> dict[str, Any]:
    """Return the result to keep of a task: its own, or one that says why there is none."""
    return {FAILED: done.reason} if done.result is None else done.result


def mark_failed(notebook: NotebookNode, reason: str) -> None:
    """End every graded cell with an error that says so: no points, and why."""
    said = (
        f"This notebook could not be graded: {reason}. There are no points for it until it is graded again. "
        "Your instructor knows of it."
    )
    error = {"output_type": "error", "ename": NOT_EXECUTED, "evalue": said, "traceback": [said]}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            graded = cell.metadata.get("nbgrader", {}).get("grade")
            cell.outputs = [nbformat.from_dict(error)] if graded else []
