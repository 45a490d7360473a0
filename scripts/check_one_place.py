#!/usr/bin/env python3
"""Checks the law "one place": what stands in a list is named by its own file and that list, nowhere else.

Usage: check_one_place.py [ROOT] | --self-test

A name counts where it is a word of the code: an identifier or a word in a string. Comments do not
count, nor do members (options.top_k), nor words inside longer identifiers.
"""
import fnmatch
import pathlib
import re
import sys
import tempfile

# list -> (macro, which argument is the name, files that may say it; {} is the name in lower case)
LISTS = {
    "src/quant/types.inc": ("INLAY_TYPE", 1, ["src/quant/{}.*", "src/quant/{}_*"]),
    "src/arch/arch.inc": ("INLAY_ARCH", 0, ["src/arch/{}.cpp"]),
    "src/isa/isa.inc": ("INLAY_ISA_UNIT", 0, ["src/isa/{}.*", "src/kernels/vector/{}.h"]),
    "src/sample/stages.inc": ("INLAY_STAGE", 0, ["src/sample/{}.*"]),
}

# (list, name, file pattern, reason): where a name means something else than the entry of the list.
EXCEPTIONS = [
    ("src/quant/types.inc", "*", "src/quant/types.h", "the list as includes, which no macro can make"),
    ("src/quant/types.inc", "F32", "src/*", "the number format of activations and results"),
    ("src/quant/types.inc", "F16", "src/*", "a number format of the key/value cache"),
    ("src/quant/types.inc", "Q?_0", "src/kernels/*", "a number format of the key/value cache"),
    ("src/quant/types.inc", "Q?_0", "src/engine/kv_type.h", "a number format of the key/value cache"),
    ("src/sample/stages.inc", "*", "src/engine/snapshot.h", "the options of a sampler in a file"),
    ("src/quant/types.inc", "BF16", "src/*", "a number format of activations"),
    ("src/quant/types.inc", "*", "src/quant/type.cpp", "names of the format's ids, for builds without the type"),
    ("src/quant/types.inc", "I*", "src/format/*", "number formats of keys and of safetensors"),
    ("src/quant/types.inc", "I*", "src/engine/vocab_view.cpp", "number formats of keys"),
    ("src/quant/types.inc", "I32", "src/kernels/*", "the integers of the vocabularies"),
    ("src/quant/types.inc", "I32", "src/quant/*.h", "the integers of the vocabularies"),
    ("src/quant/types.inc", "F64", "src/format/*", "number formats of keys and of safetensors"),
    ("src/quant/types.inc", "*", "src/engine/mixes.inc", "which type each tensor gets under a name"),
    ("src/quant/types.inc", "*", "src/quant/grids.*", "tables that bear the name of their type"),
    ("src/quant/types.inc", "*FP4", "src/format/quantized_*", "published layouts of that name"),
    ("src/quant/types.inc", "*FP4", "src/format/packing.h", "a published layout of that name"),
    ("src/quant/types.inc", "*", "src/format/pack*.cpp", "published layouts become blocks of these types"),
    ("src/quant/types.inc", "*", "src/format/quantized_modules.cpp", "published layouts become these types"),
    ("src/arch/arch.inc", "*", "src/format/families.inc", "which family a config.json means"),
    ("src/arch/arch.inc", "*", "src/format/hf_*", "what the files of a family say"),
    ("src/quant/types.inc", "F64", "src/engine/vocab_view.cpp", "number formats of keys"),
    ("src/arch/arch.inc", "*", "src/format/sentencepiece_model.cpp", "a vocabulary bears the name of a model"),
    ("src/arch/arch.inc", "*", "src/format/*token*", "vocabularies and pre-tokenizers bear names of models"),
    ("src/isa/isa.inc", "scalar", "src/format/key_writer.h", "a value that is no array"),
    ("src/sample/stages.inc", "*", "src/format/folder.cpp", "defaults that generation_config.json states"),
    ("src/isa/isa.inc", "neon", "src/isa/neon_*.cpp", "the vocabulary that the units of aarch64 share"),
    ("src/isa/isa.inc", "avx512", "src/isa/amx.cpp", "the unit that this one adds tiles to"),
    ("src/isa/isa.inc", "*", "src/isa/isa.cpp", "what each unit asks of the processor"),
    ("src/arch/arch.inc", "*", "src/text/*", "vocabularies and pre-tokenizers bear names of models"),
]

SUFFIXES = {".h", ".hpp", ".cpp", ".inc", ".inl"}
# A comment, or a literal that is kept so that // inside it is no comment.
COMMENT = re.compile(r'//[^\n]*|/\*.*?\*/|("(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\')', re.DOTALL)


def strip_comments(text):
    return COMMENT.sub(lambda m: m.group(1) or re.sub(r"[^\n]", " ", m.group(0)), text)


