"""Points as files: read back as a spreadsheet, Canvas and Moodle read them."""

import csv
import io

import pytest

from handmade.grading.lms import BadRoster, export, feedback, guarded, read_roster
from handmade.grading.table import Column, Row, Table

COLUMNS = [
    Column("check_dot", "dot", 2, False),
    Column("check_mlp", "mlp", 3, False),
    Column("why", "why", 5, True),
]


def row(student, dot=2, mlp=3, why=None, **more):
    return Row(student, {"check_dot": dot, "check_mlp": mlp, "why": why}, **more)


@pytest.fixture
def table():
    return Table(
        "01_matmul",
        COLUMNS,
        [
            row(
                "ada", first_name="Ada", last_name="Lovelace", email="ada@example.org", lms_id="101", why=4.5
            ),
            row("bob", 2, 0.5, penalty=1.0, comments=["why: see me, please"]),
            row("chén", 1, 0, 0, first_name="晨", last_name="陈", email="chen@example.org", lms_id="103"),
            row("=cmd|' /C calc'!A0", first_name="+1", last_name='Quote "q", comma'),
            Row("dora", handed_in=False, email="dora@example.org", lms_id="105"),
            Row("emil"),
            row("fay", 0, 0, graded={"failed": "its process was ended"}),
        ],
    )


def read(made):
    return list(csv.reader(io.StringIO(made.text())))


def by_student(rows, column):
    return {line[rows[0].index(column)]: dict(zip(rows[0], line, strict=True)) for line in rows[1:]}


def test_a_plain_table_has_everything(table):
    made = export(table, "csv")
    found = by_student(read(made), "student")
    assert (
        found["ada"] | {"status": "graded", "dot (2)": "2", "why (5)": "4.5", "sum (10)": "9.5"}
        == found["ada"]
    )
    assert (
        found["bob"] | {"status": "written answers to read", "late penalty": "1", "sum (10)": "1.5"}
        == found["bob"]
    )
    assert found["chén"]["last name"] == "陈"
    assert found["dora"] | {"status": "not handed in", "dot (2)": "", "sum (10)": ""} == found["dora"]
    assert found["emil"]["status"] == "not graded"
    assert "The written answers of 3 students are not graded yet" in " ".join(made.notes)


def test_the_file_is_written_as_a_spreadsheet_reads_it(table, tmp_path):
    export(table, "csv").write(tmp_path / "points.csv")
    data = (tmp_path / "points.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbfstudent,")
    assert "陈" in data.decode("utf-8-sig")
    assert [p.name for p in tmp_path.iterdir()] == ["points.csv"]


@pytest.mark.parametrize("form", ["csv", "canvas", "moodle"])
def test_no_cell_is_a_formula(table, form):
    made = export(table, form)
    cells = [cell for line in read(made) for cell in line]
    assert [cell for cell in cells if cell.startswith(tuple("=+-@\t\r\n"))] == []
    assert any(cell.startswith("'=cmd") for cell in cells)
    assert "=cmd" in " ".join(made.notes)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_what_is_guarded(start):
    assert guarded(f"{start}1") == f"'{start}1"
    assert guarded(f"1{start}") == f"1{start}"


def test_canvas(table):
    made = export(table, "canvas", column="Matrices (4711)")
    header, points, *rows = read(made)
    # what gradebook_importer.rb looks at: the first two cells, the place of Section, the row of Points Possible
    assert header == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Matrices (4711)"]
    assert "Points Possible" in points[0]
    assert points[-1] == "10"
    found = {line[3]: line for line in rows}
    assert found["ada"] == ["Lovelace, Ada", "101", "", "ada", "", "9.5"]
    assert found["bob"] == ["bob", "", "", "bob", "", "1.5"]
    assert "dora" not in found
    assert "emil" not in found
    assert "Nothing handed in, and left out: dora." in made.notes
    assert "Handed in but not graded, and left out: emil." in made.notes
    assert "Not executed, and so with 0 points that may change: fay." in made.notes


def test_who_handed_in_nothing_gets_nothing_where_that_is_asked_for(table):
    rows = read(export(table, "canvas", zero_missing=True))
    assert {line[3]: line[-1] for line in rows}["dora"] == "0"
    assert "emil" not in {line[3] for line in rows}


