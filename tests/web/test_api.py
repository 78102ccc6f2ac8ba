"""What programs get of the API: rows of any days, files, pictures, and errors that say what to do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from typing import Any
from xml.etree import ElementTree

import anyio.to_thread
import jsonschema
import pytest
import sqlalchemy as sa
from anyio import CapacityLimiter
from pydantic import SecretStr
from reports.test_workbook import read
from starlette.applications import Starlette
from starlette.authentication import AuthCredentials, AuthenticationBackend, BaseUser
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import HTTPConnection
from starlette.testclient import TestClient
from warehouse_events import MEXICO, ZONE, complete, start, stop, store

from telemetry_pipeline.analyses.documents import DOCUMENTS
from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.analyses.registry import all_analyses, find_analysis
from telemetry_pipeline.days import AllowedDays, Period
from telemetry_pipeline.errors import Busy
from telemetry_pipeline.results import computing
from telemetry_pipeline.results.views.windows import Store
from telemetry_pipeline.warehouse.access.role import Role
from telemetry_pipeline.warehouse.core.views import merge
from telemetry_pipeline.web.access.visitor import Visitor
from telemetry_pipeline.web.api import catalogue
from telemetry_pipeline.web.api.routes import routes
from telemetry_pipeline.web.computing import looks
from telemetry_pipeline.web.computing.answers import Answers
from telemetry_pipeline.web.computing.pool import Pool
from telemetry_pipeline.web.computing.question import Question
from telemetry_pipeline.web.computing.worker import Data, _reply
from telemetry_pipeline.web.frame.problems import HANDLERS

RULES = Rules(MEXICO)
ALLOWED = AllowedDays(date(2025, 1, 1), date(2025, 12, 31), ZONE)
DAYS = "from=2025-01-30&to=2025-01-31"
FORMULA = "=cmd|' /C calc'!A1"


class Scopes(AuthenticationBackend):
    """Believes a header."""

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, BaseUser]:
        return AuthCredentials(conn.headers.get("scopes", "viewer").split()), Visitor("vera", Role.VIEWER, False, "token")


class InThisProcess(Pool):
    """Computes here, and counts."""

    def __init__(self, url: str) -> None:
        super().__init__(Data(SecretStr(url), RULES))
        self.store = Store(RULES)
        self.one = CapacityLimiter(1)
        self.asked: list[Question] = []
        self.is_busy = False

    async def ask(self, question: Question) -> bytes:
        if self.is_busy:
            raise Busy("too many answers are being computed", "ask again in a moment")
        self.asked.append(question)
        reply = await anyio.to_thread.run_sync(lambda: _reply(question, self._data, self.store), limiter=self.one)
        if reply.error is not None:
            raise reply.error
        return reply.body


@pytest.fixture
def engine(database_url: str, engine: sa.Engine) -> sa.Engine:
    """Two complete days."""
    names = start(1, FORMULA), stop(2, duration=3600), stop(3, duration=7200, hours=24), stop(4, hours=-24)
    store(engine, *names)
    merge(engine, ZONE)
    complete(engine)
    return engine


@pytest.fixture
def pool(database_url: str) -> InThisProcess:
    return InThisProcess(database_url)


@pytest.fixture
def client(engine: sa.Engine, pool: InThisProcess, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A program that may see everything but subscribers, of a door that looks at the database each time."""
    monkeypatch.setattr(looks, "LOOK_SECONDS", 0.0)
    app = Starlette(
        routes=routes(engine, Answers(engine, RULES, pool), lambda: ALLOWED),
        middleware=[Middleware(AuthenticationMiddleware, backend=Scopes())],
        exception_handlers=dict(HANDLERS),
    )
    with TestClient(app, headers={"accept": "application/json"}) as client:
        yield client


def error(answer: Any) -> str:
    said = answer.json()["error"]
    return f"{said['problem']}; {said['advice']}"


def keep(engine: sa.Engine, name: str, days: Period) -> None:
    analysis = find_analysis(name)
    values = analysis.parse({})
    computing.update(engine, Store(RULES), analysis, analysis.windows(days, values), values)


def test_rows_come_with_what_they_are_of(client: TestClient) -> None:
    found = client.get(f"/api/analyses/top_channels?{DAYS}&limit=5").json()
    assert found["rows"] == [{"channel": FORMULA, "rank": 1, "views": 2, "share_pct": 100.0, "small_base": True}]
    assert found["period"] == {"first": "2025-01-30", "last": "2025-01-31"}
    assert found["parameters"] == {"window_days": 2, "limit": 5}
    assert found["columns"] == list(found["rows"][0])
    assert (found["provisional"], found["left_out"]) == (False, [])
    assert found["views_version"] > 0