def read_names(root, listed):
    """The entries of one list, or [] if it does not exist."""
    macro, position, _ = LISTS[listed]
    path = root / listed
    if not path.is_file():
        return []
    rows = re.findall(rf"^\s*{macro}\(([^)]*)\)", strip_comments(path.read_text()), re.MULTILINE)
    return [row.split(",")[position].strip().strip('"') for row in rows]


def excepted(listed, name, file):
    return any(listed == e[0] and fnmatch.fnmatchcase(name, e[1]) and fnmatch.fnmatchcase(file, e[2])
               for e in EXCEPTIONS)


def check(root):
    """(number of names, all violations as lines)."""
    files = {p.relative_to(root).as_posix(): strip_comments(p.read_text(encoding="utf-8"))
             for p in sorted((root / "src").rglob("*")) if p.suffix in SUFFIXES}
    count, problems = 0, []
    for listed, (macro, _, homes) in LISTS.items():
        names = read_names(root, listed)
        if not names:
            problems.append(f"{listed}: no {macro}(...) in it")
        for name in names:
            count += 1
            own = [home.format(name.lower()) for home in homes] + [listed]
            if not any(fnmatch.fnmatchcase(f, o) for f in files for o in own[:-1]):
                problems.append(f"{listed}: {name} has no file {own[0]}")
            word = re.compile(rf"(?<![\w.])(?<!->){re.escape(name)}(?!\w)", re.IGNORECASE)
            for file, text in files.items():
                if any(fnmatch.fnmatchcase(file, o) for o in own) or excepted(listed, name, file):
                    continue
                problems += [f"{file}:{number}: names {name} of {listed}: {line.strip()}"
                             for number, line in enumerate(text.splitlines(), 1) if word.search(line)]
    return count, problems


def self_test():
    """Planted violations must be caught, and what only looks like one must pass."""
    good = {
        "src/arch/arch.inc": "// INLAY_ARCH(comment)\nINLAY_ARCH(llama)\n",
        "src/arch/llama.cpp": "Status llama() {}\n",
        "src/sample/stages.inc": "INLAY_STAGE(top_k)\n",
        "src/sample/top_k.cpp": "void top_k();\n",
        "src/isa/isa.inc": "INLAY_ISA_UNIT(avx2)\nINLAY_ISA_UNIT(neon)\nINLAY_ISA_UNIT(neon_dotprod)\n",
        "src/isa/avx2.cpp": "namespace avx2 {}\n",
        "src/isa/neon.cpp": "#include <arm_neon.h>\nnamespace neon {}\n",
        "src/isa/neon_dotprod.cpp": "namespace neon_dotprod {}\n",
        "src/quant/types.inc": 'INLAY_TYPE(2, Q4_0, "quant/q4_0.h", 32, 18)\n',
        "src/quant/q4_0.h": "struct Q4_0;\n",
    }
    cases = {
        "good tree": (None, "", False),
        "comment": ("src/engine/a.cpp", "// as llama does\n/* Q4_0 */ int x;\n", False),
        "member": ("src/sample/chain.cpp", "if (options.top_k > 0) options->top_k = 1;\n", False),
        "longer word": ("src/engine/b.cpp", "int my_top_k_x = 0;\n", False),
        "identifier": ("src/engine/c.cpp", "return llama();\n", True),
        "string": ("src/engine/d.cpp", 'if (name == "llama") {}\n', True),
        "after a string": ("src/engine/e.cpp", 'const char* u = "http://"; int q4_0;\n', True),
        "unit elsewhere": ("src/engine/g.cpp", "if (best == neon) return;\n", True),
        "longer unit": ("src/isa/neon.cpp", "using neon_dotprod::Words;\n", True),
        "shared vocabulary": ("src/isa/neon_dotprod.cpp", "#include \"kernels/vector/neon.h\"\n", False),
        "lower case": ("src/backend/cpu/f.cpp", "case Type::q4_0: break;\n", True),
        "other macro": ("src/isa/isa.inc", "INLAY_UNIT(avx2)\n", True),
        "no home": ("src/arch/arch.inc", "INLAY_ARCH(llama)\nINLAY_ARCH(mamba)\n", True),
    }
    failed = []
    for case, (name, text, expected) in cases.items():
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for file, body in {**good, **({name: text} if name else {})}.items():
                (root / file).parent.mkdir(parents=True, exist_ok=True)
                (root / file).write_text(body)
            _, problems = check(root)
            if bool(problems) != expected:
                failed.append(f"{case}: {problems or 'not caught'}")
    print("\n".join(failed) or f"self-test: {len(cases)} cases as expected")
    return 1 if failed else 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent
    count, problems = check(root.resolve())
    print("\n".join(problems) or f"{count} names, each in one place")
    return 1 if problems or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
