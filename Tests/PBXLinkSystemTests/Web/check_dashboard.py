# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: pbxlink contributors
"""check_dashboard.py DASHBOARD: says what in a dashboard Grafana's own types (of version 10.1) do not know or would change."""

import json
import sys

from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard


def compare(ours, theirs, path="$"):
    """Everything of ours that is not the same in theirs."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            yield from compare(value, theirs.get(key), f"{path}.{key}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for index, pair in enumerate(zip(ours, theirs)):
            yield from compare(*pair, f"{path}[{index}]")
    elif ours != theirs:
        yield f"{path}: {ours!r} becomes {theirs!r}"


plugins.register_default_plugins()
ours = json.load(open(sys.argv[1]))
theirs = Dashboard.from_json(ours)
faults = list(compare(ours, json.loads(JSONEncoder().encode(theirs))))
print("\n".join(faults) or f"panels that Grafana knows: {len(theirs.panels)}")
sys.exit(bool(faults))
