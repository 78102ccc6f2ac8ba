"""*Tareas* shows everybody what waits, runs, failed and ended, and lets operators alone change it, on record."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from front_door import OPERATOR, VIEWER, Browser
from operating import ANOTHER_ID, ENDED, RUN_ID, answers, door_over, run_of
from webservers import FakeWebserver

Browsers = Callable[..., Browser]
DEEDS = [
    f"/tareas/{RUN_ID}/cancelar",
    f"/tareas/{RUN_ID}/repetir",
    "/tareas/cancelar-todas",
    "/tareas/colas/ingest/vaciar",
    "/tareas/procesos/reiniciar",
    "/tareas/nueva",
]


@pytest.fixture
def tasks(webserver: FakeWebserver, warehouse: sa.Engine, door_url: str, browser: Browsers) -> Browsers:
    """Browsers at a door whose Dagster has a run that failed and one at work."""
    webserver.answers |= answers(run_of("STARTED", endTime=None), run_of("FAILURE", ANOTHER_ID))
    of = door_over(webserver, warehouse, door_url)
    return lambda name: browser(name, of=of)


def deeds(engine: sa.Engine) -> list[tuple[str, str]]:
    """What is on record that somebody did here, and who."""
    with engine.connect() as connection:
        rows = connection.execute(sa.text("select who, what from telemetry.audit where what !~ 'log|user' order by audit_id"))
        return [(row.who, row.what) for row in rows]


@pytest.mark.parametrize("path", DEEDS)
def test_a_viewer_changes_nothing(tasks: Browsers, webserver: FakeWebserver, warehouse: sa.Engine, path: str) -> None:
    vera = tasks(VIEWER)
    assert vera.post(path, headers=vera.origin).status_code == 403
    if not path.startswith(f"/tareas/{RUN_ID}"):
        assert vera.get(path).status_code == 403
    assert (webserver.asked, deeds(warehouse)) == ([], [])


def test_a_page_from_elsewhere_cancels_nothing(tasks: Browsers, webserver: FakeWebserver) -> None:
    oscar = tasks(OPERATOR)
    assert oscar.post(DEEDS[0], headers={"origin": "https://evil.example"}).status_code == 403
    assert webserver.asked == []


def test_only_operators_see_buttons(tasks: Browsers) -> None:
    for path in ("/tareas", f"/tareas/{RUN_ID}"):
        seen = {name: tasks(name).get(path).text for name in (VIEWER, OPERATOR)}
        assert ("Cancelar" in seen[VIEWER], "Cancelar" in seen[OPERATOR]) == (False, True)
        assert "en curso" in seen[VIEWER]


def test_a_run_is_cancelled_on_record_and_its_page_says_so(
    tasks: Browsers, webserver: FakeWebserver, warehouse: sa.Engine
) -> None:
    oscar = tasks(OPERATOR)
    answer = oscar.post(f"/tareas/{RUN_ID}/cancelar", headers=oscar.origin)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/tareas/{RUN_ID}?done=cancelled")
    assert ("Terminate", {"id": RUN_ID}) in webserver.asked
    assert "se está deteniendo" in oscar.get(answer.headers["location"]).text
    assert deeds(warehouse) == [(OPERATOR, "run cancelled")]


@pytest.mark.parametrize("query", ["to=9999-12-31", "from=9999-12-31&to=9999-12-31", "from=0001-01-01&to=0001-01-01"])
def test_the_first_and_the_last_day_of_the_calendar_can_be_asked_for(tasks: Browsers, query: str) -> None:
    assert tasks(OPERATOR).get(f"/tareas/partes?{query}").status_code == 200


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x; charset=undefined", "text/plain; charset=utf-7"])
def test_a_form_comes_as_pages_send_it(tasks: Browsers, kind: str) -> None:
    oscar = tasks(OPERATOR)
    headers = {**oscar.origin, "content-type": kind}
    content = b'--x\r\nContent-Disposition: form-data; name="target"\r\n\r\n+2AA-\r\n--x--\r\n'
    assert oscar.post("/tareas/nueva", headers=headers, content=content).status_code == 415
    assert oscar.post("/entrar", headers=headers, content=content).status_code == 415


def test_a_run_that_is_ending_is_not_cancelled_again(
    warehouse: sa.Engine, door_url: str, webserver: FakeWebserver, browser: Browsers
) -> None:
    webserver.answers |= answers(run_of("CANCELING", endTime=None))
    page = browser(OPERATOR, of=door_over(webserver, warehouse, door_url)).get(f"/tareas/{RUN_ID}").text
    assert "cancelando" in page
    assert f'action="/tareas/{RUN_ID}/cancelar"' not in page


def test_steps_that_failed_or_are_at_work_come_first(
    warehouse: sa.Engine, door_url: str, webserver: FakeWebserver, browser: Browsers
) -> None:
    began = {
        "done": ("SUCCESS", 10.0),
        "late": ("SUCCESS", 20.0),
        "broken": ("FAILURE", 30.0),
        "at_work": ("IN_PROGRESS", 40.0),
    }
    steps: dict[str, Any] = {
        "executionPlan": {"steps": [{"key": key} for key in ("to_do", "late", "done", "at_work", "broken")]},
        "stepStats": [
            {"stepKey": key, "status": status, "startTime": at, "endTime": None, "attempts": []}
            for key, (status, at) in began.items()
        ],
    }
    door = door_over(webserver, warehouse, door_url)
    for status, said in (("FAILURE", "fallido"), ("CANCELED", "interrumpido")):
        webserver.answers |= answers(run_of(status, **steps))
        page = browser(OPERATOR, of=door).get(f"/tareas/{RUN_ID}").text
        order = sorted(("to_do", *began), key=lambda key: page.index(f'<th scope="row">{key}</th>'))
        assert order == ["broken", "at_work", "done", "late", "to_do"]
        assert said in page


def test_what_could_not_be_done_is_said_and_not_on_record(
    tasks: Browsers, webserver: FakeWebserver, warehouse: sa.Engine
) -> None:
    webserver.answers["Terminate"] = ENDED
    oscar = tasks(OPERATOR)
    answer = oscar.post(f"/tareas/{ANOTHER_ID}/cancelar", headers=oscar.origin)
    assert (answer.status_code, "it has ended" in answer.text) == (400, True)
    assert deeds(warehouse) == []


def test_all_are_cancelled_that_have_not_ended(tasks: Browsers, webserver: FakeWebserver) -> None:
    oscar = tasks(OPERATOR)
    answer = oscar.post("/tareas/cancelar-todas", headers=oscar.origin)
    assert answer.headers["location"] == "/tareas?done=cancelled_all&n=1&refused=0"
    assert [variables for operation, variables in webserver.asked if operation == "Terminate"] == [{"id": RUN_ID}]
    assert "Tareas que se detienen: 1." in oscar.get(answer.headers["location"]).text


def test_a_run_is_repeated_with_all_that_it_had(tasks: Browsers, webserver: FakeWebserver, warehouse: sa.Engine) -> None:
    oscar = tasks(OPERATOR)
    answer = oscar.post(f"/tareas/{RUN_ID}/repetir", headers=oscar.origin)
    assert answer.headers["location"] == f"/tareas/{ANOTHER_ID}?done=repeated"
    assert ("Reexecute", {"params": {"parentRunId": RUN_ID, "strategy": "ALL_STEPS"}}) in webserver.asked
    assert deeds(warehouse) == [(OPERATOR, "run repeated")]


def test_a_launch_carries_days_parameters_and_priority(tasks: Browsers, webserver: FakeWebserver, warehouse: sa.Engine) -> None:
    oscar = tasks(OPERATOR)
    form = {"target": "top_channels", "from": "2026-11-01", "to": "2026-11-03", "set.limit": "5", "priority": "high"}
    answer = oscar.post("/tareas/nueva", data=form, headers=oscar.origin)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/tareas/{ANOTHER_ID}?done=launched")
    [params] = [variables["params"] for operation, variables in webserver.asked if operation == "Launch"]
    assert params["runConfigData"] == {"ops": {"general": {"config": {"top_channels": {"limit": 5}}}}}
    tags = {tag["key"]: tag["value"] for tag in params["executionMetadata"]["tags"]}
    assert tags == {
        "dagster/asset_partition_range_start": "2026-11-01",
        "dagster/asset_partition_range_end": "2026-11-03",
        "dagster/priority": "1",
        "dagster-celery/run_priority": "-3",
    }
    assert deeds(warehouse) == [(OPERATOR, "run launched")]


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"target": "top_channel"}, "top_channels"),
        ({"target": "top_channels", "set.limit": "many"}, "top_channels.limit cannot be &#39;many&#39;"),
        ({"target": "top_channels", "from": "2026-11-03", "to": "2026-11-01"}, "antes de empezar"),
        ({"target": "top_channels", "from": "1999-01-01"}, "Vacío: hoy"),
        ({"target": "telemetry_tick", "assignments": "nonsense"}, "cannot be read"),
        ({"target": "top_channels", "priority": "highest"}, "priorities: high, normal, low"),
    ],
)
def test_a_launch_that_cannot_be_is_the_form_again_with_what_is_allowed(
    tasks: Browsers, webserver: FakeWebserver, form: dict[str, str], told: str
) -> None:
    oscar = tasks(OPERATOR)
    answer = oscar.post("/tareas/nueva", data=form, headers=oscar.origin)
    assert (answer.status_code, told in answer.text) == (400, True)
    assert all(f'value="{value}"' in answer.text for name, value in form.items() if name in ("from", "to", "set.limit"))
    assert webserver.asked == []


def test_the_address_says_which_runs_are_shown(tasks: Browsers, webserver: FakeWebserver) -> None:
    page = tasks(VIEWER).get("/tareas?state=failed&job=telemetry_range&from=2026-11-01&to=2026-11-02").text
    zone = ZoneInfo("America/Mexico_City")
    [wanted] = [variables["filter"] for operation, variables in webserver.asked if operation == "Runs"]
    assert wanted == {
        "statuses": ["FAILURE"],
        "pipelineName": "telemetry_range",
        "createdAfter": datetime(2026, 11, 1, tzinfo=zone).timestamp(),
        "createdBefore": datetime(2026, 11, 3, tzinfo=zone).timestamp(),
    }
    assert 'data-live="/tareas/partes?state=failed&amp;job=telemetry_range&amp;from=2026-11-01&amp;to=2026-11-02"' in page


@pytest.mark.parametrize("query", ["state=odd", "job=odd", "from=yesterday", "to=2026-13-01", "from=2026-11-02&to=2026-11-01"])
def test_what_cannot_be_asked_for_is_the_form_again(tasks: Browsers, query: str) -> None:
    answer = tasks(VIEWER).get(f"/tareas?{query}")
    assert (answer.status_code, "No se pudo" in answer.text, 'name="state"' in answer.text) == (400, True, True)


def test_pages_of_the_list_go_on_behind_one_another(tasks: Browsers, webserver: FakeWebserver) -> None:
    webserver.answers |= answers(*(run_of(run_id=f"{number:08x}{RUN_ID[8:]}") for number in range(30)))
    vera = tasks(VIEWER)
    last = f"{19:08x}{RUN_ID[8:]}"
    assert f'href="/tareas?state=ended&amp;after={last}" rel="next"' in vera.get("/tareas?state=ended").text
    vera.get(f"/tareas?after={last}")
    assert webserver.asked[-1][1]["cursor"] == last
    assert vera.get("/tareas?after=anything").status_code == 400


@pytest.mark.parametrize("path", [f"/tareas/22222222{RUN_ID[8:]}", "/tareas/anything", "/tareas/colas/odd/vaciar"])
def test_what_is_not_there_is_not_found(tasks: Browsers, path: str) -> None:
    assert tasks(OPERATOR).get(path).status_code == 404


def test_a_run_that_failed_says_why_and_what_to_do_and_strangers_texts_are_texts(
    tasks: Browsers, webserver: FakeWebserver
) -> None:
    evil = "<script>alert(1)</script>"
    failed = run_of("FAILURE", tags=[{"key": evil, "value": evil * 20}])
    event = {
        "__typename": "ExecutionStepFailureEvent",
        "stepKey": "ott_views",
        "message": "x",
        "timestamp": "1795233230000",
        "error": {"message": f"no room {evil}" + "x" * 400, "className": "Failure", "causes": []},
        "failureMetadata": {"description": None, "metadataEntries": [{"label": "advice", "text": "make room"}]},
    }
    webserver.answers |= answers(failed)
    page_of = {"__typename": "EventConnection", "cursor": "c", "hasMore": False, "events": [event]}
    webserver.answers["Events"] = {"runOrError": {"__typename": "Run", "status": "FAILURE"}, "logsForRun": page_of}
    page = tasks(VIEWER).get(f"/tareas/{RUN_ID}").text
    assert "<script>alert" not in page
    assert "no room &lt;script&gt;" in page
    assert "make room" in page
    assert "x" * 400 in page
    assert f'href="/dagster/runs/{RUN_ID}"' in page


def test_a_list_without_dagster_says_so_and_keeps_its_form(warehouse: sa.Engine, door_url: str, browser: Browsers) -> None:
    away = FakeWebserver(url="http://127.0.0.1:9")
    answer = browser(VIEWER, of=door_over(away, warehouse, door_url)).get("/tareas")
    assert (answer.status_code, "Dagster no responde" in answer.text, 'name="state"' in answer.text) == (200, True, True)


def test_progress_is_shown_of_what_runs(tasks: Browsers, webserver: FakeWebserver) -> None:
    observed = {
        "__typename": "ObservationEvent",
        "stepKey": "telemetry_records",
        "timestamp": "1795233224000",
        "assetKey": {"path": ["telemetry_records"]},
        "partition": None,
        "metadataEntries": [
            {"label": "percent", "floatValue": 50.0},
            {"label": "records", "intRepr": "172000"},
            {"label": "total", "intRepr": "344000"},
            {"label": "eta_seconds", "floatValue": 75.0},
        ],
    }
    began = {**observed, "__typename": "ExecutionStepStartEvent"}
    webserver.answers["Events"] = {
        "runOrError": {"__typename": "Run", "status": "STARTED"},
        "logsForRun": {"__typename": "EventConnection", "cursor": "c", "hasMore": False, "events": [began, observed]},
    }
    page = tasks(VIEWER).get("/tareas/partes").text
    assert '<progress max="100" value="25"' in page
    assert "172,000 de 344,000 registros" in page
    assert "quedan 1 min 15 s" in page
