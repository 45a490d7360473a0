"""Goes on with a text: python hello.py [model.gguf] [text]

Needs the package: pip install ./bindings/python"""

import pathlib
import sys

import inlay

path = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "demo_model/demo.gguf"
text = sys.argv[2] if len(sys.argv) > 2 else "Once upon a time"

print(text, end="")
with inlay.Model(path) as model:
    for piece in model.generate(text, max_tokens=100, seed=1):
        print(piece, end="", flush=True)
print()
