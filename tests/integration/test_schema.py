# SPDX-License-Identifier: BSD-2-Clause
"""The schema, the validator in C and the documents must say the same.

Whatever a schema can express is compared on thousands of mutants of a document,
and word by word on what YAML 1.1 makes of what is not quoted. What only
the validator can see is the list BEYOND; tests/unit/test_topology.c has these.
"""

import copy
import json
import os
import pathlib
import random
import re
import subprocess

import jsonschema
import pytest
import yaml

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("PTNET_BUILD", TOP / "build"))
SCHEMA = json.loads((TOP / "schemas/topology.schema.json").read_text())
EXAMPLES = sorted((TOP / "topologies").glob("*.yaml"))
MODELINE = "# yaml-language-server: $schema=../schemas/topology.schema.json"
SEED = 20260101

BEYOND = re.compile(
    r"there is no (switch|pipe|port) "
    r"|is already taken at line "
    r"|is already declared by topology "
    r"|is not on this switch"
    r"|so only ports for host programs can be on it"
    r"|is of domain .*, this VM of "
    r"|the bufferSize is "
    r"|the address .* is that of port "
)

VALIDATOR = jsonschema.Draft7Validator(SCHEMA)


def findings(texts):
    """What the validator in C finds in each of the texts."""
    run = subprocess.run(
        [BUILD / "tests/unit/test_topology", "--verdict"],
        input="".join(text + "\0" for text in texts).encode(),
        stdout=subprocess.PIPE,
        check=True,
        timeout=120,
    )
    lists = [json.loads(line) for line in run.stdout.decode().splitlines()]
    assert len(lists) == len(texts)
    return lists


def schema_says(text):
    """The schema's verdict on what an ordinary loader makes of the text."""
    try:
        document = json.loads(text)
    except ValueError:
        try:
            document = yaml.safe_load(text)
        except (yaml.YAMLError, ValueError):
            return False
    return not any(VALIDATOR.iter_errors(document))


def test_unquoted_words_mean_what_yaml_1_1_says():
    rng = random.Random(SEED)
    letters = "0123456789_:.-+eExbo aAfFyYnN~tT"
    tokens = list(TOKENS)
    while len(tokens) < 500:
        token = "".join(rng.choice(letters) for _ in range(rng.randint(1, 9)))
        # PyYAML itself stumbles over a base without digits
        if token == token.strip() and not re.search(r"0[xb]_*$", token):
            tokens.append(token)
    texts = [
        "apiVersion: ptnet/v1\nkind: Topology\n" + field.format(token)
        for token in tokens
        for field in FIELDS
    ]
    for text, found in zip(texts, findings(texts)):
        assert schema_says(text) == (not found), (text, found)


def shape_findings(one):
    return [line for line in one if not BEYOND.search(line)]


def rich():
    """A document with everything in it."""
    return {
        "apiVersion": "ptnet/v1",
        "kind": "Topology",
        "metadata": {
            "name": "rich",
            "labels": {"owner": "netops", "a/b.c": ""},
            "description": "all there is",
        },
        "spec": {
            "switches": [
                {
                    "name": "s",
                    "macAgeing": "5m",
                    "macTable": 64,
                    "staticMacs": [{"mac": "02:00:00:00:00:01", "port": "p"}],
                },
                {"name": "t"},
            ],
            "pipes": [{"name": "i"}, {"name": "d", "domain": "dom"}],
            "nics": [{"device": "eth0.1", "switch": "s", "hostStack": True}],
            "ports": [
                {
                    "name": "p",
                    "switch": "s",
                    "mac": "02:00:00:00:00:01",
                    "queues": 16,
                    "slots": 4096,
                    "bufferSize": 65536,
                    "extraBuffers": 65536,
                    "hugePages": False,
                },
                {"name": "q", "pipe": "i", "end": "a"},
            ],
            "vms": [
                {
                    "name": "v",
                    "domain": "dom",
                    "interfaces": [
                        {"name": "one", "switch": "t", "queues": 2, "offload": False},
                        {"name": "two", "pipe": "d", "end": "b"},
                        {"name": "three", "nic": "eth1", "slots": 16},
                    ],
                }
            ],
        },
    }


def places(node, path=()):
    """All (container, key) pairs of a document."""
    keys = node.keys() if isinstance(node, dict) else range(len(node))
    for key in list(keys):
        yield node, key
        if isinstance(node[key], (dict, list)):
            yield from places(node[key], path + (key,))


