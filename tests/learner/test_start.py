"""A learner's folder: filled once, renewed where untouched, never written over."""

from handmade.learner.start import fill


def test_work_is_never_written_over(tmp_path):
    course, work = tmp_path / "course", tmp_path / "work"
    for name in ("01_a", "02_b"):
        (course / name).mkdir(parents=True)
        (course / name / f"{name}.ipynb").write_text("version 1")
    assert fill(work, course) == [f"2 files put into {work}."]
    assert fill(work, course) == []
    (work / "01_a/01_a.ipynb").write_text("my work")
    assert fill(work, course) == [], "nothing new came, so there is nothing to say"
    (course / "01_a/01_a.ipynb").write_text("version 2")
    (course / "02_b/02_b.ipynb").write_text("version 2")
    said = fill(work, course)
    assert (work / "01_a/01_a.ipynb").read_text() == "my work"
    assert (work / "02_b/02_b.ipynb").read_text() == "version 2"
    assert said[0] == f"1 file put into {work}."
    assert "kept as it is" in said[1]


def test_a_damaged_memory_keeps_everything(tmp_path):
    course, work = tmp_path / "course", tmp_path / "work"
    (course / "01_a").mkdir(parents=True)
    (course / "01_a/01_a.ipynb").write_text("version 1")
    fill(work, course)
    (work / ".handmade/copied.json").write_text("{")
    (work / "01_a/01_a.ipynb").write_text("my work")
    (course / "01_a/01_a.ipynb").write_text("version 2")
    fill(work, course)
    assert (work / "01_a/01_a.ipynb").read_text() == "my work"
