"""Make a submitted notebook gradable: read what can be read, and put back what must be there.

Everything that a learner wrote stays: their solutions where nbgrader looks for them, their own cells where they
stood. What the instructor handed out (set-up, checks, questions) is put back as it was.
"""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

NOTE_ID = "grading-note"


class Unreadable(ValueError):
    """The file is no notebook; the text says what it is, in a sentence that a student can act on."""


def read(content: bytes) -> NotebookNode:
    """Return the notebook that a file holds, whatever its format version. Raises Unreadable for anything else."""
    kinds = {b"%PDF": "a PDF", b"PK\x03\x04": "a zip archive or an office document", b"\x89PNG": "a picture"}
    for start, kind in kinds.items():
        if content.startswith(start):
            raise Unreadable(f"This file is {kind}, not a notebook. Hand in the .ipynb file itself.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(
            f"This file is not text in UTF-8 (byte {error.start}). Save the notebook again and hand in that file."
        ) from error
    if not text.strip():
        raise Unreadable("This file is empty. Hand in the notebook again, after saving it.")
    if text.lstrip()[:1] == "<":
        raise Unreadable(
            "This file is a web page, not a notebook. Download the .ipynb file itself and hand that in."
        )
    try:
        data = json.loads(text)
    except ValueError as error:
        where = (
            f"line {error.lineno}, column {error.colno}"
            if isinstance(error, json.JSONDecodeError)
            else "somewhere"
        )
        raise Unreadable(
            f"This file is a damaged notebook: it is not valid JSON at {where}. Open it in JupyterLab, save it, and hand it in again."
        ) from error
    if not isinstance(data, dict) or not isinstance(data.get("cells", data.get("worksheets")), list):
        raise Unreadable(
            "This file is JSON but no notebook: it has no cells. Hand in the .ipynb file that you worked in."
        )
    try:
        notebook = (
            nbformat.from_dict(data) if data.get("nbformat") == 4 else nbformat.reads(text, as_version=4)
        )
        for cell in notebook.cells:
            _make_plain(cell)
    except Exception as error:
        raise Unreadable(
            f"This file is a damaged notebook ({type(error).__name__}: {error}). Open it in JupyterLab, save it, and hand it in again."
        ) from error
    return notebook


def _make_plain(cell: NotebookNode) -> None:
    """Give a cell the fields that every cell needs, and text for its source. Raises where it is no cell at all."""
    if cell.get("cell_type") not in ("code", "markdown", "raw"):
        raise ValueError(f"a cell of type {cell.get('cell_type')!r}")
    if isinstance(cell.get("source", ""), list):
        cell["source"] = "".join(str(line) for line in cell["source"])
    cell["source"] = str(cell.get("source", ""))
    if not isinstance(cell.get("metadata"), dict):
        cell["metadata"] = NotebookNode()


def blank(release: NotebookNode, reason: str) -> NotebookNode:
    """Return the notebook as it was handed out, with the reason on top: what is graded where nothing could be read."""
    notebook = copy.deepcopy(release)
    notebook.cells.insert(0, _note(["It gets 0 points for now.", reason]))
    return notebook


def _note(sentences: list[str]) -> NotebookNode:
    lines = "\n".join(f"- {sentence}" for sentence in sentences)
    note = new_markdown_cell(f"**A note from grading.** The submitted file needed attention:\n\n{lines}")
    note["id"] = NOTE_ID
    return note


def repair(submitted: NotebookNode, release: NotebookNode) -> tuple[NotebookNode, list[str]]:
    """Return a notebook with all graded cells of the release and all that the learner wrote, and what was repaired.

    The list holds a sentence for each repair; where it is empty, the submission can be graded as it is.
    """
    wanted = {_grade_id(cell): cell for cell in release.cells if _grade_id(cell)}
    cells = [copy.deepcopy(cell) for cell in submitted.cells if cell.get("id") != NOTE_ID]
    repairs: list[str] = []
    _fix_line_ends(cells, repairs)
    identity = [_identify(cell, wanted, release) for cell in cells]
    chosen = {
        name: _choose([c for c, i in zip(cells, identity, strict=True) if i == name], wanted[name])
        for name in wanted
    }
    kept: list[NotebookNode] = []
    for cell, name in zip(cells, identity, strict=True):
        if name is None:
            kept.append(_plain(cell, repairs))
        elif cell is chosen[name]:
            kept.append(_restored(cell, wanted[name], repairs))
        elif _is_solution(wanted[name]) and cell.source.strip() != wanted[name].source.strip():
            repairs.append(
                f"A second cell for {name} was kept as an ordinary cell; the last one that was changed counts."
            )
            kept.append(_plain(cell, []))
        else:
            repairs.append(f"A copy of the cell {name} was removed.")
    _put_back(kept, wanted, repairs)
    _put_in_order(kept, wanted, repairs)
    notebook = copy.deepcopy(release)
    notebook.cells = kept
    _give_ids(notebook.cells)
    if repairs:
        repairs = list(dict.fromkeys(repairs))
        notebook.cells.insert(0, _note(repairs))
    return notebook, repairs


