"""`handmade` as a submission finds it when it is graded: checks that do nothing, no pictures, earlier lessons' parts on request."""

from __future__ import annotations

import builtins
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

PARTS = "handmade_parts"  # the package in which earlier lessons' modules live here


class _Nothing:
    """Whatever is read from it, called or gone through: nothing comes of it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *args: Any, **named: Any) -> None:
        return None

    def __repr__(self) -> str:
        return "<not here when a submission is graded>"


_nothing = _Nothing()


def _quiet(name: str) -> Any:
    """Stand for any attribute of a module of checks or pictures."""
    if name.startswith("__"):
        raise AttributeError(name)
    return _nothing


class CheckFailed(AssertionError):
    """A check was not passed. Here none is made: grading does it elsewhere."""


class NotWritten(CheckFailed):
    """The exercise is still as it was handed out."""


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds modules of pictures, whatever their name."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: Any = None) -> Any:
        if name.startswith("handmade.figures."):
            return importlib.machinery.ModuleSpec(name, self)
        if name == "handmade" or name.startswith("handmade."):
            raise ModuleNotFoundError(f"{name} is not here when a submission is graded", name=name)
        return None

    def create_module(self, spec: Any) -> ModuleType:
        module = ModuleType(spec.name)
        module.__getattr__ = _quiet  # type: ignore[method-assign]
        return module

    def exec_module(self, module: ModuleType) -> None:
        pass


def install(data: Path, ask_for_parts: Callable[[list[str]], Any]) -> None:
    """Put the stand-ins in place. `data` is the folder of the course's texts; `ask_for_parts` returns modules' texts by name."""
    handmade = _module("handmade", __path__=[])
    check = _module("handmade.check", CheckFailed=CheckFailed, NotWritten=NotWritten)
    check.__getattr__ = _quiet  # type: ignore[method-assign]
    learner = _module("handmade.learner", __path__=[])
    learner.__getattr__ = _quiet  # type: ignore[method-assign]
    learner.pace = _module("handmade.learner.pace", steps=lambda full, short: short)  # type: ignore[attr-defined]
    figures = _module("handmade.figures", __path__=[])
    figures.__getattr__ = _quiet  # type: ignore[method-assign]
    parts = _module("handmade.learner.parts", use=_use(ask_for_parts), keep=lambda *a: "", table=list)
    handmade.check, handmade.learner, handmade.figures, learner.parts = check, learner, figures, parts  # type: ignore[attr-defined]
    package = data / "__init__.py"
    if package.is_file():
        spec = importlib.util.spec_from_file_location(
            "handmade.data", package, submodule_search_locations=[str(data)]
        )
        assert spec is not None
        assert spec.loader is not None
        handmade.data = importlib.util.module_from_spec(spec)  # type: ignore[attr-defined]
        sys.modules["handmade.data"] = handmade.data
        spec.loader.exec_module(handmade.data)
    sys.meta_path.insert(0, _DataFirst(data))
    builtins.display = lambda *objects, **named: print(*objects)  # type: ignore[attr-defined]
    builtins.get_ipython = lambda: _nothing  # type: ignore[attr-defined]


class _DataFirst(_Finder):
    """Finds the modules of the course's texts in their folder, and pictures; nothing else of `handmade`."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def find_spec(self, name: str, path: Sequence[str] | None, target: Any = None) -> Any:
        if name.startswith("handmade.data."):
            return importlib.machinery.PathFinder.find_spec(name, [str(self.data)])
        return super().find_spec(name, path, target)


def _module(name: str, **contents: Any) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(contents)
    sys.modules[name] = module
    return module


def _use(ask_for_parts: Callable[[list[str]], Any]) -> Callable[..., Any]:
    def use(*names: str) -> Any:
        """Return the course's parts of these names; a submission is graded on them, not on its own earlier answers."""
        lessons, texts = ask_for_parts([str(name) for name in names])
        if PARTS not in sys.modules:
            _module(PARTS, __path__=[])
        for module, text in texts.items():
            name = f"{PARTS}.{module}"
            if name not in sys.modules:
                exec(compile(text, f"<part {module}>", "exec"), vars(_module(name)))
        found = tuple(getattr(sys.modules[f"{PARTS}.{lessons[name]}"], name) for name in names)
        return found[0] if len(found) == 1 else found

    return use
