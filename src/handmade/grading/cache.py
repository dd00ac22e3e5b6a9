"""What executing a submission gave, kept at the desk so that it is never done twice.

executed/<lesson>/<key>.json holds one result. The key stands for everything that the result depends on: the code cells,
the options of the execution (the secret seed is one), and the versions of what ran it. A file is there as a whole or not
at all, and may be deleted at any time.
"""

from __future__ import annotations

import functools
import hashlib
import json
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

import handmade
from handmade.grading.intake import write_whole

EXECUTED = "executed"
NOT_IN_KEY = {"hidden"}  # what is out of the learner's reach on this machine: no result depends on it


def key(notebook: NotebookNode, options: Mapping[str, Any]) -> str:
    """Return the key of a notebook's result: 64 hexadecimal digits.

    Of the notebook only code cells count: where they stand (a result's outputs go by that), what nbgrader knows of them, and
    their text. `options` is plain data.
    """
    cells = [
        [i, cell.get("id"), *_marks(cell), cell.source]
        for i, cell in enumerate(notebook.cells)
        if cell.cell_type == "code"
    ]
    counting = {name: value for name, value in options.items() if name not in NOT_IN_KEY}
    text = json.dumps([cells, counting, versions()], sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _marks(cell: NotebookNode) -> list[Any]:
    marks = cell.metadata.get("nbgrader", {})
    flags = [bool(marks.get(name)) for name in ("grade", "solution", "locked")]
    return [marks.get("grade_id"), *flags, float(marks.get("points") or 0)]


@functools.cache
def versions() -> dict[str, str]:
    """Return the versions that a result depends on: of Python, of the packages that compute, of this package's own files."""
    found = {"python": platform.python_version()}
    for name in ("numpy", "torch"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    package = Path(handmade.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            text = path.read_bytes()
            digest.update(f"{path.relative_to(package).as_posix()} {len(text)} ".encode() + text)
    return found | {"handmade": digest.hexdigest()[:16]}


class Cache:
    """The results of one lesson at one desk, as plain dictionaries."""

    def __init__(self, desk: Path, lesson: str) -> None:
        self.folder = desk / EXECUTED / lesson

    def get(self, key: str) -> dict[str, Any] | None:
        """Return a result, or None where there is none, or none that can be read."""
        try:
            result = json.loads(self._path(key).read_bytes())
        except (OSError, ValueError):
            return None
        return result if isinstance(result, dict) else None

    def put(self, key: str, result: Mapping[str, Any]) -> None:
        """Keep a result under its key, in place of the one that was there."""
        write_whole(self._path(key), json.dumps(dict(result), ensure_ascii=True).encode())

    def tidy(self) -> None:
        """Remove what a killed run left half written. Only for the one writer."""
        for path in self.folder.glob(".*"):
            path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.json"
