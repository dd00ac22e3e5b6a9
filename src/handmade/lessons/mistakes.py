"""The mistakes that an author can make in a lesson's text, each as its line and a sentence."""

from __future__ import annotations

import ast
import difflib
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

from handmade.checks.exercise import Exercise
from handmade.lessons.lesson import Code, Directive, Item, Prose
from handmade.lessons.source import answer_lines, given_source

Mistake = tuple[int, str]
N_HINTS = 3
OUTER = ("exercise", "question", "predict", "given")
INNER = {"exercise": "hint", "question": "rubric"}  # what may stand inside a directive
OPTIONS = {"question": ("points",)}
ANY = ":"  # stands for a fence of a wrong length, reported already: whatever fits no other fence closes it
NAME = "[A-Za-z][A-Za-z0-9_]{0,49}"  # it becomes a grade id and a cell id, and those take no more


@dataclass
class _Fence:
    """A fence that is open: its characters, the {word} behind them, and its line."""

    marks: str
    word: str
    line: int

    @property
    def holds_code(self) -> bool:
        return self.marks[0] in "`~"

    def never_closed(self, next_line: int | None = None) -> Mistake:
        another = f": another opens at line {next_line}" if next_line else ""
        return self.line, f"the fence {self.marks!r} that opens here is never closed{another}"


def in_fences(text: str) -> Iterator[Mistake]:
    """Find fences that are not closed, close nothing, or hold what they must not: Markdown puts up with all of that."""
    opened: list[_Fence] = []
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r"(`{3,}|~{3,}|:{3,})[ \t]*(\{[\w-]+\})?(.*)", line)
        if not match or (match[1][0] == "`" and "`" in match[3]):
            yield from _in_line_without_fence(line, number, opened[-1] if opened else None)
            continue
        fence = _Fence(match[1], match[2] or "", number)
        opens = bool(match[2] or match[3].strip()) or (
            fence.holds_code and not (opened and opened[-1].holds_code)
        )
        if opens:
            yield from _open(fence, opened)
        else:
            yield from _close(fence, opened)
    for fence in opened:
        if fence.marks != ANY:
            yield fence.never_closed()


def _in_line_without_fence(line: str, number: int, inside: _Fence | None) -> Iterator[Mistake]:
    if inside and inside.holds_code:
        return
    if re.match(r"[ \t>*+.\d-]+(`{3,}|~{3,}|:{3,})[ \t]*\{", line):
        yield number, "a code cell or a directive begins in the first column, in no list or quotation"
    if inside and re.match(r"\+\+\+\s*($|\{)", line):
        yield number, f"`+++` inside the directive of line {inside.line}, which has to be one cell"


def _open(fence: _Fence, opened: list[_Fence]) -> Iterator[Mistake]:
    """Open a fence, and say what is wrong with one that is open still."""
    if opened and opened[-1].holds_code:
        if not fence.word or len(fence.marks) < len(opened[-1].marks):
            return  # it is part of the code
        yield opened.pop().never_closed(fence.line)
    outermost = fence.word.strip("{}") in OUTER
    while opened and not fence.holds_code and (outermost or fence.word == opened[-1].word):
        unclosed = opened.pop()
        if unclosed.marks != ANY:
            yield unclosed.never_closed(fence.line)
    if fence.holds_code and fence.word not in ("", "{code-cell}", "{raw-cell}"):
        yield (
            fence.line,
            f"{fence.word} in a fence of code, which readers would see as code; write it with colons",
        )
    if opened and fence.holds_code and fence.word:
        yield (
            fence.line,
            f"a code cell inside the directive of line {opened[-1].line}; put it before or after",
        )
    if (
        opened
        and not fence.holds_code
        and len(fence.marks) >= len(opened[-1].marks)
        and opened[-1].marks != ANY
    ):
        line = opened[-1].line
        yield line, f"write this fence with more colons than the one inside it, at line {fence.line}"
        opened[-1].marks = ANY
    opened.append(fence)


