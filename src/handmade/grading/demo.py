"""A small class of what instructors really get, handed in and graded with nbgrader's own commands.

python -m handmade.grading.demo [FOLDER]              build/demo-class, a desk of its own; never autograde/

Each student is named after what they stand for. Their notebooks are made from the lesson's release, with answers typed
in: the reference's, those in handmade.grading.other_answers, and mistakes that the checks know.
"""

from __future__ import annotations

import ast
import copy
import importlib
import inspect
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import nbformat
from nbformat import NotebookNode

from handmade.checks import load_lesson
from handmade.grading.intake import RELEASE, SUBMITTED
from handmade.grading.table import Table, read_table

_CONFIG = '''"""A desk made by handmade.grading.demo; see autograde/ for a real one."""

from pathlib import Path

from handmade.grading.config import configure

c = get_config()
configure(c, root=Path(__file__).resolve().parent, solutions=Path({solutions!r}))
c.Execute.timeout = c.IsolatedExecute.cell_seconds = {seconds}
'''
SECONDS = 12  # a cell; longer than a check's own limit


class Lesson:
    """A lesson's release and answers to its exercises, to make submissions of."""

    def __init__(self, name: str, release: NotebookNode) -> None:
        self.name, self.release = name, release
        self.module = name.partition("_")[2]
        self.exercises = load_lesson(self.module)

    @property
    def names(self) -> list[str]:
        """The exercises, in the order of the notebook."""
        return [e for e in map(_grade_id, self.release.cells) if e in self.exercises]

    def right(self, name: str) -> str:
        """Return the reference's own answer."""
        lines = inspect.getsource(self.exercises[name].reference).splitlines()
        return "\n".join(line for line in lines if "### BEGIN" not in line and "### END" not in line)

    def other(self, name: str) -> str:
        """Return a right answer in another idiom."""
        module = importlib.import_module(f"handmade.grading.other_answers.{self.module}")
        return inspect.getsource(getattr(module, name))

    def wrong(self) -> tuple[str, str]:
        """Return the last exercise that has a known mistake which stands alone in a cell, and that mistake."""
        for name in reversed(self.names):
            for mistake in self.exercises[name].misconceptions:
                wrong = mistake.implementation
                if _stands_alone(wrong):
                    [definition] = ast.parse(inspect.getsource(wrong)).body
                    assert isinstance(definition, ast.FunctionDef)
                    definition.name, definition.decorator_list = name, []
                    return name, ast.unparse(definition)
        raise LookupError(f"no exercise of {self.name} has a misconception that stands alone")

    def notebook(self, answers: dict[str, str]) -> NotebookNode:
        """Return the release with these answers typed into it."""
        notebook = copy.deepcopy(self.release)
        for cell in notebook.cells:
            if _grade_id(cell) in answers:
                cell.source = answers[_grade_id(cell)]
        return notebook

    def perfect(self) -> NotebookNode:
        """Return the release with the reference's answers."""
        return self.notebook({name: self.right(name) for name in self.names})

    def all_but(self, name: str, answer: str) -> NotebookNode:
        """Return the reference's answers, with another one in one place."""
        return self.notebook({n: self.right(n) for n in self.names} | {name: answer})


Files = dict[str, bytes]  # what is in a student's folder, by name


@dataclass(frozen=True)
class Student:
    """Somebody who hands in: the files that they make, the exercises that earn them nothing, words of what happened."""

    name: str
    hand_in: Callable[[Lesson], Files]
    lost: Callable[[Lesson], list[str]]
    told: tuple[str, ...]
    repaired: bool


CLASS: list[Student] = []


def student(
    lost: Callable[[Lesson], list[str]] = lambda lesson: [],
    told: tuple[str, ...] = (),
    repaired: bool = False,
) -> Callable[[Callable[[Lesson], Files]], None]:
    """Add to the class the student of the decorated function's name, who hands in what it returns.

    `lost` are the exercises without points, `told` words that the table must say, `repaired` whether the notebook is.
    """

    def add(hand_in: Callable[[Lesson], Files]) -> None:
        CLASS.append(Student(hand_in.__name__, hand_in, lost, told, repaired))

    return add


def _all(lesson: Lesson) -> list[str]:
    return lesson.names


def _last(lesson: Lesson) -> list[str]:
    return lesson.names[-1:]


def _least_used(lesson: Lesson) -> list[str]:
    """Return the exercise that the fewest cells call: what it delays, it delays least."""
    sources = [cell.source for cell in lesson.release.cells if cell.cell_type == "code"]
    return [min(lesson.names, key=lambda name: sum(name in source for source in sources))]


