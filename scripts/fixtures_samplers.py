#!/usr/bin/env python3
"""Writes tests/fixtures/samplers/cases.txt: what every stage of sampling has to keep.

A plain reference of each stage: lists, loops and double precision, written from the formulas in
docs/samplers.md. Logits are not stored; both sides make them from a seed.

  case NAME vocabulary seed position    options as name=value, `tokens` the history
  kept N hash sum                       tokens left, FNV-1a over their ids, their probability before
  p id probability ...                  of up to 12 of what is left, from the first on
  state before after                    of a stage that steers, when the first one left is drawn
"""
import functools
import math
import pathlib
import struct

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "samplers"
MASK = (1 << 64) - 1
INFINITY = math.inf


# ---- Numbers that both sides make --------------------------------------------------------------

def philox(counter, key):
    """Philox4x32-10 (Salmon et al. 2011)."""
    counter, key = list(counter), list(key)
    for _ in range(10):
        a, b = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = [(b >> 32) ^ counter[1] ^ key[0], b & 0xFFFFFFFF,
                   (a >> 32) ^ counter[3] ^ key[1], a & 0xFFFFFFFF]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return counter


def uniforms(seed, stream, position):
    """The two numbers in [0, 1) of (seed, stream, position)."""
    split = lambda x: (x & 0xFFFFFFFF, x >> 32)
    bits = philox(split(position) + split(stream), split(seed))
    number = lambda high, low: (((high << 32) | low) >> 11) * 2.0 ** -53
    return number(bits[1], bits[0]), number(bits[3], bits[2])


@functools.cache
def bell_logits(count, seed):
    """Like a model's: a broad bell with a few large ones, multiples of 1/256."""
    logits = []
    for i in range(count):
        total = sum(uniforms(seed, part, i)[0] for part in range(4))
        spike = 8.0 * uniforms(seed, 10, i)[0] if uniforms(seed, 9, i)[0] < 0.01 else 0.0
        logits.append(math.floor(((total - 2.0) * 4.0 + spike) * 256.0) / 256.0)
    return logits


def f32(x):
    """As a float of the options has it."""
    return struct.unpack("f", struct.pack("f", x))[0]


def token_text(token):
    """The words of the test's vocabulary: letters; every seventh one ends with a line."""
    text = ""
    number = token
    while True:
        text += "abcdefghij"[number % 10]
        number //= 10
        if number == 0:
            break
    return text + ("\n" if token % 7 == 3 else "")


END = 49  # of text


def is_end(token):
    return token % 50 == 49


# ---- The stages --------------------------------------------------------------------------------
# A list of [id, logit, probability]; probabilities are None until they are needed, and need not add
# up to 1.

def weigh(items):
    if items[0][2] is None:
        top = max(logit for _, logit, _ in items)
        for item in items:
            item[2] = math.exp(item[1] - top)
    return sum(item[2] for item in items)


def best_first(items):
    return sorted(items, key=lambda item: (-item[1], item[0]))


def by_id(items):
    return sorted(items, key=lambda item: item[0])


def changed(items):
    for item in items:
        item[2] = None


def penalties(items, o, _):
    window = o["tokens"][-o["penalty_window"]:] if o["penalty_window"] else []
    for item in items:
        count = window.count(item[0])
        if count:
            item[1] = item[1] / o["repeat_penalty"] if item[1] > 0 else item[1] * o["repeat_penalty"]
            item[1] -= count * o["frequency_penalty"] + o["presence_penalty"]
    changed(items)
    return items


def logit_bias(items, o, _):
    for item in items:
        item[1] += o["bias"].get(item[0], 0.0)
    changed(items)
    return items


def dry(items, o, _):
    if o["dry_multiplier"] == 0:
        return items
    text = o["tokens"][-o["dry_window"]:] if o["dry_window"] else []
    breakers = o["breakers"]
    broken = lambda t: any(b in token_text(t) for b in breakers)
    # Tokens behind the breaker that begins last; breakers here are of one byte.
    reach = 0
    while reach < len(text) and not broken(text[-1 - reach]):
        reach += 1
    longest = {}
    for i in range(len(text) - 1):  # the token text[i + 1] follows the match that ends at i
        n = 0
        while n < min(reach, i + 1) and text[i - n] == text[-1 - n]:
            n += 1
        token = text[i + 1]
        longest[token] = max(longest.get(token, 0), n)
    for item in items:
        n = longest.get(item[0], 0)
        if n >= o["dry_allowed_length"] and not broken(item[0]):
            item[1] -= o["dry_multiplier"] * o["dry_base"] ** (n - o["dry_allowed_length"])
    changed(items)
    return items


