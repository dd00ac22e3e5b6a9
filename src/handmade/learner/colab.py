"""In Google's Colab: where the work is kept, and the addresses at which it opens notebooks of the repository."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from handmade.learner import progress
from handmade.learner.origin import repository

BRANCH = "main"
DRIVE = Path("/content/drive")
FOLDER = "handmade-gpt"


def is_here() -> bool:
    """Return whether this is a notebook in Colab."""
    return "google.colab" in sys.modules


def address(notebook: str) -> str:
    """Return the address at which Colab opens a notebook of the course, such as "01_matmul/01_matmul.ipynb"."""
    where = repository().removeprefix("https://github.com/")
    return f"https://colab.research.google.com/github/{where}/blob/{BRANCH}/course/{notebook}"


def install_line() -> str:
    """Return what pip is told in Colab; nothing but the address, as a line of IPython has its own rules for quotes."""
    return f"install -q git+{repository()}"


def keep_work() -> str:
    """Go to the folder that keeps the record and `my_gpt`: in the learner's Drive if they allow it, else in this session.

    Colab itself asks for the permission. Return a sentence on what is kept where.
    """
    on_drive = DRIVE / "MyDrive" / FOLDER
    if progress.root() != on_drive:
        try:
            from google.colab import drive  # type: ignore[import-not-found]

            drive.mount(str(DRIVE))
            folder = on_drive
            (folder / progress.FOLDER).mkdir(parents=True, exist_ok=True)
        except Exception:  # refused, or Drive is full or away: Colab raises several kinds of its own
            folder = DRIVE.parent / FOLDER
            (folder / progress.FOLDER).mkdir(parents=True, exist_ok=True)
        os.chdir(folder)
    if progress.root() == on_drive:
        return (
            f"Your progress and my_gpt are kept in your Google Drive, in {FOLDER}. "
            "To keep this notebook too: File, Save a copy in Drive."
        )
    return (
        "Your progress and my_gpt are lost when this Colab session ends. Run this cell again and allow the access to "
        "Google Drive to keep them. To keep this notebook: File, Save a copy in Drive."
    )
