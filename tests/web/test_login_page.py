"""The log-in page and the start page as a person has them: in a browser, at the width of a desk and of a phone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from browser import chromium, click, needs_chromium, wait_for
from front_door import OWNER_TOKEN, PASSWORD, VIEWER
from selenium import webdriver
from selenium.webdriver.common.by import By
from starlette.types import ASGIApp

from telemetry_pipeline.polling import polling
from telemetry_pipeline.settings.web import owner_link

pytestmark = [pytest.mark.slow, needs_chromium]

_WIDER_THAN_THE_WINDOW = "return document.documentElement.scrollWidth > innerWidth"


@pytest.fixture
def url(door: ASGIApp) -> Iterator[str]:
    """Where the door is served."""
    config = uvicorn.Config(door, host="127.0.0.1", port=0, log_config=None, proxy_headers=False, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert any(server.started for _ in polling(60, interval=0.01))
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(20)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    with chromium(tmp_path / "profile") as driver:
        yield driver


def narrow(browser: webdriver.Chrome, width: int) -> None:
    size = {"width": width, "height": 850, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


@pytest.mark.parametrize("width", [1280, 390])
def test_a_person_logs_in_by_keyboard_and_out_again(url: str, browser: webdriver.Chrome, tmp_path: Path, width: int) -> None:
    narrow(browser, width)
    browser.get(f"{url}/?dias=7")
    assert browser.switch_to.active_element.get_attribute("id") == "name"
    assert not browser.execute_script(_WIDER_THAN_THE_WINDOW)
    browser.save_screenshot(str(tmp_path / "login.png"))
    browser.switch_to.active_element.send_keys(f"{VIEWER}\t{PASSWORD}\n")
    wait_for(browser, f"Hola, {VIEWER}")
    assert browser.current_url == f"{url}/?dias=7"
    assert "Flower" not in browser.find_element(By.TAG_NAME, "main").text
    assert browser.find_element(By.CSS_SELECTOR, ".places-bar ul").value_of_css_property("display") == "flex"
    assert not browser.execute_script(_WIDER_THAN_THE_WINDOW)
    assert browser.execute_script("return document.cookie") == ""
    browser.save_screenshot(str(tmp_path / "start.png"))
    click(browser, "Salir")
    wait_for(browser, "Contraseña")
    browser.back()
    wait_for(browser, "Contraseña")
    assert browser.get_log("browser") == []


def test_the_owners_link_opens_the_start_page_and_is_seen_no_more(url: str, browser: webdriver.Chrome) -> None:
    browser.get(owner_link(url, OWNER_TOKEN))
    wait_for(browser, "Hola, dueño de este equipo", "Flower")
    assert browser.current_url == f"{url}/"
    ground = "return getComputedStyle(document.body).backgroundColor"
    before = browser.execute_script(ground)
    browser.find_element(By.ID, "theme").click()
    assert browser.execute_script(ground) != before
    browser.refresh()
    assert browser.execute_script(ground) != before
    assert browser.get_log("browser") == []
