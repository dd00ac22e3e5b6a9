"""The learner's own GPT: what they wrote and a check passed, kept as the package `my_gpt` beside their notebooks.

keep("softmax", softmax)     after a passed check: write its source into my_gpt/next_token.py
use("softmax")               in a later lesson: the learner's own softmax, or the course's where there is none
table()                      what is theirs and what is borrowed

A part is kept as its text: its definition, the helpers and imports that it needs, once that text has been seen to
pass the check alone. What it calls and the learner has not written yet is borrowed from the course, so that
`my_gpt` always runs, without `handmade`.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

from handmade import checks
from handmade.checks.exercise import SEED_VARIABLE
from handmade.checks.message import Message
from handmade.checks.result import Shown
from handmade.checks.run import judge
from handmade.learner import progress, texts
from handmade.learner.source import Part, Unkept, part_of, texts_behind

PACKAGE = "my_gpt"
KEPT = "parts"  # in the folder .handmade: one JSON file a part


def keep(name: str, candidate: Any) -> str:
    """Write a passed exercise into the learner's package; return a sentence on what was done, or "" where none is kept.

    Called only for a candidate that has passed, so that a later worse answer never replaces a good one.
    """
    folder = _folder()
    if folder is None:
        return ""
    try:
        part = part_of(name, candidate, texts_behind(candidate))
        kept = _kept(folder)
        if part == kept.get(name):
            return ""
        kept[name] = part
        modules = compose(kept)
        _prove(name, modules)
        _write(folder, part, modules)
    except Unkept as reason:
        return f"It is not kept in `{PACKAGE}`: {reason}"
    except OSError as error:
        return f"It could not be kept in `{PACKAGE}`: {error}"
    progress.record("kept", name)
    return f"Kept in `{PACKAGE}/{_lesson(name)}.py`."


def use(*names: str) -> Any:
    """Return the learner's own parts of these names, or the course's where there is none, and display which is which.

    One name gives one part, several give a tuple. Raises ValueError for a name that no lesson has.
    """
    for name in names:
        if checks.find(name) is None:
            raise ValueError(f"there is no part {name!r}; a part has the name of its exercise")
    folder = _folder()
    theirs = _kept(folder) if folder is not None else {}
    found, lines = [], []
    for name in names:
        part, origin = None, "the course's, until your own passes its check"
        if folder is not None and name in theirs:
            try:
                part, origin = getattr(_module(folder, _lesson(name)), name), "your own"
            except Exception as error:  # their file, or what it imports, may have been edited
                origin = f"the course's: {PACKAGE}/{_lesson(name)}.py raised {type(error).__name__}: {error}"
        found.append(checks.find(name).reference if part is None else part)  # type: ignore[union-attr]
        number = next((n[:2] for n in texts.lesson_names() if n[3:] == _lesson(name)), _lesson(name))
        lines.append(f"`{name}` (lesson {number}): {origin}")
    Shown(Message("●", "parts of earlier lessons", (("prose", "\n".join(lines)),)))._ipython_display_()
    return found[0] if len(found) == 1 else tuple(found)


def table() -> list[tuple[str, str, str]]:
    """Return (lesson, exercise, state) of every exercise: "yours", "borrowed" (yours need it) or "not yet"."""
    folder = _folder()
    kept = _kept(folder) if folder is not None else {}
    borrowed = _borrowed(kept)
    return [
        (lesson, name, "yours" if name in kept else "borrowed" if name in borrowed else "not yet")
        for lesson in texts.lesson_names()
        for name in checks.load_lesson(lesson[3:])
    ]


def compose(kept: dict[str, Part]) -> dict[str, str]:
    """Return the text of each module of the package, by lesson, from the learner's parts and what they need besides.

    Raises Unkept where two parts of a module bring different helpers of the same name.
    """
    borrowed = _borrowed(kept)
    everything = kept | borrowed
    modules = {}
    for lesson in sorted({_lesson(name) for name in everything}):
        order = [name for name in checks.load_lesson(lesson) if name in everything]
        imports: set[str] = set()
        chunks: list[str] = []
        placed: dict[str, str] = {}
        for name in order:
            part = everything[name]
            imports |= set(part.imports)
            for need in part.needs:
                if _lesson(need) != lesson:
                    imports.add(f"from .{_lesson(need)} import {need}")
            origin = (
                "yours" if name in kept else "borrowed from the course: yours takes its place once it passes"
            )
            note = f"# {name}: {origin}\n"
            for defined, text in part.definitions:
                if defined not in placed:
                    chunks.append(note + text)
                    note = ""
                elif placed[defined] != text:
                    raise Unkept(
                        f"its helper `{defined}` differs from the `{defined}` that another part of this lesson uses. "
                        f"Give one of them another name."
                    )
                placed[defined] = text
        head = (
            f'"""Your own {lesson}: written by you and kept by its checks. To change it, change your notebook and pass the check again.\n\n'
            f'The shapes in the signatures are for people; nothing evaluates them.\n"""\n\nfrom __future__ import annotations'
        )
        blocks = [head, "\n".join(sorted(imports, key=_import_order))] if imports else [head]
        modules[lesson] = "\n\n".join(blocks) + "\n\n\n" + "\n\n\n".join(chunks) + "\n"
    return modules


