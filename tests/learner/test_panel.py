"""The panel under a notebook's first cell: what it says, where it leads, and that a check renews it."""

import json

import pytest

from handmade.learner import overview, panel, progress, texts


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A learner's folder, and a kernel that has shown no panel yet."""
    monkeypatch.setattr(panel, "_shown", [])
    monkeypatch.setattr(progress, "_after", [])
    (tmp_path / "work/.handmade").mkdir(parents=True)
    (tmp_path / "work/01_matmul").mkdir()
    monkeypatch.chdir(tmp_path / "work/01_matmul")
    return tmp_path / "work"


def shown(lesson="01_matmul"):
    panel.begin(lesson)
    return panel._panel()


def test_it_says_what_is_done_and_leads_to_what_is_next():
    progress.record("check", "dot", state="passed")
    progress.record("hint", "matvec_by_rows", level=1)
    progress.record("check", "matvec_by_rows", state="wrong")
    page = shown().html()
    assert "1 of 8 done" in page
    assert '✓ <a href="../01_matmul/01_matmul.ipynb#cell-id=dot"' in page
    assert "(tried: 1 check, 1 hint opened)" in page
    assert '<strong>Next:</strong> <a href="../01_matmul/01_matmul.ipynb#cell-id=cosine-similarity"' in page
    assert 'href="../02_perceptron/02_perceptron.ipynb"' in page
    assert "Next: cosine_similarity" in shown().text()


def test_the_cells_that_it_leads_to_exist(root):
    for name in texts.lesson_names():
        notebook = json.loads((root / f"course/{name}/{name}.ipynb").read_text())
        ids = {cell["id"] for cell in notebook["cells"]}
        lesson = next(each for each in overview.overview() if each.name == name)
        for exercise in lesson.exercises:
            address = panel._address(lesson, exercise.name)
            assert address.partition("#cell-id=")[2] in ids


def test_a_check_renews_it(monkeypatch):
    seen = []
    monkeypatch.setattr(panel, "_display", lambda made, **options: seen.append((made.here.passed, options)))
    panel.begin("01_matmul")
    panel.begin("01_matmul")
    progress.record("check", "dot", state="passed")
    assert [passed for passed, _ in seen] == [0, 0, 1], "renewed once a check, however often the cell was run"
    assert seen[-1][1] == {"display_id": panel.PLACE, "update": True}


def test_a_panel_that_cannot_be_renewed_costs_nobody_a_check(monkeypatch):
    panel.begin("01_matmul")

    def broken(*_, **__):
        raise RuntimeError("no front end")

    monkeypatch.setattr(panel, "_display", broken)
    progress.record("check", "dot", state="passed")
    assert len(progress.all_events()) == 1


def test_where_nothing_is_recorded_nothing_is_shown(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    panel.begin("01_matmul")
    assert capsys.readouterr().out == ""


def test_an_unknown_lesson_is_refused():
    with pytest.raises(ValueError, match="there is no lesson 'matmul'; there are 00_start_here, 01_matmul"):
        panel.begin("matmul")


def test_a_stretch_is_no_next_step(tmp_path):
    lessons = overview.overview()
    for lesson in lessons:
        for exercise in lesson.exercises:
            if not exercise.stretch:
                progress.record("check", exercise.name, state="passed")
    assert overview.next_step(overview.overview()) is None
    assert "makes a page of your GPT" in shown().html()
