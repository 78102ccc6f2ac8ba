"""What a telemetry record is: decode a page, accept or reject each of its records.

Most pages hold nothing but well-formed records and are decoded in one go, about 3 µs a record; any other page is decoded
again record by record, ten times slower, so that one bad record costs its neighbours nothing but time.

A record with any value that cannot be stored, or that is longer than all that comes after it should have to bear, is rejected
as a whole: no value is cut or left out.
"""

from __future__ import annotations

import re
import typing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, Generic
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import astuple

from telemetry_pipeline.errors import MalformedAnswer
from telemetry_pipeline.sources.panaccess.calls.wire import Envelope, decode_envelope, raw_text
from telemetry_pipeline.sources.panaccess.values import (
    PERSONAL_FIELDS,
    Int32,
    Int64,
    Text,
    Unusable,
    converter,
    id_of,
    is_whole,
    json_of,
    json_type,
    payload_of,
    shown,
    truth,
)

FIRST_YEAR, LAST_YEAR = 2000, 2100
"""Local dates outside these years (the last excluded) are no usable timestamps: a device without a clock says 1970."""

MAX_TEXT_CHARACTERS = 10_000
"""How long a text may be, and the JSON of all unknown fields, unless settings say otherwise."""


class Record(msgspec.Struct, Generic[Text], forbid_unknown_fields=True, kw_only=True, gc=False):
    """One record in the API's own names, in the order of the warehouse's columns."""

    recordId: Int64  # noqa: N815
    actionId: Int32 | None = None  # noqa: N815
    actionKey: Text | None = None  # noqa: N815
    reasonKey: Text | None = None  # noqa: N815
    subscriberCode: Text | None = None  # noqa: N815
    smartcardId: Text | None = None  # noqa: N815
    deviceId: Int64 | None = None  # noqa: N815
    dataId: Int64 | None = None  # noqa: N815
    dataName: Text | None = None  # noqa: N815
    dataDuration: Int32 | None = None  # noqa: N815
    dataNetId: Int64 | None = None  # noqa: N815
    dataTsId: Int64 | None = None  # noqa: N815
    dataSeviceId: Int64 | None = None  # noqa: N815
    dataPrice: Int64 | None = None  # noqa: N815
    profileId: Int64 | None = None  # noqa: N815
    ipId: Int64 | None = None  # noqa: N815
    reaonId: Int64 | None = None  # noqa: N815
    date: Int64 | None = None
    timestamp: str
    created: str | None = None
    data: Text | None = None
    ip: Text | None = None
    whoisCountry: Text | None = None  # noqa: N815
    whoisIsp: Text | None = None  # noqa: N815
    anonymized: bool | None = None
    manual: bool | None = None
    # Ours, behind the API's: under names that no JSON of the upstream will carry.
    extra: str | None = msgspec.field(default=None, name="telemetry_pipeline.extra")
    local_date: str = msgspec.field(default="", name="telemetry_pipeline.local_date")


FIELDS = Record.__struct_fields__[:-2]

Row = tuple[Any, ...]
"""A record as the warehouse stores it: the values of ``FIELDS`` with times as ISO 8601 text with an offset, then the unknown
fields as JSON text or None, then the operator's local date as ISO 8601 text."""


@dataclass(frozen=True)
class Reject:
    """A record that cannot be stored.

    :ivar payload: the record as JSON, everything outside ASCII escaped.
    """

    record_id: int | None
    payload: str
    reason: str


@dataclass
class Page:
    """One answer of the upstream.

    :ivar ids: the distinct ids of ``rows``, in their order.
    :ivar entries: how many records the answer held, repeated and rejected ones included.
    :ivar last_id: the highest id seen, also among the rejected; None when there is none.
    :ivar count: how many records match the request in all, where the server says so.
    :ivar error: the envelope of a failed call.
    """

    ids: list[int] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    entries: int = 0
    distinct: int = 0
    last_id: int | None = None
    count: int | None = None
    error: Envelope | None = None


