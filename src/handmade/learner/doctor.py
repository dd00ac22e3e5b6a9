"""What is wrong with an installation, and how to mend it: for `handmade doctor`."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from handmade.learner.origin import DISTRIBUTION

ROOM = 500 * 2**20  # bytes that notebooks and checkpoints may need


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what was found, and, where it is wrong, how to mend it."""

    about: str
    found: str
    mend: str = ""

    @property
    def fine(self) -> bool:
        """Whether nothing has to be done."""
        return not self.mend


def findings(folder: Path) -> Iterator[Finding]:
    """Yield what is found about Python, the packages, JupyterLab and a learner's folder, one thing after another."""
    yield _python()
    yield from _packages()
    yield _torch()
    yield _kernel()
    yield _folder(folder)


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    wanted = _wanted_python()
    mend = "" if wanted.contains(version) else f"Install Python {wanted}, and make the environment anew."
    return Finding("Python", f"{version}, in {sys.prefix}", mend)


def _wanted_python() -> SpecifierSet:
    """Return which versions of Python this distribution says it runs on; any, where it is not installed."""
    try:
        return SpecifierSet(str(metadata.metadata(DISTRIBUTION).json.get("requires_python", "")))
    except metadata.PackageNotFoundError:
        return SpecifierSet()


def _packages() -> Iterator[Finding]:
    """Yield one finding for each package that a learner needs, by the words of this distribution's own metadata."""
    try:
        needed = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        yield Finding(DISTRIBUTION, "not installed", "Run `make env` in the course's folder.")
        return
    wanted: dict[str, Requirement] = {}
    for line in needed:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": "lab"}):
            wanted[requirement.name] = (
                requirement  # of two lines the extra's is the stricter one, and comes later
            )
    for name, requirement in wanted.items():
        yield _package(name, requirement)


def _package(name: str, requirement: Requirement) -> Finding:
    install = f'{sys.executable} -m pip install "{name}{requirement.specifier}"'
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Finding(name, "not installed", install)
    if not requirement.specifier.contains(version, prereleases=True):
        return Finding(name, f"{version}, but {requirement.specifier} is needed", f"{install} --upgrade")
    try:
        importlib.import_module(name)
    except Exception as error:
        return Finding(
            name,
            f"{version} cannot be imported: {type(error).__name__}: {error}",
            f"{install} --force-reinstall",
        )
    return Finding(name, version)


def _torch() -> Finding:
    """Multiply two matrices, as the lessons will, and compare with numpy."""
    try:
        import numpy as np
        import torch

        a = torch.arange(6.0).reshape(2, 3)
        if not np.allclose((a @ a.T).numpy(), [[5, 14], [14, 50]]):
            raise ArithmeticError("a product of two matrices is wrong")
        card = (
            "a graphics card"
            if torch.cuda.is_available() or torch.backends.mps.is_available()
            else "the processor"
        )
        return Finding("computing", f"on {card}, {torch.get_num_threads()} threads; torch and numpy agree")
    except Exception as error:
        return Finding(
            "computing",
            f"{type(error).__name__}: {error}",
            f'{sys.executable} -m pip install --force-reinstall "torch" "numpy"',
        )


def _kernel() -> Finding:
    """See whether notebooks will run in this Python."""
    about, install = "the notebooks' kernel", f"{sys.executable} -m ipykernel install --sys-prefix"
    try:
        from jupyter_client.kernelspec import KernelSpecManager

        program = KernelSpecManager().get_kernel_spec("python3").argv[0]
    except Exception as error:
        return Finding(about, f"none: {type(error).__name__}: {error}", install)
    found = shutil.which(program) or program
    if program == "python" or os.path.realpath(found) == os.path.realpath(sys.executable):
        return Finding(about, "is this Python")
    return Finding(about, f"is another Python, {found}, which may lack the course's packages", install)


def _folder(folder: Path) -> Finding:
    about = "your folder"
    try:
        with tempfile.NamedTemporaryFile(dir=folder):
            free = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding(
            about,
            f"{folder}: {error.strerror or error}",
            "Choose a folder in which you may write: handmade start FOLDER",
        )
    if free < ROOM:
        return Finding(
            about, f"{free / 2**20:.0f} MB free in {folder}", f"Make room: {ROOM // 2**20} MB are needed."
        )
    return Finding(about, f"{folder}, {free / 2**30:.1f} GB free")


def as_text(found: Finding) -> str:
    """Return a finding in one line, and in a second how to mend it."""
    line = f"{'✓' if found.fine else '✗'} {found.about:<22} {found.found}"
    return line if found.fine else f"{line}\n    {found.mend}"
