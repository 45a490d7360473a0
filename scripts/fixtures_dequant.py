"""Blocks of each weight type and what the gguf package dequantizes them to, bit for bit."""
import pathlib

import gguf
import numpy as np

SEED = 20240917
TINY_AND_HUGE = np.array([  # halves: zeros, denormals, smallest normals, ones, largest
    0x0000, 0x8000, 0x0001, 0x8001, 0x0200, 0x03FF, 0x83FF, 0x0400, 0x8400, 0x3C00, 0xBC00,
    0x3555, 0x7BFF, 0xFBFF], dtype=np.uint16)
SCALES_AT = {"Q8_0": [0], "Q4_0": [0], "Q4_K": [0, 2], "Q6_K": [208]}  # byte offsets of halves
COUNT = {"Q8_0": 48, "Q4_0": 48, "Q4_K": 28, "Q6_K": 28}


def put_half(blocks: np.ndarray, at: int, halves: np.ndarray) -> None:
    blocks[:, at:at + 2] = halves.astype("<u2").view(np.uint8).reshape(-1, 2)


def finite_halves(rng: np.random.Generator, n: int) -> np.ndarray:
    """Random half bit patterns without infinities and NaN."""
    halves = rng.integers(0, 1 << 16, n, dtype=np.uint16)
    exponent_full = (halves & 0x7C00) == 0x7C00
    return np.where(exponent_full, halves & 0xBFFF, halves).astype(np.uint16)


def sane_halves(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.uniform(1e-4, 1e-1, n).astype(np.float16).view(np.uint16)


def quant_blocks(name: str, rng: np.random.Generator) -> np.ndarray:
    """Thirds: ordinary scales, zero/denormal/largest scales, any finite scales; (blocks, bytes)."""
    _, size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[name]]
    groups = []
    for draw in (sane_halves, None, finite_halves):
        n = COUNT[name]
        blocks = rng.integers(0, 256, (n, size), dtype=np.uint8)
        for k, at in enumerate(SCALES_AT[name]):
            choices, step = len(TINY_AND_HUGE), np.arange(n)
            special = TINY_AND_HUGE[(step if k == 0 else 5 * step + step // choices) % choices]
            put_half(blocks, at, special if draw is None else draw(rng, n))
        groups.append(blocks)
    if name in ("Q8_0", "Q4_0"):  # and what the package itself encodes
        values = rng.standard_normal((32, 32)).astype(np.float32)
        groups.append(gguf.quants.quantize(values, gguf.GGMLQuantizationType[name]))
    else:  # and every bit of the packed fields equal
        fill = np.repeat(np.array([[0x00], [0xFF], [0x55], [0xAA]], np.uint8), size, axis=1)
        for at in SCALES_AT[name]:
            put_half(fill, at, np.full(4, 0x3C00, np.uint16))
        groups.append(fill)
    return np.concatenate(groups)


def float_values(name: str, rng: np.random.Generator) -> np.ndarray:
    """Two-byte floats: every sign and exponent but NaN and infinity, and random ones."""
    shift, exponents = (10, 31) if name == "F16" else (7, 255)
    exponent = np.arange(exponents, dtype=np.uint16) << shift
    fractions = np.array([0, 1, (1 << shift) - 1], dtype=np.uint16)
    positive = (exponent[:, None] | fractions).ravel()
    wide = rng.integers(0, exponents << shift, 1024, dtype=np.uint16)
    sign = (rng.integers(0, 2, 1024, dtype=np.uint16) << 15).astype(np.uint16)
    return np.concatenate([positive, positive | 0x8000, wide | sign]).astype("<u2")


def make(folder: pathlib.Path) -> None:
    """Writes <type>.blocks.bin, <type>.f32.bin and index.txt."""
    folder.mkdir(parents=True, exist_ok=True)
    index = []
    for i, name in enumerate(("F16", "BF16", "Q8_0", "Q4_0", "Q4_K", "Q6_K")):
        rng = np.random.Generator(np.random.PCG64([SEED, i]))
        kind = gguf.GGMLQuantizationType[name]
        elements, size = gguf.GGML_QUANT_SIZES[kind]
        two_byte = name in ("F16", "BF16")
        blocks = (float_values(name, rng).view(np.uint8).reshape(-1, 2) if two_byte
                  else quant_blocks(name, rng))
        values = gguf.quants.dequantize(blocks, kind).astype("<f4")
        assert np.isfinite(values).all() and values.size == len(blocks) * elements
        stem = name.lower()
        blocks.tofile(folder / f"{stem}.blocks.bin")
        values.tofile(folder / f"{stem}.f32.bin")
        index.append(f"{name} {stem}.blocks.bin {stem}.f32.bin {len(blocks)} {elements} {size}\n")
    (folder / "index.txt").write_text("".join(index))
