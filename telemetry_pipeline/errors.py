"""Every error that somebody is told of. What one room raises for itself alone to catch stands there.

TelemetryError                  what went wrong, and what to do about it
├── SettingsError               settings are missing or impossible; lists them all
├── RequestRefused              what was asked for cannot be; says what is allowed
│   ├── AskedWrongly            of a page, in the language of the pages
│   ├── DaysRefused             days that are none, end before they begin, or may not be asked for; says which rule
│   └── NothingToDraw           a picture of a result that has nothing to show
├── Unavailable                 what is remote is away, which may pass: worth another try
│   ├── WarehouseUnavailable    PostgreSQL cannot be reached, takes no changes, is full or overloaded
│   ├── BrokerUnavailable       the broker does not answer
│   ├── PanAccessUnavailable    time-out, lost connection, a session that keeps ending, HTTP 5xx, 408 or 429
│   ├── WebserverUnavailable    nobody answers at the address of the web server
│   ├── CodeUnavailable         the web server answers, and the code server behind it does not
│   ├── ArchiveUnavailable      where reports are kept does not answer
│   ├── Busy                    more is asked of the front door at once than it computes
│   └── ComputingEnded          the process that computed an answer came to an end before it was done
├── StepEnded                   a step came to an end before its work was done; what it committed stays
│   ├── Cancelled               a person cancelled the run
│   ├── TimeLimitReached        the run has been at work for longer than its soft time limit
│   ├── Superseded              a later attempt at the step is at work; this one stores nothing more
│   └── StepLost                no queue and no worker knows the step
│       └── StepInterrupted     the process that executed it was told to end
├── WarehouseError              PostgreSQL is not in the state that is expected
│   ├── WarehouseUnavailable
│   └── StatementFailed         PostgreSQL refused a statement; nobody knows whether another try helps
├── PanAccessError              the upstream answered with an error, or not at all
│   ├── PanAccessUnavailable
│   ├── LoginRejected           the credentials are wrong; they are not tried again by themselves
│   ├── PermissionDenied        the session is alive, and its user may not call this function
│   ├── AnotherUpstream         it is not the upstream of the stored records; nothing of it was stored
│   └── MalformedAnswer         the answer is not what the API promises; carries it
├── ArchiveError                where reports are kept cannot be used as it is
│   └── ArchiveUnavailable
├── WebserverError              the web server answered with an error, or not at all
│   ├── WebserverUnavailable
│   └── CodeUnavailable
├── ViewsDoNotFit               DuckDB has too little room for the views that are asked for
├── CodeDiffers                 a worker and the process of a run do not have the same code
├── StackError                  the local stack cannot start, or is not running
│   └── ServiceEnded            a process of it ended when it should have started
└── Warned                      the pipeline works, and something else can go wrong
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ADVICE, FAILED = "advice", "failed"
"""What the metadata of a failed step has: what to do about it; of a part of it why, ``failed/NAME``, and ``advice/NAME``."""


class TelemetryError(Exception):
    """Base of all. As a text it is the problem and the advice, for where there is one line for both."""

    def __init__(self, problem: str, advice: str = "") -> None:
        super().__init__(problem, advice)

    @property
    def problem(self) -> str:
        """What went wrong, in one sentence."""
        return str(self.args[0])

    @property
    def advice(self) -> str:
        """What to do about it; empty: the problem says it all."""
        return str(self.args[1])

    def __str__(self) -> str:
        return f"{self.problem.rstrip('.')}; {self.advice}" if self.advice else self.problem


class SettingsError(TelemetryError):
    """Settings are missing or impossible; the message lists them all."""


class RequestRefused(TelemetryError):
    """What was asked for cannot be, such as a day, a range, a parameter or a job; the message says what is allowed."""


class NothingToDraw(RequestRefused):
    """A picture of a result that has nothing to show."""


class DaysRefused(RequestRefused):
    """Days that cannot be asked for.

    :ivar rule: which rule they break: ``not_a_day``, ``ends_before`` or ``not_allowed``.
    :ivar values: what the rule is about, by name: ``text`` as it was given; ``first`` and ``last``; ``day``.
    """

    def __init__(self, problem: str, advice: str = "", *, rule: str = "", **values: Any) -> None:
        super().__init__(problem, advice)
        self.rule = rule
        self.values = values

    def advised(self, advice: str) -> DaysRefused:
        """Return the same with other advice."""
        return DaysRefused(self.problem, advice, rule=self.rule, **self.values)


class AskedWrongly(RequestRefused):
    """What a page was asked for cannot be; the problem is said in the language of the pages.

    :ivar choices: what may have been meant, with where it is.
    """

    def __init__(self, problem: str, status: int = 400, choices: Mapping[str, str] | None = None) -> None:
        super().__init__(problem)
        self.status = status
        self.choices = choices or {}


class Unavailable(TelemetryError):
    """What is remote is away, which may pass: worth another try."""


class BrokerUnavailable(Unavailable):
    """The broker does not answer."""


class ArchiveError(TelemetryError):
    """Where reports are kept cannot be used as it is."""


class ArchiveUnavailable(ArchiveError, Unavailable):
    """Where reports are kept does not answer, or takes no more."""


class StepEnded(TelemetryError):
    """A step came to an end before its work was done; what it committed stays, and nothing else is kept."""


class Cancelled(StepEnded):
    """A person cancelled the run."""


class TimeLimitReached(StepEnded):
    """The run has been at work for longer than its soft time limit."""


class Superseded(StepEnded):
    """A later attempt at the same step is at work; this one stores and commits nothing more."""


class StepLost(StepEnded):
    """No queue and no worker knows the step."""


class StepInterrupted(StepLost):
    """The process that executed the step was told to end."""


class WarehouseError(TelemetryError):
    """PostgreSQL is not in the state that is expected, or not there at all."""


class WarehouseUnavailable(WarehouseError, Unavailable):
    """PostgreSQL cannot be reached, ended the connection, takes no changes, is full or overloaded."""


class StatementFailed(WarehouseError):
    """PostgreSQL refused a statement for what is in it or in the tables; nobody knows whether another try helps."""


class PanAccessError(TelemetryError):
    """The upstream answered with an error, or not at all."""


class PanAccessUnavailable(PanAccessError, Unavailable):
    """Time-out, lost connection, a session that keeps ending, HTTP 5xx, 408 or 429."""


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

    def __init__(self, problem: str, raw: str) -> None:
        super().__init__(problem)
        self.raw = raw


class WebserverError(TelemetryError):
    """The web server answered with an error, or not at all."""


class WebserverUnavailable(WebserverError, Unavailable):
    """Nobody answers at the address of the web server; whether it did what it was asked for is not known."""


class Busy(Unavailable):
    """More is asked of the front door at once than it computes."""


class ComputingEnded(Unavailable):
    """The process that computed an answer came to an end before it was done."""


class CodeUnavailable(WebserverError, Unavailable):
    """The web server answers, and the code server behind it does not."""


class ViewsDoNotFit(TelemetryError):
    """DuckDB has neither the memory nor the disk for the views that a question needs; trying again is pointless."""


class CodeDiffers(TelemetryError):
    """A worker and the process of a run do not have the same code."""


class StackError(TelemetryError):
    """The local stack cannot start, or is not running."""


class ServiceEnded(StackError):
    """A process of the local stack ended when it should have started."""


class Warned(TelemetryError):
    """The pipeline works, and something else can go wrong."""