def top_n_sigma(items, o, _):
    if o["top_n_sigma"] == 0:
        return items
    logits = [item[1] for item in items]
    mean = math.fsum(logits) / len(logits)
    sigma = math.sqrt(math.fsum((x - mean) ** 2 for x in logits) / len(logits))
    return [item for item in items if item[1] >= max(logits) - o["top_n_sigma"] * sigma]


def top_k(items, o, _):
    return items if o["top_k"] == 0 else by_id(best_first(items)[:o["top_k"]])


def temperature(items, o, run):
    heat = run.get("temperature", o["temperature"])
    if heat == 0:
        kept = best_first(items)[:1]
        kept[0][2] = 1.0
        return kept
    top = max(item[1] for item in items)
    for item in items:
        item[1] = (item[1] - top) / heat
    changed(items)
    weigh(items)
    return items


def dynamic_temperature(items, o, run):
    if o["dynatemp_range"] == 0 or len(items) < 2:
        return items
    total = weigh(items)
    entropy = -sum(p / total * math.log(p / total) for _, _, p in items if p > 0)
    least = max(0.0, o["temperature"] - o["dynatemp_range"])
    most = o["temperature"] + o["dynatemp_range"]
    part = (entropy / math.log(len(items))) ** o["dynatemp_exponent"]
    run["temperature"] = least + (most - least) * part
    return items


def shortest(items, order, p):
    total = weigh(items)
    kept, reached = [], 0.0
    for item in order:
        if kept and reached >= p * total:
            break
        kept.append(item)
        reached += item[2]
    return by_id(kept)


def typical_p(items, o, _):
    if o["typical_p"] >= 1:
        return items
    total = weigh(items)
    entropy = -sum(p / total * math.log(p / total) for _, _, p in items if p > 0)
    score = lambda item: abs(-math.log(item[2] / total) - entropy)
    return shortest(items, sorted(items, key=lambda item: (score(item), item[0])), o["typical_p"])


def top_p(items, o, _):
    weigh(items)
    return items if o["top_p"] >= 1 else shortest(items, best_first(items), o["top_p"])


def min_p(items, o, _):
    weigh(items)
    most = max(item[2] for item in items)
    return [item for item in items if item[2] >= o["min_p"] * most]


def xtc(items, o, _):
    if o["xtc_threshold"] > 0.5:
        return items
    if uniforms(o["seed"], 0, o["position"])[1] >= o["xtc_probability"]:
        return items
    total = weigh(items)
    top = [item for item in best_first(items) if item[2] / total >= o["xtc_threshold"]]
    gone = {item[0] for item in top[:-1]}
    return [item for item in items if item[0] not in gone]


def infill(items, o, _):
    if not o["infill"]:
        return items
    weigh(items)
    items = best_first(items)[:128]
    total = sum(item[2] for item in items)
    for item in items:
        item[2] /= total
    ends = sum(item[2] for item in items if is_end(item[0]))
    if 3 * ends * len(items) > 1 - ends:
        return by_id([item for item in items if is_end(item[0])])
    for a in items:
        for b in items:
            if a[2] == 0:
                break
            if a is b or b[2] == 0 or not token_text(b[0]).startswith(token_text(a[0])):
                continue
            into, gone = (b, a) if b[2] > a[2] else (a, b)
            into[2] += gone[2]
            gone[2] = 0
    items = [item for item in items if item[2] > 0]
    ending = next((item for item in items if is_end(item[0])), None)
    left = [item for item in items if is_end(item[0]) or item[2] >= 0.2]
    others = sum(not is_end(item[0]) for item in left)
    if others == 0:
        return [ending or [END, 0.0, 1.0]]
    total = sum(item[2] for item in left)
    return by_id([item for item in left
                  if is_end(item[0]) or item[2] / total >= 1 / (others + 1)])


def mirostat(items, o, run):
    if not o["mirostat"]:
        return items
    total = weigh(items)
    mu = run["state"] = o.get("state", 2 * o["mirostat_tau"])
    order = best_first(items)
    if o["mirostat"] == 1:
        tb = tt = 0.0
        for i in range(min(99, len(order) - 1)):
            t = math.log((i + 2) / (i + 1))
            tb += t * math.log(order[i][2] / order[i + 1][2])
            tt += t * t
        k = len(order)
        if tt > 0:
            s = tb / tt
            e = s - 1
            k = (e * 2 ** mu / (1 - o["vocabulary"] ** -e)) ** (1 / s)
        kept = order[:max(1, int(min(k, len(order))))]
    else:
        kept = [item for item in order if -math.log2(item[2] / total) <= mu] or order[:1]
    kept = by_id(kept)
    surprise = -math.log2(kept[0][2] / total)
    run["after"] = mu - o["mirostat_eta"] * (surprise - o["mirostat_tau"])
    return kept


