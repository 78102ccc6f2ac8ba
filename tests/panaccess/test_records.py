"""Decoding pages: which records are accepted, as what, and what a bad one costs its neighbours."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from telemetry_pipeline.errors import MalformedAnswer
from telemetry_pipeline.sources.panaccess.records import FIELDS, Page, PageDecoder, Reject
from telemetry_pipeline.sources.panaccess.values import PERSONAL_FIELDS

MEXICO = "America/Mexico_City"
STAMP = "2025-03-04 05:06:07"
BAD = {"recordId": 2**62, "timestamp": "yesterday"}
PLACE = {name: place for place, name in enumerate(FIELDS)}


def decoder(source: str = "UTC", local: str = MEXICO) -> PageDecoder:
    return PageDecoder(ZoneInfo(source), ZoneInfo(local))


def body(*entries: Any, ascii_only: bool = True, **answer: Any) -> bytes:
    """An answer with these records; *answer* has its other members."""
    envelope = {"success": True, "answer": {"telemetryRecordEntries": list(entries), **answer}}
    return json.dumps(envelope, ensure_ascii=ascii_only).encode()


def record(record_id: int = 1, **fields: Any) -> dict[str, Any]:
    return {"recordId": record_id, "timestamp": STAMP, **fields}


def decode(*entries: Any, **answer: Any) -> Page:
    return decoder()(body(*entries, **answer))


def decode_raw(raw: bytes) -> Page:
    return decoder()(raw)


def only_reject(entry: Any) -> Reject:
    """What becomes of a bad record between two good ones, which must be accepted."""
    page = decode(record(10), entry, record(30))
    assert page.ids == [10, 30]
    [reject] = page.rejects
    assert json.loads(reject.payload) == entry or reject.payload == json.dumps(entry)
    return reject


def value(name: str, entry: dict[str, Any]) -> Any:
    """The value of one field of a record that is accepted."""
    [row] = decode(entry).rows
    return row[PLACE[name]]


whole32 = st.integers(-(2**31), 2**31 - 1)
whole64 = st.integers(-(2**63), 2**63 - 1)
stamps = st.datetimes(datetime(2000, 1, 2), datetime(2099, 12, 30)).map(lambda moment: moment.strftime("%Y-%m-%d %X"))
texts = st.text() | st.sampled_from(
    [
        "",
        "null",
        "\\.",
        '"',
        "\\",
        "\\\\",
        '\\"',
        "\n",
        "\r\n",
        "\t",
        "\b\f",
        "\x01\x1f\x7f",
        "\u2028",
        "é",
        "\\u00e9",
        "🛰",
    ]
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(FIELDS, whole64),
    **dict.fromkeys(("actionId", "dataDuration"), whole32),
    **dict.fromkeys(("anonymized", "manual"), st.booleans()),
    **dict.fromkeys(
        (
            "actionKey",
            "reasonKey",
            "subscriberCode",
            "smartcardId",
            "dataName",
            "data",
            "ip",
            "whoisCountry",
            "whoisIsp",
        ),
        texts,
    ),
    "created": stamps,
}
OPTIONAL = {name: st.none() | values for name, values in VALUES.items() if name not in ("recordId", "timestamp")}
known_records = st.fixed_dictionaries({"recordId": whole64, "timestamp": stamps}, optional=OPTIONAL)
unknown_fields = st.dictionaries(
    texts.filter(lambda name: name not in FIELDS),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=5,
    ),
    max_size=2,
)
any_records = st.builds(lambda known, unknown: {**unknown, **known}, known_records, unknown_fields)


def is_storable(entry: dict[str, Any]) -> bool:
    hidden = PERSONAL_FIELDS if entry.get("anonymized") else ()
    return not has_nul({name: item for name, item in entry.items() if name not in hidden})


def has_nul(item: Any) -> bool:
    if isinstance(item, dict):
        return any(map(has_nul, [*item, *item.values()]))
    return any(map(has_nul, item)) if isinstance(item, list) else isinstance(item, str) and "\0" in item


def expected_row(entry: dict[str, Any], source: ZoneInfo, local: ZoneInfo) -> tuple[Any, ...]:
    """The row of a good record, in plain Python; its unknown fields as an object."""
    values = {name: entry.get(name) for name in FIELDS}
    moments = {
        name: datetime.strptime(entry[name], "%Y-%m-%d %X").replace(tzinfo=source)
        for name in ("timestamp", "created")
        if entry.get(name) is not None
    }
    values.update({name: moment.isoformat(" ") for name, moment in moments.items()})
    if entry.get("anonymized"):
        values.update(dict.fromkeys(PERSONAL_FIELDS))
    unknown = {name: item for name, item in entry.items() if name not in FIELDS}
    return (*values.values(), unknown or None, moments["timestamp"].astimezone(local).date().isoformat())


def parsed(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [(*row[:-2], json.loads(row[-2]) if row[-2] is not None else None, row[-1]) for row in rows]


@given(st.lists(any_records, max_size=6, unique_by=lambda entry: entry["recordId"]), st.booleans())
@example(
    [record(data='{"streamName": "caf\\u00e9 \\"\\\\"}'), record(2, dataName="\x00"), record(3, whoisIsp="\x01\n")],
    True,
)
@settings(max_examples=300)
@pytest.mark.slow
def test_a_record_becomes_the_same_row_whether_or_not_a_bad_one_stands_beside_it(
    entries: list[dict[str, Any]], ascii_only: bool
) -> None:
    """Pages without a bad record are decoded in one go, the others record by record: nobody may notice."""
    entries = [entry for entry in entries if entry["recordId"] != BAD["recordId"]]
    good = [entry for entry in entries if is_storable(entry)]
    expected = [expected_row(entry, ZoneInfo("UTC"), ZoneInfo(MEXICO)) for entry in good]
    alone = decoder()(body(*entries, ascii_only=ascii_only, count=77))
    beside = decoder()(body(*entries, BAD, ascii_only=ascii_only, count=77))
    assert parsed(alone.rows) == parsed(beside.rows) == expected
    assert alone.ids == beside.ids == [entry["recordId"] for entry in good]
    assert alone.rejects == beside.rejects[:-1]
    assert len(alone.rejects) == len(entries) - len(good)
    assert (alone.entries, alone.distinct, alone.count) == (len(entries), len(entries), 77)
    assert alone.last_id == max((entry["recordId"] for entry in entries), default=None)
    assert beside.last_id == max(entry["recordId"] for entry in [*entries, BAD])


@given(st.lists(known_records.filter(lambda entry: not has_nul(entry)), max_size=4))
def test_a_page_of_well_formed_records_is_decoded_in_one_go(entries: list[dict[str, Any]]) -> None:
    """Record by record would be right, too, and ten times slower."""
    fast = decoder()
    fast._decode_one_by_one = None  # type: ignore[method-assign, assignment]
    assert fast(body(*entries)).entries == len(entries)


@pytest.mark.parametrize("beside", [[], [BAD]], ids=["in one go", "record by record"])
def test_a_record_that_comes_twice_in_a_page_counts_once(beside: list[dict[str, Any]]) -> None:
    page = decode(record(5), record(3), record(5), record(3), record(9), *beside)
    assert page.ids == [row[0] for row in page.rows] == [5, 3, 9]
    assert (page.entries, page.distinct) == (5 + len(beside), 3 + len(beside))


def test_an_empty_page_has_no_last_id() -> None:
    assert decode(count=0) == Page(count=0)


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


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"created": "0000-00-00 00:00:00"}, "created: expected YYYY-MM-DD HH:MM:SS from 2000 to 2099, got '0000-00"),
        ({"actionId": 2**31}, "actionId: 2147483648 is out of range for 32 bits"),
        ({"dataDuration": -(2**31) - 1}, "dataDuration: -2147483649 is out of range for 32 bits"),
        ({"deviceId": 2**63}, "deviceId: 9223372036854775808 is out of range for 64 bits"),
        ({"date": -(2**63) - 1}, "date: -9223372036854775809 is out of range for 64 bits"),
        ({"dataId": 10**4000}, "dataId: 4,001 characters is out of range"),
        ({"dataId": "9" * 5000}, "dataId: expected a whole number, got 5,002 characters"),
        ({"dataId": 1.5}, "dataId: expected a whole number, got 1.5"),
        ({"dataId": 1.0}, "dataId: expected a whole number, got 1.0"),
        ({"dataId": True}, "dataId: expected a whole number, got True"),
        ({"dataId": ""}, "dataId: expected a whole number, got ''"),
        ({"dataId": "-"}, "dataId: expected a whole number, got '-'"),
        ({"dataId": "--1"}, "dataId: expected a whole number, got '--1'"),
        ({"dataId": "٣"}, "dataId: expected a whole number, got '\\u0663'"),
        ({"dataId": "²"}, "dataId: expected a whole number, got '\\xb2'"),
        ({"dataId": "1_000"}, "dataId: expected a whole number, got '1_000'"),
        ({"dataId": [1]}, "dataId: expected a whole number, got [1]"),
        ({"dataId": float("nan")}, "dataId: expected a whole number, got nan"),
        ({"dataId": float("inf")}, "dataId: expected a whole number, got inf"),
        ({"dataName": "a\0b"}, "dataName: PostgreSQL cannot store the NUL character in it"),
        ({"dataName": "a\ud800b"}, "dataName: "),
        ({"dataName": 1.5}, "dataName: expected text, got a fraction"),
        ({"dataName": True}, "dataName: expected text, got true or false"),
        ({"data": {"streamId": 1}}, "data: expected text, got an object"),
        ({"data": []}, "data: expected text, got a list"),
        ({"manual": 2}, "manual: expected true or false, got 2"),
        ({"manual": "perhaps"}, "manual: expected true or false, got 'perhaps'"),
        ({"anonymized": {}}, "anonymized: expected true or false, got {}"),
        ({"novelty": "\0"}, "unknown fields: PostgreSQL cannot store the NUL character in them"),
        ({"\0": 1}, "unknown fields: PostgreSQL cannot store the NUL character in them"),
        ({"novelty": "\\\0"}, "unknown fields: PostgreSQL cannot store the NUL character in them"),
        ({"novelty": ["\udfff"]}, "unknown fields: "),
        ({"novelty": float("nan")}, "unknown fields: a number in them is not finite"),
        ({"novelty": {"a": float("-inf")}}, "unknown fields: a number in them is not finite"),
    ],
    ids=str,
)
def test_a_value_that_cannot_be_stored_rejects_its_record_alone_and_says_why(fields: dict[str, Any], reason: str) -> None:
    reject = only_reject(record(20, **fields))
    assert reject.reason.startswith(reason)
    assert reject.record_id == 20
    assert len(reject.reason) < 200
    assert reject.payload.isascii()


@pytest.mark.parametrize("record_id", [None, "", "x", 1.0, True, 2**63, "9" * 5000, [1]], ids=str)
def test_a_record_without_a_usable_id_is_rejected_without_one(record_id: Any) -> None:
    reject = only_reject(record(record_id))
    assert reject.record_id is None
    assert reject.reason.startswith("recordId: expected a whole number of at most 64 bits, got ")


@pytest.mark.parametrize("entry", [None, 5, "text", [1], True], ids=str)
def test_what_is_no_object_is_rejected(entry: Any) -> None:
    assert only_reject(entry).reason.startswith("expected an object, got ")


TEXTS = [name for name, values in VALUES.items() if values is texts]


@pytest.mark.parametrize("name", [*TEXTS, "novelty"])
@pytest.mark.parametrize("letter", ["a", "\U0001f6f0", "\n", '"', "\\"])
def test_a_text_longer_than_is_borne_rejects_its_record_alone_and_whole(name: str, letter: str) -> None:
    """Whatever comes after it would have to bear it: segments, charts, documents, the event log."""
    long = {"novelty": json.dumps({name: letter * 50}, ensure_ascii=False)}.get(name, letter * 50)
    bounded = PageDecoder(ZoneInfo("UTC"), ZoneInfo(MEXICO), max_text=len(long))
    as_long = record(1, **{name: letter * 50})
    longer = record(2, **{name: letter * 50 + "b"})
    page = bounded(body(as_long, longer, record(3)))
    assert page.ids == [1, 3]
    [reject] = page.rejects
    assert (reject.record_id, json.loads(reject.payload)) == (2, longer)
    what = "unknown fields" if name == "novelty" else name
    assert reject.reason == f"{what}: more than {len(long)} characters (MAX_TEXT_CHARACTERS)"


def test_what_is_long_and_not_kept_rejects_nothing() -> None:
    """Of an anonymized record nothing personal is stored, however long."""
    page = decode(record(1, anonymized=True, subscriberCode="a" * 100_000), record(2))
    assert page.ids == [1, 2]


@pytest.mark.parametrize("name", ["recordId", "dataId", "dataName", "created", "anonymized", "novelty"])
@pytest.mark.parametrize("number", ["9" * 5000, "-" + "9" * 5000, "9" * 4300])
def test_a_number_of_thousands_of_digits_rejects_its_record_alone(name: str, number: str) -> None:
    """Python reads none of more than 4,300: the page counted as malformed, and its day as never known to its end."""
    raw = body(record(1), record(2, **{name: "?"}), record(3)).replace(b'"?"', number.encode())
    page = PageDecoder(ZoneInfo("UTC"), ZoneInfo(MEXICO), max_text=1000)(raw)
    assert page.ids == [1, 3]
    [reject] = page.rejects
    assert number in reject.payload
    assert len(reject.reason) < 200


@pytest.mark.parametrize("name", ["data", "dataId", "novelty"])
def test_whatever_is_nested_costs_no_more_than_its_page(name: str) -> None:
    """What could just be read could not be written again, and its error was none of the upstream's."""
    for depth in range(800, 1_000):
        nested = b'{"a":' * depth + b"1" + b"}" * depth
        raw = body(record(1, **{name: "?"})).replace(b'"?"', nested)
        try:
            page = decode_raw(raw)
        except MalformedAnswer:
            continue
        assert len(page.rows) + len(page.rejects) == 1


