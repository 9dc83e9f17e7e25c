# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: pbxlink contributors
"""validate.py SCHEMA [DOCUMENT...]: says what in the documents, or in standard input, the schema does not allow.

Keys that the schema does not know are faults here, although readers must allow for them: the schema names all.
"""
import json
import sys

import jsonschema


def close(schema):
    """Forbids unknown keys in all objects of a schema."""
    if isinstance(schema, dict):
        if "properties" in schema:
            schema["additionalProperties"] = False
        for part in schema.values():
            close(part)


schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
close(schema)
validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
faults = 0
for name in sys.argv[2:] or ["/dev/stdin"]:
    for error in validator.iter_errors(json.load(open(name))):
        print(f"{name}: {error.json_path}: {error.message}")
        faults += 1
sys.exit(faults > 0)
