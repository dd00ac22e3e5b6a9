"""What `handmade progress` says of a record, of none, and of one that is damaged."""

import json

import pytest
from click.testing import CliRunner

from handmade.cli import main
from handmade.learner import overview, progress


@pytest.fixture
def record(tmp_path, monkeypatch):
    """A function that writes events into the record of a learner's folder, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".handmade").mkdir()

    def write(*events):
        with (tmp_path / ".handmade/progress.jsonl").open("a") as file:
            for time, event, name, details in events:
                line = {"time": f"2026-01-05T{time}:00+0100", "event": event, "name": name, **details}
                file.write(json.dumps(line) + "\n")

    return write


def run(*arguments):
    return CliRunner().invoke(main, ["progress", *arguments])


def test_checks_hints_guesses_and_minutes_are_counted(record):
    record(
        ("10:00", "check", "dot", {"state": "wrong"}),
        ("10:04", "hint", "dot", {"level": 2}),
        ("10:10", "check", "dot", {"state": "passed"}),
        ("10:11", "check", "dot", {"state": "wrong"}),
        ("12:00", "check", "step", {"state": "wrong"}),
        ("12:05", "guess", "lower_bias", {"guess": "3"}),
        ("12:06", "check", "perceptron", {"state": "not written"}),
        ("12:06", "kept", "dot", {}),
    )
    lessons = {lesson.name: lesson for lesson in overview.overview()}
    first, second = lessons["01_matmul"], lessons["02_perceptron"]
    dot = next(e for e in first.exercises if e.name == "dot")
    assert (dot.tries, dot.passed, dot.hints) == (3, True, 2), "what has passed stays passed"
    assert (first.passed, round(first.minutes)) == (1, 12), "the last step, kept, a minute after a guess"
    assert (second.passed, second.guesses, round(second.minutes)) == (0, 1, 5), "a pause is not counted"
    assert next(e for e in second.exercises if e.name == "perceptron").tries == 0


def test_the_command_says_what_is_next(record):
    record(("10:00", "check", "step", {"state": "passed"}))
    said = run().output
    assert " 1 of  6 done" in said
    assert "Next: perceptron, in 02_perceptron/02_perceptron.ipynb" in said
    assert "✓ done" in run("02").output
    assert "step" in run("02_perceptron").output
    wrong = run("99")
    assert wrong.exit_code == 1
    assert "there is no lesson '99'" in wrong.output


def test_all_done_ends_and_nothing_done_begins(record):
    assert "Next: pick_next, in 00_start_here" in run().output
    for lesson in overview.overview():
        record(*(("10:00", "check", e.name, {"state": "passed"}) for e in lesson.exercises))
    assert "All exercises have passed" in run().output


def test_damaged_lines_are_passed_over(record, tmp_path):
    record(("10:00", "check", "dot", {"state": "passed"}))
    with (tmp_path / ".handmade/progress.jsonl").open("a") as file:
        file.write('half a li\n[1]\n{"event": "check"}\n{"time": 5, "event": "check", "name": ["dot"]}\n')
        file.write('{"time": "noon", "event": "check", "name": "dot", "state": "wrong"}\n')
    assert run().exit_code == 0
    assert len(progress.all_events()) == 3


def test_without_a_record_the_command_says_where_to_go(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = run()
    assert said.exit_code == 1
    assert "handmade start" in said.output
    (tmp_path / "work/.handmade").mkdir(parents=True)
    assert run().exit_code == 0
