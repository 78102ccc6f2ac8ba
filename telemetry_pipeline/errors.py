"""Every error that this project raises on purpose.

TelemetryError                    what went wrong, in one sentence an operator can act on
├── SettingsError                 a setting is missing or impossible; lists them all
├── RequestRefused                a partition, range, parameter or job that cannot be; says what is allowed
├── Cancelled                     the run was cancelled; nothing uncommitted was kept
├── TimeLimitReached              the run has been at work for too long; what is stored stays
├── Superseded                    a later attempt at the step is at work; this one keeps nothing more
├── WarehouseError                PostgreSQL is unreachable, or not in the expected state
│   └── WarehouseUnavailable      transient: PostgreSQL cannot be reached, or ended the connection; worth another try
├── StackError                    the local stack cannot start, or is not running
└── PanAccessError                the upstream answered with an error, or not at all
    ├── PanAccessUnavailable      transient: time-out, lost connection or session, HTTP 5xx/408/429; worth another try
    ├── LoginRejected             wrong credentials; never tried again by itself
    ├── PermissionDenied          the session is alive and may not call this function
    ├── AnotherUpstream           it is not the upstream of the stored records; nothing of it was stored
    └── MalformedAnswer           the answer is not what the API promises; carries the raw text
"""

from __future__ import annotations


class TelemetryError(Exception):
    """Base of all; ``str(error)`` is one sentence for the operator."""


class SettingsError(TelemetryError):
    """One or more settings are missing or impossible."""


class RequestRefused(TelemetryError):
    """What was asked for cannot be; the message says what is allowed."""


class Cancelled(TelemetryError):
    """The run was cancelled while a step was at work; nothing uncommitted was kept."""


class TimeLimitReached(TelemetryError):
    """The run has been at work for longer than its soft time limit; what is stored stays."""


class Superseded(TelemetryError):
    """A later attempt at the same step is at work; this one stores and commits nothing more."""


class WarehouseError(TelemetryError):
    """PostgreSQL is unreachable, or not in the state that is expected."""


class WarehouseUnavailable(WarehouseError):
    """A transient failure: PostgreSQL cannot be reached, or ended the connection."""


class StackError(TelemetryError):
    """The local stack cannot start, or is not running."""


class PanAccessError(TelemetryError):
    """The upstream answered with an error, or not at all."""


class PanAccessUnavailable(PanAccessError):
    """A transient failure: time-out, lost connection, a session that keeps ending, HTTP 5xx, 408 or 429."""


class LoginRejected(PanAccessError):
    """The credentials are wrong; trying again with the same ones is pointless."""


class PermissionDenied(PanAccessError):
    """The session is alive, and its user may not call this function."""


class AnotherUpstream(PanAccessError):
    """What answers is not the upstream that the stored records come from; nothing of it was stored."""


class MalformedAnswer(PanAccessError):
    """The answer is not what the API promises.

    :ivar raw: the answer's text as it came.
    """

    def __init__(self, message: str, raw: str) -> None:
        super().__init__(message)
        self.raw = raw
