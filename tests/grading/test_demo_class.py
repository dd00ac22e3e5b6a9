"""A class of what instructors really get, graded by nbgrader's own commands: every score, and every repair."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request

import nbformat
import pytest

from handmade.grading import demo
from handmade.grading.intake import load_record

LESSON = "01_matmul"
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("demo class")]
each_student = pytest.mark.parametrize("student", demo.CLASS, ids=lambda s: s.name)


@pytest.fixture(scope="module")
def desk(root, tmp_path_factory):
    """The demo class, graded."""
    folder = tmp_path_factory.mktemp("desk")
    demo.make_class(folder, LESSON, root / "solutions")
    return folder


@pytest.fixture(scope="module")
def table(desk):
    return demo.read_table(desk, LESSON)


@pytest.fixture(scope="module")
def lesson(lesson_release):
    return demo.Lesson(LESSON, lesson_release)


def nbgrader(desk, *command):
    """Run a command of nbgrader's as an instructor does, and return what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *command], cwd=desk, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_everybody_is_graded(table):
    assert {row.student for row in table.rows} == {student.name for student in demo.CLASS}


@each_student
def test_score(table, lesson, student):
    points = table.row(student.name).points
    lost = student.lost(lesson)
    expected = {
        f"check_{name}": 0 if name in lost else lesson.exercises[name].points for name in lesson.names
    }
    assert {name: points[name] for name in expected} == expected
    assert {name for name, value in points.items() if value is None} == {
        column.grade_id for column in table.columns if column.by_hand
    }


@each_student
def test_what_the_table_says(table, student):
    said = "\n".join(table.row(student.name).happened)
    assert [words for words in student.told if words not in said] == []
    assert bool(said) == bool(student.told)


@each_student
def test_repairs_are_recorded_and_shown_and_the_original_is_kept(desk, lesson, student):
    record = load_record(desk, student.name, LESSON)
    assert (record is not None) == student.repaired
    graded = nbformat.read(desk / "autograded" / student.name / LESSON / f"{LESSON}.ipynb", as_version=4)
    if record is None:
        assert graded.cells[0].source.startswith("# 01")
        return
    assert all(sentence in graded.cells[0].source for sentence in record.sentences)
    for name, data in student.hand_in(lesson).items():
        kept = desk / "submitted_originals" / student.name / LESSON / record.kept.get(name, name)
        if not kept.is_file():  # what took nobody's place stays where it was
            kept = desk / "submitted" / student.name / LESSON / name
        # made from the release in course/ here, and in release/ there: the same but for nbgrader's checksums
        assert _without_checksums(kept.read_bytes()) == _without_checksums(data)


def _without_checksums(data):
    try:
        notebook = json.loads(data)
    except ValueError:
        return len(data) // 20_000
    for cell in notebook["cells"]:
        for key in ("checksum", "cell_type"):
            cell["metadata"].get("nbgrader", {}).pop(key, None)
    return notebook


def test_the_table_as_text(table):
    text = str(table)
    assert "01_matmul: 21 students; 14 points by checks, 5 by hand" in text
    assert max(map(len, text.splitlines()[:14])) < 90


def test_who_handed_in_since_the_last_grading_is_in_the_table(desk):
    folder = desk / "submitted" / "late" / LESSON
    folder.mkdir(parents=True)
    assert "Not graded" in demo.read_table(desk, LESSON).row("late").happened[0]
    folder.rmdir()


def test_without_a_gradebook_the_table_says_what_to_do(tmp_path, desk):
    with pytest.raises(FileNotFoundError, match="There is no gradebook"):
        demo.read_table(tmp_path, LESSON)
    with pytest.raises(FileNotFoundError, match="The gradebook knows no 99_none"):
        demo.read_table(desk, "99_none")


def test_grading_again_changes_nothing(desk, table):
    said = nbgrader(desk, "autograde", LESSON)
    assert "Writing" not in said
    assert str(demo.read_table(desk, LESSON)) == str(table)


