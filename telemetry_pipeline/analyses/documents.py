"""Which documents there are, and which analyses each gathers. How they are put together and stored is said in ``results``."""

from __future__ import annotations

from collections.abc import Iterable

from telemetry_pipeline.analyses.framework.declaration import Analysis, Theme
from telemetry_pipeline.analyses.registry import all_analyses

DOCUMENTS: dict[str, tuple[str, Theme]] = {
    "full_analysis": ("What do the general analyses say that look back from this day?", "general"),
    "subscribers_analysis": ("What do the analyses of subscribers say that look back from this day?", "subscribers"),
    "period_analysis": ("What do the analyses of exactly this period say?", "period"),
}
"""Name to the question that a document answers, and the theme of the analyses that it gathers."""


def gathered(document: str) -> list[Analysis]:
    """Return the analyses in a document: those of its theme that run without being told a subscriber."""
    _, theme = DOCUMENTS[document]
    return [each for each in all_analyses().values() if each.theme == theme and each.runs_unattended]


def documents_of(names: Iterable[str]) -> set[str]:
    """Return the documents in which some analyses are."""
    wanted = set(names)
    return {document for document in DOCUMENTS if wanted & {each.name for each in gathered(document)}}
