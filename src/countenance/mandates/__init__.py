"""Who was granted what, by whom, and until when?

A mandate is a registered, expiring grant; an access key belongs to exactly one. Nobody approves a mandate that they
asked for, and a revoked one is refused at the next call: it is read from the database each time.
"""

from countenance.mandates.halts import Halts
from countenance.mandates.mandate import AccessKey, Holder, Mandate, State, Terms
from countenance.mandates.register import Register

__all__ = ["AccessKey", "Halts", "Holder", "Mandate", "Register", "State", "Terms"]
