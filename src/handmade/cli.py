"""The command `handmade`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click

from handmade import __version__
from handmade.learner import parts
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
    """Put the course's notebooks into FOLDER, never over your work, and open JupyterLab there."""
    try:
        for sentence in fill(folder, course_folder()):
            click.echo(sentence)
    except OSError as error:
        raise click.ClickException(f"could not fill {folder}: {error}") from error
    if no_lab:
        return
    first = next(iter(sorted(path.relative_to(folder) for path in folder.glob("*/*.ipynb"))))
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder.resolve()}"]
    command.append(f"--LabApp.default_url=/lab/tree/{first.as_posix()}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # in a container the only user is often root
    raise SystemExit(subprocess.call(command))


@main.command("parts")
def show_parts() -> None:
    """List the parts of your own GPT: what is yours, what is borrowed from the course."""
    rows = parts.table()
    for lesson, name, state in rows:
        click.echo(f"{lesson:<15} {name:<26} {state}")
    click.echo(
        f"{sum(state == 'yours' for *_, state in rows)} of {len(rows)} parts are yours, in {parts.PACKAGE}/."
    )


if __name__ == "__main__":
    main()
