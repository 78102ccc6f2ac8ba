"""A database of the version before, with data in it, becomes one of this version."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import psycopg
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from stops import Stop, excluded, versions
from warehouse_events import MEXICO, ZONE, select

from telemetry_pipeline.stack.servers.reach import at_database
from telemetry_pipeline.warehouse.core.views import merge
from telemetry_pipeline.warehouse.db import migrating
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.db.migrating import migrate
from telemetry_pipeline.warehouse.db.partitions import keep_months
from telemetry_pipeline.warehouse.raw import claims, completeness, gaps
from telemetry_pipeline.warehouse.raw.batch import COLUMNS
from telemetry_pipeline.warehouse.raw.gaps import Gap

AHEAD = 60 * 24 * 365 * 50
STOPS = [
    Stop(1),
    Stop(2),
    Stop(3, minute=1440),
    Stop(4, device=None),
    Stop(5, device=None),
    Stop(6, duration=None),
    Stop(7, duration=None),
    Stop(8, minute=AHEAD),
    Stop(9, minute=AHEAD),
]
_VIEW = sa.text("""
    insert into telemetry.views
        (record_id, local_date, local_hour, ended_at, started_at, duration_seconds, channel_id, device_id)
    select record_id, local_date, extract(hour from timestamp at time zone :zone), timestamp,
           timestamp - make_interval(secs => duration_seconds), duration_seconds, data_id, device_id
    from telemetry.records
