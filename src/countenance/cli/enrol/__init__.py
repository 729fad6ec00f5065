"""`countenance enrol`: pictures into a gallery behind a mandate, resumed where it was interrupted."""

from countenance.cli.enrol.command import enrol

__all__ = ["enrol"]
