"""A look at real servers finds what works and what does not: components, ticks, clocks and the daemon's heartbeats."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest
import sqlalchemy as sa
from clocks import Clock
from watches import MINUTE

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