def _import_order(line: str) -> tuple[int, str]:
    return (2 if line.startswith("from .") else 1 if line.startswith("from") else 0, line)


def _borrowed(kept: dict[str, Part]) -> dict[str, Part]:
    """Return the course's parts that the kept ones need, directly or through others, and the learner has not written."""
    found: dict[str, Part] = {}
    waiting = [need for part in kept.values() for need in part.needs]
    while waiting:
        name = waiting.pop()
        if name in kept or name in found:
            continue
        text = re.sub(r"(?m)^ *### (BEGIN|END) SOLUTION\n", "", checks.reference_text(_lesson(name)) + "\n")
        found[name] = part_of(name, None, [text])
        waiting += found[name].needs
    return found


def _lesson(name: str) -> str:
    exercise = checks.find(name)
    assert exercise is not None
    return exercise.lesson


def _folder() -> Path | None:
    """Return the learner's folder; None where there is none, and where a submission is graded."""
    return None if os.environ.get(SEED_VARIABLE) else progress.root()


def _kept(folder: Path) -> dict[str, Part]:
    """Return the learner's parts by name. A file that is damaged is passed over: the next passed check makes it anew."""
    found = {}
    for path in sorted((folder / progress.FOLDER / KEPT).glob("*.json")):
        try:
            part = Part.from_json(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if checks.find(part.name) is not None:
            found[part.name] = part
    return found


def _write(folder: Path, part: Part, modules: dict[str, str]) -> None:
    """Keep the part's record and write the package; a module that the learner edited by hand is set aside first."""
    records, package = folder / progress.FOLDER / KEPT, folder / PACKAGE
    records.mkdir(exist_ok=True)
    package.mkdir(exist_ok=True)
    written_before = compose(_kept(folder))
    written = {f"{lesson}.py": text for lesson, text in modules.items()}
    written["__init__.py"] = f'"""My GPT: {", ".join(modules)}."""\n'
    for file, text in written.items():
        path = package / file
        before = written_before.get(path.stem)
        if file != "__init__.py" and path.exists() and path.read_text(encoding="utf-8") not in (before, text):
            shutil.copyfile(path, package / f"{path.stem}.edited.txt")
        progress.write_whole(path, text)
    progress.write_whole(
        records / f"{part.name}.json", json.dumps(part.to_json(), indent=1, ensure_ascii=False) + "\n"
    )


def _prove(name: str, modules: dict[str, str]) -> None:
    """Raise Unkept unless the part, imported from the composed package alone, passes its check."""
    exercise = checks.find(name)
    assert exercise is not None
    with tempfile.TemporaryDirectory() as place:
        for lesson, text in modules.items():
            (Path(place) / f"{lesson}.py").write_text(text, encoding="utf-8")
        (Path(place) / "__init__.py").touch()
        package = "_my_gpt_on_trial"
        try:
            verdict = judge(exercise, getattr(_import(package, Path(place), exercise.lesson), name))
        except Exception as error:
            raise Unkept(
                f"taken out of the notebook, its code raised {type(error).__name__}: {error}"
            ) from error
        finally:
            _forget(package)
    if verdict.fault is not None:
        said = verdict.fault.outcome.error or verdict.fault.sentence
        raise Unkept(f"taken out of the notebook, its code no longer passes ({said})")


def _module(folder: Path, lesson: str) -> ModuleType:
    """Return a module of the learner's package as it stands on disk now."""
    package = sys.modules.get(PACKAGE)
    stamp = max((path.stat().st_mtime_ns for path in (folder / PACKAGE).glob("*.py")), default=0)
    if package is None or getattr(package, "_stamp", None) != stamp:
        _forget(PACKAGE)
    module = _import(PACKAGE, folder / PACKAGE, lesson)
    sys.modules[PACKAGE]._stamp = stamp  # type: ignore[attr-defined]
    return module


def _import(package: str, folder: Path, lesson: str) -> ModuleType:
    """Import package.lesson from the folder, wherever that is."""
    if package not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            package, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[package] = module
        spec.loader.exec_module(module)
    importlib.invalidate_caches()
    return importlib.import_module(f"{package}.{lesson}")


def _forget(package: str) -> None:
    for name in [n for n in sys.modules if n == package or n.startswith(f"{package}.")]:
        del sys.modules[name]
