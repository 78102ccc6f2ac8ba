"""Every analysis says what it answers, what it takes and what it returns, and is found by its name."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pandas as pd
import pytest
from analyses.oracles import ORACLES
from pydantic import Field

from telemetry_pipeline.analyses.framework import declaration
from telemetry_pipeline.analyses.framework.columns import Column
from telemetry_pipeline.analyses.framework.declaration import (
    Analysis,
    GeneralParameters,
    PeriodParameters,
    analysis,
)
from telemetry_pipeline.analyses.framework.views import Views
from telemetry_pipeline.analyses.registry import all_analyses, find_analysis
from telemetry_pipeline.days import Period
from telemetry_pipeline.errors import RequestRefused

COLUMN = Column("channel", "text", "a channel", key=True)
DAY = date(2026, 3, 31)


@pytest.fixture
def _no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets a test register analyses of its own."""
    all_analyses()
    monkeypatch.setattr(declaration, "declared", {})


def question(views: Views, parameters: GeneralParameters) -> pd.DataFrame:
    """Which channel?

    More of it.
    """
    return pd.DataFrame({"channel": ["A", float("nan")]})


def test_the_analyses_are_registered_in_alphabetical_order() -> None:
    assert list(all_analyses()) == sorted([*ORACLES, "subscriber_segments"])


@pytest.mark.parametrize("each", all_analyses().values(), ids=all_analyses())
def test_an_analysis_says_what_it_answers_and_what_its_columns_and_parameters_are(each: Analysis) -> None:
    assert re.fullmatch(r"[A-Z].*\?", each.question)
    assert len(each.description.splitlines()) > 1
    assert all(column.description for column in each.columns)
    for field in each.parameters.model_fields.values():
        assert field.description


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("top_channels", {"limit": 0}),
        ("top_channels", {"limit": -1}),
        ("top_channels", {"limit": 10_001}),
        ("top_channels", {"limit": None}),
        ("top_channels", {"limit": 2.5}),
        ("top_channels", {"limits": 5}),
        ("geography", {"window_days": 0}),
        ("geography", {"window_days": 36_501}),
        ("geography", {"limit": 5}),
        ("peak_hours", {"channel": ""}),
        ("viewing_by_period", {"granularity": "hourly"}),
        ("viewing_by_period", {"granularity": None}),
    ],
    ids=str,
)
def test_an_impossible_parameter_is_refused_by_name(name: str, values: dict[str, Any]) -> None:
    with pytest.raises(RequestRefused, match=f"{name} cannot run with these parameters: {next(iter(values))}: "):
        find_analysis(name).parse(values)


def test_all_impossible_parameters_are_refused_in_one_message() -> None:
    with pytest.raises(RequestRefused, match=r"window_days: .*; limit: "):
        find_analysis("top_channels").parse({"window_days": 0, "limit": 0})


OWN_DEFAULTS: dict[str, dict[str, Any]] = {
    "anomalies": {"threshold_std": 3},
    "channel_flow": {"gap_minutes": 30, "limit": 200},
    "churn_risk": {"window_days": 14, "min_views": 3},
    "cohorts": {"window_days": None},
    "peak_hours": {"channel": None},
    "period_breakdown": {"granularity": "daily"},
    "period_channels": {"top_n": 20},
    "period_events": {"threshold_std": 2},
    "period_subscribers": {"top_n": 50},
    "reach": {"min_minutes": 1},
    "stickiness": {"window_days": 90, "days": 30},
    "subscriber_segments": {"n_segments": 4},
    "top_channels": {"limit": 20},
    "top_subscribers": {"limit": 10},
    "viewing_by_period": {"granularity": "daily"},
    "viewing_forecast": {"window_days": 90, "channel": None, "forecast_days": 7},
    "win_back": {"window_days": 60, "days": 7, "absent_days": 14},
}


@pytest.mark.parametrize("name", OWN_DEFAULTS)
def test_defaults_are_those_of_the_definition(name: str) -> None:
    analysis = find_analysis(name)
    window = {} if analysis.is_of_period else {"window_days": 30}
    assert analysis.parse({}).model_dump() == window | OWN_DEFAULTS[name]


@pytest.mark.parametrize("each", all_analyses().values(), ids=all_analyses())
def test_an_analysis_stands_in_the_room_of_its_theme(each: Analysis) -> None:
    assert each.compute.__module__.split(".")[:-1] == ["telemetry_pipeline", "analyses", each.theme]


def test_what_compares_and_what_looks_ahead_are_those_of_the_definition() -> None:
    assert find_analysis("period_comparison").compares
    assert not find_analysis("period_summary").compares
    assert all(find_analysis(name).looks_ahead for name in ("average_audience", "concurrency", "rating"))
    assert not find_analysis("share").looks_ahead


