"""Who watches, in ``households``, and what there is to watch: channels and titles, all made up. No events, no times.

Everything that many records share is written to JSON once: ``who`` are the fragments that describe a device and its
subscriber, ``what`` those that describe an action on a channel or title. A record is one of each, an id and times.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from telemetry_pipeline.simulator.world.draws import draw, zipf
from telemetry_pipeline.simulator.world.households import Households, members

_CHANNEL_THEMES = (
    "Cine Estelar", "Deportes Total", "Noticias 24", "Novelas Doradas", "Niños al Aire", "Música Viva",
    "Planeta Salvaje", "Cocina México", "Historia Abierta", "Risa Total", "Acción Max", "Series Premium",
    "Lucha y Ring", "Fútbol Norte", "Fútbol Sur", "Béisbol del Golfo", "Ranchera Hits", "Clásicos del Cine",
    "Documental Uno", "Hogar y Estilo", "Mundo Motor", "Zona Anime", "Fe y Vida", "Congreso en Vivo", "Clima Ahora",
    "Viajes sin Fin", "Retro 80", "Terror Nocturno", "Oeste Clásico",
)  # fmt: skip
_CHANNEL_VARIANTS = ("", " HD", " 2", " 2 HD", " Plus", " Norte", " Centro", " Occidente", " +1")
_ODD_CHANNELS = ('Señal "Ñ"', "Cine; Arte\\Ensayo")
_ACTION_KEYS = {
    5: "dvbServiceStart", 6: "dvbServiceStop", 7: "ottStreamStart", 8: "ottStreamStop", 13: "vodStart", 14: "vodStop",
    15: "vodFinish", 16: "catchupStart", 17: "catchupStop", 18: "catchupFinish",
}  # fmt: skip
_TITLES = 200
_SERVICES = 60
# Each device has some channels that it comes back to.
_FAVOURITES = 5
_FAVOURITE_SHARE = 0.5

RENAMED_RANKS = (2, 7)
# So many in a hundred records are the stop of a view, and as many its start.
VIEWS_SHARE = 0.46
_START_VARIANTS = 4
_STOP_VARIANTS = 3
_START_NAME_WEIGHTS = np.array([0.985, 0.01, 0.005])
_STOP_NAME_WEIGHTS = np.array([0.7, 0.1, 0.2])


@dataclass(frozen=True)
class What:
    """JSON fragments of one action on one thing: ``head`` has its fields, ``data`` stands before and after a number.

    :ivar numbered: whether the value of ``data`` contains a number of seconds.
    """

    head: str
    data: tuple[str, str]
    numbered: bool


class Population:
    """Households and channels, in numbers that suit some records in some days; popularity falls as in Zipf's law.

    :ivar what: fragments; the ``draw`` methods give places in it.
    """

    def __init__(self, rng: np.random.Generator, records_count: int, days: int) -> None:
        self.households = Households(rng, records_count * VIEWS_SHARE / days, days)
        self.channels = _channels(rng, int(np.clip(100 + records_count / 2000, 100, 261)))
        self._channel_weights = zipf(len(self.channels))
        self._favourites = draw(rng, self._channel_weights, self.households.devices_count * _FAVOURITES)
        self._unnamed = len(self.channels) - 1
        self.what: list[What] = []
        self._starts = self._append(
            self._start(channel, variant) for channel in self.channels for variant in range(_START_VARIANTS)
        )
        self._stops = self._append(
            self._stop(rank, variant) for rank in range(len(self.channels)) for variant in range(_STOP_VARIANTS)
        )
        self._unknown_stop = self._append([_what(8, {"dataId": None, "dataName": ""}, {"streamName": ""}, "duration")])
        self._titled = {
            action: self._append(_title(action, number) for number in range(_TITLES)) for action in (13, 14, 15, 16, 17, 18)
        }
        self._services = {action: self._append(_service(action, at) for at in range(_SERVICES)) for action in (5, 6)}
        self._unknown = {action: self._append([_what(action, {}, None)]) for action in (9, 10, 19, 20)}

    def draw_channels(self, rng: np.random.Generator, devices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return channels that these devices show, as ranks, from 0 for the most popular."""
        size = len(devices)
        favourites = self._favourites[devices * _FAVOURITES + rng.integers(0, _FAVOURITES, size)]
        return np.where(rng.random(size) < _FAVOURITE_SHARE, favourites, draw(rng, self._channel_weights, size))

    def draw_starts(
        self, rng: np.random.Generator, channels: NDArray[np.int64], renamed: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        """Draw starts of the channels; ``renamed`` says whether each comes after its channel may have been renamed."""
        missing = draw(rng, _START_NAME_WEIGHTS, len(channels))
        missing[channels == self._unnamed] = 1
        variants = np.where(missing > 0, missing + 1, (renamed & np.isin(channels, RENAMED_RANKS)).astype(np.int64))
        return self._starts + channels * _START_VARIANTS + variants

    def draw_stops(self, rng: np.random.Generator, channels: NDArray[np.int64]) -> NDArray[np.int64]:
        """Draw stops of the channels, mostly without a name, some with a stale one, a few without even the channel's id."""
        variants = draw(rng, _STOP_NAME_WEIGHTS, len(channels))
        variants[channels == self._unnamed] = 0
        stops = self._stops + channels * _STOP_VARIANTS + variants
        return np.where(rng.random(len(channels)) < 0.001, self._unknown_stop, stops)

    def draw_other(self, rng: np.random.Generator, action: int, size: int) -> NDArray[np.int64]:
        """Return records of an action other than 7 and 8."""
        if action in self._titled:
            return self._titled[action] + draw(rng, zipf(_TITLES), size)
        if action in self._services:
            return self._services[action] + draw(rng, zipf(_SERVICES), size)
        return np.full(size, self._unknown[action])

    def _append(self, fragments: Any) -> int:
        first = len(self.what)
        self.what.extend(fragments)
        return first

    def _start(self, channel: Channel, variant: int) -> What:
        name = (channel.name, channel.later_name, "", None)[variant]
        return _what(7, {"dataId": channel.id, "dataName": name}, {"streamId": channel.id, "streamName": name})

    def _stop(self, rank: int, variant: int) -> What:
        channel = self.channels[rank]
        # A box that did not notice the channel change still reports what it showed before.
        stale = channel.name if rank in RENAMED_RANKS else self.channels[rank - 1].name
        name = ("", None, stale)[variant]
        data = {"streamId": channel.id, "streamName": name}
        return _what(8, {"dataId": channel.id, "dataName": name}, data, "duration")


@dataclass(frozen=True)
class Channel:
    """A channel with its DVB-independent id; ``later_name`` differs from ``name`` if it is renamed in the history."""

    id: int
    name: str
    later_name: str


def _channels(rng: np.random.Generator, size: int) -> list[Channel]:
    names = [theme + variant for variant in _CHANNEL_VARIANTS for theme in _CHANNEL_THEMES]
    # The plain names are the popular ones; the odd ones are popular enough to be in every sample.
    names = [*rng.permutation(names[: size - len(_ODD_CHANNELS)]).tolist()]
    names[5:5] = _ODD_CHANNELS
    ids = (1000 + rng.permutation(size * 3)[:size]).tolist()
    return [
        Channel(identity, name, f"{name} Nueva Era" if rank in RENAMED_RANKS else name)
        for rank, (identity, name) in enumerate(zip(ids, names, strict=True))
    ]


def _title(action: int, number: int) -> What:
    service = "vod" if action < 16 else "catchup"
    identity, name = (
        (50_000 if service == "vod" else 70_000) + number,
        f"{'Película' if service == 'vod' else 'Programa'} {number}",
    )
    return _what(
        action, {"dataId": identity, "dataName": name}, {f"{service}Id": identity, f"{service}Name": name}, "timeIndex"
    )


def _service(action: int, at: int) -> What:
    triplet = {"dataNetId": 100, "dataTsId": 1 + at // 12, "dataSeviceId": 500 + at}
    return _what(action, {"dataName": f"Servicio {at}", **triplet}, None)


def _what(action: int, fields: dict[str, Any], data: dict[str, Any] | None, number: str | None = None) -> What:
    """Prepare the JSON of records alike; ``number`` names the last member of ``data``, whose value each has of its own."""
    empty = ("dataId", "dataName", "dataNetId", "dataTsId", "dataSeviceId", "dataPrice", "reaonId", "reasonKey", "date")
    head = members({"actionId": action, "actionKey": _ACTION_KEYS.get(action), **dict.fromkeys(empty), **fields})
    if data is None:
        return What(head, ("null", ""), False)
    mark = "\x00"
    inner = json.dumps(data if number is None else {**data, number: mark}, separators=(",", ":"))
    before, _, after = json.dumps(inner).partition(json.dumps(json.dumps(mark))[1:-1])
    return What(head, (before, after), number is not None)
