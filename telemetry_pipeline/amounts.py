"""Numbers as people read them: counts and measures, parts and changes, sizes, time spans."""

from __future__ import annotations

import math

NULL = "—"


def number(value: float) -> str:
    """Return a number with its thousands apart; one that may have fractions with two decimals."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def short(value: float) -> str:
    """Return a number where there is little room: three or more digits, thousands apart, millions as M; a dash for null."""
    if math.isnan(value):
        return NULL
    if abs(value) >= 10_000_000:
        return f"{value / 1_000_000:,.1f} M"
    decimals = 0 if value == round(value) or abs(value) >= 1000 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{decimals}f}"


def percent(value: float) -> str:
    """Return a part of a hundred; a dash for null."""
    return NULL if math.isnan(value) else f"{value:.1f} %"


def change(value: float) -> str:
    """Return a change in percent, always with its sign; a dash for null."""
    return NULL if math.isnan(value) else f"{value:+.1f} %"


def size(count: float) -> str:
    """Write so many bytes: ``640 MB``, ``1.5 GB``, ``12 GB``."""
    value, unit = (count / 1e6, "MB") if count < 1e9 else (count / 1e9, "GB")
    return f"{value:,.{1 if value < 10 else 0}f}".removesuffix(".0") + f" {unit}"


def duration(seconds: float) -> str:
    """Return a time span: ``4.2 s``, ``3 min 20 s``, ``2 h 5 min``, ``3 d 4 h``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"
