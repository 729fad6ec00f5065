"""What the people who run the server do: mandates, operators, custody, moratoria, the record, rules explained.

Every change is in the ledger before it is in force.
"""

from countenance.administration.custodian import AuthorisationOutcome, Custodian, CustodyReport
from countenance.administration.drafts import MandateDraft
from countenance.administration.explainer import Explainer
from countenance.administration.mandates import Mandates
from countenance.administration.moratoria import Moratoria
from countenance.administration.operators import Operators
from countenance.administration.record import Proof, Record
from countenance.administration.retention import RetentionSweep
from countenance.custody import Hold
from countenance.ledger import RefusedCount
from countenance.mandates import Holder, Mandate, MandateTemplate, Operator, Role, Terms, template, templates
from countenance.policy import Action, Decision, Power
from countenance.policy.moratorium import Moratorium, Order, Scope, Signature

__all__ = [
    "Action",
    "AuthorisationOutcome",
    "Custodian",
    "CustodyReport",
    "Decision",
    "Explainer",
    "Hold",
    "Holder",
    "Mandate",
    "MandateDraft",
    "MandateTemplate",
    "Mandates",
    "Moratoria",
    "Moratorium",
    "Operator",
    "Operators",
    "Order",
    "Power",
    "Proof",
    "Record",
    "RefusedCount",
    "RetentionSweep",
    "Role",
    "Scope",
    "Signature",
    "Terms",
    "template",
    "templates",
]
