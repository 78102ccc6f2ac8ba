"""A problem is one incident from its first report to its end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from telemetry_pipeline.errors import WarehouseError
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.operations import problems
from telemetry_pipeline.warehouse.operations.problems import ChannelState, Incident, Problem

STALE = Problem("freshness", "No new records", "none for 31 minutes", "ask the operator of PanAccess", run_id="a1")


def test_reporting_an_open_problem_again_counts_and_renews_what_is_known_of_it(engine: sa.Engine) -> None:
    problems.report(engine, STALE)
    problems.report(engine, replace(STALE, detail="none for 33 minutes", run_id="b2"))
    (found,) = problems.open_problems(engine)
    assert (found.key, found.summary, found.advice) == (STALE.key, STALE.summary, STALE.advice)
    assert (found.times, found.detail, found.run_id) == (2, "none for 33 minutes", "b2")
    assert found.opened_at < found.last_at


def test_callers_at_the_same_time_open_a_problem_once(engine: sa.Engine) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: problems.report(engine, STALE), range(24)))
    (found,) = problems.open_problems(engine)
    assert found.times == 24


def test_a_resolved_problem_that_comes_back_is_another_incident(engine: sa.Engine) -> None:
    assert not problems.resolve(engine, STALE.key)
    problems.report(engine, STALE)
    assert problems.resolve(engine, STALE.key)
    assert not problems.resolve(engine, STALE.key)
    assert problems.open_problems(engine) == []
    problems.report(engine, STALE)
    (found,) = problems.open_problems(engine)
    assert (found.times, found.openings) == (1, 2)


def test_what_people_were_told_is_known_by_incident_and_by_key(engine: sa.Engine) -> None:
    now = datetime.now(UTC)
    problems.report(engine, STALE)
    (first,) = problems.untold(engine, now)
    assert first.problem_id is not None
    problems.mark_told(engine, first.problem_id, now, resolution=False)
    problems.resolve(engine, STALE.key)
    problems.report(engine, STALE)
    ended, again = problems.untold(engine, now)
    assert (ended.told_at, ended.key_told_at) == (now, now)
    assert (again.told_at, again.key_told_at) == (None, now)
    problems.mark_told(engine, first.problem_id, now, resolution=True)
    assert [incident.problem_id for incident in problems.untold(engine, now)] == [again.problem_id]


def test_what_was_over_a_day_ago_is_no_news(engine: sa.Engine) -> None:
    now = datetime.now(UTC)
    past = now - timedelta(days=2)
    problems.add(engine, Incident("old", "Old", opened_at=past, last_at=past, resolved_at=past))
    problems.add(engine, Incident("new", "New", opened_at=past, last_at=past, resolved_at=now))
    assert [incident.key for incident in problems.untold(engine, now)] == ["new"]


def test_an_incident_kept_elsewhere_gives_way_to_one_that_is_open(engine: sa.Engine) -> None:
    now = datetime.now(UTC)
    problems.report(engine, STALE)
    problems.add(engine, Incident(STALE.key, "Kept in memory", opened_at=now, last_at=now))
    assert [found.summary for found in problems.open_problems(engine)] == [STALE.summary]


def test_a_channel_fails_since_its_first_failure_until_it_works(engine: sa.Engine) -> None:
    began = datetime.now(UTC)
    later = began + timedelta(minutes=1)
    problems.note_channel(engine, "mailto://u:****@example.com", "refused", began)
    problems.note_channel(engine, "mailto://u:****@example.com", "time-out", later)
    assert problems.channels(engine) == [ChannelState("mailto://u:****@example.com", None, began, 2, "time-out")]
    problems.note_channel(engine, "mailto://u:****@example.com", None, later)
    assert problems.channels(engine) == [ChannelState("mailto://u:****@example.com", later, None, 0, None)]


def test_an_unreachable_database_is_said_to_be_one() -> None:
    with pytest.raises(WarehouseError, match="cannot be reached"):
        problems.report(connect("postgresql://127.0.0.1:9/telemetry"), STALE)
