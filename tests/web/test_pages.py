"""What the pages about audiences say, to whom, and what they make of what they are asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from html import unescape
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
import sqlalchemy as sa
from audiences import CHANNELS, LONG_CHANNEL, ODD_CHANNEL, ODD_SUBSCRIBER, SUBSCRIBERS, fill
from front_door import OPERATOR, URL, VIEWER, Browser
from pages import PERSONAL, InProcess, front_door, let_in
from warehouse_events import MEXICO

from telemetry_pipeline import web
from telemetry_pipeline.days import today
from telemetry_pipeline.errors import Busy, ComputingEnded, RequestRefused, TelemetryError
from telemetry_pipeline.stack.servers.reach import at_database
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.web.computing.question import Question
from telemetry_pipeline.words.pages import PAGES as PAGES_SAID

Ask = Callable[..., str]

PAGES = ["/hoy", "/canales", f"/canal?canal={quote(CHANNELS[0])}", "/periodos", "/suscriptores", "/glosario"]
NOT_THERE = "S-nobody"


@pytest.fixture(scope="module")
def filled(postgres_url: str) -> Iterator[str]:
    """The address of a warehouse with a small operator, in which nobody changes anything."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("create database audiences template template")
        url = at_database(postgres_url, "audiences")
        engine = connect(url)
        fill(engine, today(MEXICO))
        let_in(engine)
        yield url
        engine.dispose()
        connection.execute("drop database audiences with (force)")


@pytest.fixture(scope="module")
def people(filled: str) -> dict[str, Browser]:
    """Browsers of those who are logged in, by their names."""
    door = front_door(filled, connect(filled))
    browsers = {name: Browser(door, URL) for name in (VIEWER, PERSONAL, OPERATOR)}
    for name, browser in browsers.items():
        assert browser.log_in(name).status_code == 303
    return browsers


@pytest.fixture
def ask(people: dict[str, Browser]) -> Ask:
    """The text of a page."""

    def get(path: str, by: str = OPERATOR, status: int = 200) -> str:
        answer = people[by].get(path)
        assert answer.status_code == status, answer.text[-2000:]
        text: str = answer.text
        return text

    return get


def words(page: str) -> str:
    """What a page says, without its marks."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())


@pytest.mark.parametrize("who", [VIEWER, PERSONAL, OPERATOR])
@pytest.mark.parametrize("path", PAGES)
def test_every_page_comes_whole_to_everybody(ask: Ask, path: str, who: str) -> None:
    page = ask(path, who)
    assert page.rstrip().endswith("</html>")
    assert "No se pudo calcular" not in page


def test_an_empty_warehouse_says_that_there_are_no_data_yet(engine: sa.Engine, database_url: str) -> None:
    let_in(engine)
    browser = Browser(front_door(database_url, engine), URL)
    browser.log_in(OPERATOR)
    for path in (*PAGES, "/suscriptor?suscriptor=S-1"):
        answer = browser.get(path)
        assert answer.text.rstrip().endswith("</html>")
        assert answer.status_code == (404 if path.startswith("/canal?") else 200), path
        assert path == "/glosario" or "Todavía no hay datos" in answer.text


def test_channels_are_ranked_by_what_was_watched_with_their_change(ask: Ask) -> None:
    page = ask("/canales")
    assert page.index(">Canal Estrella<") < page.index(">Canal 7<")
    assert "comparado con" in page
    assert re.search("[+\N{MINUS SIGN}]\\d+\\.\\d %", page)
    assert "cifra de menos de 30 suscriptores" in page


def test_an_evening_is_set_against_that_of_a_week_before(ask: Ask) -> None:
    """How Saturday's evening went, channel by channel, against the Saturday before."""
    day = today(MEXICO)
    saturday = day - timedelta(days=(day.weekday() - 5) % 7 or 7)
    days = f"/canales?desde={saturday}&hasta={saturday}&contra=semana"
    page = words(ask(f"{days}&franja=noche"))
    assert "Ranking de canales: noche, 18 a 24 h" in page
    # What stood before stands beside what it was before, and what is of the whole day says so.
    assert page.index("Audiencia media ?") < page.index("Antes", page.index("Ranking")) < page.rindex("Horas vistas ?")
    assert "De los días enteros" in page
    assert "De los días enteros" not in words(ask(days))
    assert f"comparado con sáb {(saturday - timedelta(days=7)).day} " in page


def test_a_day_that_is_not_over_is_provisional_and_compared_with_the_same_part(ask: Ask) -> None:
    day = today(MEXICO)
    page = words(ask(f"/canales?desde={day}&hasta={day}"))
    assert "Provisional:" in page
    assert "Sin comparación" in page
    assert "Datos hasta el" in page


def test_a_channel_has_its_place_its_flows_and_its_curve(ask: Ask) -> None:
    page = ask(f"/canal?canal={quote('Noticias 24')}")
    said = words(page)
    assert re.search(r"Lugar \d de 9", said)
    assert "De dónde vienen" in said
    assert "/figuras/average_audience?" in page


