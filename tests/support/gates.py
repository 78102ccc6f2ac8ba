"""Gates in a stack's PostgreSQL, behind which a process waits at a moment of its work until the test opens them.

Each is an advisory lock that the test holds and a trigger asks for, on the row that the process is about to write at that
moment. Nothing of the product knows of them; what is written elsewhere, and of other days, passes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import date

import psycopg

from telemetry_pipeline.stack.servers.reach import at_database

STARTING, LAUNCHED, SAID = "PIPELINE_STARTING", "PIPELINE_START", "STEP_SUCCESS"
KEPT = "kept"
"""Moments: a run is on record and not launched; its process is there, and has done nothing; its step has done all that it does,
and not said so; the files of a report are in the archive, and it is about to be on record.
"""

_GATE = """
    create function public.gate(moment text, day text) returns void language sql as
    $$ select pg_advisory_xact_lock_shared(hashtext(moment), hashtext(day)) $$;
"""
_OF_REPORTS = f"""
    create function public.gate() returns trigger language plpgsql as
    $$ begin perform public.gate('{KEPT}', new.period_first::text); return new; end $$;
    create trigger gate before insert on telemetry.made_reports for each row execute function public.gate();
"""
_OF_EVENTS = """
    create function public.gate() returns trigger language plpgsql as $$ begin
        perform public.gate(new.dagster_event_type, value) from run_tags
        where run_id = new.run_id and key = 'dagster/partition';
        return new;
    end $$;
    create trigger gate before insert on event_logs for each row
    when (new.dagster_event_type like 'STEP_%' or new.dagster_event_type like 'PIPELINE_%') execute function public.gate();
"""
_CLOSE = "select pg_advisory_lock(hashtext(%s), hashtext(%s))"
_WAITING = """
    select pid from pg_locks join pg_database on pg_database.oid = database
    where locktype = 'advisory' and not granted and datname = current_database()
      and (classid, objid, objsubid) = (hashtext(%s)::oid, hashtext(%s)::oid, 2)
"""


@dataclass(frozen=True)
class Gates:
    """Those of a stack.

    :ivar owner_url: of its PostgreSQL's superuser. :ivar warehouse: the database of reports. :ivar dagster: that of runs.
    """

    owner_url: str
    warehouse: str
    dagster: str

    def build(self) -> None:
        """Put them there, open."""
        for name, triggers in ((self.warehouse, _OF_REPORTS), (self.dagster, _OF_EVENTS)):
            with psycopg.connect(at_database(self.owner_url, name)) as connection:
                connection.execute(f"{_GATE}{triggers}")

    @contextmanager
    def closed(self, moment: str, day: date) -> Iterator[Gate]:
        """Close one while the context lasts, or as long as PostgreSQL lives.

        :param moment: ``KEPT``, or another type of events of Dagster's.
        """
        name = self.warehouse if moment == KEPT else self.dagster
        with closing(psycopg.connect(at_database(self.owner_url, name), autocommit=True)) as connection:
            connection.execute(_CLOSE, [moment, str(day)])
            yield Gate(connection, moment, day)


@dataclass(frozen=True)
class Gate:
    """One that is closed."""

    connection: psycopg.Connection
    moment: str
    day: date

    @property
    def is_reached(self) -> bool:
        """Whether somebody waits behind it."""
        return bool(self._sessions())

    def turn_away(self) -> None:
        """End the sessions of who waits, as PostgreSQL does when it notices that their processes are gone."""
        for session in self._sessions():
            self.connection.execute("select pg_terminate_backend(%s, 5000)", [session])

    def open(self) -> None:
        """Let everybody pass."""
        with suppress(psycopg.OperationalError):
            self.connection.execute("select pg_advisory_unlock_all()")

    def _sessions(self) -> list[int]:
        return [pid for (pid,) in self.connection.execute(_WAITING, [self.moment, str(self.day)])]
