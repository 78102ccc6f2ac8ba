"""Faults that a test switches on: their forms, when they fire, and what those do that change rows. No HTTP.

``POST /faults`` takes a JSON list of objects, which replaces the present faults; ``[]`` or ``DELETE /faults`` ends
them. Every object has a ``kind`` and may have

- ``functions``: names of API functions without ``cv``, ``["*"]`` for all; default: the listings of telemetry records;
- ``times``: how often it fires before it is over; default: always;
- ``page``: only the n-th call (from 1) of its functions since the faults were set, or a list of such numbers;
- ``record_id``: only answers that would contain this record, or one of a list; for listings.

Kinds, with their own members and defaults:

- ``error``: ``error_code`` ("unknown_error_serverside"), ``message``, ``status`` (200), ``echo`` (false): the error
  envelope, under another HTTP status if one is given; with ``echo`` the message goes on with what the call sent, and with
  the password and the salt, each in every form that servers write things in;
- ``timeout``: ``seconds`` (30): the answer comes that much later;
- ``drop``: ``after_bytes`` (0): the connection is reset after so many bytes of the body; with 0, before any answer;
- ``expired_session``: all sessions end just before the call, which then fails as with any dead session; not by id;
- ``drip``: ``seconds`` (2): the body comes a byte at a time, one every so many seconds;
- ``endless``: ``content_length`` (null): the body is blanks without end, whatever length its head claims;
- ``bomb``: ``megabytes`` (2,000), ``encodings`` (["gzip"]): the body is so many megabytes of blanks before the real one,
  packed in gzip or deflate, one in the other;
- ``malformed``: ``text`` (null): the body is this text; with null, the first half of the real one;
- ``answer``: ``answer`` (null): success, with this answer; not by id;
- ``duplicate``: ``rows`` (1): the page's first rows come twice; rows that then exceed the limit leave the page;
- ``reorder``: the page's rows come in reverse;
- ``alter``: ``fields`` ({}), ``remove`` ([]): rows (those of ``record_id``, else all) come with fields replaced or left
  out; they keep the place of their real id.

For example ``[{"kind": "error", "record_id": 5000000123, "times": 2}, {"kind": "drop", "page": [3, 4]}]``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

LISTINGS = ("getListOfTelemetryRecords", "getListOfTelemetryRecordEntries", "getTelemetryRecords")


class BadFault(ValueError):
    """A fault that does not exist or has an impossible member; the message says which."""


class _Fault(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    functions: tuple[str, ...] = LISTINGS
    times: int | None = Field(default=None, ge=1)
    page: int | tuple[int, ...] | None = None
    record_id: int | tuple[int, ...] | None = None

    @property
    def pages(self) -> tuple[int, ...]:
        return _several(self.page)

    @property
    def record_ids(self) -> tuple[int, ...]:
        return _several(self.record_id)


class Error(_Fault):
    """The call fails."""

    kind: Literal["error"]
    error_code: str = "unknown_error_serverside"
    message: str = "An unknown error occurred on the server."
    status: int = Field(default=200, ge=200, le=599)
    echo: bool = False


class Timeout(_Fault):
    """The answer is late."""

    kind: Literal["timeout"]
    seconds: float = Field(default=30, ge=0)


class Drop(_Fault):
    """The connection is reset."""

    kind: Literal["drop"]
    after_bytes: int = Field(default=0, ge=0)


class Drip(_Fault):
    """The answer comes byte by byte."""

    kind: Literal["drip"]
    seconds: float = Field(default=2, gt=0)


class Endless(_Fault):
    """The answer has no end."""

    kind: Literal["endless"]
    content_length: int | None = Field(default=None, ge=1)


class Bomb(_Fault):
    """The answer is small on the wire, and large."""

    kind: Literal["bomb"]
    megabytes: int = Field(default=2_000, ge=1)
    encodings: tuple[Literal["gzip", "deflate"], ...] = ("gzip",)


class ExpiredSession(_Fault):
    """All sessions end."""

    kind: Literal["expired_session"]
    record_id: None = None


class Malformed(_Fault):
    """The body is not the JSON that it should be."""

    kind: Literal["malformed"]
    text: str | None = None


class Answer(_Fault):
    """The call succeeds with a given answer."""

    kind: Literal["answer"]
    record_id: None = None
    answer: Any = None


class Duplicate(_Fault):
    """Rows come twice."""

    kind: Literal["duplicate"]
    rows: int = Field(default=1, ge=1)


class Reorder(_Fault):
    """Rows come in reverse."""

    kind: Literal["reorder"]


class Alter(_Fault):
    """Rows come with other fields."""

    kind: Literal["alter"]
    fields: dict[str, Any] = {}
    remove: tuple[str, ...] = ()


RowFault = Duplicate | Reorder | Alter
Fault = Error | Timeout | Drop | Drip | Endless | Bomb | ExpiredSession | Malformed | Answer | RowFault
_FAULTS = TypeAdapter(tuple[Annotated[Fault, Field(discriminator="kind")], ...])


class Faults:
    """The faults that are switched on, and how often each has fired."""

    def __init__(self) -> None:
        self._faults: tuple[Fault, ...] = ()
        self._fired: Counter[int] = Counter()
        self._calls: Counter[int] = Counter()

    def set(self, faults: object) -> None:
        """Replace all faults by those of a decoded JSON list; ``BadFault`` keeps the present ones."""
        try:
            self._faults = _FAULTS.validate_json(json.dumps(faults))
        except (ValidationError, TypeError) as error:
            raise BadFault(_first_line(error)) from error
        self._fired.clear()
        self._calls.clear()

    def described(self) -> list[dict[str, Any]]:
        """Return each fault as JSON data, and how often it has ``fired``."""
        return [{**fault.model_dump(mode="json"), "fired": self._fired[place]} for place, fault in enumerate(self._faults)]

    def before(self, function: str) -> list[Fault]:
        """Count the call; the faults without ``record_id`` that it fires."""
        fired: list[Fault] = []
        for place, fault in enumerate(self._faults):
            if function in fault.functions or "*" in fault.functions:
                self._calls[place] += 1
                if not fault.record_ids:
                    fired += self._fire(place, fault)
        return fired

    def after(self, function: str, ids: Sequence[int]) -> list[Fault]:
        """Return the faults with ``record_id`` that an answer of these ids fires."""
        return [
            fault
            for place, fault in enumerate(self._faults)
            if (function in fault.functions or "*" in fault.functions)
            and not set(fault.record_ids).isdisjoint(ids)
            and self._fire(place, fault)
        ]

    @property
    def by_id(self) -> bool:
        """Whether any fault depends on the ids in the answer."""
        return any(fault.record_ids for fault in self._faults)

    def _fire(self, place: int, fault: Fault) -> list[Fault]:
        if fault.pages and self._calls[place] not in fault.pages:
            return []
        if fault.times is not None and self._fired[place] >= fault.times:
            return []
        self._fired[place] += 1
        return [fault]


def changed_rows(rows: list[bytes], ids: Sequence[int], faults: Sequence[Fault], limit: int) -> list[bytes]:
    """Return the page's rows (JSON objects, whose real ids are ``ids``) as the row faults among ``faults`` make them."""
    pairs = list(zip(ids, rows, strict=True))
    for fault in faults:
        if isinstance(fault, Alter):
            pairs = [
                (identity, _altered(row, fault) if not fault.record_ids or identity in fault.record_ids else row)
                for identity, row in pairs
            ]
        elif isinstance(fault, Duplicate):
            doubled = [pair for pair in pairs[: fault.rows] for _ in range(2)]
            pairs = (doubled + pairs[fault.rows :])[: max(limit, 1)]
        elif isinstance(fault, Reorder):
            pairs.reverse()
    return [row for _, row in pairs]


def _altered(row: bytes, fault: Alter) -> bytes:
    record = {**orjson.loads(row), **fault.fields}
    for field in fault.remove:
        record.pop(field, None)
    # Not orjson: a number out of range must get through.
    return json.dumps(record, separators=(",", ":")).encode()


def _several(value: int | tuple[int, ...] | None) -> tuple[int, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, int) else value


def _first_line(error: ValidationError | TypeError) -> str:
    if isinstance(error, TypeError):
        return str(error)
    first = error.errors(include_url=False, include_context=False)[0]
    return f"fault {'.'.join(map(str, first['loc']))}: {first['msg']}"
