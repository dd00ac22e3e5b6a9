"""A gradebook in PostgreSQL: a real server, started for these tests, gives what SQLite gives."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from grading.small_desk import LESSON, hand_in, hand_in_class, run, scores
from nbgrader.converters import GenerateAssignment
from programs import program

from handmade.grading.desk import Desk
from handmade.grading.lms import export
from handmade.grading.table import read_table

pytestmark = [pytest.mark.postgres, pytest.mark.xdist_group("postgres")]


@pytest.fixture(scope="module")
def server():
    """The address of a server of one's own, in a new folder, reached through a socket in it."""
    bin = Path(program("postgres")).resolve().parent
    if not (bin / "initdb").exists():  # Debian keeps the server's programs together, and links some
        bin = Path(program("initdb")).resolve().parent
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    # the server refuses to run as root: Debian's package has made a user for it
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)

    def call(name, *arguments):
        done = subprocess.run(
            [bin / name, *arguments],
            user=user,
            cwd=folder,
            capture_output=name != "pg_ctl",
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"

    data = folder / "data"
    call("initdb", "-D", data, "--auth=trust", "--username=handmade", "--no-sync", "--encoding=UTF8")
    options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
    call("pg_ctl", "-D", data, "-o", options, "-l", folder / "log", "-w", "start")
    yield f"postgresql+psycopg://handmade@/postgres?host={folder}"
    call("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    shutil.rmtree(folder)


def test_postgresql_gives_the_gradebook_of_sqlite(another_desk, server):
    sqlite = another_desk()
    postgres = Desk(another_desk().root, db_url=server)
    (postgres.root / "gradebook.db").unlink()
    assert postgres.run(postgres.application("GenerateAssignmentApp"), GenerateAssignment, LESSON, ".") == []
    for desk in (sqlite, postgres):
        hand_in_class(desk, 5)
        hand_in(desk, "poison", double="# crash\n# right", square="# right")
        assert run(desk, jobs=2).errors == []
    assert len(scores(postgres)) == 6 * 3
    assert scores(postgres) == scores(sqlite)
    assert not (postgres.root / "gradebook.db").exists()
    assert str(read_table(postgres.root, LESSON, server)) == str(read_table(sqlite.root, LESSON))
    assert export(read_table(postgres.root, LESSON, server), "canvas").rows[2][-1] == "0"
    again = run(postgres)
    assert (again.written, len(again.unchanged)) == ([], 6)
