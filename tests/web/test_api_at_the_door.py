"""The API behind the door: who is logged in asks it, and a process of the door's own computes what is not stored."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from front_door import OPERATOR, URL, VIEWER, Browser
from starlette.types import ASGIApp

from telemetry_pipeline.warehouse.access import tokens
from telemetry_pipeline.warehouse.access.audit import Actor
from telemetry_pipeline.warehouse.access.role import Role

DAYS = "from=2026-01-25&to=2026-01-31"
JSON = {"accept": "application/json"}


def test_a_process_of_the_door_computes_what_is_not_stored_and_draws_it(browser: Callable[..., Browser]) -> None:
    viewer = browser(VIEWER)
    found = viewer.get(f"/api/analyses/general_summary?{DAYS}", headers=JSON)
    assert found.status_code == 200
    assert [row["views"] for row in found.json()["rows"]] == [0]
    picture = viewer.get(f"/api/analyses/general_summary?{DAYS}&format=svg&theme=page")
    assert picture.headers["content-type"] == "image/svg+xml"
    assert "--picture-ink" in picture.text


@pytest.mark.parametrize(("name", "status"), [("", 303), (VIEWER, 403), (OPERATOR, 200)])
def test_single_subscribers_are_for_operators(browser: Callable[..., Browser], name: str, status: int) -> None:
    answer = browser(name).get(f"/api/analyses/churn_risk?{DAYS}")
    assert answer.status_code == status


def test_a_program_asks_with_a_token(warehouse: sa.Engine, door: ASGIApp) -> None:
    with warehouse.begin() as connection:
        token = tokens.add(connection, Actor("root", "command"), "reports", Role.VIEWER, personal=False)
    with Browser(door, URL) as program:
        for given, status in (("", 401), (token, 200), (f"{token}x", 401)):
            headers = JSON | ({"authorization": f"Bearer {given}"} if given else {})
            assert program.get("/api/analyses", headers=headers).status_code == status
