"""A real browser without a screen, for tests of what people see and of what pages from elsewhere can do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.common.exceptions import TimeoutException, WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

PATIENCE_SECONDS = 180  # whole stacks share the machine

_AXE = """const done = arguments[arguments.length - 1]
axe.run(document, {resultTypes: ['violations']}).then(
    found => done(found.violations.map(each =>
        `${each.id}: ${each.nodes.map(node => node.html.slice(0, 160)).join(' | ')}`)))"""

needs_chromium = pytest.mark.skipif(
    not (shutil.which("chromium") and shutil.which("chromedriver")),
    reason="needs Debian's packages chromium and chromium-driver",
)


@contextmanager
def chromium(profile: Path, *arguments: str) -> Iterator[webdriver.Chrome]:
    """A browser while entered.

    :param profile: an empty folder of its own.
    :param arguments: of its command line, besides those that a machine without a screen needs.
    """
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})  # every request, with its headers
    for argument in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        "--window-size=1600,1000",
        f"--user-data-dir={profile}",
        *arguments,
    ):
        options.add_argument(argument)
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        yield driver
    finally:
        driver.quit()


def click(browser: webdriver.Chrome, text: str) -> None:
    """Press the last button or link that begins so, as soon as one can be pressed."""
    script = """
        const all = [...document.querySelectorAll('button, a')]
        const found = all.filter(each => each.innerText.trim().startsWith(arguments[0]) && !each.disabled)
        found.at(-1)?.click()
        return found.length > 0"""
    _until(browser, lambda driver: driver.execute_script(script, text), f"a button or link {text!r}")


def wait_for(browser: webdriver.Chrome, *texts: str) -> None:
    """Until the page shows them all."""
    _until(browser, lambda driver: all(text in _shown(driver) for text in texts), f"one of {texts}")


def _until(browser: webdriver.Chrome, holds: Callable[[webdriver.Chrome], bool], what: str) -> None:
    try:
        # A page that renews itself while it is read has other nodes than a moment before, which Chromium tells in several ways.
        WebDriverWait(browser, PATIENCE_SECONDS, ignored_exceptions=[WebDriverException]).until(holds)
    except TimeoutException as err:
        raise AssertionError(f"{browser.current_url} lacks {what}; it shows {_shown(browser)!r}") from err


def _shown(browser: webdriver.Chrome) -> str:
    return browser.find_element(By.TAG_NAME, "body").text


def websocket_statuses(browser: webdriver.Chrome) -> list[int]:
    """How the WebSockets were answered that pages opened since the last look; 101 is yes."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [
        message["params"]["response"]["status"]
        for message in messages
        if message["method"] == "Network.webSocketHandshakeResponseReceived"
    ]


def axe_finds(browser: webdriver.Chrome) -> list[str]:
    """What in the page keeps people out who see, hear or move in other ways."""
    browser.execute_script(_axe_core())
    found: list[str] = browser.execute_async_script(_AXE)
    return found


def _axe_core() -> str:
    """The script of axe, which a package for another way to drive browsers brings."""
    for package in ("axe_core_python", "axe_playwright_python"):
        if (found := find_spec(package)) is not None and found.submodule_search_locations:
            return Path(found.submodule_search_locations[0], "axe.min.js").read_text()
    pytest.skip("needs the package axe-core-python")
