"""A watch whose PostgreSQL is away, read-only, locked or of another mind goes on, and tells of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from clocks import Clock
from postbox import Mailbox
from watches import FAILED, MINUTE, Start

from telemetry_pipeline.errors import WarehouseError
from telemetry_pipeline.monitoring.alerts.notebook import Notebook
from telemetry_pipeline.monitoring.alerts.telling import due
from telemetry_pipeline.monitoring.components import (
    BROKER,
    DAEMON,
    POSTGRES,
    WEBSERVER,
    Addresses,
    Components,
    Reading,
)
from telemetry_pipeline.stack.servers.postgres import LocalPostgres
from telemetry_pipeline.stack.servers.reach import at_database, ensure_database
from telemetry_pipeline.warehouse.db import connections as database
from telemetry_pipeline.warehouse.db.connections import connect, looking
from telemetry_pipeline.warehouse.db.migrating import migrate
from telemetry_pipeline.warehouse.operations import problems


def test_while_postgresql_is_away_nothing_is_told_again_that_was_told_within_the_hour(
    engine: sa.Engine, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also what an earlier watch told of."""
    problems.report(engine, FAILED)
    problems.report(engine, replace(FAILED, key="over"))
    for incident in problems.untold(engine, clock()):
        problems.mark_told(engine, incident.problem_id or 0, clock(), resolution=False)
    problems.resolve(engine, "over")
    notebook = Notebook(engine, clock)
    notebook.refresh()

    def fail(*_: object) -> None:
        raise WarehouseError("away")

    monkeypatch.setattr(problems, "report", fail)
    notebook.report(FAILED)
    notebook.report(replace(FAILED, key="over"))
    (kept,) = notebook.untold()
    assert kept.key == "over"
    assert due([kept], clock()) == []
    monkeypatch.undo()
    notebook.refresh()
    assert notebook.open_keys == {FAILED.key, "over"}


@pytest.mark.slow
def test_postgresql_going_away_is_mailed_meanwhile_and_written_down_when_it_is_back(
    start: Start, own_postgres: LocalPostgres, redis_url: str, closed_port: int, clock: Clock, mailbox: Mailbox
) -> None:
    """Everything else that ends while PostgreSQL is away has to be told, too."""
    engine = connect(ensure_database(own_postgres.url, "telemetry"))
    migrate(engine)
    dagster = connect(at_database(own_postgres.url, "dagster"))
    components = Components(
        Addresses(engine, dagster, redis_url, f"http://127.0.0.1:{closed_port}"), timedelta(minutes=10), clock
    )
    watch = start(at=engine)

    def look_and_tell() -> None:
        look = components.look()
        watch.judge({name: look[name] for name in (POSTGRES, BROKER) if name in look})
        watch.tell()

    look_and_tell()
    own_postgres.stop()
    look_and_tell()
    look_and_tell()
    assert mailbox.subjects == ["PROBLEM: PostgreSQL does not work"]
    watch.judge({POSTGRES: Reading(fault="away"), DAEMON: Reading(identity="1")})
    watch.judge({POSTGRES: Reading(fault="away"), DAEMON: Reading(identity="2")})
    watch.tell()
    assert [subject.split(":")[0] for subject in mailbox.subjects[1:]] == ["PROBLEM", "OVER"]
    clock.ahead = 61 * MINUTE
    look_and_tell()
    assert mailbox.subjects[3:] == ["STILL: PostgreSQL does not work"]
    own_postgres.start()
    look_and_tell()
    look_and_tell()
    assert mailbox.subjects[4:] == ["OVER: PostgreSQL does not work"]
    with engine.connect() as connection:
        rows = connection.execute(
            sa.text("select key, resolved_at is not null, resolution_told_at is not null from telemetry.problems order by 1")
        ).all()
    assert [tuple(row) for row in rows] == [("component:daemon", True, True), ("component:postgresql", True, True)]


def test_a_read_only_postgresql_is_told_and_over_when_it_takes_changes(
    start: Start, engine: sa.Engine, redis_url: str, closed_port: int, clock: Clock, mailbox: Mailbox
) -> None:
    """Nothing was stored any more, and the watch died of it; a standby after a failover is the same."""
    problems.report(engine, FAILED)
    watch = start()
    watch.tell()
    components = Components(
        Addresses(engine, engine, redis_url, f"http://127.0.0.1:{closed_port}"), timedelta(minutes=10), clock
    )

    def look() -> dict[str, Reading]:
        return {name: reading for name, reading in components.look().items() if name == POSTGRES}

    watch.round(look)
    database = engine.url.database
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text(f"alter database {database} set default_transaction_read_only = on"))
        for _ in range(3):
            watch.round(look)
        assert mailbox.subjects == ["PROBLEM: The task telemetry_tick failed", "PROBLEM: PostgreSQL does not work"]
        assert "It is read-only, nothing can be stored: default_transaction_read_only is on." in mailbox.text(1)
        connection.execute(sa.text(f"alter database {database} reset default_transaction_read_only"))
    for _ in range(3):
        watch.round(look)
    assert mailbox.subjects[2:] == ["OVER: PostgreSQL does not work"]
    assert [problem.key for problem in problems.open_problems(engine)] == [FAILED.key]


