"""``adopt`` changes what is stored to other settings, once somebody agrees."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from cli_harness import Outcome
from warehouse.test_adoption import MADE_WITH, synced
from warehouse_events import select

from telemetry_pipeline.warehouse.raw import claims


@pytest.fixture
def changed(cli: Callable[..., Outcome], engine: sa.Engine, database_url: str, monkeypatch: pytest.MonkeyPatch) -> sa.Engine:
    """A warehouse whose settings say another time zone by now."""
    synced(engine, MADE_WITH)
    for name, value in {
        "DATABASE_URL": database_url,
        "OPERATOR_TIMEZONE": "Europe/Madrid",
        "PANACCESS_URL": "https://cv01.panaccess.com/api",
    }.items():
        monkeypatch.setenv(name, value)
    return engine


def zone(engine: sa.Engine) -> str:
    with engine.connect() as connection:
        return claims.stored(connection)["operator_timezone"]


def test_it_says_what_it_does_and_does_it(cli: Callable[..., Outcome], changed: sa.Engine) -> None:
    outcome = cli("adopt", "--yes")
    assert (outcome.status, outcome.err) == (0, "")
    plan, done = outcome.out.splitlines()
    assert (
        plan
        == "The days and hours of all records and views become those of Europe/Madrid; so far they are of America/Mexico_City."
    )
    moved = "select count(*) from telemetry.records where (timestamp at time zone 'America/Mexico_City')::date <> local_date"
    assert done == f"done; the time or the day of {select(changed, moved)[0][0]:,} records changed"
    assert zone(changed) == "Europe/Madrid"
    assert cli("adopt").out == "nothing to do: what is stored was made with these settings\n"


def test_without_consent_nothing_changes(
    cli: Callable[..., Outcome], changed: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = select(changed, "select record_id, local_date from telemetry.records order by 1")
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: "n")
    assert cli("adopt").status == 130
    assert zone(changed) == "America/Mexico_City"
    assert select(changed, "select record_id, local_date from telemetry.records order by 1") == before