def test_of_a_rejected_record_the_id_comes_first() -> None:
    """What is kept of a payload is its beginning: two that differ in their ids alone are two."""
    assert only_reject({"dataId": "x", **record(20)}).payload.startswith('{"recordId": 20, ')


def test_bytes_that_are_no_utf8_reject_their_record_alone() -> None:
    page = decoder()(body(record(10), record(20, whoisIsp="Telef?nica"), record(30)).replace(b"?", b"\xf3"))
    assert page.ids == [10, 30]
    [reject] = page.rejects
    assert (reject.record_id, json.loads(reject.payload)["whoisIsp"]) == (20, "Telef\udcf3nica")
    assert "whoisIsp" in reject.reason


@pytest.mark.parametrize(
    ("name", "given", "stored"),
    [
        ("recordId", "17", 17),
        ("actionId", "8", 8),
        ("dataDuration", "-3", -3),
        ("deviceId", str(-(2**63)), -(2**63)),
        ("dataPrice", "0", 0),
        ("dataName", 24, "24"),
        ("smartcardId", 2**70, str(2**70)),
        ("anonymized", "true", True),
        ("anonymized", "1", True),
        ("manual", 0, False),
        ("manual", "false", False),
    ],
)
def test_values_that_another_server_writes_differently_are_understood(name: str, given: Any, stored: Any) -> None:
    assert value(name, record(**{name: given})) == stored


