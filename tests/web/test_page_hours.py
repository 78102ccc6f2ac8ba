"""*Canales* over any whole hours of the day: what an address may ask for, and that the figures are those of the hours."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from front_door import URL, VIEWER, Browser
from pages import Ask, front_door, words
from warehouse_events import MEXICO

from telemetry_pipeline.days import AllowedDays, Completeness, Period, today
from telemetry_pipeline.errors import AskedWrongly
from telemetry_pipeline.speech import Speech
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.operations.status import LastSync
from telemetry_pipeline.web.pages.asked.query import Asked, read
from telemetry_pipeline.web.pages.shown.knowledge import Knowledge
from telemetry_pipeline.words.language import Language
from telemetry_pipeline.words.pages import PAGES

ALLOWED = AllowedDays(date(2025, 1, 1), date(2026, 11, 27), "America/Mexico_City")
ZONE = ZoneInfo("America/Mexico_City")
SPANISH, ENGLISH = Speech(PAGES, Language.ES, ZONE), Speech(PAGES, Language.EN, ZONE)


def asked_for(query: dict[str, str], speech: Speech = SPANISH) -> Asked:
    return read(query, ALLOWED, speech, "7")


@pytest.mark.parametrize(
    ("query", "part", "hours"),
    [
        ({"franja": "20-24"}, "20-24", range(20, 24)),
        ({"franja": "0-1"}, "0-1", range(1)),
        ({"franja": "08-09"}, "8-9", range(8, 9)),
        ({"franja": "noche"}, "noche", range(18, 24)),
        ({"franja": "18-24"}, "noche", range(18, 24)),
        ({"franja": "0-24"}, "", range(24)),
        ({"franja": ""}, "", range(24)),
        ({}, "", range(24)),
        ({"hora_desde": "20", "hora_hasta": "24"}, "20-24", range(20, 24)),
        ({"hora_desde": "20", "hora_hasta": ""}, "20-24", range(20, 24)),
        ({"hora_hasta": "3"}, "0-3", range(3)),
        ({"hora_desde": "", "hora_hasta": ""}, "", range(24)),
        ({"franja": "tarde", "hora_desde": "20"}, "tarde", range(12, 18)),
    ],
)
def test_the_same_hours_are_said_the_same_way_however_they_were_asked_for(
    query: dict[str, str], part: str, hours: range
) -> None:
    asked = asked_for(query)
    assert (asked.part, asked.hours) == (part, hours)
    again = dict(parse_qsl(urlsplit(asked.at("/canales")).query))
    assert again.get("franja", "") == part
    assert not any(name.startswith("hora_") for name in again)
    assert read(again, ALLOWED, SPANISH, "28") == asked


@pytest.mark.parametrize("speech", [SPANISH, ENGLISH], ids=["es", "en"])
@pytest.mark.parametrize(
    "text",
    [
        "20-",
        "-24",
        "-",
        "20",
        "20-25",
        "25-26",
        "20 - 24",
        "20-24-25",
        "+5-7",
        "5.0-7",
        "٢٠-٢٤",
        "²-5",
        "2\N{EN DASH}4",
        "9" * 900,
        "1-" + "9" * 900,
    ],
)
def test_what_are_no_hours_is_refused_with_what_can_be(text: str, speech: Speech) -> None:
    with pytest.raises(AskedWrongly) as refused:
        asked_for({"franja": text}, speech)
    assert refused.value.status == 400
    assert "20-24" in refused.value.problem
    assert "madrugada" in refused.value.problem
    assert len(refused.value.problem) < 300


@pytest.mark.parametrize("text", ["24-24", "5-3", "5-5", "22-2", "22-02", "0-0", "24-0"])
def test_hours_over_midnight_or_none_are_refused_with_how_to_ask_for_them(text: str) -> None:
    with pytest.raises(AskedWrongly, match=r"de un mismo día.* 22-24, y 0-2 del día siguiente"):
        asked_for({"franja": text})
    with pytest.raises(AskedWrongly, match=r"over midnight"):
        asked_for({"franja": text}, ENGLISH)


@pytest.mark.parametrize("query", [{"hora_desde": "25"}, {"hora_hasta": "x"}, {"hora_desde": "1-2"}, {"hora_desde": "٢"}])
def test_a_field_that_is_no_hour_is_refused_as_well(query: dict[str, str]) -> None:
    with pytest.raises(AskedWrongly, match="no es una opción"):
        asked_for(query)


def ranking(ask: Ask, query: str) -> dict[str, list[float]]:
    """The figures of the file of a page's link: by channel, the average audience and the hours watched."""
    [link] = {unescape(each) for each in re.findall(r'href="(/canales\.csv[^"]*)"', ask(f"/canales?contra=nada&{query}"))}
    rows = csv.DictReader(ask(link, VIEWER).removeprefix("\ufeff").splitlines(), delimiter=";")
    return {row["Canal"]: [float(row[name].replace(",", ".")) for name in ("Audiencia media", "Horas vistas")] for row in rows}


