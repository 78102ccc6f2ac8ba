"""What a simulator can be told at its start. What it can be told at run time (faults, records) is in ``app``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

DEFAULT_USERNAME = "simulator"
DEFAULT_PASSWORD = "simulator"
DEFAULT_API_TOKEN = "simulator"
DEFAULT_SALT = "simulator"

WIDEST_HOLE = 10**12
"""How wide holes between ids may be: live ones go by the clock, 10,000 a second, and a simulator may be away for long."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """All options with their defaults, which are also those of the command line.

    :ivar records_count: records of made-up history; not used with ``records``.
    :ivar days: the history's length, back from ``end``.
    :ivar end: the history's last moment; a time without an offset is UTC; ``None`` is now.
    :ivar seed: the same seed, count, days and end give the same records, byte for byte.
    :ivar records: an export of PanAccess's that is served in place of made-up history.
    :ivar live: what comes on top as time goes by: so many records a second, evenly, as starts and stops that are stamped
        now; or ``"history"``: as much as in the made-up history, by the same people in the same rhythm, since its end or
        as long as it is at most. With ``records``: as much as in the history that there would be without, from now on.
    :ivar late_ids: how many of the history's newest ids become visible late; 0 also for none among the live ones.
    :ivar late_seconds: how long after the first listing (live: after its stamp) a late id becomes visible.
    :ivar session_ttl: seconds after login at which a session ends.
    :ivar login_limit: logins that are let through within ``login_window`` seconds.
    :ivar count: whether answers carry ``count``.
    """

    host: str = "127.0.0.1"
    port: int = 0
    records_count: int = 400_000
    days: int = 90
    end: datetime | None = None
    seed: int = 1
    records: Path | None = None
    live: float | Literal["history"] = 0
    late_ids: int = 20
    late_seconds: float = 60
    latency_ms: float = 0
    page_cap: int = 1000
    count: bool = True
    session_ttl: float = 3600
    login_limit: int = 20
    login_window: float = 300
    username: str = DEFAULT_USERNAME
    password: str = DEFAULT_PASSWORD
    api_token: str = DEFAULT_API_TOKEN
    salt: str = DEFAULT_SALT
