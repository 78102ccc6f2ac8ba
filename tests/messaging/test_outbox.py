"""A message is one row, and one sender's at a time: what PostgreSQL holds and its clock decide that."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.warehouse.access.audit import Actor
from telemetry_pipeline.warehouse.outgoing import outbox
from telemetry_pipeline.warehouse.outgoing.outbox import Message, Part, Taken

LEASE = timedelta(minutes=10)
PART = Part("2026/día.pdf", "Día 1.pdf", "application/pdf")
ANA = Message("report", "daily 2026-11-27", "mail", "ana@example.com", "Informe", "Hola", "<p>Hola</p>", (PART,))
ACTOR = Actor("root", "command")


def put(engine: sa.Engine, *messages: Message) -> int:
    with engine.begin() as connection:
        return outbox.put(connection, messages)


def take(engine: sa.Engine) -> list[Taken]:
    return outbox.take(engine, ["mail"], LEASE, 10)


def run(engine: sa.Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text(statement))


def expire(engine: sa.Engine) -> None:
    run(engine, "update telemetry.outbox set leased_until = now() - interval '1 second' where lease is not null")


def states(engine: sa.Engine) -> dict[outbox.State, int]:
    with engine.connect() as connection:
        return outbox.count_by_state(connection)


def test_a_message_is_put_once_for_what_it_is_about_and_its_recipient(engine: sa.Engine) -> None:
    other = Message(**{**vars(ANA), "recipient": "eva@example.com"})
    assert put(engine, ANA, ANA) == 1
    assert put(engine, ANA, other) == 1
    assert put(engine) == 0
    assert [(each.recipient, each.parts, each.tries) for each in take(engine)] == [
        ("ana@example.com", (PART,), 0),
        ("eva@example.com", (PART,), 0),
    ]


def test_nothing_is_sent_of_a_cause_that_did_not_happen(engine: sa.Engine) -> None:
    with engine.connect() as connection, connection.begin() as transaction:
        outbox.put(connection, [ANA])
        transaction.rollback()
    assert take(engine) == []


def test_two_who_take_at_once_get_different_messages(engine: sa.Engine) -> None:
    put(engine, *(Message(**{**vars(ANA), "recipient": f"{number}@example.com"}) for number in range(3)))
    with engine.begin() as other:
        held = other.scalar(sa.text("select message_id from telemetry.outbox order by message_id limit 1 for update"))
        taken = take(engine)
    assert len(taken) == 2
    assert held not in {each.message_id for each in taken}
    assert len(take(engine)) == 1
    assert take(engine) == []


def test_what_was_leased_is_taken_again_when_its_lease_is_over_and_is_not_the_first_ones_any_more(engine: sa.Engine) -> None:
    put(engine, ANA)
    (slow,) = take(engine)
    expire(engine)
    (quick,) = take(engine)
    assert not outbox.begin_sending(engine, slow, LEASE)
    assert not outbox.put_off(engine, slow, LEASE, "too late")
    assert outbox.begin_sending(engine, quick, LEASE)
    assert not outbox.begin_sending(engine, quick, LEASE), "it goes out already"
    assert not outbox.settle(engine, slow, "failed", "too late")
    assert outbox.settle(engine, quick, "sent", "250 OK")
    assert states(engine) == {"sent": 1}


def test_what_was_going_out_when_its_sender_ended_is_doubtful_and_not_sent_again(engine: sa.Engine) -> None:
    put(engine, ANA)
    (taken,) = take(engine)
    outbox.begin_sending(engine, taken, LEASE)
    assert take(engine) == []
    expire(engine)
    assert take(engine) == []
    with engine.connect() as connection:
        (found,) = outbox.find_newest(connection, 10, failed_only=True)
    assert (found.state, found.tries, found.outcome) == ("doubtful", 1, outbox.LOST)
    assert not outbox.settle(engine, taken, "sent", "250 OK")


def test_what_is_put_off_is_not_due_before_its_time(engine: sa.Engine) -> None:
    put(engine, ANA)
    (taken,) = take(engine)
    assert outbox.put_off(engine, taken, timedelta(hours=1), "450 later")
    assert take(engine) == []
    run(engine, "update telemetry.outbox set not_before = not_before - interval '1 hour'")
    assert [each.tries for each in take(engine)] == [1]


def test_what_is_given_back_is_due_at_once_but_not_what_goes_out(engine: sa.Engine) -> None:
    put(engine, ANA, Message(**{**vars(ANA), "recipient": "eva@example.com"}))
    first, _second = take(engine)
    outbox.begin_sending(engine, first, LEASE)
    assert outbox.give_back(engine, uuid4()) == 0
    assert outbox.give_back(engine, first.lease) == 1
    assert [(each.recipient, each.tries) for each in take(engine)] == [("eva@example.com", 0)]


def test_a_failure_stands_until_its_recipient_gets_something_and_can_be_sent_again_on_record(engine: sa.Engine) -> None:
    put(engine, ANA)
    (taken,) = take(engine)
    with engine.begin() as connection, pytest.raises(RequestRefused, match="failed or is doubtful"):
        outbox.send_again(connection, ACTOR, taken.message_id)
    outbox.settle(engine, taken, "failed", "550 no such user")
    with engine.begin() as connection:
        assert [each.outcome for each in outbox.find_undelivered(connection, ["mail"])] == ["550 no such user"]
        outbox.send_again(connection, ACTOR, taken.message_id)
        noted = connection.execute(sa.text("select who, what, detail->>'recipient' from telemetry.audit")).one()
        assert noted == ("root", "message sent again", "ana@example.com")
    (again,) = take(engine)
    assert again.tries == 0
    outbox.settle(engine, again, "failed", "550 no such user")
    put(engine, Message(**{**vars(ANA), "about": "daily 2026-11-28"}))
    outbox.settle(engine, take(engine)[0], "sent", "250 OK")
    with engine.connect() as connection:
        assert outbox.find_undelivered(connection, ["mail"]) == []


def test_what_is_old_is_forgotten_when_it_is_settled(engine: sa.Engine) -> None:
    put(engine, ANA, Message(**{**vars(ANA), "recipient": "eva@example.com"}))
    first, second = take(engine)
    outbox.settle(engine, first, "sent", "250 OK")
    outbox.put_off(engine, second, LEASE, "450 later")
    run(engine, "update telemetry.outbox set settled_at = settled_at - interval '31 days', created_at = '2020-01-01'")
    with engine.begin() as connection:
        assert outbox.delete_old(connection, 31) == 1
    assert states(engine) == {"waiting": 1}
