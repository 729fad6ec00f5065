"""Change one word in the middle of an exported ledger, as somebody with something to hide might."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    file = Path(sys.argv[1]) / "entries.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    middle = len(lines) // 2
    lines[middle] = lines[middle].replace('"kind":"', '"kind":"x', 1)
    file.write_text("".join(lines))
    print(f"altered entry {middle}")
