#!/usr/bin/env python3
"""Makes tests/fixtures/folders: models of tests/fixtures/models as the folders transformers writes.

    python3 -m venv venv && venv/bin/pip install -r scripts/requirements-fixtures.txt
    venv/bin/python scripts/make_folder_fixtures.py

Seeded: the weights are those of the GGUF files of the same name.
"""
import argparse
import json
import pathlib
import shutil

import torch
from safetensors.torch import save_file

import fixtures_models as models

# Written by transformers itself, with the config of its version.
BY_TRANSFORMERS = ["llama-rope-llama3", "qwen2", "gptneox-parallel", "bloom-6-heads"]
# Matrices of F16, vectors of F32, in two files and an index; config.json as older versions wrote it.
SHARDED = "llama-gqa-f16"


def write_json(path: pathlib.Path, value) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")


def older_config(c) -> dict:
    return {
        "architectures": ["LlamaForCausalLM"], "attention_bias": False, "attention_dropout": 0.0,
        "bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu", "hidden_size": c.hidden_size,
        "initializer_range": 0.02, "intermediate_size": c.intermediate_size,
        "max_position_embeddings": c.max_position_embeddings, "mlp_bias": False,
        "model_type": "llama", "num_attention_heads": c.num_attention_heads,
        "num_hidden_layers": c.num_hidden_layers, "num_key_value_heads": c.num_key_value_heads,
        "pretraining_tp": 1, "rms_norm_eps": c.rms_norm_eps, "rope_scaling": None,
        "rope_theta": c.rope_parameters["rope_theta"], "tie_word_embeddings": False,
        "torch_dtype": "float16", "transformers_version": "4.41.2", "use_cache": True,
        "vocab_size": c.vocab_size,
    }


def write_sharded(spec: models.Spec, folder: pathlib.Path) -> None:
    weights = models.build(spec).state_dict()
    weights = {n: (t.half() if t.dim() > 1 else t).contiguous() for n, t in weights.items()}
    names = sorted(weights)
    parts = {"model-00001-of-00002.safetensors": names[::2],
             "model-00002-of-00002.safetensors": names[1::2]}
    for file, group in parts.items():
        save_file({n: weights[n] for n in group}, folder / file, metadata={"format": "pt"})
    total = sum(t.numel() * t.element_size() for t in weights.values())
    write_json(folder / "model.safetensors.index.json",
               {"metadata": {"total_size": total},
                "weight_map": {n: file for file, group in parts.items() for n in group}})
    write_json(folder / "config.json", older_config(spec.config))
    write_json(folder / "generation_config.json",
               {"do_sample": True, "temperature": 0.6, "top_k": 20, "top_p": 0.9,
                "bos_token_id": 1, "eos_token_id": [2, 5], "transformers_version": "4.41.2"})


def main() -> None:
    default = pathlib.Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "folders"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=default, help="folder to write into")
    out = parser.parse_args().out
    torch.set_num_threads(1)
    for spec in models.specs():
        if spec.name not in [*BY_TRANSFORMERS, SHARDED]:
            continue
        folder = out / spec.name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        if spec.name == SHARDED:
            write_sharded(spec, folder)
        else:
            models.build(spec).save_pretrained(folder)
    total = sum(f.stat().st_size for f in out.rglob("*") if f.is_file())
    print(f"{total / 1e3:.0f} kB under {out.name}")


if __name__ == "__main__":
    main()
