"""How long ago something was, by clocks that may be wrong.

A clock that is set back leaves moments of the future behind.
"""

from __future__ import annotations

from datetime import datetime, timedelta

SKEW = timedelta(minutes=1)
"""By how much the clocks of two machines, or one before and after it was corrected, may differ without anybody minding."""


def is_future(at: datetime, now: datetime) -> bool:
    """Return whether *at* was noted before a clock was set back: nobody knows how long ago that was."""
    return at - now > SKEW


def is_recent(at: datetime | None, now: datetime, within: timedelta) -> bool:
    """Return whether something was less than *within* ago; what never was, or is of the future, counts as long ago."""
    return at is not None and not is_future(at, now) and now - at < within
