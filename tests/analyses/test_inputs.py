"""From what a result is computed, and so when it is stale: nothing else makes it so."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from analyses.conftest import ZONE

from telemetry_pipeline.analyses.framework.caps import Cap
from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.days import EVERYTHING, Completeness, Period
from telemetry_pipeline.results import inputs
from telemetry_pipeline.results.inputs import Inputs
from telemetry_pipeline.warehouse.core.segments import State

TODAY = date(2026, 3, 20)
LONG_AGO = date(2025, 1, 1)
RULES = Rules(ZONE)
AUTO = Rules(ZONE, Cap("auto"))


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def clock(hour: int, minute: int = 0) -> datetime:
    """A time of today."""
    return datetime.combine(TODAY, time(hour, minute), ZONE)


KNOWN = Completeness(clock(10), TODAY, first_day=LONG_AGO)
STATE = State({ago(n): 100 - n for n in range(-2, 60)}, dict.fromkeys([ago(n) for n in range(-2, 60)], 0), 102, KNOWN)


def reads(name: str, period: Period, rules: Rules = RULES, known: Completeness = KNOWN) -> Inputs:
    return inputs.inputs(find_analysis(name), period, rules, known)


def version(name: str, period: Period, state: State = STATE, rules: Rules = RULES) -> str:
    return inputs.version(reads(name, period, rules, state.known), state, rules)


def knowing(**others: Any) -> State:
    return replace(STATE, known=replace(KNOWN, **others))


def changed(days: int, spill: bool = False) -> State:
    """The day so many days ago changed, maybe in views that had begun before it."""
    spills = {**STATE.spills, ago(days): 103} if spill else STATE.spills
    return replace(STATE, versions={**STATE.versions, ago(days): 103}, spills=spills, newest=103)


WEEK = Period(ago(10), ago(4))
SO_FAR = Period(ago(6), TODAY)


def test_a_result_is_of_the_days_of_its_period() -> None:
    assert reads("general_summary", WEEK) == Inputs(WEEK, None)
    for days in (4, 10):
        assert version("general_summary", WEEK, changed(days)) != version("general_summary", WEEK)
    for days in (3, 11):
        assert version("general_summary", WEEK, changed(days, spill=True)) == version("general_summary", WEEK)


def test_a_day_that_gets_its_first_views_changes_the_result_and_one_that_never_had_any_does_not() -> None:
    empty = replace(STATE, versions={})
    assert version("general_summary", Period(date.min, TODAY), empty) == version(
        "general_summary", Period(ago(900), TODAY), empty
    )
    first = replace(STATE, versions={ago(5): 1})
    assert version("general_summary", WEEK, first) != version("general_summary", WEEK, empty)


def test_what_measures_by_minute_looks_ahead_a_day_whatever_the_cap() -> None:
    assert reads("rating", WEEK).ahead == Period(ago(3), ago(3))
    assert reads("rating", WEEK, Rules(ZONE, Cap(4))).ahead == Period(ago(3), ago(3))
    assert reads("rating", WEEK).around == Period(ago(10), ago(3))


@pytest.mark.parametrize("name", ["average_audience", "rating", "concurrency"])
def test_a_later_day_makes_stale_by_views_that_were_running_and_not_by_others(name: str) -> None:
    assert version(name, WEEK, changed(3, spill=True)) != version(name, WEEK)
    assert version(name, WEEK, changed(3)) == version(name, WEEK)
    assert version(name, WEEK, changed(2, spill=True)) == version(name, WEEK)


def test_what_counts_by_date_is_not_stale_by_views_that_were_running() -> None:
    assert version("time_slots", WEEK, changed(3, spill=True)) == version("time_slots", WEEK)


def test_a_day_that_becomes_complete_makes_stale_what_it_is_in() -> None:
    earlier = knowing(complete_before=ago(4))
    for name in ("general_summary", "rating"):
        assert version(name, WEEK, earlier) != version(name, WEEK)
    before_all_of_it = Period(ago(10), ago(6))
    assert version("general_summary", before_all_of_it, earlier) == version("general_summary", before_all_of_it)


def test_a_day_ahead_that_becomes_complete_settles_a_measure_by_minute() -> None:
    earlier = knowing(complete_before=ago(3))
    assert version("rating", WEEK, earlier) != version("rating", WEEK)
    assert version("general_summary", WEEK, earlier) == version("general_summary", WEEK)


def test_a_gap_and_its_end_make_stale_what_it_is_in() -> None:
    gap = knowing(gaps=((ago(5), ago(5)),))
    assert version("general_summary", WEEK, gap) != version("general_summary", WEEK)
    assert version("general_summary", Period(ago(4), ago(4)), gap) == version("general_summary", Period(ago(4), ago(4)))
    later = knowing(gaps=((ago(5), ago(5)),), known_until=clock(11))
    assert version("general_summary", WEEK, later) == version("general_summary", WEEK, gap)


def test_days_that_a_repair_completed_wait_for_no_sync() -> None:
    for moment in (clock(10), clock(11)):
        repaired = knowing(complete_before=ago(20), repaired=frozenset(WEEK.days()), known_until=moment)
        assert version("general_summary", WEEK, repaired) == version("general_summary", WEEK)


def test_data_that_begins_earlier_completes_what_was_the_first_day() -> None:
    assert version("general_summary", WEEK, knowing(first_day=ago(5))) != version("general_summary", WEEK)
    before = version("general_summary", WEEK, knowing(first_day=ago(11)))
    assert before == version("general_summary", WEEK)


def test_a_moment_that_moves_makes_stale_what_ends_with_the_provisional_day_and_nothing_before() -> None:
    later = knowing(known_until=clock(11))
    for name in ("general_summary", "rating", "period_comparison"):
        assert version(name, SO_FAR, later) != version(name, SO_FAR), name
        assert version(name, WEEK, later) == version(name, WEEK), name
    yesterday = Period(ago(1), ago(1))
    assert version("general_summary", yesterday, later) == version("general_summary", yesterday)
    assert version("rating", yesterday, later) == version("rating", yesterday)


def test_a_comparison_is_stale_with_the_days_before_its_period() -> None:
    assert version("period_comparison", WEEK, changed(11)) != version("period_comparison", WEEK)
    assert version("period_comparison", WEEK, changed(18)) == version("period_comparison", WEEK)
    gap = knowing(gaps=((ago(17), ago(17)),))
    assert version("period_comparison", WEEK, gap) != version("period_comparison", WEEK)


@pytest.mark.parametrize(
    "rules", [Rules(ZONE, Cap(4)), AUTO, Rules(ZONE, small_base=5)], ids=["cap", "automatic cap", "small base"]
)
def test_what_counts_is_part_of_what_a_result_is_of(rules: Rules) -> None:
    assert version("general_summary", WEEK, rules=rules) != version("general_summary", WEEK)


def test_an_automatic_cap_is_of_28_complete_days() -> None:
    day = Period(ago(4), ago(4))
    assert reads("general_summary", day, AUTO).whole == Period(ago(31), ago(4))
    assert reads("general_summary", Period(TODAY, TODAY), AUTO).whole == Period(ago(28), TODAY)
    assert reads("general_summary", Period(ago(90), TODAY), AUTO).whole == Period(ago(90), TODAY)
    assert reads("general_summary", day, AUTO, Completeness()).whole == day
    assert version("general_summary", day, changed(31), AUTO) != version("general_summary", day, rules=AUTO)
    assert version("general_summary", day, changed(32), AUTO) == version("general_summary", day, rules=AUTO)


def test_the_version_of_the_last_change_is_of_the_days_and_of_what_was_running() -> None:
    assert inputs.changed(reads("general_summary", WEEK), STATE) == 96
    assert inputs.changed(reads("rating", WEEK), changed(3)) == 96
    assert inputs.changed(reads("rating", WEEK), changed(3, spill=True)) == 103
    assert inputs.changed(reads("general_summary", WEEK), changed(10)) == 103
    assert inputs.changed(reads("general_summary", WEEK), State()) == 0


def describe(name: str, period: Period, **known: Any) -> dict[str, Any]:
    knows = replace(KNOWN, **known)
    return inputs.describe(reads(name, period, known=knows), period, knows, RULES)


def test_of_complete_days_there_is_nothing_to_say() -> None:
    assert describe("general_summary", WEEK) == {}
    assert describe("rating", WEEK) == {}
    everything = Period(date.min, TODAY)
    assert inputs.describe(Inputs(everything, None), everything, EVERYTHING, RULES) == {}


def test_of_a_provisional_day_it_is_said_up_to_when_it_is_known_in_local_time() -> None:
    assert describe("general_summary", SO_FAR, known_until=clock(10, 23).astimezone(UTC)) == {
        "provisional_days": ["2026-03-20"],
        "known_until": "2026-03-20T10:23:00-06:00",
    }


def test_days_that_no_sync_completes_have_no_moment() -> None:
    assert describe("general_summary", WEEK, gaps=((ago(5), ago(5)),)) == {"provisional_days": ["2026-03-15"]}
    assert describe("general_summary", WEEK, first_day=ago(6)) == {"provisional_days": ["2026-03-14"]}


def test_what_lies_before_all_data_is_not_provisional() -> None:
    assert describe("general_summary", Period(ago(20), ago(15)), first_day=ago(14)) == {}


def test_before_the_first_sync_nothing_is_known() -> None:
    said = inputs.describe(reads("general_summary", WEEK), WEEK, Completeness(), RULES)
    assert said == {"provisional_days": ["2026-03-16"]}


def test_a_measure_by_minute_is_settled_when_the_views_that_were_running_are_all_there() -> None:
    yesterday = Period(ago(1), ago(1))
    assert describe("rating", yesterday) == {"settled": False}
    assert describe("general_summary", yesterday) == {}
    assert describe("rating", Period(ago(2), ago(2))) == {}
    assert describe("rating", SO_FAR)["settled"] is False
    assert "settled" not in describe("rating", WEEK, first_day=WEEK.first)
    assert describe("rating", WEEK, gaps=((ago(5), ago(5)),))["settled"] is False
