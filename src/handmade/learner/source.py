"""A learner's code as text: the definition of one name, and what it needs to run alone."""

from __future__ import annotations

import ast
import builtins
import linecache
import symtable
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from handmade import checks


class Unkept(Exception):
    """Code that cannot be kept; the text says why, as the end of a sentence."""


@dataclass(frozen=True)
class Part:
    """One exercise as text. `definitions` are (name, source), what is needed first stands first; `needs` are other exercises."""

    name: str
    definitions: tuple[tuple[str, str], ...]
    imports: tuple[str, ...]
    needs: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the part as plain data."""
        return {
            "name": self.name,
            "definitions": self.definitions,
            "imports": self.imports,
            "needs": self.needs,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Part:
        """Return the part that `to_json` made this of. Raises KeyError, TypeError or ValueError for anything else."""
        definitions = tuple((str(name), str(source)) for name, source in data["definitions"])
        return cls(
            str(data["name"]), definitions, tuple(map(str, data["imports"])), tuple(map(str, data["needs"]))
        )


def texts_behind(candidate: Any) -> list[str]:
    """Return the source texts in which a candidate and its helpers may be defined: its own cell, then the newest cells."""
    texts = []
    for code in _codes(candidate):
        texts.append("".join(linecache.getlines(code.co_filename)))
        break
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None:
        texts += reversed([text for text in shell.user_ns.get("In", []) if isinstance(text, str)])
    return [text for text in texts if text]


def _codes(candidate: Any) -> Iterator[Any]:
    """Yield the code of a function, or of a class's own methods."""
    for member in vars(candidate).values() if isinstance(candidate, type) else [candidate]:
        member = getattr(member, "fget", member)  # a property
        member = getattr(member, "__func__", member)  # a class method or static method
        code = getattr(getattr(member, "__wrapped__", member), "__code__", None)
        if code is not None and not code.co_filename.startswith(
            "<string>"
        ):  # dataclasses write methods of their own
            yield code


def part_of(name: str, candidate: Any, texts: list[str]) -> Part:
    """Return the part that defines `name`: its text and, from the same texts, all that it uses.

    The first text that binds a name at its top level counts. Raises Unkept where a name is bound nowhere.
    """
    collector = _Collector(name, texts)
    called = getattr(candidate, "__name__", name)
    if called != name and called.isidentifier() and collector.binding(called) is not None:
        collector.add(called)  # check.dot(my_dot): another name in the notebook
        collector.definitions[name] = f"{name} = {called}"
    else:
        collector.add(name)
    return Part(
        name,
        tuple(collector.definitions.items()),
        tuple(sorted(collector.imports)),
        tuple(sorted(collector.needs)),
    )


class _Collector:
    def __init__(self, name: str, texts: list[str]) -> None:
        self.name = name
        self.definitions: dict[str, str] = {}
        self.imports: set[str] = set()
        self.needs: set[str] = set()
        self.trees = []
        for text in texts:
            try:
                self.trees.append((ast.parse(text), text))
            except (SyntaxError, ValueError):
                continue

    def binding(self, name: str) -> tuple[ast.stmt, str] | None:
        """Return the statement that binds the name, and its text, in the first tree that has one; the last one there."""
        for tree, text in self.trees:
            for statement in reversed(tree.body):
                if name in _names_bound(statement):
                    return statement, text
        return None

    def add(self, name: str) -> None:
        """Collect a name's definition, after what it needs."""
        found = self.binding(name)
        if found is None:
            raise Unkept(f"it uses `{name}`, and no cell that ran here defines it.")
        statement, text = found
        if isinstance(statement, ast.Import | ast.ImportFrom):
            alias = next(a for a in statement.names if (a.asname or a.name.partition(".")[0]) == name)
            self.imports.add(ast.unparse(_one_import(statement, alias)))
            return
        if name in self.definitions:
            return
        self.definitions[name] = ""  # known, so that recursion ends
        for other in sorted(_free_names(statement) - {name}):
            if checks.find(other) is not None:
                self.needs.add(other)
            elif other not in self.definitions:
                self.add(other)
        for other in sorted(_annotations(statement) - {name}):  # whoever calls it needs these classes
            bound = self.binding(other)
            if bound and isinstance(bound[0], ast.ClassDef) and checks.find(other) is None:
                self.add(other)
        del self.definitions[name]
        self.definitions[name] = _text_of(statement, text)


def _names_bound(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.partition(".")[0] for alias in statement.names}
    if isinstance(statement, ast.Assign | ast.AnnAssign):
        return {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return set()


def _one_import(statement: ast.Import | ast.ImportFrom, alias: ast.alias) -> ast.stmt:
    if isinstance(statement, ast.Import):
        return ast.Import(names=[alias])
    return ast.ImportFrom(module=statement.module, names=[alias], level=statement.level)


def _text_of(statement: ast.stmt, text: str) -> str:
    """Return a statement's own lines, decorators included, without white space at the ends of lines."""
    decorators = getattr(statement, "decorator_list", [])
    first = min([statement.lineno, *(d.lineno for d in decorators)])
    lines = text.splitlines()[first - 1 : statement.end_lineno]
    return "\n".join(line.rstrip() for line in lines)


class _WithoutAnnotations(ast.NodeTransformer):
    """Annotations are text here: their names need not exist."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(0)
        return self.generic_visit(node)


def _annotations(statement: ast.stmt) -> set[str]:
    """Return the names in the annotations of a statement."""
    found = []
    for node in ast.walk(statement):
        if isinstance(node, ast.arg | ast.AnnAssign):
            found.append(node.annotation)
        elif isinstance(node, ast.FunctionDef):
            found.append(node.returns)
    return {n.id for tree in found if tree for n in ast.walk(tree) if isinstance(n, ast.Name)}


def _free_names(statement: ast.stmt) -> set[str]:
    """Return the names that a statement takes from its surroundings, at once or when it is called."""
    bare = _WithoutAnnotations().visit(ast.parse(ast.unparse(statement)))
    table = symtable.symtable(ast.unparse(bare), "cell", "exec")
    found = {s.get_name() for s in table.get_symbols() if s.is_referenced() and not s.is_assigned()}
    waiting = list(table.get_children())
    while waiting:
        inner = waiting.pop()
        found |= {s.get_name() for s in inner.get_symbols() if s.is_global() and s.is_referenced()}
        waiting += inner.get_children()
    return {name for name in found if not hasattr(builtins, name)} - {"__class__", "__file__", "__name__"}
