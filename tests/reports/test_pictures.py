"""Every picture, once it is drawn, says in Spanish what it shows, whatever it holds."""

from __future__ import annotations

import functools
import re
import warnings
from typing import Literal
from urllib.parse import quote
from xml.etree import ElementTree

import hypothesis.strategies as st
import pandas as pd
import pytest
from chart_results import CELLS, CHARTS, COLUMNS, marks, result, texts
from hypothesis import given, settings

from telemetry_pipeline.analyses.framework.columns import conform
from telemetry_pipeline.reports.charts.drawing import png
from telemetry_pipeline.reports.charts.drawing import svg as draw

pytestmark = pytest.mark.pictures

# What the chart of an analysis must say, beside what every one must.
SAYS = {
    "active_subscribers": "suscriptores",
    "anomalies": "desviaciones estándar",
    "average_audience": "suscriptores",
    "average_duration": "minutos por reproducción",
    "channel_audience": "dispositivos",
    "channel_curve": "suscriptores en el minuto medio",
    "channel_flow": "desde el canal",
    "channel_performance": "puntos de 100",
    "churn_risk": "reproducciones por suscriptor",
    "cohorts": "meses desde el primero",
    "concurrency": "hora del día",
    "correlation": "Pearson",
    "day_over_day": "reproducciones",
    "general_summary": "horas vistas",
    "geography": "país y proveedor",
    "peak_hours": "hora del día",
    "period_breakdown": "inicio del periodo",
    "period_channels": "reproducciones por canal",
    "period_comparison": "antes",
    "period_events": "fecha",
    "period_subscribers": "reproducciones por suscriptor",
    "period_summary": "dispositivos",
    "period_trend": "dirección",
    "rating": "% de suscriptores activos",
    "reach": "suscriptores activos",
    "share": "% de las horas vistas",
    "stickiness": "suscriptores activos",
    "subscriber_overview": "media por suscriptor",
    "subscriber_period": "reproducciones por día",
    "subscriber_profile": "reproducciones por hora",
    "subscriber_segments": "veces la media",
    "time_slots": "reproducciones por franja",
    "top_channels": "reproducciones por canal",
    "top_subscribers": "canales",
    "viewing_by_period": "inicio del periodo",
    "viewing_forecast": "pronóstico",
    "win_back": "horas vistas por suscriptor",
}
FEW_KILOBYTES = 40_000


@functools.cache
def on_a_page(name: str) -> str:
    """The chart of a usual result as a page has it."""
    svg = draw(name, result(name), theme="page", links={"channel": "/canal?canal=", "subscriber_code": "/suscriptor?codigo="})
    assert svg is not None
    return svg


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_says_in_spanish_what_it_shows_and_is_small(name: str) -> None:
    svg = on_a_page(name)
    assert SAYS.get(name, "") in " ".join(texts(svg))
    assert len(svg.encode()) < FEW_KILOBYTES
    assert not re.search(r"\b(views|watch_hours|subscribers|unique_\w+|nan|inf)\b", " ".join(texts(svg)))


@pytest.mark.slow
@pytest.mark.parametrize("name", CHARTS)
def test_thousands_of_rows_are_a_small_chart_too(name: str) -> None:
    svg = draw(name, result(name, 4_000))
    assert svg is not None
    assert len(svg.encode()) < 3 * FEW_KILOBYTES


@pytest.mark.parametrize("name", CHARTS)
def test_one_row_is_enough(name: str) -> None:
    svg = draw(name, result(name, 1))
    assert svg is None or texts(svg)


def test_the_same_result_is_the_same_text() -> None:
    for name in ("peak_hours", "viewing_forecast", "subscriber_period"):
        assert on_a_page.__wrapped__(name) == on_a_page(name)


