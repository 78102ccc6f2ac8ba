"""The pages about audiences as people have them: in a browser, at the width of a desk and of a phone, by keyboard, too."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import uvicorn
from audiences import CHANNELS, fill
from browser import PATIENCE_SECONDS, axe_finds, chromium, needs_chromium, wait_for
from front_door import OPERATOR, PASSWORD, VIEWER
from pages import PERSONAL, front_door, let_in
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait
from warehouse_events import MEXICO

from telemetry_pipeline.days import today
from telemetry_pipeline.polling import polling
from telemetry_pipeline.stack.servers.reach import at_database
from telemetry_pipeline.warehouse.db.connections import connect

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), needs_chromium]

PAGES = [
    "/hoy",
    "/canales",
    f"/canal?canal={CHANNELS[0]}",
    "/periodos?contra=semana",
    "/suscriptores",
    "/suscriptor?suscriptor=S-0003",
    "/glosario",
    "/api",
]
WIDTHS = (1280, 390)

_LOADED = """return document.readyState === 'complete'
    && !document.querySelector('[aria-busy], [data-picture]:not([data-width])')"""
_TOO_WIDE = """return [...document.querySelectorAll('body *')]
    .filter(each => each.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .filter(each => !each.closest('.scroll, .presets, .unseen, svg, option'))
    .map(each => each.outerHTML.slice(0, 200))"""
_STATES = "return [...document.querySelectorAll('.state.failed')].map(each => each.textContent)"
_FIRST_MARK = "document.querySelector('.picture svg a').focus()"


@contextmanager
def served(database: str, postgres_url: str, *, is_filled: bool) -> Iterator[str]:
    """The door over a database of its own, on a port."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"create database {database} template template")
        url = at_database(postgres_url, database)
        engine = connect(url)
        let_in(engine)
        if is_filled:
            fill(engine, today(MEXICO))
        door = front_door(url, engine)
        config = uvicorn.Config(
            door, host="127.0.0.1", port=0, log_config=None, proxy_headers=False, timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        assert any(server.started for _ in polling(60, interval=0.01))
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        server.should_exit = True
        thread.join(20)
        engine.dispose()
        connection.execute(f"drop database {database} with (force)")


@pytest.fixture(scope="module")
def filled(postgres_url: str) -> Iterator[str]:
    with served("pages_filled", postgres_url, is_filled=True) as url:
        yield url


@pytest.fixture(scope="module")
def empty(postgres_url: str) -> Iterator[str]:
    with served("pages_empty", postgres_url, is_filled=False) as url:
        yield url


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    with chromium(tmp_path / "profile") as driver:
        yield driver


def log_in(browser: webdriver.Chrome, url: str, name: str) -> None:
    browser.get(f"{url}/entrar")
    browser.find_element(By.ID, "name").send_keys(f"{name}\t{PASSWORD}\n")
    wait_for(browser, "Hola")


def resize(browser: webdriver.Chrome, width: int) -> None:
    size = {"width": width, "height": 850, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def opened(browser: webdriver.Chrome, url: str, path: str) -> None:
    """Open a page, and wait until its pictures are there, or say why not."""
    browser.get(f"{url}{path}")
    WebDriverWait(browser, PATIENCE_SECONDS).until(lambda driver: driver.execute_script(_LOADED))


def walk(browser: webdriver.Chrome, url: str, folder: Path) -> None:
    """Every page at every width: whole, no wider than the window, nothing failed, nothing to complain for the browser."""
    for width in WIDTHS:
        resize(browser, width)
        for path in PAGES:
            opened(browser, url, path)
            browser.save_screenshot(str(folder / f"{path.split('?')[0][1:]}-{width}.png"))
            assert browser.execute_script(_TOO_WIDE) == [], (path, width)
            assert browser.execute_script(_STATES) == [], path
            complaints = [entry["message"] for entry in browser.get_log("browser")]
            assert [each for each in complaints if " 40" not in each] == [], path


@pytest.mark.parametrize("who", [VIEWER, PERSONAL, OPERATOR])
def test_everybody_walks_all_pages_at_a_desk_and_on_a_phone(
    browser: webdriver.Chrome, filled: str, tmp_path: Path, who: str
) -> None:
    log_in(browser, filled, who)
    walk(browser, filled, tmp_path)


def test_before_there_are_data_all_pages_say_so(browser: webdriver.Chrome, empty: str, tmp_path: Path) -> None:
    log_in(browser, empty, OPERATOR)
    walk(browser, empty, tmp_path)


def test_a_mark_says_what_it_is_of_to_the_keyboard_and_leads_to_its_channel(browser: webdriver.Chrome, filled: str) -> None:
    browser.execute_cdp_cmd("Emulation.setFocusEmulationEnabled", {"enabled": True})  # as if its window were in front
    log_in(browser, filled, VIEWER)
    opened(browser, filled, "/canales")
    browser.execute_script(_FIRST_MARK)
    tip = browser.find_element(By.CLASS_NAME, "tip")
    assert tip.is_displayed()
    assert "Canal Estrella" in tip.text
    browser.execute_script("document.activeElement.dispatchEvent(new MouseEvent('click', {bubbles: true}))")
    wait_for(browser, "De dónde vienen")
    assert "desde=" in browser.current_url


def test_a_picture_that_does_not_arrive_can_be_asked_for_again(browser: webdriver.Chrome, filled: str) -> None:
    log_in(browser, filled, VIEWER)
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/figuras/*"]})
    opened(browser, filled, "/canales")
    assert "La gráfica no llegó" in browser.execute_script(_STATES)[0]
    browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    browser.find_element(By.CSS_SELECTOR, ".state.failed button").click()
    WebDriverWait(browser, PATIENCE_SECONDS).until(lambda driver: driver.find_elements(By.CSS_SELECTOR, ".picture svg"))


def test_the_form_alone_leads_to_other_days(browser: webdriver.Chrome, filled: str) -> None:
    log_in(browser, filled, VIEWER)
    opened(browser, filled, "/periodos")
    assert not browser.find_element(By.ID, "contra_desde").is_displayed()
    browser.find_element(By.CSS_SELECTOR, "#contra option[value='semana']").click()
    browser.find_element(By.CSS_SELECTOR, ".fields button").click()
    WebDriverWait(browser, PATIENCE_SECONDS).until(lambda driver: "contra=semana" in driver.current_url)
    assert "contra_desde" not in browser.current_url
    browser.find_element(By.CSS_SELECTOR, "#contra option[value='otros']").click()
    assert browser.find_element(By.ID, "contra_desde").is_displayed()


@pytest.mark.parametrize("width", WIDTHS)
def test_hours_of_the_day_are_chosen_by_keyboard_alone(browser: webdriver.Chrome, filled: str, width: int) -> None:
    browser.execute_cdp_cmd("Emulation.setFocusEmulationEnabled", {"enabled": True})
    log_in(browser, filled, VIEWER)
    resize(browser, width)
    opened(browser, filled, "/canales?contra=semana")
    assert browser.execute_script(_TOO_WIDE) == []
    browser.find_element(By.ID, "hora_desde").send_keys("20" + Keys.TAB)
    assert browser.switch_to.active_element.get_attribute("id") == "hora_hasta"
    browser.switch_to.active_element.send_keys("23" + Keys.TAB + Keys.TAB + Keys.ENTER)
    wait_for(browser, "Ranking de canales: 20 a 23 h")
    assert "hora_desde=20&hora_hasta=23" in browser.current_url
    browser.find_element(By.LINK_TEXT, "noche, 18 a 24 h").send_keys(Keys.ENTER)
    wait_for(browser, "Ranking de canales: noche, 18 a 24 h")
    # What says nothing makes no address longer, and who changes days alone keeps the hours.
    browser.find_element(By.CSS_SELECTOR, ".fields button").send_keys(Keys.ENTER)
    WebDriverWait(browser, PATIENCE_SECONDS).until(lambda driver: "hora_desde=18" in driver.current_url)
    wait_for(browser, "Ranking de canales: noche, 18 a 24 h")
    assert "hora_hasta" not in browser.current_url


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_to_mend(browser: webdriver.Chrome, filled: str, theme: str) -> None:
    log_in(browser, filled, OPERATOR)
    browser.execute_script("localStorage.setItem('theme', arguments[0])", theme)
    for path in PAGES:
        opened(browser, filled, path)
        assert axe_finds(browser) == [], path
