"""The learner's own record of what they did: one JSON object a line, in `.handmade/progress.jsonl`.

`handmade start` makes the folder `.handmade` beside the notebooks. Where there is none (an instructor's grading
run, a script) nothing is recorded. Nothing leaves the machine.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

FOLDER = ".handmade"
FILE = "progress.jsonl"

_after: list[Callable[[], None]] = []


def root() -> Path | None:
    """Return the nearest folder, from the working directory upwards, that holds a `.handmade` folder."""
    with contextlib.suppress(OSError):
        here = Path.cwd()
        return next((folder for folder in (here, *here.parents) if (folder / FOLDER).is_dir()), None)
    return None


def record(event: str, name: str, **details: Any) -> None:
    """Append one event. A record that cannot be written is dropped: it must never cost a learner their check."""
    folder = root()
    if folder is None:
        return
    line = json.dumps(
        {"time": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "event": event, "name": name, **details},
        ensure_ascii=False,
    )
    with contextlib.suppress(OSError), (folder / FOLDER / FILE).open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    for call in _after:
        call()


def after_recording(call: Callable[[], None]) -> None:
    """Have `call` called after each event from now on; once, however often this is asked."""
    if call not in _after:
        _after.append(call)


def events(event: str, name: str) -> list[dict[str, Any]]:
    """Return the recorded events of one kind about one name, oldest first."""
    return [entry for entry in all_events() if (entry["event"], entry["name"]) == (event, name)]


def all_events() -> list[dict[str, Any]]:
    """Return all recorded events, oldest first. Lines that are damaged are passed over."""
    folder = root()
    found = []
    if folder is not None:
        with contextlib.suppress(OSError):
            for line in (folder / FOLDER / FILE).read_text(encoding="utf-8").splitlines():
                with contextlib.suppress(ValueError):
                    entry = json.loads(line)
                    if isinstance(entry, dict) and {"event", "name", "time"} <= entry.keys():
                        found.append(entry)
    return found


def write_whole(path: Path, text: str) -> None:
    """Write a file in one step: whoever reads it, or is killed meanwhile, has the old text or the new one."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, suffix=".part", delete=False
    ) as file:
        file.write(text)
    os.replace(file.name, path)
