"""Which results of past days are to be computed anew: those whose inputs changed, and no others."""

from __future__ import annotations

from datetime import date

import pytest
import sqlalchemy as sa
from warehouse.events import MEXICO, ZONE, complete, start, stop, store

from telemetry_pipeline.analyses import computing
from telemetry_pipeline.analyses.periods import Period
from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.analyses.staleness import stale_days
from telemetry_pipeline.analyses.views import Rules, Store
from telemetry_pipeline.warehouse import segments
from telemetry_pipeline.warehouse.views import merge

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
        computing.update(engine, Store(RULES), analysis, windows, analysis.parse({}), draw=lambda _name, _frame: None)
    return engine


def stale(engine: sa.Engine, rules: Rules = RULES) -> dict[date, set[str]]:
    return {day: set(analyses) for day, analyses in stale_days(engine, FIRST, THIRD, rules).items()}


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
        computing.update(computed, Store(RULES), analysis, [period], parameters, draw=lambda _name, _frame: None)
    with computed.begin() as connection:
        segments.mark_changed(connection, [SECOND])
    assert stale(computed) == {SECOND: {"rating", "share", "period_trend"}, THIRD: {"rating", "share"}}
