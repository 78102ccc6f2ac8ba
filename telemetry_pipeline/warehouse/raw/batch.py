"""What is stored in one transaction: records as lines that COPY reads, and what else a sync found beside them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np

from telemetry_pipeline.warehouse.raw.gaps import Gap

COLUMNS = (
    "record_id",
    "action_id",
    "action_key",
    "reason_key",
    "subscriber_code",
    "smartcard_id",
    "device_id",
    "data_id",
    "data_name",
    "duration_seconds",
    "data_net_id",
    "data_ts_id",
    "data_service_id",
    "data_price",
    "profile_id",
    "ip_id",
    "reason_id",
    "date",
    "timestamp",
    "created",
    "data",
    "ip",
    "whois_country",
    "whois_isp",
    "anonymized",
    "manual",
    "extra",
    "local_date",
)

COPY_RECORDS = (
    f"copy telemetry.records ({', '.join(COLUMNS)}, received_at) from stdin "
    "(format csv, quote '\"', escape '\\', null 'null', encoding 'utf8')"
)

Mark = tuple[datetime, int | None]
"""What a record never changes: its timestamp (aware) and its action."""

_ACTION, _TIMESTAMP = COLUMNS.index("action_id"), COLUMNS.index("timestamp")

_KNOWN_OTHERWISE = "recordId: a record of another time or action is stored under it"


@dataclass(frozen=True)
class Rejected:
    """A record that cannot be stored: its id if it has one, its JSON, and why."""

    record_id: int | None
    payload: str
    reason: str


@dataclass
class Batch:
    """What is stored in one transaction.

    :ivar cursor: every id up to this one is in this batch, an earlier one, or a gap; None leaves the cursor alone.
    :ivar cursor_set_at: when a person last set the cursor, as its sync knows; after another one has been set, it stays there.
    :ivar made_with: the settings that its records were made with, as ``claims`` names them.
    :ivar received_at: a moment (aware) at which all that is in it was there already.
    :ivar size_bytes: that its lines and payloads have.
    :ivar ids: of the records, in the order in which they were added, with their ``actions``, their ``timestamps`` as ISO 8601
        text, their local ``days`` and their encoded ``lines``.
    """

    rejected: list[Rejected] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    cursor: int | None = None
    cursor_set_at: datetime | None = None
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    made_with: Mapping[str, str] = field(default_factory=dict)
    ids: list[int] = field(default_factory=list, init=False)
    actions: list[int | None] = field(default_factory=list, init=False)
    timestamps: list[str] = field(default_factory=list, init=False)
    days: list[str] = field(default_factory=list, init=False)
    lines: list[bytes] = field(default_factory=list, init=False)
    size_bytes: int = field(default=0, init=False)

    @property
    def count(self) -> int:
        """How many records it has, rejected ones included."""
        return len(self.ids) + len(self.rejected)

    def add(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add records as tuples in the order of ``COLUMNS``; they are kept encoded, which takes a quarter of the memory."""
        self.ids.extend(row[0] for row in rows)
        self.actions.extend(row[_ACTION] for row in rows)
        self.timestamps.extend(row[_TIMESTAMP] for row in rows)
        self.days.extend(row[-1] for row in rows)
        lines = encode(rows)
        self.lines.extend(lines)
        self.size_bytes += sum(map(len, lines))

    def reject(self, records: Iterable[Rejected]) -> None:
        """Add records that cannot be stored."""
        for each in records:
            self.rejected.append(each)
            self.size_bytes += len(each.payload)

    def without(self, known: Set[int]) -> tuple[list[int], list[str], list[bytes]]:
        """Return ids, local dates and lines of the records whose ids are not among *known*, each id once."""
        if not known and len(set(self.ids)) == len(self.ids):
            return self.ids, self.days, self.lines
        unknown = {
            record_id: (day, line)
            for record_id, day, line in zip(self.ids, self.days, self.lines, strict=True)
            if record_id not in known
        }
        return list(unknown), [day for day, _ in unknown.values()], [line for _, line in unknown.values()]

    def unlike(self, known: Mapping[int, Mark]) -> list[Rejected]:
        """Return the records that are known as others."""
        return [
            Rejected(record_id, _payload(line), _KNOWN_OTHERWISE)
            for record_id, action, timestamp, line in zip(self.ids, self.actions, self.timestamps, self.lines, strict=True)
            if record_id in known and known[record_id] != (datetime.fromisoformat(timestamp), action)
        ]


def mark(row: Sequence[Any]) -> Mark:
    """Return the mark of a record that is a tuple in the order of ``COLUMNS``, with its times as ISO 8601 text."""
    return datetime.fromisoformat(row[_TIMESTAMP]), row[_ACTION]


def encode(rows: Sequence[tuple[Any, ...]]) -> list[bytes]:
    """Return rows as lines of the CSV that ``COPY_RECORDS`` reads.

    A JSON array without its brackets is such a line, and encoding one is ten times faster than quoting field by field. Only
    JSON's escapes of control characters are not CSV's: rows that have any are quoted field by field.
    """
    if not rows:
        return []
    payload = _ENCODER.encode_lines(rows)
    if _escapes_control_characters(payload):
        return [b",".join(map(_quoted, row)) for row in rows]
    return payload[1:-2].split(b"]\n[")


def _escapes_control_characters(payload: bytes) -> bool:
    """Return whether JSON text holds an escape other than of a quote or a backslash."""
    text = np.frombuffer(payload, dtype=np.uint8)
    backslashes = np.flatnonzero(text == ord("\\"))
    if not len(backslashes):
        return False
    # In a run of backslashes every second one is escaped by the one before it; the others begin an escape.
    begins_run = np.diff(backslashes, prepend=-2) > 1
    run_starts = np.flatnonzero(begins_run)
    place_in_run = np.arange(len(backslashes)) - np.repeat(run_starts, np.diff(run_starts, append=len(backslashes)))
    escaped = text[backslashes[place_in_run % 2 == 0] + 1]
    return bool(((escaped != ord('"')) & (escaped != ord("\\"))).any())


def _payload(line: bytes) -> str:
    """Return a record's line as a JSON object with what is not null of it."""
    # Control characters may be in it as they are.
    values = json.loads(b"[" + line + b"]", strict=False)
    return json.dumps({name: value for name, value in zip(COLUMNS, values, strict=True) if value is not None})


def _quoted(value: Any) -> bytes:
    if not isinstance(value, str):
        return _ENCODER.encode(value)
    return b'"' + value.encode().replace(b"\\", rb"\\").replace(b'"', rb"\"") + b'"'


_ENCODER = msgspec.json.Encoder()
