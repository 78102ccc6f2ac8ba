"""What stands in the cells of a table: values as people write them, names of strangers without what a page would obey."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from telemetry_pipeline.reports.content.tables import Notation, Shown, table
from telemetry_pipeline.speech import Speech
from telemetry_pipeline.words.language import Language
from telemetry_pipeline.words.pages import PAGES

SPANISH = Speech(PAGES, Language.ES, ZoneInfo("UTC"))


def cell(value: object, notation: Notation = "text") -> str:
    return (
        table(pd.DataFrame({"item": [value]}, dtype=object), [Shown("item", notation, head="x")], SPANISH).rows[0].cells[0].text
    )


@pytest.mark.parametrize(
    ("value", "notation", "shown"),
    [
        (date(2026, 11, 16), "day", "16\xa0nov\xa02026"),
        ("2026-11-16", "day", "16\xa0nov\xa02026"),
        (date(2026, 11, 1), "month", "nov\xa02026"),
        ("Canal\xa05", "text", "Canal\xa05"),
        ("a\x00b\u202ec\n", "text", "a\ufffdb\ufffdc\ufffd"),
        (None, "day", "\u2014"),
    ],
)
def test_a_cell_shows_its_value(value: object, notation: Notation, shown: str) -> None:
    assert cell(value, notation) == shown
