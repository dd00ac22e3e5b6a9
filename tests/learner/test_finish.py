"""The page at the end of the course, from a run that was kept; and what is said where something is missing."""

import json
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from handmade.cli import main
from handmade.learner import finish, progress


class Model:
    config = SimpleNamespace(n_layers=2, n_heads=4, d_model=64, vocab_size=83, context_length=64, tied=True)

    def parameters(self):
        return [SimpleNamespace(numel=lambda: 1000), SimpleNamespace(numel=lambda: 234)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A learner's folder with a kept part."""
    (tmp_path / ".handmade").mkdir()
    (tmp_path / "my_gpt").mkdir()
    (tmp_path / "my_gpt/__init__.py").touch()
    (tmp_path / "my_gpt/matmul.py").write_text("def dot(a, b):\n\n    return '<b>' if a < b else 0\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Reader(HTMLParser):
    """Collects the tags that are open at the end, and the addresses that a browser would fetch."""

    def __init__(self):
        super().__init__()
        self.open, self.fetched = [], []

    def handle_starttag(self, tag, attributes):
        self.fetched += [value for key, value in attributes if key == "src"]
        if tag not in ("meta", "line", "polyline"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in ("line", "polyline"):
            assert self.open.pop() == tag


def test_the_page_shows_the_run_and_asks_no_network(folder):
    losses = [4.4 - 0.001 * i for i in range(2500)]
    kept = finish.keep_run(Model(), losses, "The whale & <the> sea", levels={"a bigram": 2.47})
    assert "kept" in repr(kept)
    assert "written" in repr(finish.finish(name="Ada <L>"))
    page = (folder / "my_gpt.html").read_text()
    for words in (
        "by Ada &lt;L&gt;",
        "1,234 parameters",
        "The whale &amp; &lt;the&gt; sea",
        "2 × (attention with 4 heads",
    ):
        assert words in page
    assert "The loss over 2,500 steps, from 4.40 to 1.90. a bigram: 2.47." in page
    assert "return &#x27;&lt;b&gt;&#x27; if a &lt; b" in page
    assert "lines of code in it</th><td>2<" in page
    reader = Reader()
    reader.feed(page.replace("<!doctype html>", ""))
    assert reader.open == []
    assert reader.fetched == []
    run = json.loads((folder / ".handmade/run.json").read_text())
    assert (run["steps"], len(run["losses"])) == (2500, finish.MOST_POINTS)


def test_one_step_is_a_run_too(folder):
    finish.keep_run(Model(), [4.4], "a")
    assert "in 1 steps" not in repr(finish.finish())
    assert (folder / "my_gpt.html").is_file()


def test_no_losses_are_refused(folder):
    with pytest.raises(ValueError, match="expected the losses of a training run, got none"):
        finish.keep_run(Model(), [], "a")


@pytest.mark.parametrize("damaged", [None, "", "{", '{"steps": 3}', "[]"])
def test_without_a_run_it_says_where_one_is_made(folder, damaged):
    if damaged is not None:
        (folder / ".handmade/run.json").write_text(damaged)
    said = CliRunner().invoke(main, ["finish"])
    assert said.exit_code == 1
    assert "lesson 12" in said.output
    assert not (folder / "my_gpt.html").exists()


def test_without_a_record_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert progress.root() is None
    assert "○ nothing is kept" in repr(finish.keep_run(Model(), [1.0], "a"))
    assert "○ there is no page yet" in repr(finish.finish())
    assert list(tmp_path.iterdir()) == []
