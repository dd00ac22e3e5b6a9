"""What several tests of isolated execution share: submissions as text, and their execution."""

from nbformat.v4 import new_code_cell, new_notebook

from handmade.grading.execution import Limits, Settings, execute

QUICK = Settings(limits=Limits(cell_seconds=1.0))


def submission(*learner, graded="", points=2):
    """Return a notebook of the learner's cells and one graded cell."""
    cells = [new_code_cell(text, id=f"own-{i}") for i, text in enumerate(learner)]
    marks = {
        "grade": True,
        "grade_id": "test",
        "locked": True,
        "points": points,
        "solution": False,
        "schema_version": 3,
    }
    cells.append(new_code_cell(graded, id="test", metadata={"nbgrader": marks}))
    return new_notebook(cells=cells)


def run(zygote, *learner, graded="", settings=QUICK, seed=7, points=2, handed_out=()):
    """Return what comes of the learner's cells and one graded cell."""
    notebook = submission(*learner, graded=graded, points=points)
    return execute(
        notebook, graded={"test": graded}, seed=seed, settings=settings, zygote=zygote, handed_out=handed_out
    )


def score(executed, points=2):
    """Return the points of the one graded cell, as nbgrader finds them."""
    from nbgrader.utils import determine_grade

    notebook = submission(points=points)
    notebook.cells[-1].outputs = []
    result = executed.cells[-1]
    notebook.cells[-1]["outputs"] = [_node(output) for output in result.outputs]
    return determine_grade(notebook.cells[-1])[0]


def points_by_cell(notebook, zygote, **how):
    """Return the points of each graded cell of a whole notebook, as nbgrader finds them; `how` is for `execute`."""
    from nbgrader.utils import determine_grade

    execute(notebook, zygote=zygote, **how).fill(notebook)
    cells = [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade")]
    return {c.metadata.nbgrader.grade_id: determine_grade(c)[0] for c in cells}


def _node(output):
    import nbformat

    return nbformat.from_dict(output)


def said(executed, index=-1):
    """Return all that one cell shows, as text."""
    return "\n".join(
        str(o.get("text", o.get("evalue", o.get("data", "")))) for o in executed.cells[index].outputs
    )
