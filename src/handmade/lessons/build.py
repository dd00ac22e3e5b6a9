"""Make the notebooks of all lessons, or say which are not up to date."""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.converters import GenerateAssignment
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from handmade import checks
from handmade.checks.exercise import Exercise
from handmade.grading.config import IGNORED, settings
from handmade.lessons.lesson import Lesson, LessonError, module_name
from handmade.lessons.notebook import source_notebook
from handmade.lessons.text import read_lesson

Load = Callable[[str], Mapping[str, Exercise]]
TEXTS = Path("src/handmade/learner/texts")
NOT_HANDED_OUT = (*IGNORED, "*.ipynb*")  # the source notebook is made anew


def lesson_names(root: Path) -> list[str]:
    """Return the folders under solutions/ that hold a lesson's text, in order.

    Raises LessonError for a folder with another text than its own: it would be passed over in silence.
    """
    texts = sorted((root / "solutions").glob("[0-9]*_*/*.md"))
    names = {path.stem for path in texts if path.stem == path.parent.name}
    for path in texts:
        if path.parent.name not in names:
            shown = path.relative_to(root).as_posix()
            raise LessonError(f"{shown}:1: the text of this lesson belongs in {path.parent.name}.md")
    return sorted(names)


def build(
    root: Path,
    names: Sequence[str] | None = None,
    load: Load = checks.load_lesson,
    say: Callable[[str], None] = print,
) -> list[Path]:
    """Build the named lessons (all, where none is named) and return what changed, relative to `root`.

    What the build made before and would not make now is removed. Raises LessonError, with every mistake of every
    lesson, before anything is written.
    """
    changed = []
    for name, files in _all_files(root, names, load):
        written = [path for path, content in files.items() if _write(root / path, content)]
        say(f"{name}: {'up to date' if not written else 'wrote ' + ', '.join(p.as_posix() for p in written)}")
        changed += written
        for path in _no_longer_made(root, name, files):
            (root / path).unlink()
            say(f"{name}: removed {path.as_posix()}, which the lesson does not have any more")
            changed.append(path)
    for path in _without_lesson(root):
        shutil.rmtree(root / path) if (root / path).is_dir() else (root / path).unlink()
        say(f"removed {path.as_posix()}: no lesson of this name")
        changed.append(path)
    return changed


def stale(root: Path, load: Load = checks.load_lesson) -> list[Path]:
    """Return the generated files that differ from what the texts and the reference would give now."""
    differ = _without_lesson(root)
    for name, files in _all_files(root, None, load):
        differ += [
            path
            for path, content in files.items()
            if not (root / path).is_file() or (root / path).read_bytes() != content
        ]
        differ += _no_longer_made(root, name, files)
    return differ


def _all_files(
    root: Path, names: Sequence[str] | None, load: Load
) -> Iterator[tuple[str, dict[Path, bytes]]]:
    """Yield each named lesson with the content of its files, once all lessons are found to be without mistakes."""
    known = lesson_names(root)
    if unknown := [name for name in names or () if name not in known]:
        raise LessonError(f"no lesson {unknown[0]!r}; there are {', '.join(known) or 'none'}")
    lessons, mistakes = [], []
    first_use: dict[str, str] = {}
    for name in known:
        path = root / "solutions" / name / f"{name}.md"
        shown = path.relative_to(root).as_posix()
        try:
            lesson = read_lesson(path, load(module_name(name)), root)
        except LessonError as error:
            mistakes.append(str(error))
            continue
        except ModuleNotFoundError as error:
            mistakes.append(f"{shown}:1: this lesson needs a module that is not there: {error.name}")
            continue
        for directive in lesson.directives("exercise", "question", "predict"):
            if directive.name in first_use:
                mistakes.append(
                    f"{shown}:{directive.line}: the name {directive.name!r} is used in {first_use[directive.name]} already"
                )
            first_use[directive.name] = name
        lessons.append(lesson)
    if mistakes:
        raise LessonError("\n".join(mistakes))
    for lesson in lessons:
        if not names or lesson.name in names:
            yield lesson.name, _files(root, lesson, load(lesson.module))


