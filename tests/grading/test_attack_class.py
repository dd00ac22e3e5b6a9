"""All attacks as one class between two honest students, graded by `handmade grade`'s own function with two jobs."""

import pytest
from grading.test_attacks import ATTACKS, QUICK, SEED
from grading.test_executor import hand_in, make_desk

from handmade.grading.desk import Desk
from handmade.grading.grade import grade
from handmade.grading.report import write_report
from handmade.grading.table import read_table

pytestmark = [pytest.mark.slow, pytest.mark.thorough]
LESSON = "01_matmul"


def test_a_class_of_attackers_gets_nothing_and_the_honest_get_all(root, tmp_path):
    folder = tmp_path / "desk"
    lesson = make_desk(folder, root, LESSON, "isolated")
    (folder / "secret_seed").write_text(str(SEED))
    for path in ATTACKS:
        hand_in(folder, LESSON, f"x_{path.stem}", lesson.notebook({"dot": path.read_text(encoding="utf-8")}))
    for student in ("a_first", "z_last"):
        hand_in(folder, LESSON, student, lesson.perfect())
    desk = Desk(folder)
    did = grade(desk, LESSON, jobs=2, settings=QUICK)
    assert (did.failed, did.errors) == ({}, [])
    totals = {row.student: row.total for row in read_table(folder, LESSON).rows}
    attackers = {name: total for name, total in totals.items() if name.startswith("x_")}
    assert len(attackers) == len(ATTACKS)
    assert {name for name, total in attackers.items() if total} == set()
    assert totals["a_first"] == totals["z_last"] == totals["perfect"] > 0
    _, report = write_report(folder, LESSON)
    for text in (report.read_text(encoding="utf-8"), (folder / "nbgrader.log").read_text(encoding="utf-8")):
        assert str(SEED) not in text
        assert "FOUND" not in text
