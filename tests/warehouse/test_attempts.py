"""Of the attempts at a step one counts: the last that was begun, of those that were submitted last."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from telemetry_pipeline.errors import Superseded
from telemetry_pipeline.warehouse.operations import attempts

RUN, STEP = "run", "merge"


def test_an_attempt_counts_until_a_later_one_is_submitted(engine: sa.Engine) -> None:
    first = attempts.begin(engine, RUN, STEP, 0)
    first.check()
    assert not attempts.is_superseded(engine, RUN, STEP, 0)
    attempts.supersede(engine, RUN, STEP, 1)
    with pytest.raises(Superseded, match="another attempt at merge of run run"):
        first.check()
    assert attempts.is_superseded(engine, RUN, STEP, 0)
    assert attempts.begin(engine, RUN, STEP, 1).counts()


def test_who_begins_the_same_attempt_last_has_it(engine: sa.Engine) -> None:
    """A broker may hand a message out while its first reader is at work."""
    first, second = (attempts.begin(engine, RUN, STEP, 0) for _ in range(2))
    assert (first.counts(), second.counts()) == (False, True)
    assert (first.is_repeated, second.is_repeated) == (False, True)


@pytest.mark.parametrize("begun", [True, False])
def test_an_attempt_that_is_no_longer_wanted_cannot_be_begun(engine: sa.Engine, begun: bool) -> None:
    attempts.supersede(engine, RUN, STEP, 2)
    if begun:
        latest = attempts.begin(engine, RUN, STEP, 2)
        assert not latest.is_repeated
    for number in (0, 1):
        with pytest.raises(Superseded):
            attempts.begin(engine, RUN, STEP, number)
    attempts.supersede(engine, RUN, STEP, 1)
    assert attempts.is_superseded(engine, RUN, STEP, 1)
    assert not begun or latest.counts()


def test_steps_and_runs_do_not_mind_each_other(engine: sa.Engine) -> None:
    one = attempts.begin(engine, RUN, STEP, 0)
    for other in (("other", STEP), (RUN, "other")):
        attempts.supersede(engine, *other, 5)
    assert one.counts()


def test_nothing_of_an_ended_run_counts_and_what_lost_runs_left_goes_after_a_day(engine: sa.Engine) -> None:
    ended = attempts.begin(engine, RUN, STEP, 0)
    others = [attempts.begin(engine, run, STEP, 0) for run in ("lost", "other")]
    with engine.begin() as connection:
        connection.execute(
            sa.text("update telemetry.step_attempts set changed_at = now() - interval '25 hours' where run_id = 'lost'")
        )
    attempts.forget(engine, RUN)
    assert [each.counts() for each in (ended, *others)] == [False, False, True]
