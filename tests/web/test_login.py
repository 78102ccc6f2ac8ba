"""Who is let in at the front door, for how long, and who is not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from http.cookies import SimpleCookie

import pytest
import sqlalchemy as sa
from front_door import OPERATOR, OWNER_TOKEN, PASSWORD, PUBLIC, SECRET, VIEWER, Browser, door_settings
from itsdangerous import TimestampSigner
from starlette.types import ASGIApp
from warehouse_events import select

from telemetry_pipeline.settings.web import owner_link
from telemetry_pipeline.warehouse.access import attempts, passwords, users
from telemetry_pipeline.warehouse.access.audit import Actor
from telemetry_pipeline.warehouse.access.role import Role
from telemetry_pipeline.web.access.login import place_in_here
from telemetry_pipeline.web.app import create_app

New = Callable[..., Browser]
ROOT = Actor("root", "command")
COOKIE = "telemetry_session"
WRONG = "another five odd words"


def is_in(browser: Browser) -> bool:
    return bool(browser.get("/").status_code == 200)


def audited(warehouse: sa.Engine) -> list[tuple[str, str, str, str]]:
    """What log-ins and log-outs left, oldest first."""
    rows = select(warehouse, "select who, by, what, address from telemetry.audit order by audit_id")
    return [tuple(row) for row in rows if row[2].startswith("log")]


def test_the_right_name_and_password_open_the_page_that_was_asked_for(browser: New, warehouse: sa.Engine) -> None:
    vera = browser()
    asked = vera.get("/canales?dias=7&canal=Siete")
    assert (asked.status_code, asked.headers["location"]) == (303, "/entrar?next=%2Fcanales%3Fdias%3D7%26canal%3DSiete")
    assert 'name="next" value="/canales?dias=7&amp;canal=Siete"' in vera.get(asked.headers["location"]).text
    answer = vera.log_in("  Vera ", following="/canales?dias=7&canal=Siete")
    assert (answer.status_code, answer.headers["location"]) == (303, "/canales?dias=7&canal=Siete")
    assert f"Hola, {VIEWER}" in vera.get("/").text
    assert vera.get("/entrar").headers["location"] == "/"
    assert audited(warehouse) == [(VIEWER, "session", "log-in", "127.0.0.1")]


@pytest.mark.parametrize(
    ("name", "password"),
    [
        (VIEWER, WRONG),
        ("nobody", PASSWORD),
        (VIEWER, ""),
        ("", ""),
        ("x' or true --", PASSWORD),
        ("\0", "\0"),
    ],
)
def test_anything_else_is_refused_in_the_same_words(browser: New, name: str, password: str) -> None:
    stranger = browser()
    answer = stranger.log_in(name, password)
    assert answer.status_code == 401
    assert "El usuario o la contraseña no son correctos." in answer.text
    assert "set-cookie" not in answer.headers
    assert not is_in(stranger)


def test_a_failed_log_in_is_on_record_but_not_what_was_typed_as_a_name(browser: New, warehouse: sa.Engine) -> None:
    browser().log_in(VIEWER, WRONG)
    browser().log_in("my password, typed too early", "")
    assert audited(warehouse) == [
        (VIEWER, "nobody", "log-in failed", "127.0.0.1"),
        ("", "nobody", "log-in failed", "127.0.0.1"),
    ]
    kept = [select(warehouse, f"select * from telemetry.{table}") for table in ("audit", "login_attempts")]
    assert "typed" not in str(kept)


def test_a_name_that_is_nobodys_costs_as_much_as_a_wrong_password(browser: New, monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    verify = type(passwords._hasher).verify

    def seen(self: object, stored: str, given: str) -> bool:
        compared.append(stored.split("$")[:4])  # the kind and the costs
        return bool(verify(passwords._hasher, stored, given))

    monkeypatch.setattr(type(passwords._hasher), "verify", seen)
    browser().log_in(VIEWER, WRONG)
    browser().log_in("nobody", WRONG)
    assert len(compared) == 2
    assert compared[0] == compared[1]


def test_json_is_answered_to_a_program(browser: New) -> None:
    answer = browser().log_in(VIEWER, WRONG, accept="application/json")
    assert (answer.status_code, answer.json()["error"]["problem"]) == (401, "the log-in is refused")


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(browser: New) -> None:
    morsel = SimpleCookie(browser().log_in(VIEWER).headers["set-cookie"])[COOKIE]
    assert (morsel["httponly"], morsel["samesite"], morsel["path"], morsel["domain"], morsel["secure"]) == (
        True,
        "lax",
        "/",
        "",
        "",
    )
    assert int(morsel["max-age"]) == 12 * 3600


def test_with_tls_the_cookie_is_for_this_host_and_for_tls_alone(browser: New) -> None:
    vera = browser(url=PUBLIC)
    morsel = SimpleCookie(vera.log_in(VIEWER).headers["set-cookie"])[f"__Host-{COOKIE}"]
    assert (morsel["secure"], morsel["path"], morsel["domain"]) == (True, "/", "")
    assert is_in(vera)
    assert "max-age=31536000" in vera.get("/").headers["strict-transport-security"]


def test_a_session_that_somebody_else_put_there_is_not_taken_on(browser: New, warehouse: sa.Engine) -> None:
    """Else its secret, which they know, would open what the user may."""
    mallory, vera = browser(OPERATOR), browser()
    planted = mallory.cookies[COOKIE]
    vera.cookies.set(COOKIE, planted, domain="127.0.0.1", path="/")
    assert vera.log_in(VIEWER).status_code == 303
    assert [cookie.value == planted for cookie in vera.cookies.jar if cookie.name == COOKIE].count(False) == 1
    assert not is_in(mallory)
    assert select(warehouse, "select name from telemetry.web_sessions") == [(VIEWER,)]


def forged(value: str, secret: str = SECRET, salt: str = "telemetry_pipeline.web.session") -> str:
    return TimestampSigner(secret, salt=salt, digest_method=hashlib.sha256, key_derivation="hmac").sign(value).decode()


@pytest.mark.parametrize(
    "change",
    [
        # Not the last letter: two of its bits are of no byte, so that one in sixteen changes nothing.
        lambda value: value[:-2] + ("A" if value[-2] != "A" else "B") + value[-1],
        lambda value: value.split(".")[0],
        lambda value: forged(value.split(".")[0], "u" * 40),
        lambda value: forged(value.split(".")[0], salt="another"),
        lambda value: forged("made up"),
        lambda value: "",
    ],
    ids=["tampered", "unsigned", "another secret", "another purpose", "made up", "empty"],
)
def test_only_what_the_door_gave_opens_it(browser: New, change: Callable[[str], str]) -> None:
    vera = browser(VIEWER)
    value = change(vera.cookies[COOKIE])
    vera.cookies.clear()
    vera.cookies.set(COOKIE, value, domain="127.0.0.1", path="/")
    assert not is_in(vera)


def test_an_expired_session_opens_nothing(browser: New, warehouse: sa.Engine) -> None:
    vera = browser(VIEWER)
    with warehouse.begin() as connection:
        connection.execute(sa.text("update telemetry.web_sessions set expires_at = now()"))
    assert not is_in(vera)


def test_a_cookie_that_was_signed_too_long_ago_is_not_looked_up(
    browser: New, warehouse: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    vera = browser(VIEWER)
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda self: 4_000_000_000)
    assert not is_in(vera)


@pytest.mark.parametrize(
    "change",
    [
        lambda connection: users.set_disabled(connection, ROOT, VIEWER, True),
        lambda connection: users.set_password(connection, ROOT, VIEWER, WRONG),
        lambda connection: users.set_role(connection, ROOT, VIEWER, Role.OPERATOR, personal=False),
    ],
    ids=["disabled", "another password", "another role"],
)
def test_what_changes_a_user_ends_its_sessions(
    browser: New, warehouse: sa.Engine, change: Callable[[sa.Connection], None]
) -> None:
    vera, oscar = browser(VIEWER), browser(OPERATOR)
    with warehouse.begin() as connection:
        change(connection)
    assert (is_in(vera), is_in(oscar)) == (False, True)


def test_a_disabled_user_is_refused_until_it_is_enabled(browser: New, warehouse: sa.Engine) -> None:
    for disabled, status in ((True, 401), (False, 303)):
        with warehouse.begin() as connection:
            users.set_disabled(connection, ROOT, VIEWER, disabled)
        assert browser().log_in(VIEWER).status_code == status


def test_logging_out_ends_the_session_wherever_its_cookie_is(browser: New, warehouse: sa.Engine) -> None:
    vera = browser(VIEWER)
    stolen = vera.cookies[COOKIE]
    answer = vera.log_out()
    assert (answer.status_code, answer.headers["location"]) == (303, "/entrar")
    vera.cookies.set(COOKIE, stolen, domain="127.0.0.1", path="/")
    assert not is_in(vera)
    assert audited(warehouse)[-1] == (VIEWER, "session", "log-out", "127.0.0.1")


def test_whoever_guesses_waits_and_another_process_knows_of_it(
    browser: New, warehouse: sa.Engine, door_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "PER_NAME", 3)
    assert [browser().log_in(VIEWER, f"guess number {number} of many").status_code for number in range(3)] == [401] * 3
    restarted = create_app(door_settings(door_url), warehouse)
    refused = browser(of=restarted).log_in(VIEWER)
    assert refused.status_code == 429
    assert 890 <= int(refused.headers["retry-after"]) <= 900
    assert "Demasiados intentos. Vuelva a probar en 15 minutos." in refused.text
    assert browser().log_in(VIEWER, accept="*/*").json()["error"]["problem"] == "too many log-ins"
    assert browser().log_in(OPERATOR).status_code == 303


def test_whoever_guesses_names_waits_too(browser: New, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "PER_ADDRESS", 3)
    assert [browser().log_in(f"name{number}", "x").status_code for number in range(4)] == [401, 401, 401, 429]


def test_who_comes_in_has_made_no_wrong_attempts(browser: New, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "PER_NAME", 3)
    for password, status in (("wrong", 401), ("wrong", 401), (PASSWORD, 303)) * 2:
        assert browser().log_in(VIEWER, password).status_code == status


@pytest.mark.parametrize(
    ("following", "place"),
    [
        ("/canales?dias=7", "/canales?dias=7"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("\\\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("/a\r\nSet-Cookie: x=y", "/"),
        ("javascript:alert(1)", "/"),
        ("canales", "/"),
        ("/entrar?next=/entrar", "/"),
        ("", "/"),
    ],
)
def test_nobody_is_sent_elsewhere(following: str, place: str) -> None:
    assert place_in_here(following) == place


def test_the_owners_link_lets_in_as_operator_and_leaves_the_address_bar(browser: New, warehouse: sa.Engine) -> None:
    owner = browser()
    answer = owner.get(owner_link("", OWNER_TOKEN))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "Flower" in owner.get("/").text
    assert audited(warehouse) == [("owner", "session", "log-in by link", "127.0.0.1")]


def test_the_owners_link_of_an_earlier_start_opens_nothing_nor_does_its_session(
    browser: New, warehouse: sa.Engine, door_url: str
) -> None:
    owner = browser()
    owner.get(owner_link("", OWNER_TOKEN))
    for token in ("u" * 40, None):
        after = browser(of=create_app(door_settings(door_url, web_token=token), warehouse))
        after.cookies.set(COOKIE, owner.cookies[COOKIE], domain="127.0.0.1", path="/")
        assert not is_in(after)
        refused = after.get(owner_link("", OWNER_TOKEN))
        assert refused.status_code == 401
        assert "Ese enlace ya no vale" in refused.text


def test_the_owners_link_is_for_the_machine_that_it_was_shown_on(door: ASGIApp) -> None:
    with Browser(door, client=("192.0.2.7", 4)) as stranger:
        refused = stranger.get(owner_link("", OWNER_TOKEN))
    assert refused.status_code == 403
    assert "set-cookie" not in refused.headers


def test_an_endless_form_is_not_read(browser: New) -> None:
    assert browser().log_in(VIEWER, "x" * 20_000).status_code == 413
