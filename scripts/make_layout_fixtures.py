#!/usr/bin/env python3
"""Makes tests/fixtures/layouts: one tiny random Llama in every published form of quantized weights.

    python3 -m venv venv && venv/bin/pip install -r scripts/requirements-fixtures.txt
    venv/bin/pip install compressed-tensors==0.20.0 autoawq==0.2.9 gptqmodel==7.7.0
    venv/bin/python scripts/make_layout_fixtures.py

(gptqmodel and autoawq run without their GPU parts: --no-deps and the pure Python packages that an
import asks for are enough.) The weights are quantized, packed and dequantized again by the packages
that define each form. Scales are the plain ones of the largest magnitude or range: no calibration.
Seeded: the same package versions give the same bytes.
"""
import argparse
import json
import pathlib
import shutil
from dataclasses import dataclass

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

import fixtures_models as models

TOKENS = 24
GROUP = 64


@dataclass
class Quantized:
    """One matrix: what is stored under <module>.*, its exact value, and what inlay makes of it."""
    stored: dict
    exact: torch.Tensor  # float64 (n, k): the published meaning
    used: torch.Tensor   # float32 (n, k): rounded as quantized_modules.cpp says
    type: str


@dataclass
class Layout:
    name: str
    quantize: object  # weight (n, k) -> Quantized
    config: dict
    layers: int = 2
    codes: bool = True  # multiplied with activations of 8 bits


def half(x: torch.Tensor) -> torch.Tensor:
    return x.to(torch.float32).half().float()


# ---- 8-bit floats -------------------------------------------------------------------------------

class Holder:
    pass


def fp8_block(w: torch.Tensor) -> Quantized:
    from transformers.integrations.finegrained_fp8 import Fp8Dequantize, Fp8Quantize
    quantizer = Holder()
    quantizer.quantization_config = Holder()
    quantizer.quantization_config.scale_fmt = "float"
    quantizer.quantization_config.weight_block_size = (32, GROUP)
    stored = Fp8Quantize(quantizer)._quantize_one("weight", w)
    scales = next(t for name, t in stored.items() if name.endswith("weight_scale_inv"))
    exact = Fp8Dequantize(quantizer)._dequantize_one(stored["weight"], scales, torch.float32)
    return Quantized({"weight": stored["weight"], "weight_scale_inv": scales}, exact.double(),
                     half(exact), "F16")


# ---- compressed-tensors -------------------------------------------------------------------------

def compress(w: torch.Tensor, form: str, used, type_name: str, scale_type,
             **arguments) -> Quantized:
    from compressed_tensors.compressors import BaseCompressor
    from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
    from compressed_tensors.quantization.utils import calculate_qparams
    args = QuantizationArgs(**arguments)
    scheme = QuantizationScheme(targets=["Linear"], weights=args)
    groups = w if args.group_size is None else w.unflatten(1, (-1, args.group_size))
    scale, zero = calculate_qparams(groups.amin(-1), groups.amax(-1), args)
    scale = scale.to(scale_type).reshape(w.shape[0], -1)
    state = {"weight": w, "weight_scale": scale}
    if not args.symmetric:
        state["weight_zero_point"] = zero.reshape(w.shape[0], -1).to(torch.int8)
    compressor = BaseCompressor.get_value_from_registry(form)
    stored = compressor.compress(state, scheme)
    again = dict(stored)
    if again["weight_scale"].dtype != torch.uint8:
        again["weight_scale"] = again["weight_scale"].float()
    exact = compressor.decompress(again, scheme)["weight"]
    return Quantized(stored, exact.double(), used(exact, state, scale.float()), type_name)


def fp8_channel(w):
    return compress(w, "float-quantized", lambda e, *_: half(e), "F16", torch.bfloat16, num_bits=8,
                    type="float", symmetric=True, strategy="channel")


def int8_channel(w):
    def used(exact, _, scale):
        return torch.round(exact / scale) * half(scale)
    return compress(w, "int-quantized", used, "Q8_0", torch.float32, num_bits=8, type="int",
                    symmetric=True, strategy="channel")


