"""Tiny random models of the four families: GGUF files and reference logits by transformers."""
import contextlib
import pathlib
import zlib
from dataclasses import dataclass
from typing import Callable

import gguf
import numpy as np
import torch
from transformers import (BloomConfig, BloomForCausalLM, GPTNeoXConfig, GPTNeoXForCausalLM,
                          LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM,
                          Qwen2Config, Qwen2ForCausalLM)

import fixtures_convert as convert
import fixtures_tokenizer as tokenizer

SEQUENCES = {"short": 37, "long": 135}  # tokens; the long one reaches into a third 64-token page
FILE_TYPES = {"F32": 0, "F16": 1, "BF16": 32}


@dataclass
class Spec:
    name: str
    arch: str
    make: Callable  # configuration -> model
    config: object
    meta: Callable  # writer, configuration
    tensors: Callable  # configuration, weights -> (name, array) ...
    tokens: Callable  # writer, vocabulary size
    matrix_type: str = "F32"
    seed_name: str = ""  # draws the weights of this other model


def spm(writer, vocab):
    tokenizer.add_spm(writer, vocab)


def bpe(pre, specials, add_bos=False):
    return lambda writer, vocab: tokenizer.add_bpe(writer, vocab, pre, specials, add_bos)


LLAMA3 = bpe("llama-bpe", ["<|begin_of_text|>", "<|end_of_text|>"], add_bos=True)
QWEN2 = bpe("qwen2", ["<|im_start|>", "<|endoftext|>", "<|im_end|>"])
NEOX = bpe("olmo", ["<|endoftext|>"])
BLOOM = bpe("bloom", ["<s>", "</s>"])


def rope(theta, **more):
    return {"rope_type": "default", "rope_theta": theta, **more}


def llama(name, make=LlamaForCausalLM, config=LlamaConfig, tokens=spm, minimal=False,
          matrix_type="F32", seed_name="", **shape):
    c = config(max_position_embeddings=256, attn_implementation="eager", **shape)
    return Spec(name, "llama", make, c, lambda w, c: convert.llama_meta(w, c, minimal),
                lambda c, w: convert.gated_tensors(c, w, permute=True), tokens, matrix_type,
                seed_name)


def qwen2(name, **shape):
    c = Qwen2Config(max_position_embeddings=256, attn_implementation="eager",
                    use_sliding_window=False, **shape)
    return Spec(name, "qwen2", Qwen2ForCausalLM, c, convert.qwen2_meta,
                lambda c, w: convert.gated_tensors(c, w, permute=False), QWEN2)


def gptneox(name, **shape):
    c = GPTNeoXConfig(max_position_embeddings=256, attn_implementation="eager",
                      tie_word_embeddings=False, hidden_act="gelu", **shape)
    return Spec(name, "gptneox", GPTNeoXForCausalLM, c, convert.gptneox_meta,
                convert.gptneox_tensors, NEOX)


def bloom(name, own_output, **shape):
    c = BloomConfig(attn_implementation="eager", **shape)
    return Spec(name, "bloom", BloomForCausalLM, c, convert.bloom_meta,
                lambda c, w: convert.bloom_tensors(c, w, own_output), BLOOM)


