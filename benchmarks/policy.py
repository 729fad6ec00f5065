"""What a decision costs, with the house pack alone and with every shipped pack in force, on one core.

Peers in the same run: Cedar called with the text of all policies (parsed at every call), and with all policies parsed
once; both on the same request with all facts, through the same schema. Ours cuts rules and facts down to what the
request can meet, and explains its answer.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any

import cedarpy
from cedarpy import pst

from countenance.policy import Request, Rules
from countenance.policy.authoring.corpus import stories
from countenance.policy.clauses import Effect
from countenance.policy.description import request_of
from countenance.policy.facts import Moment, context, schema
from countenance.policy.kleene import possibly, surely
from countenance.policy.packs.cases import merged
from countenance.policy.packs.pack import Pack, fine_print, read_pack, shipped
from countenance.progress import track

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
CALLS = int(os.environ.get("BENCH_POLICY_CALLS", "400"))
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def run() -> dict[str, Any]:
    """Measure, and say it as tables."""
    packs = [read_pack(name) for name in shipped()]
    everything, house = Rules(packs), Rules([pack for pack in packs if pack.name in ("mandate", "house")])
    laws = Rules([pack for pack in packs if pack.kind == "law" or pack.name == "mandate"])
    ordinary = ordinary_search()
    told = stories(fine_print("corpus"))
    live = next(story.request for story in told if story.id == "murder-suspect")
    assert everything.decide(ordinary, NOW).permitted
    assert laws.decide(live, NOW).permitted
    rows = [
        {"requests": what, "packs": who, **measured(decider(rules), those)}
        for what, those, who, rules in (
            ("an ordinary search, permitted", [ordinary], "house", house),
            ("an ordinary search, permitted", [ordinary], f"all {len(packs)}", everything),
            ("a lawful live search by police, permitted", [live], f"{len(laws.packs) - 1} laws", laws),
            ("real cases, most of them refused", [story.request for story in told], "house", house),
            ("real cases, all refused", [story.request for story in told], f"all {len(packs)}", everything),
        )
    ]
    return {
        "what": __doc__.partition("\n")[0] if __doc__ else "",
        "rounds": ROUNDS,
        "packs": len(packs),
        "clauses": sum(len(pack.clauses) for pack in packs),
        "tables": [
            {
                "title": "One decision",
                "note": "Wall time of `Rules.decide`, explanation included. CPU time is this thread's own: on a shared "
                "machine it is the steadier number. Decisions per second and core are its inverse at the median.",
                "rows": rows,
            },
            {
                "title": f"An ordinary search under all {len(packs)} packs, three ways",
                "note": "The peers give Cedar all clauses and all facts; they explain nothing.",
                "rows": ways(packs, everything, ordinary),
            },
            {"title": "Start", "rows": [start()]},
        ],
    }


def ordinary_search() -> Request:
    """A museum looks for people who agreed, with everything stated that any pack may ask."""
    table = fine_print("matrix")["facts"]
    assert isinstance(table, dict)
    own = {
        "operation": "identify",
        "actor": {"class_name": "museum"},
        "jurisdictions": ["US-NV"],
        "use": {"purpose": "access_control", "legal_basis": "consent", "bespoke": True, "next_step": "admission"},
        "space": {"public": False},
        "gallery": {"provenance": "consented"},
        "subject": {"consent": "explicit", "takes_part": True, "relation": "customer"},
    }
    return request_of(merged(table, own), NOW)


def decider(rules: Rules) -> Callable[[Request], object]:
    """Each call is a second later than the last one: what was asked before, time included, is only remembered."""
    seconds = cycle(range(3600))
    return lambda request: rules.decide(request, NOW + timedelta(seconds=next(seconds)))


def measured(call: Callable[[Request], object], requests: Sequence[Request]) -> dict[str, float]:
    """Percentiles over calls; the median of rounds for CPU time."""
    for request in requests:
        call(request)
    walls, cpus = [], []
    for _ in track(range(ROUNDS), "decisions", ROUNDS, "round"):
        began = time.thread_time()
        for n in range(CALLS):
            start_of_call = time.perf_counter()
            call(requests[n % len(requests)])
            walls.append(time.perf_counter() - start_of_call)
        cpus.append((time.thread_time() - began) / CALLS)
    walls.sort()
    cpu = statistics.median(cpus)
    return {
        "p50 ms": 1000 * walls[len(walls) // 2],
        "p99 ms": 1000 * walls[len(walls) * 99 // 100],
        "CPU ms": 1000 * cpu,
        "decisions/s and core": 1 / cpu,
    }


def ways(packs: Sequence[Pack], rules: Rules, request: Request) -> list[dict[str, Any]]:
    """Text at every call, parsed once, and ours: alternating in the same run."""
    text = str(whole(packs))
    parsed, handle = cedarpy.PolicySet.from_str(text), cedarpy.Schema.from_str(schema())
    entities = cedarpy.Entities.from_json_str("[]")
    moment = Moment(NOW, NOW)

    def asked(policies: Any, entities: Any, rules: Any) -> Callable[[Request], object]:
        def ask(request: Request) -> object:
            call = {
                "principal": 'Mandate::"-"',
                "action": f'Action::"{request.operation}"',
                "resource": 'Gallery::"-"',
                "context": json.dumps(context(request, moment)),
            }
            answer = cedarpy.is_authorized(call, policies, entities, rules)
            assert answer.allowed
            return answer

        return ask

    return [
        {"way": "Cedar, text at every call", **measured(asked(text, "[]", schema()), [request])},
        {"way": "Cedar, parsed once", **measured(asked(parsed, entities, handle), [request])},
        {"way": "ours", **measured(decider(rules), [request])},
    ]


def whole(packs: Sequence[Pack]) -> cedarpy.PolicySet:
    """All clauses in force, uncut."""
    policies = {}
    for pack in packs:
        for clause in pack.clauses:
            if not clause.applies_on(NOW.date()):
                continue
            actions = tuple(
                pst.EntityUid(pst.EntityType("Action"), operation.value) for operation in sorted(clause.operations)
            )
            forbid = clause.effect is Effect.FORBID
            condition = surely(clause.condition) if clause.effect is Effect.PERMIT else possibly(clause.condition)
            policies[clause.id] = pst.Template(
                id=clause.id,
                effect="forbid" if forbid else "permit",
                principal=pst.ScopeAny(),
                action=pst.ActionIn(actions),
                resource=pst.ScopeAny(),
                clauses=(pst.When(condition),),
                annotations={"id": clause.id},
            )
    return cedarpy.PolicySet.from_pst(pst.PolicySet(templates={}, static_policies=policies, template_links=()))


def start() -> dict[str, float]:
    """Reading, validating and trying packs, and the first decision for a kind of request."""
    began = time.thread_time()
    Rules.load(["house"])
    house = time.thread_time() - began
    began = time.thread_time()
    rules = Rules.load(shipped())
    everything = time.thread_time() - began
    request = ordinary_search()
    began = time.thread_time()
    rules.decide(request, NOW)
    return {
        "load house, CPU s": house,
        "load all packs and run their cases, CPU s": everything,
        "first decision of its kind, CPU ms": 1000 * (time.thread_time() - began),
    }
