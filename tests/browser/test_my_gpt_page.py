"""The page at the end of the course, made by lesson 13 of what lesson 12 kept: in a browser, light and dark, without a network."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_the_page_of_a_learner_who_did_the_last_two_lessons(course, lab, browser, axe, pictures):
    course("12_training")
    last = course("13_generation").solved
    shown = [cell["text"] for cell in last.cells if cell["source"] == "check.finish()"]
    assert "the page of your GPT is written" in shown[0]
    for scheme in ("light", "dark"):
        page = browser.new_page(viewport={"width": 900, "height": 1400}, color_scheme=scheme)
        asked = []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.goto((lab.folder / "my_gpt.html").as_uri())
        assert "A GPT, handmade" in page.inner_text("h1")
        assert page.locator("svg polyline").count() == 1
        assert len(page.inner_text("blockquote")) > 200
        assert page.locator("details").count() >= 2
        assert axe(page) == []
        assert asked == [(lab.folder / "my_gpt.html").as_uri()]
        page.screenshot(path=pictures / f"my_gpt-{scheme}.png", full_page=True)
        page.close()
