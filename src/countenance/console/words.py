"""The languages of the console: message catalogues (gettext .po files of `locale`), and which one a browser wants."""

from __future__ import annotations

import ast
from functools import cache
from gettext import NullTranslations
from importlib.resources import files

LANGUAGES = {"en": "English", "de": "Deutsch"}
"""Language tag -> its own name. English needs no catalogue: the messages are written in it."""


def _(text: str) -> str:
    """Marks a text for translation; the page translates it."""
    return text


class Catalogue(NullTranslations):
    """Messages by their English text. plurals: English singular -> (for one, for any other number).

    What is not translated is shown in English.
    """

    def __init__(self, messages: dict[str, str], plurals: dict[str, tuple[str, str]]) -> None:
        super().__init__()
        self.messages = messages
        self.plurals = plurals

    def gettext(self, message: str) -> str:
        """The message in this language."""
        return self.messages.get(message) or message

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """The message for `n` things. All languages here have one form for one, and one for the rest."""
        return self.plurals.get(msgid1, (msgid1, msgid2))[0 if n == 1 else 1]


@cache
def catalogue(language: str) -> Catalogue:
    """The catalogue of one of `LANGUAGES`."""
    if language == "en":
        return Catalogue({}, {})
    return parsed(files("countenance.console").joinpath("locale", f"{language}.po").read_text(encoding="utf-8"))


def parsed(text: str) -> Catalogue:
    """A .po file: blocks of `msgid "…"`, `msgid_plural "…"`, `msgstr "…"` and `msgstr[n] "…"`, strings continued."""
    messages: dict[str, str] = {}
    plurals: dict[str, tuple[str, str]] = {}
    for block in text.replace("\r\n", "\n").split("\n\n"):
        fields: dict[str, str] = {}
        name = ""
        for line in block.splitlines():
            if line.startswith("#") or not line.strip():
                continue
            if not line.startswith('"'):
                name, _, line = line.partition(" ")
            fields[name] = fields.get(name, "") + ast.literal_eval(line.strip())
        if "msgstr[0]" in fields:
            plurals[fields["msgid"]] = (fields["msgstr[0]"], fields["msgstr[1]"])
        elif fields.get("msgid") and fields.get("msgstr"):
            messages[fields["msgid"]] = fields["msgstr"]
    return Catalogue(messages, plurals)


def wanted(chosen: str | None, accepts: str) -> str:
    """The language that somebody chose, else the first of an Accept-Language header that there is, else English."""
    if chosen in LANGUAGES:
        return chosen
    ranked: list[tuple[float, str]] = []
    for part in accepts[:500].split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            ranked.append((-float(weight or 1), tag.partition("-")[0].lower()))
        except ValueError:
            continue
    return next((tag for _, tag in sorted(ranked, key=lambda each: each[0]) if tag in LANGUAGES), "en")