@pytest.mark.parametrize("beside", [[], [BAD]], ids=["in one go", "record by record"])
@pytest.mark.parametrize(
    "name", ["extra", "local_date", "record_id", "", "telemetry_pipeline.extra", "telemetry_pipeline.local_date"]
)
def test_an_unknown_field_may_have_any_name(name: str, beside: list[dict[str, Any]]) -> None:
    [row] = decode({**record(), name: "x"}, *beside).rows
    assert (json.loads(row[-2]), row[-1]) == ({name: "x"}, "2025-03-03")


def test_unknown_fields_are_kept_as_they_came() -> None:
    unknown: dict[str, Any] = {"novelty": {"deep": [1, None, "é", 2**70, 1.5]}, "also \\u0000": "a\\u0000b"}
    [row] = decode(record(**unknown)).rows
    assert json.loads(row[-2]) == unknown


@pytest.mark.parametrize("beside", [[], [BAD]], ids=["in one go", "record by record"])
@pytest.mark.parametrize("anonymized", [True, 1, "1", "true"])
def test_an_anonymized_record_keeps_nothing_personal(anonymized: Any, beside: list[dict[str, Any]]) -> None:
    personal = {"subscriberCode": "S-1", "smartcardId": "C-1", "deviceId": 5, "ip": "10.0.0.1"}
    assert set(personal) == set(PERSONAL_FIELDS)
    page = decode(record(1, anonymized=anonymized, dataName="La 1", **personal), record(2, **personal), *beside)
    hidden, shown = ([row[PLACE[name]] for name in personal] for row in page.rows)
    assert hidden == [None] * 4
    assert shown == list(personal.values())
    assert page.rows[0][PLACE["dataName"]] == "La 1"