def test_an_unknown_analysis_is_refused_with_a_list_of_those_there_are() -> None:
    with pytest.raises(RequestRefused, match=r"no analysis 'top_chanels'; there are active_subscribers, .*top_channels"):
        find_analysis("top_chanels")


@pytest.mark.parametrize(
    ("window_days", "first"),
    [(1, DAY), (30, date(2026, 3, 2)), (31, date(2026, 3, 1)), (365, date(2025, 4, 1)), (None, date.min)],
)
def test_a_window_looks_back_from_its_partition(window_days: int | None, first: date) -> None:
    general = find_analysis("geography")
    assert general.window(DAY, general.parse({"window_days": window_days})) == Period(first, DAY)


def test_a_window_longer_than_the_calendar_is_all_history() -> None:
    general = find_analysis("geography")
    assert general.window(date(1, 1, 5), general.parse({"window_days": 30})) == Period(date.min, date(1, 1, 5))


def test_a_range_is_one_window_for_each_day_of_a_general_analysis() -> None:
    general = find_analysis("geography")
    windows = general.windows(Period(date(2025, 12, 31), date(2026, 1, 1)), general.parse({"window_days": 2}))
    assert windows == [
        Period(date(2025, 12, 30), date(2025, 12, 31)),
        Period(date(2025, 12, 31), date(2026, 1, 1)),
    ]


def test_a_range_is_the_one_period_of_a_period_analysis() -> None:
    each = find_analysis("period_summary")
    period = Period(date(2026, 1, 1), DAY)
    assert each.windows(period, each.parse({})) == [period]


def test_only_what_compares_reads_as_many_days_before() -> None:
    period = Period(date(2026, 3, 30), DAY)
    assert find_analysis("period_comparison").reads(period) == Period(date(2026, 3, 28), DAY)
    assert find_analysis("period_summary").reads(period) == period


@pytest.mark.usefixtures("_no_others")
def test_facts_stay_with_what_is_computed() -> None:
    def with_facts(views: Views, parameters: GeneralParameters) -> pd.DataFrame:
        """Which?"""
        frame = pd.DataFrame({"channel": ["A"]})
        frame.attrs["facts"] = {"note": "only one"}
        return frame

    compute = analysis(columns=(COLUMN,), parameters=GeneralParameters)(with_facts)
    assert compute(None, GeneralParameters()).attrs == {"facts": {"note": "only one"}}  # type: ignore[arg-type]


def test_a_period_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(RequestRefused, match="begin on 2026-01-02 and end on 2026-01-01"):
        Period(date(2026, 1, 2), date(2026, 1, 1))


@pytest.mark.usefixtures("_no_others")
def test_a_decorated_function_is_registered_and_gives_the_declared_types() -> None:
    decorated = analysis(columns=(COLUMN,), parameters=GeneralParameters)(question)
    [each] = all_analyses().values()
    assert (each.name, each.question, each.theme) == ("question", "Which channel?", "general")
    assert each.compute is decorated
    frame = decorated(None, GeneralParameters())  # type: ignore[arg-type]
    assert frame["channel"].tolist() == ["A", pd.NA]


@pytest.mark.usefixtures("_no_others")
def test_a_function_that_gives_other_columns_than_it_declares_fails() -> None:
    other = Column("name", "text", "a name")
    decorated = analysis(columns=(other,), parameters=GeneralParameters)(question)
    with pytest.raises(TypeError, match=r"\['channel'\], and \['name'\] are declared"):
        decorated(None, GeneralParameters())  # type: ignore[arg-type]


def test_contradictory_declarations_are_refused() -> None:
    class WithLimit(PeriodParameters):
        limit: int = Field(default=1)

    def no_docstring(views: Views, parameters: GeneralParameters) -> pd.DataFrame:
        return pd.DataFrame()

    with pytest.raises(TypeError, match="derive from GeneralParameters; WithLimit does not"):
        analysis(columns=(COLUMN,), parameters=WithLimit)
    with pytest.raises(TypeError, match="derive from PeriodParameters; GeneralParameters does not"):
        analysis(columns=(COLUMN,), parameters=GeneralParameters, theme="period")
    with pytest.raises(TypeError, match="no_docstring has no docstring"):
        analysis(columns=(COLUMN,), parameters=GeneralParameters)(no_docstring)


@pytest.mark.usefixtures("_no_others")
def test_a_name_is_taken_once_and_never_the_catalogues() -> None:
    register = analysis(columns=(COLUMN,), parameters=GeneralParameters)
    register(question)
    with pytest.raises(TypeError, match="two analyses of the name question"):
        register(question)

    def results(views: Views, parameters: GeneralParameters) -> pd.DataFrame:
        """Which?"""
        return pd.DataFrame()

    with pytest.raises(TypeError, match="name of the catalogue"):
        register(results)
