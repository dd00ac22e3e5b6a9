"""Read a notebook from whatever bytes were handed in, or say why it cannot be read, to the person who can mend it."""

from __future__ import annotations

import json
import re
import warnings
from typing import Any

import nbformat
from nbformat import NotebookNode

MAX_BYTES = 50_000_000

_SEND = "Hand in the .ipynb file itself"
_KINDS = (  # how a file begins, what it then is, and what to do
    (b"%PDF", "is a PDF", f"{_SEND}, not a printed copy of it."),
    (b"PK\x03\x04", "is a zip archive or an office document", f"{_SEND}, unpacked."),
    (b"\x1f\x8b", "is a compressed archive", f"{_SEND}, unpacked."),
    (b"\x89PNG", "is a picture", f"{_SEND}, not a picture of it."),
    (b"\xff\xd8\xff", "is a picture", f"{_SEND}, not a picture of it."),
)


class Unreadable(ValueError):
    """A file is no notebook. Its text says what the file is instead, and what the student can do."""


def read(data: bytes) -> tuple[NotebookNode, list[str]]:
    """Return the notebook in these bytes, in format 4, and a sentence for each thing that was mended to read it.

    Cells come out with a known type, their source as text, a metadata dict and no outputs; ids may be missing.
    Raises Unreadable where there is no notebook to be had.
    """
    _refuse_other_kinds(data)
    repairs: list[str] = []
    text = _decode(data, repairs)
    raw = _upgrade(_parse(text), repairs)
    cells = [_cell(cell) for cell in raw["cells"]]
    if not _is_valid(raw):
        repairs.append("Parts of the file were not as a notebook's should be; it was put together anew.")
    notebook = NotebookNode(
        nbformat=4,
        nbformat_minor=_minor(raw.get("nbformat_minor")),
        metadata=nbformat.from_dict(_dict(raw.get("metadata"))),
        cells=cells,
    )
    return notebook, repairs


def quoted(text: str, most: int = 80) -> str:
    """Return a text of somebody else's in one line, as code, so that Markdown shows it as it is."""
    line = " ".join(text.replace("`", "'").split())
    return f"`{line[:most]}{'…' if len(line) > most else ''}`"


def _refuse_other_kinds(data: bytes) -> None:
    if not data.strip():
        raise Unreadable(
            "The file is empty. Save the notebook again, look at the size of the file, and hand it in again."
        )
    if len(data) > MAX_BYTES:
        raise Unreadable(
            f"The file has {len(data):,} bytes, more than the {MAX_BYTES:,} allowed. Clear the outputs, save, and hand in again."
        )
    for start, kind, remedy in _KINDS:
        if data.startswith(start):
            raise Unreadable(f"The file {kind}, not a notebook. {remedy}")
    head = data[:2000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise Unreadable(
            "The file is a web page, not a notebook: a page that shows the notebook was saved, or an export to HTML. "
            f"{_SEND}, by File > Download."
        )


def _decode(data: bytes, repairs: list[str]) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        repairs.append("The file was written as UTF-16; it was read as that.")
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        repairs.append("The file was not written as UTF-8; it was read as Windows-1252.")
        return data.decode("cp1252", errors="replace")


def _parse(text: str) -> dict[str, Any]:
    conflict = re.search(r"^(<{7}|>{7}) ", text, re.MULTILINE)
    try:
        raw = json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        if conflict:
            line = text.count("\n", 0, conflict.start()) + 1
            raise Unreadable(
                f"The file holds a merge conflict of git, at line {line}. Choose one side, save, and hand in again."
            ) from None
        if not text.lstrip().startswith("{"):
            raise Unreadable(
                f"The file is not a notebook: it begins with {quoted(text.lstrip()[:30])}. {_SEND}, as Jupyter saves it."
            ) from None
        if not text[error.pos :].strip() or error.msg.startswith("Unterminated string"):
            raise Unreadable(
                f"The file ends in the middle, at {where}: it was not saved or sent as a whole. "
                "Open your own copy, save it, and hand it in again."
            ) from None
        raise Unreadable(
            f"The file is not whole: it is no valid JSON at {where} ({error.msg}). "
            "Was it edited by hand? Open your own copy in Jupyter, save it, and hand it in again."
        ) from None
    except (RecursionError, ValueError):
        raise Unreadable(f"The file cannot be read as JSON. {_SEND}, as Jupyter saves it.") from None
    if not isinstance(raw, dict) or not (isinstance(raw.get("cells"), list) or "worksheets" in raw):
        raise Unreadable(f"The file is JSON, but not a notebook: it has no cells. {_SEND}.")
    return raw


def _upgrade(raw: dict[str, Any], repairs: list[str]) -> dict[str, Any]:
    """Return the notebook in format 4."""
    if isinstance(raw.get("cells"), list):
        if raw.get("nbformat") != 4:
            repairs.append(
                f"The file calls itself format {raw.get('nbformat', 'unknown')!s:.20}; it was read as format 4."
            )
            raw = {**raw, "nbformat": 4, "nbformat_minor": 5}
        return raw
    try:
        raw = nbformat.convert(nbformat.from_dict(raw), 4)
        repairs.append("The file was in an old notebook format; it was brought up to date.")
        return raw
    except Exception:
        raise Unreadable(
            "The file is a notebook of an old format that cannot be brought up to date. "
            "Open it in JupyterLab, save it, and hand it in again."
        ) from None


def _is_valid(raw: dict[str, Any]) -> bool:
    """Return whether nbformat finds no fault, missing cell ids apart: those are mended where cells are put in place."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            nbformat.validate(raw, relax_add_props=True)
        return True
    except Exception:  # a damaged file can upset the validator itself
        return _minor(raw.get("nbformat_minor")) > 5  # newer than what nbformat knows: no fault of the file


def _cell(raw: Any) -> NotebookNode:
    """Return a cell of a known type with text for its source; whatever else it was becomes a raw cell of its JSON."""
    if not isinstance(raw, dict) or raw.get("cell_type") not in ("code", "markdown", "raw"):
        kept = raw.get("source") if isinstance(raw, dict) else raw
        return NotebookNode(cell_type="raw", metadata=NotebookNode(), source=_text(kept))
    cell = NotebookNode(
        cell_type=raw["cell_type"],
        metadata=nbformat.from_dict(_dict(raw.get("metadata"))),
        source=_text(raw.get("source", "")),
    )
    if isinstance(raw.get("id"), str) and re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", raw["id"]):
        cell["id"] = raw["id"]
    if cell.cell_type == "code":
        cell["outputs"], cell["execution_count"] = [], None
    elif isinstance(raw.get("attachments"), dict):
        cell["attachments"] = nbformat.from_dict(raw["attachments"])
    return cell


def _text(source: Any) -> str:
    """Return a source as one text that can be written again: JSON may hold halves of characters, which UTF-8 cannot."""
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        source = json.dumps(source, ensure_ascii=False)
    return source.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _minor(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
