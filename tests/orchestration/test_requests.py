from __future__ import annotations

from datetime import date

import pytest

from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.orchestration.requests import check_request

START, END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


def check(tags: dict[str, str], job: str = "telemetry_range", config: dict[str, object] | None = None) -> None:
    check_request(job, tags, config or {}, first_partition=date(2026, 1, 1), today=date(2026, 11, 21))


@pytest.mark.parametrize(
    "tags",
    [
        {"dagster/partition": "2026-01-01"},
        {"dagster/partition": "2026-11-21"},
        {START: "2026-01-01", END: "2026-11-21"},
        {START: "2026-05-05", END: "2026-05-05"},
    ],
)
def test_partitions_that_exist_are_let_through(tags: dict[str, str]) -> None:
    check(tags)


@pytest.mark.parametrize(
    ("tags", "complaint"),
    [
        pytest.param({}, "needs a partition", id="no partition at all"),
        pytest.param({START: "2026-05-05"}, "needs a partition", id="half a range"),
        pytest.param({"dagster/partition": "2025-12-31"}, "2025-12-31 is not a partition", id="before the first"),
        pytest.param({"dagster/partition": "2026-11-22"}, "2026-11-22 is not a partition", id="tomorrow"),
        pytest.param({"dagster/partition": "21.11.2026"}, "not a day such as", id="not a date"),
        pytest.param({"dagster/partition": "20261121"}, "not a day such as", id="a date in another form"),
        pytest.param({START: "2026-05-06", END: "2026-05-05"}, "before it", id="backwards"),
        pytest.param({START: "2026-05-06", END: "2027-05-05"}, "2027-05-05 is not a partition", id="into the future"),
    ],
)
def test_impossible_partitions_are_refused_with_what_is_allowed(tags: dict[str, str], complaint: str) -> None:
    with pytest.raises(RequestRefused, match=complaint) as refused:
        check(tags)
    assert "days from 2026-01-01 to 2026-11-21 are allowed" in str(refused.value)


def test_a_tick_takes_no_range() -> None:
    with pytest.raises(RequestRefused, match="telemetry_range"):
        check({START: "2026-05-05", END: "2026-05-06"}, job="telemetry_tick")


@pytest.mark.parametrize("config", [{"limit": 0}, {"limit": "many"}, {"window_days": 0}, {"colour": "red"}])
def test_impossible_parameters_are_refused_by_name(config: dict[str, object]) -> None:
    with pytest.raises(RequestRefused, match=f"top_channels cannot run with these parameters: {next(iter(config))}"):
        check({"dagster/partition": "2026-11-21"}, config={"ops": {"top_channels": {"config": config}}})
