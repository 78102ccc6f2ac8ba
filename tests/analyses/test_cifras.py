"""Every analysis has its line in the Spanish catalogue, from which docs/cifras.md and the titles of pictures come."""

from __future__ import annotations

import re

import pytest

from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.words import analyses
from telemetry_pipeline.words.analyses import about, title


@pytest.mark.parametrize("name", all_analyses())
def test_a_line_asks_a_question_and_says_how_it_is_answered_and_of_which_days(name: str) -> None:
    line = about(name)
    assert line, f"{name} has no line in telemetry_pipeline/words/analyses.py"
    assert re.fullmatch(r"[^¿?]*¿[^¿?]+\?", line.question)
    assert all((line.title, line.how, line.left_out))


def test_there_are_no_lines_of_other_analyses() -> None:
    assert list(analyses._ANALYSES) == list(all_analyses())


def test_an_analysis_without_a_line_is_called_by_its_name() -> None:
    assert title("zapped_channels") == "Zapped channels"
