"""What docs/bi.md has people type and choose works, for a user that is made as it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from results.test_computing import RULES
from role_servers import Server, refused, server, settings_of
from warehouse_events import ZONE, complete, select, start, stop, store

from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.days import Period
from telemetry_pipeline.results import computing
from telemetry_pipeline.results.views.windows import Store
from telemetry_pipeline.warehouse.core import views
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.roles.limits import LIMITS

__all__ = ["server"]

DOCUMENT = (Path(__file__).parents[2] / "docs" / "bi.md").read_text(encoding="utf-8")
LOG_IN, *QUERIES = re.findall(r"```sql\n(.*?)```", DOCUMENT, re.DOTALL)
TABLE = dict(re.findall(r"^\| `bi\.(views|channels|days)` \|.*?\| (`.*`) \|$", DOCUMENT, re.MULTILINE))
# What Grafana puts in place of its macros.
FROM, TO = "'2025-01-01T00:00:00Z'", "'2025-02-01T00:00:00Z'"


def as_sent(query: str) -> str:
    """The query as the tool sends it in the month of the data."""
    query = re.sub(r"\$__timeFilter\((\w+)\)", rf"\1 BETWEEN {FROM} AND {TO}", query)
    return query.replace("current_date", "date '2025-02-01'")


def fill(server: Server) -> None:
    """Give the warehouse views of three days and the results that the page asks for, as the pipeline does."""
    writer = connect(server.url(server.roles.writer))
    store(writer, start(1, "A"), start(2, "B", channel=2))
    store(writer, *(stop(10 + n, duration=1800, channel=1 + n % 2, hours=24 * (n % 3)) for n in range(12)))
    views.merge(writer, ZONE)
    complete(writer)
    for name in {name for query in QUERIES for name in re.findall(r"\bbi\.(\w+)", query)} - TABLE.keys():
        analysis = find_analysis(name)
        parameters = analysis.parse({})
        [(last,)] = select(writer, "select max(local_date) from telemetry.views")
        computing.update(writer, Store(RULES), analysis, analysis.windows(Period(last, last), parameters), parameters)


def test_a_user_made_as_the_page_says_gets_rows_of_every_query_and_has_all_limits(server: Server) -> None:
    server.migrate()
    fill(server)
    tool = f"metabase {server.number}"
    server.ask(LOG_IN.replace("metabase", f'"{tool}"').replace("telemetry_bi", f'"{server.roles.bi}"'))
    engine = connect(server.url(tool))
    for query in QUERIES:
        rows = select(engine, as_sent(query))
        assert rows, query
        if " as time" in query:
            assert None not in {row[0] for row in rows}, query
    refused(engine, "select count(*) from telemetry.views")
    given = settings_of(server, tool)
    server.ask(f'alter role "{server.roles.bi}" login')
    assert given == settings_of(server, server.roles.bi)
    assert given.keys() == LIMITS.keys()


def test_the_table_has_the_columns_of_the_views_that_are_of_no_analysis(server: Server) -> None:
    server.migrate()
    columns = """
        select table_name::text, array_agg(column_name::text order by ordinal_position)
        from information_schema.columns where table_schema = 'bi' group by table_name
    """
    found = dict(server.ask(columns))
    assert {name: re.findall(r"`(\w+)`", listed) for name, listed in TABLE.items()} == found


@pytest.mark.parametrize("tool", ["Metabase", "Grafana", "Power BI", "Excel"])
def test_every_tool_has_steps_and_a_query(tool: str) -> None:
    section = DOCUMENT.split(f"\n## {tool}\n")[1].split("\n## ")[0]
    assert "\n1. " in section
    assert "```sql\n" in section
