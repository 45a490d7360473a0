"""What the gguf package dequantizes known bytes of each weight type to, as hashes.

Every language can make the same bytes (splitmix64) and the same hash, so that a line of text stands
for a million weights. hashes.txt: type, elements and bytes of a block, fill, blocks, hash.
"""
import pathlib

import gguf
import numpy as np

WEIGHTS = 1 << 20
FILLS = ("random", "00", "ff", "7f", "80", "01")  # zero, NaN scales, largest, smallest
U64 = np.uint64


def mix(i: np.ndarray) -> np.ndarray:
    """splitmix64 of each counter."""
    z = (i + U64(1)) * U64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> U64(30))) * U64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> U64(27))) * U64(0x94D049BB133111EB)
    return z ^ (z >> U64(31))


def known_bytes(fill: str, n: int) -> np.ndarray:
    if fill != "random":
        return np.full(n, int(fill, 16), np.uint8)
    return mix(np.arange((n + 7) // 8, dtype=np.uint64)).astype("<u8").view(np.uint8)[:n]


def hash_floats(values: np.ndarray) -> int:
    """Sum of (bits + 1) * odd number of the place, modulo 2^64; every NaN counts as the same."""
    bits = values.astype("<f4").ravel().view(np.uint32).astype(np.uint64)
    bits[np.isnan(values.ravel())] = 0x7FC00000
    return int(((bits + U64(1)) * (mix(np.arange(bits.size, dtype=np.uint64)) | U64(1))).sum(dtype=np.uint64))


def halves(blocks: np.ndarray) -> np.ndarray:
    return blocks[:, :2].copy().view("<f2").astype(np.float32)


def q1_0(blocks: np.ndarray) -> np.ndarray:
    bits = np.unpackbits(blocks[:, 2:], axis=1, bitorder="little")
    return halves(blocks) * np.where(bits == 1, np.float32(1), np.float32(-1))


def q2_0(blocks: np.ndarray) -> np.ndarray:
    codes = np.stack([blocks[:, 2:] >> s & 3 for s in (0, 2, 4, 6)], axis=-1).reshape(len(blocks), -1)
    return halves(blocks) * (codes.astype(np.float32) - 1)


# Types that the package does not dequantize: plain numbers, and two by the words of the format.
OWN = {
    "F32": (1, 4, lambda b: b.copy().view("<f4")),
    "F64": (1, 8, lambda b: b.copy().view("<f8").astype(np.float32)),
    "I8": (1, 1, lambda b: b.copy().view("<i1").astype(np.float32)),
    "I16": (1, 2, lambda b: b.copy().view("<i2").astype(np.float32)),
    "I32": (1, 4, lambda b: b.copy().view("<i4").astype(np.float32)),
    "I64": (1, 8, lambda b: b.copy().view("<i8").astype(np.float32)),
    "Q1_0": (128, 18, q1_0),
    "Q2_0": (64, 18, q2_0),
}
PACKAGE = ("F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K",
           "IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S", "IQ4_NL", "IQ4_XS",
           "TQ1_0", "TQ2_0", "MXFP4", "NVFP4")


def make(folder: pathlib.Path) -> None:
    """Writes hashes.txt."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for name in (*PACKAGE, *OWN):
        if name in OWN:
            elements, size, decode = OWN[name]
        else:
            kind = gguf.GGMLQuantizationType[name]
            elements, size = gguf.GGML_QUANT_SIZES[kind]
            decode = lambda blocks: gguf.quants.dequantize(blocks, kind)  # noqa: E731
        for fill in FILLS:
            count = (WEIGHTS if fill == "random" else 1024) // elements
            blocks = known_bytes(fill, count * size).reshape(count, size)
            with np.errstate(all="ignore"):
                values = decode(blocks)
            assert values.size == count * elements
            lines.append(f"{name} {elements} {size} {fill} {count} {hash_floats(values):016x}\n")
    (folder / "hashes.txt").write_text("".join(lines))
