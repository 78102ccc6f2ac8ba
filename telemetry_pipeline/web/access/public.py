"""What is open to everybody. All else needs somebody who is known, so that a route that nobody thought of is closed."""

from __future__ import annotations

from telemetry_pipeline.settings.web import LOGIN_PATH
from telemetry_pipeline.web.frame.assets import PREFIX

HEALTH_PATH = "/health"
"""Where the stack asks whether the door works."""

STATE_PATH, STATE_PARTS_PATH, METRICS_PATH = "/estado", "/estado/partes", "/metrics"
"""What says how the system does, also while PostgreSQL is away: to who was known shortly before."""


def is_public_file(path: str) -> bool:
    """Return whether the answer is the same for everybody, so that nobody has to be asked who it is for."""
    return path.startswith(PREFIX) or path in (HEALTH_PATH, "/favicon.ico")


def is_public(path: str) -> bool:
    """Return whether everybody may open it."""
    return path == LOGIN_PATH or is_public_file(path)


def tells_of_outages(path: str) -> bool:
    """Return whether it is there to be read while PostgreSQL is away."""
    return path in (STATE_PATH, STATE_PARTS_PATH, METRICS_PATH)
