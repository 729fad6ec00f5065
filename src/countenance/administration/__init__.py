"""What those who run the server do: mandates, operators, custody, moratoria, the record, rules explained.

Each change is in the ledger before it is in force.
"""

from countenance.administration.custodian import Custodian, CustodyReport
from countenance.administration.explainer import Explainer
from countenance.administration.mandates import Mandates
from countenance.administration.moratoria import Moratoria, read_charter
from countenance.administration.operators import Operators
from countenance.administration.record import Proof, Record
from countenance.custody import Hold
from countenance.mandates import Holder, Mandate, MandateTemplate, Operator, Role, Terms, template, templates
from countenance.policy import Action, Decision, Power
from countenance.policy.moratorium import Moratorium, Order, Scope, Signature

__all__ = [
    "Action",
    "Custodian",
    "CustodyReport",
    "Decision",
    "Explainer",
    "Hold",
    "Holder",
    "Mandate",
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
    "Role",
    "Scope",
    "Signature",
    "Terms",
    "read_charter",
    "template",
    "templates",
]
