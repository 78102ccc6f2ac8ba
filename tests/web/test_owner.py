"""The owner of a local stack: programs of the machine show the token that its link has."""

from __future__ import annotations

from front_door import OWNER_TOKEN, Browser, door_settings
from starlette.types import ASGIApp

from telemetry_pipeline.web.app import create_app


def status(app: ASGIApp, token: str, address: str) -> int:
    with Browser(app, client=(address, 50_000)) as program:
        answer = program.get("/flower/", headers={"accept": "application/json", "authorization": f"Bearer {token}"})
    return answer.status_code


def test_the_token_of_the_owners_link_opens_everything_to_programs_of_this_machine_alone(door: ASGIApp) -> None:
    assert status(door, OWNER_TOKEN, "127.0.0.1") == 503  # let in, and Flower does not run
    assert status(door, OWNER_TOKEN, "203.0.113.7") == 401
    assert status(door, OWNER_TOKEN[:-1], "127.0.0.1") == 401


def test_without_such_a_token_nothing_is_the_owners(database_url: str) -> None:
    app = create_app(door_settings(database_url, web_token=None))
    assert status(app, OWNER_TOKEN, "127.0.0.1") == status(app, "", "127.0.0.1") == 401