def test_canvas_with_its_own_export(table, tmp_path):
    roster = tmp_path / "canvas.csv"
    roster.write_text(
        "Student,ID,SIS User ID,SIS Login ID,Integration ID,Section,Old (1)\n"
        "    Points Possible,,,,,,10\n"
        '"Lovelace, Ada",7001,u1,ADA,,L1,3\n'
        '"Chen, Chen",103,u3,cc,,L2,\n'
    )
    made = export(table, "canvas", roster=roster)
    _, _, *rows = read(made)
    assert rows == [
        ["Lovelace, Ada", "7001", "u1", "ADA", "L1", "9.5"],
        ["Chen, Chen", "103", "u3", "cc", "L2", "1"],
    ]
    assert any(note.startswith("Not in the roster, and left out: bob, ") for note in made.notes)


def test_moodle_for_the_gradebook(table):
    header, *rows = read(export(table, "moodle"))
    assert header == [
        "Username",
        "First name",
        "Last name",
        "Email address",
        "01_matmul",
        "01_matmul (feedback)",
    ]
    found = {line[0]: line for line in rows}
    assert found["ada"][3:] == ["ada@example.org", "9.5", "Not all points: why (4.5 of 5)."]
    assert found["bob"][5] == (
        "Not all points: mlp (0.5 of 3). Written answers are not read yet. Late: 1 taken off. why: see me, please"
    )
    assert found["chén"][1:3] == ["晨", "陈"]


WORKSHEET = (
    "Identifier,Full name,Email address,Status,Grade,Maximum grade,Grade can be changed,"
    "Last modified (submission),Last modified (grade),Feedback comments\n"
    "Participant 101,Ada Lovelace,ada@example.org,Submitted,,{most},Yes,-,-,\n"
    "Participant 900,陈晨,Chen@Example.org,Submitted,7,{most},Yes,-,-,old\n"
    "Participant 105,Dora,dora@example.org,No submission,,{most},Yes,-,-,\n"
)


def test_moodle_with_the_worksheet_of_its_assignment(table, tmp_path):
    roster = tmp_path / "worksheet.csv"
    roster.write_text("\ufeff" + WORKSHEET.format(most="10,00".replace(",", ".")))
    made = export(table, "moodle", roster=roster)
    found = by_student(read(made), "Identifier")
    assert read(made)[0] == WORKSHEET.partition("\n")[0].split(",")
    assert (found["Participant 101"]["Grade"], found["Participant 900"]["Grade"]) == ("9.5", "1")
    assert found["Participant 900"]["Feedback comments"].startswith(
        "Not all points: dot (1 of 2), mlp (0 of 3)"
    )
    assert found["Participant 105"]["Grade"] == ""  # nothing there is written over
    assert not any("maximum" in note for note in made.notes)


def test_moodles_maximum_is_compared(table, tmp_path):
    roster = tmp_path / "worksheet.csv"
    roster.write_text(WORKSHEET.format(most="100.00"))
    notes = export(table, "moodle", roster=roster).notes
    assert any("Moodle's maximum for this assignment is 100.00, the lesson's 10" in note for note in notes)


def test_two_rows_of_one_name_match_nobody(table, tmp_path):
    roster = tmp_path / "canvas.csv"
    roster.write_text("Student,ID,SIS User ID,SIS Login ID,Section\nA,1,,ada,\nB,2,,ada,\n")
    assert len(read(export(table, "canvas", roster=roster))) == 2
    assert "ada" in export(table, "canvas", roster=roster).notes[2]


def test_semicolons_are_read(tmp_path):
    roster = tmp_path / "canvas.csv"
    roster.write_text('Student;ID\n"A; B";1\n')
    assert read_roster(roster) == [{"Student": "A; B", "ID": "1"}]


@pytest.mark.parametrize(
    ("form", "data", "told"),
    [
        ("canvas", b"Name,Points\nA,1\n", "expected Canvas's exported gradebook"),
        ("moodle", b"Name,Points\nA,1\n", "a column Identifier"),
        ("canvas", b"", "has no rows"),
        ("canvas", b"\xff\xfe\x00A", "cannot be read as CSV in UTF-8"),
    ],
)
def test_a_file_that_is_no_roster_is_named(table, tmp_path, form, data, told):
    (tmp_path / "roster.csv").write_bytes(data)
    with pytest.raises(BadRoster, match=told):
        export(table, form, roster=tmp_path / "roster.csv")


def test_feedback_for_all_points(table):
    assert feedback(table, row("x", why=5)) == "All points so far."
    assert feedback(table, table.row("dora")) == "Nothing was handed in."
