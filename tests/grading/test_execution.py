"""One submission from top to bottom: which cells run, what they show, which points they get."""

import copy
import json

import nbformat
import pytest
from grading.isolated import QUICK, run, said, score, submission
from nbformat.v4 import new_code_cell, new_notebook

from handmade.grading import demo
from handmade.grading.execution import (
    Executed,
    IsolationMissing,
    Settings,
    execute,
    graded_cells,
    handed_out_cells,
)
from handmade.grading.session import MOST_WORKERS


@pytest.fixture(scope="module")
def lesson(root):
    """Lesson 01: its source, its release, and answers."""
    release = nbformat.read(root / "course/01_matmul/01_matmul.ipynb", as_version=4)
    source = nbformat.read(root / "solutions/01_matmul/01_matmul.ipynb", as_version=4)
    made = demo.Lesson("01_matmul", release)
    made.graded, made.handed_out = graded_cells(source), handed_out_cells(release)
    return made


def graded(zygote, lesson, notebook, **more):
    return execute(
        notebook, graded=lesson.graded, seed=11, handed_out=lesson.handed_out, zygote=zygote, **more
    )


def states(executed):
    """Return the last state of each exercise."""
    return {run.exercise: run.state for run in executed.checks}


def test_a_perfect_submission(zygote, lesson):
    executed = graded(zygote, lesson, lesson.perfect())
    assert set(states(executed).values()) == {"passed"}
    assert len(executed.checks) == 2 * len(lesson.names), "the visible cases and the hidden ones"
    assert {run.hidden for run in executed.checks} == {True, False}
    assert executed.limits == executed.notes == []
    assert executed.memory > 2**20
    assert Executed.from_json(json.loads(json.dumps(executed.to_json()))) == executed


def test_a_blank_submission(zygote, lesson):
    executed = graded(zygote, lesson, lesson.release)
    assert set(states(executed).values()) == {"not written"}
    outputs = [cell.outputs for cell in executed.cells if cell.role == "graded"]
    assert all([o["output_type"] for o in out] == ["display_data", "error"] for out in outputs)
    assert all(out[1]["ename"] == "NotWritten" for out in outputs)


def test_a_mistake_is_on_record_with_its_name(zygote, lesson):
    name, mistake = lesson.wrong()
    executed = graded(zygote, lesson, lesson.all_but(name, mistake))
    [run] = [run for run in executed.checks if run.state != "passed"]
    assert run.exercise == name
    assert run.misconception in [m.name for m in lesson.exercises[name].misconceptions]
    assert run.says in [m.says for m in lesson.exercises[name].misconceptions]


def test_the_result_depends_on_cells_and_seed_alone(zygote, lesson):
    def untimed(executed):
        data = executed.to_json()
        for part in (data, *data["cells"]):
            part.pop("seconds"), part.pop("memory", None)
        return data

    notebook = lesson.perfect()
    notebook.cells.append(
        new_code_cell(
            "import random, torch; print(random.random(), np.random.rand(), torch.rand(1))", id="dice"
        )
    )
    assert untimed(graded(zygote, lesson, notebook)) == untimed(graded(zygote, lesson, notebook))


def test_a_missing_exercise_is_named_calmly(zygote, lesson):
    executed = graded(zygote, lesson, lesson.all_but("dot", "dot = = 1"))
    cells = {cell.grade_id: cell for cell in executed.cells}
    assert cells["dot"].outputs[0]["ename"] == "SyntaxError"
    check = cells["check_dot"].outputs
    assert "dot does not exist yet" in check[0]["data"]["text/plain"]
    assert check[1]["ename"] == "NameError"


def test_what_was_handed_out_runs_only_where_an_answer_needs_it(zygote, lesson):
    roles = {cell.id: cell.role for cell in graded(zygote, lesson, lesson.perfect()).cells}
    assert roles["setup"] == "learner"
    demos = [c.id for c in lesson.release.cells if c.cell_type == "code" and not c.metadata.get("nbgrader")]
    assert {roles[name] for name in demos} == {"not run"}
    uses_a_demo = lesson.all_but(
        "cosine_similarity",
        "def cosine_similarity(a, b):\n    return cosine(a, b) if a.any() and b.any() else 0.0",
    )
    executed = graded(zygote, lesson, uses_a_demo)
    [helper] = [c.id for c in lesson.release.cells if c.source.startswith("def cosine(a, b)")]
    assert {cell.id: cell.role for cell in executed.cells}[helper] == "learner"
    assert states(executed)["cosine_similarity"] == "passed"


def test_a_cell_that_the_learner_changed_or_added_runs(zygote, lesson):
    notebook = lesson.perfect()
    [demo_cell] = [c for c in notebook.cells if c.source.startswith("def cosine(a, b)")]
    demo_cell.source += "\nprint('mine')"
    notebook.cells.insert(2, new_code_cell("print('added')", id="added"))
    text = {
        cell.id: said(executed, i)
        for executed in [graded(zygote, lesson, notebook)]
        for i, cell in enumerate(executed.cells)
    }
    assert text[demo_cell.id].startswith("mine")
    assert text["added"] == "added\n"


