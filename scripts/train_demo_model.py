#!/usr/bin/env python3
"""Trains the demo model of inlay on public-domain prose and writes it as GGUF (Q8_0).

    python3 -m venv venv && venv/bin/pip install -r scripts/requirements-train.txt
    venv/bin/python scripts/train_demo_model.py --corpus DIR --out demo.gguf --minutes 70
    venv/bin/python scripts/train_demo_model.py --corpus DIR --check demo.gguf

DIR holds plain text books (*.txt, hard-wrapped as Project Gutenberg gives them). The run is driven
by the wall clock: the learning rate reaches zero when the minutes are over, so a slower machine
sees fewer tokens but ends with a finished model. A usable file is written every few minutes.
--check reads such a file back, runs it in numpy, and prints its held-out loss and two samples.
"""

import argparse
import ctypes
import json
import math
import os
import re
import sys
import time
from pathlib import Path

import gguf
import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

SEED = 1
HELD_OUT = ("the-road-to-oz", "the-time-machine")
END = "<|endoftext|>"  # stands before every chapter, and so between any two
END_ID = 0

VOCAB, WIDTH, LAYERS, FFN = 4096, 256, 5, 512
HEADS, KV_HEADS, HEAD = 4, 2, 64
CONTEXT, ROPE_BASE, EPS = 512, 10000.0, 1e-5
STEP_TOKENS, MUON_RATE, ADAM_RATE = 4096, 0.02, 3e-3  # Muon: matrices; AdamW: embedding and norms


# ---- text ----------------------------------------------------------------------------------------

STRAIGHT = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "`": "'", "—": "--",
                          "…": "...", "_": None, "\t": " ", "\ufeff": None})
HEADING = re.compile(r"(chapter|part|book|stave|letter|the end)\b.{0,60}"
                     r"|[\divxlc]+\.?(\s.{0,60})?", re.I)


def is_heading(paragraph):
    """A chapter title: "CHAPTER I", "3", "THE GOLDEN BIRD", "The Wolf And The Lamb"."""
    letters = [c for c in paragraph if c.isalpha()]
    if not letters or len(paragraph) > 80 or paragraph[0] in "\"'":
        return not letters
    shouted = all(c.isupper() for c in letters) and paragraph[-1] not in '!"'
    unended = paragraph[-1] not in ".,;:!?\"')-*"
    titled = all(w[0].isupper() for w in re.findall(r"[A-Za-z]{4,}", paragraph))
    numbered = HEADING.fullmatch(paragraph) and paragraph[0] not in "Ii"
    return shouted or (unended and titled) or numbered


def chapters(text):
    """Unwraps a book: chapters, each a list of paragraphs of one line (verse keeps its lines)."""
    text = re.sub(r"\[\*\]|(?<=\w)\*", "", text.translate(STRAIGHT))
    done, current = [], []
    for block in re.split(r"\n\s*\n", text):
        lines = [line for line in block.split("\n") if line.strip()]
        if not lines or re.search(r"[|+\[\]{}]|\* ", block):
            continue  # tables, notes of editors, rows of stars
        verse = len(lines) > 1 and all(line.startswith("  ") for line in lines)
        lines = [re.sub(r" +", " ", line.strip()) for line in lines]
        paragraph = ("\n" if verse else " ").join(lines)
        if is_heading(paragraph):
            if sum(map(len, current)) > 400:
                done.append(current)
                current = []
        else:
            current.append(paragraph)
    return done + ([current] if current else [])


def read_books(folder):
    """Name of book -> its chapters, in the order of names."""
    paths = sorted(Path(folder).glob("*.txt"))
    books = {p.stem: chapters(p.read_text(encoding="utf-8")) for p in paths}
    if missing := set(HELD_OUT) - set(books):
        sys.exit(f"corpus lacks the held-out books {missing}")
    return books


