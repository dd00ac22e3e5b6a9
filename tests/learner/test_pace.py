"""The short setting of long lessons says so."""

import pytest

from handmade.learner import pace


@pytest.mark.parametrize("value", [None, "", "0"])
def test_without_the_short_setting_nothing_is_said(value, monkeypatch, capfd):
    monkeypatch.delenv(pace.VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(pace.VARIABLE, value)
    assert pace.steps(1200, 30) == 1200
    assert capfd.readouterr() == ("", "")


def test_the_short_setting_says_what_it_does(monkeypatch, capfd):
    monkeypatch.setenv(pace.VARIABLE, "1")
    assert pace.steps(1200, 30) == 30
    assert "30 steps in place of 1,200" in capfd.readouterr().out
