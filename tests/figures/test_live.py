"""The loss curve is drawn in one place, not too often, and as text where there is no notebook."""

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from handmade.figures import live
from handmade.figures.live import LossCurve


class Clock:
    """A clock that goes on by hand."""

    now = 100.0

    def __call__(self):
        return self.now


def test_the_line_says_step_loss_speed_and_time_left():
    clock = Clock()
    curve = LossCurve(steps=400, tokens_per_step=500, clock=clock)
    assert curve.line() == "no step of 400 yet"
    curve(0, 4.0)
    assert curve.line() == "step 1 of 400 · loss 4.000"
    clock.now += 10
    curve(100, 2.0)
    assert curve.line() == "step 101 of 400 · loss 3.000 · 5,000 tokens per second · about 30 s left"
    clock.now += 90
    curve(399, 1.0)
    assert curve.line().endswith("took 1 min 40 s")


def test_a_resumed_run_counts_its_own_steps():
    clock = Clock()
    curve = LossCurve(steps=30, tokens_per_step=10, clock=clock)
    curve(20, 1.0)
    clock.now += 2
    curve(24, 1.0)
    assert "20 tokens per second · about 2 s left" in curve.line()


def test_without_a_notebook_lines_are_printed_now_and_then(capfd):
    clock = Clock()
    curve = LossCurve(steps=100, tokens_per_step=1, clock=clock)
    for step in range(100):
        clock.now += 1
        curve(step, 1.0)
    lines = capfd.readouterr()
    assert lines.err == ""
    assert len(lines.out.splitlines()) == 21
    assert lines.out.splitlines()[-1].startswith("step 100 of 100")


def test_pictures_come_at_most_twice_a_second_and_in_one_place(monkeypatch):
    shown, clock = [], Clock()

    class Place:
        def update(self, bundle, raw):
            shown.append(bundle)

    def display(bundle, raw, display_id):
        shown.append(bundle)
        return Place()

    monkeypatch.setattr(live, "display", display)
    monkeypatch.setattr(live, "_has_front_end", lambda: True)
    curve = LossCurve(steps=100, tokens_per_step=1, levels={"a guess": 4.4}, clock=clock)
    for step in range(100):
        clock.now += 0.1
        curve(step, 4.0 - step / 50)
    assert 18 <= len(shown) <= 22
    curve.measure("kept apart", 99, 2.5)
    assert "from 4 at step 0 to" in shown[-1]["text/plain"]
    assert "kept apart: from 2.5 to 2.5." in shown[-1]["text/plain"]
    assert "a guess: 4.4." in shown[-1]["text/plain"]
    assert "step 100 of 100" in shown[-1]["text/html"]
    assert 'alt="The loss of each step' in shown[-1]["text/html"]


def test_a_slow_machine_draws_less_often(monkeypatch):
    shown, clock = [], Clock()

    def slowly(bundle, raw, display_id):
        shown.append(bundle)
        clock.now += 4
        return type("Place", (), {"update": lambda self, bundle, raw: shown.append(bundle)})()

    monkeypatch.setattr(live, "display", slowly)
    monkeypatch.setattr(live, "_has_front_end", lambda: True)
    curve = LossCurve(steps=1000, tokens_per_step=1, clock=clock)
    for step in range(40):
        clock.now += 1
        curve(step, 1.0)
    assert len(shown) == 1


def test_a_notebook_keeps_one_output_with_the_last_state(tmp_path):
    source = (
        "from handmade.figures.live import LossCurve\ncurve = LossCurve(30, 10)\n"
        "for step in range(30):\n    curve(step, 3 - step / 10)"
    )
    notebook = new_notebook(cells=[new_code_cell(source)])
    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(tmp_path)}}).execute()
    nbformat.validate(notebook)
    (output,) = notebook.cells[0].outputs
    assert output.output_type == "display_data"
    assert "at step 29" in output.data["text/plain"]
    assert "step 30 of 30" in output.data["text/html"]
