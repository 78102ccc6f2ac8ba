"""Storing records: what goes into PostgreSQL comes out the same, once, with its cursor or not at all."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry_pipeline.errors import StatementFailed
from telemetry_pipeline.sources.panaccess.records import FIELDS, PageDecoder
from telemetry_pipeline.warehouse.raw import cursor as cursors
from telemetry_pipeline.warehouse.raw import gaps, records, repairs
from telemetry_pipeline.warehouse.raw.batch import COLUMNS, Batch, Rejected
from telemetry_pipeline.warehouse.raw.claims import claim
from telemetry_pipeline.warehouse.raw.gaps import Gap
from telemetry_pipeline.warehouse.raw.records import Stored
from telemetry_pipeline.warehouse.raw.repairs import RepairPosition

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
RECEIVED_AT = datetime(2025, 3, 4, 5, 0, 0, 123_456, UTC)
no_fixture_check = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.fixture
def pooled(engine: sa.Engine) -> Iterator[sa.Engine]:
    """The same database over connections that stay open and wait for no disk, for many examples."""
    kept = sa.create_engine(engine.url, connect_args={"options": "-c synchronous_commit=off"})
    yield kept
    kept.dispose()


def row(record_id: int, **values: Any) -> tuple[Any, ...]:
    defaults = {
        "record_id": record_id,
        "timestamp": f"{values.get('local_date', '2025-03-04')} 05:06:07+00:00",
        "local_date": "2025-03-04",
    }
    return tuple({**dict.fromkeys(COLUMNS), **defaults, **values}.values())


def batch_of(*rows: tuple[Any, ...], **options: Any) -> Batch:
    batch = Batch(**options)
    batch.add(rows)
    return batch


def store(engine: sa.Engine, batch: Batch) -> Stored:
    with records.writing(engine) as connection:
        return records.store(connection, batch)


def select(engine: sa.Engine, query: str) -> list[Any]:
    with engine.connect() as connection:
        found = connection.execute(sa.text(query)).all()
    return [one[0] if len(one) == 1 else tuple(one) for one in found]


def execute(engine: sa.Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text(statement))


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


def test_a_batch_is_stored_with_its_cursor_or_not_at_all(engine: sa.Engine) -> None:
    store(engine, batch_of(row(1), cursor=5))
    broken = batch_of(row(2), row(3, timestamp="never"), rejected=[Rejected(4, "{}", "x")], gaps=[Gap(6, 7, "x")], cursor=9)
    with pytest.raises(StatementFailed):
        store(engine, broken)
    assert cursors.read(engine).record_id == 5
    assert select(engine, "select record_id from telemetry.records") == [1]
    for table in ("rejected_records", "sync_gaps"):
        assert select(engine, f"select count(*) from telemetry.{table}") == [0]
    assert len(select(engine, "select 1 from telemetry.pending_merges")) == 1


def test_a_batch_is_one_transaction(engine: sa.Engine) -> None:
    commits: list[object] = []
    with records.writing(engine) as connection:
        sa.event.listen(connection.engine, "commit", commits.append)
        records.store(connection, batch_of(row(1), rejected=[Rejected(4, "{}", "x")], gaps=[Gap(6, 7, "x")], cursor=9))
    assert len(commits) == 1


def test_a_connection_can_go_on_after_a_batch_that_failed(engine: sa.Engine) -> None:
    with records.writing(engine) as connection:
        with pytest.raises(StatementFailed):
            records.store(connection, batch_of(row(1, timestamp="never")))
        assert records.store(connection, batch_of(row(1))).records == 1


def test_the_cursor_only_grows(engine: sa.Engine) -> None:
    for cursor, expected in ((10, 10), (7, 10), (None, 10), (11, 11)):
        store(engine, Batch(cursor=cursor))
        assert cursors.read(engine).record_id == expected


def test_an_empty_batch_is_no_error(engine: sa.Engine) -> None:
    batch = Batch()
    batch.add([])
    assert store(engine, batch) == Stored()
    assert not records.merge_is_pending(engine)


def test_two_writers_at_once_store_a_record_once(engine: sa.Engine) -> None:
    together = threading.Barrier(3)

    def write(number: int) -> int:
        batch = batch_of(*(row(one, local_date=f"2025-0{1 + number}-01") for one in range(1, 500)))
        together.wait()
        return store(engine, batch).records

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(write, range(3))) == [0, 0, 499]
    assert select(engine, "select count(*), count(distinct record_id) from telemetry.records") == [(499, 499)]


def test_an_open_gap_is_on_record_once_and_may_come_again_when_it_was_resolved(engine: sa.Engine) -> None:
    gap = Gap(5, 5, "HTTP 500", "raw")
    store(engine, Batch(gaps=[gap]))
    store(engine, Batch(gaps=[Gap(5, 5, "another reason"), Gap(5, 9, "wide")]))
    assert gaps.open_gaps(engine, 4) == [Gap(5, 5, "HTTP 500"), Gap(5, 9, "wide")]
    assert gaps.open_gaps(engine, 5) == [Gap(5, 9, "wide")]
    gaps.gap_tried(engine, gap, resolved=True)
    assert gaps.open_gaps(engine, 0) == [Gap(5, 9, "wide")]
    store(engine, Batch(gaps=[gap]))
    assert len(gaps.open_gaps(engine, 0)) == 2


def test_gaps_that_waited_longest_are_due_first_and_never_wait_longer_than_a_day(engine: sa.Engine) -> None:
    store(engine, Batch(gaps=[Gap(number, number, "x") for number in range(1, 4)]))
    assert gaps.gaps_due(engine, 5) == []
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "update telemetry.sync_gaps set attempts = 1000, "
                "tried_at = now() - interval '1 day' + interval '1 minute' * (first_record_id - 3)"
            )
        )
    assert [gap.first_record_id for gap in gaps.gaps_due(engine, 5)] == [1, 2, 3]
    assert [gap.first_record_id for gap in gaps.gaps_due(engine, 1)] == [1]


def test_the_position_of_a_repair_is_kept_until_it_is_done(engine: sa.Engine) -> None:
    assert repairs.repair_position(engine, "r") is None
    begun = RepairPosition(date(2025, 1, 1), 5, 9, RECEIVED_AT)
    for position in (begun, replace(begun, day=date(2025, 1, 2), after_id=0), None):
        repairs.keep_repair_position(engine, "r", position)
        repairs.keep_repair_position(engine, "other", RepairPosition(date(2025, 5, 5), 1, 1, RECEIVED_AT))
        assert repairs.repair_position(engine, "r") == position


def stamped(record_id: int, minutes: int, **values: Any) -> tuple[Any, ...]:
    """A record of so many minutes after ``RECEIVED_AT``."""
    return row(record_id, timestamp=(RECEIVED_AT + timedelta(minutes=minutes)).isoformat(), **values)


def receptions(engine: sa.Engine) -> dict[int, int]:
    """How many minutes after ``RECEIVED_AT`` each record was received."""
    found = select(engine, "select record_id, received_at from telemetry.records order by record_id")
    return {record_id: (received_at - RECEIVED_AT) // timedelta(minutes=1) for record_id, received_at in found}


def at(minutes: int) -> dict[str, Any]:
    return {"received_at": RECEIVED_AT + timedelta(minutes=minutes)}


def test_a_record_was_received_when_its_batch_was(engine: sa.Engine) -> None:
    store(engine, batch_of(row(1), row(2), **at(0)))
    store(engine, batch_of(row(2), row(3), **at(5)))
    assert receptions(engine) == {1: 0, 2: 0, 3: 5}


def test_a_batch_that_does_not_say_when_it_was_received_is_received_now(engine: sa.Engine) -> None:
    store(engine, batch_of(row(1)))
    [ago] = select(engine, "select now() - received_at from telemetry.records")
    assert timedelta(0) <= ago < timedelta(minutes=1)


@pytest.mark.parametrize("far", [0, 10_000_000], ids=["neighbours", "ids far apart"])
def test_a_record_that_was_ahead_is_received_again_when_it_is_seen_in_time(engine: sa.Engine, far: int) -> None:
    rows = [stamped(1, -1), stamped(2, 10), stamped(3, 10, local_date="2025-04-01"), stamped(4 + far, 30)]
    store(engine, batch_of(*rows, **at(0)))
    store(engine, batch_of(*rows, **at(9)))
    assert receptions(engine) == {1: 0, 2: 0, 3: 0, 4 + far: 0}
    store(engine, batch_of(*rows, stamped(5 + far, 5), **at(10)))
    assert receptions(engine) == {1: 0, 2: 10, 3: 10, 4 + far: 0, 5 + far: 10}
    store(engine, batch_of(*rows, **at(31)))
    assert receptions(engine) == {1: 0, 2: 10, 3: 10, 4 + far: 31, 5 + far: 10}


def test_a_record_that_was_ahead_and_is_in_no_later_batch_stays_so(engine: sa.Engine) -> None:
    store(engine, batch_of(stamped(1, 0), stamped(2, 10), stamped(3, 0), **at(0)))
    store(engine, batch_of(stamped(1, 0), stamped(3, 0), **at(20)))
    assert receptions(engine) == {1: 0, 2: 0, 3: 0}


def test_a_record_that_is_received_again_waits_for_the_merge(engine: sa.Engine) -> None:
    rows = [stamped(1, 0), stamped(2, 10, local_date="2025-04-01")]
    store(engine, batch_of(*rows, **at(0)))
    execute(engine, "delete from telemetry.pending_merges")
    store(engine, batch_of(*rows, **at(9)))
    assert not records.merge_is_pending(engine)
    store(engine, batch_of(*rows, **at(10)))
    assert select(engine, "select first_record_id, last_record_id, days from telemetry.pending_merges") == [
        (2, 2, [date(2025, 4, 1)])
    ]


def test_the_newest_receipt_is_that_of_the_last_batch_with_something_new_or_seen_again(engine: sa.Engine) -> None:
    def newest() -> Any:
        [found] = select(engine, "select newest_receipt from telemetry.sync_state")
        return found and (found - RECEIVED_AT) // timedelta(minutes=1)

    assert newest() is None
    for minutes, rows, expected in (
        (0, [stamped(1, 0), stamped(2, 10)], 0),
        (5, [stamped(1, 0), stamped(2, 10)], 0),
        (10, [stamped(1, 0), stamped(2, 10)], 10),
        (15, [], 10),
        (20, [stamped(3, 0)], 20),
        (19, [stamped(4, 0)], 20),
    ):
        store(engine, batch_of(*rows, cursor=9, **at(minutes)))
        assert newest() == expected


def test_what_came_in_is_counted_by_the_hour_once(engine: sa.Engine) -> None:
    rejects = [Rejected(None, "{}", "x"), Rejected(None, "[]", "x")]
    store(engine, batch_of(row(1), row(2), rejected=rejects, **at(0)))
    store(engine, batch_of(row(1), row(2), rejected=rejects, **at(1)))
    store(engine, batch_of(row(2), row(3), **at(59)))
    store(engine, batch_of(row(4), rejected=[Rejected(None, "<>", "x")], **at(60)))
    hour = RECEIVED_AT.replace(minute=0, second=0, microsecond=0)
    assert select(engine, "select hour, records, rejected from telemetry.receipts order by hour") == [
        (hour, 3, 2),
        (hour + timedelta(hours=1), 1, 1),
    ]


def gap_days(engine: sa.Engine) -> list[Any]:
    return select(engine, "select first_date, last_date from telemetry.sync_gaps order by gap_id")


def of_days(first_id: int, *days: int) -> list[tuple[Any, ...]]:
    return [row(first_id + number, local_date=f"2025-03-{day:02}") for number, day in enumerate(days)]


@pytest.mark.parametrize(
    ("below", "above", "expected"),
    [
        pytest.param([4, 4, 4], [4, 4], (4, 4), id="the same day"),
        pytest.param([4, 4], [6, 6], (4, 6), id="a gap of days"),
        pytest.param([1, 4, 4, 4], [5, 2, 5, 5], (4, 5), id="among old records that came late"),
        pytest.param([4], [], (4, 9), id="nothing above"),
        pytest.param([], [4, 4], (4, 4), id="nothing below"),
        pytest.param([], [], (9, 9), id="nothing at all"),
        pytest.param([9] * 30 + [4] * 20, [4] * 20 + [9] * 30, (4, 4), id="not beyond twenty"),
        pytest.param([6], [4], (4, 6), id="the other way round"),
    ],
)
def test_a_gap_is_of_the_days_of_its_neighbours(
    engine: sa.Engine, below: list[int], above: list[int], expected: tuple[int, int]
) -> None:
    with engine.begin() as connection:
        claim(connection, {"operator_timezone": "America/Mexico_City"})
    rows = [*of_days(100, *below), *of_days(500, *above)]
    midnight = datetime(2025, 3, 10, 5, 59, tzinfo=UTC)
    store(engine, batch_of(*rows, gaps=[Gap(200, 210, "x")], received_at=midnight))
    assert gap_days(engine) == [tuple(date(2025, 3, day) for day in expected)]


def test_a_gap_of_a_repair_is_of_the_days_that_were_read(engine: sa.Engine) -> None:
    store(engine, batch_of(*of_days(100, 4, 4), gaps=[Gap(101, 210, "x", day=date(2025, 3, 1))]))
    assert gap_days(engine) == [(date(2025, 3, 1), date(2025, 3, 1))]
    store(engine, Batch(gaps=[Gap(101, 210, "x", day=date(2025, 3, 2))]))
    assert gap_days(engine) == [(date(2025, 3, 1), date(2025, 3, 2))]
