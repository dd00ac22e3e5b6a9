"""The command `handmade`. What computes is imported by the command that needs it: `doctor` must run where numpy does not."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import click

from handmade import __version__
from handmade.learner import progress
from handmade.learner.origin import requirement
from handmade.learner.start import course_folder, fill


@click.group()
@click.version_option(__version__, prog_name="handmade")
def main() -> None:
    """Write every part of a GPT by hand, in notebooks."""


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default="work")
@click.option(
    "--no-lab", is_flag=True, help="Only put the notebooks into the folder; do not open JupyterLab."
)
def start(folder: Path, no_lab: bool) -> None:
    """Put the course's notebooks into FOLDER, never over your work, and open JupyterLab where you are in the course."""
    try:
        for sentence in fill(folder, course_folder()):
            click.echo(sentence)
    except OSError as error:
        raise click.ClickException(f"could not fill {folder}: {error}") from error
    if no_lab:
        return
    if importlib.util.find_spec("jupyterlab") is None:
        raise click.ClickException(
            f"the notebooks are in {folder}, and JupyterLab is not installed. Run: pip install '{requirement('lab')}'"
        )
    from handmade.learner import overview

    os.chdir(folder)
    then = overview.next_step(overview.overview())
    first = then[0].notebook if then else min(path.as_posix() for path in Path().glob("*/*.ipynb"))
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={Path.cwd()}"]
    command.append(f"--LabApp.default_url=/lab/tree/{first}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # in a container the only user is often root
    if os.name == "posix":
        os.execv(
            sys.executable, command
        )  # JupyterLab in this process's place: whoever stops it stops JupyterLab
    raise SystemExit(subprocess.call(command))


def _learners_folder() -> Path | None:
    """Return the folder with the learner's record: this one, or one above, or `work` in this one."""
    below = Path("work")
    return progress.root() or (below if (below / progress.FOLDER).is_dir() else None)


def _go_to_work() -> None:
    folder = _learners_folder()
    if folder is None:
        raise click.ClickException(
            "there is no record here. Run this in the folder that `handmade start` has filled, or above it."
        )
    if progress.root() is None:
        os.chdir(folder)


@main.command("doctor")
def see_a_doctor() -> None:
    """Say what is wrong with this installation, and how to mend it."""
    from handmade.learner import doctor

    n_wrong = 0
    for finding in doctor.findings((_learners_folder() or Path()).resolve()):
        click.echo(doctor.as_text(finding))
        n_wrong += not finding.fine
    if n_wrong:
        raise click.ClickException(
            f"{n_wrong} thing{'s' if n_wrong > 1 else ''} to mend; see the lines with ✗."
        )
    click.echo("Nothing is wrong.")


@main.command("progress")
@click.argument("lesson", default="")
def show_progress(lesson: str) -> None:
    """Show what you have done in all lessons, or in one LESSON (its number, such as 03), and what comes next.

    The record is a text file on this machine, .handmade/progress.jsonl beside your notebooks.
    """
    from handmade.learner import overview

    _go_to_work()
    lines = overview.as_text(overview.overview(), lesson)
    if not lines:
        raise click.ClickException(f"there is no lesson {lesson!r}; say its number, such as 03")
    for line in lines:
        click.echo(line)


@main.command("parts")
def show_parts() -> None:
    """List the parts of your own GPT: what is yours, what is borrowed from the course."""
    from handmade.learner import parts

    _go_to_work()
    rows = parts.table()
    for lesson, name, state in rows:
        click.echo(f"{lesson:<15} {name:<26} {state}")
    click.echo(
        f"{sum(state == 'yours' for *_, state in rows)} of {len(rows)} parts are yours, in {parts.PACKAGE}/."
    )


@main.command("finish")
@click.option("--name", default="", help="Your name, if you want it on the page.")
def finish_course(name: str) -> None:
    """Write my_gpt.html: a page of your own GPT, how it learned, what it wrote, and all of its code."""
    from handmade.learner.finish import finish

    _go_to_work()
    message = finish(name).message
    if message.mark == "○":
        raise click.ClickException(message.text())
    click.echo(message.text())


# ---------------------------------------------------------------- for instructors

_desk = click.option(
    "--desk",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder with nbgrader_config.py; as it comes, the one you are in, or autograde/.",
)
_db = click.option(
    "--db", default="", help="The gradebook's address, in place of the desk's; see db_url in nbgrader."
)


@main.command()
@click.argument("lesson")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes that execute.")
@click.option(
    "--scheduler", default="", help="The address of a Dask scheduler, whose workers execute instead."
)
@click.option("--student", "students", default="*", help="A glob of student ids.")
@click.option(
    "--require-isolation", is_flag=True, help="Refuse to go on where this machine lacks a part of it."
)
@click.option(
    "--by-hand",
    type=click.Choice(["note", "fail"]),
    help="What a call of the very thing that is to be written by hand means: a note, or no points.",
)
@_db
@_desk
def grade(
    lesson: str,
    jobs: int,
    scheduler: str,
    students: str,
    require_isolation: bool,
    by_hand: str | None,
    db: str,
    desk: Path | None,
) -> None:
    """Grade the submissions of a LESSON that were not graded yet or have changed, in isolation.

    A run that was stopped goes on where it was. Say it again after a student handed in anew.
    """
    with _instructor() as grading:
        place = grading.Desk(_folder(desk), db)
        changed: dict[str, Any] = {"by_hand": by_hand} if by_hand else {}
        settings = place.settings(**changed | ({"require_isolation": True} if require_isolation else {}))
        try:
            did = grading.grade(
                place,
                lesson,
                jobs=jobs,
                scheduler=scheduler,
                students=students,
                settings=settings,
                say=click.echo,
                progress=_bar,
            )
        except KeyboardInterrupt:
            raise click.ClickException(
                "stopped. What is done is kept: the same command goes on from there."
            ) from None
        found, page = grading.write_report(place.root, lesson, place.db_url)
        click.echo(
            f"{did.executed} executed and {len(did.written)} written now, {len(did.unchanged)} as they were.\n"
        )
        click.echo(grading.text(found))
        for student, reason in did.failed.items():
            click.echo(f"Not executed: {student}: {reason}", err=True)
        for sentence in did.errors:
            click.echo(f"nbgrader: {sentence}", err=True)
        click.echo(f"\nThe report: {page}")
        if did.errors:
            raise SystemExit(1)


@main.command()
@click.argument("lesson")
@_db
@_desk
def report(lesson: str, db: str, desk: Path | None) -> None:
    """Write the report on a class in a LESSON anew, as after you have graded by hand."""
    with _instructor() as grading:
        place = grading.Desk(_folder(desk), db)
        found, page = grading.write_report(place.root, lesson, place.db_url)
        click.echo(f"{grading.text(found)}\n\nThe report: {page}")


@main.command()
@click.argument("lesson")
@click.option(
    "--format", "form", type=click.Choice(["csv", "canvas", "moodle"]), default="csv", show_default=True
)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="The file to write.")
@click.option(
    "--roster",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="What the LMS exported: Canvas's gradebook, or the grading worksheet of a Moodle assignment.",
)
@click.option("--column", default="", help="The assignment's name in the LMS; as it comes, the lesson's.")
@click.option(
    "--zero-missing", is_flag=True, help="Give 0 to those who handed in nothing, instead of leaving them out."
)
@_db
@_desk
def export(
    lesson: str,
    form: str,
    output: Path | None,
    roster: Path | None,
    column: str,
    zero_missing: bool,
    db: str,
    desk: Path | None,
) -> None:
    """Write the points of a LESSON to a file for a spreadsheet, Canvas or Moodle."""
    with _instructor() as grading:
        place = grading.Desk(_folder(desk), db)
        table = grading.read_table(place.root, lesson, place.db_url)
        made = grading.export(table, form, roster=roster, column=column, zero_missing=zero_missing)
        path = output or place.root / f"{lesson}-{form}.csv"
        made.write(path)
        for sentence in made.notes:
            click.echo(sentence)
        click.echo(f"Written: {path}")


