"""Every asset materializes alone, with fakes in place of its resources: no server, no setting, no stack."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import fakes
import pytest
from analyses.oracle import View
from fakes import FakeWarehouse, asset, materializations_of, metadata_of

from telemetry_pipeline.analyses.registry import find_analysis, steps
from telemetry_pipeline.client.launching.run_config import written
from telemetry_pipeline.errors import PanAccessUnavailable
from telemetry_pipeline.launches import Days, all_assets
from telemetry_pipeline.orchestration.assets import analyses
from telemetry_pipeline.reports.figures import rendering
from telemetry_pipeline.results.catalogue import ResultInfo

DAY = date(2026, 1, 3)
NOW = datetime(2026, 1, 3, 12, tzinfo=UTC)
WATCHED = FakeWarehouse(
    View(DAY, channel_name="Siete"), View(DAY, channel_name="Siete"), View(date(2026, 1, 2), channel_name="Once")
)
REQUIRED = {
    name: {field: "S1" for field, info in each.parameters.model_fields.items() if info.is_required()}
    for name, each in all_assets().items()
}
RANGE = {"dagster/asset_partition_range_start": "2026-01-01", "dagster/asset_partition_range_end": "2026-01-03"}


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No address, no home and no file of settings."""
    for name in ("DATABASE_URL", "DAGSTER_DATABASE_URL", "REDIS_URL", "PANACCESS_URL", "DAGSTER_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def history() -> Iterator[dg.DagsterInstance]:
    """One for all: to make it takes as long as an asset."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


class Materialize:
    """An asset alone, with what it needs to be told."""

    def __init__(self, history: dg.DagsterInstance) -> None:
        self._history = history

    def __call__(self, name: str, warehouse: FakeWarehouse, **options: Any) -> dg.ExecuteInProcessResult:
        config = written({name: REQUIRED[name]}, steps()) if REQUIRED[name] else None
        return fakes.materialize(name, warehouse, run_config=config, instance=self._history, **options)


@pytest.fixture
def materialize(history: dg.DagsterInstance) -> Materialize:
    return Materialize(history)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are declared, and not drawn: tests/reports has each of them drawn."""
    monkeypatch.setattr(rendering, "svg", lambda declaration, label: '<svg xmlns="http://www.w3.org/2000/svg"/>')


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("name", all_assets())
def test_an_asset_materializes_without_any_server(name: str, materialize: Materialize) -> None:
    partition = {Days.WEEK: "2026-01-05", Days.MONTH: "2026-01-01"}.get(all_assets()[name].days, "2026-01-03")
    done = materialize(name, WATCHED, partition_key=partition)
    assert [event.partition for event in materializations_of(done, name)] == [partition]
    assert all(check.passed for check in done.get_asset_check_evaluations())


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("name", ["telemetry_records", "ott_views", "top_channels", "period_summary", "full_analysis"])
def test_a_range_materializes_each_of_its_days_the_newest_last(name: str, materialize: Materialize) -> None:
    done = materialize(name, WATCHED, tags=RANGE)
    days = [event.partition for event in materializations_of(done, name)]
    assert days == ["2026-01-01", "2026-01-02", "2026-01-03"]


def test_a_run_says_where_the_picture_is_drawn_and_the_rows_are(materialize: Materialize) -> None:
    said = metadata_of(materialize("top_channels", WATCHED, partition_key="2026-01-03"), "top_channels")
    assert said["rows"] == "/api/analyses/top_channels?to=2026-01-03"
    assert said["chart"] == "![gráfica](/api/analyses/top_channels?to=2026-01-03&format=svg)"
    said = metadata_of(materialize("period_summary", WATCHED, tags=RANGE), "period_summary")
    assert said["rows"] == "/api/analyses/period_summary?from=2026-01-01&to=2026-01-03"


@pytest.mark.parametrize(
    ("values", "query"),
    [
        ({"limit": 20, "window_days": 30}, ""),
        ({"limit": 5, "window_days": 7}, "&window_days=7&limit=5"),
        ({"limit": 20, "window_days": None}, "&window_days=null"),
    ],
)
def test_an_address_of_rows_names_the_parameters_that_are_not_the_defaults(values: dict[str, Any], query: str) -> None:
    info = ResultInfo("top_channels", DAY, date.min, DAY, values, "", 2, NOW, "", "", 0.0, {}, 1, 1, "")
    address = f"https://tv.example.com/api/analyses/top_channels?to=2026-01-03{query}"
    assert analyses._address(find_analysis("top_channels"), info, "https://tv.example.com/") == address


@pytest.mark.usefixtures("undrawn")
def test_an_analysis_counts_the_views_that_a_test_gives(materialize: Materialize) -> None:
    done = materialize("top_channels", WATCHED, partition_key="2026-01-03")
    rows = metadata_of(done, "top_channels")["preview"].records
    assert {row.data["channel"]: row.data["views"] for row in rows} == {"Siete": 2, "Once": 1}


def test_a_tick_without_news_makes_nothing(materialize: Materialize) -> None:
    class UpToDate(FakeWarehouse):
        def is_due(self, *_: Any) -> bool:
            return False

    today = asset("telemetry_records").partitions_def.get_last_partition_key()  # type: ignore[union-attr]
    done = materialize("telemetry_records", UpToDate(), partition_key=today)
    assert done.success
    assert materializations_of(done, "telemetry_records") == []


def test_an_error_is_seen_at_once_for_nobody_waits_in_a_test(materialize: Materialize) -> None:
    tries = 0

    class Away(FakeWarehouse):
        def sync(self, *_: Any, **__: Any) -> Any:
            nonlocal tries
            tries += 1
            raise PanAccessUnavailable("PanAccess did not answer")

    with pytest.raises(dg.Failure, match="did not answer"):
        materialize("telemetry_records", Away(), partition_key="2026-01-03")
    assert tries == 1


def shown() -> dict[str, str]:
    """The tests that the documentation shows, by name."""
    page = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text()
    section = page.split("\n## Test an asset\n")[1].split("\n## ")[0]
    blocks = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    return {name: block for block in blocks for name in re.findall(r"^def (test_\w+)", block, re.MULTILINE)}


@pytest.mark.parametrize("name", shown())
def test_what_the_documentation_shows_is_so_and_takes_three_lines(name: str) -> None:
    names: dict[str, Any] = {}
    exec(shown()[name], names)
    names[name]()
    body = [line for line in shown()[name].split(f"def {name}")[1].splitlines()[1:] if re.match(r" {4}[^ ]", line)]
    assert len([line for line in body if not line.startswith("    class")]) == 3
