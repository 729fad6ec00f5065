"""A described service, asked: what its answers mean, when to ask again, and what stops an audit."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Mapping
from typing import Any

from countenance.audit.formats.results import ModelUsed
from countenance.audit.sources.live.adapter.description import (
    AdapterFile,
    AnswerRule,
    CallName,
    CallRequest,
    DetectCall,
    RuleSet,
    SecretSlot,
    address,
)
from countenance.audit.sources.live.adapter.json_path import ABSENT, found_at, nothing, outline
from countenance.audit.sources.live.adapter.sending import AdapterAnswer, BuiltRequest, build, send, signed
from countenance.audit.sources.live.cassette import RecordedReply
from countenance.audit.sources.live.cost import Described
from countenance.errors import BadRequest, Denied, Misconfigured, Overloaded, Unauthenticated

_TRIES = 6
_LONGEST_WAIT_S = 300.0


class DescribedService:
    """What `file` describes, at `endpoint` or else the description's own.

    environment: variables, of which those that the description names are read. calls: what will be asked; only their
    secrets are needed. clock: seconds since 1970. sleep: waits
    so many seconds. sending: sends one request.

    Unauthenticated: a secret is not set. BadRequest: the endpoint is none, or one of the calls is not described.
    """

    client = "adapter"

    def __init__(
        self,
        file: AdapterFile,
        endpoint: str | None,
        environment: Mapping[str, str],
        calls: Collection[CallName],
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        sending: Callable[[BuiltRequest], AdapterAnswer] = send,
    ) -> None:
        self._adapter, self._clock, self._sleep, self._sending = file.adapter, clock, sleep, sending
        try:
            self.endpoint = address(endpoint or file.adapter.endpoint)
        except ValueError as error:
            raise BadRequest(str(error)) from error
        for name in calls:
            if name not in file.adapter.calls:
                raise BadRequest(f"{file.file} describes no {name}; it describes {', '.join(file.adapter.calls)}")
        self._keys = _keys(file, calls, environment)
        self._signing = _signing(file, environment)
        adapter = file.adapter
        self.models: tuple[ModelUsed, ...] = (
            ModelUsed("service", adapter.name, adapter.version),
            ModelUsed("adapter", file.file, adapter.checked, file.sha256),
        )
        self.settings = {
            "endpoint": self.endpoint,
            "adapter": file.sha256,
            "direction": "similarity" if adapter.compare is None else adapter.compare.direction,
        }
        self.last = ""
        """The last answer as it came, for who writes a description; secrets are taken out."""

    @property
    def described(self) -> Described:
        """What an estimate needs."""
        signing = self._adapter.sign
        names = [*(slot.variable for slot in self._keys), *((signing.key_id,) if signing else ())]
        service = f"{self._adapter.name} at {self.endpoint}" + (f" with {', '.join(names)}" if names else "")
        return Described(self._adapter.price, self._adapter.calls_per_second, service)

    def detect(self, image: bytes) -> RecordedReply:
        """Whether there is a face, and what is told about the largest."""
        return self._look("detect", self._adapter.detect, image)

    def classify(self, image: bytes) -> RecordedReply:
        """The class that the largest face is said to be of."""
        return self._look("classify", self._adapter.classify, image)

    def compare(self, first: bytes, second: bytes, first_token: str, second_token: str) -> RecordedReply:
        """The score of two pictures, in the service's own unit."""
        call = self._adapter.compare
        assert call is not None
        tokens = {"first_token": first_token, "second_token": second_token}
        body = self._ask("compare", call.request, {"first": first, "second": second}, tokens, call.rules)
        if isinstance(body, RecordedReply):
            return body
        score = _number(body, call.score, "compare.score")
        return RecordedReply("answered", self._clock(), score=score, faces=1)

    def fresh(self, reply: RecordedReply, now: float) -> bool:
        """Whether the service still keeps a detected face, with a tenth of the time to spare."""
        life = self._adapter.detect.token_seconds if self._adapter.detect else 0.0
        return not life or now - reply.at < 0.9 * life

    def _look(self, name: CallName, call: DetectCall | None, image: bytes) -> RecordedReply:
        assert call is not None
        body = self._ask(name, call.request, {"image": image}, {}, call.rules)
        if isinstance(body, RecordedReply):
            return body
        faces = found_at(body, call.faces)
        if not isinstance(faces, list):
            raise _unlike(f"{name}.faces", call.faces, "a list", body)
        if not faces:
            return RecordedReply("no face", self._clock())
        largest = max(faces, key=lambda face: _area(face, call.box)) if call.box else faces[0]
        token = ""
        if call.token:
            token = _text(largest, call.token, f"{name}.token")
        label = ""
        if call.predicted:
            label = _label(largest, call.predicted, f"{name}.predicted")
            label = call.classes.get(label, label)
        values = {key: found_at(largest, place) for key, place in call.quality.items()}
        quality = {key: float(value) for key, value in values.items() if _is_number(value)}
        return RecordedReply("answered", self._clock(), faces=len(faces), quality=quality, token=token, label=label)

    def _ask(
        self,
        name: CallName,
        request: CallRequest,
        pictures: Mapping[str, bytes],
        tokens: Mapping[str, str],
        rules: RuleSet,
    ) -> Any:
        """The answer's JSON, or a reply where it concerns the picture. Errors as `Service` says."""
        keys = {slot: self._keys[slot] for slot in self._adapter.secrets_of(name) if slot in self._keys}
        built = build(self.endpoint, request, pictures, tokens, keys)
        for attempt in range(_TRIES):
            wait = float(2**attempt)
            last_one = attempt == _TRIES - 1
            try:
                sent = built if self._signing is None else signed(built, *self._signing)
                answer = self._sending(sent)
            except OSError as error:
                if last_one:
                    raise Misconfigured(f"{self.endpoint} cannot be reached: {self._clean(str(error))}") from error
            else:
                self.last = self._clean(answer.body.decode("utf-8", "replace"))
                body = _json(answer.body)
                busy = _rule(rules.busy, answer.status, body) is not None
                if not busy:
                    reply = self._meaning(rules, answer.status, body)
                    if reply is not None:
                        return reply
                if not busy and answer.status != 429 and answer.status < 500:
                    return self._result(answer.status, body)
                if last_one:
                    self._give_up(busy or answer.status in (429, 503), answer.status)
                wait = min(answer.wait_s if answer.wait_s is not None else wait, _LONGEST_WAIT_S)
            self._sleep(wait)
        raise AssertionError("the last try raises")

    def _meaning(self, rules: RuleSet, status: int, body: Any) -> RecordedReply | None:
        """What rules say, if any holds: first what an answer says, then what it lacks, as a failed one lacks faces."""
        refused = _rule(rules.refused, status, body)
        if refused is not None:
            return RecordedReply("refused", self._clock(), error=_code(refused, status, body))
        no_face = _rule(tuple(rule for rule in rules.no_face if not rule.absent), status, body)
        if no_face is not None:
            return RecordedReply("no face", self._clock(), error=_code(no_face, status, body))
        if _rule(rules.failed, status, body) is not None:
            raise Denied(f"{self._adapter.name} says that the call failed: {self._short()}")
        if _rule(rules.no_face, status, body) is not None:
            return RecordedReply("no face", self._clock())
        return None

    def _result(self, status: int, body: Any) -> Any:
        name = self._adapter.name
        if status == 401:
            raise Unauthenticated(f"{name} does not accept the key: {self._short()}")
        if 300 <= status < 400:
            raise Misconfigured(f"{name} answers {status}, a redirect, which is not followed; correct the endpoint")
        if not 200 <= status < 300:
            raise Denied(f"{name} answers {status}: {self._short()}")
        if body is ABSENT:
            raise Misconfigured(f"{name} answers no JSON: {self._short()}")
        return body

    def _give_up(self, throttled: bool, status: int) -> None:
        name = self._adapter.name
        if throttled:
            raise Overloaded(f"{name} still answers {status}; wait, and run the same command again")
        raise Misconfigured(f"{name} answers {status} each time: {self._short()}")

    def _clean(self, text: str) -> str:
        hidden = [*self._keys.values(), *(self._signing[1:] if self._signing else ())]
        for value in sorted(filter(None, hidden), key=len, reverse=True):
            text = text.replace(value, "(secret)")
        return text

    def _short(self) -> str:
        text = " ".join(self.last.split())
        return text if len(text) <= 200 else f"{text[:197]}..."