@pytest.mark.parametrize("name", [ODD_CHANNEL, LONG_CHANNEL.strip(), "Cine Ñandú"], ids=["odd", "long", "accents"])
def test_a_name_of_strangers_is_shown_and_linked_as_it_is_and_runs_nowhere(ask: Ask, name: str) -> None:
    page = ask("/canales")
    assert "<script>alert" not in page
    [link] = {
        unescape(each) for each in re.findall(r'href="(/canal\?[^"]*)"', page) if quote(name[:12], safe="") in _quoted(each)
    }
    assert "<script>alert" not in ask(link)


def _quoted(href: str) -> str:
    return unescape(href).replace("+", "%20")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("desde=ayer", "«ayer» no es un día"),
        ("desde=2026-13-01", "no es un día"),
        ("desde=1999-01-01", "No hay datos del 1 ene 1999"),
        (f"desde={date(2025, 3, 2)}&hasta={date(2025, 3, 1)}", "antes de empezar"),
        ("contra=siempre", "«siempre» no es una opción"),
        ("franja=siesta", "«siesta» no es una opción"),
        (f"canal={'x' * 1001}", "demasiado largo"),
        ("desde=%3Cscript%3Ealert(1)%3C/script%3E", "no es un día"),
    ],
)
@pytest.mark.parametrize("path", ["/canales", "/periodos"])
def test_what_cannot_be_gets_the_form_again_with_what_can(ask: Ask, path: str, query: str, said: str) -> None:
    page = ask(f"{path}?{query}", status=400)
    assert said in words(page)
    assert 'name="desde"' in page
    assert "<script>alert" not in page


def test_a_channel_that_there_is_not_gets_those_that_may_be_meant(ask: Ask) -> None:
    page = words(ask("/canal?canal=Noticias%2042", status=404))
    assert "No hay ningún canal que se llame «Noticias 42»" in page
    assert "¿Quiso decir…? Noticias 24" in page
    assert "¿Quiso decir…? Música" in words(ask("/canal?canal=musica", status=404))
    assert "Escriba el nombre de un canal" in words(ask("/canal", status=400))


def test_single_subscribers_are_for_those_who_may_see_them(ask: Ask) -> None:
    for who in (PERSONAL, OPERATOR):
        assert "S-0055" in ask("/suscriptores", who)
        assert "Sus canales" in ask("/suscriptor?suscriptor=S-0003", who)
    assert not re.search("S-00", ask("/suscriptores", VIEWER))
    assert "Su usuario no puede verla" in ask("/suscriptores", VIEWER)
    assert "Su usuario no puede verla" in ask("/suscriptor?suscriptor=S-0003", VIEWER, 403)
    assert ask("/figuras/churn_risk", VIEWER, 403)


def test_those_who_left_are_the_first_to_call(ask: Ask) -> None:
    page = words(ask("/suscriptores"))
    called = page[page.index("A quién llamar") :]
    assert re.search(r"S-00(5[4-9]) alto", called)


def test_a_code_of_a_stranger_is_text_and_one_that_was_not_seen_is_said_so(ask: Ask) -> None:
    assert ODD_SUBSCRIBER in SUBSCRIBERS
    page = ask(f"/suscriptor?suscriptor={quote(ODD_SUBSCRIBER, safe='')}")
    assert "<b>" not in page
    assert "Sus canales" in page
    assert f"«{NOT_THERE}» no vio nada" in words(ask(f"/suscriptor?suscriptor={NOT_THERE}"))
    assert "Escriba el código" in words(ask("/suscriptor?suscriptor=", status=400))


def test_today_is_set_against_yesterday_and_a_week_ago_up_to_the_same_hour(ask: Ask) -> None:
    page = words(ask("/hoy"))
    assert "Reproducciones hasta las 18 h, contra ayer" in page
    assert "Última lectura" in page
    assert "Problemas ? Ninguno" in page or "Problemas Ninguno" in page
    assert "Qué se ve, de 17 a 18 h" in page.replace("de de", "de")


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


def test_every_text_of_the_catalogue_is_said_somewhere() -> None:
    rooms = [each for each in Path(web.__file__).parent.joinpath("pages").rglob("*") if each.suffix in (".py", ".html")]
    said = " ".join(each.read_text() for each in rooms)
    named = {*re.findall(r"say\.(\w+)", said), *re.findall(r'"(\w+)"', said)}
    composed = ("preset_", "part_", "theme_")
    assert [
        name for name in PAGES_SAID if name not in named and not name.startswith(composed) and not name.endswith("_lead")
    ] == []


def test_every_link_to_a_definition_leads_to_one(ask: Ask) -> None:
    places = set(re.findall(r'id="([^"]+)"', ask("/glosario")))
    wanted = {place for path in PAGES for place in re.findall(r'href="/glosario#([^"]+)"', ask(path))}
    assert wanted
    assert wanted <= places


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


def test_pages_speak_english_where_that_is_set(filled: str) -> None:
    door = Browser(front_door(filled, connect(filled), language="en"), URL)
    door.log_in(OPERATOR)
    for path in PAGES:
        page = door.get(path)
        assert page.status_code == 200
    said = words(door.get("/canales").text)
    assert "Ranking of channels" in said
    assert "compared with" in said
    assert "Hours watched" in said
