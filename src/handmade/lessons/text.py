"""Read a lesson's text: its cells, its directives, and every mistake in it, with the line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from jupytext.myst import MystMetadataParsingError, myst_to_notebook
from markdown_it import MarkdownIt
from mdit_py_plugins.colon_fence import colon_fence_plugin
from nbformat import NotebookNode, ValidationError

from handmade.checks.exercise import Exercise
from handmade.lessons import mistakes
from handmade.lessons.lesson import Break, Code, Directive, Item, Lesson, LessonError, Prose, module_name
from handmade.lessons.mistakes import Mistake


def read_lesson(path: Path, exercises: Mapping[str, Exercise], root: Path) -> Lesson:
    """Return the lesson that a text holds. Raises LessonError with all mistakes found in it.

    `exercises` are those of the lesson's checks; paths in errors are relative to `root`. Where fences are not
    in order only they are reported: what they should hold cannot be told.
    """
    shown = path.relative_to(root).as_posix()
    try:
        text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise LessonError(f"{shown}:{line}: this is not UTF-8; save the file in that encoding") from error
    found = sorted({*mistakes.in_fences(text)})
    items: list[Item] = []
    title = ""
    if not found:
        try:
            notebook = myst_to_notebook(text, code_directive="{code-cell}", add_source_map=True)
        except MystMetadataParsingError as error:
            reason = " ".join(line for line in str(error).splitlines() if not line.startswith(" "))
            raise LessonError(f"{shown}:{_line_in(error)}: {reason}") from error
        except ValidationError as error:  # only options come from the text unread
            line = next(
                (n for n, row in enumerate(text.splitlines(), 1) if re.match(r":?tags:\s*[^\s\[]", row)), 1
            )
            raise LessonError(f"{shown}:{line}: tags are a list of words, such as [hide-input]") from error
        if "kernelspec" not in notebook.metadata:
            found.append(
                (1, "the front matter with jupytext's kernelspec is missing; copy it from another lesson")
            )
        items = list(_items(notebook, text.splitlines(), found))
        title, of_headings = mistakes.in_headings(items)
        found += of_headings
        found += mistakes.in_images(items)
        found += mistakes.in_code(items)
        found += mistakes.in_directives(items, exercises, module_name(path.stem))
    if found:
        raise LessonError("\n".join(f"{shown}:{line}: {sentence}" for line, sentence in sorted({*found})))
    return Lesson(path.stem, title, items)


def _line_in(error: MystMetadataParsingError) -> int:
    """Return the line of the file that jupytext complains about: of a cell, or inside the front matter's YAML."""
    if cell := re.search(r"at line (\d+)", str(error)):
        return int(cell[1])
    yaml = re.findall(r"\bline (\d+)", str(error))
    return int(yaml[0]) + 1 if yaml else 1  # the YAML begins in the file's second line


def _items(notebook: NotebookNode, lines: list[str], found: list[Mistake]) -> Iterator[Item]:
    """Yield the items of all cells; what is wrong with them goes into `found`."""
    before = ""
    for cell, start in zip(notebook.cells, notebook.metadata.source_map, strict=True):
        if cell.cell_type == "code":
            yield _code(cell, lines, start, found)
        elif cell.cell_type == "raw":
            found.append((start, "a raw cell; lessons have Markdown and code cells only"))
        else:
            if cell.metadata:
                found.append((start, "`+++` takes no metadata here; graded cells are made by the build"))
            if before == "markdown":
                yield Break(start)
            while not lines[start]:  # jupytext has dropped these
                start += 1
            yield from _markdown(cell.source, start + 1, found)
        before = cell.cell_type


def _code(cell: NotebookNode, lines: list[str], start: int, found: list[Mistake]) -> Code:
    """Return a code cell; `start` is the index of the line below its fence, where options may stand."""
    for option in sorted(set(cell.metadata) - {"tags"}):
        found.append((start, f"unknown option {option!r} of a code cell; it may have tags"))
    first = start
    if lines[first].startswith("---"):
        first = next((i for i in range(first + 1, len(lines)) if lines[i].startswith("---")), first) + 1
    while lines[first].lstrip().startswith(":"):
        first += 1
    return Code(cell.source, list(cell.metadata.get("tags", [])), first + (not lines[first].strip()) + 1)


def _colon_fences(text: str) -> Iterator[tuple[str, str, int, int]]:
    """Yield what is written behind each colon fence, its content, and the indexes of its first line and past its last."""
    parser = MarkdownIt("commonmark").enable("table").use(colon_fence_plugin).disable("inline", True)
    for token in parser.parse(text):
        if token.type == "colon_fence" and not token.level and token.map is not None:
            begin, end = token.map
            yield token.info.strip(), token.content, begin, end


def _prose(lines: list[str], line: int) -> Iterator[Prose]:
    """Yield these lines, of which the first stands at `line`, without blank ones at both ends; nothing if all are blank."""
    filled = [i for i, text in enumerate(lines) if text.strip()]
    if filled:
        yield Prose("\n".join(lines[filled[0] : filled[-1] + 1]), line + filled[0])


def _markdown(source: str, line: int, found: list[Mistake]) -> Iterator[Item]:
    """Yield the prose and the directives of one Markdown cell that begins at `line`."""
    own = source.splitlines()
    done = 0
    for info, content, begin, end in _colon_fences(source):
        yield from _prose(own[done:begin], line + done)
        kind, name = _kind_and_name(info)
        if kind in mistakes.OUTER:
            yield _directive(kind, name, content, line + begin, found)
        else:
            found.append((line + begin, mistakes.unknown_directive(info, mistakes.OUTER)))
        done = end
    yield from _prose(own[done:], line + done)


def _kind_and_name(info: str) -> tuple[str, str]:
    match = re.fullmatch(r"\{([\w-]+)\}\s*(.*)", info)
    return (match[1], match[2].strip()) if match else ("", "")


def _directive(kind: str, name: str, content: str, line: int, found: list[Mistake]) -> Directive:
    """Return a directive whose fence stands at `line`, with the directives inside it."""
    lines = content.splitlines()
    directive = Directive(kind, name, line)
    taken = 0
    while taken < len(lines) and (option := re.fullmatch(r":(\w+):\s*(.*)", lines[taken])):
        directive.options[option[1]] = option[2].strip()
        taken += 1
        if option[1] not in mistakes.OPTIONS.get(kind, ()):
            found.append((line + taken, f"unknown option {option[1]!r} of a {kind}"))
    body = lines[taken:]
    first = line + 1 + taken
    done = 0
    for info, inside, begin, end in _colon_fences("\n".join(body)):
        directive.pieces += _prose(body[done:begin], first + done)
        if info == f"{{{mistakes.INNER.get(kind)}}}":
            directive.inner.append(_directive(info.strip("{}"), "", inside, first + begin, found))
        else:
            found.append((first + begin, f"unknown directive {info!r} inside the {kind} {name!r}"))
        done = end
    directive.pieces += _prose(body[done:], first + done)
    return directive
