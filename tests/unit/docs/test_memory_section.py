"""What docs/operating.md says of memory follows from the limits and the last soak."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from countenance.api.azure import server as azure
from countenance.api.native.key_access import KEY_LIMITS
from countenance.api.native.middleware import OPERATOR_LIMITS, PICTURE_LIMITS
from countenance.api.rekognition import server as rekognition
from countenance.console.door import LIMITS
from countenance.engine.decode import decoding_room
from countenance.engine.further import BYTES_A_PIXEL
from countenance.engine.limits import DEFAULT

ROOT = Path(__file__).parents[3]
SECTION = (ROOT / "docs" / "operating.md").read_text().partition("\n## Memory\n")[2].partition("\n## ")[0]
MIB = 2**20


def test_the_bound_is_the_sum_of_the_limits_and_of_what_the_last_soak_held() -> None:
    measured = json.loads((ROOT / "benchmarks/results/hardening.json").read_text())["suites"]["test_memory"]["measured"]
    soak = measured["MiB at each twelfth of the soak"]
    native = (KEY_LIMITS.held_bytes + PICTURE_LIMITS.held_bytes + OPERATOR_LIMITS.held_bytes) // MIB
    doors = [rekognition.LIMITS.held_bytes // MIB, azure.LIMITS.held_bytes // MIB, native, LIMITS.held_bytes // MIB]
    shared = decoding_room()[1] // MIB
    room = max(shared, DEFAULT.max_pixels * max(BYTES_A_PIXEL.values()) // MIB)
    picture = DEFAULT.max_pixels * 3 / MIB
    text = " ".join(SECTION.split())
    assert "{} of the Rekognition dialect, {} of Azure's, {} of `/v1`, {} of the console".format(*doors) in text
    assert (
        f"| {2 * sum(doors):,} |" in text
        and f"| {room:,} |" in text
        and f" {shared:,}, or one larger" in text
        and f"| {picture:.0f} each |" in text
    )
    assert f"{soak[0]} MiB to {soak[5]} by half of the time and {soak[-1]} at its end" in text
    assert f"| {soak[-1]}, measured |" in text and f"{measured['calls in the soak']:,} calls" in text
    added = measured["MiB that eight PNGs of 40 MP with 16 bits at once take at the peak"]
    assert f"added {added:,} MiB" in text
    assert 4250 < soak[-1] + room + 4 * picture + 2 * sum(doors) < 4500 and "below 4,500 MiB" in text


def test_the_pod_may_take_the_bound() -> None:
    pods = yaml.safe_load_all((ROOT / "deploy/kubernetes/server.yaml").read_text())
    limits = [
        each["resources"]["limits"]["memory"]
        for made in pods
        if made["kind"] in ("Deployment", "StatefulSet")
        for each in made["spec"]["template"]["spec"]["containers"]
    ]
    assert limits == ["5Gi"] and "may take 5 GiB" in " ".join(SECTION.split())
