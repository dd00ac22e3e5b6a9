"""`python -m handmade.lessons [LESSON …]`: build the notebooks; `--check`: only name the stale ones."""

from __future__ import annotations

from pathlib import Path

import click

from handmade.lessons.build import build, stale
from handmade.lessons.lesson import LessonError


@click.command()
@click.argument("lessons", nargs=-1)
@click.option(
    "--check", is_flag=True, help="Write nothing; name the files that are not up to date, and exit with 1."
)
@click.option("--root", type=click.Path(path_type=Path, exists=True), default=".", help="The repository.")
def main(lessons: tuple[str, ...], check: bool, root: Path) -> None:
    """Make the notebooks in solutions/ and course/ from the lessons' texts and the reference."""
    root = root.resolve()
    try:
        if not check:
            build(root, lessons)
            return
        for path in (found := stale(root)):
            click.echo(f"not up to date: {path.as_posix()} (run `make build`)")
    except LessonError as error:
        raise click.ClickException(str(error)) from error
    if found:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
