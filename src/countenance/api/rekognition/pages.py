"""Page tokens: opaque, signed, and good for one operation on one collection only.

Programs put tokens into URLs, so they consist of the 66 characters that need no escape there. A NextToken has at most
255 characters, and a cursor, which can be a collection id, may be as long. So cursor and MAC together form one large
number, written in base 66: 255 characters hold 1,541 bits; a cursor of 236 characters takes 1,427, the MAC 112. A
longer collection id leaves room for only 5 bits of MAC. That is enough: somebody who guesses such a token merely lists
collections that they may list anyway, starting elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac

from countenance.errors import BadPageToken

MAX_TOKEN = 255
"""Characters in a NextToken, from the service model."""

_COLLECTION = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"
_CURSOR = _COLLECTION + ":"
_TOKEN = _COLLECTION + "~"
LONG = 236
"""The longest cursor, in characters, that fits with a whole MAC."""
_MAC_BITS = 112
_SHORT_MAC_BITS = 5


class Pages:
    """Makes and reads page tokens.

    key: secret of this installation, 32 bytes; tokens of another key are foreign.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def token(self, operation: str, gallery_id: str, cursor: str) -> str:
        """The token that continues `operation` on `gallery_id` ("" where there is none) after `cursor`.

        cursor: letters, digits and _.-: only; at most 236 characters on a gallery, 255 (without :) where there is none.
        """
        if len(cursor) > LONG and not gallery_id:
            number = _read(cursor, _COLLECTION) << _SHORT_MAC_BITS | self._mac(operation, "", cursor, _SHORT_MAC_BITS)
        else:
            number = _read(cursor, _CURSOR) << _MAC_BITS | self._mac(operation, gallery_id, cursor, _MAC_BITS)
        return _written(number, _TOKEN)

    def cursor(self, operation: str, gallery_id: str, token: str) -> str:
        """The cursor in `token`; `BadPageToken` if it was not made here for this operation and collection."""
        try:
            number = _read(token, _TOKEN)
        except ValueError as error:
            raise BadPageToken("NextToken was not made by this server") from error
        cursor = _written(number >> _MAC_BITS, _CURSOR)
        if self._signed(operation, gallery_id, cursor, number, _MAC_BITS):
            return cursor
        cursor = _written(number >> _SHORT_MAC_BITS, _COLLECTION)
        long = not gallery_id and LONG < len(cursor) <= MAX_TOKEN
        if long and self._signed(operation, "", cursor, number, _SHORT_MAC_BITS):
            return cursor
        raise BadPageToken("NextToken was not made by this server for this operation and collection")

    def _signed(self, operation: str, gallery_id: str, cursor: str, number: int, bits: int) -> bool:
        given = (number % (1 << bits)).to_bytes(_MAC_BITS // 8)
        return hmac.compare_digest(given, self._mac(operation, gallery_id, cursor, bits).to_bytes(_MAC_BITS // 8))

    def _mac(self, operation: str, gallery_id: str, cursor: str, bits: int) -> int:
        text = "\0".join(("countenance page 2", operation, gallery_id, cursor))
        whole = hmac.new(self._key, text.encode(), hashlib.sha256).digest()
        return int.from_bytes(whole) >> (8 * len(whole) - bits)


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
