"""Addresses of servers: read once, here, however they are written, and written for each library as it wants them.

``postgres://``, ``postgresql+psycopg2://``, a socket in the query, ``rediss://`` without options: people write what one of the
libraries takes, and each takes something else. Settings hold what :func:`postgres_url` and :func:`redis_url` return. No error
quotes an address, for it may hold a password.
"""

from __future__ import annotations

import os
import re
from urllib.parse import parse_qsl, quote, unquote, unquote_plus, urlencode, urlsplit

import psycopg
import redis
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo

POSTGRES_EXAMPLE = "postgresql://user:password@host:5432/database"
REDIS_EXAMPLE = "redis://:password@host:6379/0"
# The kernel's limit on Linux, without the zero at the end.
SOCKET_PATH_BYTES = 107

_POSTGRES_SCHEME = re.compile(r"^(postgres|postgresql)(\+psycopg|\+psycopg2)?://")
_REDIS_SCHEMES = {"redis": "redis", "rediss": "rediss", "unix": "unix", "redis+socket": "unix", "socket": "unix"}
# What a query may say that is no secret, and that errors have to show.
_HARMLESS = frozenset(
    {"host", "hostaddr", "port", "dbname", "user", "sslmode", "target_session_attrs", "db", "ssl_cert_reqs", "mode"}
)
# Where a line has another address. An unescaped password may hold a blank, and a scheme, but hardly one of these.
_NEXT_ADDRESS = re.compile(
    r"(?=\s[\"'<(\[]?(?:postgres|postgresql|rediss?|unix|socket|amqps?|https?)(?:\+\w+)?://)", re.IGNORECASE
)
_WORD = re.compile(r"\S*")
_LOGIN = re.compile(r"[^/?#:]*:")
_OPTION = re.compile(
    r"(?P<query>[?&][+:]?)?(?P<name>(?<![\w.-])[\w.-]++)(?:[ \t]*=[ \t]*|\\*[\"'][ \t]*:[ \t]*)",
)
_SECRET_NAME = re.compile(
    r"password|passwd|passphrase|pwd|secret|token|salt|credential|api_?key|access_?key|session_?id", re.IGNORECASE
)
_SECRET_IN_QUERY = re.compile(r"pass|auth|key|sig|signature", re.IGNORECASE)
_VALUE = re.compile(
    r"(?:'(?:[^'\\]|\\.|'')*+'|\"(?:[^\"\\]|\\.)*+\"|\\+\"[^\"]*+\"|\\+'[^']*+')(?![^\s&,;:)\]}\\'\"])|[^\s&]+", re.DOTALL
)
# It may not be escaped, and hold blanks. Behind a quote or bracket that closes there is no more of it.
_VALUE_IN_QUERY = re.compile(r"[^\s&]+(?:(?<![\"'>)\]}])(?<![\"'>)\]}][:;,.])[ \t]+[^\s&]+)*")
# What parsers quote of an address that they do not understand.
_FRAGMENT = re.compile(
    r"(percent-encoded (?:token|value): |port number: |integer value (?:as )?|\"=\" after |with base 10: |query parameter: "
    r"|spaces found in |host (?:name )?)(\"[^\n]{0,1000}?\"|'[^\n]{0,1000}?')(?![^\s,;:)\\'\"])"
)
_IPV6 = re.compile(r"[0-9a-fA-F:.]*:[0-9a-fA-F:.]*(%\w+)?", re.ASCII)
_PLAIN_NAME = re.compile(r"[\w.~-]+", re.ASCII)


def postgres_url(text: str, *, driver: str = "", database: str | None = None) -> str:
    """Return an address of PostgreSQL as libpq and SQLAlchemy read it alike.

    :param text: any address that libpq takes, with or without SQLAlchemy's name of a driver.
    :param driver: what SQLAlchemy is to use: ``psycopg`` or ``psycopg2``; empty for libpq.
    :param database: another one on the same server.
    :raises ValueError: libpq could not use it; says what was expected.
    """
    parameters = _postgres_parameters(text)
    if database is not None:
        parameters["dbname"] = database
    user, password = parameters.pop("user", ""), parameters.pop("password", None)
    who = quote(user, safe="") + ("" if password is None else f":{quote(password, safe='')}")
    host, port = parameters.get("host", ""), parameters.get("port", "")
    place = ""
    # Sockets, lists of hosts and odd names stand in the query, where both libraries take them.
    if (_PLAIN_NAME.fullmatch(host) or _IPV6.fullmatch(host)) and "," not in port:
        place = f"[{host}]" if ":" in host else host
        place += f":{port}" if port else ""
        del parameters["host"]
        parameters.pop("port", None)
    name = ""
    if _PLAIN_NAME.fullmatch(parameters.get("dbname", "")):
        name = parameters.pop("dbname")
    scheme = f"postgresql+{driver}" if driver else "postgresql"
    query = urlencode(parameters, quote_via=quote, safe="/")
    return f"{scheme}://{f'{who}@' if who else ''}{place}/{name}{f'?{query}' if query else ''}"


