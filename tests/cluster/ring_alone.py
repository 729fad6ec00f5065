"""One Ray node in a process of its own, with the variables that it is given, until its input ends."""

from __future__ import annotations

import sys

from tests.cluster.ring import Ring


def main() -> None:
    """Say the address, and wait."""
    ring = Ring()
    ring.start(0)
    try:
        print(ring.address, flush=True)  # noqa: T201
        sys.stdin.read()
    finally:
        ring.kill()


if __name__ == "__main__":
    main()
