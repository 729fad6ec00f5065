"""Checks an exported ledger, or a proof from one, off line. One file; it needs Python 3.11 and `cryptography` only.

    python verifier.py FOLDER [--key KEY]… [--since CHECKPOINT]… [--receipt RECEIPT]…
    python verifier.py ENTRY.tlog-proof --key KEY [--receipt RECEIPT] [--openings FILE]
    python verifier.py GROWTH.tlog-growth --key KEY --since CHECKPOINT

Exit status: 0 nothing wrong, 1 something was altered, 2 nothing could be checked.

This is a second reading of the formats, which shares no line with the server that writes them; it is meant to be
copied out, read in full and run by people who do not trust that server. What it can tell depends on what you bring:
a folder alone shows that it is as its key signed it. KEY, from another source than the folder, shows whose key that
is. A CHECKPOINT or RECEIPT from earlier shows that what was there then is there now.

Formats: RFC 6962 (tree), C2SP signed-note, tlog-checkpoint and tlog-proof; docs/ledger.md has the rest.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

PROOF = b"c2sp.org/tlog-proof@v1\n"
ENTRIES, CHECKPOINTS, KEY = "entries.jsonl", "checkpoints.jsonl", "key.txt"


class Unreadable(Exception):
    """What was brought cannot be read, so nothing can be said about it."""


@dataclass(frozen=True)
class Finding:
    """Something is wrong. what: changed, removed, added, moved, key, time, tree, receipt, store.

    index: the first entry that is concerned.
    """

    what: str
    index: int
    text: str


@dataclass(frozen=True)
class Report:
    """What was found. Nothing is wrong where `findings` is empty.

    size: entries that were checked. notes: what a human may want to know. open: decisions without a result.
    verified: what was shown, if all is well.
    """

    origin: str
    size: int
    findings: Sequence[Finding]
    notes: Sequence[str]
    open: Sequence[int] = ()
    verified: str = "nothing altered"

    def sentence(self) -> str:
        """The verdict in one line."""
        if self.findings:
            return f"ALTERED: {self.findings[0].text}"
        return f"verified: {self.origin}, {self.size} entries, {self.verified}"


@dataclass(frozen=True)
class Key:
    """A ledger's name and Ed25519 public key (32 bytes)."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The first four bytes of the hash of name and key."""
        return hashlib.sha256(self.name.encode() + b"\n\x01" + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(bytes([1]) + self.public).decode()}"

    def signed(self, signature: bytes, message: bytes) -> bool:
        """Whether this key made `signature` over `message`."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True)
class Checkpoint:
    """A signed tree head. signatures: (key name, key id, signature)."""

    text: str
    origin: str
    size: int
    root: bytes
    signatures: Sequence[tuple[str, bytes, bytes]]

    def signed_by(self, key: Key) -> bool:
        """Whether it is of the ledger `key` is named after, and signed by `key` once."""
        mine = [signature for name, key_id, signature in self.signatures if (name, key_id) == (key.name, key.key_id)]
        return self.origin == key.name and len(mine) == 1 and key.signed(mine[0], self.text.encode())


def read_key(text: str) -> Key:
    """A key written name+id+base64."""
    match = re.fullmatch(r"([^\s+]+)\+([0-9a-f]{8})\+(\S+)", text.strip())
    raw = read_base64(match[3]) if match else b""
    if not match or len(raw) != 33 or raw[0] != 1:
        raise Unreadable("a key reads name+id+base64, of type Ed25519")
    key = Key(match[1], raw[1:])
    if key.key_id.hex() != match[2]:
        raise Unreadable(f"the key's id is {key.key_id.hex()}, it says {match[2]}")
    return key


def read_checkpoint(raw: bytes) -> Checkpoint:
    """A signed note whose text is a tree head; strict, so that nobody else can read anything else in it."""
    if any(byte < 32 and byte != 10 for byte in raw):
        raise Unreadable("a checkpoint holds no control characters but the newline")
    try:
        whole = raw.decode()
    except UnicodeDecodeError as error:
        raise Unreadable("a checkpoint is UTF-8") from error
    head, gap, tail = whole.rpartition("\n\n")
    lines = head.split("\n")
    if not gap or not tail.endswith("\n") or len(lines) < 3 or not all(lines):
        raise Unreadable("a checkpoint has origin, size and root hash, an empty line, and signatures")
    signatures = []
    for line in tail[:-1].split("\n"):
        match = re.fullmatch(r"\u2014 ([^\s+]+) (\S+)", line)
        raw_signature = read_base64(match[2]) if match else b""
        if not match or len(raw_signature) < 5:
            raise Unreadable("a signature line reads: em dash, space, key name, space, base64")
        signatures.append((match[1], raw_signature[:4], raw_signature[4:]))
    root = read_base64(lines[2])
    if len(root) != 32:
        raise Unreadable(f"a root hash has 32 bytes, got {len(root)}")
    return Checkpoint(head + "\n", lines[0], read_number(lines[1]), root, signatures)


def read_number(text: str) -> int:
    """Decimal, ASCII, no leading zeros, below 2**63."""
    if not re.fullmatch("0|[1-9][0-9]{0,18}", text, re.ASCII) or int(text) >= 2**63:
        raise Unreadable("expected a decimal number below 2**63 without leading zeros")
    return int(text)


def read_base64(text: str) -> bytes:
    """Standard base64 in its one canonical spelling."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Unreadable("expected base64") from error
    if base64.b64encode(raw).decode() != text:
        raise Unreadable("expected base64 without stray bits")
    return raw


