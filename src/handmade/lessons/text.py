"""Read a lesson's text: its cells, its directives, and every mistake in it, with the line."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jupytext.myst import MystMetadataParsingError, myst_to_notebook
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.colon_fence import colon_fence_plugin

from handmade.checks.exercise import Exercise
from handmade.lessons.source import answer_lines

N_HINTS = 3
INNER = {"exercise": "hint", "question": "rubric"}  # what may stand inside a directive
OUTER = ("exercise", "question", "predict")
OPTIONS = {"question": {"points"}}


class LessonError(ValueError):
    """Mistakes in lessons' texts, one a line: `path:line: what is wrong`."""


@dataclass
class Prose:
    """Markdown, as it stands."""

    text: str
    line: int


@dataclass
class Code:
    """A code cell, as it stands."""

    source: str
    tags: list[str]
    line: int


@dataclass
class Directive:
    """An exercise, a question or a prediction: its words, and the hints or the rubric inside."""

    kind: str
    name: str
    text: str
    line: int
    options: dict[str, str] = field(default_factory=dict)
    inner: list[tuple[str, int]] = field(default_factory=list)  # (text, line) of each hint, or of the rubric


Item = Prose | Code | Directive


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

    def directives(self, kind: str) -> list[Directive]:
        """Return the directives of one kind, in order."""
        return [item for item in self.items if isinstance(item, Directive) and item.kind == kind]


def module_name(lesson: str) -> str:
    """Return the module that belongs to a lesson's folder: "matmul" for "01_matmul"."""
    return lesson.partition("_")[2]


def read_lesson(path: Path, exercises: Mapping[str, Exercise], root: Path) -> Lesson:
    """Return the lesson that a text holds. Raises LessonError with all mistakes found in it.

    `exercises` are those of the lesson's checks; paths in errors are relative to `root`.
    """
    shown = path.relative_to(root).as_posix()
    text = path.read_text(encoding="utf-8")
    mistakes: list[tuple[int, str]] = []
    try:
        notebook = myst_to_notebook(text, code_directive="{code-cell}", add_source_map=True)
    except MystMetadataParsingError as error:
        raise LessonError(f"{shown}:1: {error}") from error
    if "kernelspec" not in notebook.metadata:
        mistakes.append(
            (1, "the front matter with jupytext's kernelspec is missing; copy it from another lesson")
        )
    items: list[Item] = []
    for cell, start in zip(notebook.cells, notebook.metadata.source_map, strict=True):
        if cell.cell_type == "code":
            items.append(Code(cell.source, list(cell.metadata.get("tags", [])), start))
        else:
            items += _markdown_items(text.splitlines(), start, cell.source, mistakes)
    _check_headings(items, mistakes)
    _check_fences(text, mistakes)
    _check_images(items, mistakes)
    _check_code(items, mistakes)
    _check_directives(items, exercises, mistakes)
    if mistakes:
        raise LessonError(
            "\n".join(f"{shown}:{line}: {sentence}" for line, sentence in sorted(set(mistakes)))
        )
    title = next(
        line
        for item in items
        if isinstance(item, Prose)
        for line in item.text.splitlines()
        if line.startswith("# ")
    )
    return Lesson(path.stem, title.removeprefix("# "), items)


def _parse(text: str) -> list[Token]:
    return (
        MarkdownIt("commonmark").enable("table").use(colon_fence_plugin).disable("inline", True).parse(text)
    )


def _markdown_items(
    lines: list[str], start: int, source: str, mistakes: list[tuple[int, str]]
) -> Iterator[Item]:
    """Yield the prose and the directives of one Markdown cell that begins at line index `start` or below."""
    while start < len(lines) and not lines[start].strip():
        start += 1
    own = source.splitlines()
    done = 0
    for token in _parse(source):
        if token.type != "colon_fence" or token.level or token.map is None:
            continue
        begin, end = token.map
        if prose := _strip(own[done:begin]):
            yield Prose(prose, start + done + 1)
        if directive := _directive(token, start + begin + 1, mistakes):
            yield directive
        done = end
    if prose := _strip(own[done:]):
        yield Prose(prose, start + done + 1)