def _keys(file: AdapterFile, calls: Collection[CallName], environment: Mapping[str, str]) -> dict[SecretSlot, str]:
    keys = {}
    for slot in dict.fromkeys(slot for name in calls for slot in file.adapter.secrets_of(name)):
        value = environment.get(slot.variable, "").strip()
        if not value and not slot.optional:
            raise Unauthenticated(f"{file.adapter.name} needs a key: set the variable {slot.variable}")
        if any(sign in value for sign in "\r\n") or not value.isascii():
            raise Unauthenticated(f"the variable {slot.variable} holds more than one line, or letters beyond ASCII")
        if value:
            keys[slot] = value
    return keys


def _signing(file: AdapterFile, environment: Mapping[str, str]) -> tuple[Any, str, str] | None:
    slot = file.adapter.sign
    if slot is None:
        return None
    values = [environment.get(variable, "").strip() for variable in (slot.key_id, slot.secret)]
    if not all(values):
        raise Unauthenticated(f"{file.adapter.name} needs keys: set the variables {slot.key_id} and {slot.secret}")
    return slot, values[0], values[1]


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return ABSENT


def _rule(rules: tuple[AnswerRule, ...], status: int, body: Any) -> AnswerRule | None:
    return next((rule for rule in rules if _holds(rule, status, body)), None)


