"""What the product reads of Dagster's tables, for which there is no interface: a new version has to keep it."""

from __future__ import annotations

import ast
import json
import re
from importlib.metadata import version
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log.schema import SqlEventLogStorageMetadata
from dagster._core.storage.runs.schema import RunStorageSqlMetadata
from dagster._core.storage.schedules.schema import ScheduleStorageSqlMetadata
from dagster._daemon.types import DaemonHeartbeat
from dagster._serdes import serialize_value

import telemetry_pipeline

DAGSTERS = {
    name: set(table.columns.keys())
    for metadata in (SqlEventLogStorageMetadata, RunStorageSqlMetadata, ScheduleStorageSqlMetadata)
    for name, table in metadata.tables.items()
}
"""Columns of every table of this version of Dagster."""

RELIED: dict[str, tuple[str, set[str]]] = {
    "event_logs": (
        "has the materializations, of which clean-up keeps the newest of each partition",
        {"id", "run_id", "dagster_event_type", "asset_key", "partition"},
    ),
    "asset_check_executions": (
        "has every evaluation of a check, of which clean-up keeps the newest",
        {"id", "asset_key", "check_name", "create_timestamp"},
    ),
    "daemon_heartbeats": (
        "says which process the daemon is, and when it was last alive",
        {"daemon_type", "daemon_id", "body"},
    ),
    "job_ticks": ("has the ticks, of which none may be of the future", {"timestamp"}),
}


def tables_that_are_read() -> set[str]:
    """Those that a statement of the product names."""
    named = re.compile(rf"\b(?:from|join|into|update|to_regclass\(')\s*({'|'.join(DAGSTERS)})\b")
    found = set()
    for path in Path(telemetry_pipeline.__file__).parent.rglob("*.py"):
        texts = (node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant))
        statements = (
            text for text in texts if isinstance(text, str) and re.search(r"\b(?:select|delete|update|insert)\b", text)
        )
        found |= {name for text in statements for name in named.findall(text)}
    return found


def test_the_list_has_every_table_that_is_read_and_no_other() -> None:
    assert tables_that_are_read() == RELIED.keys()


@pytest.mark.parametrize("table", sorted(RELIED))
def test_this_version_of_dagster_has_what_is_read(table: str) -> None:
    relied, columns = RELIED[table]
    if lacking := columns - DAGSTERS.get(table, set()):
        pytest.fail(f"{table} {relied}. Dagster {version('dagster')} has no {', '.join(sorted(lacking))} there", pytrace=False)


def test_a_heartbeat_says_when_it_was_as_seconds() -> None:
    body = json.loads(serialize_value(DaemonHeartbeat(timestamp=12.5, daemon_type="SENSOR", daemon_id="me", errors=[])))
    assert body["timestamp"] == 12.5


def test_a_step_is_told_which_assets_are_made_in_its_run() -> None:
    @dg.asset
    def records() -> None: ...

    @dg.asset(deps=[records])
    def views() -> None: ...

    job = dg.Definitions(assets=[records, views]).resolve_implicit_global_asset_job_def()
    assert set(job.asset_layer.executable_asset_keys) == {dg.AssetKey("records"), dg.AssetKey("views")}
