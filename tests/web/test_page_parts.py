"""Parts of a page fail alone and say why; its pictures and files are of the days that it is of."""

from __future__ import annotations

import csv
import re
from datetime import timedelta
from html import unescape
from urllib.parse import quote

import pytest
from audiences import CHANNELS
from front_door import URL, VIEWER, Browser
from pages import Ask, InProcess, front_door, words
from warehouse_events import MEXICO

from telemetry_pipeline.days import today
from telemetry_pipeline.errors import Busy, ComputingEnded, RequestRefused, TelemetryError
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.web.computing.question import Question


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Busy("too many answers are being computed"), "demasiadas preguntas a la vez"),
        (RequestRefused("it takes longer than 60 s"), "Pruebe con menos días"),
        (ComputingEnded("the process ended"), "No se pudo calcular"),
    ],
    ids=["busy", "long", "ended"],
)
def test_a_block_that_cannot_be_made_says_why_and_the_rest_of_the_page_is_there(
    filled: str, monkeypatch: pytest.MonkeyPatch, error: TelemetryError, said: str
) -> None:
    async def fail(_self: InProcess, _question: Question) -> bytes:
        raise error

    monkeypatch.setattr(InProcess, "ask", fail)
    browser = Browser(front_door(filled, connect(filled)), URL)
    browser.log_in(VIEWER)
    answer = browser.get("/canales")
    assert answer.status_code == 200
    assert answer.text.rstrip().endswith("</html>")
    assert said in words(answer.text)
    assert str(error) not in answer.text


def test_a_part_that_meets_an_error_of_others_says_so_with_a_number_that_the_log_has(
    filled: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answered = InProcess.ask

    async def stumble(self: InProcess, question: Question) -> bytes:
        if question.name == "channel_flow":
            raise RuntimeError("the secret of the house")
        return await answered(self, question)

    monkeypatch.setattr(InProcess, "ask", stumble)
    browser = Browser(front_door(filled, connect(filled)), URL)
    browser.log_in(VIEWER)
    page = browser.get(f"/canal?canal={quote(CHANNELS[0])}").text
    assert page.rstrip().endswith("</html>")
    assert "Horas vistas" in page
    assert "data-picture" in page
    numbers = re.findall(r"No se pudo calcular\..*? Incidente (\w+)\.", words(page))
    assert len(set(numbers)) == 2
    assert "secret" not in page
    for number in numbers:
        assert f"incident {number}" in caplog.text
    assert "RuntimeError: the secret of the house" in caplog.text


def test_a_channel_has_its_curve_of_the_last_day_and_today_is_drawn_beside_two_others(
    ask: Ask, people: dict[str, Browser]
) -> None:
    for path, name, said in (
        (f"/canal?canal={quote(CHANNELS[0])}", "channel_curve", r'aria-label="\d+:15 · [^"]*minuto medio'),
        ("/hoy", "three_days", r'aria-label="\d+ h · \d+ \w+ \d{4}: [^"]* · \d+ \w+ \d{4}: '),
    ):
        source = unescape(re.findall(rf'data-picture="([^"]*/{name}[^"]*)"', ask(path))[0])
        answer = people[VIEWER].get(f"{source}&ancho=480")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
        assert re.search(said, answer.text), answer.text[:3000]


def test_pictures_are_fetched_with_links_and_labels(ask: Ask, people: dict[str, Browser]) -> None:
    page = ask("/canales")
    source = unescape(re.findall(r'data-picture="([^"]*/share[^"]*)"', page)[0])
    answer = people[VIEWER].get(f"{source}&ancho=480")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert 'aria-label="' in answer.text
    assert "/canal?canal=Canal%20Estrella" in answer.text
    again = people[VIEWER].get(f"{source}&ancho=480", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304
    for wrong in ("&ancho=7", "&tema=rosa"):
        assert people[VIEWER].get(source + wrong).status_code == 400
    assert people[VIEWER].get("/figuras/nothing").status_code == 404


def test_a_picture_of_nothing_has_no_content(people: dict[str, Browser]) -> None:
    assert people[VIEWER].get("/figuras/share?desde=2025-02-01&hasta=2025-02-02").status_code == 204


def test_files_are_of_the_same_days(ask: Ask, people: dict[str, Browser]) -> None:
    [link] = {unescape(each) for each in re.findall(r'href="(/api/analyses/share\?[^"]*format=csv[^"]*)"', ask("/canales"))}
    answer = people[VIEWER].get(link)
    assert answer.status_code == 200
    assert "Canal Estrella" in answer.text


def test_the_ranking_of_an_evening_is_a_file_for_excel(ask: Ask, people: dict[str, Browser]) -> None:
    asked = f"desde={today(MEXICO) - timedelta(days=2)}&hasta={today(MEXICO) - timedelta(days=1)}&contra=semana&franja=noche"
    page = ask(f"/canales?{asked}")
    [link] = {unescape(each) for each in re.findall(r'href="(/canales\.csv[^"]*)"', page)}
    answer = people[VIEWER].get(link)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "noche.csv" in answer.headers["content-disposition"]
    head, *rows = csv.reader(answer.text.removeprefix("\ufeff").splitlines(), delimiter=";")
    assert head[:4] == ["N.º", "Canal", "Audiencia media", "Antes"]
    ranking = words(page).partition("Ranking de canales")[2]
    places = [ranking.find(row[1]) for row in rows if row[1] in (CHANNELS[0], CHANNELS[1])]
    assert -1 not in places
    assert len(places) == 2
    assert places == sorted(places)
