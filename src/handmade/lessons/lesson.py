"""A lesson's text once it is read: its items, each with the line at which it stands."""

from __future__ import annotations

from dataclasses import dataclass, field


class LessonError(ValueError):
    """Mistakes in lessons' texts, one a line: `path:line: what is wrong`."""


@dataclass
class Prose:
    """Markdown, as it stands. `line` is that of its first line."""

    text: str
    line: int


@dataclass
class Code:
    """A code cell, as it stands. `line` is that of its first line of Python."""

    source: str
    tags: list[str]
    line: int


@dataclass
class Break:
    """`+++`: what follows begins a new cell."""

    line: int


@dataclass
class Directive:
    """An exercise, a question or a prediction, with its hints or its rubric inside; `line` is that of its fence."""

    kind: str
    name: str
    line: int
    options: dict[str, str] = field(default_factory=dict)
    pieces: list[Prose] = field(default_factory=list)
    inner: list[Directive] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The directive's own words, without those inside hints and rubrics."""
        return "\n\n".join(piece.text for piece in self.pieces)


Item = Prose | Code | Break | Directive


@dataclass
class Lesson:
    """A lesson's text, read: its folder's name ("01_matmul"), its title and its items in order."""

    name: str
    title: str
    items: list[Item]

    @property
    def module(self) -> str:
        """The name of the lesson's modules: "matmul"."""
        return module_name(self.name)

    def directives(self, *kinds: str) -> list[Directive]:
        """Return the directives of these kinds, in order."""
        return [item for item in self.items if isinstance(item, Directive) and item.kind in kinds]


def module_name(lesson: str) -> str:
    """Return the module that belongs to a lesson's folder: "matmul" for "01_matmul"."""
    return lesson.partition("_")[2]