def packed(w):
    def used(exact, state, scale):
        zero = state["weight_zero_point"].float() + 8
        scale, zero = (x.repeat_interleave(GROUP, 1) for x in (scale, zero))
        codes = torch.round(exact / scale + zero)
        return half(scale) * codes + half(-scale * zero)
    return compress(w, "pack-quantized", used, "Q4_1", torch.bfloat16, num_bits=4, type="int",
                    symmetric=False, strategy="group", group_size=GROUP)


def mxfp4(w):
    # GGUF's block has no zero with a sign: -0 + 0 = 0.
    return compress(w, "mxfp4-pack-quantized", lambda e, *_: e.float() + 0.0, "MXFP4",
                    torch.float32, num_bits=4, type="float", symmetric=True, strategy="group",
                    group_size=32, scale_dtype=torch.uint8)


# ---- AWQ and GPTQ -------------------------------------------------------------------------------

def scales_and_zeros(w: torch.Tensor, symmetric: bool) -> tuple:
    """(n, groups) each; the scales are halves."""
    groups = w.unflatten(1, (-1, GROUP))
    if symmetric:
        scales = groups.abs().amax(-1) / 7.5
        return half(scales), torch.full_like(scales, 8)
    low, high = groups.amin(-1).clamp(max=0), groups.amax(-1).clamp(min=0)
    scales = half((high - low) / 15)
    return scales, torch.round(-low / scales).clamp(0, 15)


def by_codes(stored, codes, scales, zeros, order, type_name, exact) -> Quantized:
    """All (n, k) but scales and zeros, which are (n, groups)."""
    d, z = scales[:, order], zeros[:, order]
    assert torch.equal(exact, d.double() * (codes - z).double())
    used = {"Q4_0": lambda: d * (codes - z), "Q4_1": lambda: d * codes + half(-d * z),
            "F16": lambda: half(d * (codes - z))}[type_name]()
    return Quantized(stored, exact, used, type_name)


def linear(w: torch.Tensor) -> torch.nn.Linear:
    module = torch.nn.Linear(w.shape[1], w.shape[0], bias=False)
    module.weight.data = w
    return module


