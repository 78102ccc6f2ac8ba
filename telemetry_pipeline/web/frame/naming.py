"""What analyses are called on pages, and what they answer, in the language of the page."""

from __future__ import annotations

from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.words.analyses import about
from telemetry_pipeline.words.language import Language


def title_of(name: str, language: Language) -> str:
    """Return what an analysis is called."""
    known = about(name)
    return known.title if known and language is Language.ES else name.replace("_", " ").capitalize()


def question_of(name: str, language: Language) -> str:
    """Return the question that it answers."""
    known = about(name)
    return known.question if known and language is Language.ES else find_analysis(name).question
