"""Take out of a graded notebook what says nothing to its reader."""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode
from nbgrader import preprocessors as stock
from nbgrader import utils
from nbgrader.preprocessors import NbGraderPreprocessor

# What nbgrader writes where an error came without a traceback. Ours come so on purpose, with a message of their own.
_FILLER = "ERROR: An error occurred while showtraceback was disabled"


class TidyMessages(NbGraderPreprocessor):
    """Remove nbgrader's filler under a check's message. The error itself stays: it is why there are no points."""

    def preprocess_cell(self, cell: NotebookNode, resources: Any, index: int) -> tuple[NotebookNode, Any]:
        """Return the cell with that line gone."""
        for output in cell.get("outputs", []):
            if output.output_type == "error" and output.traceback == [_FILLER]:
                output.traceback = []
        return cell, resources


class ClearHiddenTests(stock.ClearHiddenTests):
    """Remove hidden tests from feedback. nbgrader's own step gives up where their marks stand in a student's text."""

    def preprocess_cell(self, cell: NotebookNode, resources: Any, index: int) -> tuple[NotebookNode, Any]:
        """Return the cell; only one that the instructor wrote is searched."""
        if utils.is_grade(cell) and not utils.is_solution(cell):
            cell, resources = super().preprocess_cell(cell, resources, index)
        return cell, resources
