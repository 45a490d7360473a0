#!/usr/bin/env python3
"""Compares inlay's tokenizers with PyPI tokenizers, sentencepiece and tiktoken, over many texts.

    pip install tokenizers sentencepiece tiktoken
    scripts/compare_tokenizers.py TOOL DATA [--texts 100000] [--only NAME] [--show 5] [--rules]

TOOL is the program tokenize_lines of the tests, DATA the folder of test data. Random texts are of all scripts; text
of the data folder is cut into pieces. Rank files, and vocab.json with merges.txt, become a tokenizer.json first. Prints for each tokenizer how many texts gave other ids, another text
when decoded, or other places of tokens, and a few of them. Exit 1 when there are any. --rules: compares the named
pre-tokenizers instead, with the vendors' patterns in PyPI tokenizers.
"""
import argparse
import base64
import json
import os
import random
import subprocess
import sys
import tempfile
import unicodedata

RANGES = [(0x20, 0x7F), (0x20, 0x7F), (0x20, 0x7F), (0xA0, 0x180), (0x300, 0x370), (0x370, 0x400), (0x400, 0x530),
          (0x590, 0x600), (0x600, 0x700), (0x900, 0xA00), (0xE00, 0xE80), (0x1100, 0x1200), (0x1E00, 0x2000),
          (0x2000, 0x2070), (0x20A0, 0x2200), (0x2460, 0x2500), (0x2580, 0x2590), (0x3000, 0x3100), (0x4E00, 0x5000),
          (0xAC00, 0xAD00), (0xF900, 0xFB50), (0xFE00, 0xFF00), (0xFF00, 0xFFF0), (0x10000, 0x10100),
          (0x1D400, 0x1D500), (0x1F300, 0x1F700), (0x1F1E6, 0x1F200), (0x20000, 0x20100)]
SPACES = [" ", " ", " ", "  ", "   ", "\n", "\n\n", "\t", "\r\n", "\u00a0", "\u3000", "\u2581", " \n ", "        "]
WORDS = ["the", "The", "HELLO", "don't", "I'll", "we'VE", "it's", "1234567", "3.14", "camelCase", "snake_case", "über",
         "naïve", "Москва", "東京", "日本語", "한국어", "العربية", "हिन्दी", "ภาษาไทย", "ελληνικά", "😀👍🏽", "👨‍👩‍👧", "fi", "ﬁ", "é",
         "e\u0301", "½", "①", "Ǆ", "ß", "ŒUVRE", "!!", "...", "<s>", "</s>", "<unk>", "[CLS]", "[MASK]", "<|endoftext|>",
         "<|im_end|>", "▁a", "##ing", "<0x41>", "'s", "'S", "ſ", "http://a.b/c?d=e&f", "AAAAAAAAAAAAAAAA", "____", "====",
         "\u200b", "\u200d", "\ufeff", "\x00", "\x7f", "\ufffd", "İ", "ǅ", "\u0345", "ẛ̣",
         "1234567890", "123abc", "²³123456", "\u0661\u0662\u0663\u0664", "〇一二", "々", "12½", "IMGIMGABCZ", "<sentinel:12>"]


def random_texts(count, rng):
    for _ in range(count):
        kind, parts = rng.random(), []
        if kind < 0.15:  # any characters
            for _ in range(rng.randint(1, 12)):
                c = rng.randrange(0x30000)
                if not 0xD800 <= c < 0xE000 and unicodedata.category(chr(c)) != "Cn":
                    parts.append(chr(c))
        elif kind < 0.35:  # one script
            low, high = rng.choice(RANGES)
            parts = [chr(rng.randrange(low, high)) if rng.random() < 0.85 else rng.choice(SPACES)
                     for _ in range(rng.randint(1, 24))]
        else:
            for _ in range(rng.randint(1, 10)):
                parts.append(rng.choice(WORDS) if rng.random() < 0.7
                             else chr(rng.randrange(*rng.choice(RANGES))))
                if rng.random() < 0.7:
                    parts.append(rng.choice(SPACES))
        yield "".join(c for c in parts if not unicodedata.category(c[0]) == "Cn" or len(c) > 1)


