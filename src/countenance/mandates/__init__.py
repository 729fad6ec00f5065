"""Who was granted what, by whom, and until when?

A mandate is a registered, expiring grant; an access key belongs to exactly one. Nobody approves a mandate that they
asked for, and a revoked one is refused at the next call: it is read from the database each time. Operators are the
people who ask, approve, review and audit.
"""

from countenance.mandates.mandate import AccessKey, Holder, Mandate, MandateState, Terms
from countenance.mandates.moratorium_store import MoratoriumStore
from countenance.mandates.operators import Operator, OperatorStore, Role
from countenance.mandates.register import Register
from countenance.mandates.templates import MandateTemplate, template, templates

__all__ = [
    "AccessKey",
    "Holder",
    "Mandate",
    "MandateState",
    "MandateTemplate",
    "MoratoriumStore",
    "Operator",
    "OperatorStore",
    "Register",
    "Role",
    "Terms",
    "template",
    "templates",
]
