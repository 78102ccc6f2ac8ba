"""The days of a run are told from its tags."""

from bisect import bisect_right

import pytest
from kombu.transport.redis import Channel

from telemetry_pipeline.tags import (
    PARTITION,
    RANGE_END,
    RANGE_START,
    STEPS_PRIORITY,
    Priority,
    covers,
    partition_range,
    partition_text,
    with_days,
)


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


def test_steps_of_a_high_run_go_beside_those_of_ticks_and_those_of_a_low_one_behind_others() -> None:
    usual = 5

    def class_of(priority: Priority) -> int:
        number = usual + int(priority.tags.get(STEPS_PRIORITY, 0))
        return Channel.priority_steps[bisect_right(Channel.priority_steps, number) - 1]

    assert class_of(Priority.HIGH) == 0
    assert class_of(Priority.HIGH) < class_of(Priority.NORMAL) < class_of(Priority.LOW)


def test_a_runs_tags_say_its_priority() -> None:
    assert [Priority.of_tags(each.tags) for each in Priority] == list(Priority)
    assert Priority.of_tags({"dagster/priority": "odd"}) is Priority.NORMAL
