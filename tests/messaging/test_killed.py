"""Whoever sends mail may be killed between any two steps, and PostgreSQL may go away: nobody gets a mail twice, and what nobody
got is tried again, or stands with its reason.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import posting
import pytest
import sqlalchemy as sa
from mail_server import MailServer

from telemetry_pipeline.messaging.postman import Postman
from telemetry_pipeline.polling import polling
from telemetry_pipeline.stack.servers.postgres import LocalPostgres
from telemetry_pipeline.stack.servers.reach import ensure_database
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.db.migrating import migrate
from telemetry_pipeline.warehouse.outgoing import outbox
from telemetry_pipeline.warehouse.outgoing.outbox import Delivery, Message

ANA, EVA = "ana@example.com", "eva@example.com"


@pytest.mark.parametrize(
    ("step", "state"),
    [
        ("connect", "sent"),
        ("EHLO", "sent"),
        ("MAIL", "sent"),
        ("RCPT", "sent"),
        ("DATA", "sent"),
        ("content", "doubtful"),
        ("taken", "doubtful"),
    ],
)
def test_who_is_killed_sends_nothing_twice_and_leaves_what_did_not_go_out_to_the_next_one(
    database_url: str,
    server: MailServer,
    put: Callable[..., int],
    send_all: Callable[[], int],
    found: Callable[[], dict[str, Delivery]],
    an_hour_later: Callable[[], None],
    step: str,
    state: str,
) -> None:
    put(ANA, EVA)
    reached, killed = Event(), Event()

    def wait() -> None:
        reached.set()
        killed.wait(60)

    server.acts[step] = wait
    process = subprocess.Popen([sys.executable, str(Path(posting.__file__)), database_url, server.url])
    assert reached.wait(60)
    process.kill()
    process.wait()
    server.acts.clear()
    killed.set()
    an_hour_later()
    send_all()
    assert {each: found()[each].state for each in (ANA, EVA)} == {ANA: state, EVA: "sent"}
    to_ana = sum(mail["To"] == ANA for mail in server.mails)
    assert to_ana == 1 if state == "sent" else to_ana <= 1
    assert sum(mail["To"] == EVA for mail in server.mails) == 1
    if state == "doubtful":
        assert found()[ANA].outcome == outbox.LOST


@pytest.mark.slow
@pytest.mark.parametrize("step", ["DATA", "taken"])
def test_what_became_of_a_mail_is_put_on_record_when_postgresql_is_back(
    own_postgres: LocalPostgres, server: MailServer, postman_of: Callable[..., Postman], step: str
) -> None:
    engine = connect(ensure_database(own_postgres.url, "telemetry"))
    migrate(engine)
    with engine.begin() as connection:
        outbox.put(connection, [Message("report", "daily", "mail", each, "Informe", "Hola") for each in (ANA, EVA)])
    gone = Event()

    def end_postgres() -> None:
        if not gone.is_set():
            own_postgres.stop()
            gone.set()

    server.acts[step] = end_postgres
    stopped = Event()
    working = Thread(target=postman_of(server.url, at=engine).run, args=(stopped,))
    working.start()
    assert gone.wait(60)
    own_postgres.start()
    for _ in polling(60):
        with engine.connect() as connection:
            if outbox.count_by_state(connection) == {"sent": 2}:
                break
    stopped.set()
    working.join()
    with engine.connect() as connection:
        assert connection.execute(sa.text("select recipient, state, tries from telemetry.outbox order by 1")).all() == [
            (ANA, "sent", 1),
            (EVA, "sent", 1),
        ]
    assert sorted(str(mail["To"]) for mail in server.mails) == [ANA, EVA]