class PageDecoder:
    """Reads pages; keeps a small memory of hours, so that a time zone is asked once an hour of data, not once a record.

    :param source_zone: of the upstream's naive timestamps.
    :param local_zone: of the operator's days.
    :param max_text: how many characters a text may have.
    """

    def __init__(self, source_zone: ZoneInfo, local_zone: ZoneInfo, max_text: int = MAX_TEXT_CHARACTERS) -> None:
        self._source_zone = source_zone
        self._local_zone = local_zone
        self._max_text = max_text
        self._well_formed = msgspec.json.Decoder(_Reply[Annotated[str, msgspec.Meta(max_length=max_text)]])
        self._hours: dict[str, tuple[str, str] | None] = {}

    def __call__(self, body: bytes) -> Page:
        """Decode one answer.

        :raises MalformedAnswer: it is not a page of records.
        """
        try:
            return self._decode_well_formed(body)
        except (msgspec.DecodeError, UnicodeDecodeError, _Unusual):
            return self._decode_one_by_one(body)

    def _decode_well_formed(self, body: bytes) -> Page:
        if b"\\u0000" in body:
            raise _Unusual
        reply = self._well_formed.decode(body)
        if not reply.success or reply.answer is None:
            raise _Unusual
        rows: list[Row] = []
        ids: list[int] = []
        hours = self._hours
        for record in reply.answer.telemetryRecordEntries:
            stamp = record.timestamp
            hour = hours.get(stamp[:13])
            if hour is None or stamp[13:] not in _WITHIN_HOUR:
                hour = self._place(stamp)
            if record.extra or record.local_date:
                raise _Unusual
            record.timestamp = stamp + hour[0]
            record.local_date = hour[1]
            created = record.created
            if created is not None:
                created_hour = hours.get(created[:13])
                if created_hour is None or created[13:] not in _WITHIN_HOUR:
                    created_hour = self._place(created)
                record.created = created + created_hour[0]
            if record.anonymized:
                record.subscriberCode = record.smartcardId = record.deviceId = record.ip = None
            ids.append(record.recordId)
            rows.append(astuple(record))
        entries = len(ids)
        if len(set(ids)) < entries:
            ids, rows = _without_repeats(ids, rows)
        return Page(
            ids=ids,
            rows=rows,
            entries=entries,
            distinct=len(ids),
            last_id=max(ids, default=None),
            count=reply.answer.count,
        )

    def _decode_one_by_one(self, body: bytes) -> Page:
        envelope = decode_envelope(body)
        if not envelope.success:
            return Page(error=envelope)
        answer = envelope.answer
        entries = answer.get("telemetryRecordEntries", False) if isinstance(answer, dict) else False
        if entries is None:
            entries = []
        if not isinstance(entries, list):
            raise MalformedAnswer("PanAccess answered without a list 'telemetryRecordEntries'", raw_text(body))
        count = answer.get("count")
        page = Page(entries=len(entries), count=int(count) if is_whole(count) else None)
        seen: set[int] = set()
        for entry in entries:
            record_id = id_of(entry)
            if record_id is not None:
                if record_id in seen:
                    continue
                seen.add(record_id)
            try:
                page.rows.append(self._row(entry))
                page.ids.append(page.rows[-1][0])
            except Unusable as err:
                page.rejects.append(Reject(record_id, payload_of(entry), str(err)))
        if entries and not seen:
            raise MalformedAnswer("PanAccess answered with records of which none has a recordId", raw_text(body))
        page.distinct = len(seen)
        page.last_id = max(seen, default=None)
        return page

    def _row(self, entry: Any) -> Row:
        if not isinstance(entry, dict):
            raise Unusable(f"expected an object, got {json_type(entry)}")
        if id_of(entry) is None:
            raise Unusable(f"recordId: expected a whole number of at most 64 bits, got {shown(entry.get('recordId'))}")
        if truth("anonymized", entry.get("anonymized")):
            entry = {**entry, **dict.fromkeys(PERSONAL_FIELDS)}
        values = {name: _CONVERTERS[name](name, entry.get(name)) for name in FIELDS}
        if values["timestamp"] is None:
            raise Unusable("timestamp: missing")
        local_date = ""
        for name in ("created", "timestamp"):
            if values[name] is not None:
                try:
                    suffix, local_date = self._place(values[name])
                except _Unusual:
                    raise Unusable(
                        f"{name}: expected YYYY-MM-DD HH:MM:SS from {FIRST_YEAR} to {LAST_YEAR - 1}, got {shown(values[name])}"
                    ) from None
                values[name] += suffix
        unknown = {name: value for name, value in entry.items() if name not in _CONVERTERS}
        extra = json_of(unknown) if unknown else None
        for name, value in {**values, "unknown fields": extra}.items():
            if isinstance(value, str) and len(value) > self._max_text:
                raise Unusable(f"{name}: more than {self._max_text:,} characters (MAX_TEXT_CHARACTERS)")
        return (*values.values(), extra, local_date)

    def _place(self, stamp: str) -> tuple[str, str]:
        """Return the offset to write behind a naive timestamp, and its local date."""
        # Its form is looked at first: strptime reads other digits and spaces than ASCII's, which PostgreSQL does not.
        if not _STAMP.fullmatch(stamp) or not FIRST_YEAR - 1 <= int(stamp[:4]) <= LAST_YEAR:
            raise _Unusual
        try:
            moment = datetime.strptime(stamp, "%Y-%m-%d %H:%M:%S")
        except ValueError:
            raise _Unusual from None
        placed = self._place_exactly(moment)
        if not FIRST_YEAR <= int(placed[1][:4]) < LAST_YEAR:
            raise _Unusual
        first = moment.replace(minute=0, second=0)
        if self._place_exactly(first) == self._place_exactly(first + timedelta(minutes=59, seconds=59)):
            self._hours[stamp[:13]] = placed
        return placed

    def _place_exactly(self, moment: datetime) -> tuple[str, str]:
        at = moment.replace(tzinfo=self._source_zone)
        return at.isoformat()[19:], at.astimezone(self._local_zone).date().isoformat()


class _Answer(msgspec.Struct, Generic[Text], gc=False):
    telemetryRecordEntries: list[Record[Text]]  # noqa: N815
    count: int | None = None


class _Reply(msgspec.Struct, Generic[Text], gc=False):
    success: bool
    answer: _Answer[Text] | None = None


_STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)

_WITHIN_HOUR = frozenset(f":{minute:02}:{second:02}" for minute in range(60) for second in range(60))


class _Unusual(Exception):
    """The page has to be read record by record."""


def _without_repeats(ids: list[int], rows: list[Row]) -> tuple[list[int], list[Row]]:
    first = dict(zip(reversed(ids), reversed(rows), strict=True))
    return list(first)[::-1], list(first.values())[::-1]


_HINTS = typing.get_type_hints(Record, include_extras=True)

_CONVERTERS = {name: converter(_HINTS[name]) for name in FIELDS}
