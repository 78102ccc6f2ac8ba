"""The reports that are kept, and where."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

import sqlalchemy as sa

_COLUMNS = "report_id, report, channel, period_first, period_last, made_at, is_scheduled, is_complete, files, run_id"
_ADD = sa.text(f"""
    insert into telemetry.made_reports (report, channel, period_first, period_last, is_scheduled, is_complete, files, run_id)
    values (:report, :channel, :first, :last, :is_scheduled, :is_complete, cast(:files as jsonb), :run_id)
    returning {_COLUMNS}
""")
_NEWEST = sa.text(f"select {_COLUMNS} from telemetry.made_reports order by made_at desc, report_id desc limit :most")
_FIND = sa.text(f"select {_COLUMNS} from telemetry.made_reports where report_id = :report_id")
_SCHEDULED = sa.text(f"""
    select {_COLUMNS} from telemetry.made_reports
    where is_scheduled and report = :report and channel = :channel and period_first = :first and period_last = :last
    order by report_id limit 1
""")
_OF_RUN = sa.text(f"""
    select {_COLUMNS} from telemetry.made_reports
    where not is_scheduled and run_id = :run_id and report = :report and channel = :channel
      and period_first = :first and period_last = :last
    order by report_id limit 1
""")
_PATHS = sa.text("select jsonb_array_elements(files) ->> 'path' from telemetry.made_reports")
_DELETE_OLD = sa.text(f"""
    delete from telemetry.made_reports where made_at < now() - make_interval(days => :days) returning {_COLUMNS}
""")


@dataclass(frozen=True)
class File:
    """A report in one format.

    :ivar path: below REPORTS_URL.
    """

    format: str
    path: str
    bytes: int


@dataclass(frozen=True)
class MadeReport:
    """A report that is kept.

    :ivar channel: that it is about; empty: all.
    :ivar is_scheduled: whether it was due, or somebody asked for it.
    :ivar run_id: of the run that made it; empty: none did.
    """

    report_id: int
    report: str
    channel: str
    period_first: date
    period_last: date
    made_at: datetime
    is_scheduled: bool
    is_complete: bool
    files: tuple[File, ...]
    run_id: str

    def find_file(self, form: str) -> File | None:
        """Return it in one format, if it was made in that."""
        return next((each for each in self.files if each.format == form), None)


def add(
    connection: sa.Connection,
    report: str,
    channel: str,
    first: date,
    last: date,
    files: Sequence[File],
    *,
    is_scheduled: bool,
    is_complete: bool,
    run_id: str = "",
) -> MadeReport:
    """Put a report on record whose files are kept."""
    values = {
        "report": report,
        "channel": channel,
        "first": first,
        "last": last,
        "is_scheduled": is_scheduled,
        "is_complete": is_complete,
        "files": json.dumps([asdict(each) for each in files]),
        "run_id": run_id,
    }
    return _made(connection.execute(_ADD, values).one())


def find_newest(connection: sa.Connection, most: int) -> list[MadeReport]:
    """Return the newest, the last one first."""
    return [_made(row) for row in connection.execute(_NEWEST, {"most": most})]


def find(connection: sa.Connection, report_id: int) -> MadeReport | None:
    """Return one of them, if it is kept."""
    row = connection.execute(_FIND, {"report_id": report_id}).one_or_none()
    return None if row is None else _made(row)


def find_scheduled(connection: sa.Connection, report: str, channel: str, first: date, last: date) -> MadeReport | None:
    """Return the report of some days that was made because it was due, if it was."""
    values = {"report": report, "channel": channel, "first": first, "last": last}
    row = connection.execute(_SCHEDULED, values).one_or_none()
    return None if row is None else _made(row)


def find_of_run(
    connection: sa.Connection, run_id: str, report: str, channel: str, first: date, last: date
) -> MadeReport | None:
    """Return the report of some days that a run made because somebody asked for it, if it did."""
    values = {"run_id": run_id, "report": report, "channel": channel, "first": first, "last": last}
    row = connection.execute(_OF_RUN, values).one_or_none()
    return None if row is None else _made(row)


def paths(connection: sa.Connection) -> set[str]:
    """Return the paths of all files that are on record."""
    return set(connection.scalars(_PATHS))


def delete_old(connection: sa.Connection, days: int) -> list[MadeReport]:
    """Forget what is older, and return it: its files are still there."""
    return [_made(row) for row in connection.execute(_DELETE_OLD, {"days": days})]


def _made(row: sa.Row[tuple[object, ...]]) -> MadeReport:
    values = dict(row._mapping)
    return MadeReport(**{**values, "files": tuple(File(**each) for each in values["files"])})
