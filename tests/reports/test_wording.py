"""Files for people name things as people do; names that somebody gave stay as they are."""

from __future__ import annotations

from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.reports.files.wording import heads, in_words
from telemetry_pipeline.words.shown import word


def test_every_column_of_every_analysis_has_a_word() -> None:
    """``provisional`` is the same word in both languages."""
    columns = {column.name for analysis in all_analyses().values() for column in analysis.columns} - {"provisional"}
    assert [name for name in sorted(columns) if word(name) == name.replace("_", " ")] == []


def test_values_that_are_words_of_ours_are_said_and_names_are_not() -> None:
    rows = [{"channel": "high", "risk": "high", "views_previous": 39, "last_seen": None}]
    assert in_words(list(rows[0]), rows) == [
        {"canal": "high", "riesgo": "alto", "reproducciones antes": 39, "vio por última vez": None}
    ]


def test_two_columns_that_are_called_the_same_stay_two() -> None:
    assert heads(["subscribers", "unique_subscribers", "views"]) == {
        "subscribers": "suscriptores (subscribers)",
        "unique_subscribers": "suscriptores (unique_subscribers)",
        "views": "reproducciones",
    }
    assert in_words(["subscribers", "unique_subscribers"], [{"subscribers": 1, "unique_subscribers": 2}]) == [
        {"suscriptores (subscribers)": 1, "suscriptores (unique_subscribers)": 2}
    ]
