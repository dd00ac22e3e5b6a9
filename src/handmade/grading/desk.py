"""An instructor's folder, opened: what its nbgrader_config.py says, and nbgrader's own applications run in it.

nbgrader runs inside this process, by its own application classes. What it warns of goes to the desk's nbgrader.log.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import logging
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbgrader.apps
from nbgrader.converters.base import NbGraderException

from handmade.grading.config import secret_seed
from handmade.grading.execution import Settings
from handmade.grading.executor import IsolatedExecute

CONFIG = "nbgrader_config.py"
LOG = "nbgrader.log"
LOCK = ".grading.lock"


class NoDesk(FileNotFoundError):
    """The folder is not an instructor's desk."""


class Busy(RuntimeError):
    """Another run is writing this desk's gradebook."""


class Desk:
    """A folder with an nbgrader_config.py. `db_url` takes the place of the database that is configured there."""

    def __init__(self, folder: Path, db_url: str = "") -> None:
        if not (folder / CONFIG).is_file():
            raise NoDesk(
                f"There is no {CONFIG} in {folder}: expected an instructor's desk, such as the folder autograde/ of this repository."
            )
        self._folder = folder.resolve()
        self._argv = [f"--CourseDirectory.db_url={db_url}"] if db_url else []
        app = self.application("AutogradeApp")
        self._config, coursedir = app.config, app.coursedir
        self.root = Path(coursedir.root)
        self.db_url: str = coursedir.db_url
        self._source = (self.root / coursedir.source_directory).resolve()
        self.course_id: str = coursedir.course_id

    @property
    def secret_folders(self) -> list[Path]:
        """The folders that no submission's code may read: this one, and the source notebooks."""
        return [self.root, self._source]

    @property
    def steps(self) -> list[str]:
        """The steps by which nbgrader is configured to grade here, by their names."""
        return [str(step) for step in self._config.Autograde.get("autograde_preprocessors", [])]

    @property
    def seed(self) -> int:
        """The secret seed of the hidden cases. Raises NoDesk where its file is damaged."""
        try:
            return secret_seed(self.root)
        except ValueError as error:
            raise NoDesk(str(error)) from None

    def settings(self, **changed: Any) -> Settings:
        """Return how submissions are executed here, with some fields changed."""
        return dataclasses.replace(IsolatedExecute(config=self._config).settings(), **changed)

    def application(self, name: str, *argv: str) -> Any:
        """Return one of nbgrader's applications, such as "AutogradeApp", with the desk's configuration loaded."""
        with contextlib.chdir(self._folder):  # where it looks for the configuration
            app = getattr(nbgrader.apps, name)()
            app.initialize([*self._argv, *argv])
        return app

    def run(
        self,
        app: Any,
        converter: type,
        lesson: str,
        students: str = "*",
        excluded: tuple[str, ...] = (),
        after_each: Callable[[], None] = lambda: None,
    ) -> list[str]:
        """Convert the submissions of a lesson anew, and return a sentence for each thing that went wrong.

        `students` is a glob, `excluded` names to leave alone. One submission that fails does not stop the others.
        """
        app.coursedir.assignment_id = lesson
        app.coursedir.student_id = students
        app.coursedir.student_id_exclude = ",".join(excluded)
        converting = converter(coursedir=app.coursedir, parent=app)
        converting.force = True
        configured = converting.post_convert_hook

        def hook(**what: Any) -> None:
            after_each()
            if configured is not None:
                configured(**what)

        converting.post_convert_hook = hook
        with _log_to(app.log, self.root / LOG) as errors, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # nbgrader's own, of SQLAlchemy
            try:
                converting.start()
            except NbGraderException as error:
                if not errors:
                    errors.append(str(error))
        return errors

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the desk for one writer. The lock ends with its process, however that ends. Raises Busy."""
        with (self.root / LOCK).open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Busy(
                    f"Another run is grading at the desk {self.root}. Wait until it has ended."
                ) from None
            yield


class _Errors(logging.Handler):
    def __init__(self, kept: list[str]) -> None:
        super().__init__(logging.ERROR)
        self.kept = kept

    def emit(self, record: logging.LogRecord) -> None:
        said = record.getMessage()
        if not said.startswith("Traceback") and said not in self.kept:  # that is in the file
            self.kept.append(said)


@contextlib.contextmanager
def _log_to(log: Any, path: Path) -> Iterator[list[str]]:
    """Send what an application warns of to a file, and nothing to the terminal; gives a list that fills with the errors."""
    logger = log.logger if isinstance(log, logging.LoggerAdapter) else log
    before, propagate = logger.handlers[:], logger.propagate
    errors: list[str] = []
    file = logging.FileHandler(path, encoding="utf-8")
    file.setLevel(logging.WARNING)  # the rest is forty lines a submission
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.handlers[:] = [file, _Errors(errors)]
    logger.propagate = False
    try:
        yield errors
    finally:
        logger.handlers[:], logger.propagate = before, propagate
        file.close()