def file_texts(data, count, rng):
    texts = []
    for name in ("wikitext-2-raw-test.txt", "frankenstein.txt", "wagahaiwa-nekodearu.txt"):
        with open(os.path.join(data, "text", name), encoding="utf-8") as file:
            texts.append(file.read())
    for _ in range(count):
        text = rng.choice(texts)
        begin = rng.randrange(len(text))
        yield text[begin:begin + rng.randint(1, 120)]


def run_tool(tool, path, texts, *flags):
    lines = "\n".join(t.encode().hex() for t in texts) + "\n"
    done = subprocess.run([tool, path, *flags], input=lines, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{path}: {done.stderr.strip()}")
    for line in done.stdout.splitlines():
        if line.startswith("error"):
            yield None, line, None
            continue
        tokens, _, text = line.partition("|")
        tokens = [t.split(":") for t in tokens.split()]
        yield [int(t[0]) for t in tokens], bytes.fromhex(text), [tuple(map(int, t[1:])) for t in tokens]


class Hub:
    """A tokenizer.json."""
    flags = ("--special", "--ranges", "--decode", "0")

    def __init__(self, path):
        from tokenizers import Tokenizer
        self.path = path
        with open(os.path.join(path, "tokenizer.json"), encoding="utf-8") as file:
            text = file.read()
        try:
            self.tokenizer = Tokenizer.from_str(text)
        except Exception:  # merges whose no-break spaces somebody made plain ones; they never happen
            said = json.loads(text)
            said["model"]["merges"] = [m for m in said["model"]["merges"] if m.count(" ") == 1]
            self.tokenizer = Tokenizer.from_str(json.dumps(said))
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()

    def __call__(self, texts):
        special = {i for i, token in self.tokenizer.get_added_tokens_decoder().items() if token.special}
        for e in self.tokenizer.encode_batch(texts, add_special_tokens=True):
            yield e.ids, self.tokenizer.decode([i for i in e.ids if i not in special]), e.offsets


class Piece:
    """A SentencePiece model."""
    flags = ("--decode", "0")

    def __init__(self, path, file):
        import sentencepiece
        self.path, self.model = path, sentencepiece.SentencePieceProcessor(model_file=os.path.join(path, file))

    def __call__(self, texts):
        for text in texts:
            ids = self.model.encode(text)
            unknown = self.model.unk_id() in ids  # which inlay leaves out: markup
            yield ids, None if unknown else self.model.decode(ids), None


GPT2 = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN = LLAMA3.replace("{1,3}", "")
RANK_FILES = {"llama-3": ("tiktoken.model", LLAMA3), "qwen": ("qwen.tiktoken", QWEN)}
MERGE_FILES = {"gpt-2": GPT2, "llama-3": LLAMA3}


def write_bpe(folder, vocab, merges, pattern):
    """A tokenizer.json of a byte-level vocabulary."""
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
             "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": True,
             "vocab": vocab, "merges": merges}
    whole = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
             "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, level]}, "post_processor": None,
             "decoder": level, "model": model}
    with open(os.path.join(folder, "tokenizer.json"), "w", encoding="utf-8") as file:
        json.dump(whole, file, ensure_ascii=False)


def all_merges(ranks):
    """Every way to make a token of two, by ranks: tiktoken merges whatever two tokens are a third one."""
    for token in sorted(ranks, key=ranks.get):
        parts = [(token[:i], token[i:]) for i in range(1, len(token))]
        yield from sorted((p for p in parts if p[0] in ranks and p[1] in ranks), key=lambda p: (ranks[p[0]], ranks[p[1]]))


