"""What forms say below a table, and how they write what somebody else named."""

from __future__ import annotations

from telemetry_pipeline.printable import cut
from telemetry_pipeline.reports.content.content import Content, Section
from telemetry_pipeline.words.language import Texts

_LONGEST_SUBJECT = 80


def notes(section: Section, say: Texts) -> list[str]:
    """Return what to know of a section's table: which rows it has, and what grey and slanted ones are."""
    table = section.table
    if not table.rows:
        return [say.nothing]
    found = []
    if table.count > len(table.rows):
        found.append(say.first_rows.format(shown=len(table.rows), count=table.count))
    if table.has_small:
        found.append(say.small_base)
    if table.has_provisional:
        found.append(say.provisional)
    if section.how:
        found.append(say.how.format(how=section.how))
    return found


def subject_of(content: Content) -> str:
    """Return what a report is about besides its days, as one line that can be seen; empty: everything."""
    return cut(content.subject, _LONGEST_SUBJECT)
