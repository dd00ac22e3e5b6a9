"""What the tests of all pictures share: what was displayed, and how a picture is drawn by its controls."""

import pytest

from handmade.figures import picture


@pytest.fixture
def displayed(monkeypatch):
    """Every display during the test, as its forms by media type."""
    shown = []
    monkeypatch.setattr(picture, "display", lambda data, raw: shown.append(data))
    return shown


@pytest.fixture
def drawing(monkeypatch):
    """A function that gives a picture's `draw`, its controls, and their first values."""

    def find(figures, make):
        drawn = []
        monkeypatch.setattr(figures, "explore", lambda draw, **controls: drawn.append((draw, controls)))
        make()
        draw, controls = drawn[0]
        return draw, controls, {key: control.value for key, control in controls.items()}

    return find