def specs() -> list[Spec]:
    gqa = dict(vocab_size=64, hidden_size=32, num_hidden_layers=3, num_attention_heads=4,
               num_key_value_heads=2, intermediate_size=64, rms_norm_eps=1e-5,
               rope_parameters=rope(500000.0), tie_word_embeddings=False)
    llama3 = dict(rope_type="llama3", rope_theta=10000.0, factor=8.0, low_freq_factor=1.0,
                  high_freq_factor=4.0, original_max_position_embeddings=32)
    return [
        llama("llama-mha", minimal=True, vocab_size=67, hidden_size=32, num_hidden_layers=2,
              num_attention_heads=4, num_key_value_heads=4, intermediate_size=88,
              rms_norm_eps=1e-3, rope_parameters=rope(10000.0), tie_word_embeddings=False),
        llama("llama-gqa", **gqa),
        llama("llama-gqa-f16", matrix_type="F16", seed_name="llama-gqa", **gqa),
        llama("llama-gqa-bf16", matrix_type="BF16", seed_name="llama-gqa", **gqa),
        llama("llama-tied", tokens=LLAMA3, vocab_size=72, hidden_size=40, num_hidden_layers=2,
              num_attention_heads=5, num_key_value_heads=1, intermediate_size=56,
              rms_norm_eps=1e-5, rope_parameters=rope(500000.0), tie_word_embeddings=True),
        llama("llama-rope-llama3", tokens=LLAMA3, vocab_size=64, hidden_size=48,
              num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1,
              intermediate_size=48, rms_norm_eps=1e-5, rope_parameters=llama3,
              tie_word_embeddings=False),
        llama("llama-rope-linear", vocab_size=64, hidden_size=32, num_hidden_layers=2,
              num_attention_heads=2, num_key_value_heads=2, intermediate_size=64,
              rms_norm_eps=1e-6, tie_word_embeddings=False,
              rope_parameters=dict(rope_type="linear", rope_theta=10000.0, factor=4.0)),
        llama("llama-head-size", vocab_size=64, hidden_size=32, num_hidden_layers=2,
              num_attention_heads=4, num_key_value_heads=2, head_dim=16, intermediate_size=64,
              rms_norm_eps=1e-5, rope_parameters=rope(1000000.0), tie_word_embeddings=False),
        llama("mistral", MistralForCausalLM, MistralConfig, vocab_size=64, hidden_size=32,
              num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=1, head_dim=8,
              intermediate_size=80, rms_norm_eps=1e-3, rope_parameters=rope(1000000.0),
              sliding_window=None, tie_word_embeddings=False),
        qwen2("qwen2", vocab_size=64, hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
              num_key_value_heads=2, intermediate_size=72, rms_norm_eps=1e-6,
              rope_parameters=rope(1000000.0), tie_word_embeddings=False),
        qwen2("qwen2-tied", vocab_size=70, hidden_size=48, num_hidden_layers=2,
              num_attention_heads=3, num_key_value_heads=1, intermediate_size=40,
              rms_norm_eps=1e-6, rope_parameters=rope(10000.0), tie_word_embeddings=True),
        gptneox("gptneox-parallel", vocab_size=64, hidden_size=32, num_hidden_layers=2,
                num_attention_heads=2, intermediate_size=96, layer_norm_eps=1e-5,
                use_parallel_residual=True,
                rope_parameters=rope(10000.0, partial_rotary_factor=0.25)),
        gptneox("gptneox-sequential", vocab_size=66, hidden_size=40, num_hidden_layers=2,
                num_attention_heads=5, intermediate_size=72, layer_norm_eps=1e-3,
                use_parallel_residual=False,
                rope_parameters=rope(10000.0, partial_rotary_factor=1.0)),
        bloom("bloom", True, vocab_size=64, hidden_size=32, n_layer=2, n_head=4,
              layer_norm_epsilon=1e-5),
        bloom("bloom-6-heads", False, vocab_size=64, hidden_size=24, n_layer=2, n_head=6,
              layer_norm_epsilon=1e-5),
    ]


def generator(*names: str) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64([zlib.crc32(n.encode()) for n in names]))


def draw(model_name: str, name: str, shape: tuple) -> np.ndarray:
    """A float32 weight: norms around 1, biases around 0, matrices that keep a vector's size."""
    normal = generator(model_name, name).standard_normal(shape)
    if len(shape) == 1:
        is_bias = name.endswith("bias")
        return ((0.0 if is_bias else 1.0) + 0.2 * normal).astype(np.float32)
    scale = 0.5 if "embed" in name and "embed_out" not in name else 1.5 / np.sqrt(shape[1])
    return (scale * normal).astype(np.float32)


def rounded(rows: np.ndarray, matrix_type: str) -> np.ndarray:
    """The float32 value that a stored matrix stands for; vectors stay float32."""
    if rows.ndim == 1 or matrix_type == "F32":
        return rows
    kind = gguf.GGMLQuantizationType[matrix_type]
    return gguf.quants.dequantize(gguf.quants.quantize(rows, kind), kind).reshape(rows.shape)


