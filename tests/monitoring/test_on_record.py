"""What people are told of problems stands in the outbox: once for each channel, whatever restarts meanwhile."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from clocks import Clock
from postbox import Mailbox
from watches import FAILED, MINUTE, Start

from telemetry_pipeline.monitoring.alerts.notebook import Notebook
from telemetry_pipeline.warehouse.operations import problems
from telemetry_pipeline.warehouse.outgoing import outbox
from telemetry_pipeline.warehouse.outgoing.outbox import Delivery


def on_record(engine: sa.Engine) -> list[Delivery]:
    """Messages about problems, the oldest first."""
    with engine.connect() as connection:
        return outbox.find_newest(connection, 20, topic="problem")[::-1]


def states(engine: sa.Engine) -> list[tuple[str, int]]:
    return [(each.state, each.tries) for each in on_record(engine)]


def test_an_alert_that_went_out_is_on_record_with_its_channel_and_words(
    start: Start, engine: sa.Engine, mailbox: Mailbox
) -> None:
    problems.report(engine, FAILED)
    start().tell()
    [sent] = on_record(engine)
    assert (sent.transport, sent.state, sent.tries) == ("alert", "sent", 1)
    assert sent.subject.endswith("The task telemetry_tick failed")
    assert sent.recipient in str(problems.channels(engine))
    assert len(mailbox.mails) == 1


def test_a_watch_that_ended_before_it_could_note_that_people_were_told_does_not_tell_them_twice(
    start: Start, engine: sa.Engine, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    problems.report(engine, FAILED)
    with monkeypatch.context() as killed:
        killed.setattr(Notebook, "mark_told", lambda *_: None)
        start().tell()
    start().tell()
    start().tell()
    assert len(mailbox.mails) == 1
    [incident] = problems.open_problems(engine)
    assert incident.told_at is not None


def test_one_that_came_to_an_end_while_it_went_out_may_have_arrived_and_is_not_sent_again(
    start: Start, engine: sa.Engine, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    problems.report(engine, FAILED)
    with monkeypatch.context() as killed:
        killed.setattr(Notebook, "end_sending", lambda *_, **__: None)
        killed.setattr(Notebook, "mark_told", lambda *_: None)
        start().tell()
    start().tell()
    assert states(engine) == [("sending", 0)], "another watch may be at it"
    with engine.begin() as connection:
        connection.execute(sa.text("update telemetry.outbox set leased_until = now() - interval '1 second'"))
        connection.execute(sa.text("update telemetry.problems set told_at = null"))
    start().tell()
    assert states(engine) == [("doubtful", 1)]
    assert len(mailbox.mails) == 1


def test_what_a_channel_refuses_waits_on_record_with_its_reason_and_its_tries(
    start: Start, engine: sa.Engine, clock: Clock, closed_port: int
) -> None:
    watch = start(f"json://127.0.0.1:{closed_port}/")
    problems.report(engine, FAILED)
    watch.tell()
    [waiting] = on_record(engine)
    assert (waiting.state, waiting.tries) == ("waiting", 1)
    assert "Connection error" in waiting.outcome
    for minutes in (2, 4, 6):
        clock.ahead = minutes * MINUTE
        watch.tell()
    state, tries = states(engine)[0]
    assert (state, tries > 1) == ("waiting", True)


def test_a_reminder_and_the_end_are_messages_of_their_own(
    start: Start, engine: sa.Engine, clock: Clock, mailbox: Mailbox
) -> None:
    watch = start()
    problems.report(engine, FAILED)
    watch.tell()
    for times in (1, 2):
        clock.ahead = times * 61 * MINUTE
        with engine.begin() as connection:
            connection.execute(sa.text("update telemetry.problems set last_at = :at"), {"at": clock()})
        watch.tell()
    problems.resolve(engine, FAILED.key)
    watch.tell()
    assert len(mailbox.mails) == len(on_record(engine)) == 4
    assert {each.state for each in on_record(engine)} == {"sent"}