def test_only_the_graders_own_text_runs_here(zygote):
    """Whatever a notebook says in place of a graded cell, and whatever it marks as graded."""
    notebook = submission("x = 1", graded="raise SystemExit('the notebook')")
    more = copy.deepcopy(notebook.cells[-1])
    more.metadata.nbgrader.grade_id, more.source = "mine", "import os; print(os.getpid())"
    notebook.cells.append(more)
    executed = execute(notebook, graded={"test": "assert x == 1"}, seed=1, zygote=zygote, settings=QUICK)
    assert executed.cells[1].outputs == []
    assert executed.cells[2].role == "learner"


# ---------------------------------------------------------------- what cells show


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("print('a'); 1 + 1", "a\n|2"),
        ("x = 5", ""),
        ("'text'", "'text'"),
        ("3;", ""),
        ("import sys; print('e', file=sys.stderr)", "e\n"),
        ("display(1)", "1\n"),
        ("%matplotlib inline\n!ls\nprint('after magics')", "after magics\n"),
        ("import asyncio\nawait asyncio.sleep(0)\nprint('awaited')", "awaited\n"),
        ("from handmade import check\nfrom handmade.figures import matmul as figures\ncheck.dot(1); figures.x(2); check.predict('a', guess=None)\nprint(check.CheckFailed.__name__)", "CheckFailed\n"),
        ("import handmade.reference", "handmade.reference is not here when a submission is graded"),
    ],
)  # fmt: skip
def test_outputs_of_a_learners_cell(zygote, cell, shown):
    outputs = run(zygote, cell).cells[0].outputs
    texts = [str(o.get("text", o.get("evalue", o.get("data", {}).get("text/plain", "")))) for o in outputs]
    assert "|".join(texts) == shown


def test_annotations_are_not_evaluated_once_that_was_asked_for(zygote):
    executed = run(
        zygote,
        "from __future__ import annotations\nfrom dataclasses import dataclass",
        "@dataclass\nclass A:\n    x: Num[Nothing, 'n'] = 3\ndef f(a: Undefined) -> Undefined: return A().x",
        graded="assert f(1) == 3",
    )
    assert score(executed) == 2


def test_an_error_shows_its_line_and_nothing_of_the_grader(zygote):
    outputs = run(zygote, "def f():\n    return 1 / 0\nf()").cells[0].outputs
    trace = "\n".join(outputs[0]["traceback"])
    assert outputs[0]["ename"] == "ZeroDivisionError"
    assert "return 1 / 0" in trace
    assert "grading" not in trace


def test_much_output_is_cut_and_said(zygote):
    executed = run(zygote, "print('x' * 10**7)")
    assert len(said(executed, 0)) < 70_000
    assert executed.limits == [
        "Output limit: what the cell that begins `print('x' * 10**7)` printed was cut."
    ]


def test_a_cell_that_does_not_end_is_stopped_and_the_rest_is_graded(zygote):
    executed = run(zygote, "x = 1\nwhile True: pass", "y = 2", graded="assert x + y == 3")
    assert executed.cells[0].outputs[-1]["ename"] == "CellTimeoutError"
    assert score(executed) == 2, "what stood before the loop is there"
    assert len(executed.limits) == 1


def test_a_cell_that_cannot_be_stopped_is_killed_and_the_rest_is_graded(zygote):
    deaf = "while True:\n    try:\n        while True: pass\n    except BaseException: pass"
    executed = run(zygote, "x = 1", deaf, "y = 2", graded="assert x + y == 3")
    assert score(executed) == 2
    assert len(executed.limits) == 1


def test_a_cell_that_ends_the_process(zygote):
    executed = run(
        zygote,
        "x = 1",
        "import os; os._exit(0)",
        "import os; os.abort()",
        "y = 2",
        graded="assert x + y == 3",
    )
    assert score(executed) == 2
    assert [o.outputs[0]["ename"] for o in executed.cells[1:3]] == ["DeadKernelError"] * 2
    assert (
        executed.limits[0]
        == "The process ended in the cell that begins `import os; os._exit(0)`: it left Python."
    )
    assert "SIGABRT" in executed.limits[1]


def test_a_submission_that_is_stopped_again_and_again_is_given_up(zygote):
    cells = [f"import os; os._exit({i})" for i in range(MOST_WORKERS + 1)]
    executed = run(zygote, *cells, "x = 1", graded="assert x == 1")
    assert score(executed) == 0
    assert "stopped too often" in said(executed)


