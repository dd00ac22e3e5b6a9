"""Grading a class: who is executed and written, what a second run repeats, and what a submission that kills does."""

import functools
import gc
import json

import nbformat
import pytest
from grading import small_desk
from grading.small_desk import LESSON, hand_in, hand_in_class, results, run, scores
from nbformat import NotebookNode
from nbformat.v4 import new_notebook
from nbgrader.api import Gradebook
from nbgrader.converters import GenerateAssignment

from handmade.grading.desk import Busy, Desk, NoDesk
from handmade.grading.exporter import SubmissionExporter
from handmade.grading.grade import NotIsolated, grade
from handmade.grading.intake import NoRelease
from handmade.grading.jobs import Here, task
from handmade.grading.table import read_table

pytestmark = pytest.mark.slow


def test_a_class_is_graded_and_a_second_run_repeats_nothing(desk):
    hand_in_class(desk, 6)
    did = run(desk)
    assert (did.executed, len(did.written), did.unchanged, did.failed, did.errors) == (6, 6, [], {}, [])
    assert [scores(desk)[f"s{i:03}", "check_double"][0] for i in range(6)] == [2] * 6
    assert [scores(desk)[f"s{i:03}", "check_square"][0] for i in range(6)] == [2, 0, 0] * 2
    before = scores(desk), {p: p.stat().st_mtime_ns for p in desk.root.rglob("*.ipynb")}
    again = run(desk)
    assert (again.executed, again.written, len(again.unchanged)) == (0, [], 6)
    assert (scores(desk), {p: p.stat().st_mtime_ns for p in desk.root.rglob("*.ipynb")}) == before


def test_two_jobs_give_the_gradebook_of_one(desk, another_desk):
    other = another_desk()
    for one, jobs in ((desk, 1), (other, 2)):
        hand_in_class(one, 7)
        hand_in(one, "poison", double="# crash\n# right", square="# right")
        run(one, jobs=jobs)
    assert len(scores(desk)) == 8 * 3
    assert scores(desk) == scores(other)


def test_who_hands_in_anew_is_graded_anew_and_nobody_else(desk):
    hand_in_class(desk, 3)
    run(desk)
    hand_in(desk, "s001", double="# right", square="# right at last")
    did = run(desk)
    assert (did.executed, did.written, did.unchanged) == (1, ["s001"], ["s000", "s002"])
    assert scores(desk)["s001", "check_square"][0] == 2


def test_equal_submissions_are_executed_once_and_each_is_graded(desk):
    for student in ("ada", "bob"):
        hand_in(desk, student, double="# right", square="# right")
    did = run(desk)
    assert (did.executed, did.written) == (1, ["ada", "bob"])
    assert scores(desk)["bob", "check_square"][0] == 2


def test_equal_code_in_other_places_is_another_result(desk):
    """Outputs are put back by place: those of a notebook with a text cell more would land one cell too early."""
    for student in ("ada", "bob"):
        path = hand_in(desk, student, double="# right")
    notebook = json.loads(path.read_text())
    notebook["cells"].insert(0, nbformat.v4.new_markdown_cell("my notes", id="notes"))
    path.write_text(json.dumps(notebook))
    assert run(desk).executed == 2
    for student in ("ada", "bob"):
        assert [scores(desk)[student, f"check_{name}"][0] for name in ("double", "square")] == [2, 0]


def test_a_glob_names_the_students(desk):
    hand_in_class(desk, 3)
    assert run(desk, students="s00[12]").written == ["s001", "s002"]
    assert run(desk).written == ["s000"]


def test_another_seed_or_other_options_execute_again(desk):
    hand_in_class(desk, 2)
    run(desk)
    did = grade(desk, LESSON, settings=desk.settings(by_hand="fail"), work=small_desk.WORK)
    assert (did.executed, len(did.written)) == (2, 2)
    (desk.root / "secret_seed").write_text("7\n")
    assert run(desk).executed == 2


def test_manual_points_stay(desk):
    hand_in_class(desk, 1)
    run(desk)
    with Gradebook(desk.db_url, desk.course_id) as gradebook:
        gradebook.find_grade("why", LESSON, LESSON, "s000").manual_score = 2.5
        gradebook.db.commit()
    hand_in(desk, "s000", double="# right", square="# wrong now")
    run(desk)
    assert scores(desk)["s000", "why"][1] == 2.5
    assert scores(desk)["s000", "check_square"][0] == 0


@pytest.mark.parametrize(
    ("line", "told"), [("# crash", "signal 11"), ("# raise", "a fault of the grader's own")]
)
def test_what_cannot_be_executed_gets_nothing_and_a_reason_and_the_others_their_points(desk, line, told):
    hand_in_class(desk, 2)
    hand_in(desk, "poison", double=f"{line}\n# right", square="# right")
    did = run(desk)
    assert list(did.failed) == ["poison"]
    assert told in did.failed["poison"]
    assert scores(desk)["poison", "check_double"][0] == 0
    assert scores(desk)["s000", "check_double"][0] == 2
    graded = desk.root / "autograded" / "poison" / LESSON / f"{LESSON}.ipynb"
    assert told in graded.read_text()
    assert any(
        "Could not be executed" in said for said in read_table(desk.root, LESSON).row("poison").happened
    )
    again = run(desk)  # perhaps the fault is mended meanwhile
    assert (again.executed, again.unchanged) == (1, ["poison", "s000", "s001"])


