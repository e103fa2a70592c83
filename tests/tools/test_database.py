"""Opening a review's database: whose it is, who may write, and what a full or damaged disk looks like."""

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import event, insert, select, text
from sqlalchemy.exc import IntegrityError

from tools import tables
from tools.database import Database
from tools.errors import StoreError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "review" / "review.sqlite"


@pytest.fixture
def database(path):
    opened = Database.file(path)
    yield opened
    opened.close()


def a_score(key):
    return insert(tables.score).values(key=key, value=0.5)


def keys(database):
    with database.reading() as connection:
        return [row.key for row in connection.execute(select(tables.score).order_by(tables.score.c.key))]


def run_python(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_file_and_its_companions_are_its_owners_alone(path, database):
    with database.writing() as connection:
        connection.execute(a_score("a"))
    files = list(path.parent.iterdir())
    assert len(files) == 3, "database, write-ahead log and its index"
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_opening_again_changes_nothing(path, database):
    with database.writing() as connection:
        connection.execute(a_score("a"))
    again = Database.file(path)
    assert keys(again) == ["a"]
    again.close()


def test_a_strangers_database_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "theirs.sqlite"
    theirs = sqlite3.connect(path)
    theirs.execute("CREATE TABLE accounts (name TEXT)")
    theirs.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program. Move it away"):
        Database(f"sqlite:///{path}")
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["theirs.sqlite"]


@pytest.mark.parametrize(
    ("column", "value"), [("version", 0), ("version", tables.SCHEMA_VERSION + 1), ("application", "'other'")]
)
def test_another_schema_version_or_application_is_refused(path, column, value):
    Database.file(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"UPDATE schema_info SET {column} = {value}")
    connection.close()
    with pytest.raises(StoreError, match="Use the program version that made it"):
        Database.file(path)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("Not a database, but long enough to be looked at. " * 40)
    with pytest.raises(StoreError, match="not a database"):
        Database.file(path)


def test_a_damaged_database_is_a_store_error_when_read_and_when_written(path):
    opened = Database.file(path)
    with opened.writing() as connection:
        for number in range(2000):
            connection.execute(a_score(f"{number:04}"))
    opened.close()
    data = bytearray(path.read_bytes())
    data[8192:] = b"\x5a" * (len(data) - 8192)
    path.write_bytes(data)
    opened = None
    with pytest.raises(StoreError):
        opened = Database.file(path)
        keys(opened)
    if opened is not None:
        with pytest.raises(StoreError), opened.writing() as connection:
            connection.execute(a_score("new"))
        opened.close()


def test_a_folder_where_nobody_may_write_is_a_store_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="Choose a folder that you may write to"):
        Database.file(tmp_path / "file" / "review.sqlite")


def test_a_failing_transaction_leaves_nothing(database):
    with pytest.raises(ZeroDivisionError), database.writing() as connection:
        connection.execute(a_score("a"))
        1 / 0  # noqa: B018
    assert keys(database) == []


def test_a_broken_constraint_is_not_blamed_on_the_disk(database):
    with database.writing() as connection:
        connection.execute(a_score("a"))
    with pytest.raises(IntegrityError), database.writing() as connection:
        connection.execute(a_score("a"))


def test_reading_takes_no_write_lock(database):
    said = []
    event.listen(
        database.engine, "before_cursor_execute", lambda _c, _cursor, statement, *_: said.append(statement)
    )
    with database.reading() as connection:
        connection.execute(text("SELECT 1"))
    assert said == ["SELECT 1"]


def test_a_reader_does_not_wait_for_a_writer_and_sees_only_what_has_landed(database):
    with database.writing() as connection:
        connection.execute(a_score("landed"))
    seen = []
    with database.writing() as connection:
        connection.execute(a_score("under way"))
        reader = threading.Thread(target=lambda: seen.append(keys(database)))
        reader.start()
        reader.join(10)
        assert seen == [["landed"]]
    assert keys(database) == ["landed", "under way"]


def test_a_full_disk_is_a_store_error_and_nothing_of_the_step_is_written(database):
    @event.listens_for(database.engine, "begin")
    def no_more_room(connection):
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")

    with pytest.raises(StoreError, match="full.*make room.*resume"), database.writing() as connection:
        for number in range(1000):
            connection.execute(a_score(f"{number:04}" + "x" * 200))
    assert keys(database) == []
    event.remove(database.engine, "begin", no_more_room)
    with database.writing() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
        connection.execute(a_score("room again"))
    assert keys(database) == ["room again"]


FILLS_THE_DISK = """
import resource, signal, sys
from pathlib import Path
from sqlalchemy import insert
from tools import tables
from tools.database import Database
from tools.errors import StoreError

database = Database.file(Path(sys.argv[1]))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    with database.writing() as connection:
        for number in range(3000):
            connection.execute(insert(tables.score).values(key=f"{number:04}" + "x" * 200, value=0.5))
except StoreError as e:
    print("StoreError:", e)
"""


def test_a_process_that_may_not_write_more_gets_a_store_error_and_leaves_a_sound_file(path):
    """The operating system's own refusal, with a limit on the size of files."""
    done = run_python(FILLS_THE_DISK, path)
    assert done.stdout.startswith("StoreError: sqlite:"), done.stderr
    assert "make room" in done.stdout
    database = Database.file(path)
    with database.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
    assert keys(database) == []
    database.close()


OPENS_AND_WRITES = """
import sys
from pathlib import Path
from sqlalchemy import insert
from tools import tables
from tools.database import Database

path, name = sys.argv[1:]
sys.stdin.readline()
database = Database.file(Path(path))
for number in range(40):
    with database.writing() as connection:
        connection.execute(insert(tables.score).values(key=f"{name}{number:02}", value=0.5))
database.close()
"""


def test_processes_that_open_a_new_review_and_write_at_the_same_time_all_land(path):
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", OPENS_AND_WRITES, str(path), name],
            cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for name in "abc"
    ]  # fmt: skip
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    said = [writer.communicate(timeout=60)[1] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0, 0], said
    database = Database.file(path)
    assert keys(database) == [f"{name}{number:02}" for name in "abc" for number in range(40)]
    database.close()


def test_a_lock_that_is_never_released_is_a_store_error(path, monkeypatch):
    monkeypatch.setattr("tools.database.BUSY_TIMEOUT_MS", 50)
    database = Database.file(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked.*release the file"), database.writing():
        pass
    other.rollback()
    other.close()
    database.close()