def _grade_id(cell: NotebookNode) -> str | None:
    nbgrader = cell.metadata.get("nbgrader")
    grade_id = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    return grade_id if isinstance(grade_id, str) else None


def _is_solution(cell: NotebookNode) -> bool:
    return bool(cell.metadata.nbgrader.get("solution"))


def _fix_line_ends(cells: list[NotebookNode], repairs: list[str]) -> None:
    for cell in cells:
        if "\r" in cell.source:
            cell["source"] = cell.source.replace("\r\n", "\n").replace("\r", "\n")
            repairs.append("Windows line ends were changed to plain ones.")


def _identify(cell: NotebookNode, wanted: dict[str, NotebookNode], release: NotebookNode) -> str | None:
    """Return which cell of the release this is: by nbgrader's mark, else by its id, else by what it defines or says."""
    if (name := _grade_id(cell)) in wanted:
        return name
    by_id = {c.id: _grade_id(c) for c in release.cells if _grade_id(c)}
    if (name := by_id.get(cell.get("id"))) is not None:
        return name
    for name, original in wanted.items():
        if _is_solution(original):
            if cell.cell_type == "code" and re.search(
                rf"^(def|class) {re.escape(name)}\b", cell.source, re.MULTILINE
            ):
                return name
        elif cell.source.strip() == original.source.strip():
            return name
    return None


def _choose(found: list[NotebookNode], original: NotebookNode) -> NotebookNode | None:
    """Return the cell that counts: of solutions the last one that was changed, of others the first."""
    if not found:
        return None
    changed = [cell for cell in found if cell.source.strip() != original.source.strip()]
    return (changed or found)[-1] if _is_solution(original) else found[0]


def _plain(cell: NotebookNode, repairs: list[str]) -> NotebookNode:
    """Return a cell of the learner's own, without any mark of nbgrader's."""
    if "nbgrader" in cell.metadata:
        if cell.metadata["nbgrader"] and (
            cell.metadata["nbgrader"].get("grade") or cell.metadata["nbgrader"].get("task")
        ):
            repairs.append("A graded cell that was not handed out counts as an ordinary cell.")
        del cell.metadata["nbgrader"]
    if cell.cell_type == "code":
        cell.setdefault("outputs", [])
        cell.setdefault("execution_count", None)
    return cell


def _restored(cell: NotebookNode, original: NotebookNode, repairs: list[str]) -> NotebookNode:
    """Return the cell as handed out, with the learner's text where it is a solution."""
    name = _grade_id(original)
    whole = copy.deepcopy(original)
    if cell.cell_type != original.cell_type:
        repairs.append(
            f"The cell {name} was changed from {original.cell_type} to {cell.cell_type}, and changed back."
        )
    if _is_solution(original):
        whole.source = cell.source
    elif cell.source.strip() != original.source.strip():
        repairs.append(f"The text of the cell {name} was changed, and put back.")
    nbgrader = cell.metadata.get("nbgrader")
    mark = {
        k: v
        for k, v in (nbgrader if isinstance(nbgrader, dict) else {}).items()
        if k not in ("checksum", "cell_type")
    }
    if mark != original.metadata.nbgrader:
        repairs.append(
            f"The marking of the cell {name} was {'changed' if mark else 'missing'}, and put back."
        )
    return whole


def _put_back(kept: list[NotebookNode], wanted: dict[str, NotebookNode], repairs: list[str]) -> None:
    """Insert each missing cell behind the one that came before it in the release."""
    before: str | None = None
    for name, original in wanted.items():
        here = [_grade_id(cell) for cell in kept]
        if name not in here:
            at = here.index(before) + 1 if before is not None else 0
            kept.insert(at, copy.deepcopy(original))
            repairs.append(
                f"The cell {name} was missing, and put back{' as it was handed out' if _is_solution(original) else ''}."
            )
        before = name


def _put_in_order(kept: list[NotebookNode], wanted: dict[str, NotebookNode], repairs: list[str]) -> None:
    """Where cells of the release stand in another order, move those that are not the learner's behind their predecessors."""
    order = [name for name in (_grade_id(cell) for cell in kept) if name]
    if order == list(wanted):
        return
    repairs.append("Cells stood in another order; the checks were moved behind what they check.")
    marked = {_grade_id(cell): cell for cell in kept if _grade_id(cell)}
    for cell in marked.values():
        kept[:] = [other for other in kept if other is not cell]
    rest, placed = list(kept), []
    for name in wanted:
        placed.append(marked[name])
    # The learner's own cells run first, behind the set-up cell: a helper function must exist before it is called.
    head = 1 if placed and not placed[0].metadata.nbgrader.grade and not _is_solution(placed[0]) else 0
    kept[:] = [*placed[:head], *rest, *placed[head:]]


def _give_ids(cells: list[NotebookNode]) -> None:
    """Give cells without a usable id one from their place; make repeated ids differ."""
    seen: set[str] = set()
    for number, cell in enumerate(cells):
        wanted: Any = cell.get("id")
        if not isinstance(wanted, str) or not re.fullmatch(r"[a-zA-Z0-9-_]{1,64}", wanted) or wanted in seen:
            cell["id"] = f"own-{number}"
        seen.add(cell["id"])