def _strip(lines: list[str]) -> str:
    return "\n".join(lines).strip("\n")


def _directive(token: Token, line: int, mistakes: list[tuple[int, str]]) -> Directive | None:
    match = re.fullmatch(r"\{(\w+)\}\s*(\w*)", token.info.strip())
    if not match or match[1] not in OUTER:
        near = difflib.get_close_matches(token.info, OUTER, n=1)
        mistakes.append(
            (
                line,
                f"unknown directive {token.info.strip()!r}; expected one of {', '.join(OUTER)}"
                + (f" (did you mean {near[0]!r}?)" if near else ""),
            )
        )
        return None
    kind, name = match[1], match[2]
    if not name:
        mistakes.append((line, f"the {kind} has no name"))
    content = token.content.splitlines()
    options: dict[str, str] = {}
    taken = 0
    while taken < len(content) and (option := re.fullmatch(r":(\w+):\s*(.*)", content[taken])):
        if option[1] not in OPTIONS.get(kind, set()):
            mistakes.append((line + 1 + taken, f"unknown option {option[1]!r} of a {kind}"))
        options[option[1]] = option[2].strip()
        taken += 1
    body = content[taken:]
    inner: list[tuple[str, int]] = []
    prose: list[str] = []
    done = 0
    for part in _parse("\n".join(body)):
        if part.type == "fence" and part.info.startswith("{code-cell}") and part.map:
            mistakes.append(
                (
                    line + 1 + taken + part.map[0],
                    f"a code cell inside the {kind} {name!r}; put it before or after",
                )
            )
        if part.type != "colon_fence" or part.level or part.map is None:
            continue
        begin, end = part.map
        at = line + 1 + taken + begin
        prose += body[done:begin]
        done = end
        if part.info.strip() != f"{{{INNER.get(kind)}}}":
            mistakes.append((at, f"unknown directive {part.info.strip()!r} inside the {kind} {name!r}"))
        else:
            inner.append((part.content.strip(), at))
    prose += body[done:]
    return Directive(kind, name, _strip(prose), line, options, inner)


def _check_headings(items: list[Item], mistakes: list[tuple[int, str]]) -> None:
    level = 0
    first = 0
    for item in items:
        if not isinstance(item, Prose):
            continue
        for token in _parse(item.text):
            if token.type != "heading_open" or token.map is None:
                continue
            line, depth = item.line + token.map[0], int(token.tag[1])
            if depth == 1:
                first += 1
                if first > 1:
                    mistakes.append((line, "a second heading of level 1; a lesson has one"))
            if depth > level + 1:
                mistakes.append(
                    (line, f"a heading of level {depth} after one of level {level}: a level is skipped")
                )
            level = depth
    if first == 0:
        mistakes.append((1, "the lesson has no heading of level 1"))


