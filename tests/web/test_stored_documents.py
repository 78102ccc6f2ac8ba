"""Documents at the door as steps stored them: of exactly the days asked for, without subscribers for who may not see them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from front_door import OPERATOR, VIEWER, Browser

from telemetry_pipeline.results import document_store

DAY = date(2026, 1, 31)
ROWS = {
    "top_channels": [{"channel": "Canal 5", "views": 3}],
    "churn_risk": [{"subscriber_code": "S1", "risk": "high"}],
    "peak_hours": [{"hour": 20, "device_id": "D1", "views": 3}],
    "of_an_earlier_version": [{"subscriber_code": "S1"}],
}
JSON = {"accept": "application/json"}


def keep(engine: sa.Engine, first: date, last: date) -> dict[str, Any]:
    facts = {"computed_at": "2026-02-01T00:00:00+00:00"}
    body = {
        "generated_at": f"made of {first}",
        "views_version": 7,
        "filters": {"first": str(first), "last": str(last), "analyses": dict.fromkeys(ROWS, facts)},
        "analyses": ROWS,
        "missing": ["reach"],
    }
    with document_store.making(engine, "full_analysis", first, last) as connection:
        document_store.keep(connection, "full_analysis", first, last, body)
        connection.commit()
    return body


@pytest.fixture
def bodies(warehouse: sa.Engine) -> list[dict[str, Any]]:
    """Of a day, of the week that ends with it, and of the day before."""
    week, before = DAY - timedelta(days=6), DAY - timedelta(days=1)
    return [keep(warehouse, *days) for days in ((DAY, DAY), (week, DAY), (before, before))]


def test_a_document_is_that_of_exactly_its_days_and_the_newest_is_of_a_day(
    browser: Callable[..., Browser], bodies: list[dict[str, Any]]
) -> None:
    operator = browser(OPERATOR)
    for query, body in {
        "": bodies[0],
        "?to=2026-01-31": bodies[0],
        "?from=2026-01-25&to=2026-01-31": bodies[1],
        "?from=2026-01-30&to=2026-01-30": bodies[2],
    }.items():
        assert operator.get(f"/api/documents/full_analysis/stored{query}", headers=JSON).json() == body | {"left_out": []}


@pytest.mark.usefixtures("bodies")
def test_who_may_not_see_subscribers_sees_none_in_a_document(browser: Callable[..., Browser]) -> None:
    answer = browser(VIEWER).get("/api/documents/full_analysis/stored", headers=JSON)
    body = answer.json()
    assert body["left_out"] == ["churn_risk", "of_an_earlier_version"]
    assert list(body["analyses"]) == list(body["filters"]["analyses"]) == ["top_channels", "peak_hours"]
    assert "S1" not in answer.text


@pytest.mark.usefixtures("bodies")
@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("nix/stored", 404, "there is no document 'nix'; there are full_analysis, subscribers_analysis, period_analysis"),
        ("full_analyses/stored", 404, "did you mean full_analysis?"),
        (
            "full_analysis/stored?to=2026-01-15",
            404,
            "of 2026-01-15 has not been computed; launch it; the newest is of 2026-01-25",
        ),
        ("period_analysis/stored", 404, "period_analysis has not been computed; launch it"),
        ("full_analysis/stored?to=31-01-2026", 400, "31-01-2026"),
        ("full_analysis/stored?from=2026-01-30", 400, "no days are named"),
        ("full_analysis/stored?to=2026-01-31&limit=5", 400, "a stored document takes no limit; give from and to"),
    ],
)
def test_what_is_not_stored_is_refused_with_what_is(
    browser: Callable[..., Browser], address: str, status: int, said: str
) -> None:
    answer = browser(OPERATOR).get(f"/api/documents/{address}", headers=JSON)
    error = answer.json()["error"]
    assert answer.status_code == status
    assert said in f"{error['problem']}; {error['advice']}"


def test_a_stranger_gets_no_document(browser: Callable[..., Browser]) -> None:
    assert browser("").get("/api/documents/full_analysis/stored", headers=JSON).status_code == 401