VALUES = [
    None, True, False, 0, 1, -1, 15, 16, 17, 63, 64, 65, 100, 128, 1000, 1024,
    4095, 4096, 4097, 65535, 65536, 65537, 65600, 1048576, 2097152, 2**31,
    2**63, 2**64, -(2**70), 1.0, 64.0, 64.5, 1.5e300, "", " ", "a", "A", "b", "s",
    "p", "-", "_", "a-_9", "9", "-a", "_a", "a b", "a.b", "ä", "a" * 15,
    "a" * 16, "a" * 31, "a" * 32, "a" * 63, "a" * 64, "ä" * 256, "ä" * 257,
    "x" * 1024, "x" * 1025, "true", "yes", "1", "64", "0s", "1s", "300", "300S",
    "5m", "1h", "999h", "1000h", "9999m", "10000m", "999999s", "1000000s",
    "999999999ms", "1000000000ms", "1.5s", "-1s", " 1s", "1d", "s", "eth0",
    "eth0.1", "_eth", ".eth", "eth/0", "02:00:00:00:00:01", "02:00:00:00:00:0G",
    "01:00:00:00:00:00", "00:00:00:00:00:00", "0A:bC:00:00:00:01",
    "02-00-00-00-00-01", "02:00:00:00:00", "2:0:0:0:0:1", "ptnet/v1",
    "ptnet/v2", "Topology", "topology", "\n", "a\tb", "\x7f", "\U0001f600", [],
    [[]], [1], {}, {"name": "z"}, {"name": "z", "switch": "s"},
    {"name": "z", "nic": "e"}, [{"name": "z", "pipe": "i", "end": "b"}],
    [{"name": "z", "switch": "s", "end": "a"}],
    [{"name": "z", "switch": "s", "pipe": "i", "end": "a"}],
    [{"name": "z", "interfaces": [{"name": "y", "nic": "e", "end": "a"}]}],
    [{"name": "z", "interfaces": []}], {"k": "v"}, {"-k": "v"}, {"k": 1},
    {"k" * 63: ""}, {"k" * 64: ""}, {"k": "v" * 257},
    {f"k{i}": "" for i in range(64)}, {f"k{i}": "" for i in range(65)},
]  # fmt: skip
KEYS = [
    "name", "switch", "pipe", "end", "nic", "mac", "domain", "device", "queues",
    "slots", "hugePages", "offload", "extraBuffers", "hostStack", "labels", "ports", "x",
    "Name", "metadata", "macTable", "staticMacs", "interfaces", "", "a b",
]  # fmt: skip


def mutant(rng):
    document = rich()
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        container, key = rng.choice(list(places(document)))
        what = rng.random()
        if what < 0.2:
            del container[key]
        elif what < 0.7:
            container[key] = copy.deepcopy(rng.choice(VALUES))
        elif isinstance(container, dict):
            container[rng.choice(KEYS)] = copy.deepcopy(rng.choice(VALUES))
        else:
            container.append(copy.deepcopy(rng.choice(VALUES)))
    return document


def written(document, rng):
    if rng.random() < 0.5:
        return json.dumps(document, ensure_ascii=rng.random() < 0.5)
    return yaml.safe_dump(document, default_flow_style=rng.choice([None, True, False]))


def assert_agreement(texts):
    """Returns how many are valid."""
    good = 0
    for text, found in zip(texts, findings(texts)):
        valid = schema_says(text)
        assert valid == (not shape_findings(found)), (text, found)
        good += valid
    return good


def test_verdicts_on_every_value_in_every_place_agree():
    texts = []
    for index in range(len(list(places(rich())))):
        for value in VALUES:
            document = rich()
            container, key = list(places(document))[index]
            container[key] = value
            texts.append(json.dumps(document))
    assert 300 < assert_agreement(texts) < len(texts) - 300


def test_verdicts_on_mutants_agree():
    rng = random.Random(SEED)
    texts = [written(mutant(rng), rng) for _ in range(2000)]
    assert 200 < assert_agreement(texts) < 1800
    assert findings([yaml.safe_dump(rich())]) == [[]]


