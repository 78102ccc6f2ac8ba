"""Forms and envelopes."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest

from telemetry_pipeline.errors import MalformedAnswer
from telemetry_pipeline.sources.panaccess.calls.wire import decode_envelope, encode_form, raw_text

NESTED = {"groupOp": "AND", "filters": [{"rules": [{"field": "recordId", "op": "gt", "data": "1"}]}]}


def test_json_encoding_sends_a_nested_parameter_as_one_string() -> None:
    assert parse_qsl(encode_form({"offset": 0, "newFilters": NESTED}, "json")) == [
        ("offset", "0"),
        ("newFilters", '{"groupOp": "AND", "filters": [{"rules": [{"field": "recordId", "op": "gt", "data": "1"}]}]}'),
    ]


def test_brackets_encoding_sends_a_nested_parameter_as_php_does() -> None:
    assert parse_qsl(encode_form({"offset": 0, "newFilters": NESTED}, "brackets")) == [
        ("offset", "0"),
        ("newFilters[groupOp]", "AND"),
        ("newFilters[filters][0][rules][0][field]", "recordId"),
        ("newFilters[filters][0][rules][0][op]", "gt"),
        ("newFilters[filters][0][rules][0][data]", "1"),
    ]


def test_values_arrive_as_they_were() -> None:
    values = {"password": "a&b=c+d e%20é\n", "username": ""}
    assert dict(parse_qsl(encode_form(values, "json"), keep_blank_values=True)) == values


def test_an_error_has_a_name() -> None:
    assert decode_envelope(b'{"success": false}').problem == "an error without a name"
    assert decode_envelope(b'{"success": false, "errorCode": "x"}').problem == "x"
    assert decode_envelope(b'{"success": false, "errorCode": "x", "errorMessage": "y"}').problem == "x: y"


def test_the_text_of_an_error_can_be_stored_and_printed() -> None:
    """It goes into log lines and into PostgreSQL, as the reason of a gap."""
    problem = decode_envelope(b'{"success": false, "errorMessage": "a\\u0000b\\ud800c\\n\\tTraceback: \xff"}').problem
    assert problem == "a\\x00b\\ud800c Traceback: \\udcff"


@pytest.mark.parametrize(
    ("code", "message", "looks_so"),
    [
        ("access_denied", None, True),
        ("no_access_to_function", None, True),
        ("fatal_error", "You do not have the PERMISSION to call this.", True),
        ("fatal_error", "No.", False),
        (None, None, False),
    ],
)
def test_an_expired_session_can_look_like_a_missing_permission(code: str | None, message: str | None, looks_so: bool) -> None:
    envelope = decode_envelope(b'{"success": false}')
    envelope.errorCode, envelope.errorMessage = code, message
    assert envelope.looks_like_permission is looks_so


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"{}", b'{"success": 1}', b"\xff", b"[" * 100_000])
def test_what_is_no_envelope_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedAnswer, match="not its JSON envelope") as caught:
        decode_envelope(body)
    assert caught.value.raw == raw_text(body)


def test_raw_text_can_be_stored() -> None:
    assert raw_text(b"a\x00b\xffc\xc3\xa9") == "a\\x00b\\xffcé"
