"""What values of settings can be: a type for each form, which says what was expected."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from croniter import CroniterError, croniter
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from telemetry_pipeline.settings import addresses
from telemetry_pipeline.sockets import divided

_OWNER = re.compile(r"team:[\w.-]+|[\w.+-]+@[\w-]+(\.[\w-]+)+")
# What mail servers take without extensions: a dot-atom of ASCII and a domain, no label of which begins or ends with a hyphen.
_ATOM, _LABEL = r"[\w!#$%&'*+/=?^`{|}~-]+", r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_ADDRESS = re.compile(rf"{_ATOM}(\.{_ATOM})*@{_LABEL}(\.{_LABEL})*", re.ASCII | re.IGNORECASE)
_LONGEST_ADDRESS = 254
_URL = re.compile(r"[\w.~:/?#@!$&'()*+,;=%\[\]-]+", re.ASCII)


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


@cache
def _is_time_zone(name: str) -> bool:
    """Say whether there is a time zone: to list all takes 20 ms, and each process loads its settings several times."""
    return name in available_timezones()


def _time_zone(name: str) -> str:
    if not _is_time_zone(name):
        raise ValueError("expected an IANA name such as America/Mexico_City")
    return name


def _cron(expression: str) -> str:
    """Return what Dagster takes, which has croniter built in."""
    fields, *_ = croniter.expand(expression) if croniter.is_valid(expression) else ([],)
    try:
        if len(fields) != 5:
            raise ValueError
        croniter(expression).get_next()  # of a day that there is: not the 30th of February
    except (CroniterError, ValueError):
        raise ValueError("expected a cron expression of five fields such as */2 * * * *, or @hourly, @daily") from None
    return expression


def _view_cap(value: Any) -> Any:
    if value is None or value == "auto":
        return value
    try:
        usable = 0 < float(value) <= 24
    except (TypeError, ValueError):
        usable = False
    if not usable:
        raise ValueError("expected a number of hours above 0 and up to 24, or auto")
    return float(value)


def _http_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        usable = bool(_URL.fullmatch(text) and parts.scheme in ("http", "https") and parts.hostname)
        # Of a password such as 12/x that was not escaped there would be a port and a path.
        usable = usable and parts.port != 0 and "@" not in parts.path and not parts.fragment
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("expected a URL such as https://telemetry.example/path")
    return text


def _http_urls(text: str) -> str:
    for url in text.split():
        _http_url(url)
    return text


def _webserver_url(text: str) -> str:
    socket, url = divided(text)
    return text if socket else _http_url(url)


def _networks(text: str) -> str:
    for each in text.split():
        try:
            ip_network(each)
        except ValueError:
            raise ValueError("expected addresses and networks, separated by spaces: 10.0.0.5 172.18.0.0/16") from None
    return text


def _owners(text: str) -> str:
    if not all(_OWNER.fullmatch(owner) for owner in text.split()):
        raise ValueError("expected teams and e-mail addresses, separated by spaces: team:data ana@example.com")
    return text


def _directory(path: Path) -> Path:
    try:
        path.expanduser().resolve().exists()
    except (OSError, RuntimeError):  # too long a name, a loop of links, the home of a user that there is not
        raise ValueError("expected a directory's path") from None
    return path


def _secret_url(read: Callable[[str], str]) -> AfterValidator:
    """Keeps an address as *read* writes it."""
    return AfterValidator(lambda url: SecretStr(read(url.get_secret_value())))


def _reports_url(text: str) -> str:
    bucket = re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[\w!*'().-]+)*/?", text, re.ASCII)
    if bucket or not {":", "\0"} & set(text):
        return text.rstrip("/") or "/"
    raise ValueError("expected a directory's path, or s3://bucket/path")


def _smtp_url(secret: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(secret.get_secret_value())
        usable = parts.scheme in ("smtp", "smtps") and parts.hostname and parts.port != 0
        usable = usable and parts.path in ("", "/") and not parts.query and not parts.fragment
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("expected a URL such as smtp://user:password@smtp.example.com:587, or smtps://...")
    return secret


def mail_address(text: str) -> str:
    """Return a mail address as it is.

    :raises ValueError: it cannot be one, or hides something else.
    """
    if len(text) > _LONGEST_ADDRESS or not _ADDRESS.fullmatch(text):
        raise ValueError("expected a mail address such as ana@example.com")
    return text


TimeZone = Annotated[str, AfterValidator(_time_zone)]
Cron = Annotated[str, AfterValidator(_cron)]
PostgresUrl = Annotated[SecretStr, _secret_url(addresses.postgres_url)]
RedisUrl = Annotated[SecretStr, _secret_url(addresses.redis_url)]
Days = Annotated[int, Field(ge=1, le=36_500)]
Minutes = Annotated[int, Field(ge=1, le=10_080)]
Percent = Annotated[float, Field(ge=0, le=100)]
Hours = Annotated[float, Field(gt=0, le=24)]
ViewCap = Annotated[Hours | Literal["auto"], BeforeValidator(_view_cap)]
Directory = Annotated[Path, AfterValidator(_directory)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
WebserverUrl = Annotated[str, AfterValidator(_webserver_url)]
Owners = Annotated[str, AfterValidator(_owners)]
HttpUrls = Annotated[str, AfterValidator(_http_urls)]
Networks = Annotated[str, AfterValidator(_networks)]
WebSecret = Annotated[SecretStr, Field(min_length=32)]
SessionHours = Annotated[float, Field(ge=0.1, le=720)]
ReportsUrl = Annotated[str, AfterValidator(_reports_url)]
SmtpUrl = Annotated[SecretStr, AfterValidator(_smtp_url)]
MailAddress = Annotated[str, AfterValidator(mail_address)]
LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)]
