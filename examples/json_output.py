"""Lets a model write JSON of a schema: python json_output.py [model.gguf] [text]

Needs the package: pip install ./bindings/python"""

import json
import pathlib
import sys

import inlay

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 30},
        "age": {"type": "integer", "minimum": 1, "maximum": 120},
        "friends": {"type": "array", "items": {"type": "string", "maxLength": 30}, "maxItems": 3},
    },
    "required": ["name", "age", "friends"],
    "additionalProperties": False,
}

path = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "demo_model/demo.gguf"
text = sys.argv[2] if len(sys.argv) > 2 else "This is Alice:"

with inlay.Model(path) as model:
    answer = "".join(model.generate(text, json_schema=SCHEMA, max_tokens=200, seed=1))
print(json.dumps(json.loads(answer), indent=2))
