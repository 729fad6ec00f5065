"""Runs a command with bounded memory and output: `python -m countenance.redaction.confined MEMORY OUTPUT COMMAND …`."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Set the limits (bytes), then become the command."""
    memory, output, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    try:
        import resource
    except ImportError:  # Windows has no such limits
        pass
    else:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_FSIZE, (output, output))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.execv(command[0], command)  # noqa: S606  # no shell is wanted


if __name__ == "__main__":
    main()
