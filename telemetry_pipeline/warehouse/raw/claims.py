"""The settings that stored rows were made with: whoever writes rows claims its own, and is refused where they differ.

Claims are of what is *in* the rows. What is applied when they are read, such as the cap of views or the size of a small base,
belongs to the result that it makes (``Rules``), and how requests to the upstream are encoded leaves no trace.
``warehouse.operations.adoption`` changes what is claimed, with the rows.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from telemetry_pipeline.errors import WarehouseError
from telemetry_pipeline.settings.loading import StackSettings

_DIFFERENCE = {
    "operator_timezone": "OPERATOR_TIMEZONE is {wanted!r}, but the stored days are those of {stored!r}",
    "panaccess_timezone": "PANACCESS_TIMEZONE is {wanted!r}, but the stored times were read as those of {stored!r}",
    "upstream": "PANACCESS_URL names {wanted!r}, but the stored records come from {stored!r}",
    "upstream_user": "PANACCESS_USERNAME is {wanted!r}, but the stored records were read as {stored!r}",
}
_ADVICE = "set it back, or have what is stored changed by 'telemetry-pipeline adopt', which says first what it does"


def of_settings(settings: StackSettings) -> dict[str, str]:
    """Return what rows are made with that these settings make."""
    claims = {"operator_timezone": settings.operator_timezone, "panaccess_timezone": settings.panaccess_timezone}
    if settings.panaccess_url is not None:
        claims["upstream"] = upstream(settings.panaccess_url)
    if settings.panaccess_username is not None:
        claims["upstream_user"] = settings.panaccess_username
    return claims


def upstream(url: str) -> str:
    """Return whose record ids come from *url*: its host; the simulator, on whatever port of this machine, is one."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    try:
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    return "localhost" if is_loopback else host


def stored(connection: sa.Connection) -> dict[str, str]:
    """Return what stored rows were made with, as far as anybody has said so."""
    row = connection.execute(_STORED).one()._mapping
    return {name: value for name, value in row.items() if value is not None}


def differences(connection: sa.Connection, made_with: Mapping[str, str]) -> list[str]:
    """Return a sentence for each setting that stored rows were made otherwise with."""
    return _differences(stored(connection), made_with)


def _differences(known: Mapping[str, str], made_with: Mapping[str, str]) -> list[str]:
    return [
        _DIFFERENCE[name].format(wanted=wanted, stored=known[name])
        for name, wanted in made_with.items()
        if known.get(name, wanted) != wanted
    ]


def claim(connection: sa.Connection, made_with: Mapping[str, str]) -> None:
    """Note what the rows are made with that this transaction writes; who comes first decides.

    What is claimed changes only while nobody else writes records or views.

    :raises WarehouseError: rows that are stored were made otherwise; says how to go on.
    """
    known = stored(connection)
    if found := _differences(known, made_with):
        raise WarehouseError(f"{'; '.join(found)}; nothing was written", _ADVICE)
    if made_with.keys() - known.keys():
        connection.execute(_CLAIM, _all(made_with))
        claim(connection, made_with)  # somebody may have been faster


def overwrite(connection: sa.Connection, made_with: Mapping[str, str]) -> None:
    """Note what all stored rows are made with, whatever was noted before."""
    connection.execute(_OVERWRITE, _all(made_with))


def _all(made_with: Mapping[str, str]) -> dict[str, Any]:
    return {name: made_with.get(name) for name in _DIFFERENCE}


_STORED = sa.text(f"select {', '.join(_DIFFERENCE)} from telemetry.sync_state")
_CLAIM = sa.text(f"update telemetry.sync_state set {', '.join(f'{name} = coalesce({name}, :{name})' for name in _DIFFERENCE)}")
_OVERWRITE = sa.text(
    f"update telemetry.sync_state set {', '.join(f'{name} = coalesce(:{name}, {name})' for name in _DIFFERENCE)}"
)
