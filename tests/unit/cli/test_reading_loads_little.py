"""Commands that only read a bundle, a table or a draft load nothing that takes longer than their work."""

import json
import subprocess
import sys
from pathlib import Path

from tests.unit.audit import made_up
from tests.unit.audit.score_files import score_file
from tests.unit.audit.test_cli import DRAFT

from countenance.audit.bundle import write_bundle

HEAVY = ("numpy", "pyarrow", "scipy", "numba", "matplotlib", "openvino", "cv2", "botocore")
COMMANDS = {
    "verify": ("bundle.zip",),
    "report": ("bundle.zip", "-o", "pages"),
    "check": ("scores.csv",),
    "plan": ("d.toml",),
}
"""From the one that needs least to the one that needs most."""

PROGRAM = f"""
import json, sys
from click.testing import CliRunner
from countenance.cli.audit import audit
loaded = {{}}
for name, arguments in {COMMANDS}.items():
    done = CliRunner().invoke(audit, [name, *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    loaded[name] = [module for module in {HEAVY} if module in sys.modules]
print(json.dumps(loaded))
"""


def test_reading_commands_load_no_scipy(tmp_path: Path) -> None:
    write_bundle(tmp_path / "bundle.zip", made_up.files())
    score_file(tmp_path)
    (tmp_path / "d.toml").write_text(DRAFT)
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    tables = ["numpy", "pyarrow"]
    assert json.loads(done.stdout) == {"verify": [], "report": ["numpy"], "check": tables, "plan": tables}
