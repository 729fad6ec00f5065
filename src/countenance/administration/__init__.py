"""What the people who run the server do: mandates, operators, custody, moratoria, the record, rules explained.

Every change is in the ledger before it is in force.
"""

from countenance.administration.accounts import Accounts, SignedIn, new_seed, seed_picture
from countenance.administration.attempts import Attempts
from countenance.administration.custodian import AuthorisationOutcome, Custodian, CustodyReport
from countenance.administration.drafts import MandateDraft
from countenance.administration.explainer import Explainer
from countenance.administration.mandates import Mandates
from countenance.administration.moratoria import Moratoria
from countenance.administration.operators import Operators
from countenance.administration.outside_checks import OutsideChecks
from countenance.administration.record import Proof, Record
from countenance.administration.retention import RetentionSweep
from countenance.administration.standing import LedgerCheck, Standing
from countenance.custody import Hold
from countenance.ledger import RefusedCount
from countenance.mandates import (
    AccessKey,
    Holder,
    Mandate,
    MandateTemplate,
    Operator,
    OutsideCheck,
    Role,
    StoredSession,
    Terms,
    template,
    templates,
)
from countenance.policy import Action, Decision, Power
from countenance.policy.moratorium import Moratorium, Order, Scope, Signature

__all__ = [
    "AccessKey",
    "Accounts",
    "Action",
    "Attempts",
    "AuthorisationOutcome",
    "Custodian",
    "CustodyReport",
    "Decision",
    "Explainer",
    "Hold",
    "Holder",
    "LedgerCheck",
    "Mandate",
    "MandateDraft",
    "MandateTemplate",
    "Mandates",
    "Moratoria",
    "Moratorium",
    "Operator",
    "Operators",
    "Order",
    "OutsideCheck",
    "OutsideChecks",
    "Power",
    "Proof",
    "Record",
    "RefusedCount",
    "RetentionSweep",
    "Role",
    "Scope",
    "Signature",
    "SignedIn",
    "Standing",
    "StoredSession",
    "Terms",
    "new_seed",
    "seed_picture",
    "template",
    "templates",
]
