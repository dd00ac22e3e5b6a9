"""A repository with a small lesson."""

import pytest
from small_lesson import GOOD


@pytest.fixture
def place(tmp_path):
    """A repository with one small lesson: its root, and the path of the text."""
    (tmp_path / "solutions/01_matmul").mkdir(parents=True)
    text = tmp_path / "solutions/01_matmul/01_matmul.md"
    text.write_text(GOOD)
    return tmp_path, text