class Ranks:
    """A file of "base64 rank" lines, for tiktoken."""
    flags = ("--decode", "0")

    def __init__(self, file, pattern):
        import tiktoken
        with open(file, encoding="ascii") as lines:
            ranks = {base64.b64decode(word): int(rank) for word, rank in (line.split() for line in lines)}
        self.encoding = tiktoken.Encoding("ranks", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
        self.folder = tempfile.TemporaryDirectory()
        self.path = self.folder.name
        shown = [b for b in range(256) if 33 <= b <= 126 or 161 <= b <= 172 or 174 <= b]
        alphabet = {b: chr(b) for b in shown}
        alphabet |= {b: chr(256 + i) for i, b in enumerate(b for b in range(256) if b not in alphabet)}
        spell = {token: "".join(alphabet[b] for b in token) for token in ranks}
        merges = [f"{spell[left]} {spell[right]}" for left, right in all_merges(ranks)]
        write_bpe(self.path, {spell[t]: i for t, i in ranks.items()}, merges, pattern)

    def __call__(self, texts):
        for text in texts:
            ids = self.encoding.encode_ordinary(text)
            yield ids, self.encoding.decode(ids), None


class Merges(Hub):
    """vocab.json and merges.txt."""

    def __init__(self, path, pattern):
        self.folder = tempfile.TemporaryDirectory()
        with open(os.path.join(path, "vocab.json"), encoding="utf-8") as file:
            vocab = json.load(file)
        with open(os.path.join(path, "merges.txt"), encoding="utf-8") as file:
            merges = [line for line in file.read().split("\n") if line and not line.startswith("#version")]
        write_bpe(self.folder.name, vocab, merges, pattern)
        super().__init__(self.folder.name)


def tokenizers_of(data):
    root = os.path.join(data, "tokenizers")
    for name in sorted(os.listdir(root)):
        path = os.path.join(root, name)
        if os.path.exists(os.path.join(path, "tokenizer.json")):
            yield name, lambda: Hub(path)
        for file in ("tokenizer.model", "spiece.model", "test_model.model"):
            if os.path.exists(os.path.join(path, file)):
                yield f"{name}/{file}", lambda: Piece(path, file)
        if name in RANK_FILES:
            file, pattern = RANK_FILES[name]
            yield f"{name}/{file}", lambda: Ranks(os.path.join(path, file), pattern)
        if name in MERGE_FILES:
            yield f"{name}/merges.txt", lambda: Merges(path, MERGE_FILES[name])


def same_places(text, ours, theirs):
    """Whether characters are the same; a part of one is all of it. Added tokens and the white space that a
    post-processor trims are left out."""
    char_of, at = {}, 0
    for i, c in enumerate(text):
        for _ in c.encode():
            char_of[at] = i
            at += 1
    for (begin, end), (a, b) in zip(ours, theirs):
        if begin == end or a == b:
            continue
        begin, end = char_of[begin], char_of[end - 1] + 1
        if (begin, end) != (a, b) and text[begin:end].strip() != text[a:b].strip():
            return False
    return True


def compare(name, reference, tool, texts, show):
    wrong = {"ids": 0, "text": 0, "places": 0}
    path = reference.path
    if isinstance(reference, Piece):
        path = os.path.join(path, name.split("/")[1])
    expected = reference(texts)
    for text, ours, theirs in zip(texts, run_tool(tool, path, texts, *reference.flags), expected):
        kinds = []
        if ours[0] != list(theirs[0]):
            kinds = ["ids"]
        elif theirs[1] is not None and ours[1].decode("utf-8", "replace") != theirs[1]:
            kinds = ["text"]
        elif theirs[2] is not None and not same_places(text, ours[2], theirs[2]):
            kinds = ["places"]
        for kind in kinds:
            wrong[kind] += 1
            if wrong[kind] <= show:
                print(f"  {kind}: {ascii(text)}")
                if kind == "ids":
                    print(f"    inlay     {ours[0]}\n    reference {list(theirs[0])}")
                elif kind == "text":
                    print(f"    inlay     {ascii(ours[1].decode('utf-8', 'replace'))}\n    reference {ascii(theirs[1])}")
                else:
                    print(f"    inlay     {ours[2]}\n    reference {theirs[2]}")
    print(f"{name}: {len(texts)} texts, other ids {wrong['ids']}, other text {wrong['text']}, "
          f"other places {wrong['places']}", flush=True)
    return wrong["ids"] + wrong["text"]


# ---- Pre-tokenizers by name: the vendors' patterns, each applied to the pieces of the one before

ANY_CASE = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
WORD = r"[^\r\n\p{L}\p{N}]?\p{L}+"
SYMBOLS, SLASHES = r" ?[^\s\p{L}\p{N}]+[\r\n]*", r" ?[^\s\p{L}\p{N}]+[\r\n/]*"
TAIL = r"\s*[\r\n]+|\s+(?!\S)|\s+"
ONE_LINE_TAIL = TAIL.replace("+|", "|", 1)
SMALL = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
CAPITAL = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
O200K = rf"{SMALL}{ANY_CASE}?|{CAPITAL}{ANY_CASE}?|\p{{N}}{{1,3}}|{SLASHES}|{TAIL}"
NO_HAN = [word.replace(r"\p{M}]", r"\p{M}&&[^\p{Han}]]") for word in (SMALL, CAPITAL)]
SPACE_RUNS = "".join(rf"\s{{{n}}}(?!\S)|" for n in (512, 256, 128, 64, 32, 16, 8, 4))
PUNCTUATION = r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]"
BLOOM = r" ?[^(\s|.,!?…。，、।۔،)]+"
CASED = ("[" "A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba\u01bc-\u01bf\u01c4-\u0293\u0295-\u02af"
         "\u0370-\u0373\u0376\u0377\u037b-\u037d\u037f\u0386\u0388-\u038a\u038c\u038e-\u03a1\u03a3-\u03f5"
         "\u03f7-\u0481\u048a-\u052f\u0531-\u0556\u10a0-\u10c5\u13a0-\u13f5\u13f8-\u13fd\u1c90-\u1cba"
         "\u1cbd-\u1cbf\u1d00-\u1d2b\u1d6b-\u1d77\u1d79-\u1d9a\u1e00-\u1f15\u1f18-\u1f1d\u1f20-\u1f45"
         "\u1f48-\u1f4d\u1f50-\u1f57\u1f59\u1f5b\u1f5d\u1f5f-\u1f7d\u1f80-\u1fb4\u1fb6-\u1fbc\u1fbe"
         "\u1fc2-\u1fc4\u1fc6-\u1fcc\u1fd0-\u1fd3\u1fd6-\u1fdb\u1fe0-\u1fec\u1ff2-\u1ff4\u1ff6-\u1ffc\u2102"
         "\u2107\u210a-\u2113\u2115\u2119-\u211d\u2124\u2126\u2128\u212a-\u212d\u212f-\u2134\u2139"
         "\u213c-\u213f\u2145-\u2149\u214e\u2183\u2184\u2c00-\u2c7b\u2c7e-\u2ce4\u2ceb-\u2cee\u2cf2\u2cf3"
         "\ua640-\ua66d\ua680-\ua69b\ua722-\ua76f\ua771-\ua787\ua78b-\ua78e\uab70-\uabbf\ufb00-\ufb06"
         "\ufb13-\ufb17\uff21-\uff3a\uff41-\uff5a\U00010400-\U0001044f\U000104b0-\U000104d3"
         "\U000104d8-\U000104fb\U00010c80-\U00010cb2\U00010cc0-\U00010cf2\U000118a0-\U000118df"
         "\U0001e900-\U0001e943" "]+")
