"""The views that are held in DuckDB: most of them in one table, and those of a day that changed since in one of its own.

Nothing else is read or written again when a day changes. Names are enumerations, compared and grouped as numbers, and in the
order of their code points, which is that of ``order by``; one that was not there yet is put among them where they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import date

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from telemetry_pipeline.warehouse.core import segments

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

    def fill(self, table: pa.Table) -> None:
        """Hold exactly these views."""
        for kind in ("view", "table", "type"):
            found = self._duckdb.execute(f"select {kind}_name from duckdb_{kind}s() where not internal").fetchall()
            for (name,) in found:
                self._duckdb.execute(f"drop {kind} if exists {name}")
        self._names, self._types, self._own = {}, {}, set()
        self._most = _days(table)
        self._make(_MOST, self._known(table))
        self._show()

    def replace(self, days: Collection[date], table: pa.Table) -> None:
        """Hold the views of a table, which are of some days, in place of what is held of these days."""
        table = self._known(table)
        if changed := [*self._most.intersection(days) - self._own]:
            self._duckdb.execute(f"delete from {_MOST} where list_contains($days, local_date)", {"days": changed})
        for day in self._own.intersection(days):
            self._duckdb.execute(f"drop table {_of(day)}")
            self._own.remove(day)
        came = _days(table)
        for day in came & self._most:
            self._make(_of(day), table.filter(pc.field("local_date") == day))
            self._own.add(day)
        if added := came - self._most:
            self._make(_MOST, table.filter(pc.field("local_date").isin([*added])))
            self._most |= added
        self._show()

    def _known(self, table: pa.Table) -> pa.Table:
        """Put the names of a table among those that there are, and return it with names that can be read."""
        fresh: dict[str, set[str]] = {}
        for name in _NAMES:
            chunks = [_readable(chunk) for chunk in table.column(name).chunks]
            table = table.set_column(table.column_names.index(name), name, pa.chunked_array(chunks, table.field(name).type))
            found = {entry for chunk in chunks for entry in chunk.dictionary.to_pylist()}
            if name not in self._names or not found <= self._names[name]:
                fresh[name] = found | self._names.get(name, set())
        self._enumerate(fresh)
        return table

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
        self._duckdb.register("arrow_views", table)
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


def _readable(names: pa.DictionaryArray) -> pa.DictionaryArray:
    """Return the same with names that nobody can read by their beginning and a digest: a result may have one in thousands of
    rows, and is stored, drawn, shown and sent with all of them.
    """
    if (pc.max(pc.utf8_length(names.dictionary)).as_py() or 0) <= _READABLE:
        return names
    shortened = pa.array(map(_shortened, names.dictionary.to_pylist()), pa.string())
    return pa.DictionaryArray.from_arrays(names.indices, shortened)


def _shortened(name: str) -> str:
    if len(name) <= _READABLE:
        return name
    return f"{name[: _READABLE // 5]}… ({len(name):,} characters, {hashlib.sha256(name.encode()).hexdigest()[:12]})"
