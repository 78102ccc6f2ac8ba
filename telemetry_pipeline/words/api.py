"""What the page says that explains the API to whoever writes a program: ``Texts(API, language)``."""

from __future__ import annotations

from collections.abc import Mapping

API: Mapping[str, tuple[str, str]] = {
    "title": ("La API", "The API"),
    "lead": (
        "Cualquier análisis sobre cualesquiera días, para programas y para hojas de cálculo. Quien tiene la sesión abierta "
        "puede abrir estas direcciones aquí mismo; un programa manda un token: Authorization: Bearer TOKEN.",
        "Any analysis over any days, for programs and spreadsheets. Who is logged in can open these addresses right here; a "
        "program sends a token: Authorization: Bearer TOKEN.",
    ),
    "openapi": ("La descripción para programas (OpenAPI)", "The description for programs (OpenAPI)"),
    "analysis": ("Análisis", "Analysis"),
    "question": ("Pregunta", "Question"),
    "parameters": ("Parámetros", "Parameters"),
    "files": ("Abrir con los días de ayer", "Open with the days of yesterday"),
    "days": (
        "from y to: los días de los que habla la respuesta, ambos incluidos. format: json, csv, xlsx, svg o png.",
        "from and to: the days that the answer is about, both included. format: json, csv, xlsx, svg or png.",
    ),
    "required": ("obligatorio", "required"),
    "of_subscribers": ("de suscriptores", "of subscribers"),
}