@dataclass(frozen=True)
class Receipt:
    """A ledger's promise that the entry with this hash is number `index`."""

    origin: str
    index: int
    leaf_hash: bytes
    signature: bytes

    @property
    def promise(self) -> bytes:
        """The bytes that are signed."""
        leaf = base64.b64encode(self.leaf_hash).decode()
        return f"countenance receipt v1\n{self.origin}\n{self.index}\n{leaf}\n".encode()


def read_receipt(text: str) -> Receipt:
    """A receipt as it stands in an answer's x-countenance-receipt header."""
    parts = text.strip().split(";")
    if len(parts) != 5 or parts[0] != "v1":
        raise Unreadable("a receipt reads v1;origin;index;hash;signature")
    leaf, signature = (read_base64(p.replace("-", "+").replace("_", "/") + "=" * (-len(p) % 4)) for p in parts[3:])
    return Receipt(parts[1], read_number(parts[2]), leaf, signature)


@dataclass(frozen=True)
class Opening:
    """A private value, as canonical JSON, with the salt that it was committed to with."""

    name: str
    salt: bytes
    value: str

    @property
    def commitment(self) -> str:
        """SHA-256(salt || value), as it stands in the entry."""
        return hashlib.sha256(self.salt + self.value.encode("utf-8", "surrogatepass")).hexdigest()


def read_openings(raw: bytes) -> list[Opening]:
    """Disclosed openings: a JSON object a line, with name, salt (hex) and value (canonical JSON, as text)."""
    try:
        openings = [json.loads(line) for line in raw.splitlines()]
        return [Opening(str(one["name"]), bytes.fromhex(one["salt"]), str(one["value"])) for one in openings]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Unreadable("openings are lines of JSON with name, salt and value") from error


