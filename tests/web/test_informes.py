"""*Informes* shows everybody what was made, who gets it and what became of that; operators alone change it, on record."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from front_door import OPERATOR, VIEWER, Browser
from pages import words
from reporting import ANA, CHANNEL, LUIS, door_with_reports, have_sent, have_subscribed, keep
from starlette.types import ASGIApp
from webservers import FakeWebserver

from telemetry_pipeline.printable import mask
from telemetry_pipeline.warehouse.access import users
from telemetry_pipeline.warehouse.access.audit import Actor
from telemetry_pipeline.warehouse.access.role import Role
from telemetry_pipeline.warehouse.outgoing import outbox, subscriptions

Browsers = Callable[..., Browser]
SUBSCRIBE: dict[str, str] = {"report": "daily_report", "format.pdf": "yes", "recipients": ANA}


@pytest.fixture
def over(webserver: FakeWebserver, warehouse: sa.Engine, door_url: str, door: ASGIApp, tmp_path: Path) -> ASGIApp:
    """The door, with people who may come in."""
    return door_with_reports(webserver, warehouse, door_url, tmp_path)


@pytest.fixture
def people(over: ASGIApp, browser: Browsers) -> Browsers:
    """Browsers at that door."""
    return lambda name: browser(name, of=over)


def deeds(engine: sa.Engine) -> list[tuple[str, str]]:
    """What is on record that somebody did here, and who."""
    with engine.connect() as connection:
        rows = connection.execute(sa.text("select who, what from telemetry.audit where what !~ 'log|user' order by audit_id"))
        return [(row.who, row.what) for row in rows]


def going_on(engine: sa.Engine) -> list[subscriptions.Subscription]:
    with engine.connect() as connection:
        return subscriptions.find_open(connection)


def test_what_there_is_is_listed_with_its_files(people: Browsers, warehouse: sa.Engine, tmp_path: Path) -> None:
    made = keep(warehouse, tmp_path, "channel_report", CHANNEL, is_complete=False)
    page = people(VIEWER).get("/informes").text
    said = words(page).replace("\N{NO-BREAK SPACE}", " ")
    assert "Informe de canal · Canal <b>Siete</b> incompleto vie 27 nov 2026" in said
    assert CHANNEL not in page
    for form in ("pdf", "xlsx", "html"):
        assert f'href="/informes/{made.report_id}/{form}"' in page
    assert f'href="/informes/{made.report_id}/png"' not in page


def test_before_anything_was_made_it_says_so(people: Browsers) -> None:
    said = words(people(VIEWER).get("/informes").text)
    assert all(text in said for text in ("Todavía no hay informes.", "Nadie está suscrito.", "Todavía no se envió nada."))


def test_a_viewer_sees_deliveries_and_not_to_whom(people: Browsers, warehouse: sa.Engine) -> None:
    have_subscribed(warehouse, ANA)
    have_sent(warehouse, ANA, "failed", f"550 5.1.1 <{ANA.upper()}>: no such user")
    with warehouse.begin() as connection:
        users.add(connection, Actor("root", "command"), "petra", "five odd words in a row", Role.VIEWER, personal=True)
    seen = {name: people(name).get("/informes").text for name in (VIEWER, "petra", OPERATOR)}
    for name in ("petra", OPERATOR):
        assert seen[name].count(ANA) >= 2
    assert ANA not in seen[VIEWER].lower()
    assert words(seen[VIEWER]).count("a…@example.com") == 2
    assert "no llegó" in seen[VIEWER]
    assert "A…@EXAMPLE.COM>: no such user" in words(seen[VIEWER])


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("x@example.com", "x…@example.com"),
        ("451 <ana+b@example.com> and luis@example.net: later", "451 <a…@example.com> and l…@example.net: later"),
        ("timed out", "timed out"),
    ],
)
def test_addresses_are_masked_wherever_they_stand(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize("path", ["/informes/nuevo", "/informes/suscribir"])
def test_a_viewer_is_shown_no_form(people: Browsers, path: str) -> None:
    vera = people(VIEWER)
    assert path not in vera.get("/informes").text
    assert vera.get(path).status_code == 403
    assert people(OPERATOR).get(path).status_code == 200


def test_a_viewer_changes_nothing(people: Browsers, warehouse: sa.Engine, webserver: FakeWebserver) -> None:
    number, message = have_subscribed(warehouse, ANA), have_sent(warehouse, ANA, "failed")
    before, vera = deeds(warehouse), people(VIEWER)
    for path in (
        "/informes/nuevo",
        "/informes/suscribir",
        f"/informes/suscripciones/{number}/terminar",
        f"/informes/envios/{message}/repetir",
    ):
        assert vera.post(path, data=SUBSCRIBE, headers=vera.origin).status_code == 403, path
    assert (webserver.asked, deeds(warehouse), len(going_on(warehouse))) == ([], before, 1)


def test_a_page_from_elsewhere_subscribes_nobody(people: Browsers, warehouse: sa.Engine) -> None:
    answer = people(OPERATOR).post("/informes/suscribir", data=SUBSCRIBE, headers={"origin": "https://evil.example"})
    assert (answer.status_code, going_on(warehouse)) == (403, [])


def test_people_are_subscribed_on_record(people: Browsers, warehouse: sa.Engine) -> None:
    oscar = people(OPERATOR)
    form = {
        "report": "channel_report",
        "channel": CHANNEL,
        "format.pdf": "yes",
        "format.xlsx": "yes",
        "recipients": f"{ANA}\r\n{LUIS}, {ANA}",
    }
    answer = oscar.post("/informes/suscribir", data=form, headers=oscar.origin)
    assert (answer.status_code, answer.headers["location"]) == (303, "/informes?done=subscribed")
    [added] = going_on(warehouse)
    assert (added.report, added.channel, added.created_by) == ("channel_report", CHANNEL, OPERATOR)
    assert (added.formats, added.recipients) == (("pdf", "xlsx"), (ANA, LUIS))
    assert deeds(warehouse) == [(OPERATOR, "subscription added")]
    assert "La suscripción está hecha." in oscar.get(answer.headers["location"]).text


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"report": "yearly_report"}, "No hay un informe «yearly_report»"),
        ({"report": "channel_report"}, "diga cuál"),
        ({"channel": CHANNEL}, "es de todos los canales"),
        ({"report": "channel_report", "channel": "Canal Ocho"}, "No hay un canal «Canal Ocho»"),
        ({"report": "channel_report", "channel": "nul\0"}, "No hay un canal"),
        ({"recipients": "ana@example.com, nobody"}, "«nobody» no es una dirección de correo"),
        ({"recipients": "ana@example.com\r\nBcc:luis@example.net"}, "no es una dirección de correo"),
        ({"recipients": " ; "}, "Los destinatarios son 0"),
        ({"recipients": " ".join(f"a{n}@example.com" for n in range(501))}, "Los destinatarios son 501"),
        ({"format.pdf": None}, "Elija al menos un formato: pdf, xlsx, html"),
        ({"format.doc": "yes"}, "Elija al menos un formato: pdf, xlsx, html"),
    ],
)
def test_a_subscription_that_cannot_be_is_the_form_again_as_it_was_typed(
    people: Browsers, warehouse: sa.Engine, form: dict[str, Any], told: str
) -> None:
    oscar = people(OPERATOR)
    given = {name: value for name, value in {**SUBSCRIBE, **form}.items() if value is not None}
    answer = oscar.post("/informes/suscribir", data=given, headers=oscar.origin)
    assert (answer.status_code, told in words(answer.text)) == (400, True), words(answer.text)
    assert "".join(given["recipients"].split()) in "".join(words(answer.text).split())
    assert ("checked" in answer.text) == ("format.pdf" in given)
    assert going_on(warehouse) == []


def test_who_gets_a_report_is_not_subscribed_to_it_again(people: Browsers, warehouse: sa.Engine) -> None:
    number, oscar = have_subscribed(warehouse, ANA), people(OPERATOR)
    answer = oscar.post("/informes/suscribir", data={**SUBSCRIBE, "recipients": f"{LUIS} {ANA}"}, headers=oscar.origin)
    assert f"{ANA} ya recibe ese informe en los mismos formatos, por la suscripción {number}." in words(answer.text)
    assert [each.subscription_id for each in going_on(warehouse)] == [number]


def test_a_subscription_is_ended_on_record_and_once(people: Browsers, warehouse: sa.Engine) -> None:
    number, oscar = have_subscribed(warehouse, ANA), people(OPERATOR)
    path = f"/informes/suscripciones/{number}/terminar"
    assert f'action="{path}"' in oscar.get("/informes").text
    answer = oscar.post(path, headers=oscar.origin)
    assert (answer.status_code, answer.headers["location"]) == (303, "/informes?done=ended")
    assert (going_on(warehouse), deeds(warehouse)[-1]) == ([], (OPERATOR, "subscription ended"))
    again = oscar.post(path, headers=oscar.origin)
    assert (again.status_code, "o ya terminó" in again.text) == (404, True)


@pytest.mark.parametrize("state", ["failed", "doubtful"])
def test_what_did_not_arrive_is_sent_again_on_record(people: Browsers, warehouse: sa.Engine, state: str) -> None:
    number, oscar = have_sent(warehouse, LUIS, state, "451 later"), people(OPERATOR)
    path = f"/informes/envios/{number}/repetir"
    assert f'action="{path}"' in oscar.get("/informes").text
    assert oscar.post(path, headers=oscar.origin).headers["location"] == "/informes?done=again"
    assert deeds(warehouse) == [(OPERATOR, "message sent again")]
    with warehouse.connect() as connection:
        [delivery] = outbox.find_newest(connection, 5)
    assert delivery.state == "waiting"


def test_what_was_sent_is_not_sent_again(people: Browsers, warehouse: sa.Engine) -> None:
    number, oscar = have_sent(warehouse, LUIS, "sent", "250 2.0.0 Ok"), people(OPERATOR)
    assert "250 2.0.0 Ok" in oscar.get("/informes").text
    assert "Enviar otra vez" not in oscar.get("/informes").text
    for each in (str(number), "9" * 18, "9" * 40, "-1", "\N{SUPERSCRIPT TWO}"):
        assert oscar.post(f"/informes/envios/{each}/repetir", headers=oscar.origin).status_code == 404, each
    assert deeds(warehouse) == []


@pytest.mark.parametrize(("minutes", "told"), [(60, True), (1, False)])
def test_mail_that_nobody_tries_to_send_is_said(people: Browsers, warehouse: sa.Engine, minutes: int, told: bool) -> None:
    have_sent(warehouse, ANA, "waiting", age_minutes=minutes)
    assert ("SMTP_URL" in people(VIEWER).get("/informes").text) is told