NAMES = {
    "<script>alert(1)</script>": "<script>alert(1)</script>",
    "A & B": "A & B",
    "$\\frac{1}{0}$ y $x_1$": "$\\frac{1}{0}$ y $x_1$",
    "\"uno\" 'dos'": "\"uno\" 'dos'",
    "line\nbreak\x00\x1b": "line break",
    "日本テレビ 😀": "日本テレビ 😀",
    "Un canal de nombre larguísimo en alta definición": "Un canal de nombre larguísimo…",
}
"""Of channels, and how each is shown."""


@functools.cache
def shown_of_names(name: str) -> list[str]:
    return texts(draw(name, result(name, len(NAMES)).assign(channel=list(NAMES))))


@pytest.mark.parametrize("channel", NAMES, ids=ascii)
@pytest.mark.parametrize("name", ["top_channels", "share"])
def test_a_name_is_shown_as_it_is_whatever_it_holds(name: str, channel: str) -> None:
    assert NAMES[channel] in shown_of_names(name)


def test_a_ranking_is_cut_and_says_by_how_much() -> None:
    said = texts(draw("average_duration", result("average_duration", 1_045)))
    assert "y 1,025 más" in said
    assert not [each for each in texts(draw("average_duration", result("average_duration", 20))) if each.startswith("y ")]


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_has_marks_that_say_what_they_are_of(name: str) -> None:
    said = marks(on_a_page(name))
    assert said
    assert all(re.search(r": \S", each) for each in said)


def test_a_mark_says_its_name_in_full_and_leads_to_its_page() -> None:
    channel = "Un canal de nombre larguísimo en alta definición & más/2"
    svg = draw("top_channels", result("top_channels", 1, channel=channel), links={"channel": "/canal?canal="})
    assert svg is not None
    [link] = [each for each in ElementTree.fromstring(svg).iter() if each.tag.endswith("}a")]
    assert link.get("href") == "/canal?canal=" + quote(channel, safe="")
    assert [each.get("aria-label") for each in link] == [f"{channel} · reproducciones: 3,125 (30.0 %)"]
    assert link.attrib.keys() == {"href"}


def test_a_day_of_lines_says_all_of_them() -> None:
    said = marks(draw("stickiness", result("stickiness", 2)))
    assert any(re.fullmatch(r"3 nov 2025 · al día: [\d,]+ · 7 días: [\d,]+ · 30 días: [\d,]+", each) for each in said)


def test_a_chart_on_a_page_has_no_ground_and_leaves_colours_to_the_page() -> None:
    svg = draw("viewing_forecast", result("viewing_forecast"), theme="page")
    assert svg is not None
    assert set(re.findall(r"--picture-([a-z-]+), ", svg)) >= {"ink", "pale-ink", "grid", "blue", "orange"}
    assert not re.search(r'"#|"white"|"black"', svg)


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_brings_nothing_that_a_strict_page_refuses(name: str) -> None:
    svg = on_a_page(name)
    assert not re.search(r"\sstyle=|<style|<script|\son\w+=|<image|<foreignObject|url\(", svg)
    assert set(re.findall(r"\w+://[^\"]*", svg)) == {"http://www.w3.org/2000/svg"}


def test_a_narrow_chart_has_panels_below_one_another() -> None:
    svg = draw("period_comparison", result("period_comparison"), width=360)
    assert svg is not None
    wide, high = map(float, ElementTree.fromstring(svg).attrib["viewBox"].split()[2:])
    assert wide <= 360
    assert high > 250


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_png_is_as_large_as_was_asked_for(theme: Literal["light", "dark"]) -> None:
    image = png("share", result("share", channel="Ñandú 日本テレビ 😀 \u202eא"), theme=theme, scale=1)
    assert image is not None
    assert image.startswith(b"\x89PNG")
    assert int.from_bytes(image[16:20]) == 720


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_whatever_a_result_holds_a_chart_can_be_drawn(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(CHARTS)))
    columns = COLUMNS[name]
    rows = data.draw(st.lists(st.tuples(*(CELLS[column.type] for column in columns)), max_size=8))
    frame = conform(pd.DataFrame(rows, columns=[column.name for column in columns]), columns)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        svg = draw(name, frame)
    assert svg is None or texts(svg)
