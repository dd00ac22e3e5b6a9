"""The class's report: what it counts, what it names, and that it is one page that anybody can read."""

import inspect
import re
from html.parser import HTMLParser

import nbformat
import pytest
from grading.small_desk import LESSON, hand_in, hand_in_class, run

from handmade import checks
from handmade.grading.report import html, summary, text, write_report
from handmade.grading.table import Column, Row, Table

DOT, COLLAPSE = (checks.find(name) for name in ("dot", "collapse"))
MISTAKE, OTHER = COLLAPSE.misconceptions[:2]
COLUMNS = [
    Column("check_dot", "dot", 1, False),
    Column("check_collapse", "collapse", 2, False),
    Column("why", "why", 3, True),
]
ISOLATION = {"files": "Landlock", "network": "a network of its own"}


def row(student, dot="passed", collapse="passed", misconception=None, **graded):
    runs = [
        {"grade_id": f"check_{name}", "exercise": name, "state": state}
        | {"misconception": mistake.name if mistake else "", "says": mistake.says if mistake else ""}
        for name, state, mistake in (("dot", dot, None), ("collapse", collapse, misconception))
    ]
    points = {
        "check_dot": float(dot == "passed"),
        "check_collapse": 2.0 * (collapse == "passed"),
        "why": None,
    }
    return Row(student, points, graded={"checks": runs, "isolation": ISOLATION, "seconds": 30.0} | graded)


@pytest.fixture
def table():
    return Table(
        "01_matmul",
        COLUMNS,
        [
            *(row(f"s{i}", collapse="wrong", misconception=MISTAKE) for i in range(4)),
            row("t1", collapse="wrong", misconception=OTHER),
            row("u1", dot="not written", collapse="time", limits=["Time limit: `collapse` did not answer."]),
            row("v1", notes=["`collapse` calls <b>einsum</b> in line 3."]),
            row("w1", isolation={"files": "", "network": "no sockets"}),
            Row("x1", {"check_dot": 0.0, "check_collapse": 0.0, "why": None}, graded={"failed": "signal 9"}),
            Row("y1", {"check_dot": 1.0, "check_collapse": 2.0, "why": 3.0}),  # executed by stock nbgrader
            Row("z1", handed_in=False, first_name="Zoë", last_name="<script>"),
        ],
    )


def test_what_to_teach_tomorrow_comes_first_by_how_many_did_it(tmp_path, table):
    found = summary(tmp_path, table)
    assert [(m.exercise, m.says, m.students) for m in found.misconceptions] == [
        ("collapse", MISTAKE.says, ["s0", "s1", "s2", "s3"]),
        ("collapse", OTHER.says, ["t1"]),
    ]
    assert f"  4 of 10  collapse: {MISTAKE.says}" in text(found)


def test_what_became_of_each_exercise(tmp_path, table):
    dot, collapse = summary(tmp_path, table).exercises
    assert collapse.states == {"wrong": 5, "passed": 3, "time": 1, "no answer": 1}
    assert (collapse.minutes, collapse.level) == (COLLAPSE.minutes, COLLAPSE.level_word)
    assert collapse.mean == 0.6
    assert dot.states == {"passed": 8, "not written": 1, "no answer": 1}
    assert dot.share == 0.8


def test_sums_are_counted_in_ranges(tmp_path, table):
    found = summary(tmp_path, table)
    assert found.totals == [1, 1, 1, 1, 1, 0, 3, 3, 0, 3]
    assert found.bins == [("0 to under 1", 2), ("1 to under 2", 5), ("2–3", 3)]
    assert sum(count for _, count in found.bins) == 10


def test_limits_notes_failures_isolation_and_who_is_missing(tmp_path, table):
    found = summary(tmp_path, table)
    assert found.limits == [("u1", "Time limit: `collapse` did not answer.")]
    assert found.notes[0][0] == "v1"
    assert found.failed == {"x1": "signal 9"}
    assert found.waiting == {"why": 9}
    assert dict(found.isolation) == {
        "Landlock (files), a network of its own": 7,
        "no sockets (network); nothing for: files": 1,
        "not executed": 1,
        "none recorded: executed by nbgrader's own kernel": 1,
    }
    assert [r.student for r in found.missing] == ["z1"]


class Page(HTMLParser):
    """What a page has: its tags, and what stands in them."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)


def test_the_page_stands_alone_and_can_be_read_by_everybody(tmp_path, table):
    page = html(summary(tmp_path, table))
    found = Page(page)
    names = [tag for tag, _ in found.tags]
    assert "script" not in names
    assert not re.search(r"""(src|href)=|url\(|@import|https?:""", page)
    assert dict(found.tags)["html"] == {"lang": "en"}
    assert names.count("caption") == names.count("table") == 3
    assert all(attrs.get("scope") in ("col", "row") for tag, attrs in found.tags if tag == "th")
    assert "prefers-color-scheme: dark" in page
    # every bar is also a number
    assert all(attrs.get("aria-hidden") == "true" for _, attrs in found.tags if attrs.get("class") == "bar")
    said = " ".join("".join(found.texts).split())
    assert "median 1. 9 written answers wait" in said
    assert "<code>collapse</code> did not answer" in page
    for words in (
        "4 of 10",
        MISTAKE.says,
        MISTAKE.asks,
        "30 %",
        "Zoë <script>",
        "<b>einsum</b>",
        "u1",
        "signal 9",
    ):
        assert words.replace("`", "") in said


def test_answers_equal_to_the_published_ones_are_marked_whatever_their_comments(desk, root):
    """On the small desk, whose cells are given the names of real exercises."""
    source = inspect.getsource(checks.find("low_rank_factors").reference)
    copied = source.replace('"""', '"""Mine. ', 1).replace("    ### BEGIN SOLUTION", "    # my own idea")
    table = Table("01_tiny", [Column("check_low_rank_factors", "low_rank_factors", 3, False)], [])
    for student, answer in (("copy", copied), ("own", source.replace("return", "answer = 1\n    return", 1))):
        path = desk.root / "autograded" / student / LESSON / f"{LESSON}.ipynb"
        path.parent.mkdir(parents=True)
        cell = nbformat.v4.new_code_cell(answer, metadata={"nbgrader": {"grade_id": "low_rank_factors"}})
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
        table.rows.append(Row(student, {"check_low_rank_factors": 3.0}))
    assert summary(desk.root, table).equal == [("copy", 1, 1)]


@pytest.mark.slow
def test_a_graded_class_has_its_report(desk):
    hand_in_class(desk, 6)
    hand_in(desk, "torn").write_text("{")
    run(desk)
    found, path = write_report(desk.root, LESSON, desk.db_url)
    assert path == desk.root / "reports" / f"{LESSON}.html"
    assert (found.students, len(found.graded), len(found.unreadable)) == (7, 7, 1)
    assert [(m.says, m.students) for m in found.misconceptions] == [("You added.", ["s001", "s004"])]
    assert found.exercises[1].states == {"not written": 3, "passed": 2, "wrong": 2}
    page = path.read_text()
    assert "ends in the middle" in page
    assert "7 submissions: yes (fake)" in page


def test_a_class_that_nobody_is_in_has_a_report(tmp_path):
    found = summary(tmp_path, Table("01_matmul", COLUMNS, []))
    assert text(found) == "01_matmul: 0 of 0 graded"
    assert "No answer showed a mistake" in html(found)
