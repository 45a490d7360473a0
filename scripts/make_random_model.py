#!/usr/bin/env python3
"""Makes a random GGUF of a given shape and weight type, for timing and memory tests.

    python3 scripts/make_random_model.py --shape llama-1b --type Q4_K_M --out random-1b.gguf

Needs numpy and gguf only; memory stays below about 200 MB for any size. The same arguments give
the same file. Blocks are random bytes under sane scales: logits are finite, text is noise.
"""
import argparse
import base64
import math
import os
import zlib

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type

SHAPES = {  # family, width, layers, heads, kv heads, feed-forward, vocabulary, tied, rope factor
    "tiny": ("llama", 256, 2, 4, 2, 512, 512, True, 0),
    "llama-1b": ("llama", 2048, 16, 32, 8, 8192, 128256, True, 32),
    "llama-3b": ("llama", 3072, 28, 24, 8, 8192, 128256, True, 32),
    "llama-8b": ("llama", 4096, 32, 32, 8, 14336, 128256, False, 8),
    "qwen2-0.5b": ("qwen2", 896, 24, 14, 2, 4864, 151936, True, 0),
}
FAMILIES = {  # rope base, epsilon of the norms, context, biases, pre-tokenizer, adds a begin token
    "llama": (500000.0, 1e-5, 131072, False, "llama-bpe", True),
    "qwen2": (1e6, 1e-6, 32768, True, "qwen2", False),
}
FILE_TYPES = {"F32": 0, "F16": 1, "Q4_0": 2, "Q8_0": 7, "Q5_0": 8, "Q3_K": 11, "Q4_K": 14,
              "Q4_K_M": 15, "Q5_K": 16, "Q6_K": 18, "IQ2_XXS": 19, "IQ2_XS": 20, "Q2_K": 21,
              "IQ3_XXS": 23, "IQ4_NL": 25, "IQ3_S": 26, "IQ2_S": 28, "IQ4_XS": 30, "BF16": 32,
              "MXFP4": 38}
OUTPUTS = {"Q4_K_M": "Q6_K", "Q5_K": "Q6_K", "Q3_K": "Q6_K", "Q2_K": "Q6_K", "IQ4_NL": "Q6_K",
           "IQ4_XS": "Q6_K", "IQ3_S": "Q6_K", "IQ3_XXS": "Q5_K", "IQ2_S": "Q5_K",
           "IQ2_XS": "Q5_K", "IQ2_XXS": "Q5_K"}  # the head's type in the usual mixes, if another
SLAB = 1 << 21  # weights made at a time, rounded to whole rows
ORIGINAL_CONTEXT = 8192


def generator(seed: int, name: str, part: int) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64([seed, zlib.crc32(name.encode()), part]))


