"""*Estado* and metrics tell the same facts, and go on telling when a server is away."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
import sqlalchemy as sa
from front_door import OPERATOR, VIEWER, Browser
from operating import answers, door_over, run_of
from prometheus_client.parser import text_string_to_metric_families
from webservers import FakeWebserver

from telemetry_pipeline.errors import WarehouseUnavailable
from telemetry_pipeline.warehouse.access import sessions, tokens
from telemetry_pipeline.warehouse.access.audit import Actor
from telemetry_pipeline.warehouse.access.role import Role
from telemetry_pipeline.web.access import remembering
from telemetry_pipeline.web.operating import metrics as figures
from telemetry_pipeline.web.operating import state
from telemetry_pipeline.web.operating.board import Board, Part

Browsers = Callable[..., Browser]
AWAY = "http://127.0.0.1:9"


@pytest.fixture
def door(warehouse: sa.Engine, door_url: str, webserver: FakeWebserver, broker_url: str, door: object) -> object:
    """With a Dagster that has a run that failed lately, and an empty broker."""
    webserver.answers |= answers(run_of("FAILURE"))
    return door_over(webserver, warehouse, door_url, redis_url=broker_url)


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until every part has said something."""
    for module in (state, figures):
        monkeypatch.setattr(module, "PATIENCE_SECONDS", 60.0)


@pytest.fixture
def away(warehouse: sa.Engine, door_url: str, door: object) -> object:
    """A door whose Dagster and broker do not answer."""
    return door_over(FakeWebserver(url=AWAY), warehouse, door_url, redis_url="redis://127.0.0.1:9/0")


def test_every_part_is_shown(browser: Browsers) -> None:
    vera = browser(VIEWER)
    assert vera.get("/estado").status_code == 200
    page = vera.get("/estado/partes").text
    for text in (
        "Problemas",
        "Sincronización",
        "Pasos por minuto",
        "Esperan en «ingest»",
        "Particiones de records",
        "Disco de",
        "Peticiones respondidas",
    ):
        assert text in page
    assert "No responde ningún proceso" in page
    assert "No responde</strong>" not in page
    answered = [int(n) for n in re.findall(r"Peticiones respondidas</dt><dd>(\d+)", page + vera.get("/estado/partes").text)]
    assert answered[1] == answered[0] + 1


def test_each_part_says_who_is_away(browser: Browsers, away: object) -> None:
    page = browser(VIEWER, of=away).get("/estado/partes").text
    assert "Dagster no responde." in page
    assert "El repartidor de pasos (Redis) no responde." in page
    assert "Leído hasta el registro" in page


@pytest.mark.parametrize(
    ("waited", "said", "not_said"),
    [(0.1, "Es de hace 49 segundos; preguntando…", "Ahora no responde"), (600.0, "Ahora no responde", "preguntando…")],
)
def test_what_was_last_asked_long_ago_is_no_server_that_does_not_answer(
    browser: Browsers, monkeypatch: pytest.MonkeyPatch, waited: float, said: str, not_said: str
) -> None:
    """Who opened the page first in a while saw every part as one that does not answer, for ten seconds."""
    vera = browser(VIEWER)
    vera.get("/estado/partes")
    look = Board.look

    def long_ago(board: Board, patience_seconds: float) -> dict[str, Part]:
        parts = look(board, patience_seconds)
        return {name: replace(part, age_seconds=49.0, waited_seconds=waited) for name, part in parts.items()}

    monkeypatch.setattr(Board, "look", long_ago)
    page = vera.get("/estado").text
    assert said in page
    assert not_said not in page
    assert "data-now" in page


def test_while_postgresql_is_away_who_was_here_sees_the_state_and_nothing_else(
    browser: Browsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    oscar, stranger = browser(OPERATOR), browser()
    assert oscar.get("/").status_code == 200

    def away(*_: object) -> None:
        raise WarehouseUnavailable("PostgreSQL cannot be reached")

    monkeypatch.setattr(sessions, "find", away)
    assert oscar.get("/estado").status_code == 200
    assert oscar.get("/metrics").status_code == 200
    assert oscar.get("/tareas").status_code == 503
    stranger.cookies.update({"telemetry_session": "made up"})
    assert stranger.get("/estado").status_code == 303


def test_a_session_that_ended_is_not_remembered(
    browser: Browsers, warehouse: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembering, "FRESH_SECONDS", 0.0)
    vera = browser(VIEWER)
    vera.get("/estado")
    with warehouse.begin() as connection:
        connection.execute(sa.text("delete from telemetry.web_sessions"))
    assert vera.get("/estado").status_code == 303

    def away(*_: object) -> None:
        raise WarehouseUnavailable("PostgreSQL cannot be reached")

    monkeypatch.setattr(sessions, "find", away)
    assert vera.get("/estado").status_code == 503


def metrics(text: str) -> dict[str, float]:
    """The samples by name and labels."""
    return {
        f"{sample.name}{sorted(sample.labels.values())}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_prometheus_reads_the_same_facts_with_a_viewers_token(browser: Browsers, warehouse: sa.Engine) -> None:
    with warehouse.begin() as connection:
        secret = tokens.add(connection, Actor("root", "command"), "prometheus", Role.VIEWER, personal=False)
    program = browser()
    program.headers["authorization"] = f"Bearer {secret}"
    program.get(f"/tareas/{'a' * 8}-cb97-4815-bc8b-2c8e0495552d")
    program.get("/made-up-by-a-stranger")
    answer = program.get("/metrics", headers={"accept": "text/plain"})
    assert answer.headers["content-type"].startswith("text/plain")
    found = metrics(answer.text)
    assert found["telemetry_queue_depth['ingest']"] == 0
    assert found["telemetry_workers[]"] == 0
    assert found["telemetry_problems[]"] == 0
    assert (found["telemetry_runs_ended[]"], found["telemetry_runs_failed[]"]) == (1, 1)
    assert found["telemetry_steps_per_minute[]"] == pytest.approx(1 / 30)
    assert found["telemetry_run_mean_seconds[]"] == 9.5
    assert found["telemetry_last_ticks['succeeded']"] == 1
    assert {name: found[f"telemetry_part_answers['{name}']"] for name in ("warehouse", "runs", "queues")} == {
        "warehouse": 1,
        "runs": 1,
        "queues": 1,
    }
    assert found["telemetry_door_requests_total['/tareas/{run_id}', '404', 'GET']"] == 1
    assert found["telemetry_door_requests_total['404', 'GET', 'other']"] == 1
    assert "stranger" not in answer.text


def test_what_does_not_answer_has_no_figures(browser: Browsers, away: object) -> None:
    found = metrics(browser(VIEWER, of=away).get("/metrics").text)
    assert (found["telemetry_part_answers['runs']"], found["telemetry_part_answers['warehouse']"]) == (0, 1)
    assert not any(name.startswith(("telemetry_queue_depth", "telemetry_runs_ended")) for name in found)


def test_metrics_are_not_for_everybody(browser: Browsers) -> None:
    assert browser().get("/metrics", headers={"accept": "text/plain"}).status_code == 401
