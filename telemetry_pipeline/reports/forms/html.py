"""A report as one HTML file that needs nothing else: it runs nothing, and asks nobody for anything."""

from __future__ import annotations

import base64
import hashlib

from markupsafe import Markup

from telemetry_pipeline.reports.content.content import Content
from telemetry_pipeline.reports.forms.notes import notes, subject_of
from telemetry_pipeline.reports.forms.templating import render, source
from telemetry_pipeline.words.language import Texts
from telemetry_pipeline.words.reporting.reports import REPORTS

_STYLE = "report.css"


def to_html(content: Content) -> str:
    """Return the file's text, to be kept as UTF-8; the same content gives the same.

    :raises jinja2.TemplateError: the template names what is not there.
    """
    say = Texts(REPORTS, content.language)
    style = source(_STYLE)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return render(
        "report.html",
        report=content,
        subject=subject_of(content),
        say=say,
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        style=Markup(style),
        sections=[
            # It is drawn by us: texts in it are escaped.
            (each, Markup(each.picture or ""), notes(each, say))
            for each in content.sections
        ],
    )
