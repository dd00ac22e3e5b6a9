"""Attacks on grading: each file in attacks/ is a cell in place of the first answer; its first line says what it tries.

All answers that it does not give are stubs, so that whoever gets a point has forged it.
"""

import time
from pathlib import Path

import nbformat
import pytest

from handmade.checks.exercise import SEED_VARIABLE
from handmade.grading import demo
from handmade.grading.execution import Limits, Settings, execute, graded_cells, handed_out_cells
from handmade.grading.zygote import Zygote

ATTACKS = sorted((Path(__file__).parent / "attacks").glob("*.py"))
QUICK = Settings(limits=Limits(cell_seconds=3.0, total_seconds=60.0))
SEED = 8_675_309_123
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("attacks")]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A desk with what must not be read."""
    desk = tmp_path_factory.mktemp("desk")
    (desk / "gradebook.db").write_text("the gradebook")
    (desk / "secret_seed").write_text(str(SEED))
    return desk


@pytest.fixture(scope="module")
def hidden_zygote(place, root):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SEED_VARIABLE, str(SEED))  # as nbgrader's exporter does
        with Zygote((place, root / "solutions")) as made:
            yield made


@pytest.fixture(scope="module")
def lesson(root):
    release = nbformat.read(root / "course/01_matmul/01_matmul.ipynb", as_version=4)
    source = nbformat.read(root / "solutions/01_matmul/01_matmul.ipynb", as_version=4)
    made = demo.Lesson("01_matmul", release)
    made.graded, made.handed_out = graded_cells(source), handed_out_cells(release)
    return made


def graded(lesson, notebook, zygote):
    return execute(
        notebook, graded=lesson.graded, seed=SEED, handed_out=lesson.handed_out, settings=QUICK, zygote=zygote
    )


def points(executed):
    """Return how many graded cells ended without an error."""
    return sum(
        all(o["output_type"] not in ("error", "execute_result") for o in cell.outputs)
        for cell in executed.cells
        if cell.role == "graded"
    )


def everything_shown(executed):
    return "\n".join(str(o) for cell in executed.cells for o in cell.outputs)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda path: path.stem)
def test_no_point_is_forged_nothing_leaks_and_the_next_submission_is_graded(
    attack, lesson, hidden_zygote, place
):
    text = attack.read_text(encoding="utf-8")
    assert text.startswith("# ")
    start = time.monotonic()
    # No stub comes after what it defines.
    more = {name: "" for name in lesson.names if name != "dot" and f"def {name}(" in text}
    executed = graded(lesson, lesson.notebook({"dot": text, **more}), hidden_zygote)
    assert points(executed) == 0
    assert len(executed.cells) == sum(c.cell_type == "code" for c in lesson.release.cells)
    shown = everything_shown(executed)
    for secret in (str(SEED), "the gradebook", "FOUND", "OBJECT", "CONNECTED", "STARTED", "ANSWERED"):
        assert secret not in shown.replace(text, "")
    assert len(shown) < 10**6
    assert (place / "gradebook.db").read_text() == "the gradebook"
    assert time.monotonic() - start < 150
    good = graded(lesson, lesson.perfect(), hidden_zygote)
    assert points(good) == len(lesson.names)
    assert good.limits == good.notes == []


def test_each_attack_says_what_it_tries():
    first = [path.read_text(encoding="utf-8").partition("\n")[0] for path in ATTACKS]
    assert len(set(first)) == len(ATTACKS) >= 40
    assert all(line.startswith("# ") and line.endswith(".") for line in first)
