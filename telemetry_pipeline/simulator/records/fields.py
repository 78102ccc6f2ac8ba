"""The fields of a telemetry record as the API names them, typos included, and how times are written. No values."""

from __future__ import annotations

import re
from datetime import UTC, datetime

NUMBERS = (
    "recordId",
    "actionId",
    "deviceId",
    "dataId",
    "dataDuration",
    "dataNetId",
    "dataTsId",
    "dataSeviceId",
    "dataPrice",
    "profileId",
    "ipId",
    "reaonId",
    "date",
)
FLAGS = ("anonymized", "manual")
TIMES = ("timestamp", "created")
TEXTS = (
    "actionKey",
    "reasonKey",
    "subscriberCode",
    "smartcardId",
    "dataName",
    "data",
    "ip",
    "whoisCountry",
    "whoisIsp",
)
FIELDS = (*NUMBERS, *FLAGS, *TIMES, *TEXTS)

SMALLEST_ID, LARGEST_ID = -(2**63), 2**63 - 1
_TIME = re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d)?", re.ASCII)


def parse_time(text: str) -> int:
    """Return seconds since 1970 of ``YYYY-MM-DD HH:MM:SS`` or ``YYYY-MM-DD`` in UTC; raise ``ValueError`` for anything else."""
    if not _TIME.fullmatch(text):
        raise ValueError(f"{text!r} is not a time")
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def format_time(seconds: int) -> str:
    """Return the inverse of :func:`parse_time`: ``YYYY-MM-DD HH:MM:SS``."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
