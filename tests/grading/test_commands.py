"""`handmade grade`, `report`, `export` and `feedback` as an instructor types them, on a real lesson in real isolation."""

import csv
import os
import shutil
import subprocess
import sys

import nbformat
import pytest

from handmade.grading import demo
from handmade.grading.table import read_table

LESSON = "01_matmul"
WHO = ("perfect", "one_wrong", "half_done", "tests_deleted", "not_json", "endless_function")
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("commands")]


def handmade(desk, *command, code=0):
    """Run a command in the desk's folder, and return what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "handmade.cli", *command],
        cwd=desk,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def lesson(lesson_release):
    return demo.Lesson(LESSON, lesson_release)


@pytest.fixture(scope="module")
def said(root, lesson, tmp_path_factory):
    """A desk with six students of the demo class, and what grading them said."""
    desk = tmp_path_factory.mktemp("desk")
    shutil.copytree(root / "solutions" / LESSON, desk / "solutions" / LESSON)
    (desk / "nbgrader_config.py").write_text(
        demo._CONFIG.format(solutions=str(desk / "solutions"), seconds=30)
    )
    demo._nbgrader(desk, ["generate_assignment", LESSON])
    for student in demo.CLASS:
        if student.name in WHO:
            folder = desk / "submitted" / student.name / LESSON
            folder.mkdir(parents=True)
            for name, data in student.hand_in(lesson).items():
                (folder / name).write_bytes(data)
    return desk, handmade(desk, "grade", LESSON, "--jobs", "2")


@pytest.fixture(scope="module")
def desk(said):
    return said[0]


@pytest.mark.parametrize("student", [s for s in demo.CLASS if s.name in WHO], ids=lambda s: s.name)
def test_score(desk, lesson, student):
    points = read_table(desk, LESSON).row(student.name).points
    lost = student.lost(lesson)
    expected = {f"check_{n}": 0 if n in lost else lesson.exercises[n].points for n in lesson.names}
    assert {name: points[name] for name in expected} == expected


def test_grading_says_what_an_instructor_wants_to_know(said):
    desk, text = said
    assert text.startswith("Isolation: ")
    assert "6 executed and 6 written now, 0 as they were." in text
    assert "6 of 6 graded, on average" in text
    assert "1 repaired, 1 not readable, 1 hit a limit" in text
    assert "12 written answers wait to be read" in text
    assert "To teach tomorrow:\n  1 of 6  collapse: You multiplied" in text
    assert f"The report: {desk}/reports/{LESSON}.html" in text
    assert "Warning" not in text


def test_a_second_time_nothing_is_left_to_do(desk):
    assert "0 executed and 0 written now, 6 as they were." in handmade(desk, "grade", LESSON)


def test_the_record_stays_with_the_grade(desk):
    record = read_table(desk, LESSON).row("one_wrong").graded
    [wrong] = [run for run in record["checks"] if run["state"] == "wrong"]
    assert (wrong["exercise"], wrong["misconception"]) == ("collapse", "order reversed")
    assert record["isolation"]["limits"]
    assert record["seconds"] > 0


def test_report(desk):
    (desk / "reports" / f"{LESSON}.html").unlink()
    assert "6 of 6 graded" in handmade(desk, "report", LESSON)
    page = (desk / "reports" / f"{LESSON}.html").read_text()
    assert "You multiplied the matrices in the opposite order." in page
    assert "cosine_similarity</code> did not answer" in page


def test_exports(desk):
    assert "The written answers of 6 students are not graded yet" in handmade(desk, "export", LESSON)
    with (desk / f"{LESSON}-csv.csv").open(encoding="utf-8-sig") as file:
        found = {line["student"]: line for line in csv.DictReader(file)}
    assert {name: line["sum (19)"] for name, line in found.items()}["perfect"] == "14"
    handmade(desk, "export", LESSON, "--format", "canvas", "--column", "Matrices", "--output", "canvas.csv")
    assert (
        (desk / "canvas.csv").read_text().startswith("Student,ID,SIS User ID,SIS Login ID,Section,Matrices\n")
    )
    (desk / "bad.csv").write_text("a,b\n1,2\n")
    assert "Error: expected Canvas's exported gradebook" in handmade(
        desk, "export", LESSON, "--format", "canvas", "--roster", "bad.csv", code=1
    )


def test_feedback_has_points_and_messages_and_no_hidden_tests(desk):
    handmade(desk, "feedback", LESSON)
    pages = {who: (desk / "feedback" / who / LESSON / f"{LESSON}.html").read_text() for who in WHO}
    for page in pages.values():
        assert "HIDDEN" not in page
        assert "hidden=True" not in page
    assert "Score: 12.0 / 19.0" in pages["one_wrong"]
    assert "You multiplied the matrices in the opposite order." in pages["one_wrong"]
    assert "all 8 hidden cases are right too" in pages["perfect"]
    assert "not written yet" in pages["half_done"]
    assert "ends in the middle" in pages["not_json"]
    assert "Repaired before grading" in pages["tests_deleted"]


def test_a_picture_that_a_graded_notebook_holds_is_in_its_feedback(desk):
    """Demo cells do not run in isolation; where nbgrader's own kernel runs them, the stills of pictures are outputs."""
    path = desk / "autograded" / "perfect" / LESSON / f"{LESSON}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    cell = next(c for c in notebook.cells if c.source.startswith("figures."))
    still = '<figure><img alt="two views" src="data:image/png;base64,AAAA"></figure>'
    cell.outputs = [nbformat.v4.new_output("display_data", {"text/html": still, "text/plain": "a picture"})]
    path.chmod(0o644)
    nbformat.write(notebook, path)
    handmade(desk, "feedback", LESSON, "--student", "perfect")
    page = (desk / "feedback/perfect" / LESSON / f"{LESSON}.html").read_text()
    assert 'alt="two views" src="data:image/png;base64,AAAA"' in page


def test_mistakes_are_said_in_a_sentence(desk, tmp_path):
    said = handmade(tmp_path, "grade", LESSON, code=1)
    assert (
        said
        == "Error: There is no nbgrader_config.py in autograde: expected an instructor's desk, such as the folder autograde/ of this repository.\n"
    )
    assert "Run first: nbgrader generate_assignment 02_none" in handmade(desk, "grade", "02_none", code=1)
    assert "The gradebook knows no 02_none" in handmade(desk, "report", "02_none", code=1)
    assert "no_such" in handmade(desk, "export", LESSON, "--roster", "no_such.csv", code=2)
    (desk / "secret_seed").rename(desk / "kept")
    (desk / "secret_seed").write_text("twelve")
    try:
        assert "expected a whole number" in handmade(desk, "grade", LESSON, code=1)
    finally:
        os.replace(desk / "kept", desk / "secret_seed")
