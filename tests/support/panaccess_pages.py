"""Pages of records as PanAccess answers them, and what becomes of one record of them."""

from __future__ import annotations

import functools
import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

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


@functools.cache
def _moment(stamp: str) -> datetime:
    return datetime.strptime(stamp, "%Y-%m-%d %X")


def expected_row(entry: dict[str, Any], source: ZoneInfo, local: ZoneInfo) -> tuple[Any, ...]:
    """The row of a good record, in plain Python; its unknown fields as an object."""
    values = {name: entry.get(name) for name in FIELDS}
    moments = {
        name: _moment(entry[name]).replace(tzinfo=source) for name in ("timestamp", "created") if entry.get(name) is not None
    }
    values.update({name: moment.isoformat(" ") for name, moment in moments.items()})
    if entry.get("anonymized"):
        values.update(dict.fromkeys(PERSONAL_FIELDS))
    unknown = {name: item for name, item in entry.items() if name not in FIELDS}
    return (*values.values(), unknown or None, moments["timestamp"].astimezone(local).date().isoformat())


def parsed(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [(*row[:-2], json.loads(row[-2]) if row[-2] is not None else None, row[-1]) for row in rows]
