"""Backups of an installation: one sealed file, made while serving, verified when it is restored."""

from countenance.backup.contents import BackupContents
from countenance.backup.later import ErasedAgain, sentences
from countenance.backup.making import back_up
from countenance.backup.restoring import Restored, restore

__all__ = ["BackupContents", "ErasedAgain", "Restored", "back_up", "restore", "sentences"]
