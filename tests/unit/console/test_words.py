"""The message catalogues: complete, with the same places for values, and read as gettext reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from gettext import GNUTranslations
from importlib.resources import files
from io import BytesIO

import pytest
from jinja2 import Environment

from countenance.administration import (
    COMPONENTS,
    PROBE_LIMITS,
    ProvenBy,
    identity_provider,
    passkeys,
    provider_sign_in,
)
from countenance.api.native.problems import KINDS
from countenance.console import audits, casework, ledger, reviewing, videos
from countenance.console.looks import MENU
from countenance.console.mandates import STATES
from countenance.console.trying import REASONS
from countenance.console.words import LANGUAGES, catalogue, parsed, wanted
from countenance.errors import (
    AlreadyExists,
    BadRequest,
    BudgetSpent,
    Conflict,
    CountenanceError,
    Denied,
    Held,
    ImageTooLarge,
    LimitExceeded,
    Misconfigured,
    NoFace,
    NotFound,
    NotRecorded,
    Overloaded,
)

CASEWORK = {
    *casework.STATES.values(),
    *casework.EVIDENCE.values(),
    *casework.USES.values(),
    *casework.CASE_STATES,
    *reviewing.GRADES.values(),
    *reviewing.FINDINGS.values(),
    *(text for each in COMPONENTS for text in (each.name, each.looks_at)),
    *PROBE_LIMITS.values(),
}
AUDIT_STATES = ("running", "done", "failed", "interrupted")
"""As the pages show them: see `state` in what `administration` answers."""
PROGRESS = {*audits.STAGES.values(), *AUDIT_STATES, *audits.EVIDENCE_STATES, ledger.CHECKED, ledger.OVER}
PROGRESS |= {"false matches", "misses", videos.WAITS, videos.LOOKED_THROUGH, *videos.JOB_STATES.values()}
SIGN_IN = {*map(str, ProvenBy), passkeys.LATE, passkeys.UNKNOWN, passkeys.COPIED}
SIGN_IN |= {provider_sign_in.BEGIN_AGAIN, identity_provider.UNREACHABLE, "name, password or code is wrong"}
PLACE = re.compile(r"%\((\w+)\)s")


def messages() -> Iterator[tuple[str, str | tuple[str | None, ...]]]:
    templates = Environment(extensions=["jinja2.ext.i18n"], trim_blocks=True, lstrip_blocks=True, autoescape=True)
    for each in files("countenance.console").joinpath("templates").iterdir():
        for _line, function, message in templates.extract_translations(each.read_text()):  # type: ignore[attr-defined]
            if message is not None:
                yield function, message


@pytest.mark.parametrize("language", [tag for tag in LANGUAGES if tag != "en"])
def test_every_text_of_a_page_is_translated_with_the_same_places_for_values(language: str) -> None:
    words = catalogue(language)
    found = list(messages())
    assert len(found) > 300
    for _function, message in found:
        if isinstance(message, tuple):
            one, many = (str(part) for part in message[:2])
            assert one in words.plurals, one
            for original, made in zip((one, many), words.plurals[one], strict=True):
                assert set(PLACE.findall(original)) == set(PLACE.findall(made)), made
        else:
            assert message in words.messages, message
            assert set(PLACE.findall(message)) == set(PLACE.findall(words.messages[message])), message


@pytest.mark.parametrize("language", [tag for tag in LANGUAGES if tag != "en"])
def test_so_are_the_words_that_pages_are_given(language: str) -> None:
    words = catalogue(language).messages
    shown = (
        BadRequest,
        NotFound,
        AlreadyExists,
        Conflict,
        Denied,
        Held,
        NoFace,
        ImageTooLarge,
        BudgetSpent,
        NotRecorded,
    )
    titles = {KINDS[each].title for each in (*shown, LimitExceeded, Overloaded, Misconfigured, CountenanceError)}
    given = {
        *CASEWORK,
        *PROGRESS,
        *SIGN_IN,
        *STATES,
        *REASONS.values(),
        *(name for _path, name, _role in MENU),
        *titles,
    }
    assert {text for text in given if text not in words} == set()


def test_nothing_is_translated_that_no_page_says() -> None:
    said = {message[0] if isinstance(message, tuple) else message for _function, message in messages()}
    said |= {*CASEWORK, *PROGRESS, *SIGN_IN, *STATES, *REASONS.values(), *(name for _path, name, _role in MENU)}
    said |= {kind.title for kind in KINDS.values()}
    words = catalogue("de")
    assert {*words.messages, *words.plurals} - said == set()


def test_a_catalogue_is_read_as_gettext_reads_it() -> None:
    pofile = pytest.importorskip("babel.messages.pofile")
    mofile = pytest.importorskip("babel.messages.mofile")
    text = files("countenance.console").joinpath("locale", "de.po").read_text()
    compiled = BytesIO()
    mofile.write_mo(compiled, pofile.read_po(BytesIO(text.encode())))
    compiled.seek(0)
    theirs, ours = GNUTranslations(compiled), catalogue("de")
    assert ours.messages
    for message in ours.messages:
        assert ours.gettext(message) == theirs.gettext(message)
    for one in ours.plurals:
        for n in (0, 1, 2):
            assert ours.ngettext(one, one, n) == theirs.ngettext(one, one, n)


def test_strings_go_on_over_lines_and_what_is_missing_is_english() -> None:
    words = parsed('msgid ""\n"a "\n"b\\n"\nmsgstr "c"\n"d"\n\n# a remark\nmsgid "e"\nmsgstr ""\n')
    assert words.gettext("a b\n") == "cd"
    assert words.gettext("e") == "e"
    assert words.ngettext("one", "many", 3) == "many"


@pytest.mark.parametrize(
    ("chosen", "accepts", "language"),
    [
        (None, "", "en"),
        (None, "de", "de"),
        (None, "de-CH, en;q=0.9", "de"),
        (None, "en;q=0.4, de;q=0.5", "de"),
        (None, "fr, it", "en"),
        (None, "de;q=x", "en"),
        ("de", "en", "de"),
        ("fr", "en", "en"),
        ("../x", "de", "de"),
    ],
)
def test_which_language_somebody_wants(chosen: str | None, accepts: str, language: str) -> None:
    assert wanted(chosen, accepts) == language
