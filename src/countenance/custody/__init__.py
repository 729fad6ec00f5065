"""What people must still do after an operation was permitted, and what happens if they do not.

A result is held here until enough people have verified it, each on their own. A use may need an authorisation within
hours: without a request for it the use is frozen, and a refusal destroys the result. Faces are erased when their term
ends.
"""

from countenance.custody.hold import AuthorisationOutcome, Hold, HoldState
from countenance.custody.store import Custody, RetentionTerm, custody_rows

__all__ = ["AuthorisationOutcome", "Custody", "Hold", "HoldState", "RetentionTerm", "custody_rows"]
