"""Forms as pages send them."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request

_ENCODING = "application/x-www-form-urlencoded"


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form, by their names.

    :raises HTTPException: 415, it is in another encoding than pages send, whose names of character sets are of no use here.
    """
    if request.headers.get("content-type", _ENCODING).partition(";")[0].strip().lower() != _ENCODING:
        raise HTTPException(415, f"A form comes as {_ENCODING}.")
    async with request.form() as form:
        return {name: str(value) for name, value in form.items()}