@main.command()
@click.argument("lesson")
@click.option("--student", "students", default="*", help="A glob of student ids.")
@_db
@_desk
def feedback(lesson: str, students: str, db: str, desk: Path | None) -> None:
    """Make the page with points, comments and messages for each student of a LESSON, by nbgrader."""
    with _instructor() as grading:
        place = grading.Desk(_folder(desk), db)
        with _bar("Writing", len(list((place.root / "autograded").glob(f"{students}/{lesson}")))) as tick:
            errors = grading.make_feedback(place, lesson, students, tick)
        for sentence in errors:
            click.echo(f"nbgrader: {sentence}", err=True)
        click.echo(
            f"The pages: {place.root / 'feedback'}{os.sep}<student>{os.sep}{lesson}{os.sep}{lesson}.html"
        )
        if errors:
            raise SystemExit(1)


def _folder(desk: Path | None) -> Path:
    if desk is not None:
        return desk
    return Path() if Path("nbgrader_config.py").is_file() else Path("autograde")


@contextlib.contextmanager
def _bar(label: str, length: int) -> Iterator[Callable[[], None]]:
    """Show a bar with the time that is left."""
    if not sys.stdout.isatty():
        click.echo(f"{label} {length} …")
    with click.progressbar(
        length=length, label=f"{label:<10}", show_pos=True, hidden=not sys.stdout.isatty()
    ) as bar:
        yield lambda: bar.update(1)


@contextlib.contextmanager
def _instructor() -> Iterator[ModuleType]:
    """Give what grading needs; what an instructor can mend is said in a sentence."""
    try:
        from handmade.grading import desk_work
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("handmade"):
            raise
        raise click.ClickException(
            f"{error.name} is not installed. Run: pip install '{requirement('grading')}'"
        ) from None
    try:
        yield desk_work
    except desk_work.MISTAKES as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    main()
