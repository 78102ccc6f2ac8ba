"""Whoever is killed on the way of a report."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date, timedelta
from urllib.parse import urlsplit

import pytest
from gates import KEPT, Gates
from mail_server import MailServer
from report_strikes import BEGUN, LAUNCHED, QUEUED, RECIPIENTS, SAID, Reports
from terminal import days_ago, stack, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
NEVER = "0 0 29 2 *"
DAYS = 26
_T = time.monotonic()


def log(*a: object) -> None:
    print(f"{time.monotonic() - _T:6.1f}", *a, flush=True)


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reports]:
    settings = {f"{each}_CRON": NEVER for each in ("TICK", "REPAIR", "MERGE", "CLEANUP")}
    settings |= {f"{each}_REPORT_CRON": NEVER for each in ("WEEKLY", "MONTHLY")}
    settings |= {
        "DAILY_REPORT_CRON": NEVER,
        "FIRST_PARTITION": days_ago(DAYS),
        "STEP_RETRY_SECONDS": "2",
        "MAIL_FROM": "reports@example.com",
    }
    options = ["--records-count", "4000", "--days", str(DAYS), "--live", "0", "--workers", "3"]
    with MailServer() as server, stack(tmp_path_factory.mktemp("reports"), *options, SMTP_URL=server.url, **settings) as operator:
        log("stack up", operator.home)
        operator.client.wait(
            operator.client.launch(["telemetry_records", "ott_views"], first=days_ago(DAYS), last=days_ago(1)), 120
        )
        log("data")
        done = operator.types("subscriptions", "add", "daily_report", "--format", "pdf", *[x for each in RECIPIENTS for x in ("--to", each)])
        assert done.returncode == 0, done.stderr
        log("subscribed")
        state = operator.state
        gates = Gates(state["owner_database_url"], "telemetry", "dagster")
        gates.build()
        yield Reports(operator, gates, server)
        log("end")


_next = iter(range(2, DAYS))


@pytest.mark.parametrize(
    "victim, moments",
    [
        ("step process", [SAID, KEPT, BEGUN]),
        ("worker", [SAID, KEPT, BEGUN, QUEUED]),
        ("valkey", [SAID, KEPT, BEGUN, QUEUED]),
        ("postgres", [LAUNCHED, SAID, KEPT, BEGUN, QUEUED]),
        ("run", [LAUNCHED, SAID, KEPT, BEGUN, QUEUED]),
    ],
)
def test_kills(reports: Reports, victim: str, moments: list[str]) -> None:
    days = [date.fromisoformat(days_ago(next(_next))) for _ in moments]
    with reports.brought_to(moments, days) as gates:
        log(victim, "brought")
        reports.kill(victim)
        for gate in gates:
            gate.open()
    found = reports.await_settled(days, 120)
    log(victim, "settled")
    for (day, each), m in zip(found.items(), moments):
        log(day, m, each)
    assert {m: each.wrong for m, each in zip(moments, found.values())} == {m: [] for m in moments}
    assert all(each.is_settled for each in found.values())
