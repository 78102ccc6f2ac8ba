"""These pages, and the parts of them that a small script fetches anew."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse

from telemetry_pipeline.errors import AskedWrongly
from telemetry_pipeline.monitoring.told import told_of
from telemetry_pipeline.printable import cut
from telemetry_pipeline.web.frame.page import NOT_KEPT, framed
from telemetry_pipeline.web.frame.templating import templates
from telemetry_pipeline.web.operating.voice import Voice
from telemetry_pipeline.words.upkeep.checks import find_check

_TEMPLATES = templates("telemetry_pipeline.web.operating", cut=cut, told_of=told_of, find_check=find_check)
_TEMPLATES.tests["said"] = lambda error: isinstance(error, AskedWrongly)


def show(request: Request, voice: Voice, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Return an answer of one of this room's templates."""
    text = _TEMPLATES.get_template(template).render(
        visitor=request.user,
        path=request.url.path,
        operates="operator" in request.auth.scopes,
        voice=voice,
        say=voice.say,
        now=datetime.now(UTC),
        **framed(voice.language),
        **values,
    )
    return HTMLResponse(text, status_code=status, headers=NOT_KEPT)
