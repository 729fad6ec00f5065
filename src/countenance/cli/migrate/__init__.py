"""`countenance migrate`: from a service in the cloud to this server, with the pictures that its user still has."""

from countenance.cli.migrate.command import migrate

__all__ = ["migrate"]
