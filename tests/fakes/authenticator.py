"""An authenticator of WebAuthn in software: its answers are signed as a real one's are, and can be made wrong."""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import bytes_to_base64url

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


@dataclass
class Authenticator:
    """One passkey. uses: what it counts; None for one that keeps no count. verifies: whether it checks its user."""

    origin: str
    rp_id: str
    credential: bytes = b"credential of a test"
    uses: int | None = 0
    verifies: bool = True
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    user: str = ""

    def made(self, options: str, **wrong: Any) -> str:
        """What the browser sends after `create`; wrong: origin, challenge or type in place of the right ones."""
        asked = json.loads(options)
        self.user = asked["user"]["id"]
        numbers = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        credential = bytes(16) + struct.pack(">H", len(self.credential)) + self.credential + cbor2.dumps(cose)
        attested = {"fmt": "none", "attStmt": {}, "authData": self._data(ATTESTED) + credential}
        client = self._client("webauthn.create", asked["challenge"], wrong)
        return self._answer(
            {"clientDataJSON": _text(client), "attestationObject": _text(cbor2.dumps(attested)), "transports": []}
        )

    def used(self, options: str, **wrong: Any) -> str:
        """What the browser sends after `get`; wrong: as above, and user, the handle of somebody else."""
        if self.uses is not None:
            self.uses += 1
        client, data = self._client("webauthn.get", json.loads(options)["challenge"], wrong), self._data()
        signed = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        response = {"clientDataJSON": client, "authenticatorData": data, "signature": signed}
        return self._answer({name: _text(part) for name, part in response.items()} | self._handle(wrong))

    def _handle(self, wrong: dict[str, Any]) -> dict[str, str]:
        handle = wrong.get("user", self.user)
        return {} if handle is None else {"userHandle": handle}

    def _client(self, kind: str, challenge: str, wrong: dict[str, Any]) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(said | {name: wrong[name] for name in said if name in wrong}).encode()

    def _data(self, more: int = 0) -> bytes:
        flags = PRESENT | more | (VERIFIED if self.verifies else 0)
        return hashlib.sha256(self.rp_id.encode()).digest() + struct.pack(">BI", flags, self.uses or 0)

    def _answer(self, response: dict[str, Any]) -> str:
        name = _text(self.credential)
        answer = {"id": name, "rawId": name, "type": "public-key", "response": response, "clientExtensionResults": {}}
        return json.dumps(answer)


def handle_of(operator_id: str) -> str:
    """The user handle of an operator, as answers carry it."""
    return _text(operator_id.encode())


def _text(part: bytes) -> str:
    return str(bytes_to_base64url(part))
