"""The pass over submitted/: what is repaired is recorded and kept, and a second pass changes nothing."""

import copy
import json

import nbformat
import pytest
from grading.conftest import cell, grade_ids

from handmade.grading.intake import NoRelease, load_record, take_in

LESSON = "01_tiny"


@pytest.fixture
def desk(tmp_path, release):
    folder = tmp_path / "release" / LESSON
    folder.mkdir(parents=True)
    nbformat.write(release, folder / f"{LESSON}.ipynb")
    return tmp_path


def data(notebook):
    return json.dumps(notebook).encode()


def hand_in(desk, student, **files):
    """Put files into a student's folder; `right` stands for the right name."""
    folder = desk / "submitted" / student / LESSON
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / (f"{LESSON}.ipynb" if name == "right" else name)).write_bytes(content)
    return folder / f"{LESSON}.ipynb"


def snapshot(desk):
    """Return every file's bytes and time of change."""
    return {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in sorted(desk.rglob("*")) if p.is_file()}


@pytest.fixture
def broken(done):
    """A solved notebook without its checks."""
    notebook = copy.deepcopy(done)
    notebook.cells = [c for c in notebook.cells if not c.metadata.get("nbgrader", {}).get("grade")]
    return notebook


def test_no_release(desk):
    with pytest.raises(NoRelease, match="nbgrader generate_assignment 02_none"):
        take_in(desk, "02_none")


def test_a_whole_notebook_is_not_touched(desk, done):
    hand_in(desk, "ada", right=data(done))
    before = snapshot(desk)
    assert take_in(desk, LESSON) == []
    assert snapshot(desk) == before
    assert load_record(desk, "ada", LESSON) is None


def test_a_repair_keeps_the_original_says_so_and_is_not_repeated(desk, broken, release):
    path = hand_in(desk, "ada", right=data(broken))
    [record] = take_in(desk, LESSON)
    assert record == load_record(desk, "ada", LESSON)
    assert "2 cells had been deleted" in record.sentences[0]
    kept = desk / "submitted_originals" / "ada" / LESSON / f"{LESSON}.ipynb"
    assert kept.read_bytes() == data(broken)
    notebook = nbformat.read(path, as_version=4)
    assert notebook.cells[0].source.startswith("## Repaired before grading")
    assert record.sentences[0] in notebook.cells[0].source
    assert sorted(grade_ids(notebook)) == sorted(grade_ids(release))
    before = snapshot(desk)
    assert take_in(desk, LESSON) == [record]
    assert snapshot(desk) == before


def test_what_is_handed_in_anew_is_looked_at_anew(desk, broken, done):
    path = hand_in(desk, "ada", right=data(broken))
    take_in(desk, LESSON)
    broken.cells.append(copy.deepcopy(cell(done, "check_double")))
    path.write_bytes(data(broken))
    [record] = take_in(desk, LESSON)
    assert "1 cell had been deleted" in record.sentences[0]
    originals = desk / "submitted_originals" / "ada" / LESSON
    assert (originals / f"{LESSON}.2.ipynb").read_bytes() == data(broken)
    assert (originals / f"{LESSON}.ipynb").is_file()
    path.write_bytes(data(done))
    assert take_in(desk, LESSON) == []
    assert path.read_bytes() == data(done)
    assert load_record(desk, "ada", LESSON) is None


def test_a_pass_that_was_cut_short_is_done_again(desk, broken):
    path = hand_in(desk, "ada", right=data(broken))
    [first] = take_in(desk, LESSON)
    repaired = path.read_bytes()
    path.write_bytes(data(broken))  # as if it ended before the last step
    [second] = take_in(desk, LESSON)
    assert path.read_bytes() == repaired
    assert second.sentences == first.sentences
    assert [p.name for p in sorted((desk / "submitted_originals/ada" / LESSON).iterdir())] == [
        f"{LESSON}.ipynb",
        "repairs.json",
    ]


@pytest.mark.parametrize(
    "name", [f"{LESSON} (1).ipynb", "my work.IPYNB", f"{LESSON}.ipynb.txt", "notebook.json", "answers.txt"]
)
def test_a_wrong_name(desk, done, name, release):
    path = hand_in(desk, "ada", **{name: data(done)})
    [record] = take_in(desk, LESSON)
    assert f"`{name}`" in record.sentences[0]
    assert sorted(grade_ids(nbformat.read(path, as_version=4))) == sorted(grade_ids(release))
    before = snapshot(desk)
    take_in(desk, LESSON)
    assert snapshot(desk) == before


def test_a_notebook_in_a_folder_of_the_archive(desk, done):
    path = hand_in(desk, "ada", **{"note.txt": b"hello"})
    (path.parent / "work" / ".hidden").mkdir(parents=True)
    (path.parent / "work" / f"{LESSON}.ipynb").write_bytes(data(done))
    (path.parent / "work" / ".hidden" / "other.ipynb").write_bytes(data(done))
    [record] = take_in(desk, LESSON)
    assert record.sentences == [
        f"The notebook is named `work/{LESSON}.ipynb`; it was graded as `{LESSON}.ipynb`."
    ]


