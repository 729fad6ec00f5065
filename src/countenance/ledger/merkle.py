"""The Merkle tree of RFC 6962, section 2.1, as pure functions over hashes; nothing here reads or writes anything.

D[n] are the n entries, MTH their tree hash, D[a:b] the entries a <= i < b. All hashes are SHA-256, 32 bytes.
Functions that make proofs take `subtree(a, b)`, which returns MTH(D[a:b]), for ranges that arise from the RFC's splits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

Subtree = Callable[[int, int], bytes]
"""(a, b) -> MTH(D[a:b])."""
Lookup = Callable[[int, int], bytes]
"""(level, position) -> hash of the complete subtree over the 2**level entries from position * 2**level on."""


def leaf_hash(entry: bytes) -> bytes:
    """MTH of one entry: SHA-256(0x00 || entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """MTH of a tree from those of its two halves: SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def split(n: int) -> int:
    """k, the largest power of two smaller than n (n >= 2)."""
    return 1 << (n - 1).bit_length() - 1


def tree_hash(leaves: Sequence[bytes]) -> bytes:
    """MTH(D[n]) from the leaf hashes of the n entries; of no entries, the SHA-256 of nothing."""
    n = len(leaves)
    if n == 0:
        return hashlib.sha256().digest()
    if n == 1:
        return leaves[0]
    k = split(n)
    return node_hash(tree_hash(leaves[:k]), tree_hash(leaves[k:]))


def subtree_of(lookup: Lookup) -> Subtree:
    """MTH of ranges, combined from complete subtrees."""

    def subtree(a: int, b: int) -> bytes:
        n = b - a
        if n & (n - 1) == 0:
            level = n.bit_length() - 1
            return lookup(level, a >> level)
        k = split(n)
        return node_hash(subtree(a, a + k), subtree(a + k, b))

    return subtree


def inclusion_proof(m: int, n: int, subtree: Subtree) -> list[bytes]:
    """PATH(m, D[n]): the hashes that lead from entry m to MTH(D[n]), lowest first. `ValueError` unless 0 <= m < n."""
    if not 0 <= m < n:
        raise ValueError(f"no entry {m} in a tree of {n}")
    return _path(m, 0, n, subtree)


def _path(m: int, a: int, b: int, subtree: Subtree) -> list[bytes]:
    if b - a == 1:
        return []
    k = a + split(b - a)
    if m < k:
        return [*_path(m, a, k, subtree), subtree(k, b)]
    return [*_path(m, k, b, subtree), subtree(a, k)]


def consistency_proof(m: int, n: int, subtree: Subtree) -> list[bytes]:
    """PROOF(m, D[n]): shows that the tree of m entries is a prefix of that of n. `ValueError` unless 0 <= m <= n.

    The empty tree is a prefix of every tree; its proof is empty.
    """
    if not 0 <= m <= n:
        raise ValueError(f"a tree of {m} entries is no prefix of one of {n}")
    return _subproof(m, 0, n, True, subtree) if m else []


def _subproof(m: int, a: int, b: int, whole: bool, subtree: Subtree) -> list[bytes]:
    """SUBPROOF(m - a, D[a:b], whole); whole: D[a:b] starts where the old tree does, so its hash is known already."""
    if m == b:
        return [] if whole else [subtree(a, b)]
    k = a + split(b - a)
    if m <= k:
        return [*_subproof(m, a, k, whole, subtree), subtree(k, b)]
    return [*_subproof(m, k, b, False, subtree), subtree(a, k)]


def verify_inclusion(leaf: bytes, m: int, n: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `proof` shows that the entry with hash `leaf` is number m of the n under `root`."""
    if not 0 <= m < n or not _are_hashes([leaf, root, *proof]):
        return False
    try:
        return _climb(leaf, m, n, list(proof)) == root
    except _WrongLength:
        return False


def _climb(leaf: bytes, m: int, n: int, proof: list[bytes]) -> bytes:
    if n == 1:
        if proof:
            raise _WrongLength
        return leaf
    if not proof:
        raise _WrongLength
    k, sibling = split(n), proof.pop()
    if m < k:
        return node_hash(_climb(leaf, m, k, proof), sibling)
    return node_hash(sibling, _climb(leaf, m - k, n - k, proof))


def verify_consistency(m: int, n: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that the tree of m entries under `old_root` is a prefix of that of n under `new_root`."""
    if not 0 <= m <= n or not _are_hashes([old_root, new_root, *proof]):
        return False
    if m == 0:
        return not proof and old_root == tree_hash([]) and (n > 0 or new_root == old_root)
    try:
        return _climb_both(m, n, True, old_root, list(proof)) == (old_root, new_root)
    except _WrongLength:
        return False


def _climb_both(m: int, n: int, whole: bool, old_root: bytes, proof: list[bytes]) -> tuple[bytes, bytes]:
    """The old and the new tree's hash over these n entries, of which the old tree holds m."""
    if m == n:
        if whole == bool(proof) or len(proof) > 1:
            raise _WrongLength
        same = old_root if whole else proof[0]
        return same, same
    if not proof:
        raise _WrongLength
    k, sibling = split(n), proof.pop()
    if m <= k:
        old, new = _climb_both(m, k, whole, old_root, proof)
        return old, node_hash(new, sibling)
    old, new = _climb_both(m - k, n - k, False, old_root, proof)
    return node_hash(sibling, old), node_hash(sibling, new)


class _WrongLength(Exception):
    """The proof holds more or fewer hashes than these sizes need."""


def _are_hashes(values: Sequence[bytes]) -> bool:
    return all(len(value) == 32 for value in values)


class Node(NamedTuple):
    """The hash of a complete subtree over the 2**level entries from position * 2**level on."""

    level: int
    position: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Frontier:
    """What must be known of a tree to append to it and to compute its root.

    size: entries so far. peaks: hashes of the complete subtrees that cover them, the largest first, one for each bit
    set in `size`.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if len(self.peaks) != self.size.bit_count():
            raise ValueError(f"a tree of {self.size} has {self.size.bit_count()} peaks, got {len(self.peaks)}")

    def grown(self, leaf: bytes) -> tuple[Frontier, list[Node]]:
        """The frontier with one more entry, and the complete subtrees that it closed: its leaf first, then upwards."""
        size, peaks, level, kept, top = self.size, self.peaks, 0, len(self.peaks), leaf
        nodes = [Node(0, size, leaf)]
        while size >> level & 1:
            kept, level = kept - 1, level + 1
            top = node_hash(peaks[kept], top)
            nodes.append(Node(level, size >> level, top))
        return Frontier(size + 1, (*peaks[:kept], top)), nodes

    def root(self) -> bytes:
        """MTH(D[size])."""
        if not self.peaks:
            return tree_hash([])
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root

    @classmethod
    def of(cls, size: int, lookup: Lookup) -> Frontier:
        """The frontier of the first `size` entries of a tree whose complete subtrees `lookup` knows."""
        levels = [level for level in reversed(range(size.bit_length())) if size >> level & 1]
        return cls(size, tuple(lookup(level, (size >> level) - 1) for level in levels))
