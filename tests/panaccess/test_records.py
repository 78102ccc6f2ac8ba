"""Decoding pages: a good record becomes the same row in whatever company, and what is no page is refused."""

from __future__ import annotations

import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from panaccess_pages import (
    BAD,
    MEXICO,
    PLACE,
    VALUES,
    body,
    decode,
    decoder,
    expected_row,
    parsed,
    record,
    stamps,
    texts,
    value,
    whole64,
)

from telemetry_pipeline.errors import MalformedAnswer
from telemetry_pipeline.sources.panaccess.records import FIELDS, Page
from telemetry_pipeline.sources.panaccess.values import PERSONAL_FIELDS

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
