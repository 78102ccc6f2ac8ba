"""Single claims about the analyses of subscribers and periods, in examples to read."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from analyses.conftest import DAY, History, own
from analyses.oracle import View
from viewing import last, on


def test_a_subscriber_is_of_the_cohort_of_the_first_month_in_the_window_across_the_year() -> None:
    views = [
        View(date(2025, 11, 30), subscriber_code="old"),
        View(date(2025, 12, 31), subscriber_code="old"),
        View(date(2025, 12, 31), subscriber_code="new"),
        View(DAY, subscriber_code="new"),
    ]
    columns = ("cohort_month", "month", "subscribers", "cohort_size", "retention_pct")
    found = [tuple(row[column] for column in columns) for row in History(views).ask("cohorts")]
    assert found == [
        ("2025-11-01", "2025-11-01", 1, 1, 100.0),
        ("2025-11-01", "2025-12-01", 1, 1, 100.0),
        ("2025-12-01", "2025-12-01", 1, 1, 100.0),
        ("2025-12-01", "2026-01-01", 1, 1, 100.0),
    ]
    assert [row["cohort_size"] for row in History(views).ask("cohorts", window_days=30)] == [2, 2]


@pytest.mark.parametrize(
    ("days", "risk"),
    [
        ({-3: 3}, "high"),
        ({-2: 3}, "high"),
        ({-2: 2}, None),
        ({-2: 4, -1: 2}, "medium"),
        ({-2: 4, -1: 3}, None),
        ({-2: 2, -1: 1}, None),
        ({-1: 9}, None),
        ({-9: 9}, None),
    ],
    ids=str,
)
def test_who_watches_half_of_before_or_less_may_leave(days: dict[int, int], risk: str | None) -> None:
    """Of five days the last two are compared with the three before."""
    history = History(on(days))
    found = history.ask("churn_risk", last(5))
    assert [row["risk"] for row in found] == ([risk] if risk else [])
    seen = min(days) > -5
    assert history.facts("churn_risk", last(5))["low_risk_subscribers"] == int(seen and not risk)


def test_quintiles_of_six_give_the_lowest_one_more() -> None:
    views = [View(DAY, duration_seconds=3600 * n, subscriber_code=f"S{n}") for n in range(6)]
    found = {(row["section"], row["metric"]): row["value"] for row in History(views).ask("subscriber_overview")}
    sections = ["inactivo", "ocasional", "regular", "activo", "super_activo"]
    assert [found[section, "subscribers"] for section in sections] == [2, 1, 1, 1, 1]
    assert [found[section, "watch_hours"] for section in sections] == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert (found["inactivo", "min_watch_hours"], found["inactivo", "max_watch_hours"]) == (0.0, 1.0)


def test_four_kinds_of_subscriber_are_told_apart() -> None:
    """Three of each kind, near to each other and far from the others."""
    views = [
        View(DAY, 10, 600 * kind + member, f"C{n % kind}", f"S{kind}{member}", minute=n)
        for kind in (1, 4, 8, 16)
        for member in range(3)
        for n in range(kind)
    ]
    found = History(views).ask("subscriber_segments")
    assert [(row["segment"], row["subscribers"], row["mean_views"]) for row in found] == [
        ("ocasionales", 3, 1.0),
        ("regulares", 3, 4.0),
        ("activos", 3, 8.0),
        ("super activos", 3, 16.0),
    ]


@pytest.mark.parametrize(
    ("name", "views", "parameters"),
    [
        ("anomalies", on({0: 3}), {}),
        ("anomalies", on({-1: 2, 0: 2}), {}),
        ("correlation", on({0: 9}), {}),
        ("viewing_forecast", on({-1: 1}), {}),
        ("subscriber_segments", on({0: 1}), {}),
        ("period_trend", on({0: 5}), {"period": last(1)}),
    ],
    ids=["one day", "equal days", "one subscriber", "two days", "one segment", "one-day period"],
)
def test_too_little_for_a_statistic_is_said_in_a_note(name: str, views: list[View], parameters: dict[str, Any]) -> None:
    assert str(History(views).facts(name, **parameters)["note"])


def test_a_note_is_only_where_something_is_missing() -> None:
    views = [View(DAY - timedelta(days=n % 9), n % 20, 60 * n, f"C{n % (1 + n**2 % 7)}", f"S{n**2 % 7}") for n in range(60)]
    history = History(views)
    for name in ("anomalies", "correlation", "viewing_forecast", "subscriber_segments", "period_trend"):
        assert "note" not in history.facts(name, last(9)), name


def test_a_profile_lists_ten_channels_and_shares_are_of_all_of_them() -> None:
    views = [View(DAY, channel_name=name) for name in "kjihgfedcbaa"]
    found = History(views).ask("subscriber_profile", subscriber_code="S1")
    channels = [(row["item"], row["value"]) for row in found if row["section"] == "channel"]
    assert channels == [("a", pytest.approx(200 / 12)), *((name, pytest.approx(100 / 12)) for name in "bcdefghij")]


def test_the_period_before_is_as_long_and_ends_the_day_before() -> None:
    views = on({-4: 8, -3: 1, -2: 1, -1: 3}, duration_seconds=3600) + on({0: 1}, duration_seconds=None)
    found = History(views).ask("period_comparison", last(2))
    assert [tuple(own(row).values()) for row in found] == [
        ("views", 3.0, 2.0, 1.0, 50.0, "aumento"),
        ("subscribers", 1.0, 1.0, 0.0, 0.0, "estable"),
        ("watch_hours", 3.0, 2.0, 1.0, 50.0, "aumento"),
    ]


def test_nothing_before_leaves_the_change_in_per_cent_open() -> None:
    found = History(on({0: 1})).ask("period_comparison", last(1))
    assert [(row["change_pct"], row["trend"]) for row in found] == [(None, "aumento")] * 3


@pytest.mark.parametrize(
    ("days", "direction", "strength"),
    [({-2: 1, 0: 3}, "creciente", "fuerte"), ({-2: 3}, "decreciente", "fuerte"), ({-2: 1, -1: 5, 0: 1}, "estable", "débil")],
    ids=str,
)
def test_a_trend_is_a_line_through_every_calendar_day(days: dict[int, int], direction: str, strength: str) -> None:
    [row] = History(on(days)).ask("period_trend", last(3))
    assert (row["direction"], row["strength"]) == (direction, strength)
    assert row["slope"] == (days.get(0, 0) - days[-2]) / 2


@pytest.mark.parametrize(("days", "strength"), [(34, "fuerte"), (35, "moderada"), (69, "moderada"), (70, "débil")])
def test_one_view_more_each_day_is_the_weaker_the_longer_it_takes(days: int, strength: str) -> None:
    """The standard deviation of so many days is 9.8, 10.1, 19.9 and 20.2; of it, the slope is a tenth or a twentieth."""
    [row] = History(on({n + 1 - days: n for n in range(days)})).ask("period_trend", last(days))
    assert (row["slope"], row["r_squared"]) == (pytest.approx(1), pytest.approx(1))
    assert row["strength"] == strength


@pytest.mark.parametrize(
    ("days", "label"),
    [
        ({-1: 10, 0: 11}, "estable"),
        ({-1: 10, 0: 12}, "creciente"),
        ({-1: 10, 0: 9}, "estable"),
        ({-1: 10, 0: 8}, "decreciente"),
    ],
    ids=str,
)
def test_ten_per_cent_more_or_less_is_stable_still(days: dict[int, int], label: str) -> None:
    found = History(on(days)).ask("subscriber_period", last(2), subscriber_code="S1")
    [trend] = [row for row in found if row["section"] == "trend"]
    assert trend["value"] == pytest.approx(10 * (days[0] - 10))
    assert trend["label"] == label


@pytest.mark.parametrize("views", range(1, 30, 4))
def test_a_day_two_standard_deviations_away_is_no_outlier_yet(views: int) -> None:
    """One day of five with views is exactly that; one of six is further."""
    history = History(on({0: views}))
    five, six = (
        [row["item"] for row in history.ask("subscriber_period", last(n), subscriber_code="S1") if row["section"] == "outlier"]
        for n in (5, 6)
    )
    assert (five, six) == ([], ["2026-01-03"])
