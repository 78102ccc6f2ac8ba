"""Chaos: processes of a whole stack are killed, stopped and terminated at random, over a live upstream that misbehaves.

Meanwhile it is a night like others: ticks every minute, and repairs, merges and rebuilds that somebody launches. After the last
strike the upstream falls silent, and all has to become quiet by itself: services work, a tick succeeds, no run or message is
stuck, no problem is open, people were told, nothing is out of date. Then comes a repair, as every night, and everything is
compared with the upstream and with results computed anew.

The same seed strikes the same kinds of processes in the same order. The supervisor is not struck: with it a stack ends, by
design.
"""

from __future__ import annotations

import argparse
import functools
import random
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from bench.chaos_report import Report, show
from bench.harness import OPERATOR_TIMEZONE, result
from bench.strikes import Striker
from bench.truth import compare_records, compare_results, compare_steps
from bench.unrest import UNREACHABLE, Onlooker
from bench.up import up
from bench.upstream import Upstream
from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.client.pipeline import TelemetryClient
from telemetry_pipeline.errors import TelemetryError
from telemetry_pipeline.polling import polling
from telemetry_pipeline.warehouse.db.connections import connect

QUIET_SECONDS = 120
_DAYS = 1
# How long it may take at first until the history is stored and analysed, and how long the repair at the end.
_START_SECONDS = 600
_REPAIR_SECONDS = 300
_LAUNCHES = 3
# The watch looks at workers every 15 seconds, and believes in the second look that one is gone.
_TELLING_SECONDS = 60
# Now and then it is quiet for so long that something can end well.
_LULL_SECONDS, _LULL_SHARE = 60, 0.05
_PROBLEMS = sa.text("select key, count(*), count(told_at) from telemetry.problems group by key order by key")
_LOST_WITH_ITS_PROCESS = sa.text("""
    select exists (select from event_logs where dagster_event_type in ('STEP_UP_FOR_RETRY', 'STEP_FAILURE')
                   and event like '%WorkerLostError%')
""")
# What the keys of the problem begin with that people are told of when such a process is killed; of a step's, if it was at work.
_TOLD_AS = {
    "step process": "child:",
    "worker": "component:worker:",
    "daemon": "component:daemon",
    "webserver": "component:webserver",
    "code-server": "component:code",
    "valkey": "component:broker",
    "postgres": "component:postgresql",
}


