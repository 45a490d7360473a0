#!/usr/bin/env python3
"""Writes src/text/unicode_tables.inc: general categories and sets of characters as PyPI `tokenizers` has them.

What its components do to every single character is measured, so that the tables are the reference whatever
versions of Unicode it was built from.   scripts/make_unicode_tables.py > src/text/unicode_tables.inc
"""
import tokenizers
from tokenizers import Regex, normalizers, pre_tokenizers

CATEGORIES = ["Cn", "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi",
              "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Co", "Cs"]
POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
BLOCK = 128


def matched(pattern):
    """The characters that a pattern matches."""
    found, split = set(), pre_tokenizers.Split(Regex(pattern), "removed")
    for i in range(0, len(POINTS), 4096):
        points = POINTS[i:i + 4096]
        left = set()
        for _, (begin, end) in split.pre_tokenize_str("".join(map(chr, points))):
            left.update(points[begin:end])
        found.update(set(points) - left)
    return found


def cut(splitter):
    """What becomes of 'a' + character + 'b'."""
    return {c: tuple(t for t, _ in splitter.pre_tokenize_str("a" + chr(c) + "b")) for c in POINTS}


def ranges(points):
    result = []
    for c in sorted(points):
        if result and result[-1][1] == c - 1:
            result[-1][1] = c
        else:
            result.append([c, c])
    return result


def put(items):
    line = "   "
    for item in items:
        if len(line) + len(item) > 98:
            print(line)
            line = "   "
        line += " " + item
    print(line)


def put_set(name, what, points):
    print(f"\n// {what}\nconstexpr PointRange {name}[] = {{")
    put([f"{{{a:#x}, {b:#x}}}," for a, b in ranges(points)])
    print("};")


def removed(normalizer):
    return {c for c in POINTS if normalizer.normalize_str(chr(c)) == ""}


def main():
    category = [0] * 0x110000
    for number, name in enumerate(CATEGORIES):
        if name in ("Cn", "Cs"):
            continue
        for c in matched(r"\p{%s}" % name):
            category[c] = number
    for c in range(0xD800, 0xE000):
        category[c] = CATEGORIES.index("Cs")
    blocks, places = {}, []
    for begin in range(0, 0x110000, BLOCK):
        places.append(blocks.setdefault(tuple(category[begin:begin + BLOCK]), len(blocks)))
    assert len(blocks) < 65536
    print(f"// unicode_tables.inc - made by scripts/make_unicode_tables.py from tokenizers {tokenizers.__version__}.")
    print("// clang-format off\n")
    print("// Which block of 128 categories a character's upper bits mean.")
    print(f"constexpr std::uint16_t category_places[{len(places)}] = {{")
    put([f"{p}," for p in places])
    print(f"}};\n\n// Numbers of enum class Category.\nconstexpr std::uint8_t category_blocks[{len(blocks)}][{BLOCK}] = {{")
    for block in blocks:
        same = set(block)
        if len(same) == 1:  # most blocks are unmixed
            put(["{"] + ["".join(f"{block[0]}," for _ in range(32)) for _ in range(4)] + ["},"])
        else:
            print("    {")
            put(["".join(f"{v}," for v in block[i:i + 32]) for i in range(0, BLOCK, 32)])
            print("    },")
    print("};")
    pieces = cut(pre_tokenizers.BertPreTokenizer())
    put_set("punctuation_points", "Punctuation and BertPreTokenizer cut these out.",
            {c for c in POINTS if pieces[c] == ("a", chr(c), "b")})
    pieces = cut(pre_tokenizers.Digits(True))
    put_set("digit_points", "Digits cuts these out.", {c for c in POINTS if pieces[c] == ("a", chr(c), "b")})
    pieces = cut(pre_tokenizers.Whitespace())
    put_set("word_points", "Whitespace takes these for letters of words.",
            {c for c in POINTS if pieces[c] == ("a" + chr(c) + "b",)})
    put_set("accent_points", "StripAccents leaves these out.", removed(normalizers.StripAccents()))
    no = dict(handle_chinese_chars=False, lowercase=False)
    put_set("bert_accent_points", "BertNormalizer leaves these out as accents.",
            removed(normalizers.BertNormalizer(clean_text=False, strip_accents=True, **no)))
    put_set("bert_control_points", "BertNormalizer leaves these out as control characters.",
            removed(normalizers.BertNormalizer(clean_text=True, strip_accents=False, **no)))


if __name__ == "__main__":
    main()
