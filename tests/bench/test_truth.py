"""The comparison that ends the chaos finds what is lost, twice, wrong or old, and nothing where all is well."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from bench.harness import OPERATOR_TIMEZONE, synchronise
from bench.truth import compare_records, compare_results
from bench.upstream import Upstream
from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.results import computing
from telemetry_pipeline.results.views.windows import Store
from telemetry_pipeline.simulator.server import SimulatorServer
from telemetry_pipeline.warehouse.core.views import merge
from telemetry_pipeline.warehouse.db.connections import shared

RULES = Rules(ZoneInfo(OPERATOR_TIMEZONE))
FIRST = "where record_id = (select min(record_id) from {0})"
DAMAGE = {
    "delete from telemetry.records where record_id = (select max(record_id) from telemetry.records)": "records that are not",
    f"update telemetry.records set subscriber_code = 'X' {FIRST.format('telemetry.records')}": "records that differ",
    "delete from telemetry.views where record_id = (select max(record_id) from telemetry.views)": "views that are not",
    f"update telemetry.views set channel_name = 'X' {FIRST.format('telemetry.views')}": "views that differ",
    f"update telemetry.views set excluded = 'duplicate' {FIRST.format('telemetry.views')}": "views that count, or do not",
    "update analysis.top_channels set views = views + 1 where ordinal = 0": "is not what its views say",
    "delete from analysis.general_summary": "in the catalogue",
}
"""What is done to what is stored, and what is said of it."""


def found(engine: sa.Engine, upstream: Upstream) -> list[str]:
    up_to_id = upstream.complete()
    findings = [*compare_records(engine, upstream.records(up_to_id), up_to_id), *compare_results(engine, RULES)]
    return [f"{kind}: {text}" for kind, text in findings]


def test_all_damage_is_found_and_nothing_else(database_url: str, simulator: Callable[..., SimulatorServer]) -> None:
    upstream = Upstream(simulator(records_count=2_000, days=2).url, random.Random(1))
    upstream.add_late()
    upstream.complete()
    engine = shared(database_url)
    synchronise(database_url, upstream.url)
    merge(engine, OPERATOR_TIMEZONE)
    yesterday = date.today() - timedelta(days=1)
    for name in ("top_channels", "general_summary"):
        analysis = find_analysis(name)
        parameters = analysis.parse({})
        periods = [analysis.window(yesterday, parameters)]
        computing.update(engine, Store(RULES), analysis, periods, parameters)
    assert found(engine, upstream) == []
    with engine.begin() as connection:
        connection.execute(sa.text("set local session_replication_role = replica"))  # without triggers, as broken storage is
        for statement in DAMAGE:
            connection.execute(sa.text(statement))
    findings = found(engine, upstream)
    assert [text for text in DAMAGE.values() if not any(text in finding for finding in findings)] == []
