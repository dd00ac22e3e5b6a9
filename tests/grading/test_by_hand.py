"""Calls that an exercise is about are found in the text of an answer, and nothing else is."""

import importlib
import inspect

import pytest
from grading.isolated import said

from handmade import checks
from handmade.grading import by_hand
from handmade.grading.execution import Settings, execute

EXERCISES = [e for lesson in checks.lessons() for e in checks.load_lesson(lesson).values()]


def calls(exercise, source, *others):
    return [f.call for f in by_hand.found({exercise: source}, others).get(exercise, [])]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def softmax(z, dim=-1): return torch.softmax(z, dim)", ["torch.softmax"]),
        ("def softmax(z, dim=-1): return F.softmax(z, dim)", ["F.softmax"]),
        ("def softmax(z, dim=-1): return z.softmax(dim)", ["z.softmax"]),
        ("def softmax(z, dim=-1): return z.log_softmax(dim).exp()", ["z.log_softmax"]),
        ("def softmax(z, dim=-1): return nn.Softmax(dim)(z)", ["nn.Softmax"]),
        ("from torch import softmax as s\ndef softmax(z, dim=-1): return s(z, dim)", ["s"]),
        ("def softmax(z, dim=-1):\n    # torch.softmax would do it\n    'torch.softmax(z)'\n    return z.exp() / z.exp().sum(dim, True)", []),
        ("def softmax(z, dim=-1): return softmax(z) if 0 else z.exp()", []),
        ("def softmax(z: this is no Python", []),
    ],
)  # fmt: skip
def test_softmax(source, expected):
    assert calls("softmax", source) == expected


def test_helpers_of_the_learners_count_where_the_answer_needs_them():
    helper = "def mine(z): return z.softmax(-1)"
    assert calls("softmax", "def softmax(z, dim=-1): return mine(z)", helper) == ["z.softmax"]
    assert calls("softmax", "def softmax(z, dim=-1): return z.exp()", helper) == []
    deeper = "def outer(z): return mine(z)"
    assert calls("softmax", "def softmax(z, dim=-1): return outer(z)", helper, deeper) == ["z.softmax"]
    assert calls(
        "softmax", "def softmax(z, dim=-1): return g(z)", "from torch.nn.functional import softmax as g"
    ) == ["g"]


def test_classes_and_operators():
    assert calls("LayerNorm", "class LayerNorm(nn.LayerNorm): pass") == ["nn.LayerNorm"]
    assert (
        calls(
            "LayerNorm",
            "class LayerNorm(nn.Module):\n    def forward(self, x): return layer_norm(x, self.weight, self.bias)",
        )
        == []
    )
    assert calls("dot", "def dot(a, b): return a @ b") == ["@"]
    assert calls("attention_scores", "def attention_scores(Q, K): return Q @ K.T") == []


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
def test_no_reference_does_what_its_exercise_is_about_by_a_call(exercise):
    assert calls(exercise.name, inspect.getsource(exercise.reference)) == []


def test_the_names_exist_where_they_are_said_to():
    """A misspelt name would never be found: each is a name of torch, numpy or a library that is named here."""
    elsewhere = {
        "@", "mean_squared_error", "approx_fprime", "approx_derivative", "MLPRegressor", "MLPClassifier", "Perceptron", "BpeTrainer",
        "train_from_iterator", "johnson_lindenstrauss_min_dim", "GaussianRandomProjection", "SparseRandomProjection", "GPT2Model",
        "GPT2LMHeadModel", "from_pretrained", "cosine", "generate_square_subsequent_mask", "multi_head_attention_forward",
    }  # fmt: skip
    places = [
        importlib.import_module(name)
        for name in ("torch", "torch.nn", "torch.nn.functional", "torch.Tensor".rpartition(".")[0], "torch.linalg", "torch.optim", "torch.autograd", "numpy", "tiktoken")
    ]  # fmt: skip
    places += [places[0].Tensor, places[-1].Encoding]
    for exercise in EXERCISES:
        for name in set(exercise.by_hand) - elsewhere:
            assert any(hasattr(place, name) for place in places), f"{exercise.name}: {name}"


def test_a_call_is_a_note_or_by_option_a_failed_check(zygote, notebook_of):
    notebook = notebook_of(
        "def dot(a, b):\n    if len(a) != len(b): raise ValueError\n    return float(np.dot(a, b))"
    )
    text = {"check_dot": "check.dot(dot)"}
    executed = execute(notebook, graded=text, seed=1, zygote=zygote)
    assert executed.checks[0].state == "passed"
    assert executed.notes == [
        "`dot` uses `np.dot`, which the exercise is about: `return float(np.dot(a, b))`"
    ]
    executed = execute(notebook, graded=text, seed=1, zygote=zygote, settings=Settings(by_hand="fail"))
    assert executed.checks[0].state == "forbidden"
    assert "This exercise is about writing it yourself" in said(executed)


@pytest.fixture
def notebook_of():
    from nbformat.v4 import new_code_cell, new_notebook

    def make(answer):
        def cell(source, name, **flags):
            marks = {
                "grade": False,
                "solution": False,
                "locked": False,
                "grade_id": name,
                "schema_version": 3,
            } | flags
            return new_code_cell(source, id=name.replace("_", "-"), metadata={"nbgrader": marks})

        return new_notebook(
            cells=[
                cell("import numpy as np", "setup", locked=True),
                cell(answer, "dot", solution=True),
                cell("", "check_dot", grade=True, locked=True, points=1),
            ]
        )

    return make
