"""A lesson as nbgrader's source notebook: with solutions, hidden cells and rubrics, and nothing that changes by itself."""

from __future__ import annotations

import ast
import base64
import hashlib
import importlib.util
from collections.abc import Mapping
from importlib import resources
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from handmade.checks.exercise import Exercise
from handmade.learner import colab
from handmade.lessons.lesson import Break, Code, Directive, Item, Lesson, Prose
from handmade.lessons.source import exercise_source, given_source, learner_imports

METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
BADGE = "colab.png"
MAY_FAIL = "raises-exception"  # Run All goes on after such a cell


def source_notebook(lesson: Lesson, exercises: Mapping[str, Exercise]) -> NotebookNode:
    """Return the lesson's notebook with solutions. Cells whose code needs an exercise are tagged `raises-exception`."""
    cells: list[NotebookNode] = []
    may_join = False  # whether the last cell takes more Markdown: only `+++`, a heading or code ends it
    for item in lesson.items:
        for cell in _cells(item, exercises, lesson.module):
            plain = cell.cell_type == "markdown" and not cell.metadata
            if plain and may_join and not cell.source.startswith("#"):
                cells[-1].source += f"\n\n{cell.source}"
            else:
                cells.append(cell)
            may_join = plain
        if isinstance(item, Break):
            may_join = False
        elif item is lesson.items[0]:
            _add_badge(cells[-1], lesson)
            cells.append(_setup_cell(lesson))
            may_join = False
    _tag_cells_that_need_exercises(cells, set(exercises))
    _give_ids(cells)
    notebook = new_notebook(cells=cells, metadata=METADATA)
    notebook.nbformat_minor = 5
    nbformat.validate(notebook)
    return notebook


def _cells(item: Item, exercises: Mapping[str, Exercise], module: str) -> list[NotebookNode]:
    """Return the cells that an item of the text of this lesson stands for."""
    if isinstance(item, Prose):
        return [new_markdown_cell(item.text)]
    if isinstance(item, Code):
        return [new_code_cell(item.source, metadata={"tags": item.tags} if item.tags else {})]
    if isinstance(item, Break):
        return []
    if item.kind == "exercise":
        return _exercise_cells(item, exercises[item.name])
    if item.kind == "question":
        return _question_cells(item)
    if item.kind == "given":
        code = new_code_cell(given_source(module, item.name), metadata=_graded(item.name, locked=True))
        return [new_markdown_cell(item.text), code] if item.text else [code]
    return [
        new_markdown_cell(f"**Your guess first.** {item.text}"),
        new_code_cell(f'check.predict("{item.name}", guess=None)'),
    ]


def _graded(grade_id: str, **kind: Any) -> dict[str, Any]:
    """Return nbgrader's metadata for a cell; everything that is not said is False."""
    return {
        "nbgrader": {
            "schema_version": 3,
            "grade_id": grade_id,
            "grade": False,
            "solution": False,
            "locked": False,
            "task": False,
        }
        | kind
    }


def _add_badge(title: NotebookNode, lesson: Lesson) -> None:
    """Put a link to Colab under the title; its picture comes with the notebook, so that nothing is fetched."""
    heading, _, rest = title.source.partition("\n")
    link = f"[![Open in Colab](attachment:{BADGE})]({colab.address(f'{lesson.name}/{lesson.name}.ipynb')})"
    title.source = f"{heading}\n\n{link}\n{rest}"
    data = resources.files("handmade.lessons").joinpath(BADGE).read_bytes()
    title["attachments"] = {BADGE: {"image/png": base64.b64encode(data).decode()}}


def _setup_cell(lesson: Lesson) -> NotebookNode:
    lines = [
        "from __future__ import annotations  # the shapes in signatures are for people; Python need not evaluate them",
        "",
        "import sys",
        "",
        'if "google.colab" in sys.modules:  # Colab has no Handmade GPT yet',
        f'    get_ipython().run_line_magic("pip", "{colab.install_line()}")',
        "",
    ]
    lines += [*learner_imports(lesson.module), "", "from handmade import check"]
    for helper, call in (("pace", "pace.steps("), ("parts", "parts.use(")):
        if any(isinstance(item, Code) and call in item.source for item in lesson.items):
            lines.append(f"from handmade.learner import {helper}")
    if importlib.util.find_spec(f"handmade.figures.{lesson.module}"):
        lines.append(f"from handmade.figures import {lesson.module} as figures")
    lines += ["", f'check.begin("{lesson.name}")']
    return new_code_cell("\n".join(lines), metadata=_graded("setup", locked=True))


