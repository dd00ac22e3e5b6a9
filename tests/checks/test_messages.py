"""What learners read, word for word, in `messages/`: a reviewer sees every change of it. `--update-messages` writes them anew."""

from pathlib import Path

import pytest

from handmade import checks
from handmade.checks.message import message
from handmade.checks.run import judge

FOLDER = Path(__file__).parent / "messages"


def as_they_are(exercise, wrong):
    """Return the reference, or a misconception, to be called in this process."""
    return exercise.reference if wrong is None else wrong.implementation


def text_of(lesson, candidate=as_they_are):
    """Return the messages of a lesson; `candidate(exercise, misconception or None)` is what is judged."""
    parts = [f"Messages of lesson {lesson}, one for each misconception.\n"]
    for exercise in checks.load_lesson(lesson).values():
        said = message(judge(exercise, candidate(exercise, None))).text()
        parts.append(f"{'=' * 100}\n{exercise.name}: right\n\n{said}\n")
        for wrong in exercise.misconceptions:
            said = message(judge(exercise, candidate(exercise, wrong))).text()
            parts.append(f"{'-' * 100}\n{exercise.name}: {wrong.name}\n\n{said}\n")
    return "\n".join(parts)


@pytest.mark.parametrize("lesson", checks.lessons())
def test_messages_are_the_ones_reviewed(lesson, request):
    text = text_of(lesson)
    file = FOLDER / f"{lesson}.txt"
    if request.config.getoption("--update-messages"):
        FOLDER.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert file.exists(), "run pytest with --update-messages, and read what it writes"
    assert text == file.read_text(encoding="utf-8")
