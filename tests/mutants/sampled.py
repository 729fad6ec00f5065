"""Try some mutants of the folder that this is started in: `sampled.py COUNT SEED`, for `run.py --sample`."""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import mutmut.__main__ as mutmut
from mutmut.workers.isolation import ForkRunner

NAMES = Path("sampled.json")


def main(count: int, seed: int) -> None:
    """Write the names of the mutants that were drawn, and try those of them that have no result yet."""
    collected = mutmut.collect_source_file_mutation_data

    def drawn(**asked: Any) -> Any:
        mutants, files = collected(**asked)
        mutants = sorted(mutants, key=lambda mutant: mutant[1])
        chosen = random.Random(seed).sample(mutants, min(count, len(mutants)))
        NAMES.write_text(json.dumps({"of": len(mutants), "names": sorted(name for _, name, _ in chosen)}))
        return chosen, files

    with (
        patch.object(mutmut, "collect_source_file_mutation_data", drawn),
        # the run that finds out which test meets which function has failed already if a test does
        patch.object(ForkRunner, "run_clean_tests", lambda *_, **__: 0),
    ):
        mutmut._run((), int(os.environ.get("CHILDREN", "1")))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
