"""A toy tokenizer of an exact size, so that a fixture is a complete model file."""

PUNCTUATION = list(".,!?")
LETTERS = list("etaoinshrdlucmfwypvbgkjqxz")

# Pairs that merge, in rank order; "_" is the word-start mark. Both halves exist before their pair.
MERGES = """_ t|_ a|h e|i n|r e|_t he|e r|_ s|o n|a t|n d|_a nd|_ w|o u|_ o|i t|e n|_ h|o r|i s
in g|_ f
_ b|e s|_o f|e d|_ m|_ c|_t o|a l|a r|_ p|_ d|_ in|o m|l e|v e|l y|_h e|a s|l l|u r|s t|i c|_ l
_ n|_w as
_ g|_in to|a m|c h|_ he|en t|_ it|_s t|_s he|ou r|_ on|_ re"""

NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6


def merge_pairs(mark: str) -> list[tuple[str, str]]:
    """Merges with the given word-start mark, duplicates of an earlier result left out."""
    seen, pairs = set(), []
    for text in MERGES.replace("\n", "|").split("|"):
        left, right = text.replace("_", mark).split(" ")
        if left + right not in seen:
            seen.add(left + right)
            pairs.append((left, right))
    return pairs


def usable_pairs(tokens: list[str], mark: str, room: int) -> list[tuple[str, str]]:
    """The first `room` merges whose halves are tokens already."""
    known, chosen = set(tokens), []
    for left, right in merge_pairs(mark):
        if len(chosen) < room and left in known and right in known:
            known.add(left + right)
            chosen.append((left, right))
    if len(chosen) != room:
        raise ValueError(f"toy vocabulary has {len(chosen)} merges, {room} wanted")
    return chosen


def add_spm(writer, vocab: int) -> None:
    """SentencePiece-style section: <unk> <s> </s>, one byte token, letters, scored pieces."""
    tokens = ["<unk>", "<s>", "</s>", "<0x0A>", "▁"] + LETTERS + PUNCTUATION
    types = [UNKNOWN, CONTROL, CONTROL, BYTE] + [NORMAL] * (len(tokens) - 4)
    scores = [0.0, 0.0, 0.0, 0.0] + [-1000.0 - i for i in range(len(tokens) - 4)]
    pairs = usable_pairs(tokens, "▁", vocab - len(tokens))
    tokens += [left + right for left, right in pairs]
    types += [NORMAL] * len(pairs)
    scores += [-1.0 - i for i in range(len(pairs))]
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_scores(scores)
    writer.add_token_types(types)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(True)


def add_bpe(writer, vocab: int, pre: str, specials: list[str], add_bos: bool) -> None:
    """Byte-level BPE section; specials come first, the last of them ends a text."""
    tokens = specials + ["Ċ", "Ġ"] + LETTERS + PUNCTUATION
    types = [CONTROL] * len(specials) + [NORMAL] * (len(tokens) - len(specials))
    pairs = usable_pairs(tokens, "Ġ", vocab - len(tokens))
    tokens += [left + right for left, right in pairs]
    types += [NORMAL] * len(pairs)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges([f"{left} {right}" for left, right in pairs])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(len(specials) - 1)
    writer.add_add_bos_token(add_bos)
