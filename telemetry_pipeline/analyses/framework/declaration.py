"""What an analysis is: a function under ``@analysis``, with the model of its parameters beside it.

How results are stored is said in ``results``, how they look in ``reports``, and how an analysis becomes an asset in
``orchestration``.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal, TypeVar

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from telemetry_pipeline.analyses.framework.columns import OF_A_SUBSCRIBER, Column, check_names, conform
from telemetry_pipeline.analyses.framework.marks import Base, marking
from telemetry_pipeline.analyses.framework.views import Views
from telemetry_pipeline.days import Period
from telemetry_pipeline.errors import RequestRefused

Theme = Literal["general", "subscribers", "audience", "period"]
Covered = Literal["all", "channels"]


class Parameters(BaseModel):
    """Base of every analysis's parameters: what is not declared is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PeriodParameters(Parameters):
    """What every period analysis takes: nothing, for its period is the range of the run."""


class GeneralParameters(Parameters):
    """What every general analysis takes."""

    window_days: int | None = Field(
        default=30,
        ge=1,
        le=36_500,
        description="days to look back, the partition's own day included; null for all history",
    )


P = TypeVar("P", bound=Parameters)
Function = Callable[[Views, P], pd.DataFrame]


def parsed(name: str, parameters: type[P], values: Mapping[str, Any]) -> P:
    """Return the parameters that *values* give, defaults filled in.

    :param name: of what takes them.
    :raises RequestRefused: naming every value that is unknown or impossible.
    """
    try:
        return parameters.model_validate(dict(values))
    except ValidationError as err:
        problems = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in err.errors())
        raise RequestRefused(f"{name} cannot run with these parameters: {problems}") from None


@dataclass(frozen=True)
class Analysis:
    """One registered analysis.

    :ivar name: of the function, of its asset and of its table in the schema ``analysis``.
    :ivar description: the function's docstring; its first line is the question that the analysis answers.
    :ivar parameters: model of the parameters; all have defaults or the analysis cannot run unattended.
    :ivar theme: the room that it stands in. ``period`` covers exactly the range of the run; the others look back from each
        partition's day.
    :ivar compute: the function itself; what it returns has exactly the declared columns and types.
    :ivar compares: does it read as many days before its period, too?
    :ivar looks_ahead: does it measure by minute, and so read views that ended after its period?
    :ivar covers: which views its rows count, each in one row: all, or those that have a channel; None: neither. What covers
        the same of the same days has the same totals of views and watch hours, which is checked.
    """

    name: str
    theme: Theme
    description: str
    columns: tuple[Column, ...]
    parameters: type[Parameters]
    compute: Callable[[Views, Any], pd.DataFrame]
    compares: bool = False
    looks_ahead: bool = False
    covers: Covered | None = None

    @property
    def question(self) -> str:
        """The first line of the description."""
        return self.description.splitlines()[0]

    @property
    def is_of_period(self) -> bool:
        """Whether it is of exactly the days of a run."""
        return self.theme == "period"

    @property
    def runs_unattended(self) -> bool:
        """Whether every parameter has a default."""
        return not any(field.is_required() for field in self.parameters.model_fields.values())

    @property
    def is_of_subscribers(self) -> bool:
        """Whether it says nothing but what single subscribers did: each row is of one, or all are of one that is asked for."""
        of_rows = any(column.is_personal and column.key for column in self.columns)
        return of_rows or not OF_A_SUBSCRIBER.isdisjoint(self.parameters.model_fields)

    def parse(self, values: Mapping[str, Any]) -> Parameters:
        """Return the parameters that *values* give, defaults filled in.

        :raises RequestRefused: naming every value that is unknown or impossible.
        """
        return parsed(self.name, self.parameters, values)

    def window(self, partition: date, parameters: Parameters) -> Period:
        """Return the days that the result of one partition is computed from."""
        if not isinstance(parameters, GeneralParameters):
            return Period(partition, partition)
        if parameters.window_days is None or parameters.window_days > (partition - date.min).days:
            return Period(date.min, partition)
        return Period(partition - timedelta(days=parameters.window_days - 1), partition)

    def asked(self, first: date, last: date, parameters: Parameters) -> Period:
        """Return the period that a result is of which is asked for by some days: exactly them, or the window that ends with the
        last.

        :raises RequestRefused: the analysis looks back from a day, and there are several.
        """
        if self.is_of_period:
            return Period(first, last)
        if first != last:
            raise RequestRefused(
                f"{self.name} looks back from a day",
                f"ask for one day, {last}, with window_days={(last - first).days + 1} for {first} to {last}",
            )
        return self.window(last, parameters)

    def reads(self, period: Period) -> Period:
        """Return the days whose views decide what the result of *period* is."""
        return Period.around([period.before(), period]) if self.compares else period

    def windows(self, partitions: Period, parameters: Parameters) -> list[Period]:
        """Return the periods that a run over *partitions* computes: one for each day, or the range itself."""
        if self.is_of_period:
            return [partitions]
        return [self.window(day, parameters) for day in partitions.days()]


declared: dict[str, Analysis] = {}
"""Those whose modules were imported, by name; ``registry`` imports all."""


def analysis(
    *,
    columns: tuple[Column, ...],
    parameters: type[P],
    theme: Theme = "general",
    compares: bool = False,
    looks_ahead: bool = False,
    covers: Covered | None = None,
    base: Base = None,
) -> Callable[[Function[P]], Function[P]]:
    """Register the decorated function as an analysis of its own name; its docstring begins with the question.

    The function may return its columns in any type that holds their values; callers get those that are declared, and the
    marks behind them. What the other arguments say is said of :class:`Analysis`.

    :param base: of how many subscribers a row is; see ``marks``.
    :raises TypeError: the declaration contradicts itself, or the name is taken.
    """
    parent = PeriodParameters if theme == "period" else GeneralParameters
    if not issubclass(parameters, parent):
        raise TypeError(f"parameters of a {theme} analysis derive from {parent.__name__}; {parameters.__name__} does not")
    marks, mark = marking(columns, base)
    marked = (*columns, *marks)

    def register(function: Function[P]) -> Function[P]:
        name = function.__name__
        description = inspect.getdoc(function)
        if not description:
            raise TypeError(f"{name} has no docstring that says which question it answers")
        if name in declared:
            raise TypeError(f"there are two analyses of the name {name}")

        @functools.wraps(function)
        def compute(views: Views, values: P) -> pd.DataFrame:
            return conform(mark(views, values, function(views, values)), marked)

        check_names(name, marked)
        declared[name] = Analysis(name, theme, description, marked, parameters, compute, compares, looks_ahead, covers)
        return compute

    return register
