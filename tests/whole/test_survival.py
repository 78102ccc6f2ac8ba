"""Processes of a stack are killed: the next tick succeeds, nothing is lost or counted twice, and people are told.

The short form kills several at a time. ``-m by_hand`` kills every kind of process on its own, which takes half an hour.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import psutil
import psycopg
import pytest
import requests
from postbox import Mailbox
from terminal import Operator, days_ago, log_in, stack, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

MINUTELY = "* * * * *"
HEALED_SECONDS = 180
# What the keys of the problem begin with that people are told of when such a process is killed.
TOLD_AS = {
    "child": "child:",
    "worker": "component:worker:",
    "run": "run:telemetry_tick",
    "daemon": "component:daemon",
    "webserver": "component:webserver",
    "code-server": "component:code",
    "valkey": "component:broker",
    "postgres": "component:postgresql",
}
OPTIONS = ["--records-count", "20000", "--days", "5", "--live", "20"]


@dataclass
class Night:
    """A stack that ticks every minute over live records, with somebody's mailbox."""

    operator: Operator
    mailbox: Mailbox
    session: str
    history_ends: int
    """Ids up to this one are older; some of those become visible hours late, which is for the nightly repair."""

    def processes(self, what: str) -> list[int]:
        """The ids of the processes of one kind."""
        pids = self.operator.state["processes"]
        if what == "child":
            return [child.pid for child in psutil.Process(pids["worker"]).children()]
        if what == "run":
            return [
                process.pid
                for process in psutil.Process(pids["code-server"]).children(recursive=True)
                if "spawn_main" in " ".join(process.cmdline())
            ]
        return [pids[what]]

    def kill(self, *kinds: str) -> None:
        victims = {kind: self.processes(kind) for kind in kinds}
        assert all(victims.values()), victims
        for pids in victims.values():
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def succeeded(self) -> list[tuple[str, float]]:
        """The ticks that succeeded: run, and when it ended."""
        with psycopg.connect(self.operator.state["dagster_database_url"]) as connection:
            return connection.execute(
                "select run_id, end_time from runs "
                "where pipeline_name = 'telemetry_tick' and status = 'SUCCESS' order by end_time"
            ).fetchall()

    def wait_for_a_tick(self, after: float) -> float:
        """Seconds until a tick that ends after a moment has succeeded."""

        def there() -> bool:
            with suppress(psycopg.OperationalError):
                return any(ended and ended > after for _, ended in self.succeeded())
            return False

        wait_until(there, HEALED_SECONDS)
        return time.time() - after

    def wait_for_a_step(self) -> None:
        """Until a tick is in the middle of its work."""

        def at_work() -> bool:
            with psycopg.connect(self.operator.state["dagster_database_url"]) as connection:
                [row] = connection.execute(
                    "select count(*) from event_logs join runs using (run_id) "
                    "where status = 'STARTED' and dagster_event_type = 'STEP_START'"
                ).fetchall()
            return bool(row[0])

        wait_until(at_work, 90)

    def incidents(self) -> list[str]:
        """The keys of the problems so far, oldest first."""
        with psycopg.connect(self.operator.state["database_url"]) as connection:
            found = connection.execute("select key from telemetry.problems order by problem_id").fetchall()
        return [key for (key,) in found]

    def is_quiet_again(self) -> bool:
        """Whether every problem is over, and people were told of each kind that there was, and of its end."""
        with suppress(psycopg.OperationalError), psycopg.connect(self.operator.state["database_url"]) as connection:
            kinds = connection.execute(
                "select bool_and(resolved_at is not null), bool_or(told_at is not null), "
                "bool_or(resolution_told_at is not null) from telemetry.problems group by key"
            ).fetchall()
            return all(all(kind) for kind in kinds)
        return False

    def compare_with_the_upstream(self) -> None:
        """Every record that the upstream has by now is stored once, a tick later, and every stop is one view."""
        with psycopg.connect(self.operator.state["database_url"]) as connection:

            def scalar(query: str, *values: int) -> int:
                row = connection.execute(query, values).fetchone()
                connection.commit()
                return int(row[0]) if row else 0

            cursor = scalar("select cursor from telemetry.sync_state")
            # Some ids become visible a minute late; a tick reads again below its cursor.
            stored = "select count(*) from telemetry.records where record_id > %s and record_id <= %s"
            span = (self.history_ends, cursor)
            wait_until(lambda: scalar(stored, *span) == count_upstream(self, *span), HEALED_SECONDS)
            assert scalar(stored, *span) == scalar(stored.replace("count(*)", "count(distinct record_id)"), *span)
            unmerged = (
                "select (select count(*) from telemetry.records where action_id = 8 and data_id is not null and not exists ("
                "select from telemetry.pending_merges where record_id between first_record_id and last_record_id)) "
                "- (select count(*) from telemetry.views)"
            )
            wait_until(lambda: scalar(unmerged) == 0, HEALED_SECONDS)


def count_upstream(night: Night, after_id: int, up_to_id: int) -> int:
    """How many records the simulator shows between two ids, as it counts them itself."""
    bounds = [("gt", after_id), ("le", up_to_id)]
    rules = [{"field": "recordId", "op": op, "data": str(bound)} for op, bound in bounds]
    page = requests.post(
        f"{night.operator.state['panaccess_url']}?f=getListOfTelemetryRecords&requestMode=function",
        data={
            "sessionId": night.session,
            "offset": 0,
            "limit": 1,
            "newFilters": json.dumps({"groupOp": "AND", "filters": [{"groupOp": "AND", "rules": rules}]}),
        },
        timeout=60,
    ).json()["answer"]
    return int(page["count"])


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    folder = tmp_path_factory.mktemp("night")
    with (
        Mailbox() as mailbox,
        # Of what happened here people are told, not of boxes that somebody left on.
        stack(
            folder,
            *OPTIONS,
            TICK_CRON=MINUTELY,
            FIRST_PARTITION=days_ago(0),
            ALERT_URLS=mailbox.url,
            MAX_LONG_VIEW_PCT="100",
        ) as operator,
    ):
        newest = requests.get(f"{operator.state['panaccess_url']}health", timeout=30).json()["highest_id"]
        night = Night(operator, mailbox, log_in(operator), newest)
        night.wait_for_a_tick(after=0)
        yield night


def survive(night: Night, *kinds: str) -> None:
    before, mails = len(night.incidents()), len(night.mailbox.mails)
    night.wait_for_a_step()
    killed_at = time.time()
    night.kill(*kinds)
    seconds = night.wait_for_a_tick(after=killed_at)

    def is_told() -> bool:
        new = night.incidents()[before:]
        return all(any(key.startswith(TOLD_AS[kind]) for key in new) for kind in kinds) and night.is_quiet_again()

    try:
        wait_until(is_told, HEALED_SECONDS)
    finally:
        told = ", ".join(night.incidents()[before:])
        print(f"killed {', '.join(kinds)}: a tick succeeded after {seconds:.0f} s; on record: {told}")
    assert any(subject.startswith("OVER") for subject in night.mailbox.subjects[mails:])
    night.compare_with_the_upstream()


def test_the_next_tick_succeeds_although_most_of_the_stack_was_killed(night: Night) -> None:
    survive(night, "worker", "daemon", "webserver", "valkey", "postgres")


@pytest.mark.by_hand
@pytest.mark.parametrize("kind", TOLD_AS)
def test_the_next_tick_succeeds_although_one_process_was_killed(night: Night, kind: str) -> None:
    survive(night, kind)
