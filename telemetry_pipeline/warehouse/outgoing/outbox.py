"""Every message to a person, with what became of it: whoever has something to say puts a row here, in the transaction of its
cause; whoever sends takes rows under a lease.

A row goes from ``waiting`` to ``leased`` (nothing went out yet) to ``sending`` (it goes out now), and from there to ``sent``,
``failed``, ``doubtful`` or back to ``waiting``. All times are PostgreSQL's: no process's clock decides whose a row is. How a
message travels, and how often that is tried, does not belong here (``messaging``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID, uuid4

import sqlalchemy as sa

from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.warehouse.access import audit
from telemetry_pipeline.warehouse.access.audit import Actor

Settled = Literal["sent", "failed", "doubtful"]
State = Literal["waiting", "leased", "sending"] | Settled
Transport = Literal["mail", "alert"]

LOST = "whoever sent it came to an end meanwhile: it may have been sent"
"""What became of a message of which nobody can say more."""

_CONTENT = "topic, about, transport, recipient, subject, body, html, parts"
_PUT = sa.text(f"""
    insert into telemetry.outbox ({_CONTENT})
    select {_CONTENT} from jsonb_to_recordset(cast(:messages as jsonb)) as messages (
        topic text, about text, transport text, recipient text, subject text, body text, html text, parts jsonb
    )
    on conflict (about, transport, recipient) do nothing
""")
_END_LOST = sa.text(f"""
    update telemetry.outbox
    set state = 'doubtful', lease = null, leased_until = null, settled_at = now(), tries = tries + 1, outcome = '{LOST}'
    where state = 'sending' and leased_until < now() and transport = any(:transports)
""")
_TAKE = sa.text(f"""
    with due as (
        select message_id from telemetry.outbox
        where transport = any(:transports)
          and ((state = 'waiting' and not_before <= now()) or (state = 'leased' and leased_until < now()))
        order by not_before, message_id limit :most for update skip locked
    )
    update telemetry.outbox set state = 'leased', lease = :lease, leased_until = now() + :span
    from due where outbox.message_id = due.message_id
    returning outbox.message_id, lease, tries, {_CONTENT}
""")
_CLAIM = sa.text(f"""
    insert into telemetry.outbox ({_CONTENT}, state, lease, leased_until)
    values (:topic, :about, :transport, :recipient, :subject, :body, :html, '[]', 'sending', :lease, now() + :span)
    on conflict (about, transport, recipient) do update
    set state = 'sending', lease = excluded.lease, leased_until = excluded.leased_until, settled_at = null,
        subject = excluded.subject, body = excluded.body
    where outbox.state in ('waiting', 'failed') or (outbox.state = 'leased' and outbox.leased_until < now())
    returning message_id, lease, tries, {_CONTENT}
""")
_BEGIN_SENDING = sa.text("""
    update telemetry.outbox set state = 'sending', leased_until = now() + :span
    where message_id = :message_id and lease = :lease and state = 'leased'
""")
_SETTLE = sa.text("""
    update telemetry.outbox
    set state = :state, lease = null, leased_until = null, settled_at = now(), tries = tries + 1, outcome = :outcome
    where message_id = :message_id and lease = :lease
""")
_PUT_OFF = sa.text("""
    update telemetry.outbox
    set state = 'waiting', lease = null, leased_until = null, not_before = now() + :span, tries = tries + 1, outcome = :outcome
    where message_id = :message_id and lease = :lease
""")
_GIVE_BACK = sa.text("""
    update telemetry.outbox set state = 'waiting', lease = null, leased_until = null where lease = :lease and state = 'leased'
""")
_COLUMNS = """
    message_id, topic, about, transport, recipient, subject, state, tries, outcome, created_at, not_before, settled_at
"""
_NEWEST = sa.text(f"""
    select {_COLUMNS} from telemetry.outbox
    where (cast(:topic as text) is null or topic = :topic) and (not :failed or state in ('failed', 'doubtful'))
    order by created_at desc, message_id desc limit :most
