"""A report that somebody asks for on *Informes* is a run of its asset: of its partition, or of any days by parameters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from front_door import OPERATOR, Browser
from operating import ANOTHER_ID
from pages import words
from reporting import ANA, CHANNEL, door_with_reports
from starlette.types import ASGIApp
from warehouse_events import MEXICO
from webservers import FakeWebserver, launched

from telemetry_pipeline.days import today

Browsers = Callable[..., Browser]


@pytest.fixture
def oscar(
    webserver: FakeWebserver, warehouse: sa.Engine, door_url: str, door: ASGIApp, tmp_path: Path, browser: Browsers
) -> Browser:
    """An operator's browser."""
    return browser(OPERATOR, of=door_with_reports(webserver, warehouse, door_url, tmp_path))


def config(params: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = params["runConfigData"].get("ops", {}).get(name, {}).get("config", {})
    return found


def partition(params: dict[str, Any]) -> str:
    tags: dict[str, str] = {tag["key"]: tag["value"] for tag in params["executionMetadata"]["tags"]}
    return str(tags["dagster/partition"])


YESTERDAY = str(today(MEXICO) - timedelta(days=1))


@pytest.mark.parametrize(
    ("form", "key", "parameters"),
    [
        ({"report": "daily_report"}, YESTERDAY, {}),
        ({"report": "daily_report", "from": "2026-11-20"}, "2026-11-20", {}),
        ({"report": "weekly_report", "from": "2026-11-16", "to": "2026-11-22"}, "2026-11-16", {}),
        (
            {"report": "weekly_report", "from": "2026-11-10", "to": "2026-11-18"},
            "2026-11-16",
            {"first": "2026-11-10", "last": "2026-11-18"},
        ),
        ({"report": "monthly_report", "from": "2026-10-01", "to": "2026-10-31"}, "2026-10-01", {}),
        (
            {"report": "channel_report", "channel": CHANNEL, "from": "2026-11-01", "to": "2026-11-02", "send_to": ANA},
            "2026-11-01",
            {"channel": CHANNEL, "send_to": ANA, "first": "2026-11-01", "last": "2026-11-02"},
        ),
    ],
    ids=["last", "day", "week", "across", "month", "channel"],
)
def test_a_report_is_a_run_of_its_days(
    oscar: Browser, webserver: FakeWebserver, form: dict[str, str], key: str, parameters: dict[str, str]
) -> None:
    answer = oscar.post("/informes/nuevo", data=form, headers=oscar.origin)
    assert (answer.status_code, answer.headers.get("location")) == (303, f"/tareas/{ANOTHER_ID}?done=launched"), words(
        answer.text
    )
    params = launched(webserver)
    assert (partition(params), config(params, form["report"])) == (key, parameters)


@pytest.mark.parametrize("channel", ["24", "true", '"quoted"'])
def test_a_channel_is_called_what_it_is_called(
    oscar: Browser, webserver: FakeWebserver, warehouse: sa.Engine, channel: str
) -> None:
    with warehouse.begin() as connection:
        connection.execute(sa.text("insert into telemetry.channel_names values (8, :name, 2, 2)"), {"name": channel})
    form = {"report": "channel_report", "channel": channel}
    assert oscar.post("/informes/nuevo", data=form, headers=oscar.origin).status_code == 303
    assert config(launched(webserver), "channel_report") == {"channel": channel}


def test_who_made_one_is_on_record(oscar: Browser, warehouse: sa.Engine) -> None:
    oscar.post("/informes/nuevo", data={"report": "daily_report"}, headers=oscar.origin)
    with warehouse.connect() as connection:
        assert list(connection.scalars(sa.text("select who from telemetry.audit where what = 'run launched'"))) == [OPERATOR]


def test_a_month_that_began_before_there_were_partitions_is_made_in_the_next(
    webserver: FakeWebserver, warehouse: sa.Engine, door_url: str, door: ASGIApp, tmp_path: Path, browser: Browsers
) -> None:
    over = door_with_reports(webserver, warehouse, door_url, tmp_path, first_partition="2026-09-15")
    oscar = browser(OPERATOR, of=over)
    form = {"report": "monthly_report", "from": "2026-09-20", "to": "2026-09-22"}
    assert oscar.post("/informes/nuevo", data=form, headers=oscar.origin).status_code == 303
    params = launched(webserver)
    assert (partition(params), config(params, "monthly_report")) == (
        "2026-10-01",
        {"first": "2026-09-20", "last": "2026-09-22"},
    )


def test_before_a_period_is_over_somebody_has_to_say_the_days(
    webserver: FakeWebserver, warehouse: sa.Engine, door_url: str, door: ASGIApp, tmp_path: Path, browser: Browsers
) -> None:
    over = door_with_reports(webserver, warehouse, door_url, tmp_path, first_partition=str(today(MEXICO)))
    oscar = browser(OPERATOR, of=over)
    answer = oscar.post("/informes/nuevo", data={"report": "daily_report"}, headers=oscar.origin)
    assert (answer.status_code, "diga los días" in answer.text) == (400, True)


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"report": "../../etc/passwd"}, "No hay un informe «../../etc/passwd»"),
        ({"report": ""}, "No hay un informe"),
        ({"report": "channel_report"}, "diga cuál"),
        ({"report": "channel_report", "channel": "Canal Ocho"}, "No hay un canal «Canal Ocho»"),
        ({"channel": CHANNEL}, "es de todos los canales"),
        ({"from": "yesterday"}, "«yesterday» no es un día"),
        ({"from": "2026-11-03", "to": "2026-11-01"}, "antes de empezar"),
        ({"from": "1999-01-01"}, "se puede del 1 ene 2026"),
        ({"to": "9999-12-31"}, "no se puede pedir"),
        ({"send_to": "ana@"}, "«ana@» no es una dirección de correo"),
        ({"send_to": "ana@example.com\nBcc: luis@example.net"}, "no es una dirección de correo"),
    ],
)
def test_what_cannot_be_made_is_the_form_again_as_it_was_typed(
    oscar: Browser, webserver: FakeWebserver, form: dict[str, str], told: str
) -> None:
    given = {"report": "daily_report", **form}
    answer = oscar.post("/informes/nuevo", data=given, headers=oscar.origin)
    assert (answer.status_code, told in words(answer.text)) == (400, True), words(answer.text)
    assert all(f'value="{value}"' in answer.text for name, value in form.items() if name in ("from", "to"))
    assert webserver.asked == []


def test_without_dagster_it_is_said_that_something_does_not_answer(
    warehouse: sa.Engine, door_url: str, door: ASGIApp, tmp_path: Path, browser: Browsers
) -> None:
    away = FakeWebserver(url="http://127.0.0.1:9")
    oscar = browser(OPERATOR, of=door_with_reports(away, warehouse, door_url, tmp_path))
    answer = oscar.post("/informes/nuevo", data={"report": "daily_report"}, headers=oscar.origin)
    assert (answer.status_code, "no responde en este momento" in answer.text) == (503, True)