def adaptive_p(items, o, run):
    if o["adaptive_target"] < 0:
        return items
    total = weigh(items)
    mean = run["state"] = o.get("state", o["adaptive_target"])
    target = min(max(2 * o["adaptive_target"] - mean, 0.0), 1.0)
    p = items[0][2] / total
    run["after"] = o["adaptive_decay"] * mean + (1 - o["adaptive_decay"]) * p
    for item in items:
        d = abs(item[2] / total - target) / 0.3
        item[2] = math.exp(-10 * d * d / (1 + d))
    return items


ORDER = ["logit_bias", "penalties", "dry", "top_n_sigma", "top_k", "dynamic_temperature",
         "temperature", "typical_p", "top_p", "min_p", "xtc", "infill", "mirostat", "adaptive_p"]
CUT = {"top_n_sigma", "top_k", "typical_p", "top_p", "min_p", "xtc", "infill"}
STAGES = {name: globals()[name] for name in ORDER}

DEFAULTS = {
    "temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "repeat_penalty": 1.0,
    "frequency_penalty": 0.0, "presence_penalty": 0.0, "penalty_window": 64, "typical_p": 1.0,
    "top_n_sigma": 0.0, "xtc_probability": 0.0, "xtc_threshold": 0.1, "dry_multiplier": 0.0,
    "dry_base": 1.75, "dry_allowed_length": 2, "dry_window": 1024, "dynatemp_range": 0.0,
    "dynatemp_exponent": 1.0, "mirostat": 0, "mirostat_tau": 5.0, "mirostat_eta": 0.1,
    "adaptive_target": -1.0, "adaptive_decay": 0.9, "infill": 0, "bias": {}, "tokens": [],
    "breakers": ["\n"], "stages": []}


def run_case(options):
    o = {**DEFAULTS, **options}
    for name, value in list(o.items()):
        if isinstance(value, float):
            o[name] = f32(value)
    o["bias"] = {token: f32(bias) for token, bias in o["bias"].items()}
    items = [[i, x, None] for i, x in enumerate(bell_logits(o["vocabulary"], o["logits"]))]
    run = {}
    for name in o["stages"] or ORDER:
        if not (o["mirostat"] and not o["stages"] and name in CUT):
            items = STAGES[name](items, o, run)
    total = weigh(items)
    return [(i, p / total) for i, _, p in items], run


# ---- The cases ---------------------------------------------------------------------------------

