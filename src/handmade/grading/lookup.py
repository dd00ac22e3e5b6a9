"""IsolatedExecute with a memory: the result comes from the cache; what that has not is executed now, in a process of its own.

A result is what `Executed.to_json` gives, or {"failed": why there is none}.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from traitlets import Dict, Unicode

from handmade.grading import work
from handmade.grading.cache import Cache, key
from handmade.grading.execution import Executed
from handmade.grading.executor import RECORD, IsolatedExecute
from handmade.grading.jobs import Done, Here, task
from handmade.grading.runner import EXECUTE
from handmade.grading.table import FAILED

NOT_EXECUTED = "NotExecuted"


class LookUp(IsolatedExecute):
    """Fill in the outputs of a notebook's code cells, and note in its metadata what happened, and the key of the result.

    `options` are those of the execution, as `work.options` makes them.
    """

    options = Dict(help="The options of the execution.").tag(config=True)
    work = Unicode(EXECUTE, help="What executes a notebook that the cache has not.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Return the notebook with its outputs."""
        kept = Cache(Path(self.desk), resources["nbgrader"]["assignment"])
        options = dict(self.options)
        name = key(nb, options)
        result = kept.get(name)
        if result is None or not (FAILED in result or work.fits(nb, result)):
            with Here(1) as here:
                [done] = here.run([task(name, nb, options, self.work)])
            result = result_of(done)
            kept.put(name, result)
        if FAILED in result:
            mark_failed(nb, result[FAILED])
        else:
            self.apply(Executed.from_json(result), nb)
        nb.metadata[RECORD]["key"] = name
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
    notebook.metadata[RECORD] = {FAILED: reason}
