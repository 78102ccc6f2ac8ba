"""The watch over real servers: PostgreSQL, Valkey, SMTP; the looks at components are the test's own where it says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from clocks import Clock
from hooks import Hook
from postbox import Mailbox

from telemetry_pipeline.errors import WarehouseError
from telemetry_pipeline.messaging import channels
from telemetry_pipeline.messaging.channels import Channels
from telemetry_pipeline.monitoring.alerts.notebook import Notebook
from telemetry_pipeline.monitoring.alerts.outbox import TRIES
from telemetry_pipeline.monitoring.alerts.telling import due
from telemetry_pipeline.monitoring.alerts.watch import Watch
from telemetry_pipeline.monitoring.components import (
    BROKER,
    CLOCK,
    DAEMON,
    POSTGRES,
    TICKS,
    WEBSERVER,
    Addresses,
    Components,
    Reading,
)
from telemetry_pipeline.stack.servers.postgres import LocalPostgres
from telemetry_pipeline.stack.servers.reach import at_database, ensure_database
from telemetry_pipeline.warehouse.db import connections as database
from telemetry_pipeline.warehouse.db.connections import connect, looking, migrate
from telemetry_pipeline.warehouse.operations import problems
from telemetry_pipeline.warehouse.operations.problems import Problem

FAILED = Problem("run:telemetry_tick", "A tick failed", "PanAccess answered 500", "look at the run", run_id="0098262b")
MINUTE = timedelta(minutes=1)
Start = Callable[..., Watch]


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as hook:
        yield hook


@pytest.fixture
def start(engine: sa.Engine, clock: Clock, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> Start:
    monkeypatch.setattr(channels, "_PAUSE_SECONDS", 0.0)

    def start(alert_urls: str = mailbox.url, at: sa.Engine = engine) -> Watch:
        return Watch(
            Notebook(at, clock),
            Channels(alert_urls),
            zone=ZoneInfo("UTC"),
            web_url="http://127.0.0.1:3000",
            clock=clock,
            say=print,
        )

    return start


def test_a_problem_is_mailed_at_most_once_an_hour_and_its_end_once(
    start: Start, engine: sa.Engine, clock: Clock, mailbox: Mailbox
) -> None:
    watch = start()
    problems.report(engine, FAILED)
    for _ in range(3):
        watch.tell()
    assert mailbox.subjects == ["PROBLEM: A tick failed"]
    assert "http://127.0.0.1:3000/dagster/runs/0098262b" in mailbox.text(0)
    clock.ahead = 59 * MINUTE
    watch.tell()
    assert len(mailbox.mails) == 1
    clock.ahead = 61 * MINUTE
    watch.tell()
    assert len(mailbox.mails) == 1, "nothing new has happened"
    problems.report(engine, FAILED)
    watch.tell()
    watch.tell()
    assert mailbox.subjects[1:] == ["STILL: A tick failed"]
    problems.resolve(engine, FAILED.key)
    watch.tell()
    watch.tell()
    assert mailbox.subjects[2:] == ["OVER: A tick failed"]
    assert "Lasted:" in mailbox.text(2)


def test_another_watch_knows_what_was_told(start: Start, engine: sa.Engine, mailbox: Mailbox) -> None:
    problems.report(engine, FAILED)
    start().tell()
    start().tell()
    assert mailbox.subjects == ["PROBLEM: A tick failed"]


def test_a_broken_channel_is_a_problem_that_the_others_tell_and_is_over_when_it_works(
    start: Start, engine: sa.Engine, clock: Clock, mailbox: Mailbox, closed_port: int
) -> None:
    broken = f"json://hans:geheimnis@127.0.0.1:{closed_port}/"
    watch = start(f"{broken} {mailbox.url}")
    problems.report(engine, FAILED)
    watch.tell()
    watch.tell()
    name = f"json://hans:****@127.0.0.1:{closed_port}"
    assert mailbox.subjects == ["PROBLEM: A tick failed", f"PROBLEM: Alerts do not get through {name}"]
    failing, working = problems.channels(engine)
    assert (failing.channel, failing.failures, failing.succeeded_at) == (name, 2, None)
    assert failing.failing_since is not None
    assert "Connection error" in str(failing.error)
    assert working.error is None
    assert f"channel:{name}" in {problem.key for problem in problems.open_problems(engine)}
    mended = start(mailbox.url)
    with engine.begin() as connection:
        connection.execute(
            sa.text("update telemetry.problems set key = :key where key like 'channel:%'"),
            {"key": f"channel:{working.channel}"},
        )
    clock.ahead = 61 * MINUTE
    mended.judge({})
    mended.tell()
    mended.tell()
    assert {problem.key for problem in problems.open_problems(engine)} == {FAILED.key}
    assert mailbox.subjects[-1] == f"OVER: Alerts do not get through {name}"
    with engine.connect() as connection:
        everything = connection.execute(sa.text("select problems::text from telemetry.problems")).scalars().all()
    assert "geheimnis" not in f"{everything}{problems.channels(engine)}{[mail.as_string() for mail in mailbox.mails]}"


def test_a_channel_that_is_given_up_is_no_problem_any_more(
    start: Start, engine: sa.Engine, mailbox: Mailbox, closed_port: int
) -> None:
    broken = f"json://127.0.0.1:{closed_port}/"
    watch = start(f"{broken} {mailbox.url}")
    problems.report(engine, FAILED)
    watch.tell()
    watch.judge({})
    assert len(problems.open_problems(engine)) == 2
    start(mailbox.url).judge({})
    assert [problem.key for problem in problems.open_problems(engine)] == [FAILED.key]


def test_what_no_channel_took_is_not_told_and_tried_again_a_minute_later(
    start: Start, engine: sa.Engine, clock: Clock, closed_port: int
) -> None:
    """A channel that took neither of two messages is left alone meanwhile: each try may take the whole time-out."""
    watch = start(f"json://127.0.0.1:{closed_port}/")
    problems.report(engine, FAILED)
    for _ in range(4):
        watch.tell()
    assert [channel.failures for channel in problems.channels(engine)] == [2]
    assert all(incident.told_at is None for incident in problems.open_problems(engine))
    clock.ahead = MINUTE
    watch.tell()
    assert [channel.failures for channel in problems.channels(engine)] == [3]


def test_a_message_that_a_channel_refuses_holds_up_no_other_and_is_sent_shorter(
    start: Start, engine: sa.Engine, clock: Clock, hook: Hook
) -> None:
    """One alert over Pushover's 1,024 characters silenced all that came later."""
    hook.longest = 1_500
    watch = start(hook.url)
    problems.report(engine, replace(FAILED, detail="many words " * 1_000))
    problems.report(engine, replace(FAILED, key="other", summary="The disk is full"))
    watch.tell()
    watch.tell()
    assert hook.titles == ["PROBLEM: The disk is full", f"PROBLEM: Alerts do not get through {hook.name}"]
    assert f"channel:{hook.name}" in {problem.key for problem in problems.open_problems(engine)}
    assert "PROBLEM: A tick failed" in hook.messages[1], "the short one says which one did not get through"
    clock.ahead = MINUTE
    watch.tell()
    watch.tell()
    assert hook.titles[2:] == ["PROBLEM: A tick failed", f"OVER: Alerts do not get through {hook.name}"]
    assert "What to do: look at the run" in hook.messages[2]
    assert len(hook.messages[2]) <= 1_000


