"""A field of a record as it is stored: a whole number, a text, a truth; or why it cannot be."""

from __future__ import annotations

import json
import re
import typing
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import msgspec

Int32 = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]

Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]

Text = TypeVar("Text")

PERSONAL_FIELDS = ("subscriberCode", "smartcardId", "deviceId", "ip")

_WHOLE = re.compile(r"-?\d{1,20}", re.ASCII)


class Unusable(Exception):
    """The record has to be rejected; says why."""


def is_whole(value: Any) -> bool:
    """Return whether it is a whole number, as JSON or as text."""
    return (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, str) and _WHOLE.fullmatch(value) is not None
    )


def id_of(entry: Any) -> int | None:
    """Return the id of a record, if it has one of 64 bits."""
    value: Any = entry.get("recordId") if isinstance(entry, dict) else None
    return int(value) if is_whole(value) and -(2**63) <= int(value) < 2**63 else None


def _integer(bits: int) -> Callable[[str, Any], int | None]:
    def convert(name: str, value: Any) -> int | None:
        if value is None:
            return None
        if not is_whole(value):
            raise Unusable(f"{name}: expected a whole number, got {shown(value)}")
        number = int(value)
        if not -(2 ** (bits - 1)) <= number < 2 ** (bits - 1):
            raise Unusable(f"{name}: {shown(value)} is out of range for {bits} bits")
        return number

    return convert


def _text(name: str, value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise Unusable(f"{name}: expected text, got {json_type(value)}")
    return _storable(name, value)


def truth(name: str, value: Any) -> bool | None:
    """Return a truth, in the forms that PHP gives it.

    :raises Unusable: it is none.
    """
    if value is None:
        return None
    for truth, forms in ((True, (True, 1, "1", "true")), (False, (False, 0, "0", "false"))):
        if value in forms:
            return truth
    raise Unusable(f"{name}: expected true or false, got {shown(value)}")


def _storable(name: str, text: str) -> str:
    if "\0" in text:
        raise Unusable(f"{name}: PostgreSQL cannot store the NUL character in it")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Unusable(f"{name}: holds half a surrogate pair, or bytes that are no UTF-8") from None
    return text


def json_of(unknown: dict[str, Any]) -> str:
    """Return fields that the schema does not know, as JSON.

    :raises Unusable: PostgreSQL cannot store them.
    """
    try:
        text = json.dumps(unknown, ensure_ascii=False, allow_nan=False)
    except ValueError:
        raise Unusable("unknown fields: a number in them is not finite") from None
    if "\\u0000" in text.replace(r"\\", ""):
        raise Unusable("unknown fields: PostgreSQL cannot store the NUL character in them")
    return _storable("unknown fields", text)


def payload_of(entry: Any) -> str:
    """Return a record that is rejected, as JSON; without what names a person, if it is anonymized."""
    # What is not understood may mean that the record is anonymized.
    if isinstance(entry, dict) and entry.get("anonymized") not in (None, False, 0, "0", "false"):
        entry = {name: None if name in PERSONAL_FIELDS else value for name, value in entry.items()}
    if isinstance(entry, dict) and "recordId" in entry:
        # Of a very long one only the beginning is kept.
        entry = {"recordId": entry["recordId"], **entry}
    return json.dumps(entry)


def shown(value: Any) -> str:
    """Return a value in a message."""
    # Whole or not at all: in half of a text nobody could recognise a secret.
    text = ascii(value)
    return text if len(text) <= 60 else f"{len(text):,} characters"


def json_type(value: Any) -> str:
    """Return what a value of JSON is, in words."""
    return {dict: "an object", list: "a list", bool: "true or false", float: "a fraction", type(None): "null"}.get(
        type(value), type(value).__name__
    )


def converter(annotation: Any) -> Callable[[str, Any], Any]:
    """Return what makes a field's value of what JSON has, by the field's type."""
    if "bool" in str(annotation):
        return truth
    if "str" in str(annotation) or Text in typing.get_args(annotation):
        return _text
    return _integer(32 if str(2**31 - 1) in str(annotation) else 64)