""")

_GAPS = sa.text("insert into telemetry.sync_gaps (first_record_id, last_record_id, reason) values (-1, 0, 'x'), (11, 12, 'x')")


def make_months(connection: sa.Connection, table: str, months: Iterable[date]) -> None:
    """As versions up to 0004 did whenever a record came."""
    for month in months:
        following = (month + timedelta(days=31)).replace(day=1)
        connection.execute(
            sa.text(
                f"create table telemetry.{table}_{month:%Y_%m} partition of telemetry.{table} "
                f"for values from ('{month}') to ('{following}')"
            )
        )


@pytest.fixture
def outdated(postgres_url: str) -> sa.Engine:
    """A database at 0003 with views, some of which are of the future or doubles, and a gap."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("drop database if exists outdated with (force)")
        connection.execute("create database outdated template template0")
    engine = connect(at_database(postgres_url, "outdated"))
    config = Config()
    config.set_main_option("script_location", str(migrating._MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
    with engine.begin() as connection:
        for table in ("records", "views"):
            make_months(connection, table, {stop.local_date.replace(day=1) for stop in STOPS})
        for stop in STOPS:
            row = {name: value for name, value in zip(COLUMNS, stop.row, strict=True) if value is not None}
            names = ", ".join(row)
            values = ", ".join(f":{name}" for name in row)
            connection.execute(sa.text(f"insert into telemetry.records ({names}) values ({values})"), row)
        connection.execute(_VIEW, {"zone": ZONE})
        connection.execute(sa.text("insert into telemetry.view_days select distinct local_date, 7 from telemetry.views"))
        connection.execute(_GAPS)
        connection.execute(sa.text("update telemetry.sync_state set operator_timezone = :zone, cursor = 12"), {"zone": ZONE})
    return engine


def test_views_that_are_there_are_judged(outdated: sa.Engine) -> None:
    migrate(outdated)
    assert excluded(outdated) == {2: "duplicate", 7: "duplicate", 8: "future", 9: "future"}
    assert select(outdated, "select record_id, reason from telemetry.excluded_views order by 1") == [
        (2, "duplicate"),
        (7, "duplicate"),
        (8, "future"),
        (9, "future"),
    ]


def test_the_days_of_those_that_count_no_more_are_changed_and_no_others(outdated: sa.Engine) -> None:
    migrate(outdated)
    changed = {STOPS[0].local_date, STOPS[-1].local_date}
    assert {day for day, (version, spill) in versions(outdated).items() if version > 7 and spill == version} == changed
    assert versions(outdated)[STOPS[2].local_date] == (7, 0)


def test_a_rebuild_finds_nothing_to_change(outdated: sa.Engine) -> None:
    migrate(outdated)
    before = versions(outdated)
    merge(outdated, ZONE, rebuild=(date(2025, 1, 1), date(2025, 2, 28)))
    assert versions(outdated) == before
    assert excluded(outdated) == {2: "duplicate", 7: "duplicate", 8: "future", 9: "future"}


def test_what_was_stored_is_known_from_the_next_sync_on(outdated: sa.Engine) -> None:
    """Not before: nobody knows whether the last one read everything."""
    migrate(outdated)
    gaps.gap_tried(outdated, Gap(11, 12, "x"), resolved=True)
    day = STOPS[2].local_date
    [received_at] = select(outdated, "select distinct received_at from telemetry.records")[0]
    with outdated.connect() as connection:
        known = completeness.read(connection)
    assert (known.known_until, known.complete_before, known.is_complete(day)) == (None, None, False)
    completeness.live_edge_read(outdated, received_at + timedelta(minutes=1), MEXICO)
    with outdated.connect() as connection:
        known = completeness.read(connection)
    assert (known.known_until, known.is_complete(day)) == (received_at, True)


def test_gaps_are_of_the_days_of_their_neighbours(outdated: sa.Engine) -> None:
    migrate(outdated)
    [below, above] = select(outdated, "select first_date, last_date, found_at from telemetry.sync_gaps order by gap_id")
    assert below[:2] == (STOPS[0].local_date, STOPS[0].local_date)
    assert above[0] == STOPS[0].local_date
    assert above[1] >= above[2].date() - timedelta(days=1)
    assert len(gaps.open_gaps(outdated, -9)) == 2


def test_months_of_odd_dates_become_one_and_the_others_stay(outdated: sa.Engine) -> None:
    before = select(outdated, "select * from telemetry.records order by record_id")
    migrate(outdated)
    assert keep_months(outdated, date(2025, 1, 1)) == []
    places = dict(select(outdated, "select record_id, tableoid::regclass::text from telemetry.records"))
    assert places[1] == f"telemetry.records_{STOPS[0].local_date:%Y_%m}"
    assert {places[8], places[9]} == {"telemetry.records_default"}
    now = select(outdated, "select * from telemetry.records order by record_id")
    assert [row[: len(before[0])] for row in now] == [tuple(row) for row in before]
    found = select(outdated, "select record_id from telemetry.views order by 1")
    assert found == [(stop.record_id,) for stop in STOPS]


def test_what_was_claimed_stays_and_the_next_sync_claims_the_rest(outdated: sa.Engine) -> None:
    migrate(outdated)
    with outdated.begin() as connection:
        assert claims.stored(connection) == {"operator_timezone": ZONE}
        claims.claim(connection, {"operator_timezone": ZONE, "panaccess_timezone": "UTC"})
        assert claims.stored(connection) == {"operator_timezone": ZONE, "panaccess_timezone": "UTC"}


def test_what_is_taken_away_from_tables_of_results_that_are_there_is_forgotten(outdated: sa.Engine) -> None:
    with outdated.begin() as connection:
        keys = "period_last date, period_first date, parameters_key text, ordinal integer"
        connection.execute(sa.text(f"create table analysis.share ({keys}); create table analysis.notes (text text)"))
        connection.execute(
            sa.text("insert into analysis.share values ('2025-01-02', '2025-01-01', 'k', 0), (now(), now(), 'k', 0)")
        )
        connection.execute(
            sa.text("""
                insert into analysis.results
                    (asset, period_first, period_last, parameters, parameters_key, row_count, computed_at)
                select 'share', period_first, period_last, '{}', 'k', 1, now() from analysis.share
            """)
        )
    migrate(outdated)
    with outdated.begin() as connection:
        connection.execute(sa.text("delete from analysis.share where period_last = '2025-01-02'; delete from analysis.notes"))
    assert select(outdated, "select count(*) from analysis.results") == [(1,)]
    with outdated.begin() as connection:
        connection.execute(sa.text("truncate analysis.share"))
    assert select(outdated, "select count(*) from analysis.results") == [(0,)]
