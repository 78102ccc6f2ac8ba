"""Where people and programs find the web UI, who is let in there, and what it says of assets."""

from __future__ import annotations

from urllib.parse import quote

from pydantic import BaseModel, Field, SecretStr

from telemetry_pipeline.settings.values import (
    Directory,
    HttpUrl,
    HttpUrls,
    Networks,
    Owners,
    SessionHours,
    WebSecret,
    WebserverUrl,
)
from telemetry_pipeline.words.language import Language

LOGIN_PATH = "/entrar"
"""Where people log in, and where the owner's link leads."""


def owner_link(web_url: str, token: str) -> str:
    """Return the link that logs the owner of a stack in.

    :param web_url: where the front door is.
    :param token: its WEB_TOKEN.
    """
    return f"{web_url.rstrip('/')}{LOGIN_PATH}?token={quote(token, safe='')}"


class WebSettings(BaseModel):
    """Where people and programs find the web UI, who is let in there, and what it says of assets."""

    web_url: HttpUrl | None = Field(
        default=None,
        description="Where people open the web UI, for links in alerts: https://telemetry.example.com. Empty: the local "
        "stack's own address.",
    )
    web_sockets: Directory | None = Field(
        default=None,
        description="Directory of the Unix sockets by which the front door reaches Dagster's web server, for its owner alone. "
        "Empty: the directory sockets in TELEMETRY_HOME.",
    )
    flower_sockets: Directory | None = Field(
        default=None,
        description="Directory of the one by which it reaches Flower, the workers' own web UI. Empty: the directory "
        "flower-sockets in TELEMETRY_HOME.",
    )
    webserver_url: WebserverUrl | None = Field(
        default=None,
        description="Where processes and commands reach Dagster's web server: a socket and the path there, such as "
        "unix:/run/telemetry/operators.sock:/dagster, or a URL. Empty: the local stack's own, else /dagster at WEB_URL.",
    )
    telemetry_token: SecretStr | None = Field(
        default=None,
        description="What commands on another machine show at WEB_URL, made by 'telemetry-pipeline tokens add'. A socket "
        "needs none.",
    )
    other_web_urls: HttpUrls = Field(
        default="",
        description="By which other addresses people open the web UI, separated by spaces; it refuses names that nothing "
        "here mentions.",
    )
    trusted_proxies: Networks = Field(
        default="",
        description="Which proxies stand before the front door, separated by spaces, such as 10.0.0.5 172.18.0.0/16: what "
        "they say of a visitor's address and of TLS (X-Forwarded-For, X-Forwarded-Proto) is believed.",
    )
    web_secret: WebSecret | None = Field(
        default=None,
        description="What the front door signs sessions with: at least 32 characters that nobody knows, as of 'openssl rand "
        "-hex 32'. A new one logs everybody out. Empty: the local stack makes one.",
    )
    web_token: WebSecret | None = Field(
        default=None,
        description="Whoever opens the front door on its own machine with this in the link is let in as operator. The local "
        "stack makes a new one at each start; leave it empty in production.",
    )
    session_hours: SessionHours = Field(default=12, description="How many hours after logging in somebody has to do so again.")
    language: Language = Field(
        default=Language.ES, description="What pages and alerts are written in: es for Spanish, en for English."
    )
    asset_owners: Owners = Field(
        default="team:data",
        description="Whose the assets are, as the web UI shows and finds them: teams and e-mail addresses, separated by "
        "spaces, such as team:data ana@example.com.",
    )
    source_url: HttpUrl | None = Field(
        default=None,
        description="Where the source code of the running version can be read, for links from assets to it: "
        "https://github.com/you/telemetry-pipeline/blob/v1.2.0. Empty: links open the file on the machine of the code.",
    )