def _postgres_parameters(text: str) -> dict[str, str]:
    """Return what libpq reads in an address.

    :raises ValueError: nothing that it could use.
    """
    text = text.strip()
    expected = ValueError(f"expected a URL such as {POSTGRES_EXAMPLE}; in a password : is %3A, / %2F, @ %40, % %25")
    # Of a password such as 12/x@y libpq would make a port and a database.
    if not _POSTGRES_SCHEME.match(text) or "@" in text.partition("://")[2].partition("?")[0].partition("/")[2]:
        raise expected
    try:
        found = conninfo_to_dict(_POSTGRES_SCHEME.sub("postgresql://", text))
    except psycopg.ProgrammingError:
        raise expected from None
    parameters = {name: str(value) for name, value in found.items() if value}
    hosts = parameters.get("host", "").split(",")
    ports = parameters.get("port", "").split(",")
    if not ({"host", "hostaddr", "dbname", "service"} & parameters.keys()) or any("@" in host[1:] for host in hosts):
        raise expected
    if any(port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536) for port in ports):
        raise expected
    for host in hosts:
        if host.startswith("/"):
            _check_socket(f"{host.rstrip('/')}/.s.PGSQL.{ports[0] or 5432}")
    return parameters


def user_and_password(url: str) -> tuple[str, str]:
    """Return whom libpq logs in as at an address of PostgreSQL, and with which password; empty: with none."""
    defaults = {option.keyword: option.val for option in Conninfo.get_defaults()}
    found = _postgres_parameters(url)
    return found.get("user") or (defaults.get(b"user") or b"").decode(), found.get("password", "")


def redis_url(text: str) -> str:
    """Return an address of the broker as redis-py reads it; Celery takes it, too, unless it is a socket: see
    :func:`celery_url`.

    ``rediss://`` without ``ssl_cert_reqs`` gets that of redis-py's default, which Celery refuses to go without.

    :raises ValueError: it cannot be used; says what was expected.
    """
    expected = ValueError(f"expected a URL such as {REDIS_EXAMPLE}, rediss://host or unix:///run/redis.sock?db=0")
    try:
        parts = urlsplit(text.strip())
        scheme = _REDIS_SCHEMES[parts.scheme]
        options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        port = parts.port
        if not (unquote(parts.path) if scheme == "unix" else parts.hostname) or "@" in (parts.hostname or "") or parts.fragment:
            raise expected
        if "virtual_host" in options:
            options["db"] = options.pop("virtual_host")
        database = options.get("db", "0" if scheme == "unix" else parts.path.strip("/") or "0")
        if port == 0 or not (database.isascii() and database.isdigit()):
            raise expected
    except (KeyError, ValueError):
        raise expected from None
    user, password = (quote(unquote(part or ""), safe="") for part in (parts.username, parts.password))
    who = f"{user}:{password}@" if password else f"{user}@" if user else ""
    if scheme == "unix":
        _check_socket(unquote(parts.path))
        options["db"] = database
        return _checked_redis(f"unix://{who}{parts.path}?{urlencode(options, quote_via=quote)}")
    options.pop("db", None)
    if scheme == "rediss":
        options["ssl_cert_reqs"] = options.get("ssl_cert_reqs", "required").lower().removeprefix("cert_")
        if options["ssl_cert_reqs"] not in ("required", "optional", "none"):
            raise ValueError("expected ssl_cert_reqs to be required, optional or none")
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    query = f"?{urlencode(options, quote_via=quote)}" if options else ""
    return _checked_redis(f"{scheme}://{who}{host}:{port or 6379}/{database}{query}")


def _checked_redis(url: str) -> str:
    try:
        redis.ConnectionPool.from_url(url).make_connection()  # does not connect
    except (TypeError, ValueError, redis.RedisError):
        raise ValueError("expected no other options than those of redis-py, such as socket_timeout=5") from None
    return url


def celery_url(text: str) -> str:
    """Return an address of the broker as Celery reads it.

    :raises ValueError: it cannot be used.
    """
    parts = urlsplit(redis_url(text))
    if parts.scheme != "unix":
        return parts.geturl()
    options = dict(parse_qsl(parts.query))
    options["virtual_host"] = options.pop("db")
    who = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    return f"redis+socket://{who}{parts.path}?{urlencode(options, quote_via=quote)}"


