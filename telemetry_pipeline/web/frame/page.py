"""A page: a template of this room or of another one's, in the frame, with the words of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse

from telemetry_pipeline.web.frame.templating import templates
from telemetry_pipeline.words.door import DOOR
from telemetry_pipeline.words.language import Language, Texts

NOT_KEPT: Mapping[str, str] = {"Cache-Control": "no-store"}
"""Of an answer that the next person at the same browser must not find there."""

BAR: Mapping[str, str] = {
    "/hoy": "to_today",
    "/canales": "to_channels",
    "/periodos": "to_periods",
    "/suscriptores": "to_subscribers",
    "/informes": "to_reports",
    "/tareas": "to_tasks",
    "/estado": "to_state",
    "/glosario": "to_glossary",
}
"""What stands at the top of every page: where it is, and its name in the catalogue."""

_TEMPLATES = templates()
_WORDS = {language: Texts(DOOR, language) for language in Language}


def language_of(connection: HTTPConnection) -> Language:
    """Return the language of the pages of the door that is asked; Spanish where nobody has chosen one."""
    return getattr(connection.scope["app"].state, "language", Language.ES)


def framed(language: Language) -> dict[str, Any]:
    """Return what the frame of a page has to be given."""
    return {"words": _WORDS[language], "language": language, "bar": BAR}


def page(
    connection: HTTPConnection, template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any
) -> HTMLResponse:
    """Return an answer that is a page.

    :param template: its file in ``templates``; it has ``visitor``, who asks or None, and ``words`` beside the *values*.
    """
    user = connection.scope.get("user")
    visitor = user if user is not None and user.is_authenticated else None
    text = _TEMPLATES.get_template(template).render(
        visitor=visitor, path=connection.scope["path"], **framed(language_of(connection)), **values
    )
    return HTMLResponse(text, status_code=status, headers={**NOT_KEPT, **(headers or {})})


def wants_page(connection: HTTPConnection) -> bool:
    """Return whether a person's browser asks, and not a program."""
    return "text/html" in connection.headers.get("accept", "")
