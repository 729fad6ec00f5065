"""Who was granted what, by whom, and until when?

A mandate is a registered, expiring grant; an access key belongs to exactly one. Nobody approves a mandate that they
asked for, and a revoked one is refused at the next call: it is read from the database each time. Operators are the
people who ask, approve, review and audit.
"""

from countenance.mandates.mandate import AccessKey, Holder, Mandate, State, Terms
from countenance.mandates.moratorium_store import Halts
from countenance.mandates.operators import Operator, Operators, Role
from countenance.mandates.register import Register
from countenance.mandates.templates import Template, template, templates

__all__ = [
    "AccessKey",
    "Halts",
    "Holder",
    "Mandate",
    "Operator",
    "Operators",
    "Register",
    "Role",
    "State",
    "Template",
    "Terms",
    "template",
    "templates",
]
