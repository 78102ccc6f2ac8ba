"""Every result has a picture: what is declared of it, and what there is none of."""

from __future__ import annotations

from collections.abc import Callable

import hypothesis.strategies as st
import pandas as pd
import pytest
from altair.utils import schemapi
from chart_results import CHARTS, COLUMNS, result
from hypothesis import given

from telemetry_pipeline.reports.charts.declaring import declare
from telemetry_pipeline.reports.charts.drawing import svg as draw
from telemetry_pipeline.reports.figures import rendering
from telemetry_pipeline.reports.figures import texts as figures
from telemetry_pipeline.reports.figures.svg import MEASURED_FONT


@pytest.mark.parametrize("name", CHARTS)
def test_a_declaration_keeps_to_the_schema_of_vega_lite(name: str) -> None:
    with schemapi.debug_mode(True):
        assert declare(name, result(name), "page", links={"channel": "/canal?canal="})


@pytest.mark.parametrize("name", CHARTS)
def test_nothing_is_drawn_of_nothing(name: str) -> None:
    assert draw(name, result(name, 0)) is None
    nulls = {column.name: None for column in COLUMNS[name]}
    assert draw(name, result(name, 3, **nulls)) is None


def test_of_what_is_no_analysis_there_is_no_chart() -> None:
    assert draw("no_such_analysis", pd.DataFrame({"views": [1]})) is None


@pytest.mark.parametrize("letter", ["a", "日", "e\u0301", "🛰", " x", "\u202eא", "\n", "\u200b"], ids=ascii)
def test_of_a_name_of_any_length_no_more_is_measured_than_there_is_room_for(
    letter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was cut a letter at a time, and what was left was measured each time: a minute for 20,000."""
    measured = 0

    def letters(text: str, really: Callable[[str], int] = figures.letters) -> int:
        nonlocal measured
        measured += len(text)
        assert measured < 1_000
        return really(text)

    monkeypatch.setattr(figures, "letters", letters)
    assert len(figures.shorten(letter * 100_000, 30)) <= 30


def test_a_name_that_is_cut_keeps_its_mark_of_few_subscribers() -> None:
    """In pictures with bars of several colours, which have no grey to say it."""
    names = ["Un canal de nombre larguísimo, y de pocos", "Otro"]
    frame = result("channel_performance", 2).assign(channel=names, small_base=True)
    picture = draw("channel_performance", frame) or ""
    assert "Un canal de nombre larguís" in picture
    assert "… °" in picture
    assert "Otro °" in picture


@given(st.text(max_size=40), st.integers(2, 20))
def test_shortening_keeps_as_many_letters_as_there_is_room_for(text: str, width: int) -> None:
    whole = figures.shorten(text, 1_000)
    short = figures.shorten(text, width)
    if figures.letters(whole) <= width:
        assert short == whole
    else:
        kept = short.removesuffix("…")
        assert whole.startswith(kept)
        assert figures.letters(short) <= width
        assert figures.letters(whole[: len(kept) + 1]) >= width or whole[len(kept)] == " "


def test_texts_are_measured_alike_on_machines_with_and_without_fonts() -> None:
    text = {"type": "text", "font": MEASURED_FONT, "fontSize": 100, "align": "left"}
    values = [{"said": "Cuánta audiencia tuvo cada canal"}]
    declaration = {"data": {"values": values}, "mark": text, "encoding": {"text": {"field": "said"}}}
    assert 'width="1724"' in rendering.svg(declaration, "")  # as wide as in DejaVu Sans
