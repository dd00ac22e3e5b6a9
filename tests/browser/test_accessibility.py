"""Every lesson, solved and exported as a page, for people who see it differently: axe-core's rules, headings, words for pictures."""

import re
from itertools import pairwise

import nbformat
import pytest
from in_lab import LESSONS
from nbconvert import HTMLExporter

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def offline(browser):
    """A browser's page that reaches no network."""
    context = browser.new_context(viewport={"width": 1200, "height": 1000})
    context.route(re.compile("^https?:"), lambda route: route.abort())
    yield context.new_page()
    context.close()


@pytest.fixture
def export(course, offline, tmp_path):
    """A function that exports a lesson, as solved and saved in JupyterLab, and opens the page."""

    def exported(lesson, theme="light"):
        saved = course(lesson).saved
        html, _ = HTMLExporter(theme=theme).from_filename(str(saved))
        page = tmp_path / f"{lesson}.html"
        page.write_text(html)
        offline.goto(page.as_uri())
        return nbformat.read(saved, as_version=4)

    return exported


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("lesson", LESSONS)
def test_no_rule_is_broken(lesson, theme, export, offline, axe):
    export(lesson, theme)
    # In the dark theme the same page has other colours, and nothing else.
    assert axe(offline, only=["color-contrast"] if theme == "dark" else None) == []


@pytest.mark.parametrize("lesson", LESSONS)
def test_headings_and_pictures(lesson, export, offline):
    saved = export(lesson)
    levels = offline.evaluate(
        "() => [...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(e => +e.tagName[1])"
    )
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(b <= a + 1 for a, b in pairwise(levels)), levels

    # The still pictures stand for the sliders, with nothing from the net.
    pictures = offline.evaluate("""() => [...document.querySelectorAll('figure')].map(e => ({
      seen: e.offsetHeight > 20 && [...e.querySelectorAll('img')].every(i => i.complete && i.naturalWidth > 0),
      alt: (e.querySelector('img')?.alt ?? e.querySelector('[aria-label]').ariaLabel).trim(),
      caption: e.querySelector('figcaption').innerText.trim() }))""")
    widgets = [o for cell in saved.cells for o in cell.get("outputs", []) if WIDGET in o.get("data", {})]
    assert len(pictures) >= len(widgets) > 0
    assert all(picture["seen"] and picture["caption"] for picture in pictures)
    assert offline.locator(".jupyter-widgets").count() == 0

    alts = [picture["alt"] for picture in pictures]
    badge = offline.locator("a img")
    assert (badge.count(), badge.get_attribute("alt")) == (1, "Open in Colab")
    assert offline.locator("img").count() == 1 + offline.locator("figure img").count(), (
        "a picture without a figure"
    )
    assert all(len(alt) > 30 and not re.fullmatch(r"\S*[/.]\S*", alt) for alt in alts), alts
    assert len(set(alts)) == len(alts), [alt for alt in alts if alts.count(alt) > 1]


@pytest.mark.parametrize("lesson", LESSONS)
def test_no_rule_is_broken_in_jupyterlab(lesson, course):
    """What the cells put out, sliders too, in JupyterLab's light and dark colours."""
    assert course(lesson).axe == {"JupyterLab Light": [], "JupyterLab Dark": []}
