"""Repair a notebook that was handed in, from its lesson's release, so that nbgrader can grade it fairly.

What nbgrader needs (graded cells, locked cells, the marks in the metadata) comes from the release. What the learner
wrote stays: solutions in their places, helper functions and answers where they stand.
"""

from __future__ import annotations

import ast
import copy
import hashlib
import re
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode

from handmade.grading.reading import quoted


@dataclass(eq=False)
class Part:
    """A cell of the release that nbgrader knows by its grade_id, and where it stands there."""

    position: int
    cell: NotebookNode

    @property
    def grade_id(self) -> str:
        return self.cell.metadata.nbgrader.grade_id

    @property
    def is_written_by_learner(self) -> bool:
        return bool(self.cell.metadata.nbgrader.get("solution"))

    @property
    def is_graded_code(self) -> bool:
        return self.cell.cell_type == "code" and bool(self.cell.metadata.nbgrader.get("grade"))

    @property
    def is_set_up(self) -> bool:
        """Whether it is a locked code cell without points, on which what follows builds."""
        return self.cell.cell_type == "code" and not self.is_written_by_learner and not self.is_graded_code


@dataclass(eq=False)
class Placed:
    """A cell of the repaired notebook: the part that it is, if it is one, and its place in the release, if it has one."""

    cell: NotebookNode
    part: Part | None = None
    position: int | None = None


def sanitise(submitted: NotebookNode, release: NotebookNode) -> tuple[NotebookNode, list[str]]:
    """Return the notebook as it can be graded, and a sentence for each repair; no sentence means nothing to repair.

    Both notebooks are in format 4 and stay as they are. Every part of the release is there exactly once afterwards;
    every text that is the learner's own is still there too. Doing it again changes nothing.
    """
    repairs: list[str] = []
    cells = [copy.deepcopy(cell) for cell in submitted.cells]
    _mend_line_ends(cells, repairs)
    parts = _parts(release)
    claims = _claims(cells, parts)
    _report_foreign_marks(cells, claims, parts, repairs)
    placed = _place(cells, claims, release, repairs)
    _put_back_missing(placed, parts, repairs)
    _put_in_order(placed, parts, repairs)
    _give_ids(placed, parts, submitted, repairs)
    repaired = NotebookNode(
        nbformat=4,
        nbformat_minor=5,
        metadata=copy.deepcopy(release.metadata),
        cells=[p.cell for p in placed],
    )
    return repaired, repairs


def written(notebook: NotebookNode, release: NotebookNode) -> int:
    """Return for how many of the release's solution cells the notebook holds something else than the stub.

    -1 where no cell of the notebook belongs to the release at all.
    """
    cells = [copy.deepcopy(cell) for cell in notebook.cells]
    _mend_line_ends(cells, [])
    parts = _parts(release)
    claims = _claims(cells, parts)
    if not any(claims):
        return -1
    return len(
        {
            part.grade_id
            for cell, part in zip(cells, claims, strict=True)
            if part is not None and part.is_written_by_learner and not _same_text(cell, part.cell)
        }
    )


def _parts(release: NotebookNode) -> list[Part]:
    return [
        Part(i, cell)
        for i, cell in enumerate(release.cells)
        if cell.metadata.get("nbgrader", {}).get("grade_id")
    ]


def _mend_line_ends(cells: list[NotebookNode], repairs: list[str]) -> None:
    found = False
    for cell in cells:
        if "\r" in cell.source:
            found = True
            cell.source = cell.source.replace("\r\n", "\n").replace("\r", "\n")
    if found:
        repairs.append("Windows line ends inside cells were replaced.")


# ---------------------------------------------------------------- which cell is which part


def _claims(cells: list[NotebookNode], parts: list[Part]) -> list[Part | None]:
    """Return for each cell the part that it is (or a copy of), or None for a cell of the learner's own.

    By grade_id; the parts that no cell names so, by cell id, then by the same text, then by what they define.
    """
    claims: list[Part | None] = [None] * len(cells)

    def claim(part: Part, indices: list[int]) -> bool:
        for i in indices:
            claims[i] = part
        return bool(indices)

    def free() -> list[int]:
        return [i for i in range(len(cells)) if claims[i] is None]

    left = []
    for part in parts:
        named = [i for i in free() if _grade_id(cells[i]) == part.grade_id]
        if not claim(part, named):
            left.append(part)
    # A copy of a graded cell whose marks are gone is no second part: it keeps its text as the learner's own.
    for same in (_same_id, _same_type_and_text):
        left = [p for p in left if not claim(p, [i for i in free() if same(cells[i], p.cell)][:1])]
    for part in left:
        if part.is_written_by_learner and (names := _defines(part.cell)):
            claim(part, [i for i in free() if names & _defines(cells[i])])
    return claims


