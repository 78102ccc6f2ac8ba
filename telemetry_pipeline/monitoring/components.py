"""What the watch looks at: every component of the pipeline, asked in the shortest way that tells whether it works.

What a look means, given the ones before, is decided in ``judging``.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import kombu.exceptions
import psycopg2.errorcodes as codes
import redis
import sqlalchemy as sa

from telemetry_pipeline import broker
from telemetry_pipeline.ages import SKEW, is_future, is_recent
from telemetry_pipeline.client.answers import Health
from telemetry_pipeline.client.pipeline import TelemetryClient
from telemetry_pipeline.errors import TelemetryError, WarehouseError
from telemetry_pipeline.monitoring import memory
from telemetry_pipeline.monitoring.disks import Place, shortages
from telemetry_pipeline.settings.addresses import redacted
from telemetry_pipeline.sockets import divided
from telemetry_pipeline.warehouse.db.errors import sqlstate
from telemetry_pipeline.warehouse.operations.status import last_sync

POSTGRES, CLOCK, BROKER, WEBSERVER, CODE, DAEMON, QUEUES, TICKS = (
    "postgresql",
    "clock",
    "broker",
    "webserver",
    "code",
    "daemon",
    "queues",
    "ticks",
)
WORKER_PREFIX = "worker:"
DISKS, MEMORY = "disks", "memory"

# Workers, code and daemon are asked less often: it takes longer, and a restart shows afterwards, too.
_SLOW_SECONDS = 15.0
_CONNECT_SECONDS = 5.0
# More than two minutes.
_NEXT_TICK_LOOKS = 70
# A step that needs much for a moment is none to tell of.
_SHORT_OF_MEMORY_LOOKS = 10
_HEALTH_SECONDS = 10.0
_WORKERS_ANSWER_SECONDS = 2.0
# Its heartbeats are 30 s apart. Dagster itself calls a daemon healthy until it was silent for half an hour.
DAEMON_SILENT_SECONDS = 90.0
_DAEMON_PART_SILENT_SECONDS = 300.0

_SERVER = sa.text("""
select pg_postmaster_start_time()::text as started,
    current_setting('transaction_read_only')::boolean as read_only, pg_is_in_recovery() as standby
