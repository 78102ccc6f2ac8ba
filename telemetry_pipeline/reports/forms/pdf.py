"""A report as PDF, set by Typst in fonts of ours: it looks alike wherever it is made, but for letters that these lack."""

from __future__ import annotations

import json
import re
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

from telemetry_pipeline.reports.content.content import Content, Section
from telemetry_pipeline.reports.content.tables import Table
from telemetry_pipeline.reports.forms.notes import notes, subject_of
from telemetry_pipeline.words.language import Texts
from telemetry_pipeline.words.reporting.reports import REPORTS

_FONT = "DejaVu Sans"
_LONG_WORD = re.compile(r"\S{16,}")
_MAY_BREAK = "\N{ZERO WIDTH SPACE}"
_PIECE = 12
_WIDEST = 36
"""Letters of a column, beyond which its texts have several lines."""


def to_pdf(content: Content) -> bytes:
    """Return the bytes; the same content gives the same.

    :raises RuntimeError: the template cannot be set, or a picture be drawn; says where.
    """
    import typst  # noqa: PLC0415 - who sets nothing does not pay for it

    ours = Path(str(files(__package__)))
    with tempfile.TemporaryDirectory(prefix="telemetry-report-") as name:
        folder = Path(name)
        (folder / "report.typ").write_bytes((ours / "templates" / "report.typ").read_bytes())
        (folder / "report.json").write_text(json.dumps(_described(content, folder), ensure_ascii=False), encoding="utf-8")
        made: bytes = typst.compile(
            folder / "report.typ",
            root=folder,
            font_paths=[ours / "fonts"],
            # Letters that ours lack, such as Chinese ones.
            ignore_system_fonts=False,
            format="pdf",
            timestamp=int(content.made_at.timestamp()),
        )
        return made


def _described(content: Content, folder: Path) -> dict[str, Any]:
    say = Texts(REPORTS, content.language)
    return {
        "title": content.title,
        "subject": subject_of(content),
        "days": content.days,
        "made": content.made,
        "language": content.language.value,
        "font": _FONT,
        "notices": content.notices,
        "figures": [
            {
                "name": each.name,
                "value": each.value,
                "change": each.change,
                "tone": each.tone,
                "small": each.small,
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
        "widths": [_width(column, table) for column in range(len(table.heads))],
        "heads": [_breakable(each.text) for each in table.heads],
        "numeric": [each.numeric for each in table.heads],
        "rows": [
            [{"text": _breakable(cell.text), "small": row.small, "provisional": row.provisional} for cell in row.cells]
            for row in table.rows
        ],
        "note": " ".join(notes(section, say)),
    }


def _width(column: int, table: Table) -> int:
    """Return a column's part of the page: its letters, where they are not very many."""
    head = table.heads[column].text
    texts = [row.cells[column].text for row in table.rows]
    longest = max([*map(len, texts), *map(len, head.split()), len(head) // 2], default=1)
    return min(longest, _WIDEST) + 2


def _breakable(text: str) -> str:
    """Return a text whose long words a narrow column may break."""
    return _LONG_WORD.sub(lambda word: re.sub(f"(.{{{_PIECE}}})", rf"\1{_MAY_BREAK}", word[0]), text)
