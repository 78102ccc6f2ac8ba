"""A database that is away: the front door says so, and comes back by itself."""

from __future__ import annotations

import pytest
from front_door import PASSWORD, VIEWER, Browser, door_settings

from telemetry_pipeline.stack.servers.postgres import LocalPostgres
from telemetry_pipeline.warehouse.access import users
from telemetry_pipeline.warehouse.access.audit import Actor
from telemetry_pipeline.warehouse.access.role import Role
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.db.migrating import migrate
from telemetry_pipeline.web.app import create_app


@pytest.mark.slow
def test_a_page_says_that_the_database_is_away_and_comes_back_by_itself(own_postgres: LocalPostgres) -> None:
    engine = connect(own_postgres.url)
    migrate(engine)
    with engine.begin() as connection:
        users.add(connection, Actor("root", "command"), VIEWER, PASSWORD, Role.VIEWER, personal=False)
    with Browser(create_app(door_settings(own_postgres.url))) as vera, Browser(vera.app) as stranger:
        assert vera.log_in(VIEWER).status_code == 303
        own_postgres.stop()
        page = vera.get("/")
        assert (page.status_code, page.headers["retry-after"]) == (503, "5")
        assert "La base de datos no responde en este momento." in page.text
        assert '<meta http-equiv="refresh" content="5">' in page.text
        error = vera.get("/", headers={"accept": "application/json"}).json()["error"]
        assert error["problem"].startswith("PostgreSQL cannot be reached")
        sent = stranger.log_in(VIEWER)
        assert (sent.status_code, "refresh" in sent.text, "vuelve a cargar sola" in sent.text) == (503, False, False)
        assert [stranger.get(path).status_code for path in ("/static/door.css", "/health", "/entrar")] == [200, 200, 200]
        own_postgres.start()
        assert vera.get("/").status_code == 200