def _grade_id(cell: NotebookNode) -> Any:
    marks = cell.metadata.get("nbgrader")
    return marks.get("grade_id") if isinstance(marks, dict) else None


def _same_id(cell: NotebookNode, other: NotebookNode) -> bool:
    return bool(cell.get("id")) and cell.get("id") == other.get("id")


def _same_type_and_text(cell: NotebookNode, other: NotebookNode) -> bool:
    return cell.cell_type == other.cell_type and _same_text(cell, other)


def _same_text(cell: NotebookNode, other: NotebookNode) -> bool:
    """Return whether two cells hold the same text, up to space at the ends of lines and of the text."""
    one, two = (
        "\n".join(line.rstrip() for line in c.source.replace("\r\n", "\n").split("\n")).strip()
        for c in (cell, other)
    )
    return one == two


def _defines(cell: NotebookNode) -> set[str]:
    """Return the functions and classes that a code cell defines; where it is not Python, those that it seems to."""
    if cell.cell_type != "code":
        return set()
    try:
        tree = ast.parse(cell.source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set(re.findall(r"^(?:async\s+)?(?:def|class)\s+(\w+)", cell.source, re.MULTILINE))
    return {n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}


# ---------------------------------------------------------------- repairs, one after another


def _report_foreign_marks(
    cells: list[NotebookNode], claims: list[Part | None], parts: list[Part], repairs: list[str]
) -> None:
    """Say which cells carry marks that the lesson does not know, and which lost theirs. `_place` mends both."""
    foreign = [
        str(_grade_id(c) or "without a name")
        for c, p in zip(cells, claims, strict=True)
        if p is None and "nbgrader" in c.metadata
    ]
    if foreign:
        repairs.append(
            f"Cells were marked for grading that the lesson does not have ({_list(foreign)}); they are ordinary cells now."
        )
    lost = [
        p.grade_id for c, p in zip(cells, claims, strict=True) if p is not None and _grade_id(c) != p.grade_id
    ]
    if lost:
        repairs.append(
            f"The marks for grading were missing on {_count(lost, 'cell')} ({_list(lost)}); they were put back."
        )


def _place(
    cells: list[NotebookNode], claims: list[Part | None], release: NotebookNode, repairs: list[str]
) -> list[Placed]:
    """Return the cells in the learner's order, each part once and as the release has it."""
    chosen = {
        id(part): _choose(part, [i for i, c in enumerate(claims) if c is part], cells)
        for part in claims
        if part
    }
    places = {cell.get("id"): i for i, cell in enumerate(release.cells) if cell.get("id")}
    placed: list[Placed] = []
    duplicated: list[str] = []
    for i, (cell, part) in enumerate(zip(cells, claims, strict=True)):
        if part is None:
            placed.append(Placed(_own(cell), position=places.get(cell.get("id"))))
        elif i == chosen[id(part)]:
            placed += _restored(cell, part, repairs)
        else:
            duplicated.append(part.grade_id)
            if not _same_text(cell, part.cell) and not _same_text(cell, cells[chosen[id(part)]]):
                placed.append(Placed(_own(cell)))
    if duplicated:
        repairs.append(
            f"Cells were there more than once ({_list(duplicated)}); one was kept for grading, and other versions as ordinary cells."
        )
    return placed


def _choose(part: Part, indices: list[int], cells: list[NotebookNode]) -> int:
    """Return which of several copies is the part: of a solution the last that was written, else the first."""
    if not part.is_written_by_learner:
        return indices[0]
    changed = [i for i in indices if not _same_text(cells[i], part.cell)]
    defining = [i for i in changed if _defines(part.cell) & _defines(cells[i])]
    return (defining or changed or indices[:1])[-1]


def _restored(cell: NotebookNode, part: Part, repairs: list[str]) -> list[Placed]:
    """Return the part as the release has it, with the learner's solution in it, or their changed text beside it."""
    name = part.grade_id
    good = copy.deepcopy(part.cell)
    if _grade_id(cell) == name and _marks(cell) != _marks(good):
        repairs.append(f"The marks for grading of `{name}` had been changed; they were put back.")
    if cell.cell_type != good.cell_type:
        repairs.append(f"`{name}` had become a {_kind(cell)} cell; it was made a {_kind(good)} cell again.")
    own = Placed(good, part, part.position)
    if part.is_written_by_learner:
        good.source = cell.source
        if good.cell_type != "code" and "attachments" in cell:
            good["attachments"] = cell["attachments"]
        return [own]
    if _same_text(cell, good):
        return [own]
    kept = Placed(_own(cell, forget_id=True))
    if good.cell_type == "code":  # before it, so that what it needs is defined
        repairs.append(
            f"The text of the locked cell `{name}` had been changed; it was put back, and the changed text kept in the cell before it."
        )
        return [kept, own]
    repairs.append(
        f"The text of the locked cell `{name}` had been changed; it was put back, and the changed text kept in the cell after it."
    )
    return [own, kept]


def _marks(cell: NotebookNode) -> dict[str, Any]:
    """Return what matters of nbgrader's marks. The checksum and the type it saw are its own notes: course/ has none."""
    marks = dict(cell.metadata.nbgrader)
    if marks.get("cell_type") in ("code", "markdown", "raw"):
        del marks["cell_type"]
    marks.pop("checksum", None)
    return marks


def _own(cell: NotebookNode, forget_id: bool = False) -> NotebookNode:
    """Return a cell of the learner's own, without marks for grading."""
    cell = copy.deepcopy(cell)
    for key in (
        "nbgrader",
        "deletable",
        "editable",
    ):  # nbgrader takes an empty dict for marks of an old version
        cell.metadata.pop(key, None)
    if forget_id:
        cell.pop("id", None)
    return cell


def _put_back_missing(placed: list[Placed], parts: list[Part], repairs: list[str]) -> None:
    """Insert the parts that are not there, each after what stands before it in the release."""
    missing = [part for part in parts if not any(p.part is part for p in placed)]
    for part in missing:
        before = [i for i, p in enumerate(placed) if p.position is not None and p.position < part.position]
        nearest = max(before, key=lambda i: placed[i].position or 0, default=None)
        at = 0 if nearest is None else _after_own_cells(placed, nearest)
        placed.insert(at, Placed(copy.deepcopy(part.cell), part, part.position))
    if missing:
        names = [part.grade_id for part in missing]
        repairs.append(f"{_count(names, 'cell')} had been deleted ({_list(names)}); put back as handed out.")


def _after_own_cells(placed: list[Placed], index: int) -> int:
    """Return the place after a cell and after the learner's own cells that follow it: a solution may need them."""
    index += 1
    while index < len(placed) and placed[index].position is None:
        index += 1
    return index


def _put_in_order(placed: list[Placed], parts: list[Part], repairs: list[str]) -> None:
    """Move graded cells after the solutions that they need, and set-up cells before what builds on them.

    The learner's own cells and solutions are never moved.
    """
    moved = []
    for part in parts:
        here = next(i for i, p in enumerate(placed) if p.part is part)
        if part.is_graded_code:
            needed = [i for i, p in enumerate(placed) if _is_solution_before(p, part)]
            if needed and here < needed[-1]:
                at = _after_own_cells(placed, needed[-1])
                placed.insert(at, placed[here])
                del placed[here]
                moved.append(part.grade_id)
        elif part.is_set_up:
            later = [i for i, p in enumerate(placed) if _is_code_after(p, part)]
            if later and later[0] < here:
                placed.insert(later[0], placed.pop(here))
                moved.append(part.grade_id)
    if moved:
        repairs.append(
            f"{_count(moved, 'cell')} stood in an order that cannot work ({_list(moved)}); moved to where it can."
        )


def _is_solution_before(placed: Placed, part: Part) -> bool:
    other = placed.part
    return (
        other is not None
        and other.is_written_by_learner
        and other.cell.cell_type == "code"
        and other.position < part.position
    )


def _is_code_after(placed: Placed, part: Part) -> bool:
    other = placed.part
    return other is not None and other.cell.cell_type == "code" and other.position > part.position


def _give_ids(placed: list[Placed], parts: list[Part], submitted: NotebookNode, repairs: list[str]) -> None:
    """Give every cell an id of its own: parts have the release's, own cells keep theirs where they can."""
    taken = {part.cell.get("id") for part in parts}
    for i, p in enumerate(placed):
        if p.part is not None:
            continue
        name = p.cell.get("id")
        while not name or name in taken:
            name = hashlib.sha256(f"{i} {name} {p.cell.source}".encode()).hexdigest()[:12]
        p.cell["id"] = name
        taken.add(name)
    ids = [cell.get("id") for cell in submitted.cells]
    if submitted.get("nbformat_minor", 0) < 5 or not all(ids):
        repairs.append("Cell ids were missing; each cell has one again.")
    elif len(set(ids)) < len(ids):
        repairs.append("Several cells had the same id; each has its own again.")


# ---------------------------------------------------------------- words


def _kind(cell: NotebookNode) -> str:
    return {"code": "code", "markdown": "text"}.get(cell.cell_type, "raw")


def _count(names: list[str], noun: str) -> str:
    return f"{len(names)} {noun}{'' if len(names) == 1 else 's'}"


def _list(names: list[str], most: int = 4) -> str:
    unique = list(dict.fromkeys(names))
    more = f" and {len(unique) - most} more" if len(unique) > most else ""
    return ", ".join(quoted(name) for name in unique[:most]) + more
