"""``deliveries`` shows what was sent to whom and how it went, and sends again what failed; ``subscriptions`` and ``report``
say what becomes of what they are asked for.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from cli_harness import Outcome

from telemetry_pipeline.warehouse.outgoing import outbox
from telemetry_pipeline.warehouse.outgoing.outbox import Message

LEASE = timedelta(minutes=1)


@pytest.fixture
def sent(engine: sa.Engine, database_url: str, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Ids of three messages: one was sent, one failed, one waits."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    people = ["ana@example.com", "eva@example.com", "leo@example.com"]
    with engine.begin() as connection:
        outbox.put(connection, [Message("report", "daily", "mail", each, "Informe diario", "Hola") for each in people])
    first, second, third = outbox.take(engine, ["mail"], LEASE, 10)
    outbox.settle(engine, first, "sent", "250 OK")
    outbox.settle(engine, second, "failed", "550 no such\x1b[31m user")
    outbox.put_off(engine, third, LEASE, "450 later")
    return [each.message_id for each in (first, second, third)]


def test_what_was_sent_is_listed_with_what_became_of_it(cli: Callable[..., Outcome], sent: list[int]) -> None:
    lines = cli("deliveries").out.splitlines()
    assert [line.split()[0] for line in lines[1:4]] == [str(each) for each in reversed(sent)]
    assert "\\u001b[31m user" in lines[2]
    assert "tried again at" in lines[1]
    failed = json.loads(cli("deliveries", "--failed", "--format", "json").out)
    assert [(each["recipient"], each["state"], each["tries"]) for each in failed] == [("eva@example.com", "failed", 1)]


def test_what_failed_is_sent_again_and_what_was_sent_is_not(
    cli: Callable[..., Outcome], engine: sa.Engine, sent: list[int]
) -> None:
    refused = cli("deliveries", "--again", str(sent[0]))
    assert refused.status == 1
    assert "failed or is doubtful" in refused.err
    assert cli("deliveries", "--again", str(sent[1])).out == f"message {sent[1]} is sent again\n"
    assert [each.recipient for each in outbox.take(engine, ["mail"], LEASE, 10)] == ["eva@example.com"]
    assert cli("deliveries", "--failed").out == "none\n"


@pytest.mark.parametrize(
    ("stack", "own", "told"),
    [
        ({"sends_mail": True}, "", ""),
        ({"sends_mail": False}, "smtp://127.0.0.1:25", "the stack runs without SMTP_URL"),
        (None, "smtp://127.0.0.1:25", ""),
        (None, "", "SMTP_URL is empty here"),
    ],
)
def test_who_subscribes_is_told_whether_mail_is_sent_where_that_is_known(
    cli: Callable[..., Outcome],
    announce: Callable[..., None],
    engine: sa.Engine,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    stack: dict[str, Any] | None,
    own: str,
    told: str,
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    if own:
        monkeypatch.setenv("SMTP_URL", own)
    if stack is not None:
        announce("http://127.0.0.1:9", **stack)
    lines = cli("subscriptions", "add", "daily_report", "--to", "ana@example.com").out.splitlines()
    assert lines[0].endswith("ana@example.com get daily_report as pdf")
    assert [line[: len(told)] for line in lines[1:]] == ([told] if told else [])


def test_a_report_is_not_written_into_a_file_that_is_called_after_another_format(cli: Callable[..., Outcome]) -> None:
    refused = cli("report", "daily_report", "--format", "pdf", "--output", "informe.XLSX")
    assert refused.status == 1
    assert "informe.XLSX is no name for pdf" in refused.err
    assert "write informe.pdf, or ask for --format xlsx" in refused.err
