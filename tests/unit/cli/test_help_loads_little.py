"""`--help` of every command answers without loading what takes seconds."""

import json
import subprocess
import sys

from countenance.cli.migrate import command as migration
from countenance.cli.quality import QUALITY_FILTERS
from countenance.operations import IDENTICAL, QualityFilter

HEAVY = {"numpy", "scipy", "openvino", "numba", "cv2", "botocore"}
LOADS_ITS_WORK = {"calibrate", "redact"}
"""Not split yet into what is declared and what does it: this list only shrinks."""

PROGRAM = f"""
import json, sys
import click
from countenance.cli import cli

def loaded(command, context, words):
    before = {HEAVY} & sys.modules.keys()
    command.get_help(context)
    found = {{}}
    for word in command.list_commands(context) if isinstance(command, click.Group) else ():
        path = [*words, word]
        if " ".join(path) not in {LOADS_ITS_WORK}:
            inner = command.get_command(context, word)
            found |= loaded(inner, click.Context(inner, context, info_name=word), path)
    heavy = sorted(({HEAVY} & sys.modules.keys()) - before)
    return {{" ".join(words): heavy, **found}}

print(json.dumps(loaded(cli, click.Context(cli, info_name="countenance"), [])))
"""


def test_help_of_no_command_loads_an_engine_or_numpy() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    loaded = json.loads(done.stdout)
    assert {"mandate grant", "ledger verify", "models list", "enrol", "demo", "doctor"} <= loaded.keys()
    assert {command: heavy for command, heavy in loaded.items() if heavy} == {}


def test_values_that_are_written_out_for_help_are_those_of_the_operations() -> None:
    assert [*QualityFilter] == list(QUALITY_FILTERS)
    assert migration._IDENTICAL == IDENTICAL
