"""What stored rows were made with: claimed by all who write, refused where it differs, and changed as a whole."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from upstream import Upstream
from warehouse_events import select

from telemetry_pipeline.errors import WarehouseError
from telemetry_pipeline.ingestion.sync import Sync
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.sources.panaccess.feed import Feed
from telemetry_pipeline.sources.panaccess.records import PageDecoder
from telemetry_pipeline.warehouse.core import segments, views
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.operations import adoption
from telemetry_pipeline.warehouse.raw import batch, claims, completeness, records
from telemetry_pipeline.warehouse.raw import cursor as cursors
from telemetry_pipeline.warehouse.raw.batch import Batch
from telemetry_pipeline.warehouse.raw.claims import claim

MADE_WITH = {"operator_timezone": "America/Mexico_City", "panaccess_timezone": "UTC", "upstream": "cv01.panaccess.com"}
# The clocks of Madrid go forward and back within these days, those of New York one and three weeks away.
CLOCKS = [datetime(2024, 3, 30), datetime(2024, 10, 26), datetime(2024, 11, 2)]
NOW = datetime(2024, 11, 4, 12, 10, tzinfo=UTC)


def history() -> Upstream:
    """A start and a stop every half hour for two days and more around each change of a clock, and one clock that is ahead."""
    moments = [first + timedelta(minutes=30 * number) for first in CLOCKS for number in range(120)]
    found: list[dict[str, Any]] = []
    for number, at in enumerate(moments):
        common = {"dataId": number % 3, "deviceId": number % 2, "timestamp": str(at), "created": str(at)}
        found.append({**common, "recordId": 2 * number, "actionId": 7, "dataName": f"name {number // 200}"})
        found.append({**common, "recordId": 2 * number + 1, "actionId": 8, "dataDuration": 5_400})
    found.append({**found[-1], "recordId": 10_000, "timestamp": "2024-11-04 16:00:00"})
    found.append({**found[-1], "recordId": 10_001})
    return Upstream(found)


def synced(engine: sa.Engine, made_with: dict[str, str]) -> sa.Engine:
    source, local = (ZoneInfo(made_with[name]) for name in ("panaccess_timezone", "operator_timezone"))
    feed = Feed(history(), PageDecoder(source, local), source)
    today = NOW.astimezone(local).date()
    Sync(engine, feed, local, float("inf"), now=lambda: NOW, made_with=made_with).run(today, today, includes_today=True)
    views.merge(engine, local.key)
    return engine


def contents(engine: sa.Engine) -> dict[str, Any]:
    """All that is to be the same, however it came to be."""
    records_columns = ", ".join(batch.COLUMNS)
    segments.refresh(engine)
    return {
        "records": select(engine, f"select {records_columns} from telemetry.records order by record_id"),
        "views": select(engine, "select * from telemetry.views order by record_id"),
        "names": select(engine, "select * from telemetry.channel_names order by 1, 3"),
        "columns": segments.read(engine, date.min, date.max).table.to_pylist(),
        "days": select(engine, "select local_date from telemetry.view_days order by 1"),
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        {"operator_timezone": "Europe/Madrid"},
        {"operator_timezone": "Asia/Kathmandu"},
        {"panaccess_timezone": "Europe/Madrid"},
        {"panaccess_timezone": "America/New_York", "operator_timezone": "Europe/Madrid"},
        {"upstream": "elsewhere.example"},
    ],
    ids=lambda change: " and ".join(f"{name} {value}" for name, value in change.items()),
)
def test_adopting_makes_what_a_sync_with_those_settings_makes(
    engine: sa.Engine, another_database_url: str, change: dict[str, str]
) -> None:
    wanted = {**MADE_WITH, **change}
    before = contents(synced(engine, MADE_WITH))
    old = {version for (version,) in select(engine, "select version from telemetry.view_days")}
    changed = adoption.adopt(engine, wanted)
    expected = contents(synced(connect(another_database_url), wanted))
    found = contents(engine)
    assert found == expected
    assert (changed > 0) == (found["records"] != before["records"])
    with engine.connect() as connection:
        assert claims.stored(connection) == wanted
    if changed:
        assert not old & {version for (version,) in select(engine, "select version from telemetry.view_days")}
    synced(engine, wanted)
    assert contents(engine) == expected


def test_what_is_pending_is_merged_on_the_way(engine: sa.Engine, another_database_url: str) -> None:
    wanted = {**MADE_WITH, "operator_timezone": "Asia/Tokyo"}
    source, local = (ZoneInfo(MADE_WITH[name]) for name in ("panaccess_timezone", "operator_timezone"))
    feed = Feed(history(), PageDecoder(source, local), source)
    Sync(engine, feed, local, float("inf"), now=lambda: NOW, made_with=MADE_WITH).run(
        date(2024, 11, 4), date(2024, 11, 4), includes_today=True
    )
    adoption.adopt(engine, wanted)
    assert not records.merge_is_pending(engine)
    assert contents(engine) == contents(synced(connect(another_database_url), wanted))


@pytest.mark.parametrize(("wanted", "before"), [("Asia/Tokyo", date(2024, 11, 4)), ("Pacific/Honolulu", date(2024, 11, 3))])
def test_a_day_that_was_not_read_whole_is_not_complete_afterwards(engine: sa.Engine, wanted: str, before: date) -> None:
    """All before midnight in Mexico on 4 November is known: in Tokyo it is 15 o'clock then, in Honolulu the day before."""
    synced(engine, MADE_WITH)
    completeness.days_read(engine, [date(2024, 10, 1)], NOW, ZoneInfo("America/Mexico_City"))
    adoption.adopt(engine, {**MADE_WITH, "operator_timezone": wanted})
    with engine.connect() as connection:
        known = completeness.read(connection)
    assert (known.complete_before, known.repaired) == (before, frozenset())