class Chaos:
    """One stack under strikes, from its quiet beginning to the comparison."""

    def __init__(self, onlooker: Onlooker, seed: int, say: Callable[[str], None]) -> None:
        self._onlooker = onlooker
        self._say = say
        self._rng = random.Random(seed)
        self._striker = Striker(onlooker.home, seed)
        self._upstream = Upstream(onlooker.state.panaccess_url, self._rng)
        self._report = Report()

    def run(self, strikes: int) -> Report:
        """Strike so often, and see what becomes of it."""
        report = self._report
        self._settle(0.0, time.time() + _START_SECONDS, "before the first strike")
        began = time.time()
        while not report.findings and len(self._striker.strikes) < strikes:
            self._strike()
        self._striker.rest()
        last = time.time()
        self._reach("silence", self._upstream.fall_silent)
        self._settle(last, last + QUIET_SECONDS, "after the last strike")
        report.seconds_until_quiet = time.time() - last
        report.strikes = Counter(f"{strike.action.name} {strike.kind}" for strike in self._striker.strikes)
        try:
            report.ticks = self._onlooker.ticks(began)
            self._look_at_problems()
            self._compare()
        except UNREACHABLE as err:
            report.findings.append(("stuck", f"nothing can be compared: {err}"))
        return report

    def _strike(self) -> None:
        chance = self._rng.random
        if chance() < 0.3:
            self._reach("misbehaving", self._upstream.misbehave)
        if chance() < 0.15:
            self._reach("late data", self._upstream.add_late)
        # Less than the machine can do: else it would be at work on what was launched for long after the last strike.
        if chance() < 0.1:
            self._reach("a launch", self._plan_launch)
        time.sleep(_LULL_SECONDS if chance() < _LULL_SHARE else self._rng.uniform(1, 10))
        for strike in self._striker.strike():
            self._note(f"strike {len(self._striker.strikes)}: {strike}")

    def _plan_launch(self) -> None:
        """What a person may launch beside the ticks; the strikes do not wait for it."""
        first, today = self._days()
        yesterday = today - timedelta(days=1)
        spans = {
            "telemetry_range": [(yesterday, today), (first, today)],
            "telemetry_rebuild": [(first, yesterday)],
            "telemetry_merge": [(first, today)],
        }
        job = self._rng.choice(list(spans))
        days = self._rng.choice(spans[job])
        launch = functools.partial(self._launch, job, *days)
        threading.Thread(target=self._reach, args=[f"launching {job}", launch], daemon=True).start()

    def _launch(self, job: str, first: date, last: date) -> None:
        run_id = self._client().launch(job, first=first, last=last)
        self._report.launched += 1
        self._note(f"launched {job} {first} to {last}: {run_id}")

    def _settle(self, since: float, deadline: float, when: str) -> None:
        """Wait until all is quiet; what is not by then goes on record, and at the first time whether it is a little later."""
        unrest = self._onlooker.await_quiet(since, deadline, self._note)
        if not unrest:
            self._note(f"quiet {when}")
            return
        findings = self._report.findings
        if not findings:
            later = self._onlooker.await_quiet(since, time.time() + QUIET_SECONDS, self._note)
            self._note(f"{time.time() - deadline:.0f} s too late {when} it is {'still not ' if later else ''}quiet")
        findings += [("stuck", f"{when}: {kind}: {each}") for kind, several in unrest.items() for each in several]

    def _look_at_problems(self) -> None:
        """All can be quiet before the watch, which may itself have been struck, looked the next time at who was."""
        for _ in polling(_TELLING_SECONDS, 1.0):
            untold = self._untold()
            if not untold:
                return
        self._report.findings += [("untold", f"{kind} was killed, and nobody was told of {_TOLD_AS[kind]}") for kind in untold]

    def _untold(self) -> list[str]:
        """The kinds of processes that were killed, of which nobody was told."""
        with connect(self._onlooker.state.database_url).connect() as connection:
            self._report.problems = {key: (begun, told) for key, begun, told in connection.execute(_PROBLEMS)}
        with connect(self._onlooker.state.dagster_database_url).connect() as connection:
            was_at_work = bool(connection.scalar(_LOST_WITH_ITS_PROCESS))
        told = [key for key, (_, times) in self._report.problems.items() if times]
        killed = [kind for kind in _TOLD_AS if self._report.strikes[f"SIGKILL {kind}"]]
        return [
            kind
            for kind in killed
            if (kind != "step process" or was_at_work) and not any(key.startswith(_TOLD_AS[kind]) for key in told)
        ]

    def _compare(self) -> None:
        """After a repair, which brings what became visible too late for ticks."""
        self._upstream.behave()
        up_to_id = self._upstream.complete()
        records = list(self._upstream.records(up_to_id))
        self._repair()
        self._upstream.fall_silent()
        self._settle(time.time(), time.time() + QUIET_SECONDS, "after the repair")
        state, rules = self._onlooker.state, self._onlooker.rules
        warehouse = connect(state.database_url)
        for compared in (
            compare_records(warehouse, records, up_to_id),
            compare_steps(connect(state.dagster_database_url)),
            compare_results(warehouse, rules),
        ):
            self._report.findings += compared

    def _repair(self) -> None:
        """Read all days again. A launch that is refused is repeated, so that what is lost is not what was never asked for."""
        findings, client, (first, today) = self._report.findings, self._client(), self._days()
        for _ in range(_LAUNCHES):
            try:
                run_id = client.launch("telemetry_range", first=first, last=today)
            except TelemetryError as err:
                findings.append(("stuck", f"the repair at the end cannot be launched: {err}"))
                continue
            try:
                status = str(client.wait(run_id, _REPAIR_SECONDS).status)
            except TelemetryError as err:
                status = str(err)
            if status != "SUCCESS":
                findings.append(("stuck", f"the repair at the end, run {run_id}: {status}"))
            return

    def _days(self) -> tuple[date, date]:
        today = datetime.now(self._onlooker.rules.zone).date()
        return self._onlooker.state.first_partition or today, today

    def _client(self) -> TelemetryClient:
        return self._onlooker.state.client()

    def _reach(self, what: str, action: Callable[[], None]) -> None:
        """Do it, unless who is needed was struck."""
        try:
            action()
        except UNREACHABLE as err:
            self._note(f"{what} is not possible: {str(err)[:150]}")

    def _note(self, what: str) -> None:
        self._say(f"{datetime.now():%H:%M:%S} {what}")


def chaos(folder: Path, strikes: int, seed: int, records: int, say: Callable[[str], None]) -> Report:
    """Strike a stack in ``folder/home``, whose simulator has so many records of the last day."""
    with (
        _listener() as alert_url,
        up(
            folder,
            *("--records-count", str(records), "--days", str(_DAYS)),
            TICK_CRON="* * * * *",
            ALERT_URLS=alert_url,
            # Of what happens here people are to be told, not of boxes that somebody left on or of pages that break.
            MAX_LONG_VIEW_PCT="100",
            MAX_REJECTED_PCT="100",
        ) as started,
    ):
        onlooker = Onlooker(started.home, Rules(ZoneInfo(OPERATOR_TIMEZONE)))
        return Chaos(onlooker, seed, say).run(strikes)


@contextmanager
def _listener() -> Iterator[str]:
    """The address of somebody who is told: a server that takes every message."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"json://127.0.0.1:{server.server_port}"
        server.shutdown()


def main(strikes: int, seed: int, records: int, keep: bool) -> int:
    """Strike, print what came of it, and return the exit status."""
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    folder.chmod(0o711)  # PostgreSQL is another user, if this is root
    report = Report([("stuck", "the bench itself was ended")])
    try:
        report = chaos(folder, strikes, seed, records, lambda line: print(line, flush=True))
    finally:
        if keep and report.findings:
            print(f"everything is kept in {folder}; TELEMETRY_HOME={folder / 'home'} telemetry-pipeline up shows it")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    show(report, print)
    kinds = Counter(kind for kind, _ in report.findings)
    result(
        bench="chaos",
        seed=seed,
        strikes=report.strikes.total(),
        **{kind: kinds[kind] for kind in ("lost", "twice", "wrong", "stuck", "untold")},
        seconds_until_quiet=round(report.seconds_until_quiet),
        ticks_succeeded=report.ticks,
        launched=report.launched,
        problems=sum(begun for begun, _ in report.problems.values()),
        told=sum(told for _, told in report.problems.values()),
    )
    return 1 if report.findings else 0


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--strikes", type=int, default=200)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--records", type=int, default=200_000)
    arguments.add_argument("--keep", action="store_true", help="keep the stack's home, with its logs, if anything failed")
    sys.exit(main(**vars(arguments.parse_args())))
