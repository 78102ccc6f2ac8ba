"""The languages that pages are in, and texts that a catalogue has in each."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Language(StrEnum):
    """One of them, as the setting LANGUAGE names it."""

    ES = "es"
    EN = "en"


class Texts:
    """A catalogue in one language: ``texts.channels``.

    :raises AttributeError: it has no such text.
    """

    def __init__(self, both: Mapping[str, tuple[str, str]], language: Language) -> None:
        place = list(Language).index(language)
        self._texts = {name: texts[place] for name, texts in both.items()}

    def __getitem__(self, name: str) -> str:
        """Return a text whose name is made up.

        :raises KeyError: there is none of that name.
        """
        return self._texts[name]

    def __getattr__(self, name: str) -> str:
        try:
            return self.__dict__["_texts"][name]  # type: ignore[no-any-return]
        except KeyError:
            raise AttributeError(f"the catalogue has no text {name!r}") from None