@pytest.mark.parametrize("anonymized", [True, 1, "1", "true", "TRUE", "yes", 1.0, 2])
@pytest.mark.parametrize("field", PERSONAL_FIELDS)
@pytest.mark.parametrize("personal", [{"secret": "S-1"}, "S-1"], ids=["of a wrong kind", "as text"])
def test_a_rejected_record_that_may_be_anonymized_shows_nothing_personal(anonymized: Any, field: str, personal: Any) -> None:
    """Neither in its payload nor in the reason, and also when what it says about itself is not understood."""
    page = decode(record(1, anonymized=anonymized, dataId="x", **{field: personal}))
    [reject] = page.rejects
    assert "S-1" not in reject.payload + reject.reason
    assert json.loads(reject.payload)["dataId"] == "x"


def test_a_personal_value_that_cannot_be_read_matters_no_more_once_it_is_anonymized() -> None:
    assert value("deviceId", record(anonymized=True, deviceId="AA:BB")) is None


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html>504</html>",
        b'{"success": true, "answer": {"telemetryRecordEntr',
        b'{"success": true, "answer": null}',
        b'{"success": true, "answer": []}',
        b'{"success": true, "answer": {}}',
        b'{"success": true, "answer": {"count": 5}}',
        b'{"success": true, "answer": {"telemetryRecordEntries": {"0": 1}}}',
        b'{"success": true, "answer": {"telemetryRecordEntries": false, "count": 5}}',
        b'{"success": true, "answer": {"telemetryRecordEntries": [{"timestamp": "2025-01-01 00:00:00"}]}}',
        b'{"answer": {"telemetryRecordEntries": []}}',
        b'{"success": "perhaps"}',
        b"[]",
        b"null",
        b"[" * 100_000,
        b"nul \x00 and \xff",
    ],
    ids=lambda raw: raw[:60].decode("latin-1"),
)
def test_what_is_no_page_of_records_is_malformed_and_its_text_is_kept(raw: bytes) -> None:
    """An answer without a list of records is not the end of the records."""
    with pytest.raises(MalformedAnswer) as caught:
        decoder()(raw)
    assert caught.value.raw == raw.replace(b"\0", b"\\x00").decode("utf-8", "backslashreplace")
    assert len(str(caught.value)) < 300