def awq(w: torch.Tensor) -> Quantized:
    from awq.modules.linear.gemm import WQLinear_GEMM
    from awq.utils import packing_utils
    scales, zeros = scales_and_zeros(w, symmetric=False)
    codes = torch.round(w / scales.repeat_interleave(GROUP, 1)
                        + zeros.repeat_interleave(GROUP, 1)).clamp(0, 15)
    module = WQLinear_GEMM.from_linear(
        linear((codes - zeros.repeat_interleave(GROUP, 1)) * scales.repeat_interleave(GROUP, 1)), 4,
        GROUP, False, scales.t().contiguous(), zeros.t().contiguous())
    stored = {n: getattr(module, n) for n in ("qweight", "qzeros", "scales")}
    assert stored["scales"].dtype == torch.float16
    exact = packing_utils.dequantize_gemm(stored["qweight"], stored["qzeros"],
                                          stored["scales"].double(), 4, GROUP).t()
    return by_codes(stored, codes, scales, zeros, torch.arange(w.shape[1]) // GROUP, "Q4_1", exact)


def gptq_linear(w, symmetric: bool, act_order: bool, less_one: bool, type_name: str) -> Quantized:
    from gptqmodel.nn_modules.qlinear.torch import TorchLinear
    from gptqmodel.utils.model import convert_gptq_v2_to_v1_format_module
    n, k = w.shape
    order = torch.arange(k, dtype=torch.int32) // GROUP
    if act_order:  # the groups are of columns in another order
        mixed = np.argsort(models.generator("layouts", "order", str(k)).standard_normal(k))
        order = order[torch.from_numpy(np.argsort(mixed))]
    sorted_columns = torch.argsort(order.long(), stable=True)
    scales, zeros = scales_and_zeros(w[:, sorted_columns], symmetric)
    module = TorchLinear(bits=4, group_size=GROUP, sym=symmetric, desc_act=act_order, in_features=k,
                         out_features=n, bias=False)
    module.pack_original(linear(w), scales, zeros, order)
    d, offset = scales[:, order.long()], (zeros * scales)[:, order.long()]
    codes = torch.round((w + offset) / d).clamp(0, 15)
    module.eval()
    module.scales = module.scales.double()
    exact = TorchLinear.dequantize_weight(module).double().t()
    module.scales = module.scales.half()
    if less_one:
        from gptqmodel.quantization.config import QuantizeConfig
        convert_gptq_v2_to_v1_format_module(module, QuantizeConfig(bits=4))
    stored = {name: getattr(module, name) for name in ("qweight", "qzeros", "scales", "g_idx")}
    return by_codes(stored, codes, scales, zeros, order.long(), type_name, exact)


def gptq(w):
    return gptq_linear(w, symmetric=True, act_order=False, less_one=True, type_name="Q4_0")


def gptq_act_order(w):
    return gptq_linear(w, symmetric=False, act_order=True, less_one=False, type_name="F16")


# ---- Layouts ------------------------------------------------------------------------------------

def compressed_config(form: str, **weights) -> dict:
    return {"quant_method": "compressed-tensors", "format": form,
            "quantization_status": "compressed", "ignore": ["lm_head"], "kv_cache_scheme": None,
            "config_groups": {"group_0": {"targets": ["Linear"], "input_activations": None,
                                          "output_activations": None,
                                          "weights": {"dynamic": False, "actorder": None,
                                                      "block_structure": None, **weights}}}}


def layouts() -> list[Layout]:
    gptq_config = {"quant_method": "gptq", "bits": 4, "group_size": GROUP, "damp_percent": 0.01,
                   "true_sequential": True, "lm_head": False, "static_groups": False}
    return [
        Layout("fp8-block", fp8_block, {
            "quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic",
            "weight_block_size": [32, GROUP], "modules_to_not_convert": ["lm_head"]}, layers=1,
            codes=False),
        Layout("fp8-channel", fp8_channel, compressed_config(
            "float-quantized", num_bits=8, type="float", symmetric=True, strategy="channel",
            group_size=None), layers=1, codes=False),
        Layout("int8-channel", int8_channel, compressed_config(
            "int-quantized", num_bits=8, type="int", symmetric=True, strategy="channel",
            group_size=None), layers=1),
        Layout("int4-packed", packed, compressed_config(
            "pack-quantized", num_bits=4, type="int", symmetric=False, strategy="group",
            group_size=GROUP)),
        Layout("mxfp4-packed", mxfp4, compressed_config(
            "mxfp4-pack-quantized", num_bits=4, type="float", symmetric=True, strategy="group",
            group_size=32), layers=1),
        Layout("awq", awq, {"quant_method": "awq", "bits": 4, "group_size": GROUP,
                            "version": "gemm", "zero_point": True,
                            "modules_to_not_convert": None}),
        Layout("gptq", gptq, {**gptq_config, "desc_act": False, "sym": True}),
        Layout("gptq-v2-act-order", gptq_act_order, {
            **gptq_config, "desc_act": True, "sym": False, "checkpoint_format": "gptq_v2"},
            codes=False),
    ]


# ---- Models -------------------------------------------------------------------------------------

def llama_config(layers: int) -> LlamaConfig:
    return LlamaConfig(vocab_size=64, hidden_size=128, intermediate_size=192,
                       num_hidden_layers=layers, num_attention_heads=4, num_key_value_heads=2,
                       max_position_embeddings=128, rms_norm_eps=1e-5, tie_word_embeddings=False,
                       rope_parameters=models.rope(10000.0), attn_implementation="eager")


def round_activations(_, inputs):
    """As inlay multiplies with codes: blocks of 32, 8 bits, scale = largest / 127, ties to even."""
    x = inputs[0].unflatten(-1, (-1, 32))
    scale = x.abs().amax(-1, keepdim=True) / 127
    return (torch.where(scale > 0, torch.round(x / scale) * scale, 0).flatten(-2),)


def run(config, weights: dict, ids: np.ndarray, rounded_modules=()) -> np.ndarray:
    """Logits (tokens, vocabulary) in double."""
    with models.everything_in_double():
        model = LlamaForCausalLM(config).eval()
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.copy_(weights[name].double())
        for name, module in model.named_modules():
            if name in rounded_modules:
                module.register_forward_pre_hook(round_activations)
        return models.logits(model, ids)


def draw(name: str, shape: tuple) -> torch.Tensor:
    """Matrices that keep a vector's size: no softmax is so sharp that it enlarges roundings."""
    w = torch.from_numpy(models.draw("layouts", name, shape))
    return w / 1.5 if "layers" in name and w.dim() > 1 else w


def fnv(values: torch.Tensor) -> int:
    result = 0xcbf29ce484222325
    for byte in values.contiguous().numpy().astype("<f4").tobytes():
        result = (result ^ byte) * 0x100000001b3 & 0xffffffffffffffff
    return result


def relative(a: np.ndarray, b: np.ndarray) -> float:
    """The largest over all positions of what tests/support/model.h calls relative_error."""
    return float((np.abs(a - b).max(1) / np.abs(b).max(1)).max())


def make(layout: Layout, folder: pathlib.Path) -> str:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    config = llama_config(layout.layers)
    stored, exact, used, lines, modules = {}, {}, {}, [], []
    for name, parameter in LlamaForCausalLM(config).named_parameters():
        w = draw(name, tuple(parameter.shape))
        if w.dim() == 1 or "layers" not in name:
            stored[name] = w if w.dim() == 1 else w.half()
            exact[name] = used[name] = stored[name].float()
            continue
        module = name.removesuffix(".weight")
        q = layout.quantize(w)
        off = float((q.used.double() - q.exact).norm() / q.exact.norm())
        largest = float(((q.used.double() - q.exact).abs()).max() / q.exact.abs().max())
        assert off < 2 ** -10, (name, off)
        if name.endswith("layers.0.mlp.down_proj.weight"):
            lost = float((q.exact - w.double()).norm() / w.double().norm())
            print(f"{layout.name:18s} {q.type:6s} against the published weights: rms {off:.1e} "
                  f"largest {largest:.1e}; published against drawn: rms {lost:.1e}")
        modules.append(module)
        stored.update({f"{module}.{part}": t.contiguous() for part, t in q.stored.items()})
        exact[name], used[name] = q.exact, q.used
        lines.append(f"{module} {q.type} {w.shape[0]} {w.shape[1]} {fnv(q.used):016x}\n")
    save_file(stored, folder / "model.safetensors", metadata={"format": "pt"})
    settings = json.loads(config.to_json_string())
    settings["architectures"] = ["LlamaForCausalLM"]
    settings["quantization_config"] = layout.config
    (folder / "config.json").write_text(json.dumps(settings, indent=2) + "\n")
    (folder / "modules.txt").write_text("".join(lines))
    tokens = models.generator("layouts", "tokens")
    ids = tokens.integers(0, config.vocab_size, TOKENS, dtype=np.int64)
    reference = run(config, exact, ids)
    as_inlay = run(config, used, ids, modules if layout.codes else ())
    print(f"{layout.name:18s} logits as inlay computes them: {relative(as_inlay, reference):.1e} "
          "of the largest")
    reference.astype("<f4").tofile(folder / "reference.bin")
    as_inlay.astype("<f4").tofile(folder / "rounded.bin")
    (folder / "tokens.txt").write_text(" ".join(map(str, ids)) + "\n")
    return f"{layout.name} {TOKENS} {config.vocab_size} {'codes' if layout.codes else 'floats'}\n"


def main() -> None:
    default = pathlib.Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "layouts"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=default, help="folder to write into")
    out = parser.parse_args().out
    torch.set_num_threads(1)
    index = [make(layout, out / layout.name) for layout in layouts()]
    (out / "index.txt").write_text("".join(index))
    total = sum(f.stat().st_size for f in out.rglob("*") if f.is_file())
    print(f"{total / 1e6:.2f} MB under {out.name}")


if __name__ == "__main__":
    main()