def _exercise_cells(item: Directive, exercise: Exercise) -> list[NotebookNode]:
    name, points = exercise.name, "1 point" if exercise.points == 1 else f"{exercise.points} points"
    stretch = " · a stretch: you may skip it" if exercise.stretch else ""
    patience = max(3, round(exercise.minutes / 2))
    facts = (
        f"**`{name}`** · {points} · {exercise.level_word} · about {exercise.minutes} minutes{stretch} · "
        f'stuck for {patience} minutes? `check.hint("{name}")`'
    )
    graded_call = f"check.{name}({name})\n### BEGIN HIDDEN TESTS\ncheck.{name}({name}, hidden=True)\n### END HIDDEN TESTS"
    graded = _graded(f"check_{name}", grade=True, locked=True, points=exercise.points)
    return [
        new_markdown_cell(f"{facts}\n\n{item.text}"),
        new_code_cell(exercise_source(exercise), metadata=_graded(name, solution=True)),
        new_code_cell(graded_call, metadata=graded | {"tags": [MAY_FAIL]}),
    ]


def _question_cells(item: Directive) -> list[NotebookNode]:
    points = int(item.options["points"])
    rubric = f"=== BEGIN MARK SCHEME ===\n{item.inner[0].text}\n=== END MARK SCHEME ==="
    task = f"**In your own words** · {points} points, read by a person\n\n{item.text}\n\n{rubric}"
    ask = f'check.rubric("{item.name}", answered=False)  # put True here once you have written your answer'
    return [
        new_markdown_cell(task, metadata=_graded(item.name, task=True, locked=True, points=points)),
        new_markdown_cell("*Write your answer here: double-click this text.*"),
        new_code_cell(ask),
    ]


def _tag_cells_that_need_exercises(cells: list[NotebookNode], exercises: set[str]) -> None:
    """Tag each cell that uses an exercise, or a name that may be missing because of one: in a release it may fail.

    Where a statement fails, that cell's later statements do not run either, so their names may be missing too.
    A name that is plainly made anew is there again.
    """
    missing = set(exercises)
    for cell in cells:
        if cell.cell_type != "code" or cell.metadata.get("nbgrader", {}).get("solution"):
            continue
        may_fail = False
        for statement in ast.parse(cell.source).body:
            may_fail = may_fail or bool(_used(statement) & missing)
            if may_fail:
                missing |= _bound(statement)
            elif isinstance(statement, ast.Assign | ast.AnnAssign | ast.FunctionDef | ast.ClassDef):
                missing -= _bound(statement) - exercises
        if may_fail:
            cell.metadata["tags"] = sorted({*cell.metadata.get("tags", []), MAY_FAIL})


def _used(statement: ast.stmt) -> set[str]:
    """Return the names that a statement reads, wherever in it."""
    return {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)} | {
        n.target.id
        for n in ast.walk(statement)
        if isinstance(n, ast.AugAssign) and isinstance(n.target, ast.Name)
    }


def _bound(statement: ast.stmt) -> set[str]:
    """Return the names that a statement makes or fills: `x = …`, `def x`, `import x`, `x[0] = …`, `x.y = …`."""
    found: set[str] = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store):
            found |= {n.id for n in ast.walk(node.value) if isinstance(n, ast.Name)}
    return found


def _give_ids(cells: list[NotebookNode]) -> None:
    """Give each cell an id that stays: from its grade id, else from its content (numbered where that repeats)."""
    seen: dict[str, int] = {}
    for cell in cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        base = (
            grade_id.replace("_", "-") if grade_id else hashlib.sha256(cell.source.encode()).hexdigest()[:12]
        )
        seen[base] = seen.get(base, 0) + 1
        cell["id"] = base if seen[base] == 1 else f"{base}-{seen[base]}"
