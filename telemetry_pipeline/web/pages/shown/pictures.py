"""Pictures on pages: where each is fetched from, what it is called, and the files that one can take away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.reports.charts.drawing import OTHERS
from telemetry_pipeline.web.frame.naming import question_of, title_of
from telemetry_pipeline.web.pages.asked.query import Asked
from telemetry_pipeline.web.pages.shown.computing import has_own_window
from telemetry_pipeline.words.language import Language

PATH = "/figuras"
_API = "/api/analyses"
_FORMS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "CSV": ("csv", {"excel": "1"}),
    "Excel": ("xlsx", {}),
    "PNG": ("png", {}),
    "SVG": ("svg", {}),
}


@dataclass(frozen=True)
class Picture:
    """A picture.

    :ivar of: the analysis that it is of.
    :ivar source: its address. :ivar files: by what they are called, their addresses.
    """

    name: str
    title: str
    question: str
    source: str
    files: Mapping[str, str]
    of: str


def picture(name: str, asked: Asked, language: Language, **parameters: str) -> Picture:
    """Return the picture of an analysis about the days that were asked for.

    :param parameters: of the analysis, beside the days.
    """
    return Picture(
        name,
        title_of(name, language),
        question_of(name, language),
        asked.at(f"{PATH}/{name}", everything=False, part=""),
        files_of(name, asked, language, **parameters),
        name,
    )


def other_picture(name: str, title: str, asked: Asked, language: Language) -> Picture:
    """Return another picture than its analysis has by itself."""
    own = picture(OTHERS[name], asked, language)
    return replace(own, name=name, title=title, source=asked.at(f"{PATH}/{name}", everything=False, part=""))


def files_of(name: str, asked: Asked, language: Language, **parameters: str) -> Mapping[str, str]:
    """Return the files of an analysis about the days that were asked for, by what they are called.

    :param parameters: of the analysis, beside the days.
    """
    own_window = has_own_window(find_analysis(name))
    days = {} if own_window else {"from": str(asked.period.first)}
    values = {**days, "to": str(asked.period.last), **parameters}
    if language is Language.ES:
        values["words"] = "1"
    return {
        text: f"{_API}/{name}?{urlencode({**values, 'format': form, **more}, errors='replace')}"
        for text, (form, more) in _FORMS.items()
    }