# ---------------------------------------------------------------- graded cells


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("assert f(2) == 4", 2),
        ("assert f(2) == 5", 0),
        ("undefined", 0),
        ("1 / 0", 0),
        ("points = 0\nif f(2) == 4: points += 1\nif f(3) == 0: points += 1\npoints", 1),
        ("0.5 * (f(2) == 4)", 0.5),
        ("0", 0),
        ("5", 0),  # more than there is: no number of points
        ("-1", 0),  # nbgrader would give all
        ("float('nan')", 0),
        ("float('inf')", 0),
        ("f(1)", 0),  # what the submission says of itself
        ("float(f(1))", 0),
        ("max(0, f(1))", 0),
        ("float(f(2) == 4)", 1),
        ("'well done'", 2),
        ("None", 2),
        ("np.float32(1.5)", 1.5),
        ("print('x', f(2)); import sys; print('warning', file=sys.stderr)", 2),  # stderr costs nothing
        ("from math import sqrt\nassert sqrt(f(2)) == 2", 2),
        ("def helper(g): return g(2)\nassert helper(f) == 4", 2),
        ("v = V(3)\nassert (v + v).data == 6 and len(v) == 3", 2),
        ("import dataclasses, pytest\nwith pytest.raises(ValueError):\n    bad()", 2),
        ("assert torch.equal(net(torch.ones(1, 2)), torch.ones(1, 2) @ net.weight.T + net.bias)", 2),
        ("assert sum(p.numel() for p in net.parameters()) == 6", 2),
        ("import os; os.environ['SHELL']; assert isinstance(net, nn.Linear)", 2),
    ],
)  # fmt: skip
def test_points(zygote, text, points, monkeypatch):
    monkeypatch.setenv("SHELL", "x")
    learner = (
        "def f(x): return x * x\ndef bad(): raise ValueError('no')\n"
        "class V:\n    def __init__(self, d): self.data = d\n    def __add__(self, o): return V(self.data + o.data)\n    def __len__(self): return 3\n"
        "import torch\nnet = torch.nn.Linear(2, 2)"
    )
    executed = run(zygote, learner, graded=text)
    assert score(executed) == points, said(executed)


def test_names_of_one_graded_cell_are_there_in_the_next(zygote):
    notebook = new_notebook(cells=[new_code_cell("a = 2", id="own")])
    texts = {"first": "b = 3", "second": "assert a + b == 5"}
    for name in texts:
        marks = {"grade": True, "grade_id": name, "points": 1, "locked": True, "solution": False}
        notebook.cells.append(new_code_cell("", id=name, metadata={"nbgrader": marks}))
    executed = execute(notebook, graded=texts, seed=1, zygote=zygote)
    assert [cell.outputs for cell in executed.cells[1:]] == [[], []]


def test_a_later_cell_sees_what_stands_before_it_and_not_what_comes_after(zygote):
    notebook = submission("def f(): return 1", graded="assert f() == 1")
    notebook.cells.append(new_code_cell("def f(): return 2", id="later"))
    executed = execute(notebook, graded={"test": "assert f() == 1"}, seed=1, zygote=zygote)
    assert executed.cells[1].outputs == []


def test_earlier_lessons_parts_are_the_courses_own(zygote, root):
    use = "from handmade.learner import parts\nsoftmax, cross_entropy = parts.use('softmax', 'cross_entropy')\none = parts.use('causal_mask')"
    graded = "check.attention_scores(attention_scores)\nimport torch as t\nassert t.allclose(softmax(t.zeros(2)), t.ones(2) / 2)"
    own = "import math\ndef attention_scores(Q, K): return Q @ K.transpose(-2, -1) / math.sqrt(Q.shape[-1])"
    executed = run(zygote, use, own, graded=graded)
    assert "no part 'causal_mask' of an earlier lesson" in said(executed, 0), (
        "its own lesson's answers are not given"
    )
    executed = run(zygote, use.rpartition("\n")[0], own, graded=graded)
    assert score(executed) == 2, said(executed)


def test_required_isolation_that_is_not_to_be_had_is_refused():
    from handmade.grading.zygote import Zygote

    with Zygote(isolate=False) as bare, pytest.raises(IsolationMissing, match="files"):
        run(bare, "1", settings=Settings(require_isolation=True))


def test_what_is_for_learners_says_nothing_and_costs_nothing(zygote):
    """Progress, hints and guesses, in the set-up cell, in cells of one's own and in a graded cell."""
    learners = """
import sys
if "google.colab" in sys.modules:
    get_ipython().run_line_magic("pip", "install nothing")
from handmade import check
check.begin("01_matmul")
check.progress()
check.hint("dot")
check.predict("stretched", guess=None)
check.reveal("stretched", 1)
check.rubric("why", answered=False)
from handmade.learner import pace
assert pace.steps(1_000_000, 10) == 10
from handmade.learner import whatever_comes_later
whatever_comes_later.show("it")
"""
    graded = 'check.begin("01_matmul")\ncheck.progress()\ncheck.hint("dot")'
    executed = run(zygote, learners, graded=graded)
    assert [cell.outputs for cell in executed.cells] == [[], []]
    assert score(executed) == 2


def test_the_set_up_of_every_lesson_runs(zygote, root):
    """With what it imports: a lesson whose set-up fails costs its learners points that they have earned."""
    for path in sorted((root / "course").glob("*/*.ipynb")):
        release = nbformat.read(path, as_version=4)
        executed = execute(release, graded={}, seed=7, zygote=zygote, handed_out=handed_out_cells(release))
        locked = [c for c in executed.cells if c.role == "learner" and c.grade_id == "setup"]
        assert [c.outputs for c in locked] == [[]], path.name
