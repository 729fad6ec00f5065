"""Print the OpenAPI document: `python -m countenance.api.native > docs/openapi.json`."""

from __future__ import annotations

import json
import sys

from countenance.api.native import document

sys.stdout.write(json.dumps(document(), indent=2, ensure_ascii=False) + "\n")
