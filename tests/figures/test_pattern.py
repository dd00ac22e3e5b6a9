"""Attention patterns as tables to point at: every number is in them, for the mouse, for the keyboard and for plain text."""

import base64
import re

import numpy as np
import pytest

from handmade.figures.pattern import pattern_page

TOKENS = [" a", "<b>", "c"]
WEIGHTS = np.array([[1.0, 0.0, 0.0], [0.25, 0.75, 0.0], [0.2, 0.004, 0.796]])


def test_every_weight_can_be_reached_and_read():
    page = pattern_page(TOKENS, {"one": WEIGHTS, "two": WEIGHTS[::-1]}, "What to see.").html()
    words = re.findall(r'aria-label="(query [^"]+)"', page)
    assert len(words) == 18
    assert words[4] == "query &lt;b&gt;, key &lt;b&gt;: 0.75"
    assert words[5].endswith(": 0"), "an exact 0 and a small weight look alike"
    assert words[7].endswith(": 0.00")
    names = re.findall(r'type="radio" name="(\w+)"', page)
    assert len(set(names)) == 2, "the arrow keys would leave the pattern"
    assert page.count('class="w none"') == 6
    assert page.count('data-lm-suppress-shortcuts="true"') == 18, (
        "JupyterLab would take the arrow keys for itself"
    )


def test_a_figure_needs_no_script_and_no_other_file():
    page = pattern_page(TOKENS, {"one": WEIGHTS}, "What to see.").html()
    assert "<b>," not in page
    for word in ("<script", "http", "url(", "onclick", "@import"):
        assert word not in page
    assert 'role="img"' not in page, "screen readers would not look inside"
    assert "shape (3, 3)" in page
    assert "queries" in page
    assert "keys" in page


def test_the_other_forms():
    page = pattern_page(TOKENS, {"one": WEIGHTS}, "What to see.")
    forms = page.bundle()
    assert base64.b64decode(forms["image/png"]).startswith(b"\x89PNG")
    assert "0.25   0.75      0" in forms["text/plain"]
    assert "c looks most at c (0.80)" in page.alt
    assert "2 keys alike" in pattern_page(["a", "b"], {"one": np.full((2, 2), 0.5)}, "Evenly.").alt


def test_many_keys_and_other_keys_than_queries():
    weights = np.full((2, 30), 1 / 30)
    page = pattern_page(["p", "q"], {"wide": weights}, "Wide.", key_tokens=[f"k{i}" for i in range(30)])
    assert page.html().count('type="radio"') == 60
    assert "query q, key k29: 0.03" in page.html()
    assert "shape (2, 30)" in page.html()


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        (np.ones((2, 3)), r"'odd' in shape \(3, 3\).* got \(2, 3\)"),
        (np.full((3, 3), -1.0), "from 0 to 1"),
        (np.full((3, 3), np.nan), "from 0 to 1"),
    ],
)
def test_what_is_no_pattern_is_refused(weights, said):
    with pytest.raises(ValueError, match=said):
        pattern_page(TOKENS, {"odd": weights}, "A caption.")


def test_no_pattern_at_all_is_refused():
    with pytest.raises(ValueError, match="at least one pattern"):
        pattern_page(TOKENS, {}, "A caption.")


def test_tensors_of_any_float_type():
    import torch

    half = torch.tensor(WEIGHTS).half().requires_grad_()
    assert "0.75" in pattern_page(TOKENS, {"half": half}, "A caption.").html()
