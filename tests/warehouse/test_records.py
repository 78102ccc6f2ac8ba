"""Storing records: what goes into PostgreSQL comes out the same, once, and what cannot be stored is kept as rejected."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from raw_records import RECEIVED_AT, batch_of, row, select, store

from telemetry_pipeline.sources.panaccess.records import FIELDS, PageDecoder
from telemetry_pipeline.warehouse.raw import records
from telemetry_pipeline.warehouse.raw.batch import COLUMNS, Batch, Rejected

TEXT_COLUMNS = (
    "action_key",
    "reason_key",
    "subscriber_code",
    "smartcard_id",
    "data_name",
    "data",
    "ip",
    "whois_country",
    "whois_isp",
)
NASTY = [
    "",
    "null",
    "NULL",
    "\\N",
    "\\.",
    "\n\\.\n",
    "\n",
    "\r\n",
    "\r",
    "\t",
    '"',
    '""',
    '","',
    "]\n[",
    "],[",
    "\\",
    "\\\\",
    "\\\\\\",
    '\\"',
    '\\\\"',
    '"\\',
    "\\n",
    "\\\n",
    "\\u0041",
    "\\u0001",
    "\x01\x02\x1f",
    "\x7f\x80\x9f",
    "\b\f\v",
    "\u2028\u2029\ufeff\ufffe\uffff",
    "é ñ 中 🛰 e\u0301",
    " spaces ",
    "true",
    "0",
    "x" * 100_000,
    '{"streamName": "caf\\u00e9 \\"x\\" \\\\ \\n"}',
]
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12) | st.text(
    '\\"\n\r\t,[]{}nu.é\x01\x1f\x7f', max_size=12
)
no_fixture_check = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def clear(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("delete from telemetry.records"))
        connection.execute(sa.text("delete from telemetry.rejected_records"))


def test_the_columns_are_those_of_the_table(engine: sa.Engine) -> None:
    found = select(
        engine,
        "select column_name from information_schema.columns "
        "where table_schema = 'telemetry' and table_name = 'records' order by ordinal_position",
    )
    assert tuple(found) == (*COLUMNS, "received_at")
    assert len(COLUMNS) == len(FIELDS) + 2


def test_a_nasty_text_comes_out_as_it_went_in(pooled: sa.Engine) -> None:
    for text in NASTY:
        clear(pooled)
        store(pooled, batch_of(row(1, data=text), row(2, data=None), row(3, data="plain")))
        assert select(pooled, "select data from telemetry.records order by record_id") == [text, None, "plain"]


def test_nasty_texts_disturb_no_neighbour(engine: sa.Engine) -> None:
    given = [(first, second, None) for first in NASTY for second in NASTY]
    rows = [row(number, data=one, data_name=two) for number, (one, two, _) in enumerate(given)]
    store(engine, batch_of(*rows))
    assert select(engine, "select data, data_name, ip from telemetry.records order by record_id") == given


@given(st.lists(st.tuples(*[st.none() | texts] * len(TEXT_COLUMNS)), min_size=1, max_size=8))
@settings(no_fixture_check, max_examples=80)
def test_texts_come_out_as_they_went_in(pooled: sa.Engine, given: list[tuple[str | None, ...]]) -> None:
    clear(pooled)
    rows = [row(number, **dict(zip(TEXT_COLUMNS, values, strict=True))) for number, values in enumerate(given)]
    store(pooled, batch_of(*rows))
    assert select(pooled, f"select {', '.join(TEXT_COLUMNS)} from telemetry.records order by record_id") == given


def test_numbers_times_flags_and_objects_come_out_as_they_went_in(engine: sa.Engine) -> None:
    extra = {"new": [1, None, "é\n\\", {"deep": 2**70}], "": 1.5}
    values = {
        "action_id": -(2**31),
        "device_id": 2**63 - 1,
        "data_id": -(2**63),
        "duration_seconds": 2**31 - 1,
        "anonymized": False,
        "manual": True,
        "timestamp": "2025-03-04 05:06:07-06:00",
        "created": "2099-12-31 23:59:59+05:45",
        "extra": json.dumps(extra),
        "local_date": "2025-03-04",
    }
    store(engine, batch_of(row(2**63 - 1, **values), row(-(2**63)), received_at=RECEIVED_AT))
    big, small = select(engine, "select * from telemetry.records order by record_id desc")
    expected = {
        **dict.fromkeys(COLUMNS),
        **values,
        "record_id": 2**63 - 1,
        "timestamp": datetime(2025, 3, 4, 11, 6, 7, tzinfo=UTC),
        "created": datetime(2099, 12, 31, 18, 14, 59, tzinfo=UTC),
        "extra": extra,
        "local_date": date(2025, 3, 4),
    }
    assert dict(zip((*COLUMNS, "received_at"), big, strict=True)) == {**expected, "received_at": RECEIVED_AT}
    assert small[0] == -(2**63)
    assert [value for value in small[1:] if value is not None] == [
        datetime(2025, 3, 4, 5, 6, 7, tzinfo=UTC),
        date(2025, 3, 4),
        RECEIVED_AT,
    ]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=6)
    | st.text("\0\ud800\udfff\\u0", max_size=6)
    | st.sampled_from(["2025-03-04 05:06:07", "2025-02-30 00:00:00", "1999-12-31 23:59:59", "17", "-0", "true", *NASTY[:30]]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
whatever = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(FIELDS, json_values),
        "timestamp": st.just("2025-03-04 05:06:07") | json_values,
        "novelty": json_values,
        "\\": json_values,
    },
)


@given(st.lists(whatever, max_size=5))
@settings(no_fixture_check, max_examples=100)
@pytest.mark.slow
def test_whatever_the_upstream_writes_is_stored_or_rejected(pooled: sa.Engine, entries: list[dict[str, Any]]) -> None:
    """A record that is accepted and that PostgreSQL then refuses would fail its batch, and every later one."""
    clear(pooled)
    entries = [{**entry, "recordId": number} for number, entry in enumerate(entries)]
    body = json.dumps({"success": True, "answer": {"telemetryRecordEntries": entries}})
    page = PageDecoder(ZoneInfo("UTC"), ZoneInfo("America/Mexico_City"))(body.encode())
    assert len(page.rows) + len(page.rejects) == len(entries)
    rejects = [Rejected(one.record_id, one.payload, one.reason) for one in page.rejects]
    done = store(pooled, batch_of(*page.rows, rejected=rejects))
    assert done.records == len(page.rows)
    assert done.rejected == len({one.payload for one in rejects})
    assert select(pooled, "select record_id from telemetry.records order by 1") == sorted(page.ids)
    for record_id, data, name, extra in select(pooled, "select record_id, data, data_name, extra from telemetry.records"):
        entry = entries[record_id]
        assert data == (None if entry.get("data") is None else str(entry["data"]))
        assert name == (None if entry.get("dataName") is None else str(entry["dataName"]))
        assert (extra or {}) == {key: value for key, value in entry.items() if key not in FIELDS}


def test_a_record_is_stored_once_however_often_it_is_read(engine: sa.Engine) -> None:
    first = store(engine, batch_of(*map(row, range(1, 50)), row(7, data="again in the same batch")))
    assert first.days == {date(2025, 3, 4): 49}
    again = store(engine, batch_of(*map(row, range(40, 60)), row(5_000_000)))
    assert again.records == 11
    assert store(engine, batch_of(*map(row, range(1, 60)))).records == 0
    assert select(engine, "select record_id from telemetry.records order by 1") == [*range(1, 60), 5_000_000]


def test_a_record_whose_date_changed_upstream_is_not_stored_a_second_time(engine: sa.Engine) -> None:
    """The key of a partitioned table holds the date, too: it alone would let the record in again."""
    store(engine, batch_of(row(1), row(2)))
    assert store(engine, batch_of(row(1, local_date="2025-07-01"), row(3))).records == 1
    assert store(engine, batch_of(row(1, local_date="2025-08-01"))).records == 0
    assert select(engine, "select record_id from telemetry.records order by 1") == [1, 2, 3]


def test_records_are_counted_by_local_date(engine: sa.Engine) -> None:
    days = ["2025-01-31", "2025-02-01", "2025-02-01", "2024-12-31", "2000-01-01", "2099-12-31"]
    done = store(engine, batch_of(*(row(number, local_date=day) for number, day in enumerate(days))))
    assert done.days == {date.fromisoformat(day): days.count(day) for day in days}
    assert select(engine, "select count(*) from telemetry.records") == [6]


def test_what_was_stored_waits_for_the_merge_and_what_was_there_does_not(engine: sa.Engine) -> None:
    assert not records.merge_is_pending(engine)
    store(engine, batch_of(*map(row, [1, 2, 900, 5_000, 5_001])))
    assert records.merge_is_pending(engine)
    ranges = "select first_record_id, last_record_id, days from telemetry.pending_merges order by 1"
    assert select(engine, ranges) == [(1, 900, [date(2025, 3, 4)]), (5_000, 5_001, [date(2025, 3, 4)])]
    store(engine, batch_of(row(1), row(900)))
    assert len(select(engine, ranges)) == 2


def test_rejected_records_are_kept_once(engine: sa.Engine) -> None:
    one, other = Rejected(1, '{"recordId": 1}', "timestamp: missing"), Rejected(None, "<html>", "no JSON")
    assert store(engine, Batch(rejected=[one, other, one])).rejected == 2
    assert store(engine, Batch(rejected=[one])).rejected == 0
    assert select(engine, "select record_id, payload, reason from telemetry.rejected_records order by 1") == [
        (1, '{"recordId": 1}', "timestamp: missing"),
        (None, "<html>", "no JSON"),
    ]


def test_two_writers_at_once_store_a_record_once(engine: sa.Engine) -> None:
    together = threading.Barrier(3)

    def write(number: int) -> int:
        batch = batch_of(*(row(one, local_date=f"2025-0{1 + number}-01") for one in range(1, 500)))
        together.wait()
        return store(engine, batch).records

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(write, range(3))) == [0, 0, 499]
    assert select(engine, "select count(*), count(distinct record_id) from telemetry.records") == [(499, 499)]
