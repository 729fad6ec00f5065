"""The server's own TLS, what it believes of proxies, how it stops: a process with an application of the test's."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PROGRAM = """
import asyncio, json, sys
from pathlib import Path
from countenance.api.connections import ConnectionLimits
from countenance.api.forwarded import Proxies
from countenance.api.listening import Listening, TlsFiles, listen
from countenance.logs import write_log

async def application(scope, receive, send):
    if scope["type"] != "http":
        return
    if scope["path"] == "/slow":
        print("begun", flush=True)
        await asyncio.sleep(float(scope["query_string"] or 0))
    body = json.dumps({"client": scope["client"][0], "scheme": scope["scheme"]}).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})

port, folder, proxies, each, seconds = sys.argv[1:]
write_log("json")
tls = TlsFiles(Path(folder) / "chain.pem", Path(folder) / "key.pem") if folder else None
limits = ConnectionLimits(per_address=int(each))
how = Listening("127.0.0.1", int(port), limits, int(seconds), tls, Proxies.of(filter(None, proxies.split(","))))
listen(application, how, lambda: print("stopping", flush=True), look_s=0.1)
print("closed", flush=True)
"""


class Server:
    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process, self.port = process, port

    def told(self, *, before_s: float = 30) -> str:
        """The next line that it prints."""
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def get(self, path: str = "/", **headers: str) -> dict[str, str]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=named)
        with urllib.request.urlopen(request) as answer:
            said: dict[str, str] = json.load(answer)
        return said


@contextmanager
def listening(folder: Path | None = None, proxies: str = "", each: int = 128, seconds: int = 5) -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = [str(port), str(folder or ""), proxies, str(each), str(seconds)]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        for _ in range(600):
            assert process.poll() is None, process.communicate()[1]
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield Server(process, port)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream:
                stream.close()


def write_certificate(folder: Path, serial: int) -> None:
    """A certificate of 127.0.0.1 that vouches for itself, put in place as people do: the key first."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(key.private_bytes(pem, form, serialization.NoEncryption()))
    (folder / "chain.pem").write_bytes(made.public_bytes(pem))


def serial_at(port: int, trusted: Path | None = None) -> int:
    """The serial number of the certificate that a new connection gets; verified where `trusted` is given."""
    context = ssl.create_default_context(cafile=str(trusted) if trusted else None)
    if trusted is None:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port), 20) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        der = secured.getpeercert(binary_form=True)
        assert der
        secured.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: secured.recv(4096), b""))
    assert b'"scheme": "https"' in answer
    return x509.load_der_x509_certificate(der).serial_number


def wait_for_serial(port: int, serial: int) -> None:
    for _ in range(200):
        if serial_at(port) == serial:
            return
        time.sleep(0.05)
    pytest.fail(f"the certificate {serial} was not taken")


def test_tls_by_a_client_that_verifies_and_a_certificate_that_is_renewed(tmp_path: Path) -> None:
    write_certificate(tmp_path, 1001)
    with listening(tmp_path) as server:
        assert serial_at(server.port, tmp_path / "chain.pem") == 1001
        write_certificate(tmp_path, 1002)
        wait_for_serial(server.port, 1002)
        (tmp_path / "key.pem").write_text("no key")
        time.sleep(0.3)
        assert serial_at(server.port) == 1002
        write_certificate(tmp_path, 1003)
        server.process.send_signal(signal.SIGHUP)
        wait_for_serial(server.port, 1003)
        with pytest.raises((OSError, urllib.error.URLError)):
            server.get()  # without TLS
        server.process.terminate()
        said = [json.loads(line) for line in server.process.communicate(timeout=60)[1].splitlines()]
    assert server.process.returncode == 0
    kept = [line["says"] for line in said if "stays as it was" in line["says"]]
    assert kept and "key.pem" in kept[0] and str(tmp_path) not in kept[0]


@pytest.mark.parametrize("spoil", ["key", "chain"])
def test_a_certificate_that_cannot_be_used_stops_the_start(tmp_path: Path, spoil: str) -> None:
    write_certificate(tmp_path, 1)
    (tmp_path / f"{spoil}.pem").write_text("nothing")
    program = [sys.executable, "-c", PROGRAM, "1", str(tmp_path), "", "1", "1"]
    ended = subprocess.run(program, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 1
    assert "Misconfigured" in ended.stderr and "COUNTENANCE_TLS_CERTIFICATE" in ended.stderr


def test_a_configured_proxy_is_believed_and_nobody_else() -> None:
    said = {"x_forwarded_for": "10.9.9.9, 203.0.113.7", "x_forwarded_proto": "https"}
    with listening(proxies="127.0.0.0/8") as server:
        assert server.get(**said) == {"client": "203.0.113.7", "scheme": "https"}
        assert server.get(x_forwarded_for="203.0.113.7, 127.0.0.5")["client"] == "203.0.113.7"
        assert server.get(x_forwarded_for="somebody")["client"] == "127.0.0.1"
    with listening(proxies="10.0.0.0/8") as server:
        assert server.get(**said) == {"client": "127.0.0.1", "scheme": "http"}


@contextmanager
def in_hand(server: Server, client: str) -> Iterator[None]:
    """A slow request of that client's through the proxy."""
    connection = HTTPConnection("127.0.0.1", server.port)
    connection.request("GET", "/slow?30", headers={"x-forwarded-for": client})
    assert server.told() == "begun"
    try:
        yield
    finally:
        connection.close()


def test_the_limit_for_one_address_is_the_clients_and_not_the_proxys() -> None:
    with (
        listening(proxies="127.0.0.1", each=2) as server,
        in_hand(server, "203.0.113.7"),
        in_hand(server, "203.0.113.7"),
    ):
        assert server.get(x_forwarded_for="203.0.113.8")["client"] == "203.0.113.8"
        with pytest.raises(urllib.error.HTTPError, match="503"):
            server.get(x_forwarded_for="203.0.113.7")
        assert server.get(x_forwarded_for="203.0.113.8")["client"] == "203.0.113.8"


def test_what_is_in_hand_is_finished_and_nothing_new_is_taken() -> None:
    with listening(seconds=60) as server:
        answers: list[object] = []
        asking = threading.Thread(target=lambda: answers.append(server.get("/slow?2")))
        asking.start()
        assert server.told() == "begun"
        server.process.send_signal(signal.SIGTERM)
        assert server.told() == "stopping"
        asking.join()
        assert answers == [{"client": "127.0.0.1", "scheme": "http"}]
        assert server.told() == "closed"  # what follows `listen` still runs
        assert server.process.wait(60) == 0
        with pytest.raises(OSError):
            server.get()


def test_what_takes_longer_than_the_stated_time_is_cut_off() -> None:
    with listening(seconds=1) as server, in_hand(server, "203.0.113.7"):
        os.kill(server.process.pid, signal.SIGTERM)
        assert server.told() == "stopping"
        assert server.told() == "closed"
        assert server.process.wait(60) == 0