WRITES: dict[str, Callable[[sa.Engine, dict[str, str]], object]] = {
    "a sync": synced,
    "a merge": lambda engine, made_with: views.merge(engine, made_with["operator_timezone"]),
    "a merge of days anew": lambda engine, made_with: views.merge(
        engine, made_with["operator_timezone"], rebuild=(date(2024, 10, 1), date(2024, 11, 5))
    ),
    "what is known of days": lambda engine, made_with: completeness.days_read(
        engine, [date(2024, 1, 1)], NOW, ZoneInfo(made_with["operator_timezone"])
    ),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_rows_of_another_time_zone_are_refused_by_all_who_write(
    engine: sa.Engine, write: Callable[[sa.Engine, dict[str, str]], object]
) -> None:
    """A merge in another zone than the sync's rewrote the hours of its days, and setting the zone back left them wrong."""
    before = contents(synced(engine, MADE_WITH))
    with pytest.raises(
        WarehouseError, match="OPERATOR_TIMEZONE is 'UTC', but the stored days are those of 'America/Mexico_City'"
    ):
        write(engine, {**MADE_WITH, "operator_timezone": "UTC"})
    assert contents(engine) == before
    write(engine, MADE_WITH)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"panaccess_timezone": "Europe/Madrid"}, "PANACCESS_TIMEZONE is 'Europe/Madrid', but the stored times were read as"),
        ({"upstream": "localhost"}, "PANACCESS_URL names 'localhost', but the stored records come from 'cv01.panaccess.com'"),
    ],
)
def test_a_sync_with_other_settings_is_refused_with_advice(engine: sa.Engine, change: dict[str, str], message: str) -> None:
    synced(engine, MADE_WITH)
    with pytest.raises(WarehouseError, match=f"{message}.*nothing was written.*telemetry-pipeline adopt"):
        synced(engine, {**MADE_WITH, **change})
    with engine.connect() as connection:
        assert len(claims.differences(connection, {**MADE_WITH, **change})) == 1
        assert claims.differences(connection, MADE_WITH) == []


def test_a_sync_at_work_while_settings_are_adopted_stores_nothing_more(engine: sa.Engine) -> None:
    synced(engine, MADE_WITH)
    adoption.adopt(engine, {**MADE_WITH, "operator_timezone": "Asia/Tokyo"})
    with records.writing(engine) as connection, pytest.raises(WarehouseError, match="OPERATOR_TIMEZONE"):
        records.store(connection, Batch(made_with=MADE_WITH, cursor=99_999))
    assert cursors.read(engine).record_id == 10_001


def test_who_comes_first_claims(engine: sa.Engine) -> None:
    """Also what an earlier version did not claim yet."""
    with engine.begin() as connection:
        claim(connection, {"operator_timezone": "UTC"})
    with engine.begin() as connection:
        claim(connection, {**MADE_WITH, "operator_timezone": "UTC"})
        assert claims.stored(connection) == {**MADE_WITH, "operator_timezone": "UTC"}


@pytest.mark.parametrize(
    ("url", "upstream"),
    [
        ("https://CV01.panaccess.com/api", "cv01.panaccess.com"),
        ("http://cv01.panaccess.com.:8080", "cv01.panaccess.com"),
        ("http://127.0.0.1:40123/", "localhost"),
        ("http://[::1]:8000/api", "localhost"),
        ("http://localhost:1", "localhost"),
        ("http://10.0.0.7/api", "10.0.0.7"),
    ],
)
def test_an_upstream_is_known_by_its_host(url: str, upstream: str) -> None:
    assert claims.of_settings(StackSettings(panaccess_url=url))["upstream"] == upstream