def moment(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(0), MEXICO).astimezone(UTC) + timedelta(hours=hour, minutes=minute)


def from_rows(url: str, begin: datetime, end: datetime) -> dict[str, list[float]]:
    """The same out of the rows of views: seconds between two moments that somebody watched, each one once."""
    watched: dict[tuple[str, str], set[int]] = {}
    first, last = round(begin.timestamp()), round(end.timestamp())
    for name, code, ended, seconds in _views(url, begin):
        stop = round(ended.timestamp())
        watched.setdefault((name, code), set()).update(range(max(first, stop - seconds), min(last, stop)))
    by_channel: dict[str, int] = {}
    for (name, _), seconds_of_one in watched.items():
        by_channel[name] = by_channel.get(name, 0) + len(seconds_of_one)
    return {name: [sum_ / (last - first), sum_ / 3600] for name, sum_ in by_channel.items() if sum_}


def _views(url: str, begin: datetime) -> Iterator[Any]:
    statement = sa.text(
        "select channel_name, subscriber_code, ended_at, duration_seconds from telemetry.views"
        " where ended_at between :begin and :begin + interval '28 h' and excluded is null"
    )
    with connect(url).connect() as connection:
        yield from connection.execute(statement, {"begin": begin})


def same(found: dict[str, list[float]], due: dict[str, list[float]]) -> None:
    assert due
    assert sorted(found) == sorted(due)
    for name, figures in due.items():
        assert found[name] == pytest.approx(figures), name


def test_the_figures_of_20_to_24_are_those_of_the_rows(ask: Ask, filled: str) -> None:
    day = today(MEXICO) - timedelta(days=3)
    found = ranking(ask, f"desde={day}&hasta={day}&franja=20-24")
    same(found, from_rows(filled, moment(day, 20), moment(day, 24)))
    audiences = [audience for audience, _ in found.values()]
    assert audiences == sorted(audiences, reverse=True)
    assert found != ranking(ask, f"desde={day}&hasta={day}&franja=noche")


def test_of_today_only_the_minutes_count_that_have_passed(ask: Ask, filled: str) -> None:
    """At 18:20 an audience of 17 to 22 h is not that of five hours."""
    day = today(MEXICO)
    same(ranking(ask, f"desde={day}&hasta={day}&franja=17-22"), from_rows(filled, moment(day, 17), moment(day, 18, 20)))


def test_hours_that_are_still_to_come_have_nothing_to_show(ask: Ask) -> None:
    day = today(MEXICO)
    page = words(ask(f"/canales?desde={day}&hasta={day}&franja=20-24"))
    assert re.search("Ranking de canales: 20 a 24 h (Estas horas todavía no llegan|De estas horas todavía no hay datos)", page)
    assert "no se vio nada" not in page
    assert "No se pudo" not in page


def test_hours_come_first_with_their_total_and_what_is_of_whole_days_below_once(ask: Ask, filled: str) -> None:
    """How the evening of Saturday went, against that of the Saturday before."""
    day = today(MEXICO) - timedelta(days=3)
    before = day - timedelta(days=7)
    query = f"desde={day}&hasta={day}&franja=20-24"
    page = ask(f"/canales?{query}&contra=semana")
    said = words(page)
    assert (
        f"{SPANISH.days(Period(day, day))}, 20 a 24 h comparado con {SPANISH.days(Period(before, before))}, 20 a 24 h" in said
    )
    now, other = (
        sum(hours for _, hours in from_rows(filled, moment(each, 20), moment(each, 24)).values()) for each in (day, before)
    )
    change = SPANISH.change(100 * (now - other) / other)
    total = f"Horas vistas ? {SPANISH.number(now)} {change} Antes: {SPANISH.number(other)}"
    assert said.index(total) < said.index("Ranking de canales: 20 a 24 h") < said.index("De los días enteros")
    assert said.count("De los días enteros") == 1
    assert said.index("Reproducciones ?") > said.index("De los días enteros")
    assert "20 a 24 h comparado" not in words(ask(f"/canales?desde={day}&hasta={day}"))