def _later_half(lesson: Lesson) -> list[str]:
    return lesson.names[len(lesson.names) // 2 :]


@student()
def perfect(lesson: Lesson) -> Files:
    return _file(lesson, lesson.perfect())


@student()
def perfect_in_other_idioms(lesson: Lesson) -> Files:
    return _file(lesson, lesson.notebook({name: lesson.other(name) for name in lesson.names}))


@student(lost=_all, told=("Nothing was written",))
def blank(lesson: Lesson) -> Files:
    return _file(lesson, copy.deepcopy(lesson.release))


@student(lost=_later_half, told=("Not written",))
def half_done(lesson: Lesson) -> Files:
    done = [name for name in lesson.names if name not in _later_half(lesson)]
    return _file(lesson, lesson.notebook({name: lesson.right(name) for name in done}))


@student(lost=lambda lesson: [lesson.wrong()[0]])
def one_wrong(lesson: Lesson) -> Files:
    return _file(lesson, lesson.all_but(*lesson.wrong()))


@student(lost=_last, told=("Syntax error",))
def syntax_error(lesson: Lesson) -> Files:
    name = lesson.names[-1]
    return _file(lesson, lesson.all_but(name, lesson.right(name).replace(":\n", "\n", 1) + "\n)"))


@student(lost=_least_used, told=("Time limit", "by its check"))
def endless_function(lesson: Lesson) -> Files:
    [name] = _least_used(lesson)
    return _file(lesson, lesson.all_but(name, f"def {name}(*inputs):\n    while True:\n        pass"))


@student(lost=_last, told=("Time limit", "did not end"))
def endless_cell(lesson: Lesson) -> Files:
    name = lesson.names[-1]
    return _file(lesson, lesson.all_but(name, f"while True:\n    pass\n\n\n{lesson.right(name)}"))


@student()
def writes_to_stderr(lesson: Lesson) -> Files:
    """Every function warns and writes to stderr, and so do the cells themselves: right all the same."""
    talkative = """
import os, sys, warnings
print("defining {name}", file=sys.stderr)
quiet_{name} = {name}

def {name}(*inputs, **named):
    print("calling {name}", file=sys.stderr)
    warnings.warn("this may be slow")
    os.write(2, b"written past Python")
    return quiet_{name}(*inputs, **named)
"""
    answers = {name: lesson.right(name) + talkative.format(name=name) for name in lesson.names}
    return _file(lesson, lesson.notebook(answers))


@student(told=("had been deleted",), repaired=True)
def tests_deleted(lesson: Lesson) -> Files:
    notebook = lesson.perfect()
    notebook.cells = [cell for cell in notebook.cells if not _is_graded(cell)]
    return _file(lesson, notebook)


@student(told=("more than once",), repaired=True)
def cells_duplicated(lesson: Lesson) -> Files:
    """Copied and pasted: every check, and the handed-out form of the first exercise after its solution."""
    notebook = lesson.perfect()
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        if _is_graded(cell):
            cells.append(copy.deepcopy(cell) | {"id": f"copy-{len(cells)}"})
    stub = next(cell for cell in lesson.release.cells if _grade_id(cell) == lesson.names[0])
    notebook.cells = [*cells, copy.deepcopy(stub) | {"id": "copy-of-stub"}]
    return _file(lesson, notebook)


@student(told=("had become a text cell",), repaired=True)
def cells_retyped(lesson: Lesson) -> Files:
    """A check and a solution were turned into Markdown."""
    notebook = lesson.perfect()
    for cell in notebook.cells:
        if _grade_id(cell) in (lesson.names[0], f"check_{lesson.names[1]}"):
            cell["cell_type"] = "markdown"
            del cell["outputs"], cell["execution_count"]
    return _file(lesson, notebook)


@student(lost=_last, told=("marks for grading", "text of the locked cell"), repaired=True)
def tests_edited(lesson: Lesson) -> Files:
    """A hundred points for a test of one's own, which passes; the exercise is not written."""
    notebook = lesson.all_but(lesson.names[-1], lesson.right(lesson.names[-1]).split('"""')[0] + "pass")
    for cell in notebook.cells:
        if _grade_id(cell) == f"check_{lesson.names[-1]}":
            cell.metadata.nbgrader.points = 100
            cell.source = "assert True"
    return _file(lesson, notebook)


@student(told=("order",), repaired=True)
def cells_reordered(lesson: Lesson) -> Files:
    """All checks stand on top."""
    notebook = lesson.perfect()
    notebook.cells.sort(key=lambda cell: not _is_graded(cell))
    return _file(lesson, notebook)


@student(told=("does not have",), repaired=True)
def own_graded_cells(lesson: Lesson) -> Files:
    notebook = lesson.perfect()
    own = copy.deepcopy(next(filter(_is_graded, notebook.cells)))
    own.source, own["id"] = "2 + 2", "bonus"
    own.metadata.nbgrader.update(grade_id="bonus", points=50)
    notebook.cells.append(own)
    return _file(lesson, notebook)


@student(told=("marks for grading were missing", "ids were missing"), repaired=True)
def metadata_stripped(lesson: Lesson) -> Files:
    """As an editor may save it that knows neither nbgrader nor cell ids."""
    notebook = lesson.perfect()
    notebook.nbformat_minor = 4
    for cell in notebook.cells:
        cell.metadata.clear()
        cell.pop("id")
    return _file(lesson, notebook)


@student(lost=_all, told=("ends in the middle", "line "), repaired=True)
def not_json(lesson: Lesson) -> Files:
    [(name, data)] = _file(lesson, lesson.perfect()).items()
    return {name: data[: len(data) // 2].rstrip()}


@student(lost=_all, told=("is empty",), repaired=True)
def empty_file(lesson: Lesson) -> Files:
    return {f"{lesson.name}.ipynb": b""}


@student(told=("The notebook is named",), repaired=True)
def wrong_file_name(lesson: Lesson) -> Files:
    return {f"{lesson.name} (1).ipynb": next(iter(_file(lesson, lesson.perfect()).values()))}


@student(told=("Windows line ends",), repaired=True)
def windows_line_ends(lesson: Lesson) -> Files:
    notebook = lesson.perfect()
    for cell in notebook.cells:
        cell.source = cell.source.replace("\n", "\r\n")
    [(name, data)] = _file(lesson, notebook).items()
    return {name: data.replace(b"\n", b"\r\n")}


@student(lost=_all, told=("There is no",), repaired=True)
def no_notebook(lesson: Lesson) -> Files:
    return {"answers.txt": b"My notebook would not open. Here are my answers:\n1. 32\n"}


def make_class(
    folder: Path, lesson: str = "01_matmul", solutions: Path = Path("solutions"), jobs: int = 2
) -> Table:
    """Make a desk with the whole class in a folder, grade it, and return its table.

    A demo class that is there already is made anew. Raises FileExistsError for a folder that holds anything else, and
    RuntimeError, with nbgrader's last words, where a command of nbgrader's fails.
    """
    if folder.exists() and any(folder.iterdir()):
        config = folder / "nbgrader_config.py"
        if not config.is_file() or "made by handmade.grading.demo" not in config.read_text():
            raise FileExistsError(f"{folder} holds something else than a demo class; choose another folder")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    settings = _CONFIG.format(solutions=str(solutions.resolve()), seconds=SECONDS)
    (folder / "nbgrader_config.py").write_text(settings)
    _nbgrader(folder, ["generate_assignment", lesson])
    release = nbformat.read(folder / RELEASE / lesson / f"{lesson}.ipynb", as_version=4)
    hand_in(folder, Lesson(lesson, release))
    names = [s.name for s in CLASS]
    groups = [names[i::jobs] for i in range(jobs)]
    _nbgrader(
        folder,
        *(
            ["autograde", lesson, f"--CourseDirectory.student_id_exclude={','.join(set(names) - set(group))}"]
            for group in groups
        ),
    )
    return read_table(folder, lesson)


def hand_in(folder: Path, lesson: Lesson) -> None:
    """Put what each student of the class hands in into folder/submitted."""
    for one in CLASS:
        place = folder / SUBMITTED / one.name / lesson.name
        place.mkdir(parents=True)
        for name, data in one.hand_in(lesson).items():
            (place / name).write_bytes(data)


def _nbgrader(folder: Path, *commands: list[str]) -> None:
    """Run commands of nbgrader side by side in a desk's folder."""
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "nbgrader", *command],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for command in commands
    ]
    said = [process.communicate()[0] for process in running]
    for process, command, text in zip(running, commands, said, strict=True):
        (folder / f"{command[0]}.log").open("a").write(text)
        if process.returncode:
            raise RuntimeError(f"nbgrader {' '.join(command)} failed:\n{text[-3000:]}")


def _file(lesson: Lesson, notebook: NotebookNode) -> Files:
    # json, not nbformat.writes: that would mend what a student's editor did not
    return {f"{lesson.name}.ipynb": (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()}


def _stands_alone(wrong: Callable[..., Any]) -> bool:
    """Return whether a mistake is a function that a module defines, and needs nothing of it but np."""
    return (
        inspect.isfunction(wrong)
        and "<locals>" not in wrong.__qualname__
        and set(inspect.getclosurevars(wrong).globals) <= {"np"}
    )


def _grade_id(cell: NotebookNode) -> str:
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def _is_graded(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("grade"))


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("build/demo-class"))
@click.option("--lesson", default="01_matmul", help="A lesson of the folder solutions.")
def main(folder: Path, lesson: str) -> None:
    """Make a demo class in FOLDER, grade it and print the table."""
    click.echo(f"Grading {len(CLASS)} students in {folder}, with nbgrader's own commands; about a minute …\n")
    try:
        table = make_class(folder, lesson)
        _nbgrader(folder, ["generate_feedback", lesson])
    except (FileExistsError, RuntimeError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(str(table))
    click.echo(
        f"\nLook around: {folder}{os.sep}feedback, and {folder}{os.sep}submitted_originals for what was repaired."
    )


if __name__ == "__main__":
    main()
