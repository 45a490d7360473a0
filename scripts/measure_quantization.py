#!/usr/bin/env python3
"""Size, perplexity and KL divergence of every type and mix, as the table of docs/quantization.md.

    scripts/measure_quantization.py --model MODEL --text FILE [--imatrix-text FILE] [--inlay PROGRAM]

MODEL is what everything is compared with: best a model in F32, F16 or BF16. With --imatrix-text each name is
measured twice, without and with an importance matrix collected over that text.
"""
import argparse
import json
import pathlib
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
NAMES = ("F16 BF16 Q8_0 Q6_K Q5_K_M Q5_K_S Q5_1 Q5_0 Q4_K_M Q4_K_S Q4_1 Q4_0 IQ4_NL IQ4_XS MXFP4 NVFP4 Q3_K_L Q3_K_M "
         "Q3_K_S IQ3_M IQ3_S IQ3_XS IQ3_XXS Q2_K Q2_K_S IQ2_M IQ2_S IQ2_XS IQ2_XXS IQ1_M IQ1_S Q2_0 Q1_0 TQ2_0 "
         "TQ1_0").split()


def run(*command) -> str:
    return subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True).stdout


def measure(inlay, model, coded, text) -> dict:
    facts = json.loads(run(inlay, "compare", model, coded, "--file", text, "--json"))
    info = json.loads(run(inlay, "info", coded, "--json"))
    return {"size": coded.stat().st_size, "bits": 8 * info["weight_bytes"] / info["parameters"], **facts}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--text", type=pathlib.Path, required=True)
    parser.add_argument("--imatrix-text", type=pathlib.Path)
    parser.add_argument("--inlay", type=pathlib.Path, default=ROOT / "build" / "release" / "bin" / "inlay")
    parser.add_argument("names", nargs="*", default=NAMES)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        coded, imatrix = pathlib.Path(folder) / "coded.gguf", pathlib.Path(folder) / "imatrix.gguf"
        if given.imatrix_text:
            run(given.inlay, "imatrix", given.model, "--file", given.imatrix_text, "--out", imatrix)
        print("| name | bits a weight | size (MB) | perplexity | mean KL | 99.9 % KL | same top token |"
              + (" mean KL with imatrix |" if given.imatrix_text else ""))
        print("|---|---|---|---|---|---|---|" + ("---|" if given.imatrix_text else ""))
        for name in given.names:
            run(given.inlay, "quantize", given.model, coded, name)
            f = measure(given.inlay, given.model, coded, given.text)
            row = (f"| {name} | {f['bits']:.2f} | {f['size'] / 1e6:.2f} | {f['perplexity_b']:.2f} | {f['kl_mean']:.5f} | "
                   f"{f['kl_99_9']:.4f} | {100 * f['same_top']:.1f} % |")
            if given.imatrix_text:
                run(given.inlay, "quantize", given.model, coded, name, "--imatrix", imatrix)
                row += f" {measure(given.inlay, given.model, coded, given.text)['kl_mean']:.5f} |"
            print(row, flush=True)


if __name__ == "__main__":
    main()
