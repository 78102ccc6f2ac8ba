"""The mail that brings a report: short, with the figures that matter and a picture, and where all of it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from telemetry_pipeline.printable import cut
from telemetry_pipeline.reports.charts import drawing
from telemetry_pipeline.reports.content.content import Content, Section
from telemetry_pipeline.reports.content.tiles import Tile
from telemetry_pipeline.reports.forms.notes import subject_of
from telemetry_pipeline.reports.forms.templating import render
from telemetry_pipeline.words.language import Texts
from telemetry_pipeline.words.reporting.reports import REPORTS

PICTURE = "picture"
"""What the HTML calls the picture: it refers to ``cid:picture``."""
_FIGURES = 2
_LONGEST = 150
_SCALE = 1.5


@dataclass(frozen=True)
class Letter:
    """A mail, but for who gets it.

    :ivar subject: one line that can be seen.
    :ivar text: for programs that show no HTML. :ivar html: refers to the picture, where there is one.
    :ivar pictured: the section whose picture it shows.
    """

    subject: str
    text: str
    html: str
    pictured: Section | None

    @property
    def picture(self) -> bytes | None:
        """The picture as PNG, drawn now."""
        shown = self.pictured
        return None if shown is None else drawing.png(shown.name, shown.result.frame, scale=_SCALE)


def write_letter(content: Content, *, attached: Sequence[str], links: Mapping[str, str]) -> Letter:
    """Return the mail about a report.

    :param attached: names of the files that go with it.
    :param links: addresses of those that do not, by their names.
    :raises jinja2.TemplateError: a template names what is not there.
    """
    say = Texts(REPORTS, content.language)
    shown = _pictured(content)
    values = {
        "report": content,
        "say": say,
        "about": " · ".join(each for each in (subject_of(content), content.days) if each),
        "figures": [(each, _line(each, say)) for each in content.figures[:_FIGURES]],
        "attached": ", ".join(attached),
        "links": links,
        "shown": shown,
        "picture": PICTURE,
    }
    return Letter(
        subject=_subject(content, say),
        text=render("letter.txt", **values),
        html=render("letter.html", **values),
        pictured=shown,
    )


def _subject(content: Content, say: Texts) -> str:
    said = ": ".join((content.title, content.days))
    about = subject_of(content)
    line = f"{said} · {about}" if about else said
    return cut(line if content.complete else f"{line} ({say.is_incomplete})", _LONGEST)


def _pictured(content: Content) -> Section | None:
    return next((each for each in content.sections if each.picture is not None), None)


def _line(each: Tile, say: Texts) -> str:
    """Return a figure as a line: ``Horas vistas: 7,363 (+2.4 %; antes: 7,190)``."""
    before = say.before.format(value=each.previous).lower() if each.previous else ""
    compared = "; ".join(part for part in (each.change, before) if part)
    return f"{each.name}: {each.value}" + (f" ({compared})" if compared else "")