@contextlib.contextmanager
def everything_in_double():
    """transformers casts norms, softmax, angles to float32 by name: here that is float64."""
    saved = torch.float32, torch.float, torch.Tensor.float, torch.get_default_dtype()
    torch.float32 = torch.float = torch.float64
    torch.Tensor.float = torch.Tensor.double
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.float32, torch.float, torch.Tensor.float = saved[:3]
        torch.set_default_dtype(saved[3])


def build(spec: Spec):
    """The model with its drawn weights, in torch's default type."""
    model = spec.make(spec.config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            rows = draw(spec.seed_name or spec.name, name, tuple(parameter.shape))
            parameter.copy_(torch.from_numpy(rounded(rows, spec.matrix_type)))
    if spec.matrix_type == "BF16":  # inlay multiplies BF16 weights with activations rounded to BF16
        for module in model.modules():
            if isinstance(module, torch.nn.Linear):
                module.register_forward_pre_hook(
                    lambda _, inputs: (inputs[0].to(torch.bfloat16).to(inputs[0].dtype),))
    return model


def logits(model, ids: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return model(torch.from_numpy(ids[None]), use_cache=False).logits[0].numpy()


def reference(spec: Spec, ids: dict) -> tuple[dict, dict]:
    """Weights and, per sequence, logits (tokens, vocabulary) in double; checked against float32."""
    with everything_in_double():
        model = build(spec)
        exact = {key: logits(model, tokens) for key, tokens in ids.items()}
    kinds = {t.dtype for t in (*model.parameters(), *model.buffers()) if t.is_floating_point()}
    assert kinds == {torch.float64}, kinds
    assert all(e.dtype == np.float64 for e in exact.values())
    plain = build(spec)
    for key, tokens in ids.items():
        off = np.abs(logits(plain, tokens) - exact[key]).max() / np.abs(exact[key]).max()
        print(f"{spec.name:20s} {key:5s} largest {np.abs(exact[key]).max():6.2f}  "
              f"transformers in float32 differs by {off:.1e}")
        # A value next to the middle of two BF16 numbers may be rounded to the other one.
        assert off < (2e-2 if spec.matrix_type == "BF16" else 2e-5), off
    weights = {n: p.detach().numpy().astype(np.float32) for n, p in model.named_parameters()}
    return weights, exact


def write_gguf(spec: Spec, weights: dict, path: pathlib.Path) -> None:
    writer = gguf.GGUFWriter(path, spec.arch)
    writer.add_type("model")
    writer.add_name(f"random {spec.name}")
    writer.add_file_type(FILE_TYPES[spec.matrix_type])
    writer.add_quantization_version(2)
    spec.meta(writer, spec.config)
    spec.tokens(writer, spec.config.vocab_size)
    for name, rows in spec.tensors(spec.config, weights):
        kind = gguf.GGMLQuantizationType[spec.matrix_type if rows.ndim > 1 else "F32"]
        writer.add_tensor(name, gguf.quants.quantize(np.ascontiguousarray(rows), kind),
                          raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def make(folder: pathlib.Path) -> None:
    """Writes every model, its token and logit files, and index.txt."""
    torch.set_num_threads(1)
    folder.mkdir(parents=True, exist_ok=True)
    index = []
    for spec in specs():
        vocab = spec.config.vocab_size
        drawn_as = spec.seed_name or spec.name
        ids = {key: generator(drawn_as, "tokens", key).integers(0, vocab, n, dtype=np.int64)
               for key, n in SEQUENCES.items()}
        weights, exact = reference(spec, ids)
        write_gguf(spec, weights, folder / f"{spec.name}.gguf")
        for key, rows in exact.items():
            tokens_file = f"{spec.name}.{key}.tokens.txt"
            logits_file = f"{spec.name}.{key}.logits.bin"
            (folder / tokens_file).write_text(" ".join(map(str, ids[key])) + "\n")
            rows.astype("<f4").tofile(folder / logits_file)
            index.append(f"{spec.name} {spec.name}.gguf {tokens_file} {logits_file} "
                         f"{rows.shape[0]} {vocab}\n")
    (folder / "index.txt").write_text("".join(index))
