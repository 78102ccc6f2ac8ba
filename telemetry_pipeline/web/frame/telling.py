"""What is wrong, as pages tell it: in the words of the catalogue, with what was written down about it as a technical detail."""

from __future__ import annotations

from dataclasses import dataclass

from telemetry_pipeline.warehouse.operations.problems import Incident
from telemetry_pipeline.web.frame.speech import cut
from telemetry_pipeline.words.language import Language
from telemetry_pipeline.words.upkeep.checks import find_check
from telemetry_pipeline.words.upkeep.problems import find_problem

CHECK = "check:"
"""What the keys of problems begin with that are a check which does not pass; asset and check follow."""

_LONGEST, _LONGEST_TITLE = 2_000, 300


@dataclass(frozen=True)
class Told:
    """A problem for people.

    :ivar language: of title and advice; what the catalogue does not know is told as it was written down.
    :ivar technical: what was written down, in English, a paragraph each.
    """

    title: str
    advice: str
    language: Language
    technical: tuple[str, ...]


def told_of(incident: Incident, language: Language) -> Told:
    """Return what a page says of a problem; there is always something to say."""
    said = find_problem(incident.key, language)
    if said is None:
        return Told(_cut(incident.summary), _cut(incident.advice), Language.EN, _written(incident.detail))
    written = _written(incident.summary, incident.detail, incident.advice)
    title, advice = said.title, said.advice
    check = find_check(said.name.split(":")[1], language) if incident.key.startswith(CHECK) and ":" in said.name else None
    if check is not None:
        title, advice = title.replace(said.name, check.title), check.advice
    return Told(_cut(title), advice, language, written)


def _written(*texts: str) -> tuple[str, ...]:
    return tuple(cut(line, _LONGEST) for text in texts for line in text.splitlines() if line)


def _cut(text: str) -> str:
    return cut(text, _LONGEST_TITLE)
