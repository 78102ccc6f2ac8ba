"""The list of those who came back: for whom it is, what it says, and what it says when not all is known."""

from __future__ import annotations

import re
from datetime import date, timedelta
from html import unescape

import pytest
import sqlalchemy as sa
from audiences import RETURNED, fill
from front_door import OPERATOR, URL, VIEWER, Browser
from pages import PERSONAL, Ask, InProcess, front_door, let_in, words
from warehouse_events import MEXICO

from telemetry_pipeline.days import today
from telemetry_pipeline.errors import ComputingEnded
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.web.computing.question import Question

NOBODY = "De nadie se sabe que haya vuelto"


def ago(days: int) -> date:
    return today(MEXICO) - timedelta(days=days)


def listed(page: str) -> str:
    """The section of those who came back."""
    begun = page[page.index('id="volvieron"') :]
    return begun[: begun.index("</section>")]


@pytest.mark.parametrize("who", [PERSONAL, OPERATOR])
def test_who_came_back_is_listed_for_those_who_may_see_subscribers(ask: Ask, who: str) -> None:
    """When, after how many days, and what was watched since and before."""
    section = listed(ask("/suscriptores", who))
    assert re.search(f"{RETURNED} {ago(2).day} \\w+ 2\\d+ 21 1 1 1 ", words(section).replace("\N{NO-BREAK SPACE}", " "))
    assert "Puede que volvieran más" not in section
    [link] = re.findall('href="(/suscriptor\\?[^"]*)"', section)
    assert RETURNED in ask(unescape(link), who)


def test_nobody_else_is_told_who_came_back(ask: Ask) -> None:
    page = ask("/suscriptores", VIEWER)
    assert "volvieron" not in page
    assert RETURNED not in page
    assert ask(f"/api/analyses/win_back?to={ago(0)}", VIEWER, 403)


def test_the_list_of_who_came_back_can_be_taken_away(ask: Ask) -> None:
    files = [unescape(each) for each in re.findall('href="(/api/analyses/win_back[^"]*)"', listed(ask("/suscriptores")))]
    [csv] = [each for each in files if "format=csv" in each]
    assert [each for each in files if "format=xlsx" in each]
    assert f"{RETURNED}" in ask(csv)


def test_where_nobody_is_known_to_have_come_back_it_is_said_so(ask: Ask) -> None:
    day = ago(20)
    section = words(listed(ask(f"/suscriptores?desde={day}&hasta={day}")))
    assert NOBODY in section
    assert "Puede que volvieran más" not in section


def test_a_day_with_a_gap_leaves_open_who_came_back(engine: sa.Engine, database_url: str) -> None:
    fill(engine, today(MEXICO))
    let_in(engine)
    statement = """
        insert into telemetry.sync_gaps (first_record_id, last_record_id, reason, first_date, last_date)
        values (-2, -1, 'x', :day, :day)
    """
    with engine.begin() as connection:
        connection.execute(sa.text(statement), {"day": ago(9)})
    browser = Browser(front_door(database_url, engine), URL)
    browser.log_in(OPERATOR)
    section = words(listed(browser.get("/suscriptores").text))
    assert NOBODY in section
    assert "Puede que volvieran más: 1. De algún día de su ausencia no se leyó todo." in section


def test_where_it_cannot_be_computed_who_came_back_it_is_said_so(filled: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_self: InProcess, _question: Question) -> bytes:
        raise ComputingEnded("the process ended")

    monkeypatch.setattr(InProcess, "ask", fail)
    browser = Browser(front_door(filled, connect(filled)), URL)
    browser.log_in(OPERATOR)
    page = browser.get("/suscriptores").text
    assert "No se pudo calcular" in words(listed(page))
    assert page.rstrip().endswith("</html>")