def _files(root: Path, lesson: Lesson, exercises: Mapping[str, Exercise]) -> dict[Path, bytes]:
    """Return the content of each file that is generated from a lesson, by its path under the root."""
    source = _json(source_notebook(lesson, exercises))
    folder = root / "solutions" / lesson.name
    notebook = Path(lesson.name, f"{lesson.name}.ipynb")
    files = {"solutions" / notebook: source, TEXTS / f"{lesson.name}.json": _texts(lesson, exercises)}
    with tempfile.TemporaryDirectory() as temporary:
        desk = Path(temporary)
        copy = desk / "source" / lesson.name
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(*NOT_HANDED_OUT))
        (copy / notebook.name).write_bytes(source)
        _generate(desk, lesson.name)
        release = desk / "release" / lesson.name
        for path in sorted(p for p in release.rglob("*") if p.is_file()):
            content = path.read_bytes()
            if path.suffix == ".ipynb":
                content = _json(_bare(nbformat.reads(content.decode("utf-8"), as_version=4)))
            files[Path("course", lesson.name, path.relative_to(release))] = content
    return files


def _generate(desk: Path, lesson: str) -> None:
    """Run nbgrader's own generate_assignment on desk/source, without a gradebook, into desk/release."""
    config: Config = settings(desk, solutions=desk / "source")
    config.SaveCells.enabled = False
    config.GenerateAssignment.no_database = True
    config.CourseDirectory.assignment_id = lesson
    logger = logging.getLogger("handmade.build")
    logger.setLevel(logging.ERROR)
    converter = GenerateAssignment(coursedir=CourseDirectory(config=config), config=config, log=logger)
    try:
        converter.start()
    except (NbGraderException, SystemExit) as error:
        raise RuntimeError(f"nbgrader could not make the release of {lesson}; its reason is above") from error


def _bare(notebook: Any) -> Any:
    """Return the release without what nbgrader adds for itself: checksums are made anew when it grades."""
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader.pop("checksum", None)
            cell.metadata.nbgrader.pop("cell_type", None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    notebook.metadata = {
        key: value for key, value in notebook.metadata.items() if key in ("kernelspec", "language_info")
    }
    return notebook


def _json(notebook: Any) -> bytes:
    return (nbformat.writes(notebook) + "\n").encode()


def _texts(lesson: Lesson, exercises: Mapping[str, Exercise]) -> bytes:
    """Return what a learner asks for by name (hints, rubrics, predictions), and the lesson's exercises in their order."""
    names = [item.name for item in lesson.directives("exercise")]
    words = {
        "title": lesson.title,
        "exercises": names,
        "stretches": [name for name in names if exercises[name].stretch],
        "hints": {item.name: [hint.text for hint in item.inner] for item in lesson.directives("exercise")},
        "rubrics": {item.name: item.inner[0].text for item in lesson.directives("question")},
        "predictions": {item.name: item.text for item in lesson.directives("predict")},
    }
    return (json.dumps(words, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def _without_lesson(root: Path) -> list[Path]:
    """Return the files and folders that were generated from lessons that are no longer there."""
    known = lesson_names(root)
    made = [
        *(path for path in (root / "solutions").glob("*/*.ipynb") if path.stem == path.parent.name),
        *(root / TEXTS).glob("*.json"),
        *(path for path in (root / "course").glob("[0-9]*_*") if path.is_dir()),
    ]
    return [path.relative_to(root) for path in made if path.stem not in known]


def _no_longer_made(root: Path, lesson: str, files: Mapping[Path, bytes]) -> list[Path]:
    """Return the files in a lesson's released folder that the build would not put there."""
    found = (path.relative_to(root) for path in (root / "course" / lesson).rglob("*") if path.is_file())
    return sorted(path for path in found if path not in files and ".ipynb_checkpoints" not in path.parts)


def _write(path: Path, content: bytes) -> bool:
    """Write the file, whole or not at all, unless it holds this content already; return whether it changed."""
    if path.is_file() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(content)
    os.replace(temporary, path)
    return True
