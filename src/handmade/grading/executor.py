"""Isolated execution as one step of nbgrader's: it takes the place of `nbgrader.preprocessors.Execute` in its list."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Bool, Enum, Float, Unicode

from handmade.grading.config import RECORD, secret_seed
from handmade.grading.execution import Executed, Limits, Settings, Zygote, execute, handed_out_cells
from handmade.grading.intake import RELEASE


class IsolatedExecute(NbGraderPreprocessor):
    """Run a submission's cells in a process of their own, and its graded cells, as the gradebook has them, in this one."""

    cell_seconds = Float(30.0, help="Seconds of work that a cell of the learner's may take.").tag(config=True)
    by_hand = Enum(
        ["note", "fail"],
        "note",
        help="What becomes of a call that an exercise is about: a note, or no points.",
    ).tag(config=True)
    require_isolation = Bool(
        False, help="Grade nothing where this machine lacks a part of the isolation."
    ).tag(config=True)
    desk = Unicode(".", help="The folder of the instructor's desk; submissions cannot read it.").tag(
        config=True
    )
    solutions = Unicode("", help="The folder of the source notebooks; submissions cannot read it.").tag(
        config=True
    )

    _zygote: Zygote | None = None
    _told = False

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Return the notebook with the outputs of its cells, and a record of its execution in its metadata."""
        executed = self.executed(nb, resources["nbgrader"])
        self.apply(executed, nb)
        return nb, resources

    def executed(self, nb: NotebookNode, about: dict[str, Any]) -> Executed:
        """Return what comes of a notebook's cells."""
        done = execute(
            nb,
            graded=_graded(about["db_url"], about["assignment"], about["notebook"]),
            seed=secret_seed(Path(self.desk)),
            handed_out=_handed_out(Path(self.desk), about["assignment"]),
            settings=self.settings(),
            zygote=self._warm(),
        )
        if not self._told:
            IsolatedExecute._told = True
            lacking = [layer for layer, what in done.isolation.items() if not what]
            said = ", ".join(what for what in done.isolation.values() if what) or "none"
            self.log.info("isolation: %s", said)
            if lacking:
                self.log.warning("This machine does not isolate a submission's %s.", ", ".join(lacking))
        return done

    def settings(self) -> Settings:
        """Return how to execute, as it is configured."""
        return Settings(
            limits=Limits(cell_seconds=self.cell_seconds),
            by_hand=self.by_hand,
            require_isolation=self.require_isolation,
        )

    @staticmethod
    def apply(executed: Executed, nb: NotebookNode) -> None:
        """Write a result into its notebook."""
        executed.fill(nb)
        record = executed.to_json()
        del record["cells"]
        nb.metadata[RECORD] = nbformat.from_dict(record)

    def _warm(self) -> Zygote:
        """Return the zygote of this process: nbgrader makes its preprocessors anew for each submission."""
        if IsolatedExecute._zygote is None or not IsolatedExecute._zygote.is_mine():
            hidden = [Path(self.desk), *([Path(self.solutions)] if self.solutions else [])]
            IsolatedExecute._zygote = Zygote(tuple(path.resolve() for path in hidden))
        return IsolatedExecute._zygote


@cache  # for one run of nbgrader's: to connect takes longer than to execute many a submission
def _graded(db_url: str, assignment: str, name: str) -> dict[str, str]:
    """Return the text of the graded cells as the gradebook has them, whatever a submission says."""
    with Gradebook(db_url) as gradebook:
        notebook = gradebook.find_notebook(name, assignment)
        graded = {cell.name for cell in notebook.grade_cells} - {c.name for c in notebook.solution_cells}
        cells = [cell for cell in notebook.source_cells if cell.name in graded and cell.cell_type == "code"]
        return {cell.name: cell.source for cell in cells}


@cache
def _handed_out(desk: Path, assignment: str) -> frozenset[str]:
    """Return the texts of the release's other code cells."""
    release = desk / RELEASE / assignment / f"{assignment}.ipynb"
    return handed_out_cells(nbformat.read(release, as_version=4)) if release.is_file() else frozenset()