def test_work_under_another_name_beats_a_blank_under_the_right_one(desk, done, release):
    path = hand_in(desk, "ada", right=data(release), **{"real.ipynb": data(done)})
    [record] = take_in(desk, LESSON)
    assert "`real.ipynb`" in record.sentences[0]
    assert "helper(x)" in cell(nbformat.read(path, as_version=4), "double").source
    assert (desk / "submitted_originals/ada" / LESSON / f"{LESSON}.ipynb").read_bytes() == data(release)
    before = snapshot(desk)
    take_in(desk, LESSON)
    assert snapshot(desk) == before


def test_two_notebooks_with_work(desk, done):
    path = hand_in(desk, "ada", right=data(done), **{"draft.ipynb": data(done)})
    [record] = take_in(desk, LESSON)
    assert record.sentences == [
        "More than one notebook of this lesson was handed in; not graded: `draft.ipynb`."
    ]
    assert path.is_file()


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"right": b""}, f"`{LESSON}.ipynb` could not be read. The file is empty."),
        ({"right": b"%PDF"}, f"`{LESSON}.ipynb` could not be read. The file is a PDF"),
        ({f"{LESSON}.pdf": b"%PDF"}, f"There is no `{LESSON}.ipynb` in what was handed in. `{LESSON}.pdf`"),
        ({"answers.txt": b"1. 32"}, "`answers.txt` could not be used."),
        ({}, "the folder is empty"),
        (
            {"other.ipynb": b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'},
            "not a notebook of this lesson",
        ),
    ],
    ids=str,
)
def test_what_cannot_be_read_is_graded_blank_with_the_reason_on_top(desk, files, reason, release):
    path = hand_in(desk, "ada", **files)
    [record] = take_in(desk, LESSON)
    assert reason in record.unreadable
    notebook = nbformat.read(path, as_version=4)
    assert reason in notebook.cells[0].source
    assert notebook.cells[1:] == release.cells
    before = snapshot(desk)
    assert take_in(desk, LESSON) == [record]
    assert snapshot(desk) == before


def test_after_a_bad_file_a_good_one_under_another_name(desk, done):
    path = hand_in(desk, "ada", right=b"")
    take_in(desk, LESSON)
    hand_in(desk, "ada", **{"again.ipynb": data(done)})
    [record] = take_in(desk, LESSON)
    assert not record.unreadable
    assert f"`{LESSON}.ipynb` was not graded. The file is empty." in record.sentences[1]
    assert "helper(x)" in cell(nbformat.read(path, as_version=4), "double").source


def test_links_and_folders_in_the_notebooks_place(desk, done, tmp_path):
    secret = tmp_path / "secret.ipynb"
    secret.write_bytes(data(done))
    path = hand_in(desk, "link")
    path.symlink_to(secret)
    folder = hand_in(desk, "folder")
    folder.mkdir()
    (folder / "inside.ipynb").write_bytes(data(done))
    by_student = {record.student: record for record in take_in(desk, LESSON)}
    assert "the folder is empty" in by_student["link"].unreadable
    assert secret.read_bytes() == data(done)
    assert not path.is_symlink()
    assert "inside.ipynb" in by_student["folder"].sentences[0]
    assert folder.is_file()


def test_a_time_that_cannot_be_read_is_put_away(desk, done):
    path = hand_in(desk, "ada", right=data(done), **{"timestamp.txt": b"yesterday evening"})
    hand_in(desk, "bob", right=data(done), **{"timestamp.txt": b"2026-11-24 10:00:00 UTC"})
    [record] = take_in(desk, LESSON)
    assert "`timestamp.txt`" in record.sentences[0]
    assert not (path.parent / "timestamp.txt").exists()
    assert take_in(desk, LESSON) == [record]


def test_one_submission_never_stops_the_others(desk, broken, monkeypatch):
    def fails_for_ben(submitted, release):
        if len(submitted.cells) == 1:
            raise RecursionError("nobody thought of this")
        return whole(submitted, release)

    from handmade.grading import intake

    whole = intake.sanitise
    monkeypatch.setattr(intake, "sanitise", fails_for_ben)
    hand_in(desk, "ada", right=data(broken))
    one = copy.deepcopy(broken)
    one.cells = [c for c in one.cells if c.source.startswith("def double")]
    hand_in(desk, "ben", right=data(one))
    hand_in(desk, "cyd", right=data(broken))
    records = take_in(desk, LESSON)
    assert [bool(record.unreadable) for record in records] == [False, True, False]
    assert "Ask your instructor" in records[1].unreadable


def test_only_the_students_that_were_asked_for(desk):
    for student in ("ada", "anne", "bob"):
        hand_in(desk, student, right=b"")
    assert [record.student for record in take_in(desk, LESSON, "a*", excluded=["anne"])] == ["ada"]