def hash_leaf(entry: bytes) -> bytes:
    """RFC 6962: SHA-256(0x00 || entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def hash_children(left: bytes, right: bytes) -> bytes:
    """RFC 6962: SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """Grows leaf by leaf and knows its root; keeps one hash for each power of two in its size."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def grow(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        self.size += 1
        self._peaks.append(leaf)
        for _ in range((self.size & -self.size).bit_length() - 1):
            right = self._peaks.pop()
            self._peaks[-1] = hash_children(self._peaks[-1], right)

    def root(self) -> bytes:
        """The RFC 6962 tree hash of the leaves so far."""
        root = self._peaks[-1] if self._peaks else hashlib.sha256().digest()
        for peak in self._peaks[-2::-1]:
            root = hash_children(peak, root)
        return root


def includes(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Inclusion, step by step as in RFC 9162, section 2.1.3.2."""
    if not 0 <= index < size or any(len(p) != 32 for p in (leaf, root, *proof)):
        return False
    fn, sn, r = index, size - 1, leaf
    for p in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = hash_children(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = hash_children(r, p)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and r == root


def extends(first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]) -> bool:
    """Consistency, step by step as in RFC 9162, section 2.1.4.2."""
    if any(len(p) != 32 for p in (first_root, second_root, *proof)) or not 0 <= first <= second:
        return False
    if first == second:
        return not proof and first_root == second_root
    if first == 0:
        return not proof and first_root == hashlib.sha256().digest()
    path = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    if not path:
        return False
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = hash_children(c, fr), hash_children(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = hash_children(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == first_root and sr == second_root


@dataclass(frozen=True)
class Line:
    """One line of an export, as far as it can be read. entry: the signed bytes. fields: what they say."""

    entry: bytes
    signature: bytes
    fields: dict[str, object]

    @property
    def sequence(self) -> int:
        """The index that the entry gives itself; -1 where it gives none."""
        number = self.fields.get("sequence")
        return number if type(number) is int else -1


def read_line(raw: bytes) -> Line | None:
    """The line {"entry":…,"signature":"…"}, or None where it is anything else."""
    match = re.fullmatch(rb'\{"entry":(\{.*\}),"signature":"([A-Za-z0-9+/]{86}==)"\}\n?', raw)
    if not match:
        return None
    try:
        fields = json.loads(match[1])
    except (ValueError, RecursionError):
        return None
    return Line(match[1], base64.b64decode(match[2]), fields)


@dataclass
class Walk:
    """A walk along the ledger, from the first entry to the first one that is wrong."""

    key: Key
    wanted: dict[int, list[Checkpoint]]
    keys: list[tuple[int, Key]] = field(default_factory=list)
    tree: Tree = field(default_factory=Tree)
    time: str = ""
    agreed: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    open: dict[int, None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sizes = frozenset(self.wanted)

    def key_for(self, index: int) -> Key:
        """The key that signs entry `index`, and the checkpoints of `index` entries."""
        return next((key for since, key in reversed(self.keys) if since < index), self.key)

    def authentic(self, line: Line) -> bool:
        """Whether this line was signed for the place in the ledger that it names."""
        if line.sequence < 0:
            return False
        receipt = Receipt(self.key.name, line.sequence, hash_leaf(line.entry), line.signature)
        return self.key_for(line.sequence).signed(line.signature, receipt.promise)

    def step(self, line: Line) -> Iterator[Finding]:
        """Take in the line that stands where it should; what is wrong with it, or with the tree up to it."""
        index, kind = self.tree.size, str(line.fields.get("kind"))
        if line.fields.get("after_checkpoint") is True and index not in self.sizes:
            self.lost.append(index)
        self.tree.grow(hash_leaf(line.entry))
        yield from self._time(index, kind, line)
        yield from self._key(index, kind, line)
        yield from self.heads()
        self.kinds[kind] += 1
        decision = line.fields.get("decision")
        if kind == "decision" and line.fields.get("verdict", "permit") == "permit":
            self.open[index] = None
        elif kind == "result" and type(decision) is int and self.open.pop(decision, self) is self:
            self.notes.append(f"entry {index} is a result of {decision}, which was not an open decision")

    def heads(self) -> Iterator[Finding]:
        """Compare the tree as it is now with what was signed for its size."""
        size = self.tree.size
        for checkpoint in self.wanted.pop(size, []):
            if not checkpoint.signed_by(self.key_for(size)):
                yield Finding("key", size, f"the checkpoint of {size} entries is not signed by the ledger's key")
            elif checkpoint.root != self.tree.root():
                where = f"among entries {self.agreed} to {size - 1}" if size else "before the first entry"
                yield Finding(
                    "tree", self.agreed, f"the ledger is not the one signed at {size} entries: it differs {where}"
                )
            else:
                self.agreed = max(self.agreed, size)

    def _time(self, index: int, kind: str, line: Line) -> Iterator[Finding]:
        time, before = str(line.fields.get("time")), self.time
        self.time = time
        if kind == "clock":
            self.notes.append(
                f"entry {index}: the clock was put back from {before} to {time}: {line.fields.get('reason')}"
            )
            if line.fields.get("previous") != before:
                yield Finding("time", index, f"entry {index} says a wrong time of the entry before it")
        elif time < before:
            yield Finding("time", index, f"entry {index} is of {time}, earlier than the entry before it ({before})")

    def _key(self, index: int, kind: str, line: Line) -> Iterator[Finding]:
        if (index == 0) != (kind == "key") and index == 0:
            yield Finding("key", 0, "entry 0 does not name the ledger's key")
        if kind != "key":
            return
        try:
            named = read_key(str(line.fields.get("key")))
        except Unreadable as error:
            yield Finding("key", index, f"entry {index} names no key: {error}")
            return
        if named.name != self.key.name or (index == 0 and named != self.key):
            yield Finding("key", index, f"entry {index} names the key {named}, which is not the ledger's")
        elif index:
            self.notes.append(f"entry {index} hands the ledger over to the key {named}")
            self.keys.append((index, named))


def examine(
    lines: Iterable[bytes],
    checkpoints: Sequence[Checkpoint],
    key: Key,
    *,
    trusted: Sequence[Key] = (),
    receipts: Sequence[Receipt] = (),
    live: bool = False,
) -> Report:
    """Walk along `lines` from the first entry, which must name `key`, and stop at the first that is wrong.

    Every checkpoint must be of the entries that it counts. trusted: keys that the reader knows; where there are
    any, the first or the last key that signed must be among them. live: entries after the newest checkpoint are no
    fault.
    """
    wanted: dict[int, list[Checkpoint]] = {}
    for checkpoint in checkpoints:
        wanted.setdefault(checkpoint.size, []).append(checkpoint)
    held: dict[int, list[Receipt]] = {}
    for receipt in receipts:
        held.setdefault(receipt.index, []).append(receipt)
    total = max(wanted, default=0)
    walk, rest = Walk(key, wanted), iter(lines)
    findings = list(walk.heads())
    for raw in rest:
        if findings:
            break
        line, index = read_line(raw), walk.tree.size
        if line is None or line.sequence != index or not walk.authentic(line):
            findings.append(_misplaced(walk, line, rest))
        elif index >= total and not live:
            findings.append(Finding("added", index, f"entry {index} was added: {total} entries were signed for"))
        else:
            findings += walk.step(line)
            findings += _broken(held.pop(index, []), walk, hash_leaf(line.entry))
    size = walk.tree.size
    if not findings and size < total:
        text = f"entry {size} and all after it were removed: {total} entries were signed for"
        findings.append(Finding("removed", size, text))
    if not findings:
        findings += [Finding("removed", i, f"entry {i} was removed: you hold a receipt for it") for i in sorted(held)]
    if not findings:
        findings += [Finding("removed", n, f"the checkpoint of {n} entries was removed") for n in walk.lost]
    if trusted and key not in trusted and walk.key_for(size) not in trusted:
        findings.insert(0, Finding("key", 0, f"the ledger was signed by {key}, not by {trusted[0]}"))
    if size > total and not findings:
        walk.notes.append(
            f"entries {total} to {size - 1} are newer than the newest checkpoint; each is signed by itself"
        )
    return Report(key.name, size, findings, _notes(walk, findings), tuple(walk.open))


def _misplaced(walk: Walk, line: Line | None, rest: Iterator[bytes]) -> Finding:
    """What happened at the first line that is not the one signed for its place."""
    index = walk.tree.size
    later = {later_line.sequence for later_line in map(read_line, rest) if later_line}
    if line is None or not walk.authentic(line):
        if index in later:
            return Finding("added", index, f"something was added before entry {index}, that nobody signed")
        return Finding("changed", index, f"entry {index} was changed: it is not what was signed")
    if line.sequence < index:
        return Finding("added", index, f"entry {line.sequence} stands a second time, in the place of entry {index}")
    if index in later:
        return Finding("moved", index, f"entry {index} was moved: entry {line.sequence} stands in its place")
    return Finding("removed", index, f"entry {index} was removed: entry {line.sequence} follows on entry {index - 1}")


def _broken(receipts: Iterable[Receipt], walk: Walk, leaf: bytes) -> Iterator[Finding]:
    for receipt in receipts:
        if receipt.origin != walk.key.name or not walk.key_for(receipt.index).signed(
            receipt.signature, receipt.promise
        ):
            yield Finding("receipt", receipt.index, f"the receipt for entry {receipt.index} is not by the ledger's key")
        elif receipt.leaf_hash != leaf:
            yield Finding(
                "changed", receipt.index, f"entry {receipt.index} is not the one that the receipt was given for"
            )


def _notes(walk: Walk, findings: Sequence[Finding]) -> list[str]:
    notes = list(walk.notes)
    if not findings:
        notes.append("entries: " + (", ".join(f"{n} {kind}" for kind, n in sorted(walk.kinds.items())) or "none"))
        if walk.open:
            some = ", ".join(map(str, list(walk.open)[:10])) + (", …" if len(walk.open) > 10 else "")
            notes.append(f"{len(walk.open)} decisions without a result: {some}")
    return notes


def verify_folder(
    folder: Path, keys: Sequence[Key], since: Sequence[Checkpoint], receipts: Sequence[Receipt]
) -> Report:
    """Check an export. Without `keys`, the folder's own is believed."""
    own = read_key(_read(folder / KEY).decode("utf-8", "replace"))
    try:
        notes = [str(json.loads(line)) for line in _read(folder / CHECKPOINTS).splitlines()]
    except ValueError as error:
        raise Unreadable(f"{CHECKPOINTS} holds one JSON text per line") from error
    checkpoints = [read_checkpoint(note.encode("utf-8", "surrogatepass")) for note in notes]
    if not checkpoints:
        raise Unreadable(f"{CHECKPOINTS} is empty: nothing was signed")
    newest = max(checkpoint.size for checkpoint in checkpoints)
    for checkpoint in since:
        if checkpoint.size > newest:
            text = f"entry {newest} and all after it were removed: {checkpoint.size} were signed for before"
            return Report(own.name, 0, [Finding("removed", newest, text)], [])
    try:
        with (folder / ENTRIES).open("rb") as lines:
            report = examine(lines, [*checkpoints, *since], own, trusted=keys, receipts=receipts)
    except OSError as error:
        raise Unreadable(f"{ENTRIES} cannot be read: {type(error).__name__}") from error
    if not keys:
        text = f"the key is the folder's own; compare it with one that you have from elsewhere: {own}"
        return replace(report, notes=[*report.notes, text])
    return report


def verify_proof(
    raw: bytes, keys: Sequence[Key], receipts: Sequence[Receipt], openings: Sequence[Opening] = ()
) -> Report:
    """Check that one entry, carried in the proof itself, is in the ledger that one of `keys` signs.

    openings: what somebody says that the entry committed to.
    """
    head, _, tail = raw.partition(b"\n\n")
    lines = head.decode("utf-8", "replace").split("\n")
    if len(lines) < 3 or not lines[1].startswith("extra ") or not lines[2].startswith("index "):
        raise Unreadable("a proof of this ledger has the entry as extra data, an index, hashes and a checkpoint")
    entry, index = read_base64(lines[1].removeprefix("extra ")), read_number(lines[2].removeprefix("index "))
    proof, checkpoint, leaf = [read_base64(line) for line in lines[3:]], read_checkpoint(tail), hash_leaf(entry)
    findings = []
    if not any(map(checkpoint.signed_by, keys)):
        findings.append(Finding("key", index, "the proof's checkpoint is not signed by a key that you gave"))
    elif not includes(leaf, index, checkpoint.size, proof, checkpoint.root):
        findings.append(Finding("changed", index, f"this is not entry {index} of the signed ledger"))
    for receipt in receipts:
        if (receipt.origin, receipt.index) != (checkpoint.origin, index):
            findings.append(Finding("receipt", index, f"the receipt is for entry {receipt.index} of {receipt.origin}"))
        elif not any(key.signed(receipt.signature, receipt.promise) for key in keys):
            findings.append(Finding("receipt", index, "the receipt is not by a key that you gave"))
        elif receipt.leaf_hash != leaf:
            findings.append(Finding("changed", index, f"entry {index} is not the one that the receipt was given for"))
    committed = _commitments(entry)
    for opening in openings:
        if committed.get(opening.name) != opening.commitment:
            text = f"entry {index} did not commit to this value of {opening.name}"
            findings.append(Finding("changed", index, text))
    notes = [f"entry {index}: {entry.decode('utf-8', 'replace')}"]
    notes += [f"private {opening.name}: {opening.value}" for opening in openings]
    return Report(checkpoint.origin, checkpoint.size, findings, notes, verified=f"entry {index} is one of them")


def _commitments(entry: bytes) -> dict[str, object]:
    try:
        commitments = json.loads(entry)["commitments"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return commitments if isinstance(commitments, dict) else {}


def verify_growth(raw: bytes, keys: Sequence[Key], since: Sequence[Checkpoint]) -> Report:
    """Check that the ledger grew from the reader's own checkpoint to the one in the proof, and lost nothing."""
    head, _, note = raw.partition(b"\n\n")
    lines = head.decode("utf-8", "replace").split("\n")
    size, proof, new = (
        read_number(lines[0].removeprefix("old ")),
        list(map(read_base64, lines[1:])),
        read_checkpoint(note),
    )
    old = next((checkpoint for checkpoint in since if checkpoint.size == size), None)
    if old is None:
        raise Unreadable(f"bring the checkpoint of {size} entries that you hold: --since CHECKPOINT")
    findings = []
    for name, checkpoint in (("older", old), ("newer", new)):
        if checkpoint.origin != old.origin or not any(map(checkpoint.signed_by, keys)):
            text = f"the {name} checkpoint is not signed by a key that you gave"
            findings.append(Finding("key", checkpoint.size, text))
    if not findings and not extends(old.size, new.size, old.root, new.root, proof):
        text = f"the ledger of {new.size} entries does not continue that of {old.size}"
        findings.append(Finding("tree", 0, text))
    return Report(
        new.origin, new.size, findings, [], verified=f"the first {old.size} are those of the older checkpoint"
    )


def verify(
    path: Path,
    keys: Sequence[Key],
    since: Sequence[Checkpoint],
    receipts: Sequence[Receipt],
    openings: Sequence[Opening] = (),
) -> Report:
    """Check whatever lies at `path`: an exported folder, a proof of one entry, or a proof of growth."""
    if openings and (path.is_dir() or not _read(path).startswith(PROOF)):
        raise Unreadable("openings are checked against the proof of their entry")
    if path.is_dir():
        return verify_folder(path, keys, since, receipts)
    raw = _read(path)
    if not keys:
        raise Unreadable("a proof is checked against a key: --key KEY")
    if raw.startswith(PROOF):
        return verify_proof(raw, keys, receipts, openings)
    if raw.startswith(b"old "):
        return verify_growth(raw, keys, since)
    raise Unreadable("this is neither an exported folder nor a proof")


def say(report: Report) -> str:
    """The report as lines of text, the verdict last."""
    lines = [f"note: {note}" for note in report.notes]
    lines += [f"ALTERED: {finding.text}" for finding in report.findings[1:]]
    return "\n".join([*lines, report.sentence()]) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Check an exported Countenance ledger, or a proof from one.")
    parser.add_argument("path", type=Path, help="exported folder, .tlog-proof or .tlog-growth file")
    parser.add_argument(
        "--key", action="append", default=[], help="the ledger's key (name+id+base64), from a source that you trust"
    )
    parser.add_argument("--since", type=Path, action="append", default=[], help="checkpoint file that you hold")
    parser.add_argument("--receipt", action="append", default=[], help="receipt that you hold (v1;…)")
    parser.add_argument("--openings", type=Path, help="file of private values that were disclosed to you")
    asked = parser.parse_args(arguments)
    try:
        report = verify(
            asked.path,
            [read_key(text) for text in asked.key],
            [read_checkpoint(_read(path)) for path in asked.since],
            [read_receipt(text) for text in asked.receipt],
            read_openings(_read(asked.openings)) if asked.openings else (),
        )
    except Unreadable as error:
        sys.stderr.write(f"cannot check: {error}\n")
        return 2
    sys.stdout.write(say(report))
    return 1 if report.findings else 0


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unreadable(f"{path.name} cannot be read: {type(error).__name__}") from error


if __name__ == "__main__":
    raise SystemExit(main())
