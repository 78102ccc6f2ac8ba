"""The days of a run are told from its tags."""

import pytest

from telemetry_pipeline.tags import PARTITION, RANGE_END, RANGE_START, covers, partition_range, partition_text, with_days


def test_a_range_of_days_is_told_with_both_ends() -> None:
    tags = {RANGE_START: "2025-03-01", RANGE_END: "2025-03-06"}
    assert (partition_range(tags), partition_text(tags)) == (("2025-03-01", "2025-03-06"), "2025-03-01 to 2025-03-06")


def test_one_day_is_told_once() -> None:
    for tags in ({PARTITION: "2025-03-06"}, {RANGE_START: "2025-03-06", RANGE_END: "2025-03-06"}):
        assert (partition_range(tags), partition_text(tags)) == (("2025-03-06", "2025-03-06"), "2025-03-06")


def test_a_run_without_partitions_has_none_to_tell() -> None:
    assert (partition_range({"other": "tag"}), partition_text({"other": "tag"})) == (None, "")


def test_only_a_range_of_several_days_has_a_tag_that_says_them() -> None:
    days = {RANGE_START: "2025-03-01", RANGE_END: "2025-03-06"}
    assert with_days(days) == {**days, "telemetry/days": "2025-03-01 to 2025-03-06"}
    for tags in ({}, {PARTITION: "2025-03-01"}, {RANGE_START: "2025-03-01", RANGE_END: "2025-03-01"}):
        assert with_days(tags) == tags


@pytest.mark.parametrize(
    ("tags", "days", "covered"),
    [
        ({PARTITION: "2025-03-06"}, "2025-03-06", True),
        ({RANGE_START: "2025-03-01", RANGE_END: "2025-03-06"}, "2025-03-06", True),
        ({RANGE_START: "2025-03-01", RANGE_END: "2025-03-06"}, "2025-03-01 to 2025-03-06", True),
        ({RANGE_START: "2025-03-01", RANGE_END: "2025-03-06"}, "2025-03-06 to 2025-03-07", False),
        ({RANGE_START: "2025-03-01", RANGE_END: "2025-03-06"}, "2025-02-28 to 2025-03-02", False),
        ({PARTITION: "2025-03-06"}, "", False),
        ({}, "", True),
        ({}, "2025-03-06", False),
    ],
)
def test_a_run_covers_the_days_that_are_all_among_its_own(tags: dict[str, str], days: str, covered: bool) -> None:
    assert covers(tags, days) is covered
