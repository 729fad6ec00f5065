"""From a request's body to its parameters, with pictures decoded in one pass. Nearly all of a body is its picture,
which a JSON parser would scan for values, check as UTF-8 and copy as text before base64 is decoded. So long values of
"Bytes" are taken out first, and the rest is parsed as usual.
"""

from __future__ import annotations

import re
import secrets

import pybase64
from botocore.model import Shape

from countenance.api.rekognition.errors import Refused
from countenance.api.rekognition.shapes import Params, parse, parse_json

LONG = 4096
"""The least length, in characters, of a value that is taken out."""
_AT_MOST = 8
"""The most values taken out of one body; no real request has more than two."""

_VALUE = re.compile(rb'"Bytes"[ \t\r\n]*:[ \t\r\n]*"')


def read(body: bytes, shape: Shape) -> Params:
    """The parameters in `body`, JSON, as `shape` demands them; raises as `parse_json` and `parse` do."""
    try:
        lifted = _lifted(body)
        if lifted is not None:
            return parse(lifted, shape)
    except Refused:  # report errors about the body as it was sent
        pass
    return parse(parse_json(body), shape)


def _lifted(body: bytes) -> object | None:
    """The JSON value in `body` with its pictures as bytes; None if there is no picture to take out, or anything is
    unusual.

    While the rest is parsed, an unpredictable word stands in for each picture. That changes nothing else: neither
    base64 nor the word contains a quote, a backslash or a JSON delimiter. Between two quotes, each is all or the end of
    one text, or it is where no text may be, and the JSON is malformed.
    """
    parts: list[bytes] = []
    pictures: dict[str, bytes] = {}
    done = at = 0
    while len(pictures) < _AT_MOST and (at := body.find(b'"Bytes"', at)) >= 0:
        quote = _VALUE.match(body, at)
        at += 1
        if quote is None:
            continue
        start = quote.end()
        end = body.find(b'"', start)
        if end - start < LONG:
            continue
        try:
            picture = pybase64.b64decode(memoryview(body)[start:end], validate=True)
        except ValueError:
            return None
        word = secrets.token_hex(16)
        pictures[word] = picture
        parts += [body[done:start], word.encode()]
        done = at = end
    if not pictures:
        return None
    value = parse_json(b"".join([*parts, body[done:]]))
    for member in value.values() if isinstance(value, dict) else ():
        text = member.get("Bytes") if isinstance(member, dict) else None
        if isinstance(text, str) and text in pictures:
            member["Bytes"] = pictures.pop(text)
    return None if pictures else value
