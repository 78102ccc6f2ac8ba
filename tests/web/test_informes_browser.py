"""*Informes* as people have it: in a browser, at the widths of a desk and a phone; a report in HTML runs nothing there."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from browser import axe_finds, chromium, click, needs_chromium, wait_for
from front_door import OPERATOR, PASSWORD, VIEWER
from reporting import ANA, CHANNEL, LUIS, door_with_reports, have_sent, have_subscribed, keep
from selenium import webdriver
from selenium.webdriver.common.by import By
from served_door import served
from webservers import FakeWebserver

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), needs_chromium]

WIDTHS = (1280, 390)
PAGES = {"list": "/informes", "make": "/informes/nuevo", "subscribe": "/informes/suscribir"}
LONG = "f" + "x" * 60 + "@" + "a-very-long-name-of-a-company." * 3 + "example.com"
NEW = "eva.luna@example.com"


@pytest.fixture
def address(warehouse: sa.Engine, door_url: str, webserver: FakeWebserver, door: object, tmp_path: Path) -> Iterator[str]:
    """Of a door with much to show."""
    over = door_with_reports(webserver, warehouse, door_url, tmp_path / "reports")
    for report, channel in [("daily_report", ""), ("channel_report", CHANNEL), ("channel_report", "Canal " + "Ñ" * 70)]:
        keep(warehouse, tmp_path / "reports", report, channel, is_complete=not channel, run_id="0098262b")
    have_subscribed(warehouse, ANA, LUIS, LONG)
    have_subscribed(warehouse, *(f"persona{n}@example.com" for n in range(12)))
    for state, outcome in [
        ("sent", "250 2.0.0 Ok: queued as 4F1C"),
        ("failed", "550 5.1.1 no such user " * 12),
        ("doubtful", "whoever sent it came to an end meanwhile: it may have been sent"),
        ("waiting", ""),
    ]:
        have_sent(warehouse, ANA if state != "failed" else LONG, state, outcome, age_minutes=60)
    with served(over, host="127.0.0.1", port=0) as server:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    with chromium(tmp_path / "profile", "--force-prefers-reduced-motion") as driver:
        yield driver


def log_in(browser: webdriver.Chrome, address: str, name: str) -> None:
    browser.get(f"{address}/entrar")
    browser.find_element(By.ID, "name").send_keys(f"{name}\t{PASSWORD}\n")
    wait_for(browser, "Hola")


def photograph(browser: webdriver.Chrome, width: int, path: Path) -> None:
    full = browser.execute_script("return document.documentElement.scrollHeight")
    clip = {"x": 0, "y": 0, "width": width, "height": min(full, 4000), "scale": 1}
    shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
    path.write_bytes(b64decode(shot["data"]))


@pytest.mark.parametrize("name", [VIEWER, OPERATOR])
def test_every_page_is_whole_and_can_be_used_by_everybody(
    browser: webdriver.Chrome, address: str, tmp_path: Path, name: str
) -> None:
    log_in(browser, address, name)
    for width in WIDTHS:
        size = {"width": width, "height": 850, "deviceScaleFactor": 1, "mobile": width < 500}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        for page, path in PAGES.items():
            if name == VIEWER and page != "list":
                continue
            browser.get(f"{address}{path}")
            photograph(browser, width, tmp_path / f"{page}-{width}.png")
            overflow = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert browser.execute_script(overflow) == 0, (page, width)
            assert browser.get_log("browser") == []
            assert axe_finds(browser) == [], (page, width)


def test_a_report_in_html_shows_itself_and_runs_nothing(browser: webdriver.Chrome, address: str) -> None:
    log_in(browser, address, VIEWER)
    browser.get(f"{address}/informes")
    click(browser, "HTML")
    wait_for(browser, "Ñandú")
    assert browser.title == "Año"
    assert any("sandboxed" in entry["message"] for entry in browser.get_log("browser"))


def test_a_refusal_keeps_what_was_typed(browser: webdriver.Chrome, address: str) -> None:
    log_in(browser, address, OPERATOR)
    browser.get(f"{address}/informes")
    click(browser, "Suscribir a alguien")
    wait_for(browser, "Direcciones de correo")
    browser.find_element(By.ID, "recipients").send_keys(f"{NEW}\nnobody")
    browser.find_element(By.CSS_SELECTOR, "main button[type=submit]").click()
    wait_for(browser, "«nobody» no es una dirección")
    kept = browser.find_element(By.ID, "recipients")
    assert kept.get_attribute("value") == f"{NEW}\nnobody"
    kept.clear()
    kept.send_keys(NEW)
    browser.find_element(By.CSS_SELECTOR, "main button[type=submit]").click()
    wait_for(browser, "La suscripción está hecha.")
