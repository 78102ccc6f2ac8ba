"""What is or was wrong, and which ways of telling people work: the tables ``problems`` and ``alert_channels``.

Who notices a problem reports it here, and resolves it when it is over. When people are told is decided in
``monitoring.alerts``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta

import sqlalchemy as sa

from telemetry_pipeline.words.language import Language
from telemetry_pipeline.words.upkeep.problems import find_problem

CHANNEL = "channel:"
"""What the keys of problems begin with that are a channel which takes no message."""

UPSTREAM = "upstream:"
"""What the keys of problems begin with that a sync sees in the ids and records of the upstream."""

ANOTHER = f"{UPSTREAM}another"
"""The key of the problem that each sync reports which takes nothing, for it is not the upstream of the stored records."""

ANEW = f"{UPSTREAM}anew"
"""The key of the problem that it gave ids anew, which a person ends."""

COMPONENT = "component:"
"""What they begin with when a service does not work, or was restarted."""

CHECK = "check:"
"""What they begin with when a check does not pass; asset and check follow."""

RUN = "run:"
"""What they begin with when a run failed."""

# What was over so long ago without anybody having been told is no news.
_NEWS = timedelta(days=1)

_REPORT = sa.text("""
insert into telemetry.problems (key, summary, detail, advice, run_id)
values (:key, :summary, :detail, :advice, :run_id)
on conflict (key) where resolved_at is null do update set
    times = problems.times + 1, last_at = now(), detail = excluded.detail, run_id = excluded.run_id
""")
_RESOLVE = sa.text("""
update telemetry.problems set resolved_at = coalesce(:at, now()) where key = :key and resolved_at is null
""")
_COLUMNS = """
    problem_id, key, summary, detail, advice, run_id, opened_at, last_at, times, told_at, resolved_at, resolution_told_at,
    (select max(told_at) from telemetry.problems as same where same.key = problems.key) as key_told_at,
    (select count(*) from telemetry.problems as same
     where same.key = problems.key and same.opened_at > now() - interval '1 day') as openings
"""
_OPEN = sa.text(f"select {_COLUMNS} from telemetry.problems where resolved_at is null order by opened_at, problem_id")
_OPEN_OF = sa.text("select key from telemetry.problems where resolved_at is null and key = any(:keys)")
_OUTAGES = sa.text(f"""
select {_COLUMNS} from telemetry.problems
where starts_with(key, :prefix) and (resolved_at is null or resolved_at > :since) order by opened_at, problem_id
""")
_UNTOLD = sa.text(f"""
select {_COLUMNS} from telemetry.problems
where resolved_at is null or (resolution_told_at is null and resolved_at > :since)
order by opened_at, problem_id
""")
_ADD = sa.text("""
insert into telemetry.problems
    (key, summary, detail, advice, run_id, opened_at, last_at, times, told_at, resolved_at, resolution_told_at)
values
    (:key, :summary, :detail, :advice, :run_id, :opened_at, :last_at, :times, :told_at, :resolved_at, :resolution_told_at)
on conflict (key) where resolved_at is null do nothing
""")
_TOLD_AT = sa.text("select key, max(told_at) as told_at from telemetry.problems where told_at > :since group by key")
_TOLD = sa.text("update telemetry.problems set told_at = :at where problem_id = :problem_id")
_RESOLUTION_TOLD = sa.text("update telemetry.problems set resolution_told_at = :at where problem_id = :problem_id")

_CHANNEL_WORKS = sa.text("""
insert into telemetry.alert_channels (channel, succeeded_at) values (:channel, :at)
on conflict (channel) do update set succeeded_at = :at, failing_since = null, failures = 0, error = null
""")
_CHANNEL_FAILS = sa.text("""
insert into telemetry.alert_channels (channel, failing_since, failures, error) values (:channel, :at, 1, :error)
on conflict (channel) do update set
    failing_since = coalesce(alert_channels.failing_since, :at), failures = alert_channels.failures + 1, error = :error
