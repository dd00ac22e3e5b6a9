"""Which cells of a submission run: what the learner wrote, and of what was handed out only what that needs."""

from __future__ import annotations

import ast
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from handmade.learner.source import free_names


@dataclass(frozen=True)
class Names:
    """What a cell binds at its top level, and what it takes from outside. `known` is False for text that is not Python."""

    bound: frozenset[str] = frozenset()
    needed: frozenset[str] = frozenset()
    known: bool = False


@lru_cache(maxsize=4096)  # most cells are the same in all submissions
def names_of(source: str) -> Names:
    """Return the names that a cell binds and needs."""
    try:
        body = ast.parse(source).body
        bound = frozenset(name for statement in body for name in _bound(statement))
        needed = frozenset(name for statement in body for name in free_names(statement))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Names()
    return Names(bound, needed, known=True)


def _bound(node: ast.AST) -> set[str]:
    """Return the names that a statement may bind or change, outside functions and classes in it."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Lambda):
        return set()
    found: set[str] = set()
    if isinstance(node, ast.Import | ast.ImportFrom):
        found |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
        found.add(node.id)
    elif isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
        root: ast.AST = node  # Value.__mul__ = … changes Value
        while isinstance(root, ast.Attribute | ast.Subscript):
            root = root.value
        if isinstance(root, ast.Name):
            found.add(root.id)
    for child in ast.iter_child_nodes(node):
        found |= _bound(child)
    return found


def that_run(cells: Sequence[tuple[str, bool]], handed_out: Collection[str]) -> set[int]:
    """Return the indices of the cells that run. A cell is its text, and whether it must run whatever is in it.

    A cell whose text is among those `handed_out` runs where another that runs needs a name that it binds.
    """
    names = [names_of(source) for source, _ in cells]
    given = {_plain(source) for source in handed_out}
    chosen = {i for i, (source, must) in enumerate(cells) if must or _plain(source) not in given}
    while True:
        needed = {name for i in chosen for name in names[i].needed}
        more = {i for i, n in enumerate(names) if i not in chosen and n.bound & needed}
        if not more:
            return chosen
        chosen |= more


def _plain(source: str) -> str:
    return "\n".join(line.rstrip() for line in source.strip().splitlines())
