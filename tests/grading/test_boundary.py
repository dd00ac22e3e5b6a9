"""Every exercise of every lesson across the boundary: right answers pass, mistakes fail with the words that a notebook shows.

The candidates run in a worker, the same code as in tests/checks, and the checks run here. (The worker is not locked down: it has to read
the candidates, which stand in the package.)
"""

import pytest
from checks.test_messages import FOLDER, text_of

from handmade import checks
from handmade.checks.guard import counting
from handmade.checks.message import message
from handmade.checks.run import judge
from handmade.grading.execution import Limits, Settings
from handmade.grading.session import Session
from handmade.grading.zygote import Zygote

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("boundary")]
each_lesson = pytest.mark.parametrize("lesson", checks.lessons())

CANDIDATES = """
import importlib, sys
sys.meta_path[:] = [f for f in sys.meta_path if not type(f).__module__.endswith("standins")]
for name in [n for n in sys.modules if n.partition(".")[0] == "handmade"]:
    del sys.modules[name]
sys.path.insert(0, {tests!r})
from handmade import checks
others = [importlib.import_module(f"{{where}}.{lesson}") for where in ("handmade.grading.other_answers", "checks.loop_answers")]
for exercise in checks.load_lesson({lesson!r}).values():
    globals()[f"right_{{exercise.name}}"] = exercise.reference
    for i, module in enumerate(others):
        globals()[f"right_{{exercise.name}}_{{i}}"] = getattr(module, exercise.name)
    for i, wrong in enumerate(exercise.misconceptions):
        globals()[f"wrong_{{exercise.name}}_{{i}}"] = wrong.implementation
"""


@pytest.fixture(scope="module")
def open_zygote():
    with Zygote(isolate=False) as made:
        yield made


@pytest.fixture
def far(open_zygote, root, lesson):
    """A session in which all candidates of a lesson are."""
    patient = Settings(limits=Limits(total_seconds=3600))  # a whole lesson's mistakes, as one submission
    session = Session(open_zygote, patient, 1, lambda names: ({}, {}))
    done = session.run_cell(0, CANDIDATES.format(tests=str(root / "tests"), lesson=lesson))
    assert done["error"] is None, done["error"]
    with counting(session.elsewhere()):
        yield session
    session.close()


@each_lesson
def test_right_answers_in_any_idiom_pass(far, lesson):
    for exercise in checks.load_lesson(lesson).values():
        for name in (f"right_{exercise.name}_0", f"right_{exercise.name}_1"):
            verdict = judge(exercise, far.fetch(name), seed=20261124, hidden=True)
            assert verdict.passed, f"{name}: {message(verdict).text()}"


# Four lessons of different kinds here, the others in make test-more: across the boundary a mistake costs many messages.
@pytest.mark.parametrize(
    "lesson",
    [
        name
        if name in ("matmul", "learning", "tokens", "attention")
        else pytest.param(name, marks=pytest.mark.thorough)
        for name in checks.lessons()
    ],
)
def test_mistakes_are_refused_with_the_words_of_a_notebook(far, lesson):
    def candidate(exercise, wrong):
        far.begin_cell()
        if wrong is None:
            return far.fetch(f"right_{exercise.name}")
        return far.fetch(f"wrong_{exercise.name}_{exercise.misconceptions.index(wrong)}")

    assert text_of(lesson, candidate) == (FOLDER / f"{lesson}.txt").read_text(encoding="utf-8")
