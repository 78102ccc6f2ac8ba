"""A launch that cannot be is refused with what can, whoever asks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from hypothesis import example
from hypothesis import given as given_any
from hypothesis import strategies as st

from telemetry_pipeline.days import AllowedDays
from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.orchestration.forms import check_form
from telemetry_pipeline.orchestration.requests import check_request

START, END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
ALLOWED = AllowedDays(date(2026, 1, 1), date(2026, 11, 21), "America/Mexico_City")
TODAY = {"dagster/partition": "2026-11-21"}


def check(tags: dict[str, str], job: str = "telemetry_range", config: dict[str, object] | None = None) -> None:
    check_request(job, tags, config or {}, allowed=ALLOWED)


@pytest.mark.parametrize(
    "tags",
    [
        {"dagster/partition": "2026-01-01"},
        {"dagster/partition": "2026-11-21"},
        {START: "2026-01-01", END: "2026-11-21"},
        {START: "2026-05-05", END: "2026-05-05"},
    ],
)
@pytest.mark.parametrize("job", ["telemetry_range", "__ASSET_JOB"])
def test_partitions_that_exist_are_let_through(tags: dict[str, str], job: str) -> None:
    check(tags, job)


@pytest.mark.parametrize(
    ("tags", "complaint"),
    [
        pytest.param({}, "a run needs a partition, or the first and the last day of a range", id="no partition at all"),
        pytest.param({START: "2026-05-05"}, "both its first and its last day", id="half a range"),
        pytest.param({**TODAY, START: "2026-05-05", END: "2026-05-06"}, "not both", id="a partition and a range"),
        pytest.param({"dagster/partition": "2025-12-31"}, "there is no partition 2025-12-31", id="before the first"),
        pytest.param({"dagster/partition": "2026-11-22"}, "there is no partition 2026-11-22", id="tomorrow"),
        pytest.param({"dagster/partition": "21.11.2026"}, "not a day such as", id="not a date"),
        pytest.param({"dagster/partition": "20261121"}, "not a day such as", id="a date in another form"),
        pytest.param({START: "2026-05-06", END: "2026-05-05"}, "before it", id="backwards"),
        pytest.param({START: "2026-05-06", END: "2027-05-05"}, "there is no partition 2027-05-05", id="into the future"),
    ],
)
def test_impossible_partitions_are_refused_with_what_is_allowed(tags: dict[str, str], complaint: str) -> None:
    with pytest.raises(RequestRefused, match=complaint) as refused:
        check(tags)
    assert str(ALLOWED) in str(refused.value)


def test_a_tick_takes_no_range() -> None:
    with pytest.raises(RequestRefused, match="telemetry_range"):
        check({START: "2026-05-05", END: "2026-05-06"}, job="telemetry_tick")


def test_the_clean_up_takes_no_days() -> None:
    check({}, job="telemetry_cleanup")
    with pytest.raises(RequestRefused, match="telemetry_cleanup has no partitions; give none"):
        check(TODAY, job="telemetry_cleanup")


@pytest.mark.parametrize("config", [{"limit": 0}, {"limit": "many"}, {"window_days": 0}, {"colour": "red"}])
def test_impossible_parameters_are_refused_by_name(config: dict[str, object]) -> None:
    with pytest.raises(RequestRefused, match=f"top_channels cannot run with these parameters: {next(iter(config))}"):
        check(TODAY, config={"ops": {"general": {"config": {"top_channels": config}}}})


def test_an_analysis_that_needs_a_parameter_is_not_launched_without() -> None:
    """Dagster lets it through: the step is of other analyses, too, which do without."""
    with pytest.raises(RequestRefused, match="subscriber_profile cannot run with these parameters: subscriber_code"):
        check_request("__ASSET_JOB", TODAY, {}, allowed=ALLOWED, assets=["subscriber_profile"])
    given = {"ops": {"subscribers": {"config": {"subscriber_profile": {"subscriber_code": "S1"}}}}}
    check_request("__ASSET_JOB", TODAY, given, allowed=ALLOWED, assets=["subscriber_profile"])


OLD_FIVE = {"ops": {"top_channels": {"config": {"limit": 5}}}}
TOP_FIVE = {"ops": {"general": {"config": {"top_channels": {"limit": 5}}}}}
BOTH = {"ops": {**TOP_FIVE["ops"], "telemetry_records": {"config": {"max_seconds": 5}}}}
ONLY = ["top_channels"]


@pytest.mark.parametrize(
    ("given", "assets", "form"),
    [
        pytest.param(OLD_FIVE, [], TOP_FIVE, id="as a step of its own"),
        pytest.param({"top_channels": {"limit": 5}}, [], TOP_FIVE, id="by asset, without ops"),
        pytest.param({"ops": {"general": {"top_channels": {"limit": 5}}}}, [], TOP_FIVE, id="by theme, without config"),
        pytest.param({"general": {"top_channels": {"limit": 5}}}, [], TOP_FIVE, id="by theme, without ops"),
        pytest.param({"ops": {"audience": {"config": {"top_channels": {"limit": 5}}}}}, [], TOP_FIVE, id="by another theme"),
        pytest.param({"ops": {"general": {"config": {"limit": 5}}}}, ONLY, TOP_FIVE, id="without its analysis"),
        pytest.param({"top_channels": {"config": {"limit": 5}}}, [], TOP_FIVE, id="without ops"),
        pytest.param({"ops": {"top_channels": {"limit": 5}}}, [], TOP_FIVE, id="without config"),
        pytest.param({"ops": {"top_channels": {"parameters": {"limit": 5}}}}, [], TOP_FIVE, id="parameters for config"),
        pytest.param({"solids": {"top_channels": {"config": {"limit": 5}}}}, [], TOP_FIVE, id="solids"),
        pytest.param({"assets": {"top_channels": {"limit": 5}}}, [], TOP_FIVE, id="assets"),
        pytest.param({"resources": {"top_channels": {"config": {"limit": 5}}}}, [], TOP_FIVE, id="resources"),
        pytest.param({"parameters": {"top_channels": {"limit": 5}}}, [], TOP_FIVE, id="parameters"),
        pytest.param({"limit": 5}, ONLY, TOP_FIVE, id="parameters of the only asset"),
        pytest.param({"config": {"limit": 5}}, ONLY, TOP_FIVE, id="config of the only asset"),
        pytest.param({"parameters": {"limit": 5}}, ONLY, TOP_FIVE, id="parameters of the only asset, named so"),
        pytest.param({"top_channels.limit": 5}, [], TOP_FIVE, id="as the command line has it"),
        pytest.param({"ops": {"top_channels.limit": 5}}, [], TOP_FIVE, id="as the command line has it, in ops"),
        pytest.param({"ops": {"limit": 5}}, ONLY, TOP_FIVE, id="of the only asset, in ops"),
        pytest.param({"ops": {"top_channels": {"config": {"parameters": {"limit": 5}}}}}, [], TOP_FIVE, id="one level more"),
        pytest.param({"ops": {"top_channels": {"config": {"config": {"limit": 5}}}}}, [], TOP_FIVE, id="config twice"),
        pytest.param({"ops": [{"name": "top_channels", "config": {"limit": 5}}]}, [], TOP_FIVE, id="a list of ops"),
        pytest.param({"ops": {"top_channels": {"config": '{"limit": 5}'}}}, [], TOP_FIVE, id="config as text"),
        pytest.param(
            {"ops": {"general": {"config": {"top_channels": {"config": {"limit": 5}}}}}}, [], TOP_FIVE, id="config where it was"
        ),
        pytest.param({"analyses": {"top_channels": {"limit": 5}}}, [], TOP_FIVE, id="by another word"),
        pytest.param({"parameters": [{"name": "limit", "value": 5}]}, ONLY, TOP_FIVE, id="names and values"),
        pytest.param({"job": {"steps": [{"asset": "top_channels", "with": {"limit": 5}}]}}, [], TOP_FIVE, id="deep down"),
        pytest.param({**TOP_FIVE, "telemetry_records": {"max_seconds": 5}}, [], BOTH, id="half in the right form"),
    ],
)
def test_parameters_in_another_form_are_refused_with_the_callers_own_values_in_the_right_one(
    given: dict[str, Any], assets: Sequence[str], form: dict[str, Any]
) -> None:
    with pytest.raises(RequestRefused) as refused:
        check_form(given, {}, assets)
    assert refused.value.problem == f"parameters are not written as {json.dumps(given)}"
    assert json.loads(refused.value.advice.removeprefix("write ")) == form
    check_form(form, {}, assets)


def test_parameters_as_tags_are_refused_with_the_right_form() -> None:
    """Dagster takes any tag, and would run with the defaults in silence."""
    for tags in ({"top_channels.limit": "5"}, {"top_channels/limit": "5"}):
        with pytest.raises(RequestRefused) as refused:
            check(TODAY | tags)
        assert str(refused.value) == f"parameters are not written as tags; write {json.dumps(TOP_FIVE)}"
    check(TODAY | {"top_channels.colour": "5", "team.limit": "5", "limit": "5"})


@pytest.mark.parametrize("tag", ["limit", "top_channels:limit", "telemetry/top_channels.limit"])
def test_so_are_those_of_the_only_asset_and_in_any_spelling(tag: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        check_form({}, {tag: "5"}, ONLY)
    assert refused.value.advice == f"write {json.dumps(TOP_FIVE)}"


@pytest.mark.parametrize("config", [5, "much", [1, 2]])
def test_what_is_no_parameter_where_some_belong_is_refused_with_those_that_there_are(config: object) -> None:
    below = {"general": {"config": {"top_channels": config}}}
    for ops in (below, {"top_channels": config}, {"top_channels": {"config": config}}):
        with pytest.raises(RequestRefused) as refused:
            check_form({"ops": ops}, {}, [])
        form = json.loads(refused.value.advice.removeprefix("write "))
        assert form["ops"]["general"]["config"]["top_channels"].keys() >= {"limit", "window_days"}


@pytest.mark.parametrize(
    ("given", "form", "owners"),
    [
        ({"n_segments": 3}, {"general": {"config": {"subscriber_segments": {"n_segments": 3}}}}, None),
        ({"max_seconds": 3}, {"telemetry_records": {"config": {"max_seconds": 3}}}, None),
        (
            {"top_n": 3},
            {"THEME": {"config": {"ANALYSIS": {"top_n": 3}}}},
            "period_channels, period_subscribers, subscriber_views",
        ),
        (
            {"deliver": False},
            {"REPORT": {"config": {"deliver": False}}},
            "daily_report, weekly_report, monthly_report, channel_report",
        ),
    ],
)
def test_a_parameter_without_its_asset_is_refused_with_those_that_have_it(
    given: dict[str, Any], form: dict[str, Any], owners: str | None
) -> None:
    with pytest.raises(RequestRefused) as refused:
        check_form(given, {}, [])
    [parameter] = given
    assert refused.value.advice == f"write {json.dumps({'ops': form})}" + (f"; {parameter} is of {owners}" if owners else "")


WORDS = st.sampled_from(
    ["ops", "solids", "config", "parameters", "resources", "general", "top_channels", "ott_views", "limit", "nonsense"]
)
ANYTHING = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=3),
)


@example({"ops": {"top_channels": {"config": 5, "limit": 5}}}, [])
@example({"ops": {"general": {"config": {"top_channels": 5}, "limit": 5}}}, ONLY)
@example({"limit": {"top_channels": {"limit": None}}}, [])
@example({"config": {"limit": [{"top_channels": {"limit": 5}}]}}, [])
@example({"limit": '{"top_channels": {"limit": 5}}'}, ["ott_views"])
@given_any(st.dictionaries(WORDS, ANYTHING, max_size=3), st.sampled_from([[], ONLY, ["ott_views"]]))
def test_whatever_is_sent_is_refused_with_a_form_that_is_not_refused_or_left_to_dagster(
    given: dict[str, Any], assets: Sequence[str]
) -> None:
    try:
        check_form(given, {}, assets)
    except RequestRefused as err:
        form = json.JSONDecoder().raw_decode(err.advice.removeprefix("write "))[0]
        check_form(form, {}, assets)


@pytest.mark.parametrize(
    "given",
    [
        {},
        TOP_FIVE,
        {"ops": {"ott_views": {}}},
        {"ops": {"general": {"config": {"top_channels": {"limt": 5}}}}},
        {"ops": {"general": {"config": 5}}},
        {"execution": {"config": {}}, "loggers": {}, "resources": {"warehouse": {"config": {}}}},
        {"ops": {"delete_old_runs": {"inputs": {}}}},
        {"ops": None},
        {"nonsense": {"limit": 5}},
        {"config": 5, "top_channels": 5},
    ],
)
def test_what_is_in_the_right_form_or_in_none_is_left_to_dagster(given: dict[str, Any]) -> None:
    check_form(given, {}, ONLY)
