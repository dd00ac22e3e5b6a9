"""nbgrader's settings for this course: one place for the desk in autograde/, for the build, and for the demo class."""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
from pathlib import Path

from traitlets.config import Config

from handmade.learner.notebook import NOT_WRITTEN

STUB = f'# Write your code here, in place of the next line.\nraise NotImplementedError("{NOT_WRITTEN}")'
COURSE_ID = "handmade-gpt"
SEED_FILE = "secret_seed"
RECORD = "handmade"  # where, in a graded notebook's metadata, stands how it was executed
# Pictures and data beside a lesson's text are handed out with it. Its text and translations are not, nor what editors
# and git leave of them: they hold hints, rubrics and answers.
IGNORED = [
    ".*",
    "#*",
    "__pycache__",
    "*.pyc",
    "*~",
    "*.md*",
    "*.po",
    "*.po.*",
    "*.bak",
    "*.orig",
    "*.rej",
]


def settings(root: Path, solutions: Path) -> Config:
    """Return the settings of an instructor's desk in the folder `root`, for the source notebooks in `solutions`.

    The release goes to root/release, not to the course's own folder: nbgrader deletes a release whose graded cells
    no longer match a gradebook.
    """
    c = Config()
    c.CourseDirectory.course_id = COURSE_ID
    c.CourseDirectory.root = str(root)
    c.CourseDirectory.source_directory = os.path.relpath(solutions, root)
    c.CourseDirectory.ignore = IGNORED
    c.ClearSolutions.code_stub = {"python": STUB}
    c.OverwriteCells.add_missing_cells = True  # a graded cell that was deleted comes back before grading
    c.Execute.store_widget_state = False  # feedback then shows still pictures; widgets would ask a CDN
    c.Execute.timeout = 30  # seconds a cell; a check stops an endless function before that
    c.Execute.startup_timeout = 120
    return c


def secret_seed(root: Path) -> int:
    """Return the seed of the hidden cases, kept in root/secret_seed; made at random at first use.

    Raises ValueError where the file holds anything but a whole number.
    """
    path = root / SEED_FILE
    if not path.exists():
        descriptor, made = tempfile.mkstemp(dir=root, prefix=SEED_FILE)  # nobody else may read it
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{secrets.randbits(63)}\n")
        try:
            os.link(made, path)  # appears whole, and only if no other process was first
        except FileExistsError:
            pass
        finally:
            os.unlink(made)
    text = path.read_text().strip()
    if not text.isdecimal():
        raise ValueError(
            f"expected a whole number in {path}, got {text[:40]!r}; delete the file for a new seed, and grade again"
        )
    return int(text)


def configure(c: Config, root: Path, solutions: Path) -> None:
    """Fill in a desk's nbgrader_config.py: the settings, the repairs before grading, and what feedback leaves out."""
    c.merge(settings(root, solutions))
    # nbgrader starts alembic by its bare name, which fails where its environment is used without being activated.
    os.environ["PATH"] = os.pathsep.join(
        [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    )
    c.Autograde.exporter_class = "handmade.grading.exporter.SubmissionExporter"
    c.IsolatedExecute.desk, c.IsolatedExecute.solutions = str(root), str(solutions)
    c.Autograde.autograde_preprocessors = [  # nbgrader's own list, with two steps of ours
        "handmade.grading.executor.IsolatedExecute",  # or nbgrader.preprocessors.Execute: a kernel, without isolation
        "handmade.grading.tidy.TidyMessages",
        "nbgrader.preprocessors.IgnorePattern",
        "nbconvert.preprocessors.ClearMetadataPreprocessor",
        "nbgrader.preprocessors.LimitOutput",
        "nbgrader.preprocessors.SaveAutoGrades",
        "nbgrader.preprocessors.AssignLatePenalties",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]
    c.GenerateFeedback.preprocessors = [
        "nbgrader.preprocessors.GetGrades",
        "handmade.grading.tidy.ClearHiddenTests",  # stock feedback shows them
        "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
    ]
