"""Page tokens: opaque, signed, and good for one operation on one collection only.

A NextToken has at most 255 characters, and so may a cursor, which can be a collection id. So cursor and MAC together
form one big number, written in base 91: 255 id characters are 1,542 bits, the MAC 112 more, and 255 of the
token's characters carry 1,659.
"""

from __future__ import annotations

import hashlib
import hmac

from countenance.errors import BadPageToken

MAX_TOKEN = 255
"""Characters in a NextToken, from the service model."""

_ID = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-:"
_TOKEN = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in "\"'\\")
_MAC_BYTES = 14


class Pages:
    """Makes and reads page tokens.

    key: secret of this installation, 32 bytes; tokens of another key are foreign.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def token(self, operation: str, gallery_id: str, cursor: str) -> str:
        """The token that continues `operation` on `gallery_id` ("" where there is none) after `cursor`."""
        number = int.from_bytes(self._mac(operation, gallery_id, cursor))
        return _written(_read(cursor, _ID) << 8 * _MAC_BYTES | number, _TOKEN)

    def cursor(self, operation: str, gallery_id: str, token: str) -> str:
        """The cursor in `token`; `BadPageToken` if it was not made here for this operation and collection."""
        try:
            number = _read(token, _TOKEN)
        except ValueError as error:
            raise BadPageToken("NextToken was not made by this server") from error
        cursor = _written(number >> 8 * _MAC_BYTES, _ID)
        mac = (number % (1 << 8 * _MAC_BYTES)).to_bytes(_MAC_BYTES)
        if not hmac.compare_digest(mac, self._mac(operation, gallery_id, cursor)):
            raise BadPageToken("NextToken was not made by this server for this operation and collection")
        return cursor

    def _mac(self, operation: str, gallery_id: str, cursor: str) -> bytes:
        text = "\0".join(("countenance page 1", operation, gallery_id, cursor))
        return hmac.new(self._key, text.encode(), hashlib.sha256).digest()[:_MAC_BYTES]


def _read(text: str, alphabet: str) -> int:
    """`text` in bijective numeration (digits 1..k): one text, one number, leading characters included."""
    number = 0
    for character in text:
        number = number * len(alphabet) + alphabet.index(character) + 1  # ValueError: not of this alphabet
    return number


def _written(number: int, alphabet: str) -> str:
    """The text whose `_read` is `number`."""
    characters: list[str] = []
    while number:
        number, digit = divmod(number - 1, len(alphabet))
        characters.append(alphabet[digit])
    return "".join(reversed(characters))
