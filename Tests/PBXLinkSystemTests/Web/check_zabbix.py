# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: pbxlink contributors
"""Checks that each JSONPath of a Zabbix template (first argument) finds its key in a status document (second)."""

import json
import re
import sys

import yaml

STEP = re.compile(r"\.(?P<call>first|length)\(\)|\.(?P<key>\w+)|\[\?\(@\.(?P<by>\w+)=='(?P<name>[^']*)'\)\]")


def look_up(path, value):
    """The value at a path; a LookupError tells what is not there."""
    position, found = len("$"), None
    while position < len(path):
        step = STEP.match(path, position)
        if not step:
            raise LookupError(f"'{path[position:]}' is not understood here")
        position = step.end()
        if step["by"]:
            found = [entry for entry in value if entry.get(step["by"]) == step["name"]]
            value = found[0] if found else None
        elif step["key"]:
            if not isinstance(value, dict) or step["key"] not in value:
                raise LookupError(f"no key '{step['key']}'")
            value = value[step["key"]]
        elif step["call"] == "length":
            value = len(value)
    if found is not None and step["call"] != "first":
        raise LookupError("a filter gives a list: '.first()' is missing")
    return value


def need(key, path, document):
    checked.append(path)
    try:
        return look_up(path, document)
    except LookupError as error:
        sys.exit(f"{key}: '{path}': {error}")


def paths(item):
    return [step["parameters"][0] for step in item.get("preprocessing", []) if step["type"] == "JSONPATH"]


checked = []
template = yaml.safe_load(open(sys.argv[1], encoding="utf-8"))["zabbix_export"]["templates"][0]
status = json.load(open(sys.argv[2], encoding="utf-8"))
for item, path in ((item, path) for item in template["items"] for path in paths(item)):
    need(item["key"], path, status)
for rule in template["discovery_rules"]:
    for peer in need(rule["key"], paths(rule)[0], status):
        macros = {macro["lld_macro"]: need(rule["key"], macro["path"], peer) for macro in rule["lld_macro_paths"]}
        for item, path in ((item, path) for item in rule["item_prototypes"] for path in paths(item)):
            need(item["key"], path.replace("{#PEER}", macros["{#PEER}"]), status)
print(f"paths that find their key: {len(checked)}")
