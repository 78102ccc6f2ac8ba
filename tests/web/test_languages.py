"""Pages speak the language of the setting, the ones before the log-in too, and no catalogue lacks a text in either."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter

import pytest
import sqlalchemy as sa
from front_door import PASSWORD, URL, VIEWER, Browser, door_settings
from pages import let_in

from telemetry_pipeline.web.app import create_app
from telemetry_pipeline.words.api import API
from telemetry_pipeline.words.door import DOOR
from telemetry_pipeline.words.language import Language
from telemetry_pipeline.words.pages import PAGES
from telemetry_pipeline.words.reporting.pages import REPORTING

CATALOGUES = [API, DOOR, PAGES, REPORTING]
SAID = {
    "/entrar": ("Qué se ve, cuándo y dónde", "What is watched, when and where"),
    "/": ("¿Adónde quiere ir?", "Where do you want to go?"),
    "/no-existe": ("La página que busca no existe", "The page that you look for does not exist"),
    "/api": ("Cualquier análisis sobre cualesquiera días", "Any analysis over any days"),
    "/informes": ("Los informes hechos, quién los recibe", "Reports that were made, who gets them"),
    "/tareas": ("Lo que espera, corre, falló o terminó", "What waits, runs, failed or ended"),
}


@pytest.mark.parametrize("language", list(Language))
def test_log_in_start_and_error_pages_are_in_the_language_of_the_setting(
    warehouse: sa.Engine, door_url: str, language: Language
) -> None:
    let_in(warehouse)
    browser = Browser(create_app(door_settings(door_url, language=language), warehouse), URL)
    place = list(Language).index(language)
    refused = browser.log_in(VIEWER, "another one").text
    pages = {"/entrar": browser.get("/entrar").text}
    assert browser.log_in(VIEWER, PASSWORD).status_code == 303
    pages |= {path: browser.get(path).text for path in SAID if path != "/entrar"}
    assert ("no son correctos", "is not right")[place] in refused
    for path, page in pages.items():
        assert SAID[path][place] in page, path
        assert SAID[path][1 - place] not in page, path
        assert f'<html lang="{language}">' in page


@pytest.mark.parametrize("catalogue", CATALOGUES)
def test_both_languages_leave_the_same_to_be_filled_in(catalogue: Mapping[str, tuple[str, str]]) -> None:
    for name, texts in catalogue.items():
        assert all(texts), name
        spanish, english = ({field for _, field, _, _ in Formatter().parse(text) if field} for text in texts)
        assert (name, spanish) == (name, english)
