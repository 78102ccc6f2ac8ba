"""Where people and programs find the web UI, and what it says of assets."""

from __future__ import annotations

from pydantic import BaseModel, Field, SecretStr

from telemetry_pipeline.settings.values import Directory, HttpUrl, HttpUrls, Owners, WebserverUrl


class WebSettings(BaseModel):
    """Where people and programs find the web UI, and what it says of assets."""

    web_url: HttpUrl | None = Field(
        default=None,
        description="Where people open the web UI, for links in alerts: https://telemetry.example.com. Empty: the local "
        "stack's own address.",
    )
    web_sockets: Directory | None = Field(
        default=None,
        description="Directory of the Unix sockets by which the front door reaches what is behind it, for its owner alone. Empty: "
        "the directory sockets in TELEMETRY_HOME.",
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
