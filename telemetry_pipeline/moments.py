"""Points in time as people read them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo


def moment(value: datetime, zone: ZoneInfo) -> str:
    """Return a point in time for people: ``2026-11-26 14:02:03 America/Mexico_City``."""
    return f"{bare_moment(value, zone)} {zone.key}"


def bare_moment(value: datetime, zone: ZoneInfo) -> str:
    """Return the same without the zone's name, where that is said once for many: see :func:`times_in`."""
    return value.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def times_in(zone: ZoneInfo) -> str:
    """Return what is said once of many times without a zone."""
    return f"times: {zone.key}"