def test_hours_that_have_not_come_are_told_from_those_that_were_not_read_yet() -> None:
    day = date(2026, 11, 28)
    known = Knowledge(Completeness(known_until=moment(day, 9), first_day=day), LastSync(None, None, moment(day, 9, 10)), ())
    assert known.not_there_yet(moment(day, 20)) == "hours_to_come"
    assert known.not_there_yet(moment(day, 9, 5)) == "hours_not_read"
    assert known.not_there_yet(moment(day, 8)) == ""
    assert Knowledge(Completeness(), known.sync, ()).not_there_yet(moment(day, 8)) == ""


def test_0_to_24_is_the_whole_day(ask: Ask) -> None:
    day = today(MEXICO) - timedelta(days=3)
    days = f"/canales?desde={day}&hasta={day}"
    whole = ask(days)
    assert "% de los activos" in words(whole)
    for query in ("&franja=0-24", "&hora_desde=0&hora_hasta=24", "&hora_desde=&hora_hasta="):
        assert ask(days + query) == whole


def test_the_file_of_hours_has_them_in_its_name(people: dict[str, Browser]) -> None:
    named = people[VIEWER].get("/canales.csv?desde=2026-01-02&hasta=2026-01-03&hora_desde=20").headers["content-disposition"]
    assert named.endswith("''canales_2026-01-02_2026-01-03_20-24.csv")


def test_the_form_has_every_part_as_a_link_and_shows_the_hours_that_are_chosen(ask: Ask) -> None:
    day = today(MEXICO) - timedelta(days=3)
    for query, chosen, first, end in (
        ("franja=20-24", None, "20 h", "24 h"),
        ("hora_desde=18", "noche, 18 a 24 h", "18 h", "24 h"),
        ("franja=tarde", "tarde, 12 a 18 h", "12 h", "18 h"),
        ("", "todo el día", "0 h", "24 h"),
    ):
        page = ask(f"/canales?desde={day}&hasta={day}&contra=semana&{query}")
        form = page[page.index('aria-label="Franja"') :].partition("</form>")[0]
        selected = [
            text for text in re.findall(r"<option value=\"\w*\" selected>([^<]*)</option>", form) if text.endswith(" h")
        ]
        assert selected == [first, end]
        links = dict(re.findall(r'<a href="([^"]*)"(?: aria-current="true")?>([^<]*)</a>', form[: form.index("</ul>")]))
        evening = {text: unescape(href) for href, text in links.items()}["noche, 18 a 24 h"]
        assert evening == f"/canales?desde={day}&hasta={day}&contra=semana&franja=noche"
        assert re.findall(r'aria-current="true">([^<]*)</a>', form[: form.index("</ul>")]) == ([chosen] if chosen else [])
        other_days = re.findall(r'href="([^"]*)"[^>]*>Ayer<', page)
        assert ("franja" in other_days[0]) == (chosen != "todo el día")


@pytest.mark.parametrize("query", ["franja=5-3", "hora_desde=22&hora_hasta=2", f"franja={quote('٢٠-٢٤')}"])
@pytest.mark.parametrize("path", ["/canales", "/canales.csv"])
def test_wrong_hours_get_the_form_again(ask: Ask, path: str, query: str) -> None:
    page = ask(f"{path}?{query}", status=400)
    assert "22-24, y 0-2 del día siguiente" in words(page) or "escritas como 20-24" in words(page)
    assert 'name="desde"' in page


def test_hours_are_said_in_english_where_that_is_set(filled: str) -> None:
    door = Browser(front_door(filled, connect(filled), language="en"), URL)
    door.log_in(VIEWER)
    said = words(door.get("/canales?hora_desde=20").text)
    assert "Ranking of channels: 20 to 24 h" in said
    assert "From hour" in said
