"""Who asks, as every room of the door knows them: ``request.user``, and in ``request.auth`` the scopes that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from starlette.authentication import AuthCredentials, BaseUser

from telemetry_pipeline.warehouse.access.names import OWNER
from telemetry_pipeline.warehouse.access.role import Role

By = Literal["session", "token"]


@dataclass(frozen=True)
class Visitor(BaseUser):
    """Somebody who is logged in, or a program with a token.

    :ivar name: of the user or the token.
    :ivar personal: whether columns that name subscribers are shown.
    :ivar by: what they showed at the door.
    """

    name: str
    role: Role
    personal: bool
    by: By

    @property
    def is_authenticated(self) -> bool:
        """Always."""
        return True

    @property
    def display_name(self) -> str:
        """The name."""
        return self.name

    def called(self, owner: str) -> str:
        """Return the name; of the owner of a local stack, who has none, what the page says."""
        return owner if self.name == OWNER else self.name

    @property
    def scopes(self) -> AuthCredentials:
        """What they may: ``viewer`` everybody, ``operator``, and ``personal`` with operators among it."""
        operator = ["operator"] if self.role is Role.OPERATOR else []
        return AuthCredentials(["viewer", *operator, *(["personal"] if self.personal or operator else [])])
