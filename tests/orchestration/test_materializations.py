"""What a materialization says of its partition: its figures, for each of a range, and what there is to look at."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from orchestration.conftest import SOME_OF_EACH
from orchestration_harness import metadata_of, record


def test_a_materialization_shows_what_there_is_to_see(pipeline: Any, now: datetime, this_day: date) -> None:
    pipeline.simulator.add_records([record(1, 7, now), record(2, 8, now)])
    shown = metadata_of(pipeline.run(this_day), "top_channels", this_day)
    assert shown["chart"] == f"![gráfica](/api/analyses/top_channels?to={this_day}&format=svg)"
    assert [row.data["channel"] for row in shown["preview"].records] == ["Canal Siete"]
    assert shown["dagster/partition_row_count"] == 1
    assert shown["period"] == f"{this_day - timedelta(days=29)} to {this_day}"
    assert shown["parameters"] == {"limit": 20, "window_days": 30}
    assert shown["compute_seconds"] > 0
    assert "dagster/column_lineage" not in shown  # it is on the definition, once


def by_partition(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, dict[str, Any]]:
    """What is said of each partition, in the order in which it is stored: the last is what the asset's page shows as latest."""
    return {
        str(event.partition): {name: value.value for name, value in event.materialization.metadata.items()}
        for event in result.all_events
        if event.is_step_materialization and event.asset_key == dg.AssetKey(asset)
    }


def figures(said: dict[str, dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(metadata.get(name) for name in names) for metadata in said.values()]


@pytest.mark.slow
def test_every_partition_of_a_range_keeps_its_figures_and_what_there_is_to_look_at_is_the_newests(
    pipeline: Any, now: datetime, this_day: date
) -> None:
    of_days = [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2), (6, 2)]
    pipeline.simulator.add_records(
        [record(n, 8, now - timedelta(days=day), dataName="Siete", dataDuration=1800) for n, day in of_days]
    )
    selection = [*SOME_OF_EACH, "full_analysis", "period_analysis"]
    for _ in ("computed", "reused"):
        result = pipeline.run(this_day - timedelta(days=2), this_day, selection=selection)
        assert result.success
        said = {asset: by_partition(result, asset) for asset in selection}
        days = [(this_day - timedelta(days=number)).isoformat() for number in (2, 1, 0)]
        assert {asset: list(each) for asset, each in said.items()} == dict.fromkeys(selection, days)

        assert figures(said["telemetry_records"], "dagster/partition_row_count") == [(3,), (2,), (1,)]
        of_views = figures(said["ott_views"], "dagster/partition_row_count", "views", "watch_hours")
        assert of_views == [(3, 3, 1.5), (2, 2, 1.0), (1, 1, 0.5)]
        looking_back = figures(said["general_summary"], "dagster/partition_row_count", "views", "watch_hours", "period")
        since = [day.isoformat() for day in (this_day - timedelta(days=number) for number in (31, 30, 29))]
        periods = [f"{first} to {last}" for first, last in zip(since, days, strict=True)]
        assert looking_back == [(1, 3, 1.5, periods[0]), (1, 5, 2.5, periods[1]), (1, 6, 3.0, periods[2])]
        of_range = figures(said["period_summary"], "dagster/row_count", "views", "watch_hours", "period")
        assert of_range == [(1, 6, 3.0, f"{days[0]} to {days[2]}")] * 3
        assert all(metadata["compute_seconds"] >= 0 for metadata in said["top_channels"].values())
        # Of those selected, the documents have as many as were computed.
        assert figures(said["full_analysis"], "analyses") == [(2,)] * 3
        assert figures(said["period_analysis"], "analyses") == [(1,)] * 3
        for asset, shown in {
            "top_channels": {"chart", "preview"},
            "period_summary": {"preview"},
            "full_analysis": {"document"},
            "period_analysis": {"document"},
            "telemetry_records": {"records_read", "cursor", "sync_seconds"},
            "ott_views": {"views_merged", "merge_seconds"},
        }.items():
            assert [shown <= set(metadata) for metadata in said[asset].values()] == [False, False, True]
            assert [shown & set(metadata) for metadata in said[asset].values()][:2] == [set(), set()]


def test_new_records_are_those_of_each_day(pipeline: Any, now: datetime, this_day: date) -> None:
    late = now - timedelta(days=2)
    pipeline.simulator.add_records([record(1, 8, now), record(2, 8, late), record(3, 8, late)])
    said = by_partition(pipeline.run(this_day, selection=["telemetry_records"]), "telemetry_records")
    assert figures(said, "records_stored", "records_stored_in_all") == [(2, None), (1, 3)]
    assert figures(said, "dagster/partition_row_count") == [(2,), (1,)]


@pytest.mark.slow
def test_a_number_in_metadata_is_a_number(pipeline: Any, now: datetime, this_day: date) -> None:
    """As text the web UI would not plot it."""
    pipeline.simulator.add_records([record(n, 8, now - timedelta(hours=n)) for n in range(1, 4)])
    result = pipeline.run(this_day, selection=[*SOME_OF_EACH, "full_analysis"])
    texts = {
        f"{event.asset_key.to_user_string()}.{name}": value.value
        for event in result.all_events
        if event.is_step_materialization
        for name, value in event.materialization.metadata.items()
        if isinstance(value, dg.TextMetadataValue)
    }
    assert texts
    assert {name: text for name, text in texts.items() if re.fullmatch(r"[\d.,% ]+", str(text))} == {}


def test_a_result_says_whether_it_was_computed_or_reused(pipeline: Any, now: datetime, this_day: date) -> None:
    pipeline.simulator.add_records([record(1, 8, now)])
    said = [
        metadata_of(pipeline.run(this_day, selection=selection), "general_summary", this_day)["result"]
        for selection in (None, ["general_summary"])
    ]
    assert said[0] == "computed: it was not stored yet"
    assert said[1].startswith("reused: computed 20")