CJK = "[一-龥\u0800-一가-\ud7ff]+"
RULES = {
    "llama-bpe": [LLAMA3],
    "qwen2": [QWEN],
    "gpt-2": [GPT2],
    "gpt-4o": [O200K],
    "tekken": [rf"{SMALL}|{CAPITAL}|\p{{N}}|{SLASHES}|{TAIL}"],
    "starcoder": [r"\p{N}", GPT2],
    "falcon": [r"[\p{P}\$\+<=>\^~\|`]+", GPT2, "[0-9][0-9][0-9]"],
    "qwen35": [rf"{ANY_CASE}|[^\r\n\p{{L}}\p{{N}}]?[\p{{L}}\p{{M}}]+|\p{{N}}"
               rf"| ?[^\s\p{{L}}\p{{M}}\p{{N}}]+[\r\n]*|{TAIL}"],
    "seed-coder": [rf"{ANY_CASE}|{WORD}|\p{{N}}| ?[^\s\p{{L}}\p{{N}}\r\n]+|{TAIL}"],
    "bloom": [BLOOM],
    "viking": [BLOOM, r"\p{N}"],
    "deepseek-v3": [r"\p{N}{1,3}", "[一-龥\u3040-ゟ゠-ヿ]+", PUNCTUATION + r"[A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
                    r"| ?[\p{P}\p{S}]+[\r\n]*|" + TAIL],
    "deepseek-llm": [r"[\r\n]", r"\s?" + CASED, r"\s?[!-/:-~！-／：-～‘-‟　-。]+", r"\s+$", CJK, r"\p{N}+"],
    "deepseek-coder": [r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", CJK, r"\p{N}"],
    "granite-embed-multi-97m": [O200K],
    "tiny_aya": [r"\d{1,3}(?=(?:\d{3})*\b)", O200K],
    "kimi-k2": [rf"[\p{{Han}}]+|{NO_HAN[0]}{ANY_CASE}?|{NO_HAN[1]}{ANY_CASE}?|\p{{N}}{{1,3}}|{SYMBOLS}|{TAIL}"],
    "youtu": ["[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|[一-龥\u3040-ゟ゠-ヿ]+", O200K.replace("{1,3}", "")],
    "exaone-moe": [rf"{ANY_CASE}|[^\r\n\p{{L}}\p{{N}}]?(?:\p{{L}}\p{{M}}*(?: \p{{L}}\p{{M}}*)*)+|\p{{N}}"
                   rf"| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]?|{ONE_LINE_TAIL}"],
    "bailingmoe": [r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|" + ONE_LINE_TAIL],
    "jais-2": [rf"{ANY_CASE}|{WORD}|\p{{N}}{{1,3}}|{SYMBOLS}|\s*[\r\n]+|{SPACE_RUNS}\s{{1,2}}(?!\S)|\s{{1}}"],
    "minicpm5": [r"\p{N}{1,3}", rf"{ANY_CASE}|{WORD}|\p{{N}}+|{SYMBOLS}|{TAIL}"],
    "laguna": [r"[^\n]+|[\n]+", QWEN],
    "chameleon": ["<sentinel:[0-9]+>", "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z", r"([\t\n]|    |  )", r"\p{N}",
                  r"[\p{P}!-/:-@\[-`{-~]", GPT2],
    "superbpe": [r"\p{N}+", r"(?=(\d{3})+(?!\d))"],
}


def compare_rule(name, tool, texts, show):
    from tokenizers import Regex, pre_tokenizers
    splits = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(p), "isolated") for p in RULES[name]])
    lines = "\n".join(t.encode().hex() for t in texts) + "\n"
    done = subprocess.run([tool, "--rule", name], input=lines, stdout=subprocess.PIPE, text=True, check=True)
    wrong = 0
    for text, line in zip(texts, done.stdout.splitlines()):
        expected, at = [], 0
        for piece, _ in splits.pre_tokenize_str(text):
            at += len(piece.encode())
            expected.append(str(at))
        wrong += line.split() != expected
        if line.split() != expected and wrong <= show:
            print(f"  {ascii(text)}\n    inlay     {line}\n    reference {' '.join(expected)}")
    print(f"{name}: {len(texts)} texts, other pieces {wrong}", flush=True)
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool")
    parser.add_argument("data")
    parser.add_argument("--texts", type=int, default=100000)
    parser.add_argument("--only", default="")
    parser.add_argument("--show", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rules", action="store_true")
    args = parser.parse_args()
    rng = random.Random(args.seed)
    texts = list(random_texts(args.texts * 3 // 4, rng))
    texts += file_texts(args.data, args.texts - len(texts), rng)
    total = 0
    for name in RULES if args.rules else ():
        if args.only in name:
            total += compare_rule(name, args.tool, [text for text in texts if text], args.show)
    for name, make in () if args.rules else tokenizers_of(args.data):
        if args.only in name:
            total += compare(name, make(), args.tool, texts, args.show)
    sys.exit(1 if total else 0)


if __name__ == "__main__":
    main()
