"""Fill a learner's folder with the course's notebooks: new ones come, untouched ones are renewed, work is kept."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

from handmade.learner.progress import FOLDER, write_whole

COPIED = "copied.json"  # what each file looked like when it was put there


def course_folder() -> Path:
    """Return the folder of the released notebooks: a clone's own, or the one that came with the installed package.

    Raises FileNotFoundError where there is neither.
    """
    package = Path(__file__).parents[1]
    places = (package.parents[1] / "course", package / "course")
    for folder in places:
        if any(folder.glob("*/*.ipynb")):
            return folder
    raise FileNotFoundError(
        f"the course's notebooks are not at {' or '.join(map(str, places))}; install the package again"
    )


def fill(folder: Path, course: Path) -> list[str]:
    """Copy the course into the folder and return one sentence for each thing that a learner should know.

    A file that the learner changed is never touched; one that they left as it was is replaced by a newer version.
    """
    memory = folder / FOLDER / COPIED
    memory.parent.mkdir(parents=True, exist_ok=True)
    try:
        copied: dict[str, str] = json.loads(memory.read_text())
    except (OSError, ValueError):
        copied = {}
    new, kept = 0, []
    for source in sorted(
        path for path in course.rglob("*") if path.is_file() and ".ipynb_checkpoints" not in path.parts
    ):
        name = source.relative_to(course)
        target, wanted = folder / name, _digest(source)
        if target.exists() and _digest(target) != wanted and _digest(target) != copied.get(name.as_posix()):
            if copied.get(name.as_posix()) != wanted:
                kept.append(f"{name} has a newer version; yours has your work in it and is kept as it is.")
            continue
        if not target.exists() or _digest(target) != wanted:
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_name(target.name + ".part")
            shutil.copyfile(source, part)
            os.replace(part, target)
            new += 1
        copied[name.as_posix()] = wanted
    write_whole(memory, json.dumps(copied, indent=1, sort_keys=True) + "\n")
    return [f"{new} file{'s' if new != 1 else ''} put into {folder}.", *kept] if new else kept


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