def test_a_message_that_a_channel_refuses_for_good_is_given_up_there_and_said(
    start: Start, engine: sa.Engine, clock: Clock, hook: Hook, mailbox: Mailbox
) -> None:
    hook.refused = "A tick failed"
    watch = start(f"{hook.url},{mailbox.url}")
    problems.report(engine, FAILED)
    for number in range(2 * TRIES):
        problems.report(engine, replace(FAILED, key=f"{number}", summary=f"Problem {number}"))
        watch.tell()
        clock.ahead += MINUTE
    with engine.connect() as connection:
        of_channel = "select detail from telemetry.problems where key like 'channel:%'"
        (detail,) = connection.execute(sa.text(of_channel)).scalars()
    assert detail.endswith("It was the message '[Telemetry Pipeline] PROBLEM: A tick failed', which is given up after 5 tries.")
    assert f"PROBLEM: Alerts do not get through {hook.name}" in mailbox.subjects
    assert mailbox.subjects.count("PROBLEM: A tick failed") == 1
    assert hook.tries == TRIES
    assert {f"PROBLEM: Problem {number}" for number in range(2 * TRIES)} <= set(hook.titles)


def test_a_message_that_the_only_channel_refuses_for_good_is_settled(
    start: Start, engine: sa.Engine, clock: Clock, hook: Hook, capsys: pytest.CaptureFixture[str]
) -> None:
    hook.refused = "A tick failed: "
    watch = start(hook.url)
    problems.report(engine, replace(FAILED, summary="A tick failed: why?"))
    for _ in range(2 * TRIES):
        watch.tell()
        clock.ahead += MINUTE
    assert hook.tries == TRIES
    assert "given up after 5 tries" in capsys.readouterr().out
    assert all(problem.told_at is not None for problem in problems.open_problems(engine))


