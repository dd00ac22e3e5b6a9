"""The pass over submitted/ before grading: find each student's notebook, repair it, and keep what was handed in.

Afterwards every student who handed in anything has submitted/<student>/<lesson>/<lesson>.ipynb, and nbgrader can grade
it. Where that differs from what was handed in, submitted_originals/<student>/<lesson>/ holds the untouched original and
repairs.json. A pass that is repeated changes nothing; a file that was handed in anew is looked at anew.
"""

from __future__ import annotations

import contextlib
import copy
import fnmatch
import hashlib
import json
import os
import shutil
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from handmade.grading.reading import Unreadable, quoted, read
from handmade.grading.sanitise import sanitise, written

SUBMITTED = "submitted"
ORIGINALS = "submitted_originals"
RELEASE = "release"
RECORD = "repairs.json"
TIMESTAMP = "timestamp.txt"
NOTE_ID = "handmade-note"
_NOT_HANDED_IN = {TIMESTAMP, "Thumbs.db", "desktop.ini", "submission_secret.txt"}
_MOST_FILES = 200  # that are looked at in one student's folder


class NoRelease(FileNotFoundError):
    """The lesson was not generated at this desk yet."""


@dataclass
class Record:
    """What was done about one student's submission of one lesson.

    `unreadable` is the reason why a blank notebook is graded in place of what was handed in, or "".
    `handed_in` has the SHA-256 of each file by its name, `kept` the name under which an original is kept by the name
    under which it was handed in, `result` the SHA-256 of the notebook that is graded.
    """

    student: str
    lesson: str
    repairs: list[str] = field(default_factory=list)
    unreadable: str = ""
    handed_in: dict[str, str] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    result: str = ""

    @property
    def sentences(self) -> list[str]:
        """What to tell, most important first."""
        return ([self.unreadable] if self.unreadable else []) + self.repairs


def take_in(desk: Path, lesson: str, students: str = "*", excluded: Collection[str] = ()) -> list[Record]:
    """Make every submission of a lesson gradable, and return the records of those that needed something.

    `students` is a glob of student names, `excluded` names to leave alone. Raises NoRelease where the desk has no release of the lesson.
    """
    release_file = desk / RELEASE / lesson / f"{lesson}.ipynb"
    if not release_file.is_file():
        raise NoRelease(
            f"There is no release of {lesson} at this desk. Run first: nbgrader generate_assignment {lesson}"
        )
    release = nbformat.read(release_file, as_version=4)
    records = []
    for folder in sorted((desk / SUBMITTED).glob(f"*/{lesson}")):
        student = folder.parent.name
        if folder.is_dir() and fnmatch.fnmatchcase(student, students) and student not in excluded:
            records.append(_Submission(desk, student, lesson).take_in(release))
    return [record for record in records if record.sentences]


def load_record(desk: Path, student: str, lesson: str) -> Record | None:
    """Return what was done about a submission, or None where nothing was."""
    try:
        text = (desk / ORIGINALS / student / lesson / RECORD).read_text(encoding="utf-8")
        return Record(**json.loads(text))
    except (OSError, ValueError, TypeError):
        return None


