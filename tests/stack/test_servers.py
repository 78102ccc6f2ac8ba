"""The servers from wheels, started for real."""

from __future__ import annotations

from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from telemetry_pipeline.errors import Unavailable
from telemetry_pipeline.stack.servers.postgres import LocalPostgres
from telemetry_pipeline.stack.servers.reach import at_database, check_postgres, check_redis, ensure_database
from telemetry_pipeline.stack.servers.valkey import LocalValkey


def test_postgres_keeps_its_data_over_a_restart_and_over_a_kill(tmp_path: Path) -> None:
    server = LocalPostgres(tmp_path)
    server.start()
    with psycopg.connect(server.url) as connection:
        connection.execute("create table kept as select 1 as one")
    server.stop()
    server = LocalPostgres(tmp_path)
    server.start()
    with psycopg.connect(server.url) as connection:
        connection.execute("insert into kept values (2)")
    server.kill()
    server = LocalPostgres(tmp_path)
    server.start()
    try:
        with psycopg.connect(server.url) as connection:
            assert connection.execute("select one from kept order by one").fetchall() == [(1,), (2,)]
            [(version,)] = connection.execute("show server_version_num").fetchall()
            assert version >= "180000"
    finally:
        server.stop()


@pytest.mark.slow
@pytest.mark.parametrize("part", ["client backend", "checkpointer"])
@pytest.mark.parametrize("moved", [False, True], ids=["in its home", "in a home that is a link"])
def test_postgres_starts_on_what_a_kill_left_half_alive(tmp_path: Path, part: str, moved: bool) -> None:
    """A process of it that waits for its disk does not see that its server is gone, and holds its memory."""
    home = tmp_path / "home"
    if moved:
        (tmp_path / "elsewhere").mkdir()
        home.symlink_to(tmp_path / "elsewhere")
    killed = LocalPostgres(home)
    killed.start()
    with psycopg.connect(killed.url, autocommit=True) as connection:
        connection.execute("create table kept as select 1 as one")
        [pid] = connection.execute("select pid from pg_stat_activity where backend_type = %s", [part]).fetchone() or []
        left = psutil.Process(pid)
        left.suspend()
        killed.kill()
        server = LocalPostgres(home)
        server.start()
    try:
        with psycopg.connect(server.url) as connection:
            assert connection.execute("select one from kept").fetchall() == [(1,)]
        assert not left.is_running() or left.status() == psutil.STATUS_ZOMBIE
    finally:
        server.stop()


def test_postgres_is_reached_by_nobody_but_this_machine(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("show listen_addresses").fetchone() == ("",)


def test_valkey_listens_on_the_loopback_and_wants_its_password(tmp_path: Path) -> None:
    server = LocalValkey(tmp_path)
    server.start()
    try:
        client = redis.Redis.from_url(server.url)
        assert str(client.config_get("bind")["bind"]).split()[0].startswith("127.")
        without = server.url.split("@")[1]
        with pytest.raises(redis.AuthenticationError):
            redis.Redis.from_url(f"redis://{without}").ping()
    finally:
        server.stop()
    assert not any(server.url.split(":")[2].split("@")[0] in file.read_text(errors="replace") for file in logs(tmp_path))


def logs(home: Path) -> list[Path]:
    return list((home / "logs").glob("*.log"))


def test_a_database_is_created_once(postgres_url: str) -> None:
    url = ensure_database(postgres_url, "created_once")
    assert ensure_database(postgres_url, "created_once") == url == at_database(postgres_url, "created_once")
    check_postgres(url)


@pytest.mark.parametrize("check", [check_postgres, check_redis], ids=["postgres", "redis"])
def test_an_unreachable_server_is_one_clear_line_without_its_password(check: object) -> None:
    scheme = "postgresql" if check is check_postgres else "redis"
    with pytest.raises(Unavailable) as failure:
        check(f"{scheme}://somebody:hunter2@127.0.0.1:1/0")  # type: ignore[operator]
    assert "hunter2" not in str(failure.value)
    assert "\n" not in str(failure.value)
    assert "127.0.0.1" in str(failure.value)