def cases():
    sizes = [(1, 1), (2, 2), (50, 3), (1000, 4), (6000, 5)]
    grids = {
        "typical_p": [0.02, 0.2, 0.5, 0.9, 0.999],
        "top_n_sigma": [0.3, 1.0, 2.5],
        "top_k": [1, 7, 500],
        "top_p": [0.01, 0.5, 0.9, 0.99],
        "min_p": [0.01, 0.2, 1.0],
        "mirostat": [1, 2],
    }
    for name, values in grids.items():
        for value in values:
            for vocabulary, seed in sizes:
                yield {name: value, "vocabulary": vocabulary, "logits": seed}
    for heat in (0.0, 0.3, 1.7):
        for vocabulary, seed in sizes:
            yield {"temperature": heat, "vocabulary": vocabulary, "logits": seed}
    for spread, exponent in ((0.5, 1.0), (1.5, 0.5), (0.7, 3.0), (0.9, 0.0)):
        for vocabulary, seed in sizes:
            yield {"dynatemp_range": spread, "dynatemp_exponent": exponent, "temperature": 0.8,
                   "vocabulary": vocabulary, "logits": seed}
    for threshold in (0.001, 0.01, 0.05):
        for position in range(4):
            for vocabulary, seed in sizes[1:]:
                yield {"xtc_probability": 0.5, "xtc_threshold": threshold, "position": position,
                       "seed": 77, "vocabulary": vocabulary, "logits": seed}
    texts = {"loop": [1, 2, 4, 5, 6] * 12, "same": [8] * 40, "fib": [], "lines": [1, 2, 3, 4, 5] * 9}
    a, b = [1], [1, 2]
    while len(b) < 120:
        a, b = b, b + a
    texts["fib"] = b
    for tokens in texts.values():
        for allowed in (1, 2, 5):
            for window in (0, 1, 9, 1024):
                for breakers in ([], ["\n"], ["c", "\n"]):
                    yield {"dry_multiplier": 0.8, "dry_allowed_length": allowed, "tokens": tokens,
                           "dry_window": window, "breakers": breakers, "dry_base": 1.3,
                           "vocabulary": 50, "logits": 3}
    for tau in (1.0, 3.0, 8.0):
        for version in (1, 2):
            for state in (1.0, 4.5, 9.0):
                yield {"mirostat": version, "mirostat_tau": tau, "mirostat_eta": 0.3, "state": state,
                       "vocabulary": 6000, "logits": 9}
    for target in (0.0, 0.05, 0.4, 1.0):
        for state in (0.01, 0.3, 0.9):
            for cut in (0.0, 0.05):
                yield {"adaptive_target": target, "adaptive_decay": 0.8, "state": state,
                       "min_p": cut, "vocabulary": 1000, "logits": 11}
    for seed in range(20, 32):
        for k in (2, 5, 40, 400):
            for heat in (0.3, 0.7):
                yield {"infill": 1, "top_k": k, "temperature": heat, "vocabulary": 1000,
                       "logits": seed}
    for seed in range(40, 46):
        yield {"temperature": 0.8, "top_k": 40, "top_p": 0.95, "min_p": 0.05, "repeat_penalty": 1.1,
               "frequency_penalty": 0.2, "presence_penalty": 0.1, "penalty_window": 20,
               "tokens": [(i * i) % 900 for i in range(50)], "bias": {5: 2.5, 17: -3.0},
               "dry_multiplier": 0.8, "typical_p": 0.95, "xtc_probability": 1.0,
               "xtc_threshold": 0.08, "top_n_sigma": 2.0, "dynatemp_range": 0.3,
               "vocabulary": 1000, "logits": seed}
    orders = [["top_p", "temperature"], ["temperature", "top_k", "min_p"],
              ["min_p", "top_k", "temperature"], ["xtc", "top_p"], ["typical_p", "top_k"],
              ["temperature", "penalties", "top_p"], ["temperature", "dry", "logit_bias"],
              ["top_k", "top_p", "mirostat"], ["min_p", "adaptive_p"], ["temperature"],
              ["top_n_sigma", "typical_p", "dynamic_temperature", "temperature"]]
    for order in orders:
        for seed in (50, 51):
            yield {"stages": order, "temperature": 0.7, "top_k": 60, "top_p": 0.9, "min_p": 0.03,
                   "typical_p": 0.8, "xtc_probability": 1.0, "xtc_threshold": 0.02,
                   "repeat_penalty": 1.0, "presence_penalty": 0.7, "tokens": [1, 2, 4, 5, 6] * 6,
                   "dry_multiplier": 0.5 if "dry" in order else 0.0,
                   "bias": {9: 1.5} if "logit_bias" in order else {}, "top_n_sigma": 1.5,
                   "dynatemp_range": 0.4 if "dynamic_temperature" in order else 0.0,
                   "mirostat": 2 if "mirostat" in order else 0,
                   "adaptive_target": 0.2 if "adaptive_p" in order else -1.0,
                   "vocabulary": 800, "logits": seed}


def fnv(ids):
    value = 0xCBF29CE484222325
    for i in ids:
        value = ((value ^ i) * 0x100000001B3) & MASK
    return value


def word(value):
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def write(path):
    lines = []
    for case in cases():
        case.setdefault("position", 0)
        case.setdefault("seed", 0)
        kept, run = run_case(case)
        words = []
        for name, value in case.items():
            if name in ("tokens", "stages"):
                words += [f"{name}={','.join(map(str, value))}"] if value else []
            elif name == "bias":
                words += [f"{name}={','.join(f'{k}:{word(v)}' for k, v in value.items())}"] if value else []
            elif name == "breakers":
                words.append("breakers=" + ",".join(b.encode().hex() for b in value))
            else:
                words.append(f"{name}={word(value)}")
        lines.append("case " + " ".join(words))
        lines.append(f"kept {len(kept)} {fnv(i for i, _ in kept):016x}")
        lines.append("p " + " ".join(f"{i} {p:.9g}" for i, p in kept[:12]))
        if "state" in run:
            lines.append(f"state {run['state']:.9g} {run['after']:.9g}")
    path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    write(FOLDER / "cases.txt")
