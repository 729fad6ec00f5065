"""Hooks of mkdocs.yml: pages that lie outside docs/, and folders in the navigation.

README.md and its siblings stay where a newcomer looks for them. Here each becomes a page, and links between them and
docs/ are turned so that they hold on the site too.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
OUTSIDE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
    "examples/README.md": "examples.md",
}
FOLDERS = {"docs/adr": "adr/0001-runtime.md"}
_LINK = re.compile(r"(!?\[[^\]]*\]\()([^)\s]+)(\))")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """A folder in `nav` (it ends in /) becomes a list of its pages, README first."""
    assert isinstance(config.nav, list)
    config.nav = [_with_folders(entry) for entry in config.nav]
    return config


def _with_folders(entry: Any) -> Any:
    match entry:
        case dict():
            return {title: _with_folders(under) for title, under in entry.items()}
        case list():
            return [_with_folders(each) for each in entry]
        case str() if entry.endswith("/"):
            pages = (ROOT / "docs" / entry).glob("*.md")
            return [entry + page.name for page in sorted(pages, key=lambda page: (page.name != "README.md", page.name))]
        case _:
            return entry


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie outside docs/."""
    for source, name in OUTSIDE.items():
        files.append(File.generated(config, name, content=_turned((ROOT / source).read_text(), source)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links that leave docs/."""
    if page.file.src_uri in OUTSIDE.values():
        return markdown
    return _turned(markdown, f"docs/{page.file.src_uri}")


def _turned(markdown: str, source: str) -> str:
    """The text of `source`, a path from the root, with each link as it holds on the site."""
    place = OUTSIDE.get(source, source.removeprefix("docs/"))

    def turn(link: re.Match[str]) -> str:
        before, target, after = link.groups()
        path, mark, anchor = target.partition("#")
        if not path or "://" in path or path.startswith("mailto:"):
            return link[0]
        there = _normal(Path(source).parent / path)
        if there in FOLDERS:
            page = FOLDERS[there]
        elif there in OUTSIDE:
            page = OUTSIDE[there]
        elif there.startswith("docs/"):
            page = there.removeprefix("docs/")
        else:
            return f"`{there}`"  # code that is not on the site: named, not linked
        up = "../" * (len(Path(place).parts) - 1)
        return f"{before}{up}{page}{mark}{anchor}{after}"

    return _LINK.sub(turn, markdown)


def _normal(path: Path) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)
