"""What the columns of a result are, and data frames in exactly that shape.

Types are few, and each has one representation in pandas in which null is ``pd.NA`` (``None`` for dates) and NaN does
not occur. How a result is stored is said in ``results``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

SqlType = Literal["bigint", "double precision", "text", "date", "boolean"]
Role = Literal["dimension", "measure", "time"]
"""What a column is for: what rows are about, how much of it there is, or when it was."""

_DTYPES: dict[SqlType, Any] = {
    "bigint": "Int64",
    "double precision": "Float64",
    "text": "string",
    "date": "object",
    "boolean": "boolean",
}
KEYS = ("period_last", "period_first", "parameters_key", "ordinal")
"""Names that stored rows have beside the columns: which result they are of, and their place in it."""

CATALOGUES = ("results", "documents")
"""Names of tables that are there beside those of analyses."""

OF_A_SUBSCRIBER = frozenset({"subscriber_code", "device_id"})
"""Names of columns and parameters that name a subscriber, or a device of his."""

# PostgreSQL cuts longer identifiers without a word.
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True)
class Column:
    """One column of a result.

    :ivar type: as PostgreSQL names it.
    :ivar unit: of the values, such as ``hours``; none for names, dates and ranks.
    :ivar key: do the key columns together name the row?
    :ivar of: the columns of ``telemetry.views`` that it is computed from.
    :ivar role: what it is for, from which a picture follows. As type and key suggest, where nothing is said: dates are time,
        other keys, texts and flags are dimensions, and numbers are measures.
    """

    name: str
    type: SqlType
    description: str
    unit: str | None = None
    key: bool = False
    of: tuple[str, ...] = ()
    role: Role = None  # type: ignore[assignment]  # what is suggested

    def __post_init__(self) -> None:
        check_identifier(self.name)
        if self.type not in get_args(SqlType):
            raise TypeError(f"column {self.name} has the type {self.type!r}; there are {', '.join(_DTYPES)}")
        if self.role not in (None, *get_args(Role)):
            raise TypeError(f"column {self.name} has the role {self.role!r}; there are {', '.join(get_args(Role))}")
        if self.role is None:
            object.__setattr__(self, "role", self._suggested_role)

    @property
    def _suggested_role(self) -> Role:
        if self.type == "date":
            return "time"
        return "dimension" if self.key or self.type in ("text", "boolean") else "measure"

    @property
    def is_personal(self) -> bool:
        """Whether its values name subscribers or their devices."""
        return self.name in OF_A_SUBSCRIBER

    @property
    def explanation(self) -> str:
        """The description, and the unit behind it."""
        return self.description if self.unit is None else f"{self.description} [{self.unit}]"


def check_identifier(name: str) -> None:
    """Refuse a name that cannot stand in SQL, in Python and in a URL as it is.

    :raises TypeError: it cannot.
    """
    if not _IDENTIFIER.fullmatch(name):
        raise TypeError(f"{name!r} is not a name of lower-case letters, digits and underscores, at most 63")


def check_names(analysis: str, columns: Sequence[Column]) -> None:
    """Refuse names of an analysis and its columns that a table with the keys of its results cannot have.

    :raises TypeError: they cannot.
    """
    check_identifier(analysis)
    if analysis in CATALOGUES:
        raise TypeError(f"{analysis!r} is the name of the catalogue of stored {analysis}")
    names = [column.name for column in columns]
    if not names or len({*names, *KEYS}) != len(names) + len(KEYS):
        raise TypeError(f"the columns of {analysis} must have different names, none of them of {', '.join(KEYS)}")


def conform(frame: pd.DataFrame, columns: Sequence[Column]) -> pd.DataFrame:
    """Return the same rows with the types of *columns* and a fresh index; NaN becomes null.

    :raises TypeError: it is no frame, or has other columns, or the same in another order.
    :raises ValueError: a value is infinite, or not of its column's type; names the column.
    """
    expected = [column.name for column in columns]
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(f"what was returned is a {type(frame).__name__}, and a frame with the columns {expected} is declared")
    if list(frame.columns) != expected:
        raise TypeError(f"the columns are {list(frame.columns)}, and {expected} are declared")
    conformed = pd.DataFrame({column.name: _conform_column(frame[column.name], column) for column in columns})
    conformed.attrs = frame.attrs
    return conformed


def _conform_column(values: pd.Series[Any], column: Column) -> pd.Series[Any]:
    values = values.reset_index(drop=True)
    if column.type == "date":
        if pd.api.types.is_datetime64_any_dtype(values):
            values = values.dt.date
        days = [None if pd.isna(value) else value for value in values]
        if wrong := next((day for day in days if day is not None and type(day) is not date), None):
            raise ValueError(f"column {column.name} holds a {type(wrong).__name__}, and a date is declared")
        return pd.Series(days, dtype=object)
    if column.type == "text" and (others := [each for each in values.dropna() if not isinstance(each, str)]):
        raise ValueError(f"column {column.name} holds a {type(others[0]).__name__}, and a text is declared")
    try:
        result: pd.Series[Any] = values.astype(_DTYPES[column.type])
    except (TypeError, ValueError):
        # Without the value, which may be of a person.
        raise ValueError(f"column {column.name} holds what is no {column.type}") from None
    if column.type == "double precision" and np.isinf(result.to_numpy(dtype=float, na_value=0.0)).any():
        raise ValueError(f"column {column.name} holds an infinite value")
    return result
