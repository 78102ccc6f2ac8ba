"""The form of a new run: first what, then its days, parameters and priority."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.launches import JOBS, Asset, Job, all_assets, find
from telemetry_pipeline.steering.launch import Launch, plan
from telemetry_pipeline.steering.record import Record
from telemetry_pipeline.tags import Priority
from telemetry_pipeline.web.frame.days import read_days
from telemetry_pipeline.web.operating.controls import Controls
from telemetry_pipeline.web.operating.show import show
from telemetry_pipeline.words.analyses import about
from telemetry_pipeline.words.language import Language, Texts
from telemetry_pipeline.words.upkeep.parameters import find_parameter
from telemetry_pipeline.words.upkeep.purposes import PURPOSES

_PARAMETER = "set."
_MOST_LINES = 100


@dataclass(frozen=True)
class Field:
    """A parameter of an asset.

    :ivar default: as it is written; None: there is none.
    :ivar label: what people call it, and what it *means* to them; empty: the catalogue does not know it.
    """

    name: str
    description: str
    default: str | None
    label: str = ""
    means: str = ""


class Launching:
    """The form, and what it says."""

    def __init__(self, controls: Controls) -> None:
        self._controls = controls

    async def ask(self, request: Request, _: Record) -> Response:
        """Return the form, as far as the address fills it in."""
        return self.form(request, dict(request.query_params))

    def form(self, request: Request, given: Mapping[str, str], refusal: RequestRefused | None = None) -> Response:
        """Return the form with what was given; with a refusal it says why that cannot be."""
        target: Job | Asset | None = None
        if given.get("target"):
            try:
                target = find(given["target"])
            except RequestRefused as err:
                refusal = refusal or err
        return show(
            request,
            self._controls.voice,
            "new.html",
            status=200 if refusal is None else 400,
            target=target,
            given=given,
            refusal=refusal,
            fields=fields_of(target, self._controls.voice.language) if isinstance(target, Asset) else None,
            jobs=JOBS.values(),
            assets=all_assets().values(),
            allowed=self._controls.allowed,
            priorities=list(Priority),
            title_of=self._title,
            purpose_of=self._purpose,
        )

    def _title(self, name: str) -> str:
        """Return the title of an analysis in the language of the page; empty: it has none but its name."""
        known = about(name) if self._controls.voice.language is Language.ES else None
        return known.title if known else ""

    def _purpose(self, target: Job | Asset) -> str:
        """Return what something is for, in the language of the page where the catalogue has it."""
        if target.name in PURPOSES:
            return Texts(PURPOSES, self._controls.voice.language)[target.name]
        known = about(target.name) if self._controls.voice.language is Language.ES else None
        return known.question if known else target.purpose

    def read(self, form: Mapping[str, str]) -> Launch:
        """Return what a form says.

        :raises RequestRefused: it cannot be; says what is allowed.
        """
        target = find(form.get("target", ""))
        first, last = (form.get(name, "").strip() for name in ("from", "to"))
        period = read_days(first, last, self._controls.allowed, self._controls.voice)
        lines = [line.strip() for line in form.get("assignments", "").splitlines() if line.strip()]
        if len(lines) > _MOST_LINES:
            raise RequestRefused(f"{len(lines)} parameters are too many", f"{_MOST_LINES} at most")
        for name, value in form.items():
            if name.startswith(_PARAMETER) and value.strip():
                lines.append(f"{target.name}.{name.removeprefix(_PARAMETER)}={value.strip()}")
        priority = form.get("priority") or Priority.NORMAL
        if priority not in list(Priority):
            raise RequestRefused(f"there is no priority {priority!r}", f"priorities: {', '.join(Priority)}")
        return plan(target, period, lines, self._controls.allowed, Priority(priority))


def fields_of(asset: Asset, language: Language) -> list[Field]:
    """Return the parameters of an asset."""
    found = []
    for name, field in asset.parameters.model_fields.items():
        default = None if field.is_required() else json.dumps(field.default, default=str)
        said = find_parameter(asset.name, name, language)
        label, means = (said.label, said.means) if said else ("", None)
        found.append(Field(name, field.description or "", default, label, means or ""))
    return found
