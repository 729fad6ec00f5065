"""The example drafts that ship."""

from __future__ import annotations

from pathlib import Path

from countenance.errors import NotFound

FOLDER = Path(__file__).with_name("examples")


def example(kind: str) -> str:
    """A commented draft for one kind of source; NotFound lists the kinds."""
    path = FOLDER / f"{kind}.toml"
    if path.parent != FOLDER or not path.is_file():
        raise NotFound(f"no example {kind!r}; there are {', '.join(examples())}")
    return path.read_text()


def examples() -> tuple[str, ...]:
    """The kinds of example drafts."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))
