"""A bad record is rejected alone, with the reason, whole, and without anything personal that it may hold."""

from __future__ import annotations

import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from panaccess_pages import MEXICO, VALUES, body, decode, decode_raw, decoder, only_reject, record, texts

from telemetry_pipeline.errors import MalformedAnswer
from telemetry_pipeline.sources.panaccess.records import PageDecoder
from telemetry_pipeline.sources.panaccess.values import PERSONAL_FIELDS


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


@pytest.mark.parametrize("anonymized", [True, 1, "1", "true", "TRUE", "yes", 1.0, 2])
@pytest.mark.parametrize("field", PERSONAL_FIELDS)
@pytest.mark.parametrize("personal", [{"secret": "S-1"}, "S-1"], ids=["of a wrong kind", "as text"])
def test_a_rejected_record_that_may_be_anonymized_shows_nothing_personal(anonymized: Any, field: str, personal: Any) -> None:
    """Neither in its payload nor in the reason, and also when what it says about itself is not understood."""
    page = decode(record(1, anonymized=anonymized, dataId="x", **{field: personal}))
    [reject] = page.rejects
    assert "S-1" not in reject.payload + reject.reason
    assert json.loads(reject.payload)["dataId"] == "x"
