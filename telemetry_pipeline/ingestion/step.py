"""A step of a sync: it goes on where an earlier one of its run stopped, and says what the warehouse has then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

from telemetry_pipeline.days import Period
from telemetry_pipeline.ingestion.sync import Outcome, Sync
from telemetry_pipeline.warehouse.operations import checks
from telemetry_pipeline.warehouse.operations.checks import RecordsSeen
from telemetry_pipeline.warehouse.raw import cursor as cursors
from telemetry_pipeline.warehouse.raw import records, repairs

Days = Mapping[date, int]
"""How many records of some days."""


@dataclass(frozen=True)
class Synced:
    """What a step did, and what is stored then.

    :ivar rest: the day with which another step is to go on; None: all is done.
    :ivar records: how many records each day has, of the run's and those of which new ones came.
    :ivar cursor: up to which id the live edge is read.
    :ivar seen: what there is to judge the records by. These three are not looked at while there is a rest.
    """

    outcome: Outcome = field(default_factory=Outcome)
    rest: date | None = None
    records: Days = field(default_factory=Counter)
    cursor: int = 0
    seen: RecordsSeen = field(default_factory=RecordsSeen)


def sync_step(sync: Sync, run: str, period: Period, *, includes_today: bool, stored: Callable[[Days, Days], None]) -> Synced:
    """Synchronise the days of *period* from where the run's earlier steps stopped.

    :param run: names the run.
    :param stored: told how many new records of which days were stored, also by a step that ends with an error; and how many
        each of these days has now, if it did not.
    """
    engine, is_tick = sync.engine, includes_today and period.length == 1
    try:
        position = repairs.repair_position(engine, run)
        position = sync.run(period.first, period.last, includes_today=includes_today, position=position)
    except BaseException:
        stored(sync.outcome.days, {})
        raise
    counts = records.count_by_day(engine, {*period.days(), *sync.outcome.days})
    stored(sync.outcome.days, counts)
    if not is_tick:
        repairs.keep_repair_position(engine, run, position)
        if position:
            return Synced(sync.outcome, position.day)
    return Synced(
        sync.outcome,
        records=counts,
        cursor=cursors.read(engine).record_id,
        seen=checks.look_at_records(engine, recent=is_tick),
    )
