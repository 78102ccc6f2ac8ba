"""A report as PDF, set by Typst."""

from __future__ import annotations

import json
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

from telemetry_pipeline.reports.content.content import Content, Section
from telemetry_pipeline.words.language import Texts
from telemetry_pipeline.words.reports import REPORTS

_FONTS = ("DejaVu Sans", "Libertinus Serif")


def to_pdf(content: Content) -> bytes:
    """Return the bytes; the same content gives the same.

    :raises ModuleNotFoundError: the extra ``[reports]`` is not installed.
    """
    import typst  # noqa: PLC0415 - of the extra [reports], and nobody else pays for it

    with tempfile.TemporaryDirectory(prefix="telemetry-report-") as name:
        folder = Path(name)
        (folder / "report.typ").write_bytes(files(__package__).joinpath("templates", "report.typ").read_bytes())
        (folder / "report.json").write_text(json.dumps(_described(content, folder), ensure_ascii=False), encoding="utf-8")
        moment = int(content.made_at.timestamp())
        made: bytes = typst.compile(folder / "report.typ", root=folder, format="pdf", timestamp=moment)
        return made


def _described(content: Content, folder: Path) -> dict[str, Any]:
    say = Texts(REPORTS, content.language)
    return {
        "title": content.title,
        "subject": content.subject,
        "days": content.days,
        "made": content.made,
        "language": content.language.value,
        "fonts": _FONTS,
        "notices": content.notices,
        "figures": [
            {
                "name": each.name,
                "value": each.value,
                "change": each.change,
                "tone": each.tone,
                "before": say.before.format(value=each.previous) if each.previous else "",
            }
            for each in content.figures
        ],
        "sections": [_section(each, folder, say) for each in content.sections],
    }


def _section(section: Section, folder: Path, say: Texts) -> dict[str, Any]:
    table, picture = section.table, None
    if section.picture is not None:
        picture = f"{section.name}.svg"
        (folder / picture).write_text(section.picture, encoding="utf-8")
    return {
        "title": section.title,
        "question": section.question,
        "picture": picture,
        "heads": [each.text for each in table.heads],
        "numeric": [each.numeric for each in table.heads],
        "rows": [
            [{"text": cell.whole or cell.text, "small": row.small, "provisional": row.provisional} for cell in row.cells]
            for row in table.rows
        ],
        "note": " ".join(_notes(section, say)) if table.rows else say.nothing,
    }


def _notes(section: Section, say: Texts) -> list[str]:
    table = section.table
    found = []
    if table.count > len(table.rows):
        found.append(say.first_rows.format(shown=len(table.rows), count=table.count))
    if table.has_small:
        found.append(say.small_base)
    if table.has_provisional:
        found.append(say.provisional)
    return found
