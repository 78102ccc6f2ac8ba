"""What the front door says, in English: the same names as in ``door``."""

from __future__ import annotations

from collections.abc import Mapping

PRODUCT = "Telemetry"
SKIP = "Skip to content"
LIGHT_OR_DARK = "Light or dark"
LOG_OUT = "Log out"
ROLES: Mapping[str, str] = {"viewer": "viewer", "operator": "operator"}
PLACES = "Pages"
BAR: Mapping[str, str] = {
    "/hoy": "Today",
    "/canales": "Channels",
    "/periodos": "Periods",
    "/suscriptores": "Subscribers",
    "/tareas": "Tasks",
    "/estado": "State",
    "/glosario": "Glossary",
}
