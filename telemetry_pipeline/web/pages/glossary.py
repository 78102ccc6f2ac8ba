"""*Glosario*: what each word means and how each figure is computed, from the same texts as documentation and reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.responses import Response

from telemetry_pipeline.analyses.framework.declaration import Analysis
from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.web.frame.naming import question_of, title_of
from telemetry_pipeline.web.pages.opened import Opened
from telemetry_pipeline.words.analyses import about
from telemetry_pipeline.words.language import Language
from telemetry_pipeline.words.terms import TERMS

PATH = "/glosario"
_THEMES = ("audience", "general", "period", "subscribers")


@dataclass(frozen=True)
class Entry:
    """A word or an analysis. :ivar columns: by the names that they have in files, what they are called."""

    place: str
    name: str
    text: str
    question: str = ""
    left_out: str = ""
    columns: Mapping[str, str] | None = None


async def show(page: Opened) -> Response:
    """Return the page."""
    language = page.speech.language
    words = [Entry(place, term.name(language), term.text(language).replace("*", "")) for place, term in TERMS.items()]
    themes = {
        getattr(page.speech.say, f"theme_{theme}"): [
            _entry(page, each) for each in all_analyses().values() if each.theme == theme
        ]
        for theme in _THEMES
    }
    return page.reply("glossary.html", notes=[], entries=_in_order(words), themes=themes)


def _entry(page: Opened, analysis: Analysis) -> Entry:
    language = page.speech.language
    known = about(analysis.name)
    is_spanish = language is Language.ES and known is not None
    return Entry(
        analysis.name,
        title_of(analysis.name, language),
        known.how if known and is_spanish else " ".join(analysis.description.split("\n\n")[1:2]).replace("\n", " "),
        question_of(analysis.name, language),
        known.left_out if known and is_spanish else "",
        {column.name: page.named(column.name) if is_spanish else column.explanation for column in analysis.columns},
    )


def _in_order(entries: Sequence[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda entry: entry.name.casefold())
