"""Ray with the token and the TLS that docs/cluster.md asks for: it works with both, and nobody is let in without."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.cluster.ring import HERE, SLOW_S, VARIABLES, ray

from countenance.cluster import check_cluster

pytestmark = pytest.mark.cluster

REFUSED_S = 90
ASK = """
import sys
import ray
from countenance.cluster.actors import joined
from countenance.cluster.plan import ClusterPlan
with joined(ClusterPlan(sys.argv[1], "i" * 64, 1, 1, 1, int)):
    print(ray.get(ray.remote(lambda: 7).remote()))
"""


@dataclass
class Authority:
    """Signs the certificates of nodes."""

    folder: Path

    def variables(self) -> dict[str, str]:
        """Ray's variables of a node with a certificate of this authority's."""
        self.folder.mkdir()
        key, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "made for a test")])
        authority = self._certificate(name, name, key, key, x509.BasicConstraints(ca=True, path_length=None))
        here = {ip_address(HERE), ip_address(ray.util.get_node_ip_address())}
        names = x509.SubjectAlternativeName([x509.DNSName("localhost"), *map(x509.IPAddress, here)])
        node = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "node")])
        plain = serialization.NoEncryption()
        kind = serialization.PrivateFormat.PKCS8
        files = {
            "RAY_TLS_CA_CERT": authority,
            "RAY_TLS_SERVER_CERT": self._certificate(node, name, own, key, names),
            "RAY_TLS_SERVER_KEY": own.private_bytes(serialization.Encoding.PEM, kind, plain),
        }
        for variable, content in files.items():
            (self.folder / variable).write_bytes(content)
        return {"RAY_USE_TLS": "1", **{variable: str(self.folder / variable) for variable in files}}

    @staticmethod
    def _certificate(
        subject: x509.Name,
        issuer: x509.Name,
        own: ec.EllipticCurvePrivateKey,
        signing: ec.EllipticCurvePrivateKey,
        more: x509.ExtensionType,
    ) -> bytes:
        now = datetime.now(UTC)
        made = x509.CertificateBuilder(
            issuer, subject, own.public_key(), x509.random_serial_number(), now - timedelta(hours=1),
            now + timedelta(hours=5),
        )  # fmt: skip
        signed = made.add_extension(more, critical=isinstance(more, x509.BasicConstraints)).sign(
            signing, hashes.SHA256()
        )
        return signed.public_bytes(serialization.Encoding.PEM)


@dataclass
class Protected:
    address: str
    variables: Mapping[str, str]
    folder: Path

    def ask(self, *without: str, **instead: str) -> tuple[str, str]:
        """What a process says on both streams that joins with these variables; without: names of those that it lacks.

        Ray goes on trying where nobody speaks its language, so such a process is ended.
        """
        given = {**os.environ, **self.variables, **instead}
        kept = {name: value for name, value in given.items() if name not in without}
        command = [sys.executable, "-c", ASK, self.address]
        with subprocess.Popen(command, env=kept, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as asking:
            try:
                return asking.communicate(timeout=SLOW_S if instead == {} and not without else REFUSED_S)
            except subprocess.TimeoutExpired:
                asking.kill()
                return asking.communicate()


@pytest.fixture(scope="module")
def protected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Protected]:
    folder = tmp_path_factory.mktemp("protected")
    (folder / "token").write_text("a" * 64)
    (folder / "home").mkdir()  # where Ray looks for a token of the user's
    variables = {
        **VARIABLES,
        **Authority(folder / "authority").variables(),
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(folder / "token"),
        "HOME": str(folder / "home"),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    command = [sys.executable, "-m", "tests.cluster.ring_alone"]
    with subprocess.Popen(
        command, env={**os.environ, **variables}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as ring:
        assert ring.stdout is not None
        assert ring.stdin is not None
        address = ring.stdout.readline().strip()
        try:
            yield Protected(address, variables, folder)
        finally:
            ring.stdin.close()


def test_who_has_both_is_answered(protected: Protected) -> None:
    said, told = protected.ask()
    assert said == "7\n", told[-2000:]
    assert check_cluster("head.internal:6379", protected.variables, plain=False) is None


def test_without_the_token_nobody_is_let_in(protected: Protected) -> None:
    (protected.folder / "other").write_text("b" * 64)
    for said, _ in (
        protected.ask("RAY_AUTH_TOKEN_PATH", RAY_AUTH_MODE="disabled"),
        protected.ask(RAY_AUTH_TOKEN_PATH=str(protected.folder / "other")),
    ):
        assert said == ""


def test_without_a_certificate_of_the_same_authority_nobody_is_let_in(protected: Protected) -> None:
    for said, _ in (
        protected.ask(RAY_USE_TLS="0"),
        protected.ask(**Authority(protected.folder / "another").variables()),
    ):
        assert said == ""
