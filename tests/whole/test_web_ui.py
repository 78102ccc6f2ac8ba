"""What a person sees in the web UI, in a real browser without a screen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import PATIENCE_SECONDS, chromium, click, needs_chromium, wait_for, websocket_statuses
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from terminal import Operator, days_ago
from whole.conftest import DAYS

from telemetry_pipeline.client.answers import RunStatus

pytestmark = [pytest.mark.slow, needs_chromium]


@pytest.fixture(scope="module")
def browser(operator: Operator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """Of the owner, who opened the link that the stack prints."""
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        driver.get(operator.link)
        yield driver


def see(browser: webdriver.Chrome, url: str, *texts: str, screenshot: Path) -> str:
    """Open a page and wait until it shows the texts; a screenshot is kept for whoever wants to look."""
    browser.get(url)
    try:
        wait_for(browser, *texts)
    finally:
        browser.save_screenshot(str(screenshot))
    return browser.find_element(By.TAG_NAME, "body").text


def test_the_asset_graph_shows_the_groups_and_the_lineage(
    operator: Operator, ranged: str, browser: webdriver.Chrome, tmp_path: Path
) -> None:
    url = operator.state["webserver_url"]
    see(
        browser,
        f"{url}/asset-groups",
        "telemetry",
        "general",
        "audience",
        "subscribers",
        "period",
        "documents",
        screenshot=tmp_path / "graph.png",
    )
    see(
        browser,
        f"{url}/assets/ott_views?view=lineage",
        "telemetry_records",
        "ott_views",
        "average_duration",
        "concurrency",
        "viewing_by_period",
        screenshot=tmp_path / "lineage.png",
    )


def test_the_partitions_of_the_run_are_materialized(
    operator: Operator, ranged: str, browser: webdriver.Chrome, tmp_path: Path
) -> None:
    see(
        browser,
        f"{operator.state['webserver_url']}/assets/top_channels?view=partitions",
        "Materialized",
        "16",
        screenshot=tmp_path / "partitions.png",
    )


def test_an_analysis_shows_a_preview_and_a_chart(
    operator: Operator, ranged: str, browser: webdriver.Chrome, tmp_path: Path
) -> None:
    url = f"{operator.state['webserver_url']}/assets/top_channels?view=overview"
    see(browser, url, "Which channels have the most views?", "share_pct", "preview", screenshot=tmp_path / "asset.png")

    def width_of_chart(driver: webdriver.Chrome) -> int:
        charts = driver.find_elements(By.CSS_SELECTOR, "img[src*='/api/analyses/top_channels']")
        return int(driver.execute_script("return arguments[0].naturalWidth", charts[0])) if charts else 0

    WebDriverWait(browser, PATIENCE_SECONDS).until(width_of_chart)
    browser.save_screenshot(str(tmp_path / "chart.png"))
    assert width_of_chart(browser) <= 800


def test_an_asset_says_whose_it_is_what_it_holds_and_where_its_code_is(
    operator: Operator, ranged: str, browser: webdriver.Chrome, tmp_path: Path
) -> None:
    url = f"{operator.state['webserver_url']}/assets/ott_views?view=overview"
    texts = ["Owners", "data", "personal-data: true", "Source code", "why it does not count", "watch_hours"]
    see(browser, url, *texts, screenshot=tmp_path / "about.png")


def test_the_list_of_runs_shows_the_days_of_a_range_and_no_tag_that_only_programs_read(
    operator: Operator, ranged: str, browser: webdriver.Chrome, tmp_path: Path
) -> None:
    days = f"telemetry/days: {days_ago(DAYS)} to {days_ago(0)}"
    # Ticks and other tests push it off the first page of the whole list.
    url = f"{operator.state['webserver_url']}/runs?q%5B0%5D=job%3Atelemetry_range"
    text = see(browser, url, days, screenshot=tmp_path / "runs.png")
    assert "soft_time_limit" not in text
    assert "priority" not in text


def test_schedules_and_sensors_are_shown(operator: Operator, browser: webdriver.Chrome, tmp_path: Path) -> None:
    names = [f"telemetry_{purpose}_schedule" for purpose in ("tick", "repair", "merge", "cleanup")]
    names += [f"{purpose}_sensor" for purpose in ("late_data", "run_failures", "run_successes", "freshness")]
    see(browser, f"{operator.state['webserver_url']}/automation", *names, screenshot=tmp_path / "automation.png")


@pytest.fixture(scope="module")
def merged(operator: Operator, ranged: str) -> str:
    """The id of a run of ``ott_views`` alone, after whatever other tests ran or cancelled."""
    client = operator.client
    run = client.wait(client.launch("ott_views"), 120)
    assert run.status == RunStatus.SUCCESS
    return run.run_id


def test_the_timeline_of_a_run_is_shown_with_its_events(
    operator: Operator, merged: str, browser: webdriver.Chrome, tmp_path: Path
) -> None:
    url = f"{operator.state['webserver_url']}/runs/{merged}"
    texts = ["Success", "ott_views", "No steps have errored", "RUN_SUCCESS"]
    see(browser, url, *texts, screenshot=tmp_path / "run.png")


def test_checks_are_shown_with_what_they_found(
    operator: Operator, merged: str, browser: webdriver.Chrome, tmp_path: Path
) -> None:
    url = f"{operator.state['webserver_url']}/assets/ott_views?view=checks"
    text = see(browser, url, "views_are_stops", "few_views_are_unnamed", "Passed", screenshot=tmp_path / "checks.png")
    assert "Failed" not in text


def test_the_launchpad_launches_a_run_that_is_watched_live(
    operator: Operator, ranged: str, browser: webdriver.Chrome, tmp_path: Path
) -> None:
    url = operator.state["webserver_url"]
    operator.asks("mutation { setNuxSeen }")
    websocket_statuses(browser)
    try:
        browser.get(f"{url}/locations/telemetry_pipeline/jobs/telemetry_cleanup/playground")
        click(browser, "Launch Run")
        wait_for(browser, "RUN_SUCCESS")
    finally:
        browser.save_screenshot(str(tmp_path / "launched.png"))
    assert set(websocket_statuses(browser)) == {101}