def _close(fence: _Fence, opened: list[_Fence]) -> Iterator[Mistake]:
    """Close the fence of the same characters, and say which ones inside it are open still."""
    if opened and opened[-1].holds_code:
        if fence.marks.startswith(opened[-1].marks):
            opened.pop()
    elif fence.marks in [outer.marks for outer in opened]:
        while opened[-1].marks != fence.marks:
            inner = opened.pop()
            if inner.marks != ANY:
                yield inner.never_closed()
        opened.pop()
    elif opened and opened[-1].marks == ANY:
        opened.pop()
    else:
        yield (
            fence.line,
            f"{fence.marks!r} closes nothing: the open fence has another length, or none is open",
        )


def unknown_directive(info: str, known: Sequence[str]) -> str:
    """Return the sentence about a directive that there is not."""
    word = info.strip("{").partition("}")[0]
    near = difflib.get_close_matches(word, known, n=1)
    asked = f" (did you mean {near[0]!r}?)" if near else ""
    return f"unknown directive {info!r}; expected one of {', '.join(known)}{asked}"


def in_headings(items: Sequence[Item]) -> tuple[str, list[Mistake]]:
    """Return the lesson's title, and what is wrong with its headings."""
    found: list[Mistake] = []
    title, level = "", 0
    for item in items:
        for prose in _all_prose(item):
            for line, depth, words in _headings(prose):
                if isinstance(item, Directive):
                    found.append((line, f"a heading inside the {item.kind} {item.name!r}; put it before"))
                    continue
                if depth == 1 and title:
                    found.append((line, "a second heading of level 1; a lesson has one"))
                if depth > level + 1:
                    found.append((line, f"a heading of level {depth} after one of level {level}: a level is skipped"))  # fmt: skip
                title = title or (words if depth == 1 else "")
                level = depth
    if not title:
        found.append((1, "the lesson has no heading of level 1"))
    elif not isinstance(items[0], Prose) or not items[0].text.startswith("# "):
        found.append((items[0].line, "the text begins with its heading of level 1, written `# …`"))
    return title, found


def _headings(prose: Prose) -> Iterator[tuple[int, int, str]]:
    """Yield the line, the level and the words of each heading."""
    tokens = MarkdownIt("commonmark").enable("table").disable("inline", True).parse(prose.text)
    for token, inline in pairwise(tokens):
        if token.type == "heading_open" and token.map is not None:
            yield prose.line + token.map[0], int(token.tag[1]), inline.content


def _all_prose(item: Item) -> Iterator[Prose]:
    """Yield all Markdown of an item, that of hints and rubrics too."""
    if isinstance(item, Prose):
        yield item
    elif isinstance(item, Directive):
        yield from item.pieces
        for inner in item.inner:
            yield from _all_prose(inner)


def in_images(items: Iterable[Item]) -> Iterator[Mistake]:
    """Find images without words for those who cannot see them, or with words that say nothing."""
    seen: dict[str, int] = {}
    for line, alt in (image for item in items for prose in _all_prose(item) for image in _images(prose)):
        alt = alt.strip()
        if not alt:
            yield line, "an image without alt text: say what is in it for somebody who cannot see it"
        elif re.fullmatch(r"\S+\.(png|jpe?g|svg|gif|webp)|\S*/\S*", alt, re.IGNORECASE):
            yield line, f"the alt text {alt!r} is a file name: say what is in the image"
        elif alt in seen:
            yield line, f"the alt text {alt!r} stands at two images; the first is in line {seen[alt]}"
        seen.setdefault(alt, line)


def _images(prose: Prose) -> Iterator[tuple[int, str]]:
    """Yield the line and the alt text of each image, in Markdown or HTML; none that is only quoted as code."""
    for block in MarkdownIt("commonmark").enable("table").parse(prose.text):
        line = prose.line + (block.map[0] if block.map else 0)
        pieces: list[Token] = [block] if block.type == "html_block" else block.children or []
        for token in pieces:
            if token.type == "image":
                yield line, token.content
            elif token.type in ("html_block", "html_inline"):
                for offset, alt in _html_images(token.content):
                    yield line + offset, alt
            line += token.content.count("\n") + (token.type in ("softbreak", "hardbreak"))


