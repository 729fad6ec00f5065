"""The register of grants: to whom, from whom, until when.

A mandate is a registered, expiring grant; an access key belongs to exactly one. Nobody approves a mandate that they
requested. Each call reads its mandate from the database, so a revocation takes effect at once. Operators are the people
who request, approve, review and audit.
"""

from countenance.mandates.accounts import AccountSecret, AccountStore, ProvenBy, StoredSession, account_rows
from countenance.mandates.mandate import AccessKey, Holder, Mandate, MandateState, Terms
from countenance.mandates.moratorium_store import MoratoriumStore, moratorium_rows
from countenance.mandates.operators import Operator, OperatorStore, Role, operator_rows
from countenance.mandates.outside_checks import OutsideCheck, OutsideCheckStore, outside_check_rows
from countenance.mandates.register import Register, register_rows
from countenance.mandates.sign_ins import Passkey, ProviderLink, SignInStore, sign_in_rows
from countenance.mandates.templates import MandateTemplate, template, templates

__all__ = [
    "AccessKey",
    "AccountSecret",
    "AccountStore",
    "Holder",
    "Mandate",
    "MandateState",
    "MandateTemplate",
    "MoratoriumStore",
    "Operator",
    "OperatorStore",
    "OutsideCheck",
    "OutsideCheckStore",
    "Passkey",
    "ProvenBy",
    "ProviderLink",
    "Register",
    "Role",
    "SignInStore",
    "StoredSession",
    "Terms",
    "account_rows",
    "moratorium_rows",
    "operator_rows",
    "outside_check_rows",
    "register_rows",
    "sign_in_rows",
    "template",
    "templates",
]
