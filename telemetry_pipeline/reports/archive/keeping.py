"""Files of reports, kept in a directory or in S3: put there whole, or not at all."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from telemetry_pipeline.errors import ArchiveError, ArchiveUnavailable, RequestRefused
from telemetry_pipeline.reports.archive.names import is_ours
from telemetry_pipeline.settings.loading import StackSettings

if TYPE_CHECKING:
    from obstore.store import ObjectStore, S3Config

_CONNECT, _ANSWER, _ALL = timedelta(seconds=5), timedelta(seconds=60), timedelta(seconds=30)


class Archive:
    """What is below REPORTS_URL.

    :param where: what it is called in errors.

    Every method raises ``ArchiveUnavailable`` where the store does not answer, and ``ArchiveError`` where it refuses.
    """

    def __init__(self, store: ObjectStore, where: str) -> None:
        self._store = store
        self._where = where

    def put(self, path: str, body: bytes) -> None:
        """Keep a file; readers see all of it or nothing."""
        with self._told(path):
            try:
                self._store.put(path, body, mode="overwrite")
            except FileNotFoundError as err:
                raise ArchiveError(f"there is no {self._where}", "make it, or let REPORTS_URL name another") from err

    def read(self, path: str) -> bytes:
        """Return a file.

        :raises RequestRefused: it is not kept (any more).
        """
        with self._told(path):
            return bytes(self._store.get(path).bytes())

    def delete(self, paths: Collection[str]) -> None:
        """Delete files; those that are not there are no error."""
        for path in paths:
            with self._told(path):
                try:
                    self._store.delete(path)
                except FileNotFoundError:
                    continue

    def find_ours(self, before: datetime) -> list[str]:
        """Return the paths of files of reports that were put before a moment."""
        with self._told(""):
            listed = [each for some in self._store.list() for each in some]
        return [each["path"] for each in listed if each["last_modified"] < before and is_ours(each["path"])]

    @contextmanager
    def _told(self, path: str) -> Iterator[None]:
        from obstore import exceptions  # noqa: PLC0415 - who keeps nothing does not pay for it

        try:
            yield
        except FileNotFoundError:
            raise RequestRefused(f"{path} is not kept in {self._where} (any more)", "make the report again") from None
        except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError, PermissionError) as err:
            advice = "see that REPORTS_URL may be written, and AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, where it is S3"
            raise ArchiveError(f"{self._where} refuses: {_short(err)}", advice) from err
        except (exceptions.BaseError, OSError) as err:
            advice = "see that what REPORTS_URL names is there, and has space"
            raise ArchiveUnavailable(f"{self._where} does not work: {_short(err)}", advice) from err


def open_archive(settings: StackSettings) -> Archive:
    """Return what REPORTS_URL names; a directory is made, for its owner alone.

    :raises ArchiveError: it cannot be made.
    """
    from obstore.store import LocalStore, S3Store  # noqa: PLC0415 - who keeps nothing does not pay for it

    directory = settings.reports_directory(settings.home)
    if directory is not None:
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as err:
            raise ArchiveError(f"{directory} cannot be made: {err.strerror}", "let REPORTS_URL name another directory") from err
        return Archive(LocalStore(directory), str(directory))
    bucket, _, prefix = settings.reports_url.removeprefix("s3://").partition("/")
    secret = settings.aws_secret_access_key.get_secret_value()
    config: S3Config = {"region": settings.aws_region}
    if settings.aws_access_key_id:
        config["access_key_id"], config["secret_access_key"] = settings.aws_access_key_id, secret
    else:
        config["skip_signature"] = True
    if settings.aws_endpoint_url:
        config["endpoint"] = settings.aws_endpoint_url
    return Archive(
        S3Store(
            bucket,
            prefix=prefix or None,
            config=config,
            client_options={"connect_timeout": _CONNECT, "timeout": _ANSWER, "allow_http": True},
            retry_config={"max_retries": 3, "retry_timeout": _ALL},
        ),
        settings.reports_url,
    )


def _short(err: Exception) -> str:
    """Return the first line of what it says, without traces of the library's own."""
    return str(err).strip().splitlines()[0][:300] if str(err).strip() else type(err).__name__
