"""The real guard, gallery and ledger behind the dialect; only engine and rules are fakes."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import numpy as np
import sqlalchemy as sa
from tests.contract.rekognition.model_check import check_answers
from tests.contract.rekognition.rekognition_fakes import boto_client, serving
from tests.fakes.engine import MODEL, FakeEngine
from tests.fakes.rules import FixedRules

from countenance.budgets import Budgets, read_defaults
from countenance.custody import Custody
from countenance.gallery import Gallery, gallery_rows
from countenance.ledger import Bindings, Ledger
from countenance.mandates import Holder, MoratoriumStore, Register, Terms
from countenance.operations import BudgetKeeper, Guard, Jobs, MoratoriaInForce, Tools
from countenance.policy import Rules, Verdict
from countenance.scoring import Calibration, RawCosine

CALIBRATION = Calibration(MODEL, "raw", "ca" * 32, np.array([0.0, 0.6, 1.0]), np.array([0.0, -3.0, -9.0]))


def now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def spine(database: sa.Engine, ledger: Ledger, verdict: Verdict, **more: Any) -> Iterator[Any]:
    """A boto3 client of a server that lives as long as the block; `client.seen` is what was answered.

    more: for the server.
    """
    register = Register(database, bytes(32), now)
    asked = register.request(
        Holder("A museum"),
        Terms("photo_library", "consent", ("*",), ("*",)),
        requested_by="ann",
        expires_at=now() + timedelta(hours=1),
    )
    register.approve(asked.mandate_id, approved_by="ben")
    key = register.issue_key(asked.mandate_id)
    bound = Bindings(database, ledger, bytes(32), (gallery_rows,))
    gallery = Gallery(database, RawCosine(), now, lambda: str(uuid.uuid4()), recorder=bound)
    tools = Tools(FakeEngine(), gallery, RawCosine(), CALIBRATION, (), Jobs(database, now))
    moratoria = MoratoriaInForce(MoratoriumStore(database), None)
    budgets = BudgetKeeper(Budgets(database, bytes(32), now), read_defaults())
    custody = Custody(database, bytes(32), now)
    guard = Guard(tools, cast(Rules, FixedRules(verdict)), ledger, register, custody, moratoria, now, budgets)
    with serving(guard, credentials=register, **more) as url:
        client = boto_client(url, key=key.access_key, secret=key.secret)
        client.seen = check_answers(client)
        yield client