def test_no_records_written_as_null_are_an_empty_page() -> None:
    assert decoder()(b'{"success": true, "answer": {"telemetryRecordEntries": null, "count": 0}}') == Page(count=0)


@pytest.mark.parametrize(("count", "understood"), [(5, 5), ("5", 5), (None, None), ("many", None), (1.5, None), ([], None)])
def test_a_count_that_cannot_be_read_is_none(count: Any, understood: int | None) -> None:
    assert decode(record(), count=count).count == understood


def test_a_failed_call_is_handed_on_as_its_envelope() -> None:
    page = decoder()(b'{"success": false, "answer": null, "errorCode": "fatal_error", "errorMessage": "No."}')
    assert page.error is not None
    assert (page.error.problem, page.rows) == ("fatal_error: No.", [])


def test_a_decoder_that_many_threads_share_remembers_nothing_wrong() -> None:
    """An hour in which the local date or the offset changes is never remembered as a whole."""
    shared = decoder("Asia/Kathmandu", "UTC")
    stamps = [f"2025-06-01 {hour:02}:{minute:02}:00" for hour in range(24) for minute in (0, 44, 45, 59)]
    for order in (stamps, stamps[::-1]):
        rows = shared(body(*(record(number, timestamp=stamp) for number, stamp in enumerate(order)))).rows
        for row, stamp in zip(rows, order, strict=True):
            moment = datetime.fromisoformat(stamp).replace(tzinfo=ZoneInfo("Asia/Kathmandu"))
            assert row[-1] == moment.astimezone(UTC).date().isoformat()