class _Submission:
    """One student's folder of one lesson, the notebook that is graded in it, and the folder of originals."""

    def __init__(self, desk: Path, student: str, lesson: str) -> None:
        self.folder = desk / SUBMITTED / student / lesson
        self.target = self.folder / f"{lesson}.ipynb"
        self.originals = desk / ORIGINALS / student / lesson
        self.before = load_record(desk, student, lesson)
        self.record = Record(student, lesson)

    def take_in(self, release: NotebookNode) -> Record:
        """Repair what needs it, and return what was done."""
        record = self.record
        try:
            if self.target.is_dir():
                self.target.rename(self.folder / f"{self.target.stem}_folder")
            files = self._handed_in()
            record.handed_in = {name: _hash(path) for name, path in files.items()}
            if self._is_ours() and self.before is not None and self.before.handed_in == record.handed_in:
                return self.before
            self._put_away_a_bad_timestamp()
            notebook, repairs = sanitise(self._choose(files, release), release)
            record.repairs += repairs
        except Unreadable as reason:
            record.unreadable, notebook = str(reason), copy.deepcopy(release)
        except Exception as error:  # whatever one submission holds, the others are graded
            record.unreadable = f"It could not be repaired ({quoted(repr(error))}). Ask your instructor."
            notebook = copy.deepcopy(release)
        if record.sentences:
            self._replace(notebook, files)
        else:
            (self.originals / RECORD).unlink(missing_ok=True)
        return record

    def _is_ours(self) -> bool:
        return self.before is not None and self.target.is_file() and _hash(self.target) == self.before.result

    def _handed_in(self) -> dict[str, Path]:
        """Return the files that the student handed in, by name; not a notebook that an earlier pass put there."""
        files = dict(sorted(_files(self.folder))[:_MOST_FILES])
        if self._is_ours() and self.before is not None:
            files.pop(self.target.name, None)
            if self.target.name in self.before.kept:
                files[self.target.name] = self.originals / self.before.kept[self.target.name]
        return dict(sorted(files.items()))

    def _choose(self, files: dict[str, Path], release: NotebookNode) -> NotebookNode:
        """Return the notebook to grade. Raises Unreadable where nothing handed in is one."""
        right = self.target.name
        notebooks: dict[str, NotebookNode] = {}
        repairs: dict[str, list[str]] = {}
        reasons: dict[str, str] = {}
        for name, path in files.items():
            try:
                notebooks[name], repairs[name] = read(path.read_bytes())
            except Unreadable as reason:
                reasons[name] = str(reason)
        worth = {name: written(notebook, release) for name, notebook in notebooks.items()}
        ours = [name for name in notebooks if name == right or worth[name] >= 0]
        if not ours:
            raise Unreadable(_why_nothing(right, list(notebooks), reasons))
        chosen = max(ours, key=lambda name: (worth[name] > 0, name == right, worth[name]))
        self.record.repairs += repairs[chosen]
        if chosen != right:
            self.record.repairs.append(f"The notebook is named {quoted(chosen)}; it was graded as `{right}`.")
            if right in reasons:
                self.record.repairs.append(f"`{right}` was not graded. {reasons[right]}")
        others = [name for name in ours if name != chosen and worth[name] > 0]
        if others:
            self.record.repairs.append(
                f"More than one notebook of this lesson was handed in; not graded: {', '.join(map(quoted, others))}."
            )
        return notebooks[chosen]

    def _put_away_a_bad_timestamp(self) -> None:
        """Move a time of handing in that nbgrader cannot read out of its way."""
        from nbgrader.utils import parse_utc

        path = self.folder / TIMESTAMP
        if not path.is_file():
            return
        try:
            text = path.read_text().strip()
            if text:
                parse_utc(text)
        except (ValueError, OverflowError):
            self._keep(TIMESTAMP, path)
            path.unlink()
            self.record.repairs.append(f"The time in `{TIMESTAMP}` could not be read; no time is recorded.")

    def _replace(self, notebook: NotebookNode, files: dict[str, Path]) -> None:
        """Keep the originals, record what was done, and put the notebook in place, in that order."""
        for name, path in files.items():
            if name == self.target.name or name.lower().endswith(".ipynb"):
                self._keep(name, path)
        notebook.cells = [_note(self.record), *(c for c in notebook.cells if c.get("id") != NOTE_ID)]
        data = (nbformat.writes(notebook) + "\n").encode()
        self.record.result = hashlib.sha256(data).hexdigest()
        write_whole(
            self.originals / RECORD,
            (json.dumps(asdict(self.record), indent=1, ensure_ascii=False) + "\n").encode(),
        )
        write_whole(self.target, data)

    def _keep(self, name: str, path: Path) -> None:
        """Copy a file to the originals, beside whatever was kept there under its name before."""
        self.originals.mkdir(parents=True, exist_ok=True)
        flat = Path(name.replace("/", "__"))
        number, place = 1, self.originals / flat
        while place.exists() and _hash(place) != _hash(path):
            number += 1
            place = self.originals / f"{flat.stem}.{number}{flat.suffix}"
        if not place.exists():
            shutil.copy2(path, place)
        self.record.kept[name] = place.name


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the regular files in a folder and below, by their name in it; no links, nothing hidden."""
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith((".", "__")))
        for name in names:
            path = Path(where) / name
            if (
                name not in _NOT_HANDED_IN
                and not name.startswith(".")
                and path.is_file()
                and not path.is_symlink()
            ):
                yield path.relative_to(folder).as_posix(), path


def _why_nothing(right: str, strangers: list[str], reasons: dict[str, str]) -> str:
    """Return why none of the files can be graded."""
    if right in reasons:
        return f"`{right}` could not be read. {reasons[right]}"
    likely = sorted(reasons, key=lambda name: (".ipynb" not in name.lower(), name))
    if strangers:
        return f"There is no `{right}` in what was handed in, and {quoted(strangers[0])} is not a notebook of this lesson. Hand in `{right}`."
    if likely:
        return f"There is no `{right}` in what was handed in. {quoted(likely[0])} could not be used. {reasons[likely[0]]}"
    return f"Nothing was handed in: the folder is empty. Hand in `{right}`."


def _note(record: Record) -> NotebookNode:
    """Return the cell that says, on top of the notebook that is graded, what was done to it."""
    if record.unreadable:
        lines = ["## This notebook could not be graded", record.unreadable]
        lines.append(
            "Below is the notebook as it was handed out, without an answer, so there are no points for it yet. What was handed in is kept."
        )
    else:
        lines = ["## Repaired before grading"]
        lines.append(
            "Grading needs some parts of a notebook as they were handed out. These had changed, and nothing that you wrote was taken away:"
        )
    if record.repairs:
        lines.append("\n".join(f"- {sentence}" for sentence in record.repairs))
    return NotebookNode(cell_type="markdown", id=NOTE_ID, metadata=NotebookNode(), source="\n\n".join(lines))


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        made.write_bytes(data)
        made.replace(path)
    finally:
        with contextlib.suppress(OSError):
            made.unlink()
