"""Pictures on pages: where each is fetched from, what it is called, and the files that one can take away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from telemetry_pipeline.analyses.framework.declaration import Analysis
from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.web.pages.asked.query import Asked
from telemetry_pipeline.words.analyses import about
from telemetry_pipeline.words.language import Language

PATH = "/figuras"
_API = "/api/analyses"
_FORMS = {"csv": "CSV", "xlsx": "Excel", "png": "PNG", "svg": "SVG"}


@dataclass(frozen=True)
class Picture:
    """A picture of an analysis.

    :ivar source: its address. :ivar files: by what they are called, their addresses.
    """

    name: str
    title: str
    question: str
    source: str
    files: Mapping[str, str]


def picture(name: str, asked: Asked, language: Language, **parameters: str) -> Picture:
    """The picture of an analysis about the days that were asked for.

    :param parameters: of the analysis, beside the days.
    """
    days = {"from": str(asked.period.first), "to": str(asked.period.last), **parameters}
    return Picture(
        name,
        title_of(name, language),
        question_of(name, language),
        asked.at(f"{PATH}/{name}", everything=False, part=""),
        {text: f"{_API}/{name}?{urlencode({**days, 'format': form}, errors='replace')}" for form, text in _FORMS.items()},
    )


def title_of(name: str, language: Language) -> str:
    """What an analysis is called."""
    known = about(name)
    return known.title if known and language is Language.ES else name.replace("_", " ").capitalize()


def question_of(name: str, language: Language) -> str:
    """The question that it answers."""
    known = about(name)
    return known.question if known and language is Language.ES else find_analysis(name).question


def names_people(analysis: Analysis) -> bool:
    """Whether its result is about single subscribers."""
    named = {column.name for column in analysis.columns} | set(analysis.parameters.model_fields)
    return "subscriber_code" in named