def test_the_end_of_a_problem_that_cannot_be_noted_is_told_once(start: Start, engine: sa.Engine, mailbox: Mailbox) -> None:
    """Reading works, writing does not: the message would go out every two seconds."""
    problems.report(engine, FAILED)
    watch = start()
    watch.tell()
    problems.resolve(engine, FAILED.key)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text(f"alter database {engine.url.database} set default_transaction_read_only = on"))
        for _ in range(4):
            watch.round(dict)
        assert mailbox.subjects == ["PROBLEM: The task telemetry_tick failed", "OVER: The task telemetry_tick failed"]
        connection.execute(sa.text(f"alter database {engine.url.database} reset default_transaction_read_only"))
    watch.round(dict)
    assert problems.untold(engine, datetime.now(UTC)) == []
    assert len(mailbox.mails) == 2


@pytest.mark.parametrize(
    "break_it",
    [
        "alter table telemetry.problems rename column summary to heading",
        "alter table telemetry.problems alter column times type text using 'many'",
        "drop table telemetry.problems cascade",
        "create function telemetry.no() returns trigger language plpgsql as $$ begin raise 'out of order'; end $$; "
        "create trigger no before insert or update on telemetry.problems for each row execute function telemetry.no()",
        "alter table telemetry.problems add check (summary = 'none') not valid",
    ],
    ids=["another column", "another type", "no table", "an error of its own", "a constraint"],
)
def test_whatever_the_database_answers_the_watch_goes_on_and_tells(
    start: Start, engine: sa.Engine, mailbox: Mailbox, break_it: str
) -> None:
    watch = start()
    with engine.begin() as connection:
        for statement in break_it.split("; create t"):
            connection.exec_driver_sql(
                statement if statement.startswith(("alter", "drop", "create")) else f"create t{statement}"
            )
    watch.round(lambda: {BROKER: Reading()})
    for _ in range(3):
        watch.round(lambda: {BROKER: Reading(fault="the connection is refused")})
    assert mailbox.subjects == ["PROBLEM: The broker (Redis) does not work"]


def test_text_that_the_database_cannot_hold_is_told_and_holds_up_nothing(
    start: Start, engine: sa.Engine, mailbox: Mailbox
) -> None:
    watch = start()
    for character in ("\0", "\ud800"):
        problem = replace(FAILED, key=character, summary="Odd", detail=f"it said {character}")
        watch._notebook.report(problem)
    watch.tell()
    for _ in range(2):
        watch.round(lambda: {BROKER: Reading(identity="1")})
    watch.round(lambda: {BROKER: Reading(identity="2")})
    assert mailbox.subjects[-2:] == [
        "PROBLEM: The broker (Redis) had ended and was restarted",
        "OVER: The broker (Redis) had ended and was restarted",
    ]
    assert "it said" in mailbox.text(0)


def test_a_lock_that_somebody_holds_keeps_the_watch_from_nothing_else(
    start: Start,
    database_url: str,
    redis_url: str,
    closed_port: int,
    clock: Clock,
    mailbox: Mailbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It waited for as long as the lock was held, and told nobody of anything."""
    monkeypatch.setattr(database, "_LOOK", "set local lock_timeout = '100ms'")
    engine = looking(database_url)
    watch = start(at=engine)
    components = Components(
        Addresses(engine, engine, redis_url, f"http://127.0.0.1:{closed_port}"), timedelta(minutes=10), clock
    )
    with connect(database_url).begin() as connection:
        connection.execute(sa.text("lock table telemetry.problems, telemetry.sync_state in access exclusive mode"))
        look = components.look()
        assert look[POSTGRES].patience == 3
        assert "is locked by postgres" in str(look[POSTGRES].fault)
        assert look[BROKER] == replace(look[BROKER], fault=None)
        watch.round(lambda: {WEBSERVER: Reading(fault="the connection is refused")})
        clock.ahead = timedelta(minutes=3)
        watch.round(lambda: {WEBSERVER: Reading(fault="the connection is refused")})
        assert mailbox.subjects == ["PROBLEM: Dagster's web server does not work"]
