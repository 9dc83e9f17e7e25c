# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: pbxlink contributors
"""Reads the same metrics in the formats of Prometheus and OpenMetrics and compares their samples; fails on any fault."""

import sys

from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client import parser as prometheus


def samples(parser, path):
    text = open(path, encoding="utf-8").read()
    return {
        (sample.name, tuple(sorted(sample.labels.items())), repr(float(sample.value)))
        for family in parser.text_string_to_metric_families(text)
        for sample in family.samples
    }


former, new = samples(prometheus, sys.argv[1]), samples(openmetrics, sys.argv[2])
if former != new:
    sys.exit(f"they differ: {former ^ new}")
print(f"the same samples: {len(new)}")
