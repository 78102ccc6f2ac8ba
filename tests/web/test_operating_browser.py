"""A real browser walks *Tareas* and *Estado* on a desk and on a phone: nothing is refused by the policy, nothing overflows."""

from __future__ import annotations

import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import uvicorn
from browser import chromium, click, needs_chromium, wait_for
from front_door import OPERATOR, PASSWORD, VIEWER
from operating import ANOTHER_ID, RUN_ID, answers, door_over, run_of
from selenium import webdriver
from selenium.webdriver.common.by import By
from starlette.types import ASGIApp
from webservers import FakeWebserver

from telemetry_pipeline.polling import polling
from telemetry_pipeline.stack.processes.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), needs_chromium]

SIZES = {"desk": (1280, 900), "phone": (390, 844)}
PAGES = {
    "list": "/tareas",
    "failed": "/tareas?state=failed",
    "wrong": "/tareas?from=yesterday",
    "running": f"/tareas/{RUN_ID}",
    "run": f"/tareas/{ANOTHER_ID}",
    "new": "/tareas/nueva?target=top_channels",
    "job": "/tareas/nueva?target=telemetry_range",
    "empty": "/tareas/colas/ingest/vaciar",
    "state": "/estado",
}
ADVICE = "take fewer days a run, or raise RUN_SOFT_TIME_LIMIT_MINUTES"


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """The address of a door."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", lifespan="on"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert any(server.started for _ in polling(60, 0.05))
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def some_runs() -> list[dict[str, Any]]:
    """One at work, one that failed, others."""
    began = datetime.now(UTC) - timedelta(minutes=3)
    times: dict[str, Any] = {"creationTime": began.timestamp(), "startTime": began.timestamp() + 2}
    many = [
        run_of(
            status,
            f"{number:08x}{RUN_ID[8:]}",
            jobName=job,
            assetSelection=[{"path": ["channel_flow"]}, {"path": ["top_channels"]}] if job == "__ASSET_JOB" else None,
        )
        for number, (status, job) in enumerate(
            [("QUEUED", "telemetry_range"), ("CANCELED", "__ASSET_JOB"), ("CANCELING", "telemetry_merge")]
            + [("SUCCESS", "telemetry_tick")] * 20
        )
    ]
    return [
        run_of("STARTED", jobName="telemetry_range", endTime=None, **times),
        run_of("FAILURE", ANOTHER_ID, tags=[{"key": "note", "value": "<b>x</b>" * 60}]),
        *many,
    ]


def happenings(variables: dict[str, Any]) -> dict[str, Any]:
    at = "1795233224000"
    found = [
        {"__typename": "ExecutionStepStartEvent", "stepKey": "telemetry_records", "timestamp": at, "message": ""},
        {
            "__typename": "ObservationEvent",
            "stepKey": "telemetry_records",
            "timestamp": at,
            "assetKey": {"path": ["telemetry_records"]},
            "partition": None,
            "metadataEntries": [
                {"label": "percent", "floatValue": 62.0},
                {"label": "records", "intRepr": "248000"},
                {"label": "total", "intRepr": "400000"},
                {"label": "eta_seconds", "floatValue": 95.0},
            ],
        },
    ]
    if variables["id"] == ANOTHER_ID:
        found = [
            {
                "__typename": "ExecutionStepFailureEvent",
                "stepKey": "ott_views",
                "message": "",
                "timestamp": at,
                "error": {"message": "no room left on the device " * 20, "className": "Failure", "causes": []},
                "failureMetadata": {"description": None, "metadataEntries": [{"label": "advice", "text": ADVICE}]},
            }
        ]
    status = "FAILURE" if variables["id"] == ANOTHER_ID else "STARTED"
    page = {"__typename": "EventConnection", "cursor": "c", "hasMore": False, "events": found}
    return {"runOrError": {"__typename": "Run", "status": status}, "logsForRun": page}


def checks() -> dict[str, Any]:
    """One that did not pass before the run at work, one that did."""
    description = "Few views have no name of a channel; more of them are a sign of names that do not come."
    listed = [
        {"name": name, "description": description, "blocking": False, "assetKey": {"path": ["ott_views"]}}
        for name in ("few_views_are_unnamed", "views_are_stops")
    ]
    nodes = [{"assetChecksOrError": {"checks": listed}}]
    planned = {"runId": RUN_ID, "timestamp": 1_795_233_290.0, "evaluation": None}
    done = [{"runId": RUN_ID, "timestamp": 1_795_233_230.0, "evaluation": {"success": passed}} for passed in (False, True)]
    return {
        "Checks": {"repositoryOrError": {"__typename": "Repository", "assetNodes": nodes}},
        "Executions": {"c0": [planned, done[0]], "c1": [done[1]]},
    }


@pytest.fixture
def address(warehouse: sa.Engine, door_url: str, webserver: FakeWebserver, broker_url: str, door: object) -> Iterator[str]:
    """Of a door with much to show."""
    webserver.answers |= answers(*some_runs()) | {"Events": happenings, **checks()}
    with warehouse.begin() as connection:
        connection.execute(sa.text("truncate telemetry.problems"))
        connection.execute(
            sa.text(
                "insert into telemetry.problems (key, summary, detail, advice, times) values ('run:telemetry_tick', "
                "'telemetry_tick failed at ott_views', :detail, :advice, 6)"
            ),
            {"detail": "no room left on the device " * 12, "advice": ADVICE},
        )
    with served(door_over(webserver, warehouse, door_url, redis_url=broker_url)) as url:
        yield url


def log_in(browser: webdriver.Chrome, address: str, name: str) -> None:
    browser.get(f"{address}/entrar")
    browser.find_element(By.NAME, "name").send_keys(name)
    browser.find_element(By.NAME, "password").send_keys(PASSWORD)
    click(browser, "Entrar")
    wait_for(browser, "Hola")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", [VIEWER, OPERATOR])
def test_every_page_is_whole(address: str, tmp_path: Path, size: str, name: str) -> None:
    (tmp_path / "profile").mkdir()
    with chromium(tmp_path / "profile", "--force-prefers-reduced-motion") as browser:
        width, height = SIZES[size]
        browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == "phone"},
        )
        log_in(browser, address, name)
        for page, path in PAGES.items():
            if name == VIEWER and page in ("new", "job", "empty"):
                continue
            browser.get(f"{address}{path}")
            if page == "state":
                wait_for(browser, "Pasos por minuto", "Esperan en", "Pasan 1 de 2.")
            full = browser.execute_script("return document.documentElement.scrollHeight")
            shot = browser.execute_cdp_cmd(
                "Page.captureScreenshot",
                {
                    "captureBeyondViewport": True,
                    "clip": {"x": 0, "y": 0, "width": width, "height": min(full, 4000), "scale": 1},
                },
            )
            (tmp_path / f"{page}.png").write_bytes(b64decode(shot["data"]))
            overflow = browser.execute_script(
                "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert (page, overflow) == (page, 0)
            serious = [entry["message"] for entry in browser.get_log("browser") if "400" not in entry["message"]]
            assert (page, serious) == (page, [])
            assert "{" not in browser.find_element(By.TAG_NAME, "main").text


def test_the_list_is_fetched_anew_without_a_click(address: str, tmp_path: Path, webserver: FakeWebserver) -> None:
    (tmp_path / "profile").mkdir()
    with chromium(tmp_path / "profile") as browser:
        log_in(browser, address, VIEWER)
        browser.get(f"{address}/tareas/{RUN_ID}")
        wait_for(browser, "248,000 de 400,000 registros")
        webserver.answers |= answers(run_of("SUCCESS"))
        wait_for(browser, "correcta")
