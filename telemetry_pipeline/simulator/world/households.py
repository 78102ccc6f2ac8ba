"""Who watches: subscribers who come and go, their devices, and on which days somebody is there. All made up.

``who`` are JSON fragments, written once, that describe a device and its subscriber. No channels, no times of day.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from telemetry_pipeline.simulator.records.columns import Integers, Mask
from telemetry_pipeline.simulator.world.draws import Urns, draw

_PROVIDERS = (
    "Red del Centro",
    "Cable de Occidente",
    "Fibra Norte",
    "Telecomunicaciones del Golfo",
    "Altiplano Internet",
    "Comercializadora de Frecuencias y Servicios Integrales de Telecomunicaciones del Sureste Mexicano, Sociedad "
    "Anónima de Capital Variable, en alianza con la Cooperativa Regional de Conectividad Rural de los Altos, las "
    "Cañadas y la Costa, y con la Unión de Operadores Independientes de Televisión por Cable e Internet de Banda Ancha "
    "de los Estados de Chiapas, Oaxaca, Tabasco, Campeche, Yucatán y Quintana Roo (antes Servicios Unificados de Señal "
    "Restringida)",
)
_PROVIDER_WEIGHTS = np.array([0.34, 0.24, 0.2, 0.12, 0.07, 0.03])
_COUNTRIES = ("MX", "US", "GT")
_COUNTRY_WEIGHTS = np.array([0.95, 0.04, 0.01])

_NO_PERSON = {"subscriberCode": None, "smartcardId": None, "deviceId": None, "ip": None}
# Share of records, and what differs from the full description of the device.
_WHO_VARIANTS: tuple[tuple[float, dict[str, Any]], ...] = (
    (0.620, {}),
    (0.315, {"anonymized": None, "manual": None}),
    (0.015, {"subscriberCode": None, "smartcardId": None}),
    (0.012, {"deviceId": None}),
    (0.030, {"whoisCountry": None, "whoisIsp": None}),
    (0.006, {"anonymized": True, **_NO_PERSON}),
    (0.002, {"anonymized": True}),
)
_WHO_SHARES = np.array([share for share, _ in _WHO_VARIANTS])

# With views of an hour on average, this makes about four hours on a day on which somebody watches at all.
_VIEWS_A_DAY = 2.9
_RESIDENTS = (60, 20_000)
# As many join as leave: about 6 % a month. Some who stay come to watch much less.
_STAY_DAYS = 500
_SLOWING_DAYS = 800
_SLOWED = 0.25
_DEVICE_CHANCE = 0.45
_LEFT_ON_SHARE = 0.12
_AHEAD_SHARE = 0.015
# Minutes to hours.
_AHEAD_BOUNDS = (120, 43_200)
_WEEKS_AFTER = 4


class Households:
    """Subscribers and devices, in numbers that suit a number of views a day.

    A device is a number below ``devices_count``; days are counted from the history's first one, which is 0, and may go
    on beyond its last one.

    :ivar who: fragments; :meth:`draw_who` gives places in it.
    :ivar left_on: by device, whether it is one that is left on now and then.
    :ivar ahead: by device, how many seconds its clock is ahead.
    """

    def __init__(self, rng: np.random.Generator, views_a_day: float, days: int) -> None:
        self._known_days = days + 1 + 7 * _WEEKS_AFTER
        residents = int(np.clip(views_a_day / _VIEWS_A_DAY, *_RESIDENTS))
        presence = _presence(rng, residents, self._known_days)
        self._subscribers = presence.shape[1]
        self._by_day = Urns(presence.ravel(), np.repeat(np.arange(self._known_days), self._subscribers))
        owners = np.repeat(np.arange(self._subscribers), rng.geometric(_DEVICE_CHANCE, self._subscribers))
        self._by_subscriber = Urns(rng.lognormal(0, 1, len(owners)), owners)
        self.devices_count = len(owners)
        self.left_on: Mask = rng.random(len(owners)) < _LEFT_ON_SHARE
        ahead = np.clip(rng.lognormal(np.log(1_800), 1.2, len(owners)), *_AHEAD_BOUNDS).astype(np.int64)
        self.ahead: Integers = np.where(rng.random(len(owners)) < _AHEAD_SHARE, ahead, 0)
        self.who = _described(rng, owners)

    def draw_devices(self, rng: np.random.Generator, days: Integers) -> Integers:
        """Return a device on each of these days: of somebody who is there, the busy ones more often."""
        # After the weeks that are known, the last ones come again.
        weeks = 7 * _WEEKS_AFTER
        beyond = days - self._known_days
        known = np.where(beyond >= 0, self._known_days - weeks + beyond % weeks, np.maximum(days, 0))
        subscribers = self._by_day.draw(rng, known) % self._subscribers
        return self._by_subscriber.draw(rng, subscribers)

    def draw_who(self, rng: np.random.Generator, devices: Integers) -> Integers:
        """Return a description of each device: mostly full, sometimes with nulls or anonymised."""
        return devices * len(_WHO_VARIANTS) + draw(rng, _WHO_SHARES, len(devices))


def _presence(rng: np.random.Generator, residents: int, days: int) -> NDArray[np.float64]:
    """Draw, by day and subscriber, how much of what is watched on this day this one may watch."""
    joining = rng.random(round(residents * days / _STAY_DAYS)) * days
    joined = np.concatenate([np.zeros(residents), joining]).astype(np.int64)
    size = len(joined)
    left = joined + 1 + rng.exponential(_STAY_DAYS, size)
    slowed = joined + rng.exponential(_SLOWING_DAYS, size)
    day = np.arange(days)[:, np.newaxis]
    there = (day >= joined) & (day < left) & (rng.random((days, size)) < rng.beta(6, 2, size))
    return np.asarray(there * rng.lognormal(0, 0.45, size) * np.where(day < slowed, 1, _SLOWED))


def _described(rng: np.random.Generator, owners: Integers) -> list[str]:
    """Return the fragments of all variants of the devices."""
    countries = draw(rng, _COUNTRY_WEIGHTS, len(owners)).tolist()
    providers = draw(rng, _PROVIDER_WEIGHTS, len(owners)).tolist()
    numbers = np.sort(rng.choice(len(owners) * 10, len(owners), replace=False)).tolist()
    who = []
    for device, owner in enumerate(owners.tolist()):
        full = {
            "subscriberCode": f"SUB{10_000 + owner * 7}",
            "smartcardId": f"{8_000_000_000 + owner * 13}" if owner % 3 else None,
            "deviceId": 200_000 + numbers[device],
            "profileId": 1 + device % 4,
            # 198.18.0.0/15 is set aside for tests: nobody's address.
            "ip": f"198.{18 + device // 65_536 % 2}.{device // 256 % 256}.{device % 256}",
            "ipId": 900_000 + device,
            "whoisCountry": _COUNTRIES[countries[device]],
            "whoisIsp": _PROVIDERS[providers[device]],
            "anonymized": False,
            "manual": False,
        }
        who += [members({**full, **changes}) for _, changes in _WHO_VARIANTS]
    return who


def members(fields: dict[str, Any]) -> str:
    """Return an object's members without its braces: ``"a":1,"b":2``."""
    return json.dumps(fields, separators=(",", ":"))[1:-1]
