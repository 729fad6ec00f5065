"""The tree against RFC 6962: known roots, a naive reading of the RFC, pymerkle, and every single-bit mutation."""

from __future__ import annotations

import hashlib
import random

import pymerkle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from countenance.ledger import merkle, verifier

SIZES = range(65)
LEAVES = [merkle.leaf_hash(bytes([n])) for n in range(64)]

# The eight leaves and roots of the Certificate Transparency reference implementation's tests.
CT_LEAVES = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    bytes(range(0x50, 0x58)),
    bytes(range(0x60, 0x70)),
]
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def naive_root(entries: list[bytes]) -> bytes:
    """MTH as the RFC's formulas read, on entries instead of hashes."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    k = 1
    while 2 * k < len(entries):
        k *= 2
    return hashlib.sha256(b"\x01" + naive_root(entries[:k]) + naive_root(entries[k:])).digest()


def naive_path(m: int, entries: list[bytes]) -> list[bytes]:
    if len(entries) == 1:
        return []
    k = 1
    while 2 * k < len(entries):
        k *= 2
    if m < k:
        return [*naive_path(m, entries[:k]), naive_root(entries[k:])]
    return [*naive_path(m - k, entries[k:]), naive_root(entries[:k])]


def naive_subproof(m: int, entries: list[bytes], whole: bool) -> list[bytes]:
    if m == len(entries):
        return [] if whole else [naive_root(entries)]
    k = 1
    while 2 * k < len(entries):
        k *= 2
    if m <= k:
        return [*naive_subproof(m, entries[:k], whole), naive_root(entries[k:])]
    return [*naive_subproof(m - k, entries[k:], False), naive_root(entries[:k])]


def subtree(a: int, b: int) -> bytes:
    return merkle.tree_hash(LEAVES[a:b])


ENTRIES = [bytes([n]) for n in range(64)]
ROOTS = [merkle.tree_hash(LEAVES[:n]) for n in SIZES]


def test_the_reference_implementations_roots() -> None:
    leaves = [merkle.leaf_hash(entry) for entry in CT_LEAVES]
    assert [merkle.tree_hash(leaves[: n + 1]).hex() for n in range(8)] == CT_ROOTS


def test_the_empty_trees_root_is_the_hash_of_nothing() -> None:
    assert merkle.tree_hash([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("n", SIZES)
def test_roots_and_proofs_are_those_of_the_formulas_and_of_pymerkle(n: int) -> None:
    assert ROOTS[n] == naive_root(ENTRIES[:n])
    tree = pymerkle.InmemoryTree.init_from_entries(ENTRIES[:n])
    if n:
        assert tree.get_root() == ROOTS[n]
    for m in range(n):
        path = merkle.inclusion_proof(m, n, subtree)
        assert path == naive_path(m, ENTRIES[:n])
        theirs = tree.prove_inclusion(m + 1, n)
        pymerkle.verify_inclusion(LEAVES[m], ROOTS[n], theirs)
        assert sorted(path) == sorted(bytes.fromhex(h) for h in theirs.serialize()["path"] if h != LEAVES[m].hex())
    for m in range(1, n + 1):
        assert merkle.consistency_proof(m, n, subtree) == naive_subproof(m, ENTRIES[:n], True)


@pytest.mark.parametrize("n", SIZES)
def test_every_proof_verifies_for_its_own_numbers_only(n: int) -> None:
    for m in range(n):
        proof = merkle.inclusion_proof(m, n, subtree)
        for check in (merkle.verify_inclusion, verifier.includes):
            assert check(LEAVES[m], m, n, proof, ROOTS[n])
            for other in {m - 1, m + 1, n - 1} - {m}:
                assert not (other >= 0 and check(LEAVES[m], other, n, proof, ROOTS[n]))
            for at in range(len(proof) + 1):
                assert not check(LEAVES[m], m, n, [*proof[:at], LEAVES[0], *proof[at:]], ROOTS[n])
            if proof:
                assert not check(LEAVES[m], m, n, proof[:-1], ROOTS[n])
                assert not check(LEAVES[m], m, n, proof[1:], ROOTS[n])
    for m in range(n + 1):
        proof = merkle.consistency_proof(m, n, subtree)
        for holds in (merkle.verify_consistency, verifier.extends):
            assert holds(m, n, ROOTS[m], ROOTS[n], proof)
            for at in range(len(proof) + 1):
                assert not holds(m, n, ROOTS[m], ROOTS[n], [*proof[:at], LEAVES[0], *proof[at:]])
            if proof:
                assert not holds(m, n, ROOTS[m], ROOTS[n], proof[:-1])
                assert not holds(m, n, ROOTS[m], ROOTS[n], proof[1:])
            if 0 < m < n:
                assert not holds(m, n, ROOTS[m], ROOTS[n - 1], proof) or ROOTS[n] == ROOTS[n - 1]
                assert not holds(m, n, ROOTS[m + 1], ROOTS[n], proof)


def flipped(value: bytes, bit: int) -> bytes:
    changed = bytearray(value)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 13, 31, 32, 33, 64])
def test_no_bit_of_an_inclusion_proof_can_be_flipped_unseen(n: int) -> None:
    for m in {0, n // 2, n - 1}:
        proof = merkle.inclusion_proof(m, n, subtree)
        for element in range(len(proof)):
            for bit in range(256):
                forged = [*proof[:element], flipped(proof[element], bit), *proof[element + 1 :]]
                assert not merkle.verify_inclusion(LEAVES[m], m, n, forged, ROOTS[n])
                assert not verifier.includes(LEAVES[m], m, n, forged, ROOTS[n])
        for bit in range(256):
            assert not merkle.verify_inclusion(flipped(LEAVES[m], bit), m, n, proof, ROOTS[n])
            assert not merkle.verify_inclusion(LEAVES[m], m, n, proof, flipped(ROOTS[n], bit))


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 13, 31, 32, 33, 64])
def test_no_bit_of_a_consistency_proof_can_be_flipped_unseen(n: int) -> None:
    for m in {1, n // 2, n - 1} - {0, n}:
        proof = merkle.consistency_proof(m, n, subtree)
        for element in range(len(proof)):
            for bit in range(256):
                forged = [*proof[:element], flipped(proof[element], bit), *proof[element + 1 :]]
                assert not merkle.verify_consistency(m, n, ROOTS[m], ROOTS[n], forged)
                assert not verifier.extends(m, n, ROOTS[m], ROOTS[n], forged)
        for bit in range(256):
            assert not merkle.verify_consistency(m, n, flipped(ROOTS[m], bit), ROOTS[n], proof)
            assert not merkle.verify_consistency(m, n, ROOTS[m], flipped(ROOTS[n], bit), proof)


@pytest.mark.parametrize("wrong", [b"", bytes(31), bytes(33)])
def test_what_is_no_hash_is_no_proof(wrong: bytes) -> None:
    for included in (merkle.verify_inclusion, verifier.includes):
        assert not included(LEAVES[0], 0, 2, [wrong], ROOTS[2])
        assert not included(wrong, 0, 1, [], wrong)
    for consistent in (merkle.verify_consistency, verifier.extends):
        assert not consistent(1, 2, ROOTS[1], ROOTS[2], [wrong])
        assert not consistent(2, 2, wrong, wrong, [])


@pytest.mark.parametrize(("m", "n"), [(-1, 4), (4, 4), (0, 0)])
def test_there_is_no_proof_about_an_entry_that_is_not_there(m: int, n: int) -> None:
    with pytest.raises(ValueError, match="no entry"):
        merkle.inclusion_proof(m, n, subtree)
    assert not merkle.verify_inclusion(LEAVES[0], m, n, [], LEAVES[0])
    assert not verifier.includes(LEAVES[0], m, n, [], LEAVES[0])


@pytest.mark.parametrize(("m", "n"), [(-1, 4), (5, 4)])
def test_there_is_no_proof_from_a_larger_tree_to_a_smaller(m: int, n: int) -> None:
    with pytest.raises(ValueError, match="no prefix"):
        merkle.consistency_proof(m, n, subtree)
    assert not merkle.verify_consistency(m, n, ROOTS[4], ROOTS[4], [])
    assert not verifier.extends(m, n, ROOTS[4], ROOTS[4], [])


def test_the_empty_tree_is_a_prefix_of_every_tree_and_only_under_its_own_root() -> None:
    assert merkle.verify_consistency(0, 5, ROOTS[0], ROOTS[5], [])
    assert merkle.verify_consistency(0, 0, ROOTS[0], ROOTS[0], [])
    assert not merkle.verify_consistency(0, 5, ROOTS[1], ROOTS[5], [])
    assert not merkle.verify_consistency(0, 0, ROOTS[0], ROOTS[1], [])
    assert not merkle.verify_consistency(0, 5, ROOTS[0], ROOTS[5], [LEAVES[0]])


def test_a_frontier_grows_to_the_same_root_and_knows_every_complete_subtree() -> None:
    frontier, known = merkle.Frontier(), {}
    for n, leaf in enumerate(LEAVES):
        assert frontier.root() == ROOTS[n]
        frontier, nodes = frontier.grown(leaf)
        assert nodes[0] == merkle.Node(0, n, leaf)
        for node in nodes:
            known[node.level, node.position] = node.hash
            assert node.hash == subtree(node.position << node.level, (node.position + 1) << node.level)
        assert merkle.Frontier.of(n + 1, lambda level, position: known[level, position]) == frontier
    assert frontier.root() == ROOTS[64]
    assert len(known) == 127


def test_a_frontier_without_its_peaks_is_refused() -> None:
    with pytest.raises(ValueError, match="3 peaks"):
        merkle.Frontier(7, (LEAVES[0],))


@given(st.integers(1, 5000), st.randoms(use_true_random=False))
def test_proofs_of_large_trees_are_made_of_complete_subtrees(n: int, chance: random.Random) -> None:
    known: dict[tuple[int, int], bytes] = {}

    def lookup(level: int, position: int) -> bytes:
        """A tree of which nobody holds all leaves: every hash is made when it is asked for."""
        assert (position + 1) << level <= n
        if level == 0:
            return hashlib.sha256(position.to_bytes(8)).digest()
        if (level, position) not in known:
            below = lookup(level - 1, 2 * position), lookup(level - 1, 2 * position + 1)
            known[level, position] = merkle.node_hash(*below)
        return known[level, position]

    whole = merkle.subtree_of(lookup)
    m = chance.randrange(n)
    root = merkle.Frontier.of(n, lookup).root()
    proof = merkle.inclusion_proof(m, n, whole)
    assert len(proof) <= (n - 1).bit_length()
    assert merkle.verify_inclusion(lookup(0, m), m, n, proof, root)
    assert verifier.includes(lookup(0, m), m, n, proof, root)
    old = merkle.Frontier.of(m, lookup).root()
    growth = merkle.consistency_proof(m, n, whole)
    assert merkle.verify_consistency(m, n, old, root, growth)
    assert verifier.extends(m, n, old, root, growth)


@given(st.integers(0, 40), st.integers(0, 40), st.lists(st.sampled_from(LEAVES[:40] + ROOTS[:40]), max_size=7))
def test_the_two_readings_of_the_rfc_agree_on_arbitrary_claims(m: int, n: int, proof: list[bytes]) -> None:
    if m < n:
        claim = (LEAVES[m], m, n, proof, ROOTS[n])
        assert merkle.verify_inclusion(*claim) == verifier.includes(*claim)
    growth = (m, n, ROOTS[m], ROOTS[n], proof)
    assert merkle.verify_consistency(*growth) == verifier.extends(*growth)
