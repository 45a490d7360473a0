"""Hugging Face weights of the four families as GGUF metadata and tensors.

Conventions of real converted files: the `llama` graph rotates interleaved pairs, so its Q and K
rows are re-ordered from the half-split form; `qwen2` and `gptneox` rotate half-split rows as they
are; the fused query_key_value of gptneox and bloom goes from [head][q|k|v] to [all q|all k|all v].
"""
import math

import gguf
import numpy as np


def interleave(rows: np.ndarray, heads: int) -> np.ndarray:
    """Half-split rotary rows [head][half][pair] -> [head][pair][half]; weights or bias."""
    head = rows.shape[0] // heads
    split = rows.reshape(heads, 2, head // 2, *rows.shape[1:])
    return split.swapaxes(1, 2).reshape(rows.shape)


def regroup_qkv(rows: np.ndarray, heads: int) -> np.ndarray:
    """[head][q|k|v][head size] -> [q|k|v][head][head size]; weights or bias."""
    head = rows.shape[0] // (3 * heads)
    split = rows.reshape(heads, 3, head, *rows.shape[1:])
    return split.swapaxes(0, 1).reshape(rows.shape)


def llama3_divisors(rope: dict, head: int) -> np.ndarray:
    """What each rotary frequency is divided by (the tensor rope_freqs.weight, head/2 values)."""
    context = rope["original_max_position_embeddings"]
    low, high = context / rope["low_freq_factor"], context / rope["high_freq_factor"]
    divisors = []
    for i in range(head // 2):
        wave = 2 * math.pi * rope["rope_theta"] ** (2 * i / head)
        if wave < high:
            divisors.append(1.0)
        elif wave > low:
            divisors.append(rope["factor"])
        else:
            span = rope["high_freq_factor"] - rope["low_freq_factor"]
            smooth = (context / wave - rope["low_freq_factor"]) / span
            divisors.append(1.0 / ((1.0 - smooth) / rope["factor"] + smooth))
    return np.array(divisors, dtype=np.float32)


def add_shape(writer, c, ffn: int, context: int) -> None:
    writer.add_context_length(context)
    writer.add_embedding_length(c.hidden_size)
    writer.add_block_count(c.num_hidden_layers)
    writer.add_feed_forward_length(ffn)
    writer.add_head_count(c.num_attention_heads)


def llama_meta(writer, c, minimal: bool) -> None:
    """Keys of a `llama` file; minimal: only what the oldest files carry (rope base by default)."""
    add_shape(writer, c, c.intermediate_size, c.max_position_embeddings)
    writer.add_head_count_kv(c.num_key_value_heads)
    writer.add_layer_norm_rms_eps(c.rms_norm_eps)
    writer.add_rope_dimension_count(c.head_dim)
    if minimal:
        return
    writer.add_vocab_size(c.vocab_size)
    writer.add_rope_freq_base(c.rope_parameters["rope_theta"])
    if c.head_dim * c.num_attention_heads != c.hidden_size:
        writer.add_key_length(c.head_dim)
        writer.add_value_length(c.head_dim)
    if c.rope_parameters["rope_type"] == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(c.rope_parameters["factor"])


def gated_tensors(c, w: dict, permute: bool):
    """Tensors shared by llama, mistral and qwen2: RMSNorm, separate q k v, gated feed-forward."""
    yield "token_embd.weight", w["model.embed_tokens.weight"]
    if c.rope_parameters["rope_type"] == "llama3":
        yield "rope_freqs.weight", llama3_divisors(c.rope_parameters, c.head_dim)
    for i in range(c.num_hidden_layers):
        source, to = f"model.layers.{i}.", f"blk.{i}."
        yield to + "attn_norm.weight", w[source + "input_layernorm.weight"]
        for part, heads in (("q", c.num_attention_heads), ("k", c.num_key_value_heads), ("v", 0)):
            for kind in ("weight", "bias"):
                rows = w.get(f"{source}self_attn.{part}_proj.{kind}")
                if rows is not None:
                    turned = interleave(rows, heads) if permute and heads else rows
                    yield f"{to}attn_{part}.{kind}", turned
        yield to + "attn_output.weight", w[source + "self_attn.o_proj.weight"]
        yield to + "ffn_norm.weight", w[source + "post_attention_layernorm.weight"]
        for part in ("gate", "up", "down"):
            yield f"{to}ffn_{part}.weight", w[f"{source}mlp.{part}_proj.weight"]
    yield "output_norm.weight", w["model.norm.weight"]
    if not c.tie_word_embeddings:
        yield "output.weight", w["lm_head.weight"]


def qwen2_meta(writer, c) -> None:
    add_shape(writer, c, c.intermediate_size, c.max_position_embeddings)
    writer.add_head_count_kv(c.num_key_value_heads)
    writer.add_rope_freq_base(c.rope_parameters["rope_theta"])
    writer.add_layer_norm_rms_eps(c.rms_norm_eps)


def gptneox_meta(writer, c) -> None:
    head = c.hidden_size // c.num_attention_heads
    add_shape(writer, c, c.intermediate_size, c.max_position_embeddings)
    writer.add_rope_dimension_count(int(c.rope_parameters["partial_rotary_factor"] * head))
    writer.add_parallel_residual(c.use_parallel_residual)
    writer.add_layer_norm_eps(c.layer_norm_eps)


def bloom_meta(writer, c) -> None:
    add_shape(writer, c, 4 * c.hidden_size, 2048)
    writer.add_head_count_kv(c.num_attention_heads)
    writer.add_layer_norm_eps(c.layer_norm_epsilon)


FUSED_BLOCK = {  # GGUF name -> (gptneox name, bloom name) inside a layer
    "attn_norm": ("input_layernorm", "input_layernorm"),
    "attn_qkv": ("attention.query_key_value", "self_attention.query_key_value"),
    "attn_output": ("attention.dense", "self_attention.dense"),
    "ffn_norm": ("post_attention_layernorm", "post_attention_layernorm"),
    "ffn_up": ("mlp.dense_h_to_4h", "mlp.dense_h_to_4h"),
    "ffn_down": ("mlp.dense_4h_to_h", "mlp.dense_4h_to_h"),
}


def fused_tensors(c, w: dict, family: int, prefix: str, top: dict):
    """Tensors of gptneox (family 0) and bloom (family 1): LayerNorm, fused qkv, biases."""
    for name, source in top.items():
        for kind in ("weight", "bias"):
            if f"{source}.{kind}" in w:
                yield f"{name}.{kind}", w[f"{source}.{kind}"]
    for i in range(c.num_hidden_layers):
        for name, sources in FUSED_BLOCK.items():
            for kind in ("weight", "bias"):
                rows = w[f"{prefix}.{i}.{sources[family]}.{kind}"]
                turned = regroup_qkv(rows, c.num_attention_heads) if name == "attn_qkv" else rows
                yield f"blk.{i}.{name}.{kind}", turned


def gptneox_tensors(c, w: dict):
    top = {"token_embd": "gpt_neox.embed_in", "output_norm": "gpt_neox.final_layer_norm",
           "output": "embed_out" if "embed_out.weight" in w else "lm_head"}
    yield from fused_tensors(c, w, 0, "gpt_neox.layers", top)


def bloom_tensors(c, w: dict, own_output: bool):
    """own_output: the tied head written a second time, as the earlier converters did."""
    top = {"token_embd": "transformer.word_embeddings",
           "token_embd_norm": "transformer.word_embeddings_layernorm",
           "output_norm": "transformer.ln_f"}
    yield from fused_tensors(c, w, 1, "transformer.h", top)
    if own_output:
        yield "output.weight", w["transformer.word_embeddings.weight"]
