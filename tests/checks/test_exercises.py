"""For every exercise: right answers in several idioms pass, every misconception and every odd answer is refused, calmly."""

import ast
import importlib
import inspect
import time

import numpy as np
import pytest
import torch

from handmade import check, checks
from handmade.checks.message import message, ordinal
from handmade.checks.run import judge

EXERCISES = [exercise for lesson in checks.lessons() for exercise in checks.load_lesson(lesson).values()]
each_set_of_seeds = pytest.mark.parametrize(
    "seeds", [[0, 20261124], pytest.param([1, 2, 3], marks=pytest.mark.thorough)], ids=["few", "more"]
)
each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
each_misconception = pytest.mark.parametrize(
    ("exercise", "wrong"),
    [(e, m) for e in EXERCISES for m in e.misconceptions],
    ids=lambda x: x.name.replace(" ", "-"),
)


def right_answers(exercise):
    short = importlib.import_module(f"handmade.grading.other_answers.{exercise.lesson}")
    loops = importlib.import_module(f"checks.loop_answers.{exercise.lesson}")
    return [
        exercise.reference,
        getattr(short, exercise.name),
        getattr(loops, exercise.name),
    ]


@each_set_of_seeds
@each_exercise
def test_right_answers_in_any_idiom_pass(exercise, seeds):
    for answer in right_answers(exercise):
        for seed in seeds:
            verdict = judge(exercise, answer, seed)
            assert verdict.passed, message(verdict).text()
            assert verdict.n_right == verdict.n_cases >= 5


@each_exercise
def test_every_exercise_has_what_it_needs(exercise):
    assert exercise.points >= 1
    assert exercise.minutes >= 1
    assert len(exercise.misconceptions) >= 3
    texts = [m.says for m in exercise.misconceptions] + [m.asks for m in exercise.misconceptions]
    assert len(set(texts)) == len(texts), "two misconceptions say the same"
    assert all(
        m.asks.rstrip(".").endswith("?") or "?" in m.asks or m.asks.endswith(".")
        for m in exercise.misconceptions
    )


@each_set_of_seeds
@each_misconception
def test_every_misconception_is_refused_with_its_own_diagnosis(exercise, wrong, seeds):
    for seed in seeds:
        verdict = judge(exercise, wrong.implementation, seed)
        assert not verdict.passed
        text = message(verdict).text()
        assert wrong.says in text, text
        assert wrong.asks in text, text
        assert len(text.splitlines()) < 22


@each_misconception
def test_a_hidden_failure_shows_no_numbers_of_the_case(exercise, wrong):
    verdict = judge(exercise, wrong.implementation, seed=99, hidden=True)
    text = message(verdict).text()
    assert "hidden" in text
    assert "np.array(" not in text
    assert "torch.tensor(" not in text
    assert "expected  " not in text


def changes_its_arguments(*args):
    for value in args:
        if isinstance(value, np.ndarray | torch.Tensor):
            value += 1
        elif isinstance(value, list):
            value.clear()


def endless(*args):
    while True:
        pass


def endless_and_deaf(*args):
    while True:
        try:
            while True:
                pass
        except Exception:
            pass


def leaves(*args):
    raise SystemExit


def interrupted(*args):
    raise KeyboardInterrupt


ODD_ANSWERS = {
    "None": lambda *args: None,
    "nothing returned": lambda *args: print(end=""),
    "a string": lambda *args: "seven",
    "nan": lambda *args: float("nan"),
    "nan array": lambda *args: np.full((2, 2), np.nan),
    "nan tensor": lambda *args: torch.full((2, 2), float("nan")),
    "complex tensor": lambda *args: torch.zeros(2, dtype=torch.complex64),
    "wrong shape": lambda *args: np.zeros((1, 2, 3, 4)),
    "object array": lambda *args: np.array([None, "x"], dtype=object),
    "complex": lambda *args: 1j,
    "a class": lambda *args: int,
    "a function": lambda *args: len,
    "an empty list": lambda *args: [],
    "an infinite generator": lambda *args: (n for n in iter(int, 1)),
    "a huge int": lambda *args: 10**400,
    "changes its arguments": changes_its_arguments,
    "an exception": lambda *args: 1 / 0,
    "a wrong signature": lambda: 0,
    "sys.exit": leaves,
    "KeyboardInterrupt": interrupted,
    "recursion without end": lambda *args: ODD_ANSWERS["recursion without end"](*args),
    "a huge exception": lambda *args: (_ for _ in ()).throw(ValueError("x" * 10_000_000)),
}


@pytest.mark.parametrize("odd", ODD_ANSWERS)
@each_exercise
def test_odd_answers_are_refused_calmly(exercise, odd):
    verdict = judge(exercise, ODD_ANSWERS[odd])
    assert not verdict.passed
    text, page = message(verdict).text(), message(verdict).html()
    assert len(text) < 3000
    assert "Traceback" not in text
    assert "handmade/" not in text
    assert page.startswith("<div")