def test_a_notebook_that_cannot_be_read_gets_nothing_and_the_others_their_points(desk):
    hand_in_class(desk, 2)
    hand_in(desk, "torn").write_text('{"cells": [')
    did = run(desk)
    assert did.errors == []
    assert scores(desk)["torn", "check_double"][0] == 0
    assert scores(desk)["s000", "check_double"][0] == 2


def test_a_damaged_result_is_made_again(desk):
    hand_in_class(desk, 2)
    run(desk)
    for path, damage in zip(results(desk), (b'{"cells": [', b""), strict=True):
        path.write_bytes(damage)
    assert run(desk).executed == 2


def test_a_lost_gradebook_or_graded_notebook_is_made_again(desk):
    hand_in_class(desk, 2)
    run(desk)
    before = scores(desk)
    (desk.root / "autograded/s000" / LESSON / f"{LESSON}.ipynb").unlink()
    assert run(desk).written == ["s000"]
    other = f"sqlite:///{desk.root}/other.db"
    moved = Desk(desk.root, db_url=other)
    moved.run(moved.application("GenerateAssignmentApp"), GenerateAssignment, LESSON, ".")
    assert len(run(moved).written) == 2
    assert scores(moved) == before


def test_another_time_of_handing_in_is_written_down(desk):
    hand_in_class(desk, 1)
    (desk.root / "submitted/s000" / LESSON / "timestamp.txt").write_text("2026-01-05 10:00:00 UTC")
    run(desk)
    assert run(desk).written == []
    (desk.root / "submitted/s000" / LESSON / "timestamp.txt").write_text("2026-01-06 10:00:00 UTC")
    did = run(desk)
    assert (did.executed, did.written) == (0, ["s000"])


def test_one_writer_at_a_time(desk):
    hand_in_class(desk, 1)
    with desk.locked(), pytest.raises(Busy, match="Another run is grading"):
        run(Desk(desk.root))


def test_no_desk_and_no_release(desk, tmp_path):
    with pytest.raises(NoDesk, match=r"nbgrader_config\.py"):
        Desk(tmp_path / "nowhere")
    with pytest.raises(NoRelease, match="generate_assignment 02_none"):
        grade(desk, "02_none", work=small_desk.WORK)


def test_a_desk_without_isolation_is_nbgraders(desk):
    hand_in_class(desk, 1)
    with (desk.root / "nbgrader_config.py").open("a") as config:
        config.write('c.Autograde.autograde_preprocessors[0] = "nbgrader.preprocessors.Execute"\n')
    with pytest.raises(NotIsolated, match="grade with `nbgrader autograde 01_tiny`"):
        run(Desk(desk.root))
    assert results(desk) == []


def test_all_processes_are_warm_before_the_class_begins(desk):
    """The second used to start, and to import torch, while the first executed: the class waited for it."""
    nothing = task("", new_notebook(cells=[]), {}, small_desk.WORK)
    with Here(2) as here:
        assert here.run_everywhere(nothing)[""].result["isolation"] == {"fake": "yes"}
        assert all(runner._process is not None for runner in here.runners)


def test_no_process_starts_that_has_no_work(desk, monkeypatch):
    hand_in_class(desk, 3)
    started = []
    monkeypatch.setattr("handmade.grading.grade.Here", lambda jobs: started.append(jobs) or Here(jobs))
    run(desk, jobs=8, students="s001")
    assert started == [1]


def test_what_isolation_is_in_force_is_said_first(desk):
    said = []
    run_and_say = functools.partial(run, desk, say=said.append)
    hand_in_class(desk, 1)
    run_and_say(jobs=2)
    assert said == ["Isolation: yes (fake)"]


@pytest.mark.parametrize("work", ["grading.fake_work:refuse"])
def test_where_required_isolation_is_missing_nothing_is_executed(desk, work):
    hand_in_class(desk, 1)
    with pytest.raises(
        NotIsolated, match=r"does not isolate a submission's network\. Isolation was required"
    ):
        grade(desk, LESSON, work=work, settings=desk.settings(require_isolation=True))
    assert results(desk) == []
    assert scores(desk) == {}


def test_results_are_plain_json_and_whole(desk):
    hand_in_class(desk, 2)
    run(desk)
    files = results(desk)
    assert [p.suffix for p in files] == [".json", ".json"]
    assert all(json.loads(p.read_text())["cells"] for p in files)


def test_ten_thousand_notebooks_need_no_more_memory_than_one():
    """nbconvert keeps the metadata of every notebook that an exporter has seen; ours hold the record of an execution."""
    exporter = SubmissionExporter()

    def held():
        gc.collect()
        return sum(type(thing) is NotebookNode for thing in gc.get_objects())

    before = held()
    for student in "abc":
        notebook = new_notebook(metadata={"handmade": {"key": student}})
        text, _ = exporter.from_notebook_node(notebook, {"metadata": {"path": student, "name": "01_tiny"}})
        assert f'"key": "{student}"' in text
    del notebook
    assert held() == before
