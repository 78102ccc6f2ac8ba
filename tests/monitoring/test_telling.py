"""People are told of a problem once, again after an hour, and of its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_pipeline.monitoring.alerts.judging import Memory, judge
from telemetry_pipeline.monitoring.alerts.messages import compose, subject_of
from telemetry_pipeline.monitoring.alerts.telling import QUIET, Occasion, Telling, due
from telemetry_pipeline.monitoring.components import DAEMON, Reading
from telemetry_pipeline.warehouse.operations.problems import Incident
from telemetry_pipeline.words.language import Language

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def incident(**changes: object) -> Incident:
    begin = Incident("component:broker", "The broker does not work", opened_at=NOW - MINUTE, last_at=NOW - MINUTE)
    return replace(begin, **changes)  # type: ignore[arg-type]


def told(*incidents: Incident, now: datetime = NOW) -> list[str]:
    return [telling.occasion.value for telling in due(incidents, now)]


def test_an_open_problem_is_told_once_an_hour() -> None:
    assert told(incident()) == ["problem"]
    known = incident(told_at=NOW, key_told_at=NOW)
    assert told(known, now=NOW + 59 * MINUTE) == []
    assert told(known, now=NOW + 60 * MINUTE) == ["reminder"]


def test_a_run_that_failed_is_told_again_only_if_it_fails_again() -> None:
    failed = incident(key="run:telemetry_range:2026-11-01", run_id="0098262b", told_at=NOW, key_told_at=NOW)
    assert told(failed, now=NOW + 60 * MINUTE) == []
    assert told(replace(failed, last_at=NOW + MINUTE), now=NOW + 60 * MINUTE) == ["reminder"]


def test_the_end_of_a_problem_that_was_told_is_told_at_once() -> None:
    assert told(incident(told_at=NOW, key_told_at=NOW, resolved_at=NOW)) == ["recovery"]


def test_a_short_outage_that_nobody_was_told_of_is_told_with_its_end() -> None:
    assert told(incident(resolved_at=NOW)) == ["problem", "recovery"]


def test_what_comes_back_within_the_hour_is_told_when_the_hour_is_over_if_it_is_open_then() -> None:
    again = incident(key_told_at=NOW - 30 * MINUTE)
    assert told(again) == []
    assert told(again, now=NOW + 30 * MINUTE) == ["problem"]
    assert told(replace(again, resolved_at=NOW), now=NOW + 30 * MINUTE) == []


def test_of_two_incidents_of_a_key_the_one_that_is_open_is_told() -> None:
    over = incident(opened_at=NOW - 5 * MINUTE, resolved_at=NOW - 4 * MINUTE)
    assert due([over, incident()], NOW) == [Telling(Occasion.PROBLEM, incident())]


def test_different_problems_do_not_silence_each_other() -> None:
    assert told(incident(), incident(key="component:daemon")) == ["problem", "problem"]


@given(st.lists(st.booleans(), max_size=200))
def test_however_a_problem_flaps_there_is_one_message_an_hour_and_no_end_without_a_beginning(states: Sequence[bool]) -> None:
    incidents: list[Incident] = []
    told_at: list[datetime] = []
    for number, is_wrong in enumerate(states):
        now = NOW + 3 * number * MINUTE
        last = incidents[-1] if incidents else None
        if is_wrong and (last is None or last.resolved_at):
            incidents.append(incident(opened_at=now, last_at=now, problem_id=number))
        elif not is_wrong and last is not None and not last.resolved_at:
            incidents[-1] = replace(last, resolved_at=now)
        untold = [replace(each, key_told_at=max(told_at, default=None)) for each in incidents if not each.resolution_told_at]
        for telling in due(untold, now):
            at = [each.problem_id for each in incidents].index(telling.incident.problem_id)
            if telling.occasion is Occasion.RECOVERY:
                assert incidents[at].told_at is not None
                incidents[at] = replace(incidents[at], resolution_told_at=now)
            else:
                told_at.append(now)
                incidents[at] = replace(incidents[at], told_at=now)
    assert all(later - earlier >= QUIET for earlier, later in pairwise(told_at))


def test_a_message_says_what_since_when_how_often_which_run_where_and_what_to_do() -> None:
    problem = incident(
        key="run:telemetry_tick",
        summary="A tick failed",
        detail="PanAccess answered 500",
        advice="look at the run",
        run_id="0098262b",
        times=3,
        openings=2,
    )
    zone = ZoneInfo("America/Mexico_City")
    body = compose(Telling(Occasion.PROBLEM, problem), NOW, zone, "https://telemetry.example.com/", Language.EN)
    assert subject_of(Telling(Occasion.PROBLEM, problem), Language.EN) == (
        "[Telemetry Pipeline] PROBLEM: The task telemetry_tick failed"
    )
    for part in (
        "Since: 2026-11-21 05:59:00 CST (1 min 0 s)",
        "Reported: 3 times",
        "came up 2 times",
        "Run: 0098262b",
        "Look: https://telemetry.example.com/dagster/runs/0098262b",
        "In detail: A tick failed\nPanAccess answered 500\n",
        "What to do: look at the run",
    ):
        assert part in body


def test_a_message_is_in_the_language_of_the_operator_and_only_its_detail_is_not() -> None:
    problem = Telling(Occasion.PROBLEM, incident(detail="It is silent."))
    body = compose(problem, NOW, ZoneInfo("UTC"), "https://telemetry.example.com/", Language.ES)
    assert subject_of(problem, Language.ES) == "[Telemetry Pipeline] PROBLEMA: El repartidor de pasos (Redis) no funciona"
    head, technical = body.split("Detalle técnico: ")
    assert head.startswith("El repartidor de pasos (Redis) no funciona\n\nDesde: 2026-11-21 11:59:00 UTC (1 min 0 s)")
    assert "Qué hacer: Quien lo supervisa lo vuelve a iniciar." in head
    assert technical.startswith("The broker does not work\nIt is silent.")
    assert technical.endswith("Mientras dure se le recuerda cada hora, y se le avisa cuando termine.")


def test_a_component_that_came_back_as_another_process_is_told_as_that() -> None:
    verdict = judge({DAEMON: Memory("1", worked=True)}, {DAEMON: Reading(identity="2")}, set(), starting=False)
    [restart] = verdict.begun
    over = Telling(Occasion.RECOVERY, incident(key=restart.key, summary=restart.summary, resolved_at=NOW))
    assert (
        subject_of(over, Language.ES) == "[Telemetry Pipeline] TERMINÓ: El servicio del horario terminó y se volvió a iniciar"
    )
    assert subject_of(over, Language.EN) == "[Telemetry Pipeline] OVER: Dagster's daemon had ended and was restarted"


def test_a_recovery_says_how_long_it_lasted() -> None:
    over = incident(opened_at=NOW - 83 * MINUTE, resolved_at=NOW, told_at=NOW)
    body = compose(Telling(Occasion.RECOVERY, over), NOW, ZoneInfo("UTC"), None, Language.EN)
    assert (
        subject_of(Telling(Occasion.RECOVERY, over), Language.EN)
        == "[Telemetry Pipeline] OVER: The broker (Redis) does not work"
    )
    assert "Lasted: 1 h 23 min" in body
    assert "Look:" not in body


def test_what_was_told_before_a_clock_was_set_back_is_told_again() -> None:
    """Two hours ahead for some minutes silenced every alert for three hours."""
    ahead = NOW + 120 * MINUTE
    assert told(incident(told_at=ahead, key_told_at=ahead)) == ["reminder"]
    assert told(incident(run_id="0098262b", told_at=ahead, key_told_at=ahead)) == ["reminder"]
    assert told(incident(resolved_at=NOW, key_told_at=ahead)) == ["problem", "recovery"]
    assert told(incident(told_at=NOW + MINUTE, key_told_at=NOW + MINUTE)) == []


LONG = incident(key="ours", detail="an error of many words, " * 200, advice="look at the run", run_id="0098262b", times=3)


@pytest.mark.parametrize("room", [1_024, 300, 160, 60, 10])
def test_a_message_for_a_service_that_takes_little_keeps_what_to_do(room: int) -> None:
    body = compose(Telling(Occasion.PROBLEM, LONG), NOW, ZoneInfo("UTC"), "https://telemetry.example.com", Language.EN, room)
    assert len(body) <= room
    assert ("What to do: look at the run" in body) == (room > 10)
    assert ("Look: https://telemetry.example.com/dagster/runs/0098262b" in body) == (room > 200)
    assert ("an error of many words" in body) == (room > 300)


def test_a_message_that_fits_is_not_shortened() -> None:
    whole = compose(Telling(Occasion.PROBLEM, LONG), NOW, ZoneInfo("UTC"), None, Language.EN)
    assert compose(Telling(Occasion.PROBLEM, LONG), NOW, ZoneInfo("UTC"), None, Language.EN, len(whole)) == whole
    assert LONG.detail.strip() in whole


def test_what_comes_from_elsewhere_can_neither_break_the_subject_nor_hide_in_the_body() -> None:
    poison = "Ñandú\r\nBcc: all@example.com \x1b[2J\u202egpj.exe"
    problem = Telling(Occasion.PROBLEM, incident(key="ours", summary=poison, detail=poison))
    assert (
        subject_of(problem, Language.EN) == "[Telemetry Pipeline] PROBLEM: Ñandú Bcc: all@example.com \\u001b[2J\\u202egpj.exe"
    )
    body = compose(problem, NOW, ZoneInfo("UTC"), None, Language.EN)
    assert body.startswith("Ñandú Bcc: all@example.com \\u001b[2J\\u202egpj.exe\n\nSince: ")
    assert not set("\r\x1b\u202e") & set(body)