def _holds(rule: AnswerRule, status: int, body: Any) -> bool:
    if rule.status and status not in rule.status:
        return False
    there = found_at(body, rule.path)
    if rule.absent or rule.present:
        if body is ABSENT or (not rule.status and not 200 <= status < 300):
            return False
        if nothing(there) != rule.absent:
            return False
    text = _as_text(there)
    if rule.equals and text not in rule.equals:
        return False
    return not rule.contains or (text is not None and rule.contains in text)


def _as_text(value: Any) -> str | None:
    if value is ABSENT or value is None:
        return None
    return value if isinstance(value, str) else json.dumps(value)


def _code(rule: AnswerRule, status: int, body: Any) -> str:
    """A word for the record: what the rule knows the answer by, never a vendor's free text."""
    text = _as_text(found_at(body, rule.path)) if rule.equals else None
    return text or rule.contains or str(status)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _number(body: Any, path: str, key: str) -> float:
    value = found_at(body, path)
    if not _is_number(value):
        raise _unlike(key, path, "a finite number", body)
    return float(value)


def _text(body: Any, path: str, key: str) -> str:
    value = found_at(body, path)
    if isinstance(value, (str, int)) and not isinstance(value, bool) and value != "":
        return str(value)
    raise _unlike(key, path, "a text", body)


def _label(face: Any, path: str, key: str) -> str:
    """A class: the text there, or of a table of classes and numbers the one with the largest; "" where it is null."""
    value = found_at(face, path)
    if isinstance(value, dict) and value and all(_is_number(number) for number in value.values()):
        return str(max(value, key=lambda name: value[name]))
    return "" if value is None else _text(face, path, key)


def _area(face: Any, box: tuple[str, ...]) -> float:
    sides = [float(value) if _is_number(value := found_at(face, place)) else 0.0 for place in box]
    if len(sides) == 2:
        return sides[0] * sides[1]
    left, top, right, bottom = sides
    return (right - left) * (bottom - top)


def _unlike(key: str, path: str, wanted: str, body: Any) -> Misconfigured:
    return Misconfigured(
        f"{key} = {path!r} finds no {wanted.removeprefix('a ')} in the answer, which is {outline(body)}"
    )
