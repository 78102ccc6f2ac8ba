"""``users`` and ``tokens`` say who may come in at the front door."""

from __future__ import annotations

import getpass
import io
import json
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from cli_harness import Outcome
from warehouse_events import select

from telemetry_pipeline.warehouse.access import tokens

PASSWORD = "five odd words in a row"
Call = Callable[..., Outcome]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def call(cli: Call, engine: sa.Engine, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Calls the program over a warehouse, with something on standard input; None: a person types."""
    monkeypatch.setenv("DATABASE_URL", database_url)

    def call(*arguments: str, given: str | None = "") -> Outcome:
        monkeypatch.setattr("sys.stdin", Terminal() if given is None else io.StringIO(given))
        return cli(*arguments)

    return call


def test_a_user_is_added_changed_shut_out_and_listed(call: Call, engine: sa.Engine) -> None:
    assert call("users", "list").out == "none\n"
    added = call("users", "add", "vera", "--role", "viewer", "--personal", given=f"{PASSWORD}\n")
    assert (added.status, added.out, added.err) == (0, "vera may log in as viewer\n", "")
    assert call("users", "password", "vera", given="another five odd words\n").status == 0
    assert call("users", "role", "vera", "--role", "operator").out == "vera is operator from the next log-in on\n"
    assert call("users", "disable", "vera").out == "vera is shut out\n"
    [user] = json.loads(call("users", "list", "--format", "json").out)
    assert (user["name"], user["role"], user["disabled_at"] is None) == ("vera", "operator", False)
    assert call("users", "enable", "vera").out == "vera may log in\n"
    assert "vera" in call("users", "list").out
    assert select(engine, "select distinct who, by from telemetry.audit") == [(getpass.getuser(), "command")]
    assert select(engine, "select what from telemetry.audit order by audit_id") == [
        (what,) for what in ("user added", "password changed", "role changed", "user disabled", "user enabled")
    ]


def test_a_person_types_the_password_twice_and_nobody_sees_it(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    typed = iter([PASSWORD, "something else here", PASSWORD, PASSWORD])
    monkeypatch.setattr("click.termui.hidden_prompt_func", lambda _: next(typed))
    added = call("users", "add", "vera", "--role", "viewer", given=None)
    assert (added.status, added.out) == (0, "vera may log in as viewer\n")
    assert PASSWORD not in added.err
    assert next(typed, "all were asked for") == "all were asked for"


@pytest.mark.parametrize(
    ("arguments", "given", "said"),
    [
        (("users", "add", "vera", "--role", "viewer"), "", "standard input has no password"),
        (("users", "add", "vera", "--role", "viewer"), "short\n", "a password has 12 to 256 characters"),
        (("users", "add", "a b", "--role", "viewer"), f"{PASSWORD}\n", "'a b' cannot be a name"),
        (("users", "disable", "nobody"), "", "there is no user 'nobody'"),
        (("tokens", "revoke", "nothing"), "", "there is no token 'nothing' that is valid"),
    ],
)
def test_what_cannot_be_is_refused(call: Call, arguments: tuple[str, ...], given: str, said: str) -> None:
    outcome = call(*arguments, given=given)
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err.startswith(f"error: {said}")


def test_a_command_of_users_that_is_missing_or_mistyped_is_answered_with_those_that_there_are(call: Call) -> None:
    assert call("users").err == "error: a command is missing; there are add, password, role, disable, enable, list\n"
    mistyped = call("users", "disabel", "vera")
    assert (mistyped.status, "did you mean disable?" in mistyped.err) == (2, True)


def test_a_token_is_printed_alone_and_once(call: Call, engine: sa.Engine) -> None:
    made = call("tokens", "add", "grafana", "--role", "viewer")
    assert (made.status, made.err, made.out.count("\n")) == (0, "", 1)
    with engine.begin() as connection:
        found = tokens.find(connection, made.out.strip())
    assert found is not None
    assert found.name == "grafana"
    again = call("tokens", "add", "grafana", "--role", "operator")
    assert (again.status, again.err.splitlines()[0]) == (1, "error: there is a token grafana already, or was")
    assert made.out.strip() not in call("tokens", "list").out + call("tokens", "list", "--format", "json").out
    assert call("tokens", "revoke", "grafana").out == "grafana opens nothing any more\n"
    with engine.begin() as connection:
        assert tokens.find(connection, made.out.strip()) is None
