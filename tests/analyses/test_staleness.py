"""Which results of past days are to be computed anew: those whose inputs changed, and no others."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from warehouse_events import MEXICO, ZONE, complete, select, start, stop, store

from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.analyses.registry import all_analyses, find_analysis, is_of_period
from telemetry_pipeline.days import Period
from telemetry_pipeline.results import computing, stored
from telemetry_pipeline.results.freshness import staleness
from telemetry_pipeline.results.freshness.staleness import stale_days
from telemetry_pipeline.results.views.windows import Store
from telemetry_pipeline.warehouse.core import segments
from telemetry_pipeline.warehouse.core.views import merge
from telemetry_pipeline.warehouse.db.connections import snapshot

FIRST, SECOND, THIRD = date(2025, 1, 30), date(2025, 1, 31), date(2025, 2, 1)
RULES = Rules(MEXICO)


@pytest.fixture
def computed(engine: sa.Engine) -> sa.Engine:
    """A measure by minute and one by date, of each of three days."""
    store(engine, start(1, "A"), *(stop(2 + n, duration=60, hours=24 * n) for n in range(3)))
    merge(engine, ZONE)
    complete(engine, SECOND)
    for name in ("rating", "share"):
        analysis = find_analysis(name)
        windows = analysis.windows(Period(FIRST, THIRD), analysis.parse({}))
        computing.update(engine, Store(RULES), analysis, windows, analysis.parse({}))
    return engine


def stale(engine: sa.Engine, rules: Rules = RULES) -> dict[date, set[str]]:
    """Of those that the fixture computed, and of period analyses; the others were never computed."""
    found = {
        day: {"rating", "share", "period_trend"} & set(names) for day, names in stale_days(engine, FIRST, THIRD, rules).items()
    }
    return {day: names for day, names in found.items() if names}


def test_what_is_as_it_was_computed_is_not_stale(computed: sa.Engine) -> None:
    assert stale(computed) == {}


def test_views_that_were_running_make_stale_only_what_looks_ahead_to_their_day(computed: sa.Engine) -> None:
    with computed.begin() as connection:
        segments.mark_changed(connection, [date(2025, 2, 2)], [date(2025, 2, 2)])
    assert stale(computed) == {THIRD: {"rating"}}


def test_other_views_of_a_day_make_stale_what_looks_back_to_it(computed: sa.Engine) -> None:
    with computed.begin() as connection:
        segments.mark_changed(connection, [THIRD])
    assert stale(computed) == {THIRD: {"rating", "share"}}


def test_a_day_that_becomes_complete_makes_stale_what_it_is_in_and_settles_the_day_before(computed: sa.Engine) -> None:
    complete(computed, THIRD)
    assert stale(computed) == {FIRST: {"rating"}, SECOND: {"rating", "share"}, THIRD: {"rating", "share"}}


def test_a_moment_that_moves_makes_stale_what_has_a_provisional_day(computed: sa.Engine) -> None:
    with computed.begin() as connection:
        connection.execute(sa.text("update telemetry.sync_state set known_until = '2025-01-31 12:00-06'"))
    assert stale(computed) == {SECOND: {"rating", "share"}, THIRD: {"rating", "share"}}


def test_what_counts_otherwise_makes_everything_stale(computed: sa.Engine) -> None:
    assert stale(computed, Rules(MEXICO, small_base=5)) == {day: {"rating", "share"} for day in (FIRST, SECOND, THIRD)}


def test_of_period_analyses_those_of_single_days_are_waited_for(computed: sa.Engine) -> None:
    analysis = find_analysis("period_trend")
    for period in (Period(FIRST, SECOND), Period(SECOND, SECOND), Period(FIRST, THIRD)):
        parameters = analysis.parse({})
        computing.update(computed, Store(RULES), analysis, [period], parameters)
    with computed.begin() as connection:
        segments.mark_changed(connection, [SECOND])
    assert stale(computed) == {SECOND: {"rating", "share", "period_trend"}, THIRD: {"rating", "share"}}


def test_a_day_with_some_results_lacks_the_others(computed: sa.Engine) -> None:
    """A run that dies in the middle leaves a day so; once the day is over no tick computes the rest."""
    looking_back = {name for name, each in all_analyses().items() if not each.is_of_period and each.runs_unattended}
    found = stale_days(computed, FIRST, THIRD, RULES)
    assert found == dict.fromkeys([FIRST, SECOND, THIRD], dict.fromkeys(looking_back - {"rating", "share"}))
    analysis = find_analysis("period_trend")
    parameters = analysis.parse({})
    computing.update(computed, Store(RULES), analysis, [Period(SECOND, SECOND)], parameters)
    others = {name for name, each in all_analyses().items() if each.is_of_period and each.runs_unattended}
    lacking = {name for name in stale_days(computed, FIRST, THIRD, RULES)[SECOND] if is_of_period(name)}
    assert lacking == others - {"period_trend"}


def test_what_other_code_computed_is_stale(computed: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staleness, "code_version", lambda _: "another")
    assert stale(computed) == {day: {"rating", "share"} for day in (FIRST, SECOND, THIRD)}


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("drop table analysis.share cascade", {FIRST: {"share"}, SECOND: {"share"}, THIRD: {"share"}}),
        ("truncate analysis.rating", {FIRST: {"rating"}, SECOND: {"rating"}, THIRD: {"rating"}}),
        ("alter table analysis.share drop column share_pct cascade", {day: {"share"} for day in (FIRST, SECOND, THIRD)}),
        ("delete from analysis.share where period_last = '2025-01-31' and ordinal = 0", {SECOND: {"share"}}),
        (
            "delete from analysis.results where asset = 'share' and period_last < '2025-02-01'",
            {FIRST: {"share"}, SECOND: {"share"}},
        ),
    ],
)
def test_what_was_taken_away_is_stale_is_computed_again_and_is_there_for_all(
    computed: sa.Engine, statement: str, expected: dict[date, set[str]]
) -> None:
    latest = "select period_last, channel, share_pct from analysis.latest_share"
    before = select(computed, latest)
    with computed.begin() as connection:
        connection.execute(sa.text(statement))
    assert stale(computed) == expected
    for day, names in expected.items():
        for name in names:
            analysis = find_analysis(name)
            windows = analysis.windows(Period(day, day), analysis.parse({}))
            computing.update(computed, Store(RULES), analysis, windows, analysis.parse({}))
    assert stale(computed) == {}
    assert select(computed, latest) == before


def test_a_result_of_a_dropped_column_says_that_it_is_outdated(computed: sa.Engine) -> None:
    with computed.begin() as connection:
        connection.execute(sa.text("alter table analysis.share drop column share_pct cascade"))
    analysis = find_analysis("share")
    with snapshot(computed) as connection:
        found = stored.read(connection, analysis, analysis.parse({}), RULES, day=THIRD)
    assert found is not None
    assert found.outdated


def test_years_of_days_take_no_more_statements_than_a_few_days(computed: sa.Engine) -> None:
    """It is asked every minute: the time grows with the days, and the number of statements not at all."""

    def statements(days: int) -> int:
        with computed.begin() as connection:
            segments.mark_changed(connection, [FIRST - timedelta(days=n) for n in range(days)])
        counted = 0

        def count(*_: object) -> None:
            nonlocal counted
            counted += 1

        sa.event.listen(computed, "before_cursor_execute", count)
        found = stale_days(computed, FIRST - timedelta(days=days), THIRD, RULES)
        sa.event.remove(computed, "before_cursor_execute", count)
        assert len(found) >= days
        return counted

    assert statements(400) == statements(3) < 40