def test_a_channel_that_was_down_gets_what_others_were_told_meanwhile_in_order(
    start: Start, engine: sa.Engine, clock: Clock, hook: Hook, mailbox: Mailbox
) -> None:
    watch = start(f"{hook.url} {mailbox.url}")
    hook.longest = 0
    problems.report(engine, FAILED)
    watch.tell()
    problems.resolve(engine, FAILED.key)
    watch.tell()
    assert hook.titles == []
    assert mailbox.subjects[0] == "PROBLEM: A tick failed"
    hook.longest = 1_000_000
    for _ in range(3):
        clock.ahead += MINUTE
        watch.tell()
    assert [title for title in hook.titles if "tick" in title] == ["PROBLEM: A tick failed", "OVER: A tick failed"]
    assert mailbox.subjects.count("PROBLEM: A tick failed") == 1


def test_a_restart_that_a_look_shows_is_mailed_with_its_end(start: Start, mailbox: Mailbox) -> None:
    watch = start()
    for process in ("1", "2", "2"):
        watch.judge({DAEMON: Reading(identity=process)})
        watch.tell()
    assert mailbox.subjects == [
        "PROBLEM: Dagster's daemon had ended and was restarted",
        "OVER: Dagster's daemon had ended and was restarted",
    ]


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
        assert mailbox.subjects == ["PROBLEM: A tick failed", "PROBLEM: PostgreSQL does not work"]
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
        assert mailbox.subjects == ["PROBLEM: A tick failed", "OVER: A tick failed"]
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
    assert mailbox.subjects == ["PROBLEM: The broker does not work"]


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
        "PROBLEM: The broker had ended and was restarted",
        "OVER: The broker had ended and was restarted",
    ]
    assert "it said" in mailbox.text(0)


def test_an_error_that_nobody_foresaw_is_told_and_ends_nothing(start: Start, mailbox: Mailbox) -> None:
    def look() -> dict[str, Reading]:
        raise RuntimeError("postgresql://user:geheimnis@host/ is odd")

    watch = start()
    for _ in range(3):
        watch.round(look)
    assert mailbox.subjects == ["PROBLEM: The watch met an error that it does not know"]
    assert "geheimnis" not in mailbox.text(0)
    for _ in range(2):
        watch.round(dict)
    assert mailbox.subjects[1:] == ["OVER: The watch met an error that it does not know"]


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
        assert mailbox.subjects == ["PROBLEM: The web server does not work"]


def test_a_look_tells_what_works_and_what_does_not(engine: sa.Engine, redis_url: str, closed_port: int, clock: Clock) -> None:
    components = Components(
        Addresses(engine, engine, redis_url, f"http://127.0.0.1:{closed_port}"), timedelta(minutes=10), clock
    )
    look = components.look()
    assert {name for name, reading in look.items() if reading.fault is None} == {POSTGRES, CLOCK, BROKER}
    assert look[WEBSERVER] == Reading(fault="the connection is refused")
    assert look["queues"] == Reading(fault="nobody serves ingest, analysis, reports", patience=2)


@pytest.mark.parametrize(("minutes", "stopped"), [(9, False), (11, True)])
def test_ticks_have_stopped_when_the_last_sync_is_older_than_the_setting(
    engine: sa.Engine, redis_url: str, closed_port: int, clock: Clock, minutes: int, stopped: bool
) -> None:
    components = Components(
        Addresses(engine, engine, redis_url, f"http://127.0.0.1:{closed_port}"), timedelta(minutes=10), clock
    )
    with engine.begin() as connection:
        connection.execute(sa.text("update telemetry.sync_state set synced_at = now() - interval '1 day'"))
    assert TICKS not in components.look(), "whether they stopped or everything was just started, nobody knows yet"
    with engine.begin() as connection:
        connection.execute(sa.text("update telemetry.sync_state set synced_at = :at"), {"at": clock().astimezone(UTC)})
    clock.ahead = minutes * MINUTE
    assert (components.look()[TICKS].fault is not None) == stopped


@pytest.mark.parametrize(
    ("seconds", "wrong"), [(30, False), (-30, False), (90, True), (-90, True), (7_200, True), (None, False)]
)
def test_a_clock_that_is_wrong_is_told(
    engine: sa.Engine, redis_url: str, closed_port: int, clock: Clock, seconds: int | None, wrong: bool
) -> None:
    clock.ahead = timedelta(seconds=seconds or 0)
    components = Components(
        Addresses(engine, engine, redis_url, f"http://127.0.0.1:{closed_port}"), timedelta(minutes=10), clock
    )
    assert (components.look()[CLOCK].fault is not None) == wrong


