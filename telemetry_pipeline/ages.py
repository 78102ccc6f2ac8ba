"""How long ago something was, by clocks that may be wrong (one that is set back leaves moments of the future behind); and how
long it took, for people.
"""

from __future__ import annotations

from datetime import datetime, timedelta

SKEW = timedelta(minutes=1)
"""By how much the clocks of two machines, or one before and after it was corrected, may differ without anybody minding."""


def is_future(at: datetime, now: datetime) -> bool:
    """Whether *at* was noted before a clock was set back: nobody knows how long ago that was."""
    return at - now > SKEW


def is_recent(at: datetime | None, now: datetime, within: timedelta) -> bool:
    """Whether something was less than *within* ago; what never was, or is of the future, counts as long ago."""
    return at is not None and not is_future(at, now) and now - at < within


def duration(seconds: float) -> str:
    """A time span for people: ``4.2 s``, ``3 min 20 s``, ``2 h 5 min``, ``3 d 4 h``."""
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