@pytest.mark.parametrize("candidate", [None, 3, "dot", np.zeros(2)])
@each_exercise
def test_something_that_is_no_function_is_refused(exercise, candidate):
    verdict = judge(exercise, candidate)
    kind = "class" if inspect.isclass(exercise.reference) else "function"
    assert f"Expected the {kind} {exercise.name} itself" in message(verdict).text()


@pytest.mark.parametrize("loop", [endless, endless_and_deaf, lambda *args: time.sleep(60)])
def test_an_endless_loop_is_stopped_and_said_so(loop, monkeypatch):
    exercise = checks.load_lesson("matmul")["dot"]
    monkeypatch.setattr(exercise, "seconds", 0.3)
    start = time.perf_counter()
    verdict = judge(exercise, loop)
    assert time.perf_counter() - start < 5
    assert verdict.state == "time"
    assert "No answer within 0.3 seconds" in message(verdict).text()


def test_megabytes_of_output_are_cut(capfd):
    exercise = checks.load_lesson("matmul")["dot"]

    def noisy(a, b):
        import os
        import sys

        print("working\n" * 200_000)
        print("warning\n" * 200_000, file=sys.stderr)
        os.write(1, b"raw" * 1000)
        os.write(2, b"raw" * 1000)
        return exercise.reference(a, b)

    verdict = judge(exercise, noisy)
    assert verdict.passed
    assert capfd.readouterr() == ("", "")
    text = message(verdict).text()
    assert "working" in text
    assert len(text) < 1000


def test_a_stub_says_not_written_yet_and_nothing_worse():
    def dot(a, b):
        raise NotImplementedError("not written yet")

    with pytest.raises(check.NotWritten) as caught:
        check.dot(dot)
    assert str(caught.value).startswith("○ dot: not written yet")


def test_a_class_that_is_half_written_says_which_method_is_missing():
    class Value(checks.find("Value").reference):
        def tanh(self):
            raise NotImplementedError("not written yet")

    with pytest.raises(check.NotWritten, match="the first 7 cases are right, `tanh` is not written yet"):
        check.Value(Value)


def test_an_argument_changed_in_place_is_named():
    def dot(a, b):
        total = float(a @ b)
        a *= 0
        return total

    def cheats_later(a, b):
        if len(a) != len(b):
            raise ValueError
        return dot(a, b)

    with pytest.raises(check.CheckFailed, match="your function changed its argument a"):
        check.dot(cheats_later)


def test_every_reference_body_is_an_exercise_or_a_helper_without_markers():
    for lesson in checks.lessons():
        module = importlib.import_module(f"handmade.reference.{lesson}")
        with open(module.__file__, encoding="utf-8") as file:
            text = file.read()
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                marked = "### BEGIN SOLUTION" in (ast.get_source_segment(text, node) or "")
                assert marked == (node.name in checks.load_lesson(lesson))


def test_the_line_that_raised_is_the_learners_even_where_torch_called_it():
    class Half(torch.nn.Module):
        def __init__(self, d_model, n_heads, bias=True):
            super().__init__()
            for part in ("query", "key", "value", "output"):
                setattr(self, part, torch.nn.Linear(d_model, d_model, bias=bias))

        def forward(self, x, causal=True):
            return x + undefined

    fault = judge(checks.find("MultiHeadAttention"), Half).fault
    assert fault.outcome.line.endswith("return x + undefined")


def test_an_error_that_was_asked_for_is_named_with_its_article():
    config = checks.load_lesson("gpt")["GPTConfig"]
    not_frozen = next(m for m in config.misconceptions if m.name == "not frozen")
    with pytest.raises(check.CheckFailed, match="Expected an AttributeError, got a number"):
        check.GPTConfig(not_frozen.implementation)
    with pytest.raises(check.CheckFailed, match="Expected a ValueError, got a number"):
        check.dot(lambda a, b: float((a[: len(b)] * b[: len(a)]).sum()))


def test_what_a_case_finds_on_its_way_is_no_error_of_the_learner():
    train = checks.find("train")
    lost = next(m for m in train.misconceptions if m.name == "earlier losses lost")
    text = message(judge(train, lost.implementation)).text()
    assert "  Expected 6 losses from the resumed run, the earlier ones too, got 2." in text.splitlines()


@pytest.mark.parametrize(
    ("n", "word"),
    [(1, "first"), (9, "ninth"), (10, "10th"), (12, "12th"), (21, "21st"), (22, "22nd"), (33, "33rd")],
)
def test_places_in_words(n, word):
    assert ordinal(n) == word
