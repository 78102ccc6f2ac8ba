"""Brokers that work for most programs and not for this one: doctor says so, and what it advises mends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from examining import findings

from telemetry_pipeline.settings.addresses import postgres_url as as_postgres_url
from telemetry_pipeline.stack.servers.valkey import LocalValkey


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[Callable[[], redis.Redis]]:
    started: list[tuple[LocalValkey, redis.Redis]] = []

    def start() -> redis.Redis:
        server = LocalValkey(tmp_path / str(len(started)))
        (tmp_path / str(len(started))).mkdir()
        server.start()
        client = redis.Redis.from_url(server.url)
        started.append((server, client))
        return client

    yield start
    for server, client in started:
        client.close()
        server.stop()


def address_of(client: redis.Redis) -> str:
    known = client.connection_pool.connection_kwargs
    return f"redis://:{known['password']}@{known['host']}:{known['port']}/0"


def test_a_broker_that_is_full(home: Path, own_valkey: Callable[[], redis.Redis], monkeypatch: pytest.MonkeyPatch) -> None:
    client = own_valkey()
    monkeypatch.setenv("REDIS_URL", address_of(client))
    client.config_set("maxmemory-policy", "noeviction")
    client.config_set("maxmemory", "1mb")
    finding = findings()["broker"]
    assert (finding.outcome, "its memory is full" in finding.detail) == ("failed", True)
    client.config_set("maxmemory", "1gb")
    assert findings()["broker"].outcome == "ok"


def test_a_broker_that_is_a_read_only_replica(
    home: Path, own_valkey: Callable[[], redis.Redis], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = own_valkey()
    monkeypatch.setenv("REDIS_URL", address_of(client))
    client.execute_command("replicaof", "127.0.0.1", "9")
    finding = findings()["broker"]
    assert finding.detail == "it is a read-only replica of 127.0.0.1:9"
    client.execute_command(*finding.advice.rpartition(": ")[2].split())
    assert findings()["broker"].outcome == "ok"


def test_a_broker_whose_user_may_not_write(
    home: Path, own_valkey: Callable[[], redis.Redis], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = own_valkey()
    client.execute_command("acl", "setuser", "reader", "on", ">sesame", "~*", "+@read", "+info", "+ping")
    monkeypatch.setenv("REDIS_URL", address_of(client).replace("redis://:", "redis://reader:").replace(
        client.connection_pool.connection_kwargs["password"], "sesame"))  # fmt: skip
    finding = findings()["broker"]
    assert (finding.outcome, finding.detail.startswith("it does not take messages: ")) == ("failed", True)


def test_any_spelling_of_an_address_will_do(home: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", as_postgres_url(database_url, driver="psycopg2") + "\r")
    assert findings()["PostgreSQL"].outcome == "ok"
