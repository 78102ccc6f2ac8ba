"""What the pages about audiences say, to whom, and what they make of what they are asked."""

from __future__ import annotations

import re
from datetime import date, timedelta
from html import unescape
from pathlib import Path
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from audiences import CHANNELS, LONG_CHANNEL, ODD_CHANNEL, ODD_SUBSCRIBER, SUBSCRIBERS
from front_door import OPERATOR, URL, VIEWER, Browser
from pages import PERSONAL, Ask, front_door, let_in, words
from warehouse_events import MEXICO

from telemetry_pipeline import web
from telemetry_pipeline.days import Period, today
from telemetry_pipeline.speech import Speech
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.words.language import Language
from telemetry_pipeline.words.pages import PAGES as PAGES_SAID

PAGES = ["/hoy", "/canales", f"/canal?canal={quote(CHANNELS[0])}", "/periodos", "/suscriptores", "/glosario"]
NOT_THERE = "S-nobody"


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


@pytest.mark.parametrize(
    ("path", "counted"),
    [("/canales", "Alcance"), ("/suscriptores", "Suscriptores activos"), ("/periodos", "Suscriptores activos")],
)
def test_people_are_counted_once_above_a_page_by_what_it_is_about(ask: Ask, path: str, counted: str) -> None:
    tiles = re.findall(r'<dt>([^<]*) <a class="term" href="/glosario#palabra-(\w+)"', ask(path))
    terms = {"Alcance": "reach", "Suscriptores activos": "subscriber"}
    assert [tile for tile in tiles if tile[0] in terms] == [(counted, terms[counted])]


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
        ("desde=1999-01-01", "El 1 ene 1999 no se puede pedir"),
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


def test_a_form_that_is_refused_keeps_what_was_typed_and_has_no_line_about_figures(ask: Ask) -> None:
    day = today(MEXICO)
    first, last = str(day - timedelta(days=8)), str(day - timedelta(days=18))
    others = f"contra=otros&contra_desde={last}&contra_hasta=nunca"
    page = ask(f"/canales?desde={first}&hasta={last}&hora_desde=20&{others}", status=400)
    fields = dict(re.findall(r'name="(\w+)" type="date" value="([^"]*)"', page))
    assert fields == {"desde": first, "hasta": last, "contra_desde": last, "contra_hasta": ""}
    assert re.findall(r"<option[^>]* selected>([^<]*)<", page) == ["20 h", "24 h", "otros días"]
    assert "comparado con" not in words(page)
    page = ask(f"/canal?canal=Noticias+24&desde={first}&hasta={last}", status=400)
    assert 'value="Noticias 24"' in page


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


def test_who_helps_a_subscriber_sees_whether_it_is_our_fault(ask: Ask, filled: str) -> None:
    engine = connect(filled)
    with engine.begin() as connection:
        connection.execute(
            sa.text("insert into telemetry.problems (key, summary, detail, advice) values ('run:telemetry_tick', '', '', '')")
        )
    try:
        page = words(ask("/suscriptor?suscriptor=S-0003"))
        asked = page[page.index("¿Es cosa nuestra?") :]
        assert "Problemas 1" in asked
        assert "Falló la tarea telemetry_tick" in asked
    finally:
        with engine.begin() as connection:
            connection.execute(sa.text("delete from telemetry.problems"))


def test_support_sees_when_what_was_watched_and_on_which_device(ask: Ask) -> None:
    page = words(ask("/suscriptor?suscriptor=S-0003"))
    seen = page[page.index("Qué vio") : page.index("Sus canales")]
    assert re.search(r"\d{1,2} \w+ \d{4}, \d\d:\d\d \d\d:\d\d ", seen)


def test_support_is_told_which_of_the_days_were_not_read_to_their_end(ask: Ask) -> None:
    """The first day of data is one of them: what came before it is not known."""
    yesterday = today(MEXICO) - timedelta(days=1)
    asked = "/suscriptor?suscriptor=S-0003&desde={}&hasta={}"
    assert "no hay huecos" in words(ask(asked.format(yesterday - timedelta(days=3), yesterday)))
    page = words(ask(asked.format(yesterday - timedelta(days=34), yesterday)))
    assert "No se pudo leer todo de" in page
    assert "no hay huecos" not in page


def test_those_who_left_are_the_first_to_call(ask: Ask) -> None:
    page = words(ask("/suscriptores"))
    called = page[page.index("A quién llamar") :]
    speech, last = Speech(PAGES_SAID, Language.ES, MEXICO), today(MEXICO) - timedelta(days=1)
    weeks = [speech.days(Period(last - timedelta(days=back), last - timedelta(days=back - 6))) for back in (6, 13)]
    assert "{} contra {}".format(*weeks) in called
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


@pytest.mark.parametrize("query", ["desde={day}&hasta={day}", "desde=ayer", "contra=siempre"])
def test_today_is_of_today_whatever_its_address_says(ask: Ask, query: str) -> None:
    """The menu leads there from pages of other days."""
    day = today(MEXICO)
    page = ask(f"/hoy?{query.format(day=day - timedelta(days=7))}")
    asked = re.findall(r"desde=([\d-]+)&amp;hasta=([\d-]+)", page[page.index("<main") :])
    files = re.findall(r"from=([\d-]+)&amp;to=([\d-]+)", page)
    assert asked
    assert files
    assert {*asked, *files} == {(str(day), str(day))}
    assert set(re.findall(r'data-days="([^"]*)"', page)) == {f"{day}/{day}"}


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
