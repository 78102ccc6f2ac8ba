"""One way to an answer: what is stored where it is of the same views, rules and code; computed in memory where it is not."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
import sqlalchemy as sa
from warehouse_events import MEXICO, ZONE, stop, store

from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.days import Period
from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.results import computing, stored, tables
from telemetry_pipeline.results.views.windows import Store
from telemetry_pipeline.warehouse.core.views import merge

FIRST, SECOND = date(2025, 1, 30), date(2025, 1, 31)
BOTH, LAST = Period(FIRST, SECOND), Period(SECOND, SECOND)
RULES = Rules(MEXICO)


def keep(engine: sa.Engine, name: str, period: Period) -> None:
    analysis = find_analysis(name)
    values = analysis.parse({})
    computing.update(engine, Store(RULES), analysis, analysis.windows(period, values), values)


def hours(frame: pd.DataFrame) -> float:
    return float(frame["watch_hours"].iloc[0])


def how_many_are_stored(engine: sa.Engine, name: str) -> int:
    with engine.connect() as connection:
        return len(stored.periods(connection, find_analysis(name)))


def test_what_is_not_stored_is_computed_and_stays_unstored(two_days: sa.Engine) -> None:
    assert hours(computing.compute(two_days, Store(RULES), "period_summary", BOTH)) == 3.0
    assert how_many_are_stored(two_days, "period_summary") == 0


def test_what_is_stored_of_the_same_views_is_taken(two_days: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(two_days, "period_summary", BOTH)
    monkeypatch.setattr(Store, "load", None)
    assert hours(computing.compute(two_days, Store(RULES), "period_summary", BOTH)) == 3.0


def test_what_is_stored_of_other_views_or_rules_is_not_taken(two_days: sa.Engine) -> None:
    keep(two_days, "period_summary", BOTH)
    store(two_days, stop(9, duration=3600, hours=24))
    merge(two_days, ZONE)
    assert hours(computing.compute(two_days, Store(RULES), "period_summary", BOTH)) == 4.0
    small = computing.compute(two_days, Store(Rules(MEXICO, small_base=1)), "period_summary", BOTH)
    assert small["small_base"].tolist() == [False]


def test_what_was_computed_by_other_code_is_not_taken(two_days: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(two_days, "period_summary", BOTH)
    monkeypatch.setattr(computing, "code_version", lambda _analysis: "another")
    monkeypatch.setattr(tables, "load", None)
    assert hours(computing.compute(two_days, Store(RULES), "period_summary", BOTH)) == 3.0


@pytest.mark.parametrize("name", ["period_summary", "top_channels", "viewing_forecast", "average_audience"])
def test_rows_and_facts_are_the_same_either_way(two_days: sa.Engine, name: str) -> None:
    computed = computing.compute(two_days, Store(RULES), name, LAST)
    keep(two_days, name, LAST)
    taken = computing.compute(two_days, Store(RULES), name, LAST)
    pd.testing.assert_frame_equal(computed, taken)
    assert computed.attrs == taken.attrs


def test_what_looks_back_is_asked_for_one_day_and_parameters_are_checked(two_days: sa.Engine) -> None:
    with pytest.raises(RequestRefused, match="ask for one day"):
        computing.compute(two_days, Store(RULES), "top_channels", BOTH)
    with pytest.raises(RequestRefused, match="limit"):
        computing.compute(two_days, Store(RULES), "top_channels", LAST, {"limit": 0})
    with pytest.raises(RequestRefused, match="there is no analysis"):
        computing.compute(two_days, Store(RULES), "never", LAST)
