"""Reports of a whole stack from their schedule to the mailbox, while whoever is at work on them is killed with -9: each is on
record once, each recipient gets one mail, or stands with the reason why not, and no file is left that nobody has on record.

Of all pairs of who is killed and when, those are here that differ in what mends them:

- the daemon, between making a run and launching it: the run is repeated;
- the process of a run, before it has begun, and while its step is about to put the report on record: the run is repeated;
- the process of a step, the worker, the broker and PostgreSQL while a step is about to commit, and has committed and not said
  so: it begins anew, and finds what was done; worker and broker also while it waits for a worker;
- the watch, before a mail goes out, and on its way; PostgreSQL while a mail is on its way.

A step that has only begun has nothing to lose that one does not which is about to commit. What is killed together has nothing
to do with each other. The tests build on each other: what takes longest to be noticed is struck first and looked at last.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date

import pytest
from gates import KEPT, LAUNCHED, SAID, STARTING, Gates
from mail_server import MailServer
from obstore.store import LocalStore
from report_strikes import QUEUED, RECIPIENTS, Reports
from terminal import days_ago, stack, wait_until

from telemetry_pipeline.reports.archive.keeping import Archive
from telemetry_pipeline.reports.publishing.clearing import clear
from telemetry_pipeline.reports.publishing.subscribing import subscribe
from telemetry_pipeline.warehouse.access.audit import Actor

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

NEVER = "0 0 29 2 *"
DAYS = 15
SENSOR = """
    { sensorOrError(sensorSelector: {
        repositoryName: "__repository__", repositoryLocationName: "telemetry_pipeline", sensorName: "late_data_sensor"
    }) { ... on Sensor { id } } }
"""
STOP = "mutation Stop($id: String!) { stopSensor(id: $id) { ... on StopSensorMutationResult { instigationState { status } } } }"


@dataclass(frozen=True)
class Strike:
    """Who is killed, and when.

    :ivar newest: how many days ago the day is of which a report is at the first moment; at the next one, of the day before.
    :ivar mail: the step of SMTP at which a mail is then; empty: none is.
    """

    victims: tuple[str, ...]
    newest: int
    moments: tuple[str, ...]
    mail: str = ""

    @property
    def days(self) -> dict[str, date]:
        """The day of each moment."""
        return {moment: date.fromisoformat(days_ago(self.newest + number)) for number, moment in enumerate(self.moments)}


LOST = Strike(("daemon", "run"), 2, (LAUNCHED, KEPT))
STRIKES = {
    "step process": Strike(("step process", "watch"), 4, (SAID, KEPT), "connect"),
    "worker": Strike(("worker", "watch"), 6, (SAID, KEPT, QUEUED), "taken"),
    "broker": Strike(("valkey",), 9, (SAID, KEPT, QUEUED)),
    "PostgreSQL": Strike(("postgres",), 12, (SAID, KEPT), "content"),
}


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reports]:
    """A stack with days that are complete, two subscribers, and a schedule that asks for the report of yesterday as soon as it
    may; the daemon waits behind having made that run.
    """
    crons = {f"{each}_CRON": NEVER for each in ("TICK", "REPAIR", "MERGE", "CLEANUP", "WEEKLY_REPORT", "MONTHLY_REPORT")}
    settings = {"DAILY_REPORT_CRON": "* * * * *", "FIRST_PARTITION": days_ago(DAYS), "STEP_RETRY_SECONDS": "2"}
    options = ["--records-count", "2000", "--days", str(DAYS), "--live", "0", "--workers", "2"]
    with MailServer() as server, ExitStack() as running:
        given = {**crons, **settings, "SMTP_URL": server.url, "MAIL_FROM": "reports@example.com"}
        operator = running.enter_context(stack(tmp_path_factory.mktemp("reports"), *options, **given))
        gates = Gates(operator.state["owner_database_url"], "telemetry", "dagster")
        gates.build()
        yesterday = date.fromisoformat(days_ago(1))
        scheduled = running.enter_context(gates.closed(STARTING, yesterday))
        # It would have every analysis of all days computed, and all workers busy with that.
        stopped = operator.asks(STOP, id=operator.asks(SENSOR)["sensorOrError"]["id"])["stopSensor"]
        assert stopped == {"instigationState": {"status": "STOPPED"}}
        reports = Reports(operator, gates, server)
        with reports.engine.begin() as connection:
            subscribe(connection, Actor("ana", "command"), "daily_report", "", ["pdf"], RECIPIENTS)
        read = operator.client.launch(["telemetry_records", "ott_views"], first=days_ago(DAYS), last=days_ago(1))
        assert operator.client.wait(read, 180).status == "SUCCESS"
        with reports.brought_to(LOST.days) as waiting:
            wait_until(lambda: scheduled.is_reached, 120)
            reports.kill(LOST.victims, {STARTING: scheduled, **waiting})
        yield reports


@pytest.mark.parametrize("strike", STRIKES.values(), ids=STRIKES)
def test_each_recipient_gets_one_whoever_is_killed(reports: Reports, strike: Strike) -> None:
    days = strike.days
    with reports.held_at(strike.mail) as mail, reports.brought_to(days) as waiting:
        if mail is not None:
            assert mail.wait(60)
        reports.kill(strike.victims, waiting)
    if "watch" in strike.victims:
        reports.an_hour_later()
    found = reports.await_settled(days.values(), 180)
    assert {moment: found[day].wrong for moment, day in days.items() if found[day].wrong} == {}
    if {"step process", "worker"} & {*strike.victims}:
        assert found[days[SAID]].begun > 1, "what was on record and not said is found by another attempt"


def test_a_report_is_made_whose_run_was_lost_and_one_whose_run_was_made_and_never_launched(reports: Reports) -> None:
    days = {**LOST.days, STARTING: date.fromisoformat(days_ago(1))}
    found = reports.await_settled(days.values(), 180)
    assert {moment: found[day].wrong for moment, day in days.items() if found[day].wrong} == {}


def test_in_the_end_nobody_got_a_second_one_and_only_what_was_on_its_way_with_the_watch_is_doubtful(reports: Reports) -> None:
    days = [date.fromisoformat(days_ago(1)), *(day for each in (LOST, *STRIKES.values()) for day in each.days.values())]
    found = reports.await_settled(days, 60)
    assert {day: each.wrong for day, each in found.items() if each.wrong} == {}
    assert Counter(state for each in found.values() for state, _ in each.states.values())["doubtful"] == 1


def test_behind_the_clean_up_the_archive_has_what_is_on_record_and_nothing_else(reports: Reports) -> None:
    directory = reports.operator.home / "reports"

    def left() -> set[str]:
        return {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}

    assert left() > reports.files(), "somebody was killed who had kept files"
    for path in left():
        os.utime(directory / path, (0, 0))
    clear(reports.engine, Archive(LocalStore(directory), "reports"), days=400)
    assert left() == reports.files()
