"""The views that are held in DuckDB: most of them in one table, and those of a day that changed since in one of its own.

Nothing else is read or written again when a day changes. Names are enumerations, compared and grouped as numbers, and in the
order of their code points, which is that of ``order by``; one that was not there yet is put among them where they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from datetime import date

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from telemetry_pipeline.warehouse.core import segments
from telemetry_pipeline.warehouse.core.segments import Segments

_READABLE = 1_000
"""Characters of a name."""
_NAMES = [field.name for field in segments.SCHEMA if pa.types.is_dictionary(field.type)]
_MOST = "most_views"
_MOST_OWN = 40
"""Days with a table of their own: each costs a question a little."""


class Held:
    """The table ``views``, in the columns of ``segments.SCHEMA``.

    :param connection: of its own.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._duckdb = connection
        self._names: dict[str, set[str]] = {}
        self._types: dict[str, str] = {}
        self._generation = 0
        self._most: set[date] = set()
        self._own: set[date] = set()

    def is_worn(self, days: int) -> bool:
        """Return whether so many days would better be held anew: for less memory, and to be asked in less time."""
        return len(self._own) > _MOST_OWN or len(self._most) > 2 * days

    def fill(self, found: Segments) -> None:
        """Hold exactly these views: a day after the other, so that no more than one is in memory twice."""
        for kind in ("view", "table", "type"):
            there = self._duckdb.execute(f"select {kind}_name from duckdb_{kind}s() where not internal").fetchall()
            for (name,) in there:
                self._duckdb.execute(f"drop {kind} if exists {name}")
        self._names, self._types, self._own, self._most = {}, {}, set(), set()
        self._know(found.days())
        self._make(_MOST, segments.SCHEMA.empty_table())
        for table in found.days():
            self._make(_MOST, table)
            self._most |= _days(table)
        self._show()

    def replace(self, days: Collection[date], found: Segments) -> None:
        """Hold other views, which are of some days, in place of what is held of these days."""
        self._know(found.days())
        if changed := [*self._most.intersection(days) - self._own]:
            self._duckdb.execute(f"delete from {_MOST} where list_contains($days, local_date)", {"days": changed})
        for day in self._own.intersection(days):
            self._duckdb.execute(f"drop table {_of(day)}")
            self._own.remove(day)
        for table in found.days():
            [day] = _days(table)
            if day in self._most:
                self._own.add(day)
            self._make(_of(day) if day in self._most else _MOST, table)
            self._most.add(day)
        self._show()

    def _know(self, tables: Iterable[pa.Table]) -> None:
        """Put the names of some views among those that there are."""
        found: dict[str, set[str]] = {name: set() for name in _NAMES}
        for table in tables:
            for name in _NAMES:
                for chunk in _readable(table).column(name).chunks:
                    found[name].update(chunk.dictionary.to_pylist())
        before = {name: self._names.get(name, set()) for name in _NAMES}
        fresh = [name for name in _NAMES if name not in self._names or not found[name] <= before[name]]
        self._enumerate({name: before[name] | found[name] for name in fresh})

    def _enumerate(self, fresh: dict[str, set[str]]) -> None:
        """Have columns enumerate other names than before, also where they are held."""
        before = {name: self._types[name] for name in fresh if name in self._types}
        self._generation += 1
        for name, names in fresh.items():
            self._duckdb.register("arrow_names", pa.table({"name": sorted(names)}, pa.schema([("name", pa.string())])))
            self._names[name] = names
            self._types[name] = f"{name}_names_{self._generation}"
            self._duckdb.execute(f"create type {self._types[name]} as enum (select name from arrow_names)")
            self._duckdb.unregister("arrow_names")
        if before:
            self._duckdb.execute("drop view if exists views")
            recoded = ", ".join(f"{name}::varchar::{self._types[name]} as {name}" for name in before)
            for each in self._tables():
                self._duckdb.execute(f"create or replace table {each} as select * replace ({recoded}) from {each}")
            for type_ in before.values():
                self._duckdb.execute(f"drop type {type_}")

    def _make(self, name: str, table: pa.Table) -> None:
        """Put views into a table, which is made if it is not there."""
        names = ", ".join(f"{each}::{self._types[each]} as {each}" for each in _NAMES)
        views = f"select * replace ({names}) from arrow_views"
        self._duckdb.register("arrow_views", _readable(table))
        self._duckdb.execute(f"create table if not exists {name} as {views} limit 0; insert into {name} {views}")
        self._duckdb.unregister("arrow_views")

    def _show(self) -> None:
        self._duckdb.execute(f"create or replace view views as {' union all '.join(f'from {each}' for each in self._tables())}")

    def _tables(self) -> list[str]:
        return [_MOST, *map(_of, sorted(self._own))]


def _days(table: pa.Table) -> set[date]:
    return set(pc.unique(table.column("local_date")).to_pylist())


def _of(day: date) -> str:
    return f"views_of_{day:%Y%m%d}"


def _readable(table: pa.Table) -> pa.Table:
    """Return the same with names that nobody can read by their beginning and a digest: a result may have one in thousands of
    rows, and is stored, drawn, shown and sent with all of them.
    """
    for at, field in enumerate(table.schema):
        if field.name in _NAMES and any(_longest(chunk) > _READABLE for chunk in table.column(at).chunks):
            chunks = [_shortened(chunk) for chunk in table.column(at).chunks]
            table = table.set_column(at, field, pa.chunked_array(chunks, field.type))
    return table


def _longest(names: pa.DictionaryArray) -> int:
    return pc.max(pc.utf8_length(names.dictionary)).as_py() or 0


def _shortened(names: pa.DictionaryArray) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(names.indices, pa.array(map(_said, names.dictionary.to_pylist()), pa.string()))


def _said(name: str) -> str:
    if len(name) <= _READABLE:
        return name
    return f"{name[: _READABLE // 5]}… ({len(name):,} characters, {hashlib.sha256(name.encode()).hexdigest()[:12]})"