def random_bytes(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return np.frombuffer(rng.bytes(math.prod(shape)), np.uint8).reshape(shape).copy()


def put_scale(blocks: np.ndarray, at: int, value: float, rng, signed: bool = False) -> np.ndarray:
    """Writes half scales near value (0.75 to 1.25 times) at a byte offset; returns them."""
    scale = value * rng.uniform(0.75, 1.25, len(blocks))
    if signed:
        scale *= rng.choice([-1.0, 1.0], len(blocks))
    half = scale.astype("<f2")
    blocks[:, at:at + 2] = half.view(np.uint8).reshape(-1, 2)
    return half


def q8_0(rng, blocks: int, std: float) -> np.ndarray:
    out = random_bytes(rng, blocks, 34)
    put_scale(out, 0, std / 74, rng)  # 74: deviation of a uniform signed byte
    return out


def q4_0(rng, blocks: int, std: float) -> np.ndarray:
    out = random_bytes(rng, blocks, 18)
    put_scale(out, 0, std / 4.6, rng, signed=True)
    return out


def q4_k(rng, blocks: int, std: float) -> np.ndarray:
    """Minimums equal the scales and dmin is 7.5 d, so each sub-block has mean zero."""
    out = random_bytes(rng, blocks, 144)
    d = put_scale(out, 0, std / 168, rng)
    out[:, 2:4] = (d.astype(np.float32) * 7.5).astype("<f2").view(np.uint8).reshape(-1, 2)
    out[:, 8:12] = out[:, 4:8]
    out[:, 12:16] = (out[:, 12:16] & 15) * 17
    return out


def q5_k(rng, blocks: int, std: float) -> np.ndarray:
    """As q4_k, of which it has the scales."""
    out = random_bytes(rng, blocks, 176)
    d = put_scale(out, 0, std / 338, rng)
    out[:, 2:4] = (d.astype(np.float32) * 15.5).astype("<f2").view(np.uint8).reshape(-1, 2)
    out[:, 8:12] = out[:, 4:8]
    out[:, 12:16] = (out[:, 12:16] & 15) * 17
    return out


def q2_k(rng, blocks: int, std: float) -> np.ndarray:
    """Minimums equal the scales and dmin is 1.5 d."""
    out = random_bytes(rng, blocks, 84)
    d = put_scale(out, 80, std / 9.8, rng)
    out[:, 82:84] = (d.astype(np.float32) * 1.5).astype("<f2").view(np.uint8).reshape(-1, 2)
    out[:, 0:16] = (out[:, 0:16] & 15) * 17
    return out


def coded(size: int, at: int, deviation: float):
    """A maker of blocks in which any bytes are valid codes beside one half scale at a byte offset;
    deviation: that of the weights under a scale of 1."""
    def make(rng, blocks: int, std: float) -> np.ndarray:
        out = random_bytes(rng, blocks, size)
        put_scale(out, at, std / deviation, rng)
        return out
    return make


def mxfp4(rng, blocks: int, std: float) -> np.ndarray:
    out = random_bytes(rng, blocks, 17)
    out[:, 0] = 126 + round(math.log2(std / 2.9)) + (out[:, 0] & 1)  # an exponent over 127
    return out


def floats(rng, count: int, std: float) -> np.ndarray:
    values = rng.random(count, dtype=np.float32)
    values -= 0.5
    values *= np.float32(std * math.sqrt(12))
    return values


def f32(rng, count: int, std: float) -> np.ndarray:
    return floats(rng, count, std).astype("<f4", copy=False)


def f16(rng, count: int, std: float) -> np.ndarray:
    return floats(rng, count, std).astype("<f2")


def bf16(rng, count: int, std: float) -> np.ndarray:
    return (floats(rng, count, std).view(np.uint32) >> 16).astype("<u2")


MAKERS = {Type.F32: f32, Type.F16: f16, Type.BF16: bf16, Type.Q8_0: q8_0, Type.Q4_0: q4_0,
          Type.Q5_0: coded(22, 0, 9.2), Type.Q2_K: q2_k, Type.Q3_K: coded(110, 108, 43.5),
          Type.Q4_K: q4_k, Type.Q5_K: q5_k, Type.Q6_K: coded(210, 208, 1367),
          Type.IQ2_XXS: coded(66, 0, 60), Type.IQ2_XS: coded(74, 0, 60),
          Type.IQ2_S: coded(82, 0, 60), Type.IQ3_XXS: coded(98, 0, 140),
          Type.IQ3_S: coded(110, 0, 145), Type.IQ4_NL: coded(18, 0, 70),
          Type.IQ4_XS: coded(136, 0, 1300), Type.MXFP4: mxfp4}


class RandomMatrix:
    """A (rows, columns) tensor that is made slab by slab while the writer stores it."""

    def __init__(self, name: str, rows: int, columns: int, kind: Type, seed: int, std: float):
        per_block, block_bytes = gguf.GGML_QUANT_SIZES[kind]
        if columns % per_block:
            raise SystemExit(f"{name}: row length {columns} is not a multiple of {per_block}, "
                             f"the block size of {kind.name}")
        self.name, self.kind, self.seed, self.std = name, kind, seed, std
        self.shape = (rows, columns)
        self.blocks_per_row = columns // per_block
        self.slab_rows = max(1, SLAB // columns)
        self.nbytes = rows * self.blocks_per_row * block_bytes

    def tofile(self, file) -> None:
        for part, first in enumerate(range(0, self.shape[0], self.slab_rows)):
            rows = min(self.slab_rows, self.shape[0] - first)
            rng = generator(self.seed, self.name, part)
            MAKERS[self.kind](rng, rows * self.blocks_per_row, self.std).tofile(file)


class Vector:
    """A float32 tensor of one dimension."""
    kind = Type.F32

    def __init__(self, name: str, values: np.ndarray):
        self.name, self.values = name, values.astype("<f4")
        self.shape, self.nbytes = self.values.shape, self.values.nbytes

    def tofile(self, file) -> None:
        self.values.tofile(file)


def rope_divisors(head: int, base: float, factor: float) -> np.ndarray:
    """Llama 3 scaling: long waves are slowed by the factor, short ones kept, a ramp between."""
    wave = 2 * math.pi * base ** (np.arange(0, head, 2) / head)
    ramp = np.clip((ORIGINAL_CONTEXT / wave - 1.0) / 3.0, 0.0, 1.0)
    return 1.0 / ((1.0 - ramp) / factor + ramp)


def more_bits(layer: int, layers: int) -> bool:
    """Layers whose attn_v and ffn_down get Q6_K in the usual Q4_K_M mix: both ends, every third."""
    eighth = layers // 8
    return layer < eighth or layer >= 7 * layers // 8 or (layer - eighth) % 3 == 2


def kinds(a) -> tuple:
    """Functions: the type of a block's matrix, and the type of the output head."""
    mixed = a.type == "Q4_K_M"
    base = Type.Q4_K if mixed else Type[a.type]
    output = Type[a.output_type or OUTPUTS.get(a.type, a.type)]

    def block(part: str, layer: int) -> Type:
        raised = mixed and part in ("attn_v", "ffn_down") and more_bits(layer, a.layers)
        return Type.Q6_K if raised else base
    return base, output, block


def tensors(a):
    """Every tensor in file order; deviation 1/sqrt(columns) keeps activations in range."""
    base, output, block = kinds(a)
    kv = a.kv_heads * a.head_size
    q = a.heads * a.head_size
    parts = {"attn_q": (q, a.width), "attn_k": (kv, a.width), "attn_v": (kv, a.width),
             "attn_output": (a.width, q), "ffn_gate": (a.ffn, a.width),
             "ffn_up": (a.ffn, a.width), "ffn_down": (a.width, a.ffn)}

    def matrix(name, rows, columns, kind):
        return RandomMatrix(name, rows, columns, kind, a.seed, 1.0 / math.sqrt(columns))

    def norm(name):
        return Vector(name, 1.0 + 0.1 * generator(a.seed, name, 0).standard_normal(a.width))

    def bias(name, size):
        return Vector(name, 0.1 * generator(a.seed, name, 0).standard_normal(size))

    yield matrix("token_embd.weight", a.vocab, a.width, output if a.tied else base)
    if a.rope_factor:
        yield Vector("rope_freqs.weight", rope_divisors(a.head_size, a.rope_base, a.rope_factor))
    for i in range(a.layers):
        for norm_name, names in (("attn_norm", ("attn_q", "attn_k", "attn_v", "attn_output")),
                                 ("ffn_norm", ("ffn_gate", "ffn_up", "ffn_down"))):
            yield norm(f"blk.{i}.{norm_name}.weight")
            for part in names:
                yield matrix(f"blk.{i}.{part}.weight", *parts[part], block(part, i))
                if a.biases and part in ("attn_q", "attn_k", "attn_v"):
                    yield bias(f"blk.{i}.{part}.bias", parts[part][0])
    yield norm("output_norm.weight")
    if not a.tied:
        yield matrix("output.weight", a.vocab, a.width, output)


def byte_letters() -> list[str]:
    """The 256 letters that byte-level BPE writes bytes with (GPT-2), in byte order."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    shifted = iter(range(256, 512))
    return [chr(b if b in plain else next(shifted)) for b in range(256)]


def vocabulary(size: int) -> tuple[list[str], list[int], list[str]]:
    """Tokens, types and merges: all bytes, then lower-case words built letter by letter."""
    specials = ["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>", "<|unused|>"]
    if size < 256 + len(specials):
        raise SystemExit(f"--vocab {size}: at least {256 + len(specials)} are needed")
    tokens, merges = byte_letters(), []
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    stems = ["\u0120"] + letters  # Ġ, the space
    while len(tokens) < size - len(specials):
        longer = [(stem, letter) for stem in stems for letter in letters]
        longer = longer[:size - len(specials) - len(tokens)]
        stems = [stem + letter for stem, letter in longer]
        tokens += stems
        merges += [f"{stem} {letter}" for stem, letter in longer]
    types = [gguf.TokenType.NORMAL] * len(tokens) + [gguf.TokenType.CONTROL] * len(specials)
    return tokens + specials, types, merges


def merge_of(word: bytes, ranks: dict[bytes, int]) -> tuple[bytes, bytes]:
    """The two tokens that byte pair encoding joins last to get this one."""
    parts = [word[i:i + 1] for i in range(len(word))]
    while len(parts) > 2:
        pairs = [ranks.get(a + b, ranks[word]) for a, b in zip(parts, parts[1:])]
        at = pairs.index(min(pairs))
        parts[at:at + 2] = [parts[at] + parts[at + 1]]
    return parts[0], parts[1]


def real_vocabulary(path: str, size: int) -> tuple[list[str], list[int], list[str]]:
    """Tokens, types and merges of a file of ranks (tiktoken: base64 and rank, line by line)."""
    with open(path, "rb") as file:
        ranks = {base64.b64decode(word): int(rank) for word, rank in map(bytes.split, file)}
    if len(ranks) + 4 > size:
        raise SystemExit(f"--ranks {path}: {len(ranks)} tokens, --vocab {size} holds {size - 4}")
    letters = byte_letters()

    def spell(word: bytes) -> str:
        return "".join(letters[byte] for byte in word)
    words = sorted(ranks, key=ranks.get)
    merges = [" ".join(map(spell, merge_of(word, ranks))) for word in words if len(word) > 1]
    specials = [f"<|special_{i}|>" for i in range(size - len(words))]
    types = [gguf.TokenType.NORMAL] * len(words) + [gguf.TokenType.CONTROL] * len(specials)
    return [*map(spell, words), *specials], types, merges


def add_tokenizer(writer: gguf.GGUFWriter, a) -> None:
    size = a.vocab
    tokens, types, merges = real_vocabulary(a.ranks, size) if a.ranks else vocabulary(size)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(a.pre_tokenizer)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    if merges:
        writer.add_token_merges(merges)
    writer.add_bos_token_id(size - 4)
    writer.add_eos_token_id(size - 3)
    writer.add_eot_token_id(size - 2)
    writer.add_add_bos_token(a.adds_begin)


def add_metadata(writer: gguf.GGUFWriter, a) -> None:
    writer.add_type("model")
    writer.add_name(f"random {a.type}")
    writer.add_file_type(FILE_TYPES[a.type])
    writer.add_quantization_version(2)
    writer.add_vocab_size(a.vocab)
    writer.add_context_length(a.context)
    writer.add_embedding_length(a.width)
    writer.add_block_count(a.layers)
    writer.add_feed_forward_length(a.ffn)
    writer.add_head_count(a.heads)
    writer.add_head_count_kv(a.kv_heads)
    writer.add_key_length(a.head_size)
    writer.add_value_length(a.head_size)
    writer.add_rope_dimension_count(a.head_size)
    writer.add_rope_freq_base(a.rope_base)
    writer.add_layer_norm_rms_eps(a.epsilon)


def write(a) -> int:
    """Writes the file and returns the number of weights."""
    writer = gguf.GGUFWriter(a.out, a.family)
    add_metadata(writer, a)
    add_tokenizer(writer, a)
    everything = list(tensors(a))
    for t in everything:
        writer.add_tensor_info(t.name, t.shape, np.dtype(np.float32), t.nbytes, raw_dtype=t.kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for t in everything:
        writer.write_tensor_data(t)
    writer.close()
    return sum(math.prod(t.shape) for t in everything)


def arguments():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--shape", choices=SHAPES, default="tiny", help="a known shape to start from")
    p.add_argument("--type", choices=FILE_TYPES, default="Q4_K", help="type of the matrices")
    p.add_argument("--output-type", choices=[t.name for t in MAKERS],
                   help="type of the output head, or of the tied embedding")
    p.add_argument("--out", required=True, help="file to write")
    p.add_argument("--seed", type=int, default=1)
    for name in ("width", "layers", "heads", "kv-heads", "head-size", "ffn", "vocab"):
        p.add_argument(f"--{name}", type=int)
    p.add_argument("--ranks", help="a vocabulary of real words: a file of tiktoken (base64 and rank)")
    p.add_argument("--context", type=int)
    p.add_argument("--rope-factor", type=float, help="Llama 3 frequency scaling; 0: none")
    p.add_argument("--tied", action=argparse.BooleanOptionalAction, default=None,
                   help="share the embedding with the output head")
    a = p.parse_args()
    a.family, *shape = SHAPES[a.shape]
    names = ("width", "layers", "heads", "kv_heads", "ffn", "vocab", "tied", "rope_factor")
    a.rope_base, a.epsilon, context, a.biases, a.pre_tokenizer, a.adds_begin = FAMILIES[a.family]
    for name, value in zip((*names, "context"), (*shape, context)):
        if getattr(a, name) is None:
            setattr(a, name, value)
    a.head_size = a.head_size or a.width // a.heads
    if min(a.width, a.layers, a.heads, a.kv_heads, a.ffn) < 1 or a.heads % a.kv_heads:
        p.error(f"{a.heads} heads do not divide into {a.kv_heads} kv heads")
    return a


def main() -> None:
    a = arguments()
    weights = write(a)
    print(f"{a.out}: {weights / 1e6:.1f} M weights, {os.path.getsize(a.out) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
