"""What must people still do because something was permitted, and what happens if they do not?

Results wait here until enough people have verified them, each on their own; uses wait for the authorisation that the
law wants within hours, and are frozen without it; a refusal shreds. Faces are erased when their term ends.
"""

from countenance.custody.hold import Hold, HoldState
from countenance.custody.store import Custody, RetentionTerm

__all__ = ["Custody", "Hold", "HoldState", "RetentionTerm"]
