"""Every recipient gets a mail once, or stands on record with the reason, whatever the server does at any step."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from threading import Event, Thread
from typing import Any

import pytest
import sqlalchemy as sa
from mail_server import MailServer, die

from telemetry_pipeline.errors import RequestRefused, TelemetryError
from telemetry_pipeline.messaging import mail
from telemetry_pipeline.messaging.postman import DELIVERY, Postman
from telemetry_pipeline.stack.processes.ports import free_port
from telemetry_pipeline.warehouse.operations import problems
from telemetry_pipeline.warehouse.outgoing import outbox
from telemetry_pipeline.warehouse.outgoing.outbox import Delivery, Part

ANA, EVA = "ana@example.com", "eva@example.com"
PDF = Part("2026/report.pdf", "Informe.pdf", "application/pdf")
Put = Callable[..., int]
Found = Callable[[], dict[str, Delivery]]
Later = Callable[[], None]
SendAll = Callable[[], int]


def told(engine: sa.Engine) -> dict[str, str]:
    return {each.key: each.detail for each in problems.open_problems(engine)}


def test_each_recipient_gets_one_over_one_connection(server: MailServer, put: Put, send_all: SendAll, found: Found) -> None:
    put(ANA, EVA)
    assert send_all() == 2
    assert send_all() == 0
    assert [each["To"] for each in server.mails] == [ANA, EVA]
    assert server.sessions == 1
    assert {(each.state, each.tries, each.outcome) for each in found().values()} == {("sent", 1, "250 taken")}


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "taken"])
def test_a_greylisted_mail_is_tried_again_after_an_hour_and_not_before(
    server: MailServer, put: Put, send_all: SendAll, found: Found, an_hour_later: Later, step: str
) -> None:
    put(ANA)
    server.acts[step] = lambda: "450 come back later"
    send_all()
    before = found()[ANA]
    assert (before.state, before.tries, before.outcome) == ("waiting", 1, "450 come back later")
    server.acts.clear()
    server.mails.clear()
    assert send_all() == 0
    an_hour_later()
    send_all()
    assert (found()[ANA].state, found()[ANA].tries, len(server.mails)) == ("sent", 2, 1)


def test_what_is_not_taken_three_times_fails_and_is_told_until_its_recipient_gets_something(
    engine: sa.Engine, server: MailServer, put: Put, send_all: SendAll, found: Found, an_hour_later: Later
) -> None:
    put(ANA)
    server.acts["RCPT"] = lambda: "451 try again"
    for _ in range(4):
        send_all()
        an_hour_later()
    assert (found()[ANA].state, found()[ANA].tries) == ("failed", 3)
    assert told(engine) == {DELIVERY: "a…@example.com: Informe diario: failed after 3 tries: 451 try again"}
    server.acts.clear()
    put(ANA, about="daily 2026-11-28")
    send_all()
    assert told(engine) == {}


@pytest.mark.parametrize("step", ["RCPT", "taken"])
def test_a_recipient_who_is_refused_for_good_is_not_tried_again_and_holds_up_nobody(
    engine: sa.Engine, server: MailServer, put: Put, send_all: SendAll, found: Found, step: str
) -> None:
    put(ANA, EVA)
    server.acts[step] = lambda: "550 no such user" if server.recipients[-1] == ANA else None
    send_all()
    assert (found()[ANA].state, found()[ANA].outcome) == ("failed", "550 no such user")
    assert found()[EVA].state == "sent"
    assert "550 no such user" in told(engine)[DELIVERY]


def test_what_is_told_of_a_mail_names_no_address_that_a_server_repeats(
    engine: sa.Engine, server: MailServer, put: Put, send_all: SendAll
) -> None:
    put(ANA)
    server.acts["RCPT"] = lambda: f"550 <{ANA}>: no such user"
    send_all()
    assert told(engine) == {
        DELIVERY: "a…@example.com: Informe diario: failed after 1 tries: 550 <a…@example.com>: no such user"
    }


@pytest.mark.parametrize("step", ["connect", "EHLO", "MAIL", "RCPT", "DATA", "content"])
def test_a_server_that_dies_before_it_has_all_of_a_mail_gets_it_an_hour_later(
    server: MailServer, put: Put, send_all: SendAll, found: Found, an_hour_later: Later, step: str
) -> None:
    put(ANA, body="many lines\n" * 400_000 if step == "content" else "Hola")
    server.acts[step] = die
    send_all()
    assert (found()[ANA].state, found()[ANA].tries, server.mails) == ("waiting", 1, [])
    server.acts.clear()
    an_hour_later()
    send_all()
    assert (found()[ANA].state, len(server.mails)) == ("sent", 1)


def test_a_server_that_dies_with_all_of_a_mail_leaves_it_doubtful_and_not_sent_again(
    engine: sa.Engine, server: MailServer, put: Put, send_all: SendAll, found: Found, an_hour_later: Later
) -> None:
    put(ANA, EVA)
    server.acts["taken"] = lambda: die() if server.recipients[-1] == ANA else None
    send_all()
    an_hour_later()
    send_all()
    assert found()[ANA].state == "doubtful"
    assert found()[EVA].state == "sent", "over another connection"
    assert len(server.mails) == 2
    assert "all of it went out, and no answer came" in told(engine)[DELIVERY]


@pytest.mark.parametrize(("step", "state"), [("RCPT", "waiting"), ("taken", "doubtful")])
def test_a_server_that_does_not_answer_holds_nobody_for_long(
    server: MailServer, put: Put, send_all: SendAll, found: Found, monkeypatch: pytest.MonkeyPatch, step: str, state: str
) -> None:
    monkeypatch.setattr(mail, "_SECONDS", 0.2)
    monkeypatch.setattr(mail, "_CONTENT_SECONDS", 0.2)
    monkeypatch.setattr(mail._Session, "patience", 0.2)
    put(ANA)
    answered = Event()
    server.acts[step] = lambda: None if answered.wait(30) else ""
    send_all()
    answered.set()
    assert found()[ANA].state == state


def test_a_server_that_is_away_is_asked_once_for_all(
    put: Put, postman_of: Callable[..., Postman], found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(ANA, EVA)
    port = free_port()
    assert postman_of(f"smtp://127.0.0.1:{port}").round(Event()) == 2
    (outcome,) = {each.outcome for each in found().values()}
    assert outcome == f"127.0.0.1:{port} cannot be reached: Connection refused"
    assert {each.state for each in found().values()} == {"waiting"}


def test_without_a_server_mail_waits_and_somebody_is_told(
    engine: sa.Engine, server: MailServer, put: Put, postman_of: Callable[..., Postman], found: Found
) -> None:
    without = postman_of("")
    assert without.round(Event()) == 0
    assert told(engine) == {}
    put(ANA)
    without.round(Event())
    assert told(engine)[DELIVERY].startswith("1 mails wait: SMTP_URL is not set")
    assert (found()[ANA].state, found()[ANA].tries) == ("waiting", 0)
    postman_of(server.url).round(Event())
    assert (found()[ANA].state, told(engine)) == ("sent", {})


@pytest.mark.parametrize(
    ("error", "state"), [(TelemetryError("the archive is away"), "waiting"), (RequestRefused("it is not kept"), "failed")]
)
def test_nothing_is_sent_without_its_files(
    server: MailServer, put: Put, postman_of: Callable[..., Postman], found: Found, error: TelemetryError, state: str
) -> None:
    def read(path: str) -> Any:
        raise error

    put(ANA, parts=(PDF,))
    put(EVA)
    postman_of(server.url, read).round(Event())
    assert [each["To"] for each in server.mails] == [EVA]
    assert (found()[ANA].state, found()[ANA].outcome) == (state, error.problem)


def test_what_is_no_address_reaches_no_server(server: MailServer, put: Put, send_all: SendAll, found: Found) -> None:
    wrong = [f"{ANA}\r\nBcc: {EVA}", "año@example.com", f"{ANA}>\r\nRCPT TO:<{EVA}", f"{ANA}, {EVA}"]
    put(*wrong)
    send_all()
    assert server.recipients == []
    assert {each.state for each in found().values()} == {"failed"}


def test_two_postmen_at_once_send_each_mail_once(
    server: MailServer, put: Put, postman_of: Callable[..., Postman], found: Found
) -> None:
    people = [f"{number}@example.com" for number in range(60)]
    put(*people)

    def work(postman: Postman) -> None:
        while postman.round(Event()):
            pass

    threads = [Thread(target=work, args=(postman_of(server.url),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(each["To"] for each in server.mails) == sorted(people)
    assert server.sessions > 1
    assert {each.state for each in found().values()} == {"sent"}


@pytest.mark.parametrize("step", ["RCPT", "DATA"])
def test_who_was_slow_for_longer_than_its_lease_does_not_send_what_another_one_sent(
    engine: sa.Engine, put: Put, postman_of: Callable[..., Postman], found: Found, an_hour_later: Later, step: str
) -> None:
    put(ANA)
    with MailServer() as slow, MailServer() as quick:

        def be_overtaken() -> None:
            an_hour_later()
            postman_of(quick.url).round(Event())

        slow.acts[step] = be_overtaken
        postman_of(slow.url).round(Event())
        assert (len(slow.mails), len(quick.mails)) == (0, 1)
    assert (found()[ANA].state, found()[ANA].tries) == ("sent", 1)


def test_who_stops_finishes_the_mail_that_goes_out_and_gives_back_the_others(
    engine: sa.Engine, server: MailServer, put: Put, postman_of: Callable[..., Postman], found: Found
) -> None:
    put(ANA, EVA)
    stopped = Event()
    server.acts["content"] = stopped.set
    postman_of(server.url).run(stopped)
    assert [found()[each].state for each in (ANA, EVA)] == ["sent", "waiting"]
    assert len(outbox.take(engine, ["mail"], timedelta(1), 9)) == 1


def test_a_report_to_twenty_takes_one_connection_and_reads_its_files_once(
    server: MailServer, put: Put, postman_of: Callable[..., Postman], found: Found
) -> None:
    read: list[str] = []

    def read_part(path: str) -> bytes:
        read.append(path)
        return b"%PDF" * 25_000

    put(*(f"{number}@example.com" for number in range(20)), parts=(PDF,))
    assert postman_of(server.url, read_part).round(Event()) == 20
    assert (server.sessions, read) == (1, [PDF.path])
    assert {each.state for each in found().values()} == {"sent"}
