"""What is wrong, as people are told it, on pages and in messages: in the words of the catalogue, with what was written down
about it as a technical detail.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from telemetry_pipeline.printable import cut
from telemetry_pipeline.warehouse.operations.problems import CHECK, COMPONENT, Incident
from telemetry_pipeline.words.language import Language
from telemetry_pipeline.words.upkeep.checks import find_check
from telemetry_pipeline.words.upkeep.problems import Said, find_problem, find_restart

_LONGEST, _LONGEST_TITLE = 2_000, 300


@dataclass(frozen=True)
class Told:
    """A problem for people.

    :ivar language: of title and advice; what the catalogue does not know is told as it was written down.
    :ivar technical: what was written down, in English, a paragraph each, without what title and advice say already.
    """

    title: str
    advice: str
    language: Language
    technical: tuple[str, ...]

    def shown(self) -> Told:
        """Return it as pages show it, where there is little room."""
        technical = tuple(cut(line, _LONGEST) for line in self.technical)
        return replace(self, title=cut(self.title, _LONGEST_TITLE), advice=cut(self.advice, _LONGEST), technical=technical)


def told_of(incident: Incident, language: Language) -> Told:
    """Return what people are told of a problem; there is always something to say."""
    title, advice = incident.summary, incident.advice
    if (said := _said(incident, language)) is not None:
        # In English the problem's own advice is the better one: it knows the disk, the id, the command.
        title, advice = said.title, (language is Language.EN and incident.advice) or said.advice
    check = (
        find_check(said.name.split(":")[1], language) if said and incident.key.startswith(CHECK) and ":" in said.name else None
    )
    if said and check:
        title, advice = title.replace(said.name, check.title), check.advice
    written = (text for text in (incident.summary, incident.detail, incident.advice) if text not in (title, advice))
    technical = tuple(line for text in written for line in text.splitlines() if line)
    return Told(title, advice, language if said else Language.EN, technical)


def _said(incident: Incident, language: Language) -> Said | None:
    said = find_problem(incident.key, language)
    is_restart = (
        said is not None
        and incident.key.startswith(COMPONENT)
        and incident.summary == find_restart(incident.key, Language.EN).title
    )
    return find_restart(incident.key, language) if is_restart else said
