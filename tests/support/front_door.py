"""A browser before the front door, as far as the door can tell one from a program."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from httpx import Response
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from telemetry_pipeline.settings.loading import DoorSettings

URL = "http://127.0.0.1:3000"
PUBLIC = "https://telemetry.example.com"
VIEWER, OPERATOR = "vera", "oscar"
PASSWORD = "five odd words in a row"
SECRET, OWNER_TOKEN = "s" * 40, "t" * 40
PAGE = "text/html,application/xhtml+xml,*/*;q=0.8"


def door_settings(database_url: str, **others: Any) -> DoorSettings:
    """Of a door in the local stack that has a public name, too."""
    given = {"web_secret": SECRET, "web_token": OWNER_TOKEN, "web_url": PUBLIC, **others}
    return DoorSettings.load(database_url=database_url, **given)


class Browser(TestClient):
    """Says where it asks from when it changes something, keeps cookies, follows nothing."""

    def __init__(self, app: ASGIApp, url: str = URL, client: tuple[str, int] = ("127.0.0.1", 50_000)) -> None:
        super().__init__(app, base_url=url, follow_redirects=False, client=client)
        self.headers.update({"accept": PAGE})
        parts = urlsplit(url)
        self.origin = {"origin": f"{parts.scheme}://{parts.netloc}"}

    def log_in(self, name: str, password: str = PASSWORD, following: str = "/", **headers: str) -> Response:
        """Send the form of the log-in page."""
        form = {"name": name, "password": password, "next": following}
        answer: Response = self.post("/entrar", data=form, headers=self.origin | headers)
        return answer

    def log_out(self) -> Response:
        """Press the button."""
        answer: Response = self.post("/salir", headers=self.origin)
        return answer