def test_what_is_stored_is_taken_and_computed_by_nobody(client: TestClient, engine: sa.Engine, pool: InThisProcess) -> None:
    keep(engine, "top_channels", Period(date(2025, 1, 31), date(2025, 1, 31)))
    assert client.get("/api/analyses/top_channels?to=2025-01-31").json()["rows"][0]["views"] == 2
    assert pool.asked == []


def test_what_was_answered_once_is_kept_until_the_views_change(
    client: TestClient, engine: sa.Engine, pool: InThisProcess
) -> None:
    address = f"/api/analyses/general_summary?{DAYS}"
    first, second = client.get(address), client.get(address)
    assert first.json() == second.json()
    assert len(pool.asked) == 1
    store(engine, stop(9, duration=3600, hours=24))
    merge(engine, ZONE)
    assert client.get(address).json()["rows"][0]["views"] == 3
    assert len(pool.asked) == 2


def test_who_has_an_answer_is_told_that_it_is_still_the_same(client: TestClient) -> None:
    address = f"/api/analyses/general_summary?{DAYS}"
    tag = client.get(address).headers["etag"]
    again = client.get(address, headers={"if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["cache-control"] == "private, no-cache"
    assert client.get(f"{address}&format=csv", headers={"if-none-match": tag}).status_code == 200


def test_csv_is_for_programs_and_for_excel(client: TestClient) -> None:
    address = f"/api/analyses/top_channels?{DAYS}&format=csv"
    assert client.get(address).text.splitlines() == [
        "channel,rank,views,share_pct,small_base",
        f"{FORMULA},1,2,100.0,true",
    ]
    of_excel = client.get(f"{address}&excel=1")
    assert of_excel.content.startswith("\ufeffchannel;rank;".encode())
    assert f"'{FORMULA};1;2;100,0;true" in of_excel.text
    assert client.get(f"{address}&excel=1&words=1").content.startswith("\ufeffcanal;n.º;reproducciones;".encode())
    assert of_excel.headers["content-disposition"] == 'attachment; filename="top_channels_2025-01-31.csv"'


def test_a_workbook_has_no_formula(client: TestClient) -> None:
    sheets = read(client.get(f"/api/analyses/top_channels?{DAYS}&format=xlsx").content)
    assert sheets["top_channels"]["A2"].value == FORMULA


def test_a_picture_is_drawn_for_a_page_and_for_a_file(client: TestClient) -> None:
    page = client.get(f"/api/analyses/top_channels?{DAYS}&format=svg&theme=page&width=400")
    assert page.headers["content-type"] == "image/svg+xml"
    assert ElementTree.fromstring(page.text).get("width") == "400"
    assert "/canal?canal=%3Dcmd" in page.text
    assert client.get(f"/api/analyses/top_channels?{DAYS}&format=png&theme=dark").content.startswith(b"\x89PNG")


def test_days_without_views_have_rows_or_none_and_no_picture(client: TestClient) -> None:
    assert client.get("/api/analyses/top_channels?from=2025-06-01&to=2025-06-02").json()["rows"] == []
    nothing = client.get("/api/analyses/top_channels?from=2025-06-01&to=2025-06-02&format=svg")
    assert (nothing.status_code, error(nothing)) == (400, "there is nothing to draw of top_channels in these days; ")


@pytest.mark.parametrize("name", [each.name for each in all_analyses().values() if each.is_of_subscribers])
def test_single_subscribers_are_for_those_who_may_see_them(client: TestClient, name: str) -> None:
    given = "&subscriber_code=S-1" if "subscriber_code" in find_analysis(name).parameters.model_fields else ""
    address = f"/api/analyses/{name}?{DAYS}{given}"
    assert client.get(address).status_code == 403
    assert client.get(address, headers={"scopes": "viewer personal"}).status_code == 200


def test_a_column_that_names_subscribers_is_left_out_for_others(client: TestClient) -> None:
    address = f"/api/analyses/top_subscribers?{DAYS}"
    for scopes, left_out in (("viewer", ["subscriber_code"]), ("viewer personal", [])):
        found = client.get(address, headers={"scopes": scopes}).json()
        assert found["left_out"] == left_out
        assert ("subscriber_code" in found["rows"][0]) is not bool(left_out)


def test_who_is_no_viewer_gets_nothing(client: TestClient) -> None:
    for name in ("analyses", f"analyses/share?{DAYS}", f"documents/full_analysis?{DAYS}", "openapi.json"):
        assert client.get(f"/api/{name}", headers={"scopes": "nobody"}).status_code == 403


@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("/api/analyses/top_chanels?to=2025-01-31", 404, "there is no analysis 'top_chanels'; did you mean top_channels?"),
        ("/api/analyses/share?to=2025-02-30", 400, "'2025-02-30' is not a day such as 2026-01-31; allowed are 2025-01-01"),
        ("/api/analyses/subscriber_profile?to=2025-01-31", 400, "subscriber_code: Field required"),
        ("/api/documents/all?to=2025-01-31", 404, "there is no document 'all'; there are full_analysis"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_can(client: TestClient, address: str, status: int, said: str) -> None:
    answer = client.get(address, headers={"scopes": "viewer personal"})
    assert answer.status_code == status
    assert said in error(answer)


def test_who_asks_for_too_much_is_told_to_come_again(client: TestClient, pool: InThisProcess) -> None:
    pool.is_busy = True
    answer = client.get(f"/api/analyses/share?{DAYS}")
    assert (answer.status_code, error(answer)) == (503, "too many answers are being computed; ask again in a moment")
    assert int(answer.headers["retry-after"]) > 0


def test_a_document_has_all_of_its_analyses_over_the_same_days(client: TestClient) -> None:
    document = client.get(f"/api/documents/period_analysis?{DAYS}").json()
    assert document["views_version"] > 0
    names = ["period_breakdown", "period_channels", "period_comparison", "period_events", "period_summary", "period_trend"]
    assert list(document["analyses"]) == names
    for each in document["analyses"].values():
        assert each["period"] == {"first": "2025-01-30", "last": "2025-01-31"}


def test_the_catalogue_says_of_each_analysis_what_it_takes_and_gives(client: TestClient) -> None:
    listed = {each["name"]: each for each in client.get("/api/analyses").json()}
    assert listed.keys() == all_analyses().keys()
    limit = next(each for each in listed["top_channels"]["parameters"] if each["name"] == "limit")
    assert limit["default"] == 20
    assert limit["minimum"] >= 1
    assert listed["top_subscribers"]["columns"][2] == {
        "name": "subscriber_code",
        "type": "text",
        "description": listed["top_subscribers"]["columns"][2]["description"],
        "unit": None,
        "key": False,
        "role": "dimension",
        "names_subscribers": True,
    }


def test_a_page_lists_what_there_is_with_addresses_that_can_be_opened(client: TestClient) -> None:
    page = client.get("/api", headers={"accept": "text/html"})
    assert page.headers["content-type"].startswith("text/html")
    links = re.findall(r'href="(/api/analyses/[^"]+)"', page.text)
    assert len(links) == 5 * sum(each.runs_unattended for each in all_analyses().values())
    assert client.get(links[0].replace("&amp;", "&"), headers={"scopes": "viewer personal"}).status_code == 200


def test_openapi_describes_every_address_in_schemas_that_are_valid() -> None:
    described = json.loads(json.dumps(catalogue.openapi()))
    assert described["openapi"].startswith("3.1")
    operations = [path["get"] for path in described["paths"].values()]
    names = [each["operationId"] for each in operations if "operationId" in each]
    assert len(names) == len(set(names)) == len(all_analyses()) + 2 * len(DOCUMENTS)
    for each in operations:
        for parameter in each.get("parameters", ()):
            assert parameter.keys() == {"name", "in", "required", "description", "schema"}
            jsonschema.Draft202012Validator.check_schema(parameter["schema"])
        for status, response in each["responses"].items():
            if "$ref" in response:
                assert response["$ref"].rpartition("/")[2] == status in described["components"]["responses"]
            for content in response.get("content", {}).values():
                jsonschema.Draft202012Validator.check_schema(content.get("schema", {}))


def test_an_answer_is_as_openapi_describes_it(client: TestClient) -> None:
    paths = catalogue.openapi()["paths"]
    for name in ("top_channels", "cohorts", "period_summary", "period_trend"):
        schema = paths[f"/api/analyses/{name}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        jsonschema.validate(client.get(f"/api/analyses/{name}?{DAYS}").json(), schema | {"additionalProperties": False})
