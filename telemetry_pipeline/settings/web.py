"""Where people and programs find the web UI."""

from __future__ import annotations

from pydantic import BaseModel, Field

from telemetry_pipeline.settings.values import HttpUrl, HttpUrls


class WebSettings(BaseModel):
    """Where people and programs find the web UI."""

    web_url: HttpUrl | None = Field(
        default=None,
        description="Where people open the web UI, for links in alerts: https://telemetry.example.com. Empty: the local "
        "stack's own address.",
    )
    webserver_url: HttpUrl | None = Field(
        default=None,
        description="Where processes and commands reach the web server, when that is not where people open it (WEB_URL): "
        "http://webserver:3000. Empty: the local stack's own address, else WEB_URL.",
    )
    other_web_urls: HttpUrls = Field(
        default="",
        description="By which other addresses people open the web UI, separated by spaces; it refuses names that nothing "
        "here mentions.",
    )
