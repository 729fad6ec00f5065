"""External ids from file names: different names give different ids, and an id gives back its name."""

from __future__ import annotations

import hashlib
import re
import unicodedata

from countenance.errors import BadRequest

_LONGEST = 255  # letters of an ExternalImageId
_PLAIN = re.compile(r"[^a-zA-Z0-9_.\-]")
_DIGEST = 32  # hex digits at the end of a shortened id
EXTERNAL_ID = re.compile(r"[a-zA-Z0-9_.\-:]{1,255}")
_USER_ID = re.compile(r"[a-zA-Z0-9_.\-:]{1,128}")


def external_id(name: str) -> str:
    """`name` in the letters of an ExternalImageId: percent-encoding with a colon in the place of the percent sign.

    Letters a-z, A-Z, digits and `_ . -` stay. Every other letter becomes the bytes of its UTF-8 form, `:C3:A9` for é.
    `urllib.parse.unquote(id.replace(":", "%"))` gives the name back. The name is put into Unicode's normal form C
    first, so that one name has one id whichever computer wrote it. An id over 255 letters is cut, and ends with the
    sha256 of the name.
    """
    normal = unicodedata.normalize("NFC", name)
    encoded = _PLAIN.sub(lambda run: "".join(f":{byte:02X}" for byte in _bytes(run[0])), normal)
    if len(encoded) <= _LONGEST:
        return encoded
    digest = hashlib.sha256(_bytes(normal)).hexdigest()[:_DIGEST]
    return f"{encoded[: _LONGEST - _DIGEST - 1]}-{digest}"


def checked_id(text: str, where: str) -> str:
    """`text` if it is a valid ExternalImageId; else `BadRequest`, which names `where` and says what is valid."""
    if EXTERNAL_ID.fullmatch(text):
        return text
    raise BadRequest(f"{where}: an id is 1 to 255 letters a-z, A-Z, 0-9 or one of _ . - : (got {len(text)} letters)")


def checked_user(text: str, where: str) -> str:
    """`text` if the dialects can name a user so; else `BadRequest`, which names `where` and says what is valid."""
    if _USER_ID.fullmatch(text):
        return text
    raise BadRequest(f"{where}: a user is 1 to 128 letters a-z, A-Z, 0-9 or one of _ . - : (got {text[:128]!r})")


def printed(name: str) -> str:
    """`name` on one line of a terminal: what cannot be printed is written as `\\n` or `\\x1b`, stray bytes so too."""
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in name)


def _escaped(letter: str) -> str:
    if "\udc80" <= letter <= "\udcff":  # a byte that is no UTF-8
        return f"\\x{ord(letter) - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode("ascii")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")  # file names that are not UTF-8 keep their bytes
