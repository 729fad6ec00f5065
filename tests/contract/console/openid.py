"""A real OpenID provider, oidc-provider for Node, as a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

import httpx
from tests.contract.javascript.node import MODULES, node_with

from countenance.console import PROVIDER_RETURNS, SIGN_IN

PROGRAM = Path(__file__).parents[1] / "javascript" / "provider.mjs"
PACKAGE = "oidc-provider"
CLIENT, SECRET = "countenance", "the secret of countenance"


@dataclass
class Provider:
    """One provider. back, out: where it may send browsers after a sign-in and a sign-out."""

    port: int
    back: str
    out: str
    process: subprocess.Popen[str] | None = None

    @property
    def issuer(self) -> str:
        return f"http://localhost:{self.port}"

    def start(self) -> None:
        """Start it, with keys that it never had before."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("NODE_")}
        self.process = subprocess.Popen(
            [node_with(PACKAGE), str(PROGRAM), str(self.port), self.back, self.out],
            env={**clean, "MODULES": str(MODULES)},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout
        for line in self.process.stdout:
            if line.startswith("ready"):
                return
        raise AssertionError("the provider did not start")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)
            assert self.process.stdout
            self.process.stdout.close()
            self.process = None

    def says(self, **claims: object) -> None:
        """What its ID tokens say of how somebody signed in from now on: amr, acr."""
        httpx.post(f"{self.issuer}/says", json=claims).raise_for_status()

    def visited(self, address: str, account: str = "account-of-ann") -> httpx.URL:
        """Where a browser that signs in there as `account` is sent back to, from `address` on."""
        with httpx.Client(cookies={"account": account}) as browser:
            for _ in range(10):
                answer = browser.get(address)
                assert answer.is_redirect, answer.text
                address = str(answer.next_request.url if answer.next_request else "")
                if not address.startswith(self.issuer):
                    return httpx.URL(address)
        raise AssertionError("the provider sends in circles")


def new_provider(pages: str) -> Provider:
    """A provider on a free port, not started, that sends back to the console whose pages lie below the address `pages`.
    The test is skipped where it is not installed.
    """
    node_with(PACKAGE)
    return Provider(free_port(), pages + PROVIDER_RETURNS, pages + SIGN_IN)


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