@pytest.mark.parametrize(("ahead", "future"), [("50 seconds", False), ("70 seconds", True), ("2 hours", True)])
def test_a_sync_of_the_future_is_not_taken_for_a_fresh_one(
    engine: sa.Engine, redis_url: str, closed_port: int, clock: Clock, ahead: str, future: bool
) -> None:
    """A clock was ahead and set back: no tick came for as long, and the watch was content."""
    with engine.begin() as connection:
        connection.execute(sa.text(f"update telemetry.sync_state set synced_at = now() + interval '{ahead}'"))
    components = Components(Addresses(engine, engine, redis_url, f"http://127.0.0.1:{closed_port}"), timedelta(0), clock)
    look = components.look()
    assert (look[CLOCK].fault is not None) == future
    if future:
        assert "a clock was set back: the last sync was at" in str(look[CLOCK].fault)
        assert look[TICKS].fault is not None
        assert look[TICKS].patience > 60, "the next tick may be under way"
    with engine.begin() as connection:
        connection.execute(sa.text("update telemetry.sync_state set synced_at = now()"))
    assert components.look()[CLOCK] == Reading()


def test_a_watch_whose_own_clock_is_set_back_waits_for_nothing(
    start: Start, engine: sa.Engine, clock: Clock, mailbox: Mailbox
) -> None:
    """It has told of a problem, and began, in what is the future now."""
    clock.ahead = timedelta(hours=2)
    watch = start()
    problems.report(engine, FAILED)
    watch.round(dict)
    clock.ahead = timedelta()
    watch.round(lambda: {WEBSERVER: Reading(fault="the connection is refused")})
    watch.round(dict)
    assert mailbox.subjects == ["PROBLEM: A tick failed", "STILL: A tick failed", "PROBLEM: The web server does not work"]


def test_a_message_told_before_the_clock_was_set_back_is_repeated_once(
    start: Start, engine: sa.Engine, clock: Clock, mailbox: Mailbox
) -> None:
    """Whatever came up again and again in the meantime."""
    problems.report(engine, FAILED)
    with engine.begin() as connection:
        connection.execute(sa.text("update telemetry.problems set told_at = now() + interval '2 hours', resolved_at = now()"))
    watch = start()
    for _ in range(4):
        problems.report(engine, FAILED)
        watch.round(dict)
        problems.resolve(engine, FAILED.key)
        watch.round(dict)
    assert [subject for subject in mailbox.subjects if "PROBLEM" in subject] == ["PROBLEM: A tick failed"]


@pytest.mark.parametrize(
    ("beats", "fault", "identity"),
    [
        ([("SCHEDULER", "new", 10), ("SENSOR", "new", 40), ("ASSET", "old", 4000)], None, "new"),
        ([("SCHEDULER", "new", 10), ("SENSOR", "new", 400)], "its parts sensor give no sign of life", "new"),
        ([("SCHEDULER", "new", 100)], "its last sign of life was", None),
        ([], "it never gave a sign of life", None),
        ([("SCHEDULER", "new", -7_000), ("SENSOR", "new", -7_010)], "its last sign of life is of the future", None),
        ([("SCHEDULER", "new", 10), ("SENSOR", "new", -30), ("ASSET", "old", -7_000)], None, "new"),
    ],
    ids=[
        "healthy, with a part of an older version",
        "a part hangs",
        "dead",
        "never started",
        "silent since its clock was set back",
        "started anew since",
    ],
)
def test_the_daemon_is_judged_by_its_heartbeats(
    engine: sa.Engine,
    redis_url: str,
    closed_port: int,
    clock: Clock,
    beats: list[tuple[str, str, int]],
    fault: str | None,
    identity: str | None,
) -> None:
    with engine.begin() as connection:
        connection.execute(
            sa.text("create table daemon_heartbeats (daemon_type text, daemon_id text, timestamp timestamp, body text)")
        )
        for part, process, age in beats:
            connection.execute(
                sa.text(
                    "insert into daemon_heartbeats values (:part, :process, timezone('America/Mexico_City', now()), "
                    "json_build_object('timestamp', extract(epoch from now()) - :age)::text)"
                ),
                {"part": part, "process": process, "age": age},
            )
    components = Components(
        Addresses(engine, engine, redis_url, f"http://127.0.0.1:{closed_port}"), timedelta(minutes=10), clock
    )
    seen = components.look()[DAEMON]
    assert seen.identity == identity
    assert str(seen.fault).startswith(str(fault))
