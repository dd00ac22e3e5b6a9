"""The README's links lead somewhere, and its table has every lesson."""

import re

from handmade.learner import colab, texts


def test_links_to_files_and_headings_lead_somewhere(root):
    text = (root / "README.md").read_text()
    headings = {h.lower().replace(" ", "-") for h in re.findall(r"(?m)^## (.+)$", text)}
    for link in re.findall(r"\]\(([^)]+)\)", text):
        if link.startswith("#"):
            assert link[1:] in headings
        elif not link.startswith("https://"):
            assert (root / link).exists(), link


def test_every_lesson_is_in_the_table_and_the_badge_opens_the_first(root):
    text = (root / "README.md").read_text()
    for name in texts.lesson_names():
        assert f"(course/{name}/{name}.ipynb)" in text
    assert colab.address("00_start_here/00_start_here.ipynb") in text
