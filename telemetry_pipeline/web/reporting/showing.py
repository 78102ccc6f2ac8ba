"""The pages of this room: its templates, with what all of them say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse

from telemetry_pipeline.analyses.reports import KINDS
from telemetry_pipeline.days import Period
from telemetry_pipeline.errors import AskedWrongly, RequestRefused
from telemetry_pipeline.printable import cut
from telemetry_pipeline.reports.archive.formats import FORMATS
from telemetry_pipeline.speech import Speech
from telemetry_pipeline.web.frame.page import NOT_KEPT, framed
from telemetry_pipeline.web.frame.templating import templates
from telemetry_pipeline.web.reporting.room import PATH, Room
from telemetry_pipeline.words.language import Language
from telemetry_pipeline.words.reporting.reports import REPORTS

FORMAT_NAMES: Mapping[str, str] = {"pdf": "PDF", "xlsx": "Excel", "html": "HTML"}
"""What people call the formats of reports."""

DONE = ("subscribed", "ended", "again")
"""What an address may say to have been done just before."""

_TEMPLATES = templates(
    "telemetry_pipeline.web.reporting", cut=cut, period=Period, kinds=KINDS, formats=FORMATS, called=FORMAT_NAMES
)
_TEMPLATES.tests["said"] = lambda error: isinstance(error, AskedWrongly)


def show(request: Request, room: Room, template: str, *, refusal: RequestRefused | None = None, **values: Any) -> HTMLResponse:
    """Return an answer of one of this room's templates.

    :param refusal: why what was asked for cannot be.
    """
    done = request.query_params.get("done")
    text = _TEMPLATES.get_template(template).render(
        visitor=request.user,
        # A form that was refused is at its own address, and the place in the bar is the same.
        path=PATH,
        operates="operator" in request.auth.scopes,
        speech=room.speech,
        say=room.speech.say,
        now=datetime.now(UTC),
        done=done if done in DONE else None,
        refusal=refusal,
        title_of=title_of(room.speech),
        **framed(room.speech.language),
        **values,
    )
    return HTMLResponse(text, status_code=200 if refusal is None else 400, headers=NOT_KEPT)


def title_of(speech: Speech) -> Callable[[str], str]:
    """Return what says the title of a report by its name."""
    place = list(Language).index(speech.language)
    return lambda name: REPORTS[name][place] if name in REPORTS else name
