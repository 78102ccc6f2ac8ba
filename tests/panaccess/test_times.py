"""Times of records: instants and local dates are those of zoneinfo, and a time that is none rejects its record."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from panaccess_pages import BAD, MEXICO, STAMP, body, decode, decoder, expected_row, only_reject, parsed, record

from telemetry_pipeline.sources.panaccess.records import Reject


@pytest.mark.parametrize("zones", [("UTC", MEXICO), ("America/New_York", "Asia/Kathmandu"), ("Europe/Madrid", MEXICO)])
@pytest.mark.parametrize("beside", [[], [BAD]], ids=["in one go", "record by record"])
def test_instants_and_local_dates_are_those_of_zoneinfo(zones: tuple[str, str], beside: list[dict[str, Any]]) -> None:
    """Over every change of a clock in a year, in a shuffled order: the decoder remembers hours that it has seen."""
    source, local = map(ZoneInfo, zones)
    stamps = [
        (start + timedelta(minutes=15 * step, seconds=step % 60)).strftime("%Y-%m-%d %X")
        for month in (1, 3, 10, 11)
        for start in [datetime(2025, month, 1) + timedelta(days=day) for day in (0, 1, 7, 8, 25, 28, 29)]
        for step in range(96)
    ]
    stamps += ["2025-03-30 02:30:00", "2025-10-26 02:30:00", "2025-03-09 02:59:59", "2025-11-02 01:00:00"]
    random.Random(1).shuffle(stamps)
    entries = [record(number, timestamp=stamp, created=stamps[-number]) for number, stamp in enumerate(stamps)]
    page = decoder(*zones)(body(*entries, *beside))
    assert parsed(page.rows) == [expected_row(entry, source, local) for entry in entries]


@pytest.mark.parametrize(
    "stamp",
    [
        None,
        "",
        "yesterday",
        "2025-02-30 00:00:00",
        "2025-01-01",
        "2025-01-01 24:00:00",
        "2025-01-01 23:59:60",
        "2025-01-01T00:00:00",
        "2025-01-01 00:00:00Z",
        "2025-01-01 00:00:00.5",
        "2025-01-01 00:00:00 ",
        "2025-1-01  00:00:00",
        "2025-01-01\u300000:00:00",
        "2025-01-01\t00:00:00",
        "٢٠٢٥-01-01 00:00:00",
        "2025-01-01 00:00:\u0660\u0660",
        "0000-00-00 00:00:00",
        "0001-01-01 00:00:00",
        "1970-01-01 00:00:00",
        "1999-12-31 23:59:59",
        "2000-01-01 05:59:59",
        "2100-01-01 06:00:00",
        "9999-12-31 23:59:59",
        1735689600,
        1e300,
        True,
        ["2025-01-01 00:00:00"],
        {},
    ],
)
def test_a_record_without_a_usable_timestamp_is_rejected(stamp: Any) -> None:
    """Also what a lenient parser takes, and PostgreSQL does not: it would fail the batch of all its neighbours."""
    assert only_reject(record(20, timestamp=stamp)).reason.startswith("timestamp: ")


@pytest.mark.parametrize(
    "rest", ["", ":", ":06", ":06:7", ":6:07", ":60:00", ":06:60", ":06:07Z", ":06:07.5", ":\u0660\u0666:07"]
)
@pytest.mark.parametrize("name", ["timestamp", "created"])
def test_a_bad_time_in_an_hour_that_is_remembered_is_bad(name: str, rest: str) -> None:
    one = decoder()
    assert one(body(record(1))).ids == [1]
    page = one(body(record(2), record(3, **{name: STAMP[:13] + rest})))
    assert page.ids == [2]
    assert [reject.record_id for reject in page.rejects] == [3]


def test_a_record_that_has_no_timestamp_at_all_is_rejected() -> None:
    assert only_reject({"recordId": 20}) == Reject(20, '{"recordId": 20}', "timestamp: missing")


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "America/Mexico_City", "UTC"])
@pytest.mark.parametrize("stamp", ["0001-01-01 00:00:00", "9999-12-31 23:59:59"])
def test_no_time_zone_makes_the_ends_of_the_calendar_an_error(zone: str, stamp: str) -> None:
    page = decoder(zone, "Asia/Kathmandu")(body(record(1, timestamp=stamp), record(2, created=stamp), record(3)))
    assert page.ids == [3]
    assert [reject.record_id for reject in page.rejects] == [1, 2]


@pytest.mark.parametrize("stamp", ["2000-01-01 06:00:00", "2100-01-01 05:59:59"])
def test_the_years_are_those_of_the_local_date(stamp: str) -> None:
    assert decode(record(timestamp=stamp)).ids == [1]


def test_a_decoder_that_many_threads_share_remembers_nothing_wrong() -> None:
    """An hour in which the local date or the offset changes is never remembered as a whole."""
    shared = decoder("Asia/Kathmandu", "UTC")
    stamps = [f"2025-06-01 {hour:02}:{minute:02}:00" for hour in range(24) for minute in (0, 44, 45, 59)]
    for order in (stamps, stamps[::-1]):
        rows = shared(body(*(record(number, timestamp=stamp) for number, stamp in enumerate(order)))).rows
        for row, stamp in zip(rows, order, strict=True):
            moment = datetime.fromisoformat(stamp).replace(tzinfo=ZoneInfo("Asia/Kathmandu"))
            assert row[-1] == moment.astimezone(UTC).date().isoformat()
