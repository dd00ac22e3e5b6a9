"""What learners read, word for word, in `messages/`: a reviewer sees every change of it. `--update-messages` writes them anew."""

from pathlib import Path

import pytest

from handmade import checks
from handmade.checks.message import message
from handmade.checks.run import judge

FOLDER = Path(__file__).parent / "messages"


@pytest.mark.parametrize("lesson", checks.lessons())
def test_messages_are_the_ones_reviewed(lesson, request):
    parts = [f"Messages of lesson {lesson}, one for each misconception.\n"]
    for exercise in checks.load_lesson(lesson).values():
        parts.append(
            f"{'=' * 100}\n{exercise.name}: right\n\n{message(judge(exercise, exercise.reference)).text()}\n"
        )
        for wrong in exercise.misconceptions:
            said = message(judge(exercise, wrong.implementation)).text()
            parts.append(f"{'-' * 100}\n{exercise.name}: {wrong.name}\n\n{said}\n")
    text = "\n".join(parts)
    file = FOLDER / f"{lesson}.txt"
    if request.config.getoption("--update-messages"):
        FOLDER.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert file.exists(), "run pytest with --update-messages, and read what it writes"
    assert text == file.read_text(encoding="utf-8")