def train_tokenizer(texts):
    """Byte-level BPE with the GPT-2 pre-tokenizer; the only special token is id 0."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    trainer = trainers.BpeTrainer(vocab_size=VOCAB, special_tokens=[END], show_progress=False,
                                  initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def encode_books(tokenizer, books):
    """Ids in one stream, END before every chapter; paragraph starts; bytes of text."""
    ids, starts, size = [], [], 0
    for book in books:
        for chapter in book:
            ids.append(END_ID)
            for paragraph in tokenizer.encode_batch([p + "\n" for p in chapter]):
                starts.append(len(ids))
                ids += paragraph.ids
            size += sum(len(p.encode()) + 1 for p in chapter)
    return np.array(ids, np.int64), np.array(starts), size


class Windows:
    """Endless windows END + stream[p : p + length]; p begins a paragraph, a round is an epoch."""

    def __init__(self, ids, starts):
        self.ids, self.starts, self.queue = ids, starts, []
        self.random = np.random.default_rng(SEED)

    def next(self, count, length):
        while len(self.queue) < count:
            grid = np.arange(self.random.integers(length), len(self.ids) - 2 * length, length)
            snapped = self.starts[np.searchsorted(self.starts, grid)]
            self.queue += list(self.random.permutation(snapped))
        target = np.stack([self.ids[p:p + length] for p in self.queue[:count]])
        del self.queue[:count]
        return np.pad(target[:, :-1], ((0, 0), (1, 0)), constant_values=END_ID), target


def held_out_windows(ids, length=CONTEXT):
    """The stream cut into windows as (input, target); END leads each in and is not scored."""
    for p in range(0, len(ids), length):
        target = ids[p:p + length]
        yield np.pad(target[:-1], (1, 0), constant_values=END_ID), target


# ---- model and optimizer ------------------------------------------------------------------------

def new_weights():
    """GGUF name -> parameter. Output matrices start at zero: a layer begins as the identity."""
    torch.manual_seed(SEED)
    q, kv = HEADS * HEAD, KV_HEADS * HEAD
    shapes = {"attn_q": (q, WIDTH), "attn_k": (kv, WIDTH), "attn_v": (kv, WIDTH),
              "attn_output": (WIDTH, q), "ffn_gate": (FFN, WIDTH), "ffn_up": (FFN, WIDTH),
              "ffn_down": (WIDTH, FFN)}
    weights = {"token_embd": torch.randn(VOCAB, WIDTH) * 0.02, "output_norm": torch.ones(WIDTH)}
    for i in range(LAYERS):
        weights |= {f"blk.{i}.{n}": torch.ones(WIDTH) for n in ("attn_norm", "ffn_norm")}
        for name, (rows, row) in shapes.items():
            scale = 0.0 if name in ("attn_output", "ffn_down") else row ** -0.5
            weights[f"blk.{i}.{name}"] = torch.randn(rows, row) * scale
    return {name: w.requires_grad_() for name, w in weights.items()}


def rope_table(length, size=HEAD, base=ROPE_BASE):
    """cos and sin (length, size / 2)."""
    angle = np.arange(length)[:, None] * base ** (-np.arange(0, size, 2) / size)[None, :]
    return np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)


def forward_loss(w, ids, target, cos, sin):
    """Mean cross entropy of ids (B, T) against target (B, T)."""
    B, T = ids.shape

    def norm(x, name):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + EPS) * w[name]

    def rope(x):  # (B, T, heads, HEAD), pairs (2i, 2i + 1)
        a, b = x.view(*x.shape[:-1], HEAD // 2, 2).unbind(-1)
        c, s = cos[:T, None], sin[:T, None]
        return torch.stack((a * c - b * s, a * s + b * c), -1).flatten(-2)

    x = w["token_embd"][ids]
    for i in range(LAYERS):
        p = f"blk.{i}."
        n = norm(x, p + "attn_norm")
        q = rope((n @ w[p + "attn_q"].T).view(B, T, HEADS, HEAD)).transpose(1, 2)
        k = rope((n @ w[p + "attn_k"].T).view(B, T, KV_HEADS, HEAD)).transpose(1, 2)
        v = (n @ w[p + "attn_v"].T).view(B, T, KV_HEADS, HEAD).transpose(1, 2)
        k, v = (t.repeat_interleave(HEADS // KV_HEADS, 1) for t in (k, v))
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + a.transpose(1, 2).reshape(B, T, HEADS * HEAD) @ w[p + "attn_output"].T
        n = norm(x, p + "ffn_norm")
        x = x + (F.silu(n @ w[p + "ffn_gate"].T) * (n @ w[p + "ffn_up"].T)) @ w[p + "ffn_down"].T
    logits = norm(x, "output_norm") @ w["token_embd"].T
    return F.cross_entropy(logits.view(-1, VOCAB), target.reshape(-1))


class Muon:
    """Momentum made orthogonal by Newton-Schulz steps (Jordan et al. 2024), a batch per shape."""

    def __init__(self, weights):
        self.groups, self.momentum = {}, {}
        for w in weights:
            self.groups.setdefault(tuple(w.shape), []).append(w)

    def orthogonal(self, m):  # (n, rows, row)
        tall = m.shape[1] > m.shape[2]
        x = m.mT.contiguous() if tall else m
        x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
        for _ in range(5):
            a = x @ x.mT
            x = 3.4445 * x + (-4.7750 * a + 2.0315 * (a @ a)) @ x
        return x.mT if tall else x

    def step(self, rate, decay):
        with torch.no_grad():
            for shape, group in self.groups.items():
                g = torch.stack([w.grad for w in group])
                m = self.momentum.setdefault(shape, torch.zeros_like(g)).lerp_(g, 0.05)
                update = self.orthogonal(g.lerp(m, 0.95)) * max(1.0, shape[0] / shape[1]) ** 0.5
                for w, u in zip(group, update):
                    w.mul_(1 - rate * decay).sub_(u, alpha=rate)


def train(args, tokenizer, train_ids, starts):
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):  # glibc: keep freed memory instead of mapping and zeroing it anew
        libc.mallopt(-4, 0)          # M_MMAP_MAX
        libc.mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD
    torch.set_num_threads(args.threads)
    weights = new_weights()
    matrices = [w for name, w in weights.items() if w.ndim == 2 and name != "token_embd"]
    others = [w for name, w in weights.items() if w.ndim == 1 or name == "token_embd"]
    muon = Muon(matrices)
    adam = torch.optim.AdamW(others, lr=0.0, betas=(0.9, 0.98), weight_decay=0.0)
    cos, sin = map(torch.from_numpy, rope_table(CONTEXT))
    loss_of = forward_loss if args.eager else torch.compile(forward_loss, dynamic=False)
    windows = Windows(train_ids, starts)
    print(f"parameters {sum(w.numel() for w in weights.values())}", flush=True)

    begin, step, tokens, recent, saved = time.time(), 0, 0, [], 0.0
    while (done := (time.time() - begin) / (60 * args.minutes)) < 1:
        rate = min(1, (step + 1) / 50) * min(1, (1 - done) / 0.7)  # warm-up, plateau, decay
        length = CONTEXT // 2 if done < 0.5 else CONTEXT  # long windows cost more: second half only
        ids, target = map(torch.from_numpy, windows.next(STEP_TOKENS // length, length))
        loss = loss_of(weights, ids, target, cos, sin)
        loss.backward()
        recent.append(loss.item())
        adam.param_groups[0]["lr"] = ADAM_RATE * rate
        muon.step(MUON_RATE * rate, 0.1)
        adam.step()
        for w in weights.values():
            w.grad = None
        step, tokens = step + 1, tokens + STEP_TOKENS
        if step % 50 == 0:
            print(f"step {step} tokens {tokens} minutes {(time.time() - begin) / 60:.2f} "
                  f"loss {np.mean(recent[-50:]):.4f}", flush=True)
        if time.time() - begin - saved > 60 * args.every:
            saved = time.time() - begin
            export(args.out, tokenizer, weights, quantized=True)
    export(args.out, tokenizer, weights, quantized=True)
    if args.f32:
        export(args.f32, tokenizer, weights, quantized=False)
    print(f"done: steps {step} tokens {tokens} epochs {tokens / len(train_ids):.2f} "
          f"train loss {np.mean(recent[-100:]):.4f}")


# ---- GGUF ----------------------------------------------------------------------------------------

def export(path, tokenizer, weights, quantized):
    """Writes the model under a temporary name, then renames it into place."""
    model = json.loads(tokenizer.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    if len(tokens) != VOCAB or tokens[END_ID] != END:
        sys.exit(f"tokenizer has {len(tokens)} tokens, expected {VOCAB}")
    g = gguf.GGUFWriter(f"{path}.part", "llama")
    g.add_name("inlay demo")
    g.add_description("Small story model trained from scratch on public-domain English prose")
    g.add_license("mit")
    g.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0 if quantized else gguf.LlamaFileType.ALL_F32)
    g.add_quantization_version(gguf.GGML_QUANT_VERSION)
    for key, value in dict(
            vocab_size=VOCAB, context_length=CONTEXT, embedding_length=WIDTH, block_count=LAYERS,
            feed_forward_length=FFN, head_count=HEADS, head_count_kv=KV_HEADS,
            layer_norm_rms_eps=EPS, rope_dimension_count=HEAD, rope_freq_base=ROPE_BASE,
            tokenizer_model="gpt2", tokenizer_pre="gpt-2", token_list=tokens,
            bos_token_id=END_ID, eos_token_id=END_ID, add_bos_token=True, add_eos_token=False,
            ).items():
        getattr(g, "add_" + key)(value)
    g.add_token_types([gguf.TokenType.CONTROL] + [gguf.TokenType.NORMAL] * (VOCAB - 1))
    g.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in model["merges"]])
    for name, w in weights.items():
        data = w.detach().numpy()
        if quantized and data.ndim == 2:
            kind = gguf.GGMLQuantizationType.Q8_0
            g.add_tensor(name + ".weight", gguf.quants.quantize(data, kind), raw_dtype=kind)
        else:
            g.add_tensor(name + ".weight", data)
    g.write_header_to_file()
    g.write_kv_data_to_file()
    g.write_tensors_to_file()
    g.close()
    os.replace(f"{path}.part", path)


# ---- check: the finished file, read back and run by numpy alone ----------------------------------

class File:
    """A GGUF file as metadata, dequantized weights and a tokenizer."""

    def __init__(self, path):
        reader = gguf.GGUFReader(path)
        self.meta = {name: field.contents() for name, field in reader.fields.items()}
        dequantize = gguf.quants.dequantize
        self.weights = {t.name: dequantize(t.data, t.tensor_type) for t in reader.tensors}
        vocab = {token: i for i, token in enumerate(self.meta["tokenizer.ggml.tokens"])}
        merges = [tuple(m.split(" ")) for m in self.meta["tokenizer.ggml.merges"]]
        self.tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges))
        self.tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        self.tokenizer.decoder = decoders.ByteLevel()

    def logits(self, ids):
        """(T,) ids -> (T, vocab) logits."""
        meta, w, T = self.meta, self.weights, len(ids)
        heads, kv_heads = (meta["llama.attention.head_count" + s] for s in ("", "_kv"))
        size = meta["llama.rope.dimension_count"]
        eps = meta["llama.attention.layer_norm_rms_epsilon"]
        cos, sin = (t[:, None] for t in rope_table(T, size, meta["llama.rope.freq_base"]))
        hidden_future = np.triu(np.full((T, T), -np.inf, np.float32), 1)

        def norm(x, name):
            return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * w[name + ".weight"]

        def linear(x, name):
            return x @ w[name + ".weight"].T

        def rope(x):  # (T, heads, size)
            a, b = x[..., 0::2], x[..., 1::2]
            return np.stack((a * cos - b * sin, a * sin + b * cos), -1).reshape(x.shape)

        x = w["token_embd.weight"][ids]
        for p in (f"blk.{i}." for i in range(meta["llama.block_count"])):
            n = norm(x, p + "attn_norm")
            q = rope(linear(n, p + "attn_q").reshape(T, heads, size)).transpose(1, 0, 2)
            k = rope(linear(n, p + "attn_k").reshape(T, kv_heads, size)).transpose(1, 2, 0)
            v = linear(n, p + "attn_v").reshape(T, kv_heads, size).transpose(1, 0, 2)
            k, v = (np.repeat(t, heads // kv_heads, 0) for t in (k, v))
            scores = np.exp(log_softmax(q @ k * size ** -0.5 + hidden_future))
            mixed = (scores @ v).transpose(1, 0, 2).reshape(T, heads * size)
            x = x + linear(mixed, p + "attn_output")
            n = norm(x, p + "ffn_norm")
            gate = linear(n, p + "ffn_gate")
            x = x + linear(gate / (1 + np.exp(-gate)) * linear(n, p + "ffn_up"), p + "ffn_down")
        return linear(norm(x, "output_norm"), "token_embd")

    def sample(self, prompt, count, temperature, seed):
        """Prompt and up to `count` tokens more; temperature 0 takes the likeliest each time."""
        ids, random = [END_ID, *self.tokenizer.encode(prompt).ids], np.random.default_rng(seed)
        for _ in range(count):
            noise = temperature * random.gumbel(size=VOCAB)
            ids.append(int(np.argmax(self.logits(ids)[-1] + noise)))
            if ids[-1] == END_ID:
                break
        return self.tokenizer.decode(ids[1:])


def log_softmax(x):
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def check(path, held_out_books):
    file = File(path)
    ids, _, size = encode_books(file.tokenizer, held_out_books)
    total = 0.0
    for given, target in held_out_windows(ids):
        total -= log_softmax(file.logits(given))[range(len(target)), target].sum(dtype=float)
    print(f"{os.path.getsize(path)} bytes; held-out loss {total / len(ids):.4f} nats/token, "
          f"{total / size / math.log(2):.4f} bits/byte")
    for temperature in (0.0, 0.8):
        text = file.sample("Once upon a time", 200, temperature, SEED)
        print(f"\n-- temperature {temperature}, seed {SEED}\n{text}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--corpus", required=True, help="folder of *.txt books")
    add("--out", default="demo.gguf", help="the Q8_0 file to write")
    add("--f32", help="also write the unquantized model here")
    add("--check", metavar="GGUF", help="measure a finished file instead of training")
    add("--minutes", type=float, default=70, help="wall-clock budget of training")
    add("--every", type=float, default=3, help="minutes between usable files")
    add("--threads", type=int, default=os.cpu_count())
    add("--eager", action="store_true", help="no torch.compile: slower, needs no C++ compiler")
    args = parser.parse_args()
    books = read_books(args.corpus)
    if args.check:
        return check(args.check, [books[name] for name in HELD_OUT])
    training = [b for name, b in books.items() if name not in HELD_OUT]
    tokenizer = train_tokenizer("\n".join(c) + "\n" for b in training for c in b)
    train_ids, starts, size = encode_books(tokenizer, training)
    print(f"{len(training)} books, {size} bytes, {len(train_ids)} tokens", flush=True)
    train(args, tokenizer, train_ids, starts)


if __name__ == "__main__":
    main()
