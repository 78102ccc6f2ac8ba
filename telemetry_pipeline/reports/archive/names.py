"""What files of reports are called: by report, channel, period and the moment when they were made."""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata
from datetime import UTC, datetime

from telemetry_pipeline.analyses.reports import Wanted

_LONGEST = 40
_OURS = re.compile(r"[a-z_]+/\d{4}/[a-z_]+_[a-z0-9_-]+_\d{8}T\d{6}Z_[0-9a-f]{6}\.[a-z]+", re.ASCII)


def stem(wanted: Wanted, made_at: datetime) -> str:
    """Return the path of a report's files below REPORTS_URL, without their endings; no two are the same.

    Such as ``daily_report/2026/daily_report_2026-11-27_20261128T140003Z_a1b2c3``.
    """
    period, name = wanted.period, wanted.kind.name
    days = str(period.first) if period.length == 1 else f"{period.first}_{period.last}"
    parts = [name, *([_written(wanted.channel)] if wanted.channel else []), days]
    made = f"{made_at.astimezone(UTC):%Y%m%dT%H%M%SZ}_{secrets.token_hex(3)}"
    return f"{name}/{period.last.year:04}/{'_'.join(parts)}_{made}"


def is_ours(path: str) -> bool:
    """Return whether a file below REPORTS_URL is of a report: nothing else there is ours to delete."""
    return _OURS.fullmatch(path) is not None


def _written(channel: str) -> str:
    """Return a channel's name in letters, digits and hyphens; where it is not all of it, with a digest that tells it apart."""
    plain = unicodedata.normalize("NFKD", channel).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain)[:_LONGEST].strip("-")
    digest = hashlib.sha256(channel.encode()).hexdigest()[:6]
    return slug if slug == channel else "-".join(filter(None, (slug, digest)))
