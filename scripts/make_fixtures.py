#!/usr/bin/env python3
"""Makes tests/fixtures: reference logits by transformers, dequantized blocks by gguf.

    python3 -m venv venv && venv/bin/pip install -r scripts/requirements-fixtures.txt
    venv/bin/python scripts/make_fixtures.py

Seeded: the same package versions on the same machine give the same files.
"""
import argparse
import logging
import pathlib

import fixtures_dequant
import fixtures_models


def main() -> None:
    default = pathlib.Path(__file__).resolve().parent.parent / "tests" / "fixtures"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=default, help="folder to write into")
    out = parser.parse_args().out
    logging.getLogger("gguf").setLevel(logging.ERROR)
    fixtures_dequant.make(out / "dequant")
    fixtures_models.make(out / "models")
    total = sum(f.stat().st_size for f in out.rglob("*") if f.is_file())
    print(f"{total / 1e6:.2f} MB under {out.name}")


if __name__ == "__main__":
    main()
