"""What was done, and can anybody prove that it was altered: an RFC 6962 log with receipts and signed checkpoints."""

from countenance.ledger.checkpoint import Checkpoint, SignedCheckpoint
from countenance.ledger.entries import Entry
from countenance.ledger.ledger import Ledger, Pending, origin_of
from countenance.ledger.notes import NoteKey
from countenance.ledger.receipt import Receipt
from countenance.ledger.records import Records

__all__ = [
    "Checkpoint",
    "Entry",
    "Ledger",
    "NoteKey",
    "Pending",
    "Receipt",
    "Records",
    "SignedCheckpoint",
    "origin_of",
]
