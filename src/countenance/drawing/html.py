"""HTML pages from Jinja templates: everything is escaped but markup that this software made."""

from __future__ import annotations

from functools import cache
from gettext import NullTranslations

from jinja2 import Environment, PackageLoader, StrictUndefined


def rendered(package: str, template: str, **values: object) -> str:
    """The page that a template of `package` (in its folder `templates`) makes of `values`; it may name no others."""
    return _environment(package, None).get_template(template).render(**values)


def translated(package: str, template: str, words: NullTranslations, **values: object) -> str:
    """The same of a template whose texts stand in `_(…)` and `{% trans %}`: as the catalogue `words` has them."""
    return _environment(package, words).get_template(template).render(**values)


@cache
def _environment(package: str, words: NullTranslations | None) -> Environment:
    made = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"] if words else [],
    )
    if words:
        made.install_gettext_callables(  # type: ignore[attr-defined]  # of the extension
            words.gettext, words.ngettext, newstyle=True
        )
    return made
