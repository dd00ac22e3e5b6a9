"""Where nbgrader meets the pass over submitted/.

nbgrader makes the exporter that reads its notebooks once a run, and tells it who asked. That is early enough to mend a
file that is not JSON, and to put a notebook where there is none; a hook for each submission, which nbgrader calls later,
never hears of a folder without a notebook. Isolated execution of the cells is another matter: it takes the place of
`Execute` in `Autograde.autograde_preprocessors`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from nbconvert.exporters import NotebookExporter
from nbgrader.converters import Autograde
from nbgrader.converters.base import NbGraderException

from handmade.checks.exercise import SEED_VARIABLE
from handmade.grading.config import secret_seed
from handmade.grading.intake import NoRelease, take_in


class SubmissionExporter(NotebookExporter):
    """nbgrader's own exporter; before the first notebook of an `nbgrader autograde` it takes the submissions in."""

    def __init__(self, config: Any = None, **kw: Any) -> None:
        super().__init__(config=config, **kw)
        if isinstance(self.parent, Autograde):
            _before_autograde(self.parent)

    def from_notebook_node(self, nb: Any, resources: Any = None, **kw: Any) -> Any:
        """Return the notebook as text, with its resources; keep nothing of it."""
        done = super().from_notebook_node(nb, resources, **kw)
        self._nb_metadata.clear()  # nbconvert keeps each one's, which only its HTML exporter reads: 7 KB a submission
        return done


def _before_autograde(autograde: Autograde) -> None:
    where = autograde.coursedir
    desk = Path(where.root)
    try:
        records = take_in(desk, where.assignment_id, where.student_id, where.student_id_exclude.split(","))
    except NoRelease as error:
        autograde.log.error(str(error))
        raise NbGraderException(str(error)) from None
    for record in records:
        for sentence in record.sentences:
            autograde.log.warning("%s: %s", record.student, sentence)
    autograde.init_notebooks()  # again: there may be notebooks now where there were none
    os.environ[SEED_VARIABLE] = str(secret_seed(desk))  # kernels inherit it
