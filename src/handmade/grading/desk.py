"""The pass over submissions that comes before nbgrader's own work: keep the original, repair the copy, write down what was done.

submitted/<student>/<lesson>/              what nbgrader grades: repaired where needed, else untouched
submitted_originals/<student>/<lesson>/    the files as they came, of those that were repaired, and repairs.json
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import nbformat

from handmade.grading.repair import Unreadable, blank, read, repair

ORIGINALS = "submitted_originals"
RECORD = "repairs.json"


def before_conversion(assignment: str, student: str, notebooks: list[str]) -> None:
    """nbgrader's pre_convert_hook: mend one submission. `notebooks` is nbgrader's own list of files, renamed in place."""
    folder = Path(notebooks[0]).parent
    if folder.parent.parent.name != "submitted":
        return  # another converter (feedback, for one) calls the hook with its own folders
    mend(folder.parents[2], student, assignment)
    notebooks[:] = sorted(str(path) for path in folder.glob("*.ipynb"))


def mend(root: Path, student: str, lesson: str) -> list[str]:
    """Repair a submission where it needs it, and return a sentence for each repair. Doing it again changes nothing."""
    folder = root / "submitted" / student / lesson
    kept = root / ORIGINALS / student / lesson
    record = recorded(root, student, lesson)
    sentences: list[str] = []
    for release_path in sorted((root / "release" / lesson).glob("*.ipynb")):
        path = folder / release_path.name
        others = [
            p for p in sorted(folder.glob("*.ipynb")) if not (root / "release" / lesson / p.name).exists()
        ]
        renamed = None
        if not path.exists():
            if not others:
                continue
            renamed = max(others, key=lambda p: p.stat().st_mtime)
        content = (renamed or path).read_bytes()
        if not renamed and record.get(path.name, {}).get("repaired") == _digest(content):
            sentences += record[path.name]["repairs"]
            continue
        release = nbformat.read(release_path, as_version=4)
        try:
            notebook, repairs = repair(read(content), release)
        except Unreadable as error:
            notebook, repairs = blank(release, str(error)), [str(error)]
        if renamed:
            repairs.insert(0, f"The file was called {renamed.name}; it must be called {path.name}.")
        if not repairs:
            record.pop(path.name, None)
            continue
        kept.mkdir(parents=True, exist_ok=True)
        _write(kept / (renamed or path).name, content)
        repaired = (nbformat.writes(notebook) + "\n").encode()
        _write(path, repaired)
        if renamed:
            renamed.unlink()
        record[path.name] = {"original": _digest(content), "repaired": _digest(repaired), "repairs": repairs}
        sentences += repairs
    if record or (kept / RECORD).exists():
        kept.mkdir(parents=True, exist_ok=True)
        _write(
            kept / RECORD, (json.dumps(record, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()
        )
    return sentences


def recorded(root: Path, student: str, lesson: str) -> dict[str, Any]:
    """Return what was repaired in a submission, by the notebook's name; empty where nothing was."""
    try:
        found = json.loads((root / ORIGINALS / student / lesson / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write(path: Path, content: bytes) -> None:
    """Write the file whole or not at all."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    os.replace(part, path)
