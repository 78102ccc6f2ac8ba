"""Record ids that are stored more than once: looked for among those that were stored since the last look.

Whoever stores records notes their ids before. Of rows that came in another way, or got another id, a trigger notes that all
ids are to be looked at, so that nothing has to be believed of how rows came. A look takes what is noted, in one statement and
so at one moment, and notes again the ids that it found: they are found until somebody mends them.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from telemetry_pipeline.warehouse.db.connections import lock

LOCK = "telemetry.unchecked_ids"
"""Those who look take turns under it, or one would not see what another one is just noting again."""


def note(connection: sa.Connection, ranges: Sequence[tuple[int, int]]) -> None:
    """Note ids that are about to be stored, as ranges with both ends included, in the transaction that stores them."""
    firsts, lasts = zip(*ranges, strict=True)
    connection.execute(_NOTE, {"firsts": list(firsts), "lasts": list(lasts)})


def count(engine: sa.Engine) -> int:
    """Return how many record ids are stored more than once; reads the ids that were noted since the last look, and those that
    it found.
    """
    with engine.begin() as connection:
        lock(connection, LOCK)
        return int(connection.scalar(_LOOK) or 0)


_NOTE = sa.text("""
    insert into telemetry.unchecked_ids (first_record_id, last_record_id)
    select * from unnest(cast(:firsts as bigint[]), cast(:lasts as bigint[]))
    on conflict (noted_in, first_record_id) do update
        set last_record_id = greatest(unchecked_ids.last_record_id, excluded.last_record_id)
""")

# As numbers, for behind the highest id there is no other bigint. "offset 0": each range is looked up for itself.
_LOOK = sa.text("""
    with taken as (
        delete from telemetry.unchecked_ids returning first_record_id, last_record_id
    ), unchecked as (
        select unnest(range_agg(numrange(first_record_id, last_record_id::numeric + 1))) as ids from taken
    ), repeated as (
        select found.record_id from unchecked cross join lateral (
            select record_id from telemetry.records
            where record_id between lower(ids)::bigint and (upper(ids) - 1)::bigint
            group by record_id having count(*) > 1
            offset 0
        ) as found
    ), noted as (
        insert into telemetry.unchecked_ids (first_record_id, last_record_id) select record_id, record_id from repeated
    )
    select count(*) from repeated
""")