def _html_images(html: str) -> list[tuple[int, str]]:
    """Return (lines above it, alt text) for each <img>; the text is empty where there is none."""
    found: list[tuple[int, str]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag == "img":
                found.append((self.getpos()[0] - 1, dict(attrs).get("alt") or ""))

    Reader().feed(html)
    return found


def in_code(items: Iterable[Item]) -> Iterator[Mistake]:
    """Find code cells that are not Python, or draw without the course's figures."""
    for item in items:
        if not isinstance(item, Code):
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # such as an unknown escape: a learner would see it
                flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
                compile(item.source, "cell", "exec", flags=flags, dont_inherit=True)
        except SyntaxError as error:
            yield item.line + (error.lineno or 1) - 1, f"this code cell is not Python: {error.msg}"
            continue
        for node in ast.walk(ast.parse(item.source)):
            if _draws(node):
                yield (
                    item.line + getattr(node, "lineno", 1) - 1,
                    "a picture made with pyplot: draw it in handmade.figures, which asks for alt text and a caption",
                )


def _draws(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name.startswith("matplotlib") for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").startswith("matplotlib")
    return isinstance(node, ast.Name) and node.id in ("plt", "pyplot")


def in_directives(items: Iterable[Item], exercises: Mapping[str, Exercise], module: str) -> Iterator[Mistake]:
    """Find what is wrong with the names, the words, the points, the hints and the rubrics; `module` is the lesson's."""
    seen: dict[str, int] = {}
    used: set[str] = set()
    for item in items:
        if not isinstance(item, Directive):
            continue
        yield from _in_name(item, seen)
        seen.setdefault(item.name, item.line)
        if not item.text and item.kind != "given":
            yield item.line, f"the {item.kind} {item.name!r} has no words"
        for inner in item.inner:
            if not inner.text:
                yield inner.line, f"this {inner.kind} of {item.name!r} is empty"
        if item.kind == "exercise":
            used.add(item.name)
            yield from _in_exercise(item, exercises)
        elif item.kind == "question":
            yield from _in_question(item)
        elif item.kind == "given":
            try:
                given_source(module, item.name)
            except LookupError as error:
                yield item.line, str(error)
    for name in exercises:
        if name not in used:
            yield 1, f"the exercise {name!r} has a check and does not appear in the text"


def _in_name(item: Directive, seen: Mapping[str, int]) -> Iterator[Mistake]:
    if not item.name:
        yield item.line, f"the {item.kind} has no name"
    elif not re.fullmatch(NAME, item.name):
        yield (
            item.line,
            f"the name {item.name!r} is not one of letters, digits and _ (at most 50, a letter first)",
        )
    elif item.name == "setup" or item.name.startswith("check_"):
        yield item.line, f"the name {item.name!r} belongs to a cell that the build makes; choose another"
    elif item.name in seen:
        yield item.line, f"the name {item.name!r} stands at line {seen[item.name]} already"


def _in_question(item: Directive) -> Iterator[Mistake]:
    points = item.options.get("points", "")
    if not re.fullmatch("[1-9][0-9]*", points):
        yield (
            item.line,
            f"the question {item.name!r} needs points: a line such as `:points: 2` under its name",
        )
    if len(item.inner) != 1:
        yield item.line, f"the question {item.name!r} needs one rubric, and has {len(item.inner)}"


def _in_exercise(item: Directive, exercises: Mapping[str, Exercise]) -> Iterator[Mistake]:
    exercise = exercises.get(item.name)
    if exercise is None:
        near = difflib.get_close_matches(item.name, exercises, n=1)
        asked = f" (did you mean {near[0]!r}?)" if near else ""
        yield item.line, f"unknown exercise {item.name!r}: no check has this name{asked}"
        return
    if exercise.points < 1:
        yield item.line, f"the exercise {item.name!r} has no points: its check must give at least 1"
    if len(item.inner) != N_HINTS:
        yield item.line, f"the exercise {item.name!r} needs {N_HINTS} hints, and has {len(item.inner)}"
    try:
        answer = answer_lines(exercise)
    except LookupError as error:
        yield item.line, str(error)
        return
    for hint in item.inner:
        squeezed = re.sub(r"\s+", "", hint.text)
        for code in answer:
            if code in squeezed:
                yield hint.line, f"this hint contains a line of the answer of {item.name!r}: {code}"