def shown(url: str) -> str:
    """Return an address for people: without user, password, query and fragment."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return "***"
    rest = re.split(r"[?#]", rest, maxsplit=1)[0]
    # The last @, wherever it is: a password that was not escaped may hold slashes.
    who, at, place = rest.rpartition("@")
    place = re.sub(r":(?!\d+(/|$))[^/\]]+(?=/|$)", ":***", place)  # a port that is none is a piece of a password, too
    return f"{scheme}://{'***@' if at and who else ''}{place}"


def redacted(text: str) -> str:
    """Return a text without what may be secret in the addresses in it, and in what libraries quote of them.

    Where a password was not escaped, more of its address goes than had to.
    """
    lines = text.splitlines(keepends=True)
    text = "".join(_without_logins(part) for line in lines for part in _NEXT_ADDRESS.split(line))
    return _FRAGMENT.sub(_without_fragment, _without_options(text))


def _without_logins(part: str) -> str:
    """Hide the logins in what of a line has one address, or several without a blank between them."""
    last = part.rfind("@")
    told: list[str] = []
    end = 0
    for found in re.finditer("://", part):
        if (begin := found.end()) < end:
            continue
        behind = _WORD.match(part, begin).end()  # type: ignore[union-attr]
        if last >= behind and _LOGIN.match(part, begin, last):  # a password with blanks
            behind = _WORD.match(part, last).end()  # type: ignore[union-attr]
        told += part[end:begin], _without_secrets(part[begin:behind])
        end = behind
    return "".join([*told, part[end:]])


def _without_secrets(rest: str) -> str:
    """Return what follows ``://``, with nothing behind the place."""
    who, at, place = rest.rpartition("@")
    if not at:  # a port that is none is a piece of a password
        return re.sub(r"^([^/?#:\[\]]*):(?!\d*(?:[^\w.]|$)).*", r"\1:***", rest)
    last_option = _OPTION.finditer(who, max(0, who.rfind("&")))
    if any(found["query"] and _names_a_secret(found) for found in last_option):  # the @ is one of a secret in the query
        return "***" + "".join(place.partition("&")[1:])
    # An @ behind a path is one of a password only if there is a colon.
    return f"***@{place}" if ":" in who or not re.search(r"[/?#]", who) else rest


def _without_options(text: str) -> str:
    told: list[str] = []
    end = 0
    for found in _OPTION.finditer(text):
        if found.start("name") < end or not _names_a_secret(found):
            continue
        if value := (_VALUE_IN_QUERY if found["query"] else _VALUE).match(text, found.end()):
            told += text[end : found.end()], "***"
            end = value.end()
    return "".join([*told, text[end:]])


def _names_a_secret(option: re.Match[str]) -> bool:
    name = option["name"]
    return bool(_SECRET_NAME.search(name) or (option["query"] and _SECRET_IN_QUERY.fullmatch(name)))


def _without_fragment(found: re.Match[str]) -> str:
    return found[0] if found[1].startswith("host ") and "@" not in found[2] else f"{found[1]}***"


def secrets_of(url: str) -> set[str]:
    """Return what in an address may be a secret, as it is written and as it is meant: the password and the query's values."""
    found = {url}
    try:
        parts = urlsplit(url)
    except ValueError:
        return found
    if parts.password:
        found |= {parts.password, parts.netloc.rpartition("@")[0]}
    for pair in parts.query.split("&"):
        name, _, value = pair.partition("=")
        if name not in _HARMLESS:
            found |= {value, unquote_plus(value)}
    return {text for part in found for text in (part, unquote(part)) if text}


def is_local_postgres(text: str) -> bool:
    """Return whether that PostgreSQL runs on this machine, as far as the address tells."""
    hosts = _postgres_parameters(text).get("host", "").split(",")
    return all(not host or host.startswith(("/", "@", "127.")) or host in ("localhost", "::1") for host in hosts)


def is_same_server(one: str, another: str) -> bool:
    """Return whether two addresses of PostgreSQL name one server alike."""
    first, second = ({"port": "5432"} | _postgres_parameters(text) for text in (one, another))
    return all(first.get(name) == second.get(name) for name in ("host", "hostaddr", "port"))


def is_loopback(url: str) -> bool:
    """Return whether what is sent there stays on this machine."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def _check_socket(path: str) -> None:
    if len(os.fsencode(path)) > SOCKET_PATH_BYTES:
        raise ValueError(f"expected a socket whose path has at most {SOCKET_PATH_BYTES} bytes; use a shorter directory")
