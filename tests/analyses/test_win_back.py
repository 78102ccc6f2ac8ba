"""Who came back: after how many days, when, and what is not claimed, in examples to read."""

from __future__ import annotations

from datetime import timedelta

import pytest
from analyses.conftest import DAY, History
from analyses.oracle import View
from viewing import column, known_until, on

from telemetry_pipeline.days import Completeness


@pytest.mark.parametrize(
    ("days", "found"),
    [
        ({-15: 1, 0: 1}, ("2026-01-03", 14)),
        ({-14: 1, 0: 1}, None),
        ({-21: 1, -6: 1}, ("2025-12-28", 14)),
        ({-22: 1, -7: 1}, None),
        ({-59: 1, 0: 1}, ("2026-01-03", 58)),
        ({-60: 1, 0: 1}, None),
        ({0: 9}, None),
        ({-15: 9}, None),
        ({-25: 1, -8: 1, -1: 1}, None),
        ({-50: 1, -30: 1, -3: 1, 0: 1}, ("2025-12-31", 26)),
    ],
    ids=[
        "14 days without a view",
        "13 days without",
        "back on the first of the last days",
        "back before the last days",
        "seen on the first day of the window",
        "seen before the window alone",
        "new",
        "away still",
        "back before, and here since",
        "away twice",
    ],
)
def test_who_comes_back_after_days_without_a_view_is_listed(days: dict[int, int], found: tuple[str, int] | None) -> None:
    rows = History(on(days)).ask("win_back")
    assert [(row["returned_on"], row["absent_days"]) for row in rows] == ([found] if found else [])


def test_of_two_returns_in_the_last_days_the_latest_is_told() -> None:
    [row] = History(on({-9: 2, -5: 1, 0: 1})).ask("win_back", absent_days=3)
    assert (row["returned_on"], row["absent_days"], row["views"], row["views_before"]) == ("2026-01-03", 4, 1, 3)


def test_what_was_watched_is_told_from_the_return_on_and_before_it() -> None:
    views = [*on({-40: 2, -20: 3}), *on({-2: 1, 0: 1}, duration_seconds=5400)]
    [row] = History(views).ask("win_back")
    assert (row["returned_on"], row["views"], row["watch_hours"], row["views_before"]) == ("2026-01-01", 2, 3.0, 5)


def test_a_view_without_a_duration_is_no_return_and_ends_no_absence() -> None:
    views = [*on({-30: 1, -1: 1}), *on({-8: 1, 0: 1}, duration_seconds=None)]
    [row] = History(views).ask("win_back")
    assert (row["returned_on"], row["absent_days"], row["views"]) == ("2026-01-02", 28, 1)
    assert History([*on({-30: 1}), *on({0: 1}, duration_seconds=None)]).ask("win_back") == []


def test_those_who_watched_most_since_are_first_and_equals_go_by_code() -> None:
    seconds = {"b": 600, "a": 600, "c": 1200}
    before = [View(DAY - timedelta(days=20), subscriber_code=code) for code in (*seconds, None)]
    since = [View(DAY, subscriber_code=code, duration_seconds=each) for code, each in seconds.items()]
    found = History([*before, *since, View(DAY, subscriber_code=None)]).ask("win_back")
    assert column(found, "subscriber_code") == ["c", "a", "b"]


def gap(first: int, last: int | None = None) -> Completeness:
    """All is known up to noon of today, but for a gap on days so far from it."""
    days = (DAY + timedelta(days=first), DAY + timedelta(days=first if last is None else last))
    return known_until("12:00", gaps=(days,))


YESTERDAY_UNREAD = Completeness(known_until("00:23").known_until, DAY - timedelta(days=1), first_day=DAY - timedelta(days=90))


@pytest.mark.parametrize(
    ("known", "claimed"),
    [
        (known_until("12:00"), True),
        (gap(-10), False),
        (gap(-19), False),
        (gap(-1), False),
        (gap(-20), True),
        (gap(-30, -20), True),
        (known_until("12:00", first_day=DAY - timedelta(days=20)), True),
        (YESTERDAY_UNREAD, False),
        (Completeness(first_day=DAY - timedelta(days=20)), False),
    ],
    ids=[
        "back on a day that is not over",
        "a gap in the absence",
        "on its first day",
        "on its last day",
        "on the last day before it",
        "long before it",
        "seen on the first day of data",
        "the day before was not read to its end",
        "nothing was read whole",
    ],
)
def test_an_absence_is_claimed_of_days_alone_that_are_known_whole(known: Completeness, claimed: bool) -> None:
    """Of who is not listed for that, it is said how many they are."""
    history = History(on({-20: 1, 0: 1}), known=known)
    assert len(history.ask("win_back")) == claimed
    assert history.facts("win_back")["unclear_subscribers"] == (not claimed)


def test_an_earlier_return_is_told_where_the_latest_is_not_sure() -> None:
    history = History(on({-20: 1, -5: 1, 0: 1}), known=gap(-2))
    [row] = history.ask("win_back", absent_days=4)
    assert (row["returned_on"], row["views"]) == ("2025-12-29", 2)
    assert history.facts("win_back", absent_days=4)["unclear_subscribers"] == 0
