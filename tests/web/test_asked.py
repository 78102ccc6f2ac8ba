"""What an address asks a page for, and the addresses that pages have: decided from values alone."""

from __future__ import annotations

from datetime import date
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_pipeline.days import AllowedDays, Period
from telemetry_pipeline.errors import AskedWrongly
from telemetry_pipeline.speech import Speech
from telemetry_pipeline.web.pages.asked.days import presets, weekdays_before
from telemetry_pipeline.web.pages.asked.query import read
from telemetry_pipeline.words.language import Language
from telemetry_pipeline.words.pages import PAGES

TODAY = date(2026, 11, 27)  # a Friday
ALLOWED = AllowedDays(date(2025, 1, 1), TODAY, "America/Mexico_City")
ZONE = ZoneInfo("America/Mexico_City")
SPANISH, ENGLISH = Speech(PAGES, Language.ES, ZONE), Speech(PAGES, Language.EN, ZONE)


def days(first: str, last: str) -> Period:
    return Period(date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(
    ("name", "period"),
    [
        ("today", days("2026-11-27", "2026-11-27")),
        ("yesterday", days("2026-11-26", "2026-11-26")),
        ("7", days("2026-11-20", "2026-11-26")),
        ("28", days("2026-10-30", "2026-11-26")),
        ("week", days("2026-11-23", "2026-11-27")),
        ("month", days("2026-11-01", "2026-11-27")),
        ("last_month", days("2026-10-01", "2026-10-31")),
    ],
)
def test_presets_are_the_days_that_their_names_say(name: str, period: Period) -> None:
    assert presets(TODAY)[name] == period


@given(st.dates(date(2024, 1, 1), date(2027, 1, 1)), st.integers(1, 60))
def test_weekdays_before_are_the_same_weekdays_and_overlap_nothing(first: date, length: int) -> None:
    period = Period(first, date.fromordinal(first.toordinal() + length - 1))
    before = weekdays_before(period)
    assert before is not None
    assert (before.length, before.first.weekday()) == (period.length, period.first.weekday())
    assert before.last < period.first
    assert period.first.toordinal() - before.last.toordinal() <= 7


@pytest.mark.parametrize(
    "query",
    [
        {"desde": "2026-11-21", "hasta": "2026-11-21", "contra": "semana", "franja": "noche"},
        {"desde": "2026-11-01", "hasta": "2026-11-07", "contra_desde": "2026-10-01", "contra_hasta": "2026-10-07"},
        {"desde": "2026-11-01", "hasta": "2026-11-07", "contra": "nada", "canal": " <a> &=#é "},
        {"desde": "2026-11-21", "hora_desde": "20"},
        {"hasta": "2026-11-07", "suscriptor": "S'\"7&x=1", "todo": "1"},
        {},
    ],
    ids=["evening", "others", "channel", "hours", "subscriber", "nothing"],
)
def test_an_address_that_a_page_makes_asks_for_the_same_again(query: dict[str, str]) -> None:
    asked = read(query, ALLOWED, SPANISH, "7")
    again = dict(parse_qsl(urlsplit(asked.at("/canales")).query))
    assert read(again, ALLOWED, SPANISH, "28") == asked


def test_one_day_alone_is_that_day() -> None:
    assert read({"desde": "2026-11-03"}, ALLOWED, SPANISH, "7").period == days("2026-11-03", "2026-11-03")


@pytest.mark.parametrize("speech", [SPANISH, ENGLISH], ids=["es", "en"])
@pytest.mark.parametrize(
    "query",
    [
        {"desde": "20261103"},
        {"desde": "2026-11-28"},
        {"desde": "2024-12-31"},
        {"desde": "2026-11-03", "hasta": "2026-11-02"},
        {"contra": "mañana"},
        {"franja": "25"},
        {"canal": "x" * 1_001},
        {"contra_desde": "ayer"},
    ],
)
def test_what_cannot_be_is_refused_in_the_language_of_the_page(query: dict[str, str], speech: Speech) -> None:
    with pytest.raises(AskedWrongly) as refused:
        read(query, ALLOWED, speech, "7")
    assert refused.value.problem
    assert "{" not in refused.value.problem


def test_numbers_and_days_are_written_as_their_readers_do() -> None:
    assert SPANISH.number(1234567.0) == "1,234,567"
    assert SPANISH.percent(12.345) == "12.3 %"
    assert SPANISH.change(-4.51) == "\N{MINUS SIGN}4.5 %"
    assert SPANISH.number(None) == SPANISH.percent(float("nan")) == "\N{EM DASH}"
    assert SPANISH.seconds(2682) == "44 min 42 s".replace(" ", "\N{NO-BREAK SPACE}")
    assert SPANISH.days(days("2026-11-20", "2026-11-26")) == "20 \N{EN DASH} 26 nov 2026"
    assert SPANISH.days(days("2026-11-27", "2026-11-27")) == "vie 27 nov 2026"
    assert ENGLISH.days(days("2026-11-27", "2026-11-27")).startswith("Fri")


def test_a_text_of_strangers_is_cut_and_turns_nothing_around() -> None:
    assert SPANISH.cut("a\u202eb\0") == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"
    assert len(SPANISH.cut("x" * 500)) == 60
