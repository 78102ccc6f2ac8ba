"""A page that comes in parts: its frame at once, each block as soon as its answer is there. No script is needed for that."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import StreamingResponse

from telemetry_pipeline.monitoring.told import told_of
from telemetry_pipeline.speech import Speech
from telemetry_pipeline.web.frame.page import NOT_KEPT, framed
from telemetry_pipeline.web.frame.templating import templates
from telemetry_pipeline.web.pages.shown.answers import Answers, Failed
from telemetry_pipeline.words import terms
from telemetry_pipeline.words.language import Language

FLUSH = "\0"
"""Where a template says that what is above it is to be sent before it waits for what is below."""


def _term_name(term: str, language: Language) -> str:
    return terms.TERMS[term].name(language)


_HTML = "text/html; charset=utf-8"
_TEMPLATES = templates("telemetry_pipeline.web.pages", enable_async=True, flush=FLUSH, term_name=_term_name, told_of=told_of)
_TEMPLATES.tests["failed"] = lambda block: isinstance(block, Failed)


def stream(
    request: Request,
    speech: Speech,
    template: str,
    answers: Answers | None = None,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> StreamingResponse:
    """Return an answer that is a page.

    :param answers: that its blocks wait for; they are stopped when the reader has gone.
    """
    context = {
        **framed(speech.language),
        "visitor": request.user,
        "path": request.url.path,
        "say": speech.say,
        "speech": speech,
        **values,
    }
    parts = _parts(_TEMPLATES.get_template(template).generate_async(context), answers)
    return StreamingResponse(parts, status_code=status, media_type=_HTML, headers={**NOT_KEPT, **(headers or {})})


async def _parts(texts: AsyncIterator[str], answers: Answers | None) -> AsyncIterator[str]:
    held: list[str] = []
    try:
        async for text in texts:
            held.append(text)
            if text == FLUSH:
                yield "".join(held[:-1])
                held.clear()
        yield "".join(held)
    finally:
        if answers is not None:
            answers.end()