""")
_UNDELIVERED = sa.text(f"""
    select {_COLUMNS} from telemetry.outbox as message
    where transport = any(:transports) and (
        (state in ('failed', 'doubtful') and settled_at > now() - interval '7 days') or (state = 'waiting' and tries > 1)
      ) and not exists (
          select from telemetry.outbox as later
          where (later.transport, later.recipient, later.state) = (message.transport, message.recipient, 'sent')
            and later.settled_at > message.settled_at
      )
    order by message_id
""")
_COUNT = sa.text("select state, count(*) as count from telemetry.outbox where transport = any(:transports) group by state")
_DELETE_OLD = sa.text("delete from telemetry.outbox where settled_at < now() - make_interval(days => :days)")
_SEND_AGAIN = sa.text("""
    update telemetry.outbox set state = 'waiting', settled_at = null, not_before = now(), tries = 0
    where message_id = :message_id and state in ('failed', 'doubtful') returning recipient
""")


@dataclass(frozen=True)
class Part:
    """A file that goes with a message.

    :ivar path: below REPORTS_URL; it is read when the message is sent.
    :ivar name: what the recipient sees.
    :ivar inline: whether it is the picture of the body, ``cid:picture``, and not attached.
    """

    path: str
    name: str
    media_type: str
    inline: bool = False


@dataclass(frozen=True)
class Message:
    """What a person is to be told.

    :ivar topic: which room asks for it: ``report`` or ``problem``.
    :ivar about: what it is about; the same is never told twice to a recipient.
    :ivar recipient: a mail address, or a channel of ALERT_URLS without its secrets.
    :ivar html: the body for who sees pictures; empty: there is the text alone.
    """

    topic: str
    about: str
    transport: Transport
    recipient: str
    subject: str
    body: str
    html: str = ""
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Taken(Message):
    """A message that is somebody's to send, as long as its lease is.

    :ivar tries: how often somebody tried before.
    """

    message_id: int
    lease: UUID
    tries: int


@dataclass(frozen=True)
class Delivery:
    """A message on record, with what became of it.

    :ivar not_before: when it is tried, while it waits.
    :ivar outcome: what the server said last, or why there was no answer; empty: nobody tried yet.
    :ivar settled_at: since when it is not tried any more.
    """

    message_id: int
    topic: str
    about: str
    transport: Transport
    recipient: str
    subject: str
    state: State
    tries: int
    outcome: str
    created_at: datetime
    not_before: datetime
    settled_at: datetime | None


def put(connection: sa.Connection, messages: Iterable[Message]) -> int:
    """Have messages sent as soon as the transaction commits; returns how many of them are new.

    What a recipient was told already, or is about to be told, stays as it is.
    """
    return connection.execute(_PUT, {"messages": json.dumps([asdict(each) for each in messages])}).rowcount


def take(engine: sa.Engine, transports: Sequence[Transport], lease: timedelta, most: int) -> list[Taken]:
    """Lease what is due to the caller, the oldest first.

    What somebody had leased who came to an end is taken again, for nothing of it went out. What was going out then is
    ``doubtful`` from now on.

    :raises WarehouseError: PostgreSQL is unreachable, or has no schema of this version.
    """
    with engine.begin() as connection:
        connection.execute(_END_LOST, {"transports": [*transports]})
        values = {"transports": [*transports], "lease": uuid4(), "span": lease, "most": most}
        rows = [dict(row) for row in connection.execute(_TAKE, values).mappings()]
    taken = [Taken(**{**row, "parts": tuple(Part(**part) for part in row["parts"])}) for row in rows]
    return sorted(taken, key=lambda each: each.message_id)


def claim(engine: sa.Engine, message: Message, lease: timedelta) -> Taken | None:
    """Put a message without files that the caller sends at once, in its newest words, and note that it goes out; None: its
    recipient was told already, or may have been.

    :raises WarehouseError: PostgreSQL is unreachable.
    """
    values = {**asdict(message), "lease": uuid4(), "span": lease}
    with engine.begin() as connection:
        connection.execute(_END_LOST, {"transports": [message.transport]})
        row = connection.execute(_CLAIM, values).mappings().one_or_none()
    return None if row is None else Taken(**{**row, "parts": ()})


def begin_sending(engine: sa.Engine, taken: Taken, lease: timedelta) -> bool:
    """Note that the message goes out from now on, and lease it for so much longer; False: it is not the caller's any more,
    and must not be sent.

    :raises WarehouseError: PostgreSQL is unreachable; the message must not be sent.
    """
    with engine.begin() as connection:
        values = {"message_id": taken.message_id, "lease": taken.lease, "span": lease}
        return bool(connection.execute(_BEGIN_SENDING, values).rowcount)


def settle(engine: sa.Engine, taken: Taken, state: Settled, outcome: str) -> bool:
    """Put on record what became of a message; False: it was not the caller's any more.

    :raises WarehouseError: PostgreSQL is unreachable.
    """
    values = {"message_id": taken.message_id, "lease": taken.lease, "state": state, "outcome": outcome}
    with engine.begin() as connection:
        return bool(connection.execute(_SETTLE, values).rowcount)


def put_off(engine: sa.Engine, taken: Taken, span: timedelta, outcome: str) -> bool:
    """Have a message wait for so long until somebody tries again; False: it was not the caller's any more.

    :raises WarehouseError: PostgreSQL is unreachable.
    """
    values = {"message_id": taken.message_id, "lease": taken.lease, "span": span, "outcome": outcome}
    with engine.begin() as connection:
        return bool(connection.execute(_PUT_OFF, values).rowcount)


def give_back(engine: sa.Engine, lease: UUID) -> int:
    """Have others send what the caller took and did not begin to send; returns how many messages that were.

    :raises WarehouseError: PostgreSQL is unreachable.
    """
    with engine.begin() as connection:
        return connection.execute(_GIVE_BACK, {"lease": lease}).rowcount


def find_newest(connection: sa.Connection, most: int, *, topic: str | None = None, failed_only: bool = False) -> list[Delivery]:
    """Return what was put last, the newest first.

    :param failed_only: only what failed, or may not have arrived.
    """
    rows = connection.execute(_NEWEST, {"most": most, "topic": topic, "failed": failed_only}).mappings()
    return [Delivery(**row) for row in rows]


def find_undelivered(connection: sa.Connection, transports: Sequence[Transport]) -> list[Delivery]:
    """Return what failed or became doubtful within a week, or was tried twice, unless its recipient got a later one; the
    oldest first.
    """
    return [Delivery(**row) for row in connection.execute(_UNDELIVERED, {"transports": [*transports]}).mappings()]


def count_by_state(connection: sa.Connection, transports: Sequence[Transport] = ("mail", "alert")) -> dict[State, int]:
    """Return how many messages are in each state that some are in."""
    rows = connection.execute(_COUNT, {"transports": [*transports]}).mappings()
    return {row["state"]: row["count"] for row in rows}


def delete_old(connection: sa.Connection, days: int) -> int:
    """Forget what was settled so many days ago; returns how many messages that were."""
    return connection.execute(_DELETE_OLD, {"days": days}).rowcount


def send_again(connection: sa.Connection, actor: Actor, message_id: int) -> None:
    """Have a message that failed, or may not have arrived, sent once more.

    :raises RequestRefused: there is none of that number that failed.
    """
    recipient = connection.scalar(_SEND_AGAIN, {"message_id": message_id})
    if recipient is None:
        raise RequestRefused(
            f"no message {message_id} failed or is doubtful", "'telemetry-pipeline deliveries --failed' lists those that do"
        )
    audit.write(connection, actor, "message sent again", message=message_id, recipient=recipient)