FIELDS = [
    "metadata: {{name: t, description: {}}}\nspec: {{}}",
    "metadata: {{name: {}}}\nspec: {{}}",
    "metadata: {{name: t}}\nspec: {{switches: [{{name: {}}}]}}",
    "metadata: {{name: t}}\nspec: {{switches: [{{name: s, macTable: {}}}]}}",
    "metadata: {{name: t}}\nspec: {{switches: [{{name: s, macAgeing: {}}}]}}",
    "metadata: {{name: t}}\nspec: {{nics: [{{device: e, hostStack: {}}}]}}",
    "metadata: {{name: t}}\n"
    "spec: {{switches: [{{name: s}}], ports: [{{name: p, switch: s, slots: {}}}]}}",
    "metadata: {{name: t}}\n"
    "spec: {{switches: [{{name: s}}], ports: [{{name: p, switch: s, mac: {}}}]}}",
]
TOKENS = [
    "", "~", "null", "Null", "NULL", "nULL", "yes", "Yes", "YES", "yEs", "no",
    "on", "off", "OFF", "true", "True", "TRUE", "tRUE", "y", "n", "Y", "64",
    "+64", "-64", "064", "0100", "0o100", "08", "0x40", "0X40", "0b1000000",
    "6_4", "_64", "64_", "1:4", "1:04", "1:60", "01:4", "17:4:0", "64.", "64.0",
    "64.5", "6.4e+1", "6.4e1", "64e0", "1e3", "1.0e+3", ".64e+2", "-.5", ".inf",
    "-.inf", ".nan", ".", "1:4.0", "'64'", '"64"', "!!str 64", "'yes'",
    '"null"', "2026-01-31", "2026-1-31", "2026-01-31 10:00:00",
    "2026-01-31T10:00:00Z", "'2026-01-31'", "12:34:56:01:02:03",
    "02:00:00:00:00:01", "12:00:00:00:00:aa", "10:00:00:00:00:00",
    "'10:00:00:00:00:00'", "5m", "0s", "300s", "<", "a<<", "\"\\x41\"",
    "'it''s'", "|\n  a", ">-\n  a", "-a", "a-", "a#b", "a #b", "#", "1.2.3",
    "0.0", "00", "0", "-0", "1__0", "0_", "9223372036854775807",
    "9223372036854775808", "-9223372036854775809", "1" * 50, "1" * 500 + ".0",
]  # fmt: skip


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_are_good_and_name_the_schema(path):
    text = path.read_text()
    assert text.startswith(MODELINE + "\n")
    assert schema_says(text)
    assert findings([text]) == [[]]


def test_examples_can_be_applied_together():
    assert len(EXAMPLES) >= 8
    assert findings(["\n---\n".join(path.read_text() for path in EXAMPLES)]) == [[]]


def properties(node):
    if isinstance(node, dict):
        for name, value in node.get("properties", {}).items():
            yield name, value
        for value in node.values():
            yield from properties(value)
    elif isinstance(node, list):
        for value in node:
            yield from properties(value)


def test_the_schema_helps_editors():
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    for name, value in properties(SCHEMA):
        if "$ref" in value:
            value = SCHEMA["definitions"][value["$ref"].split("/")[-1]]
        assert value["title"] and value["description"], name
        if value.get("type") in ("integer", "boolean"):
            assert "default" in value, name
    for name, value in SCHEMA["definitions"].items():
        if value["type"] == "object":
            assert value["additionalProperties"] is False, name
        for example in value.get("examples", []):
            part = {"definitions": SCHEMA["definitions"], **value}
            jsonschema.Draft7Validator(part).validate(example)


def test_defaults_are_those_of_the_schema():
    """What has its default is left out of the document: it says the same."""
    shown = json.loads(
        subprocess.run(
            [BUILD / "tests/unit/test_topology", "--defaults"],
            stdout=subprocess.PIPE,
            check=True,
            timeout=60,
        ).stdout
    )
    stated = {}
    for name, value in properties(SCHEMA):
        if "$ref" in value:
            value = SCHEMA["definitions"][value["$ref"].split("/")[-1]]
        if "default" in value:
            stated[name] = value["default"]
    assert shown == stated


def test_the_reference_is_what_the_schema_says():
    subprocess.run([TOP / "docs/gen-reference.py", "--check"], check=True, timeout=60)


def test_the_man_page_has_every_field():
    page = (TOP / "docs/man/ptnet-topology.5").read_text()
    for name, _ in properties(SCHEMA):
        assert re.search(rf"\b{name}\b", page), name
    run = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning", TOP / "docs/man/ptnet-topology.5"],
        stdout=subprocess.PIPE,
        timeout=60,
    )
    assert run.stdout == b""


def test_the_man_page_has_good_examples():
    page = (TOP / "docs/man/ptnet-topology.5").read_text()
    blocks = re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed$", page, re.M | re.S)
    documents = [block for block in blocks if "apiVersion" in block]
    assert len(documents) == 2
    assert findings(documents) == [[], []]