""")
# Over GraphQL a daemon's heartbeats do not tell which process they are of. Their column has the time zone of the server.
_DAEMON = sa.text("""
select daemon_type, daemon_id, extract(epoch from now())::float - (body::json ->> 'timestamp')::float as age_seconds
from daemon_heartbeats order by age_seconds
""")


@dataclass(frozen=True)
class Reading:
    """What one look saw of a component.

    :ivar fault: why it does not work; None when it does.
    :ivar advice: what to do about it, if that is known here.
    :ivar patience: in how many looks in a row the fault has to be seen until it counts; 1 is for what is certain at once.
    :ivar identity: of the process or processes; a new one means that it was restarted.
    """

    fault: str | None = None
    advice: str = ""
    patience: int = 1
    identity: str | None = None


# By component; one that could not be judged, or was not asked this time, is missing.
Look = dict[str, Reading]


@dataclass(frozen=True)
class Addresses:
    """Where the components are.

    :ivar webserver_url: of Dagster's, without the path of GraphQL.
    :ivar token: what is shown there, if it is behind the front door.
    """

    warehouse: sa.Engine
    dagster: sa.Engine
    redis_url: str
    webserver_url: str
    token: str | None = None


class Components:
    """Looks at all of them.

    :param heartbeat: how long ago the last sync may have ended.
    :param clock: aware time.
    :param places: what has to have room on this machine, whose memory is looked at, too; none: it is not looked at.
    """

    def __init__(
        self, addresses: Addresses, heartbeat: timedelta, clock: Callable[[], datetime], places: Sequence[Place] = ()
    ) -> None:
        self._at = addresses
        self._heartbeat = heartbeat
        self._clock = clock
        self._places = places
        self._began = clock()
        self._client = TelemetryClient(f"{addresses.webserver_url.rstrip('/')}/graphql", _HEALTH_SECONDS, addresses.token)
        self._webserver_answers = False
        self._slow_due = 0.0

    def look(self) -> Look:
        """Ask each once; no failure of theirs is one of this."""
        slow = time.monotonic() >= self._slow_due
        look = self._postgres()
        storage_works = look[POSTGRES].fault is None
        look[BROKER] = self._broker()
        if self._places:
            look[DISKS] = Reading(fault="; ".join(shortages(self._places)) or None)
            look[MEMORY] = Reading(fault=memory.shortage(), patience=_SHORT_OF_MEMORY_LOOKS)
        if slow and look[BROKER].fault is None:
            look |= self._workers()
        look |= self._webserver(slow=slow, storage_works=storage_works)
        if slow and storage_works:
            look |= self._daemon()
        if slow:
            self._slow_due = time.monotonic() + _SLOW_SECONDS
        return look

    def _postgres(self) -> Look:
        try:
            with self._at.warehouse.connect() as connection:
                server = connection.execute(_SERVER).one()
                seen = last_sync(connection)
        except WarehouseError as err:
            waited = sqlstate(err) in (codes.LOCK_NOT_AVAILABLE, codes.QUERY_CANCELED)
            return {POSTGRES: Reading(fault=_one_line(err.problem), advice=err.advice, patience=3 if waited else 1)}
        now = self._clock()
        look = {POSTGRES: Reading(identity=server.started), CLOCK: Reading(fault=_clock_fault(now, seen.now, seen.synced_at))}
        if server.read_only:
            why = "it is a standby" if server.standby else "default_transaction_read_only is on"
            look[POSTGRES] = Reading(fault=f"it is read-only, nothing can be stored: {why}", identity=server.started)
        # Syncs that take nothing, for it is another upstream, are told as that.
        silent = not any(is_recent(at, now, self._heartbeat) for at in (seen.synced_at, seen.refused_at))
        if silent and is_recent(self._began, now, self._heartbeat):
            return look  # whether ticks stopped or everything was just started cannot be told yet
        last = f"the last sync was at {seen.synced_at:%Y-%m-%d %H:%M:%S} UTC" if seen.synced_at else "there was never a sync"
        # What was noted before a clock was set back is replaced by the next tick.
        patience = _NEXT_TICK_LOOKS if seen.synced_at and is_future(seen.synced_at, now) else 1
        return {**look, TICKS: Reading(fault=last if silent else None, patience=patience)}

    def _broker(self) -> Reading:
        try:
            with redis.Redis.from_url(
                self._at.redis_url, socket_connect_timeout=_CONNECT_SECONDS, socket_timeout=_CONNECT_SECONDS
            ) as client:
                server: Any = client.info("server")
        except redis.TimeoutError as err:
            return Reading(fault=_one_line(str(err)), patience=3)
        except redis.RedisError as err:
            return Reading(fault=_one_line(str(err)))
        return Reading(identity=server["run_id"])

    def _workers(self) -> Look:
        try:
            workers = broker.workers(self._at.redis_url, timeout_seconds=_WORKERS_ANSWER_SECONDS)
        except (TelemetryError, kombu.exceptions.KombuError, redis.RedisError, OSError):
            return {}  # the broker or a worker went away in the middle: the next look tells
        unserved = broker.unserved(workers)
        fault = f"nobody serves {', '.join(unserved)}" if unserved else None
        return {
            QUEUES: Reading(fault=fault, patience=2),
            **{f"{WORKER_PREFIX}{worker.node}": Reading(identity=str(worker.pid)) for worker in workers},
        }

    def _webserver(self, *, slow: bool, storage_works: bool) -> Look:
        try:
            _connect(self._at.webserver_url)
        except (ConnectionRefusedError, FileNotFoundError):
            self._webserver_answers = False
            return {WEBSERVER: Reading(fault="the connection is refused")}
        except OSError as err:
            self._webserver_answers = False
            return {WEBSERVER: Reading(fault=_one_line(str(err)), patience=3)}
        if self._webserver_answers and not slow:
            return {WEBSERVER: Reading()}
        if not storage_works:
            return {}  # it cannot answer without, and that is not its fault
        try:
            health = self._client.health()
        except TelemetryError as err:
            self._webserver_answers = False
            return {WEBSERVER: Reading(fault=err.problem, advice=err.advice, patience=3)}
        self._webserver_answers = True
        return {WEBSERVER: Reading(), CODE: _code(health)}

    def _daemon(self) -> Look:
        try:
            with self._at.dagster.connect() as connection:
                beats = connection.execute(_DAEMON).all()
        except WarehouseError:
            return {}  # Dagster's tables are not there yet, or PostgreSQL went away in the middle
        if not beats:
            return {DAEMON: Reading(fault="it never gave a sign of life")}
        # It writes them anew when it starts; what is of the future was written before a clock was set back.
        beats = [beat for beat in beats if beat.age_seconds >= -SKEW.total_seconds()]
        if not beats:
            of_the_future = "its last sign of life is of the future: a clock was set back, and it has said nothing since"
            return {DAEMON: Reading(fault=of_the_future, patience=2)}
        _, newest, age_seconds = beats[0]
        if age_seconds > DAEMON_SILENT_SECONDS:
            return {DAEMON: Reading(fault=f"its last sign of life was {age_seconds:.0f} s ago")}
        silent = [part.lower() for part, process, age in beats if process == newest and age > _DAEMON_PART_SILENT_SECONDS]
        fault = f"its parts {', '.join(sorted(silent))} give no sign of life" if silent else None
        return {DAEMON: Reading(fault=fault, identity=newest)}


def _connect(url: str) -> None:
    path, address = divided(url)
    if path is None:
        parts = urlsplit(address)
        place = (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
        socket.create_connection(place, timeout=_CONNECT_SECONDS).close()
        return
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_CONNECT_SECONDS)
        connection.connect(str(path))


def _code(health: Health) -> Reading:
    return Reading(fault=health.code_problem, patience=3, identity=health.code_server_id)


def _clock_fault(now: datetime, postgres_now: datetime, synced_at: datetime | None) -> str | None:
    if abs(postgres_now - now) > SKEW:
        return f"PostgreSQL's clock says {postgres_now:%Y-%m-%d %H:%M:%S} UTC, that of the watch's machine {now:%H:%M:%S}"
    if synced_at is not None and is_future(synced_at, now):
        return (
            f"a clock was set back: the last sync was at {synced_at:%Y-%m-%d %H:%M:%S} UTC, "
            f"{(synced_at - now).total_seconds() / 60:.0f} minutes from now"
        )
    return None


def _one_line(text: str) -> str:
    return redacted(" ".join(text.split()))
