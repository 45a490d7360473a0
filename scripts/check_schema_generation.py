#!/usr/bin/env python3
"""Lets a model write JSON under schemas, at random, and has every text judged by another program.

    python3 scripts/check_schema_generation.py --schemas FOLDER [--model model.gguf] [--texts 20]

FOLDER holds files in the form of JSONSchemaBench (an object with a member "schema"), in any depth;
schemas of this script come on top. Every text must be JSON that the validator of the package
jsonschema takes (with its checks of formats), although the draw is flat and most texts are ended by
their limit of tokens. Needs the Python binding of this repository and jsonschema[format-nongpl].
"""
import argparse
import collections
import json
import pathlib
import random
import sys

import inlay
import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[1]
OWN = [
    {},
    {"type": "object"},
    {"type": "string"},
    {"type": "number"},
    {"type": "object", "additionalProperties": {"$ref": "#"}},
    {"type": "array", "items": {"type": "array", "items": {"$ref": "#/items"}}, "maxItems": 4},
    {"type": "object", "required": ["name", "age", "tags"], "additionalProperties": False,
     "properties": {"name": {"type": "string", "minLength": 2, "maxLength": 20},
                    "age": {"type": "integer", "minimum": 0, "maximum": 130},
                    "email": {"type": "string", "format": "email"},
                    "tags": {"type": "array", "uniqueItems": True, "minItems": 1,
                             "items": {"enum": ["red", "green", "blue", "black", 7, None]}}}},
    {"oneOf": [{"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}},
               {"type": "object", "required": ["b"], "properties": {"b": {"type": "boolean"}}}]},
    {"type": "object", "properties": {"when": {"type": "string", "format": "date-time"},
                                      "id": {"type": "string", "format": "uuid"},
                                      "host": {"type": "string", "format": "ipv4"}},
     "required": ["when", "id", "host"], "minProperties": 4, "maxProperties": 6,
     "propertyNames": {"maxLength": 8}},
    {"type": "array", "prefixItems": [{"type": "number", "multipleOf": 0.25, "exclusiveMinimum": -3},
                                      {"type": "string", "pattern": "^[A-Z]{2,4}-[0-9]+$"}],
     "items": {"type": ["boolean", "null"]}, "minItems": 2, "contains": {"const": True}},
]


def read_schemas(folder, count):
    """`count` schemas that are compiled, evenly over the files in their order."""
    files = sorted(pathlib.Path(folder).rglob("*.json"))
    picked = [files[i * len(files) // count] for i in range(count)]
    rest = [file for file in files if file not in picked]
    return [(file.stem, json.loads(file.read_text())["schema"]) for file in picked + rest]


def judge(schema, text):
    """Why a text is not an instance of a schema; None when it is."""
    try:
        value = json.loads(text)
    except ValueError as error:
        return f"no JSON: {error}"
    kind = jsonschema.validators.validator_for(schema, jsonschema.Draft202012Validator)
    validator = kind(schema, format_checker=kind.FORMAT_CHECKER)
    error = next(iter(validator.iter_errors(value)), None)
    return error and f"not valid: {error.message} at {error.json_path}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default=ROOT / "examples" / "demo_model" / "demo.gguf")
    parser.add_argument("--schemas", required=True)
    parser.add_argument("--count", type=int, default=50, help="schemas")
    parser.add_argument("--texts", type=int, default=20, help="of each schema")
    parser.add_argument("--temperature", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    model = inlay.Model(arguments.model)
    draw = random.Random(arguments.seed)
    schemas = [("own-" + str(i), schema) for i, schema in enumerate(OWN)]
    schemas += read_schemas(arguments.schemas, arguments.count - len(OWN))
    finishes, failures, used = collections.Counter(), [], 0
    for name, schema in schemas:
        if used == arguments.count:
            break
        try:
            grammar = model.json_schema(schema)
        except inlay.Error as error:
            print(f"refused: {name}: {error}")
            continue
        used += 1
        for _ in range(arguments.texts):
            options = {"seed": draw.getrandbits(63), "max_tokens": draw.choice([0, 600, 900])}
            generation = model.generate("Once upon a time", grammar=grammar, top_k=0, top_p=1,
                                        min_p=0, temperature=arguments.temperature, context=1024,
                                        **options)
            text = "".join(generation)
            finishes[generation.finish.name] += 1
            reason = judge(schema, text)
            if reason:
                failures.append(name)
                print(f"{name}: {generation.finish.name}, {len(generation.tokens)} tokens, "
                      f"{options}: {reason}: {text[:200]!r} ... {text[-80:]!r}")
    print(f"{used} schemas, {sum(finishes.values())} texts, {len(failures)} failures; "
          f"ended by {dict(finishes)}")
    return 1 if failures or used < arguments.count else 0


if __name__ == "__main__":
    sys.exit(main())
