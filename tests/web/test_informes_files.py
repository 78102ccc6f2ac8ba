"""The files of reports: each as what it is, out of where they are kept, and HTML that runs nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from front_door import VIEWER, Browser
from reporting import BODIES, door_with_reports, keep
from starlette.types import ASGIApp
from webservers import FakeWebserver

from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.analyses.reports import KINDS
from telemetry_pipeline.errors import ArchiveError, ArchiveUnavailable
from telemetry_pipeline.reports.archive.formats import FORMATS
from telemetry_pipeline.reports.archive.keeping import Archive
from telemetry_pipeline.web.reporting import files

Browsers = Callable[..., Browser]
NAME = "daily_report_2026-11-27_20261128T140003Z_a1b2c3"


@pytest.fixture
def over(webserver: FakeWebserver, warehouse: sa.Engine, door_url: str, door: ASGIApp, tmp_path: Path) -> ASGIApp:
    """The door."""
    return door_with_reports(webserver, warehouse, door_url, tmp_path)


@pytest.fixture
def vera(over: ASGIApp, browser: Browsers) -> Browser:
    """A viewer's browser."""
    return browser(VIEWER, of=over)


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_comes_as_what_it_is_under_its_name(vera: Browser, warehouse: sa.Engine, tmp_path: Path, form: str) -> None:
    path = f"/informes/{keep(warehouse, tmp_path).report_id}/{form}"
    answer = vera.get(path)
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, BODIES[form], FORMATS[form])
    how = "attachment" if form == "xlsx" else "inline"
    assert answer.headers["content-disposition"] == f'{how}; filename="{NAME}.{form}"'
    assert (answer.headers["x-content-type-options"], answer.headers["cache-control"]) == ("nosniff", "private, no-cache")
    policy = answer.headers["content-security-policy"]
    assert "script-src" not in policy if form == "html" else "default-src 'none'" in policy
    assert policy.startswith("sandbox;") == (form == "html")
    head = vera.head(path)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(BODIES[form])))


def test_a_file_that_is_known_is_not_sent_again(vera: Browser, warehouse: sa.Engine, tmp_path: Path) -> None:
    path = f"/informes/{keep(warehouse, tmp_path).report_id}/pdf"
    etag = vera.get(path).headers["etag"]
    again = vera.get(path, headers={"if-none-match": etag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert vera.get(path, headers={"if-none-match": etag.replace("pdf", "xlsx")}).status_code == 200


def test_who_is_not_logged_in_gets_no_file(over: ASGIApp, browser: Browsers, warehouse: sa.Engine, tmp_path: Path) -> None:
    path = f"/informes/{keep(warehouse, tmp_path).report_id}/pdf"
    stranger = browser(of=over)
    assert (stranger.get(path).status_code, stranger.get("/informes").status_code) == (303, 303)
    assert stranger.get(path, headers={"accept": "*/*"}).status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "/informes/{id}/doc",
        "/informes/{id}/png",
        "/informes/{id}/PDF",
        "/informes/{id}/pdf.exe",
        "/informes/{id}/..%2f..%2fsecret",
        "/informes/{id}/%2e%2e",
        "/informes/0{id}x/pdf",
        "/informes/-{id}/pdf",
        "/informes/%D9%A1/pdf",
        "/informes/999999999999999999/pdf",
        "/informes/" + "9" * 400 + "/pdf",
        "/informes/..%2f{id}/pdf",
        "/informes/{id}%00/pdf",
    ],
)
def test_there_is_no_other_file_whatever_the_address_says(
    vera: Browser, warehouse: sa.Engine, tmp_path: Path, path: str
) -> None:
    (tmp_path.parent / "secret").write_text("secret")
    answer = vera.get(path.replace("{id}", str(keep(warehouse, tmp_path).report_id)))
    assert (answer.status_code, "secret" in answer.text) == (404, False)


@pytest.mark.parametrize("is_on_record", [True, False])
def test_a_report_that_is_kept_no_longer_is_not_found_in_words(
    vera: Browser, warehouse: sa.Engine, tmp_path: Path, is_on_record: bool
) -> None:
    made = keep(warehouse, tmp_path)
    for file in made.files:
        (tmp_path / file.path).unlink()
    if not is_on_record:
        with warehouse.begin() as connection:
            connection.execute(sa.text("truncate telemetry.made_reports"))
    answer = vera.get(f"/informes/{made.report_id}/pdf")
    assert (answer.status_code, "ya no se guarda" in answer.text) == (404, True)


@pytest.mark.parametrize(
    ("err", "status", "said"),
    [
        (ArchiveUnavailable("no answer"), 503, "donde se guardan los informes no responde"),
        (ArchiveError("it refuses"), 500, "donde se guardan los informes no deja leerlos"),
    ],
)
def test_where_reports_are_kept_does_not_work_is_said(
    vera: Browser,
    warehouse: sa.Engine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    err: ArchiveError,
    status: int,
    said: str,
) -> None:
    def fail(_self: Archive, _path: str) -> bytes:
        raise err

    monkeypatch.setattr(Archive, "read", fail)
    answer = vera.get(f"/informes/{keep(warehouse, tmp_path).report_id}/pdf")
    assert (answer.status_code, said in answer.text) == (status, True)
    assert vera.get("/informes").status_code == 200


def test_nobody_waits_for_ever_for_an_archive_that_says_nothing(
    vera: Browser, warehouse: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = threading.Event()

    def wait(_self: Archive, _path: str) -> bytes:
        answered.wait(30)
        return b""

    monkeypatch.setattr(Archive, "read", wait)
    monkeypatch.setattr(files, "_PATIENCE_SECONDS", 0.05)
    try:
        answer = vera.get(f"/informes/{keep(warehouse, tmp_path).report_id}/pdf")
    finally:
        answered.set()
    assert (answer.status_code, "donde se guardan los informes no responde" in answer.text) == (503, True)


def test_no_report_names_subscribers_for_every_viewer_gets_it() -> None:
    gathered = [all_analyses()[name] for kind in KINDS.values() for name in kind.analyses]
    assert [each.name for each in gathered for column in each.columns if column.is_personal or each.is_of_subscribers] == []
