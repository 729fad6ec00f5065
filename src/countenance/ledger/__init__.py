"""What was done, and can anybody prove that it was altered: an RFC 6962 tree with receipts and signed checkpoints."""

from countenance.ledger import verifier
from countenance.ledger.bindings import Bindings
from countenance.ledger.checkpoint import Checkpoint, SignedCheckpoint
from countenance.ledger.entries import Entry
from countenance.ledger.export import disclose, export, prove_growth, prove_inclusion
from countenance.ledger.inspection import verify_records
from countenance.ledger.ledger import Ledger, Pending
from countenance.ledger.notes import NoteKey
from countenance.ledger.receipt import Receipt
from countenance.ledger.records import Records, StoredEntry, named_heads
from countenance.ledger.refusals import RefusedCount
from countenance.ledger.safekeeping import Kept, Safekeeping

__all__ = [
    "Bindings",
    "Checkpoint",
    "Entry",
    "Kept",
    "Ledger",
    "NoteKey",
    "Pending",
    "Receipt",
    "Records",
    "RefusedCount",
    "Safekeeping",
    "SignedCheckpoint",
    "StoredEntry",
    "disclose",
    "export",
    "named_heads",
    "prove_growth",
    "prove_inclusion",
    "verifier",
    "verify_records",
]