""")
_CHANNELS = sa.text(
    "select channel, succeeded_at, failing_since, failures, error from telemetry.alert_channels order by channel"
)


@dataclass(frozen=True)
class Problem:
    """Something that a person should know.

    :ivar key: the same for the same problem, whenever it comes up.
    :ivar summary: one line; what is wrong.
    :ivar detail: the error's text, or figures.
    :ivar advice: what to do next.
    :ivar run_id: the run that shows it, if one does.
    """

    key: str
    summary: str
    detail: str = ""
    advice: str = ""
    run_id: str | None = None

    def __post_init__(self) -> None:
        # What some server answered may be in these; PostgreSQL takes no text with a NUL.
        for name in ("key", "summary", "detail", "advice"):
            object.__setattr__(self, name, getattr(self, name).replace("\0", ""))

    @classmethod
    def of(cls, key: str, detail: str = "", *, advice: str = "", run_id: str | None = None) -> Problem:
        """Return the problem of that key as the catalogue tells it.

        :param advice: where the error itself knows better what to do.
        :raises KeyError: its subject has no words.
        """
        said = find_problem(key, Language.EN)
        if said is None:
            raise KeyError(key)
        return cls(key, said.title, detail, advice or said.advice, run_id)


@dataclass(frozen=True, kw_only=True)
class Incident(Problem):
    """A problem from its opening to its end.

    :ivar times: how often it was reported while open.
    :ivar told_at: when people were last told that it is there.
    :ivar resolution_told_at: when they were told that it is over.
    :ivar problem_id: None while it is not in the table yet.
    :ivar key_told_at: as ``told_at``, of any incident of this key.
    :ivar openings: how many incidents of this key began within a day, this one included.
    """

    opened_at: datetime
    last_at: datetime
    times: int = 1
    told_at: datetime | None = None
    resolved_at: datetime | None = None
    resolution_told_at: datetime | None = None
    problem_id: int | None = None
    key_told_at: datetime | None = None
    openings: int = 1

    @property
    def lasts(self) -> bool:
        """Whether it is a state that goes on until somebody sees it end, and not what some run showed."""
        return self.run_id is None


@dataclass(frozen=True)
class ChannelState:
    """How a way of telling people works.

    :ivar channel: its address without secrets.
    :ivar failures: in a row.
    """

    channel: str
    succeeded_at: datetime | None
    failing_since: datetime | None
    failures: int
    error: str | None


def report(engine: sa.Engine, problem: Problem) -> None:
    """Open the problem; if one of that key is open, count once more, with the newest detail and run.

    :raises WarehouseError: PostgreSQL is unreachable, or has no schema of this version.
    """
    with engine.begin() as connection:
        connection.execute(_REPORT, asdict(problem))


def resolve(engine: sa.Engine, key: str, at: datetime | None = None) -> bool:
    """End the open problem of that key.

    :param at: when it was over; None for now.
    :return: whether one was open.
    :raises WarehouseError: PostgreSQL is unreachable, or has no schema of this version.
    """
    with engine.begin() as connection:
        return bool(connection.execute(_RESOLVE, {"key": key, "at": at}).rowcount)


def settle(engine: sa.Engine, keys: Collection[str], found: Mapping[str, Problem]) -> None:
    """Report those of some problems that were found, and end the others.

    :param keys: of all of them. :param found: by key.
    :raises WarehouseError: PostgreSQL is unreachable, or has no schema of this version.
    """
    with engine.begin() as connection:
        for key in connection.execute(_OPEN_OF, {"keys": [*keys]}).scalars().all():
            if key not in found:
                connection.execute(_RESOLVE, {"key": key, "at": None})
        for problem in found.values():
            connection.execute(_REPORT, asdict(problem))


def open_problems(engine: sa.Engine) -> list[Incident]:
    """Return what is wrong now, the oldest first.

    :raises WarehouseError: PostgreSQL is unreachable, or has no schema of this version.
    """
    with engine.connect() as connection:
        return [Incident(**row) for row in connection.execute(_OPEN).mappings()]


def outages(engine: sa.Engine, since: datetime) -> list[Incident]:
    """Return when services did not work, or were restarted, and were not over at a moment; the oldest first.

    :raises WarehouseError: PostgreSQL is unreachable, or has no schema of this version.
    """
    with engine.connect() as connection:
        return [Incident(**row) for row in connection.execute(_OUTAGES, {"prefix": COMPONENT, "since": since}).mappings()]


def untold(engine: sa.Engine, now: datetime) -> list[Incident]:
    """Return what is open, and what has ended within a day without people having been told of its end; the oldest first.

    :raises WarehouseError: PostgreSQL is unreachable, or has no schema of this version.
    """
    with engine.connect() as connection:
        return [Incident(**row) for row in connection.execute(_UNTOLD, {"since": now - _NEWS}).mappings()]


def told_at(engine: sa.Engine, since: datetime) -> dict[str, datetime]:
    """Return when people were last told of each problem, by key, if that was after *since*.

    :raises WarehouseError: PostgreSQL is unreachable, or has no schema of this version.
    """
    with engine.connect() as connection:
        return {row.key: row.told_at for row in connection.execute(_TOLD_AT, {"since": since})}


def add(engine: sa.Engine, incident: Incident) -> None:
    """Write down an incident that was kept elsewhere, unless one of its key is open and this one is, too.

    :raises WarehouseError: PostgreSQL is unreachable, or has no schema of this version.
    """
    columns = {field.name: getattr(incident, field.name) for field in fields(incident)}
    with engine.begin() as connection:
        connection.execute(_ADD, columns)


def mark_told(engine: sa.Engine, problem_id: int, at: datetime, *, resolution: bool) -> None:
    """Note that people were told that the problem is there, or with ``resolution`` that it is over.

    :raises WarehouseError: PostgreSQL is unreachable, or has no schema of this version.
    """
    with engine.begin() as connection:
        connection.execute(_RESOLUTION_TOLD if resolution else _TOLD, {"problem_id": problem_id, "at": at})


def note_channel(engine: sa.Engine, channel: str, error: str | None, at: datetime) -> None:
    """Note that a channel took a message, or why it did not.

    :raises WarehouseError: PostgreSQL is unreachable, or has no schema of this version.
    """
    with engine.begin() as connection:
        if error is None:
            connection.execute(_CHANNEL_WORKS, {"channel": channel, "at": at})
        else:
            connection.execute(_CHANNEL_FAILS, {"channel": channel, "at": at, "error": error})


def channels(engine: sa.Engine) -> list[ChannelState]:
    """Return how every channel works that was ever used.

    :raises WarehouseError: PostgreSQL is unreachable, or has no schema of this version.
    """
    with engine.connect() as connection:
        return [ChannelState(*row) for row in connection.execute(_CHANNELS)]
