"""The page that says in Spanish how each figure is defined has all analyses, and only those."""

from __future__ import annotations

import re
from pathlib import Path

from telemetry_pipeline.analyses.registry import all_analyses

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "cifras.md"


def rows() -> list[list[str]]:
    """The cells of each line of the table of analyses."""
    lines = [line for line in DOCUMENTATION.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_analysis_has_one_line_in_the_spanish_table_and_no_other_has_one() -> None:
    assert [row[0] for row in rows()] == [f"`{name}`" for name in all_analyses()]


def test_every_line_asks_a_question_and_says_how_it_is_answered_and_of_which_days() -> None:
    for name, question, method, left_out in rows():
        assert re.fullmatch(r"[^¿?]*¿[^¿?]+\?", question), name
        assert method, name
        assert left_out, name


def test_the_heading_says_how_many_there_are() -> None:
    assert f"## Los {len(all_analyses())} análisis" in DOCUMENTATION.read_text(encoding="utf-8")
