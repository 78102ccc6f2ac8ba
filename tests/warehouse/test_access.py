"""Users, tokens and the audit as they are stored, and who of PostgreSQL's roles sees what of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import sqlalchemy as sa
from role_servers import Server, server  # noqa: F401 - a fixture
from warehouse_events import select

from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.warehouse.access import attempts, audit, logins, passwords, sessions, tokens, users
from telemetry_pipeline.warehouse.access.audit import Actor
from telemetry_pipeline.warehouse.access.role import Role
from telemetry_pipeline.warehouse.db.connections import connect

ROOT = Actor("root", "command")
PASSWORD = "five odd words in a row"


def add(engine: sa.Engine, name: str = "vera", password: str = PASSWORD) -> None:
    with engine.begin() as connection:
        users.add(connection, ROOT, name, password, Role.VIEWER, personal=True)


def test_a_user_is_stored_with_a_hash_alone_and_what_happened_to_it_is_on_record(engine: sa.Engine) -> None:
    add(engine, "Vera")
    with engine.begin() as connection:
        users.set_role(connection, ROOT, "VERA", Role.OPERATOR, personal=False)
        users.set_disabled(connection, ROOT, "vera", True)
        [user] = users.find_all(connection)
    assert (user.name, user.role, user.personal) == ("vera", Role.OPERATOR, False)
    assert user.disabled_at is not None
    [(stored,)] = select(engine, "select password_hash from telemetry.users")
    assert stored.startswith("$argon2id$")
    assert select(engine, "select who, by, what, detail from telemetry.audit order by audit_id") == [
        ("root", "command", "user added", {"user": "vera", "role": "viewer", "personal": True}),
        ("root", "command", "role changed", {"user": "vera", "role": "operator", "personal": False}),
        ("root", "command", "user disabled", {"user": "vera"}),
    ]


@pytest.mark.parametrize("name", ["", "ana maría", "x\r\nSet-Cookie: a=b", "<b>", "-x", "a" * 65, "owner", "ñandú", "a\0"])
def test_a_name_that_could_be_anything_else_is_refused(engine: sa.Engine, name: str) -> None:
    with pytest.raises(RequestRefused, match="cannot be a name"):
        add(engine, name)
    with pytest.raises(RequestRefused), engine.begin() as connection:
        tokens.add(connection, ROOT, name, Role.VIEWER, personal=False)


@pytest.mark.parametrize("password", ["", "short", "aaaaaaaaaaaaaaaa", "x" * 257, "I am Vera, hello"])
def test_a_password_that_is_easy_to_guess_is_refused(engine: sa.Engine, password: str) -> None:
    with pytest.raises(RequestRefused):
        add(engine, "vera", password)
    assert select(engine, "select count(*) from telemetry.users") == [(0,)]


def test_a_name_that_is_taken_and_one_that_is_nobodys_are_refused(engine: sa.Engine) -> None:
    with pytest.raises(RequestRefused, match="add one with"), engine.begin() as connection:
        users.set_password(connection, ROOT, "vera", PASSWORD)
    add(engine)
    with pytest.raises(RequestRefused, match="already"):
        add(engine)
    with pytest.raises(RequestRefused, match="did you mean vera"), engine.begin() as connection:
        users.set_disabled(connection, ROOT, "veera", True)


def test_a_password_that_changed_while_it_was_compared_opens_no_session(engine: sa.Engine) -> None:
    add(engine)
    [(before,)] = select(engine, "select password_hash from telemetry.users")
    with engine.begin() as connection:
        users.set_password(connection, ROOT, "vera", "another five odd words")
        assert sessions.open_for(connection, "vera", before, 1) is None


def test_many_attempts_at_once_are_as_many(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else whoever asks in parallel gets as many guesses as there are connections."""
    monkeypatch.setattr(attempts, "PER_NAME", 2)
    monkeypatch.setattr(passwords, "fits", lambda stored, password: False)

    def guess(number: int) -> int:
        return logins.log_in(engine, "vera", str(number), address="192.0.2.1", hours=1).wait_seconds

    with ThreadPoolExecutor(6) as pool:
        waits = list(pool.map(guess, range(6)))
    assert sorted(wait > 0 for wait in waits) == [False] * 2 + [True] * 4


def test_neighbours_of_ipv6_are_one_address(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "PER_ADDRESS", 1)
    waits = []
    for address in ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1", "192.0.2.1", "192.0.2.2"):
        with engine.begin() as connection:
            waits.append(attempts.begin(connection, address, address) > 0)
    assert waits == [False, True, False, False, False]


def test_attempts_are_forgotten_after_a_quarter_of_an_hour_or_when_somebody_vouches(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "PER_NAME", 1)
    add(engine)

    def waits() -> bool:
        with engine.begin() as connection:
            return attempts.begin(connection, "vera", "192.0.2.1") > 0

    assert (waits(), waits()) == (False, True)
    with engine.begin() as connection:
        users.set_disabled(connection, ROOT, "vera", False)
    assert (waits(), waits()) == (False, True)
    with engine.begin() as connection:
        connection.execute(sa.text("update telemetry.login_attempts set attempted_at = now() - interval '901 seconds'"))
    assert (waits(), waits()) == (False, True)


def test_what_is_old_is_deleted_and_nothing_else(engine: sa.Engine) -> None:
    add(engine)
    [(stored,)] = select(engine, "select password_hash from telemetry.users")
    with engine.begin() as connection:
        for _ in range(2):
            audit.write(connection, ROOT, "log-in")
            sessions.open_for(connection, "vera", stored, 1)
        connection.execute(sa.text("update telemetry.audit set at = now() - interval '366 days' where audit_id = 1"))
        one = "select session_hash from telemetry.web_sessions limit 1"
        connection.execute(sa.text(f"update telemetry.web_sessions set expires_at = now() where session_hash = ({one})"))
        assert audit.delete_old(connection, 365) == 1
    with engine.begin() as connection:
        sessions.delete_expired(connection)
    assert select(engine, "select count(*) from telemetry.audit") == [(2,)]
    assert select(engine, "select count(*) from telemetry.web_sessions") == [(1,)]


def test_the_pipeline_lets_people_in_and_who_reads_for_people_sees_no_hash(server: Server) -> None:  # noqa: F811
    server.migrate()
    engine = connect(server.url(server.roles.writer))
    add(engine)
    assert logins.log_in(engine, "vera", PASSWORD, address="192.0.2.1", hours=1).secret
    reader = server.user(f"person {server.number}")
    server.ask(f'grant "{server.roles.reader}" to "{reader}"')
    assert server.ask("select name, role from telemetry.users", user=reader) == [("vera", "viewer")]
    for table, column in (
        ("users", "password_hash"),
        ("web_sessions", "session_hash"),
        ("api_tokens", "token_hash"),
        ("login_attempts", "name_hash"),
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            server.ask(f"select {column} from telemetry.{table}", user=reader)
