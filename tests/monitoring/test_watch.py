"""The watch over real servers tells of a problem once an hour and of its end, whatever its clock does and whatever it meets."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from clocks import Clock
from postbox import Mailbox
from watches import FAILED, MINUTE, Start

from telemetry_pipeline.monitoring.components import (
    DAEMON,
    WEBSERVER,
    Reading,
)
from telemetry_pipeline.warehouse.operations import problems


def test_a_problem_is_mailed_at_most_once_an_hour_and_its_end_once(
    start: Start, engine: sa.Engine, clock: Clock, mailbox: Mailbox
) -> None:
    watch = start()
    problems.report(engine, FAILED)
    for _ in range(3):
        watch.tell()
    assert mailbox.subjects == ["PROBLEM: The task telemetry_tick failed"]
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
    assert mailbox.subjects[1:] == ["STILL: The task telemetry_tick failed"]
    problems.resolve(engine, FAILED.key)
    watch.tell()
    watch.tell()
    assert mailbox.subjects[2:] == ["OVER: The task telemetry_tick failed"]
    assert "Lasted:" in mailbox.text(2)


def test_another_watch_knows_what_was_told(start: Start, engine: sa.Engine, mailbox: Mailbox) -> None:
    problems.report(engine, FAILED)
    start().tell()
    start().tell()
    assert mailbox.subjects == ["PROBLEM: The task telemetry_tick failed"]


def test_a_restart_that_a_look_shows_is_mailed_with_its_end(start: Start, mailbox: Mailbox) -> None:
    watch = start()
    for process in ("1", "2", "2"):
        watch.judge({DAEMON: Reading(identity=process)})
        watch.tell()
    assert mailbox.subjects == [
        "PROBLEM: Dagster's daemon had ended and was restarted",
        "OVER: Dagster's daemon had ended and was restarted",
    ]


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
    assert mailbox.subjects == [
        "PROBLEM: The task telemetry_tick failed",
        "STILL: The task telemetry_tick failed",
        "PROBLEM: Dagster's web server does not work",
    ]


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
    assert [subject for subject in mailbox.subjects if "PROBLEM" in subject] == ["PROBLEM: The task telemetry_tick failed"]