def _check_fences(text: str, mistakes: list[tuple[int, str]]) -> None:
    """Find fences that are never closed: markdown ends them silently at the end of the file."""
    opened: list[tuple[str, int]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not (match := re.match(r"(`{3,}|:{3,})(.*)", line)):
            continue
        fence, rest = match[1], match[2].strip()
        if opened and opened[-1][0].startswith("`"):  # inside code nothing else opens
            if fence == opened[-1][0] and not rest:
                opened.pop()
        elif rest:
            opened.append((fence, number))
        elif opened and fence == opened[-1][0]:
            opened.pop()
        else:
            mistakes.append(
                (
                    number,
                    f"{fence!r} closes nothing: the fence that is open has another length, or none is open",
                )
            )
    mistakes += [(number, f"the fence {fence!r} that opens here is never closed") for fence, number in opened]


def _words(items: list[Item]) -> Iterator[tuple[str, int]]:
    """Yield all Markdown of the lesson, with the line at which each piece begins."""
    for item in items:
        if not isinstance(item, Code):
            yield item.text, item.line
        if isinstance(item, Directive):
            yield from item.inner


def _check_images(items: list[Item], mistakes: list[tuple[int, str]]) -> None:
    seen: set[str] = set()
    for text, line in _words(items):
        for offset, row in enumerate(text.splitlines()):
            alts = re.findall(r"!\[([^\]]*)\]", row)
            for tag in re.findall(r"<img\b[^>]*>", row):
                found = re.search(r"""alt\s*=\s*["']([^"']*)["']""", tag)
                alts.append(found[1] if found else "")
            for alt in alts:
                if not alt.strip():
                    mistakes.append(
                        (
                            line + offset,
                            "an image without alt text: say what is in it for somebody who cannot see it",
                        )
                    )
                elif re.fullmatch(r"[\w./-]+\.(png|jpe?g|svg|gif)", alt.strip()):
                    mistakes.append(
                        (line + offset, f"the alt text {alt!r} is a file name: say what is in the image")
                    )
                elif alt in seen:
                    mistakes.append((line + offset, f"the alt text {alt!r} stands at two images"))
                seen.add(alt)


def _check_code(items: list[Item], mistakes: list[tuple[int, str]]) -> None:
    for item in items:
        if not isinstance(item, Code):
            continue
        try:
            tree = ast.parse(item.source)
        except SyntaxError as error:
            mistakes.append((item.line + (error.lineno or 1), f"this code cell is not Python: {error.msg}"))
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id in ("plt", "pyplot"):
                at = item.line + node.lineno
                mistakes.append(
                    (
                        at,
                        "a picture made with pyplot: draw it in handmade.figures, which asks for alt text and a caption",
                    )
                )


def _check_directives(
    items: list[Item], exercises: Mapping[str, Exercise], mistakes: list[tuple[int, str]]
) -> None:
    seen: dict[str, int] = {}
    used: set[str] = set()
    for item in items:
        if not isinstance(item, Directive):
            continue
        if item.name in seen:
            mistakes.append((item.line, f"the name {item.name!r} stands at line {seen[item.name]} already"))
        seen.setdefault(item.name, item.line)
        if not item.text.strip():
            mistakes.append((item.line, f"the {item.kind} {item.name!r} has no words"))
        if item.kind == "exercise":
            used.add(item.name)
            _check_exercise(item, exercises, mistakes)
        elif item.kind == "question":
            points = item.options.get("points", "")
            if not points.isdecimal() or int(points) < 1:
                mistakes.append(
                    (
                        item.line,
                        f"the question {item.name!r} needs points: a line such as `:points: 2` under its name",
                    )
                )
            if len(item.inner) != 1:
                mistakes.append(
                    (item.line, f"the question {item.name!r} needs one rubric, and has {len(item.inner)}")
                )
    for name in exercises:
        if name not in used:
            mistakes.append((1, f"the exercise {name!r} has a check and does not appear in the text"))


def _check_exercise(
    item: Directive, exercises: Mapping[str, Exercise], mistakes: list[tuple[int, str]]
) -> None:
    exercise = exercises.get(item.name)
    if exercise is None:
        near = difflib.get_close_matches(item.name, exercises, n=1)
        mistakes.append(
            (
                item.line,
                f"unknown exercise {item.name!r}: no check has this name"
                + (f" (did you mean {near[0]!r}?)" if near else ""),
            )
        )
        return
    if exercise.points < 1:
        mistakes.append(
            (item.line, f"the exercise {item.name!r} has no points: its check must give at least 1")
        )
    if len(item.inner) != N_HINTS:
        mistakes.append(
            (item.line, f"the exercise {item.name!r} needs {N_HINTS} hints, and has {len(item.inner)}")
        )
    try:
        answer = answer_lines(exercise)
    except LookupError as error:
        mistakes.append((item.line, str(error)))
        return
    for hint, line in item.inner:
        squeezed = re.sub(r"\s+", "", hint)
        for code in answer:
            if code in squeezed:
                mistakes.append((line, f"this hint contains a line of the answer of {item.name!r}: {code}"))