def test_the_seed_is_the_desks_own_and_no_submission_sees_it(desk):
    """The hidden cases are drawn from it (test_execution); here: the desk's seed is in force, and out of reach."""
    folder = desk / "submitted" / "curious" / LESSON
    folder.mkdir(parents=True)
    notebook = nbformat.read(desk / "release" / LESSON / f"{LESSON}.ipynb", as_version=4)
    look = f"import os; print(os.environ.get('HANDMADE_SEED')); open({str(desk / 'secret_seed')!r})"
    notebook.cells.append(nbformat.v4.new_code_cell(look))
    nbformat.write(notebook, folder / f"{LESSON}.ipynb")
    nbgrader(desk, "autograde", LESSON, "--student=curious")
    graded = nbformat.read(desk / "autograded" / "curious" / LESSON / f"{LESSON}.ipynb", as_version=4)
    assert graded.cells[-1].outputs[0].text == "None\n"
    assert graded.cells[-1].outputs[1].ename == "PermissionError"
    record = graded.metadata["handmade"]
    assert record["isolation"]["limits"]
    assert {run["state"] for run in record["checks"]} == {"not written"}


def test_feedback_has_points_and_messages_and_no_hidden_tests(desk):
    for student in ("one_wrong", "not_json", "tests_edited"):
        nbgrader(desk, "generate_feedback", LESSON, f"--student={student}")
    html = {
        student: (desk / "feedback" / student / LESSON / f"{LESSON}.html").read_text()
        for student in ("one_wrong", "not_json", "tests_edited")
    }
    for text in html.values():
        assert "HIDDEN" not in text
        assert "hidden=True" not in text
        assert "showtraceback was disabled" not in text
    assert "Score: 12.0 / 19.0" in html["one_wrong"]
    assert "ends in the middle" in html["not_json"]
    assert "Repaired before grading" in html["tests_edited"]


def test_export(desk):
    nbgrader(desk, "export")
    lines = (desk / "grades.csv").read_text().splitlines()
    scores = {line.split(",")[3]: line.split(",")[-2] for line in lines[1:]}
    assert scores["perfect"] == "14.0"
    assert scores["blank"] == "0.0"


def test_formgrader_is_served_and_knows_the_class(desk):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyter", "server", "--no-browser", "--allow-root"),
            *(f"--port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token=open"),
        ],
        cwd=desk,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"JUPYTER_RUNTIME_DIR": str(desk / "runtime")},
    )
    try:
        assert "formgrader" in _get(port, "/formgrader/manage_assignments").lower()
        assignments = json.loads(_get(port, "/formgrader/api/assignments"))
        assignment = next(a for a in assignments if a["name"] == LESSON)
        assert assignment["num_submissions"] >= len(demo.CLASS)
        submissions = json.loads(_get(port, f"/formgrader/api/submissions/{LESSON}"))
        assert {s["student"]: s["score"] for s in submissions}["perfect"] == 14
        [notebook] = json.loads(_get(port, f"/formgrader/api/submitted_notebooks/{LESSON}/{LESSON}"))[:1]
        assert "Manual Grading" in _get(port, f"/formgrader/submissions/{notebook['id']}/?index=0")
    finally:
        server.terminate()
        server.wait(timeout=30)


def _get(port, path, patience=60):
    """Return a page's text; the server may need a while to start."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", headers={"Authorization": "token open"}
    )
    end = time.monotonic() + patience
    while True:
        with (
            contextlib.suppress(ConnectionError, urllib.error.URLError),
            urllib.request.urlopen(request, timeout=60) as answer,
        ):
            return answer.read().decode()
        assert time.monotonic() < end, f"no answer from {path}"
        time.sleep(0.5)


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("important")
    with pytest.raises(FileExistsError, match="something else"):
        demo.make_class(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "important"
