"""What looks at components showed becomes problems that open once and end."""

from __future__ import annotations

from collections.abc import Set

import pytest

from telemetry_pipeline.monitoring.alerts.judging import Memory, judge
from telemetry_pipeline.monitoring.components import (
    BROKER,
    CODE,
    DAEMON,
    POSTGRES,
    QUEUES,
    TICKS,
    WEBSERVER,
    Look,
    Reading,
)

DEAD = Reading(fault="the connection is refused")
SLOW = Reading(fault="time-out", patience=3)


class Watching:
    """Judges look after look, and remembers what is open as the table of problems does."""

    def __init__(self, open_keys: Set[str] = frozenset(), *, starting: bool = False) -> None:
        self.memories: dict[str, Memory] = {}
        self.open = set(open_keys)
        self.starting = starting
        self.summaries: list[str] = []
        self.details: list[str] = []

    def see(self, look: Look) -> list[str]:
        verdict = judge(self.memories, look, self.open, starting=self.starting)
        self.memories = verdict.memories
        self.summaries += [problem.summary for problem in verdict.begun]
        self.details += [problem.detail for problem in verdict.begun]
        self.open = (self.open | {problem.key for problem in verdict.begun}) - set(verdict.over)
        return [f"+{problem.key}" for problem in verdict.begun] + [f"-{key}" for key in verdict.over]


def test_a_component_that_ended_is_a_problem_once_and_over_when_it_works() -> None:
    watching = Watching()
    assert watching.see({WEBSERVER: Reading()}) == []
    assert watching.see({WEBSERVER: DEAD}) == ["+component:webserver"]
    assert watching.see({WEBSERVER: DEAD}) == []
    assert watching.see({WEBSERVER: Reading()}) == ["-component:webserver"]
    assert watching.see({WEBSERVER: Reading()}) == []


def test_what_the_error_advises_goes_before_what_is_known_of_the_component() -> None:
    for advice, told in (("free the disk", "free the disk"), ("", "See that PostgreSQL runs")):
        [problem] = judge({}, {POSTGRES: Reading(fault="it is full", advice=advice)}, set(), starting=False).begun
        assert problem.advice.startswith(told)


@pytest.mark.parametrize("component", [POSTGRES, BROKER, CODE, DAEMON, "worker:a@host"])
def test_a_restart_between_two_looks_is_told_and_over_at_once(component: str) -> None:
    watching = Watching()
    watching.see({component: Reading(identity="1")})
    assert watching.see({component: Reading(identity="2")}) == [f"+component:{component}", f"-component:{component}"]
    assert watching.see({component: Reading(identity="2")}) == []
    assert "was restarted" in watching.summaries[0]


def test_an_outage_that_ends_with_another_process_is_one_problem() -> None:
    watching = Watching()
    watching.see({POSTGRES: Reading(identity="1")})
    assert watching.see({POSTGRES: DEAD}) == ["+component:postgresql"]
    assert watching.see({POSTGRES: Reading(identity="2")}) == ["-component:postgresql"]


def test_a_missed_answer_is_no_restart_and_no_problem() -> None:
    watching = Watching()
    watching.see({WEBSERVER: Reading()})
    assert watching.see({WEBSERVER: SLOW}) == []
    assert watching.see({WEBSERVER: SLOW}) == []
    assert watching.see({WEBSERVER: Reading()}) == []
    assert [watching.see({WEBSERVER: SLOW}) for _ in range(4)] == [[], [], ["+component:webserver"], []]


def test_a_component_that_was_not_asked_stays_as_it_is() -> None:
    watching = Watching()
    watching.see({CODE: Reading(identity="1")})
    assert watching.see({}) == []
    assert watching.see({CODE: Reading(identity="2")}) == ["+component:code", "-component:code"]


def test_what_an_earlier_watch_left_open_is_over_when_it_works() -> None:
    assert Watching({"component:daemon"}).see({DAEMON: Reading(identity="1")}) == ["-component:daemon"]


def test_problems_of_others_are_none_of_its_business() -> None:
    assert Watching({"freshness"}).see({DAEMON: Reading(identity="1"), QUEUES: Reading()}) == []


def test_components_are_given_time_to_start_unless_they_worked_before() -> None:
    watching = Watching(starting=True)
    assert watching.see({WEBSERVER: DEAD, BROKER: Reading()}) == []
    assert watching.see({WEBSERVER: DEAD, BROKER: DEAD}) == ["+component:broker"]
    watching.starting = False
    assert watching.see({WEBSERVER: DEAD}) == ["+component:webserver"]


def test_a_worker_that_vanished_is_lost_after_two_missed_answers_and_over_when_it_is_back() -> None:
    watching = Watching()
    nobody = Reading(fault="nobody serves ingest", patience=2)
    watching.see({QUEUES: Reading(), "worker:a": Reading(identity="1")})
    assert watching.see({QUEUES: nobody}) == []
    assert sorted(watching.see({QUEUES: nobody})) == ["+component:queues", "+component:worker:a"]
    assert watching.see({QUEUES: nobody}) == []
    back = watching.see({QUEUES: Reading(), "worker:a": Reading(identity="2")})
    assert sorted(back) == ["-component:queues", "-component:worker:a"]


def test_a_lost_worker_whose_queues_others_serve_is_told_and_over() -> None:
    watching = Watching()
    both = {QUEUES: Reading(), "worker:a": Reading(identity="1"), "worker:b": Reading(identity="2")}
    one = {QUEUES: Reading(), "worker:a": Reading(identity="1")}
    watching.see(both)
    assert watching.see(one) == []
    assert watching.see(one) == ["+component:worker:b", "-component:worker:b"]
    assert watching.see(one) == []


def test_workers_are_not_lost_while_nobody_can_ask_them() -> None:
    watching = Watching()
    watching.see({QUEUES: Reading(), "worker:a": Reading(identity="1")})
    assert [watching.see({BROKER: DEAD}) for _ in range(3)] == [["+component:broker"], [], []]


def test_stopped_ticks_name_the_components_that_are_silent() -> None:
    watching = Watching()
    assert watching.see({TICKS: Reading(fault="the last sync was at noon"), DAEMON: DEAD}) == [
        "+component:daemon",
        "+component:ticks",
    ]
    assert watching.details[-1] == "The last sync was at noon. Not working: Dagster's daemon."
    watching = Watching()
    watching.see({TICKS: Reading(fault="the last sync was at noon")})
    assert watching.details == ["The last sync was at noon. All components answer."]
