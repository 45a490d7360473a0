#!/usr/bin/env python3
"""Checks that includes only look down, without circles. Usage: check_layers.py [ROOT] | --self-test"""
import pathlib
import re
import sys
import tempfile

# room -> what it may include besides itself: a room, or one file of it.
ALLOWED = {
    "include": [],
    "src/base": ["include/inlay/inlay.h"],
    "src/quant": ["src/base"],
    "src/format": ["src/base", "src/quant/type.h", "src/quant/types.inc"],
    "src/text": ["src/base"],
    "src/sample": ["src/base", "src/text/vocab.h"],
    "src/kernels": ["src/quant", "src/base"],
    "src/graph": ["src/quant", "src/base"],
    "src/isa": ["src/kernels", "src/quant", "src/base"],
    "src/arch": ["src/graph"],
    "src/backend": ["src/graph", "src/kernels", "src/isa", "src/quant", "src/base"],
    "src/engine": ["src/backend", "src/arch", "src/graph", "src/format", "src/text", "src/sample",
                   "src/quant", "src/base"],
    "src/api": ["src/engine", "src/text", "src/base", "include/inlay/inlay.h"],
    "bindings": ["include"],
    "examples": ["include"],
    "benchmarks": ["include"],
}

# file -> what it alone may include besides, with the reason.
EXCEPTIONS = {
    # JSON has one reader; what it reads here is a tree that knows nothing of it.
    "src/sample/schema/read.cpp": ["src/format/json.h", "src/base"],
    # Measures single kernels, which nothing public reaches.
    "benchmarks/kernels.cpp": ["src/isa", "src/kernels", "src/quant", "src/base"],
    "benchmarks/kernel_calls.cpp": ["src/isa", "src/kernels", "src/quant", "src/base"],
    # Draws from logits of its own, without a model.
    "benchmarks/sampling.cpp": ["src/sample", "src/base"],
}

# Headers of other packages: the one place where each may stand (a prefix of the file's path).
PACKAGES = {
    "fmt/": ["src/base/diagnostics", "examples", "bindings", "benchmarks"],
    "pcre2": ["src/text/"],
    "utf8proc": ["src/text/"],
    "xsimd/": ["src/isa/", "src/kernels/"],
    # The loops of bench_limits measure single instructions.
    "immintrin.h": ["src/isa/", "src/kernels/", "benchmarks/instruction_loops.h"],
    "arm_neon.h": ["src/isa/", "src/kernels/", "benchmarks/instruction_loops.h"],
    "Eigen/": ["examples", "benchmarks"],
}

# Containers, streams, exceptions and global state: not in the library (all memory may fail there).
FORBIDDEN_IN_SRC = {
    "vector", "string", "map", "set", "unordered_map", "unordered_set", "list", "deque", "memory",
    "iostream", "ostream", "istream", "fstream", "sstream", "functional", "thread", "mutex",
    "condition_variable", "future", "shared_mutex", "any", "regex", "random", "locale", "format",
    "stdexcept", "exception", "typeinfo", "filesystem", "cassert", "assert.h", "queue", "stack",
}

SUFFIXES = {".h", ".hpp", ".c", ".cpp", ".inc", ".inl"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def room_of(name):
    """The key of ALLOWED that a path belongs to, or None."""
    parts = name.split("/")
    key = "/".join(parts[:2]) if parts[0] == "src" else parts[0]
    return key if key in ALLOWED else None


def find(root, name, target, quoted):
    """The path inside the repository that an include means, or None if it is from outside."""
    near = [(root / name).parent] if quoted else []
    for folder in near + [root / "src", root / "include"]:
        path = (folder / target).resolve()
        if path.is_file() and path.is_relative_to(root):
            return path.relative_to(root).as_posix()
    return None


def read_includes(root):
    """{file: [included]} of files in the repository, and [(file, header)] from outside."""
    graph, outside, missing = {}, [], []
    for top in ("include", "src", "bindings", "examples", "benchmarks"):
        for path in sorted((root / top).rglob("*")):
            if path.suffix not in SUFFIXES or not path.is_file():
                continue
            name = path.relative_to(root).as_posix()
            text = path.read_text(encoding="utf-8")
            found = [(kind == '"', target) for kind, target in INCLUDE.findall(text)]
            graph[name] = []
            for quoted, target in found:
                inside = find(root, name, target, quoted)
                if inside:
                    graph[name].append(inside)
                elif quoted:
                    missing.append(f'{name}: "{target}" is no file of the repository')
                else:
                    outside.append((name, target))
    return graph, outside, missing


def allowed(name, target):
    room = room_of(name)
    if room is None or room == room_of(target):
        return True
    if target == "include/inlay/config.h" and room != "src/arch":  # switches
        return True
    places = ALLOWED[room] + EXCEPTIONS.get(name, [])
    return any(target == a or target.startswith(a + "/") for a in places)


def find_circle(graph):
    """One circle of includes as a list of files, or None."""
    state, path = {}, []

    def visit(name):
        state[name] = "open"
        path.append(name)
        for target in graph.get(name, []):
            if state.get(target) == "open":
                return path[path.index(target):] + [target]
            if target not in state:
                circle = visit(target)
                if circle:
                    return circle
        path.pop()
        state[name] = "done"
        return None

    sys.setrecursionlimit(10000)
    for name in graph:
        if name not in state:
            circle = visit(name)
            if circle:
                return circle
    return None


def check(root):
    """All violations below `root`, as lines of text."""
    root = root.resolve()
    graph, outside, problems = read_includes(root)
    for name, targets in graph.items():
        if name.startswith("src/") and room_of(name) is None:
            problems.append(f"{name}: stands in no room of the house")
        problems += [f"{name}: may not include {t}" for t in targets if not allowed(name, t)]
    for name, header in outside:
        if name.startswith("src/") and header in FORBIDDEN_IN_SRC:
            problems.append(f"{name}: <{header}> has no place in the library")
        for prefix, places in PACKAGES.items():
            if header.startswith(prefix) and not any(name.startswith(p) for p in places):
                problems.append(f"{name}: <{header}> belongs to {', '.join(places)}")
    circle = find_circle(graph)
    if circle:
        problems.append("circle: " + " -> ".join(circle))
    return len(graph), problems


def self_test():
    """Every rule must catch a planted violation and let its neighbour pass."""
    good = {
        "include/inlay/inlay.h": "#include <stdint.h>\n",
        "src/base/status.h": '#include "inlay/inlay.h"\n',
        "src/graph/graph.h": '#include "base/status.h"\n',
        "src/arch/llama.cpp": '#include "graph/graph.h"\n',
        "src/engine/model.h": '#include "graph/graph.h"\n#include "base/status.h"\n',
        "examples/hello.cpp": '#include <inlay/inlay.h>\n#include <string>\n',
    }
    planted = {
        "upward": ("src/graph/up.h", '#include "engine/model.h"\n'),
        "arch beside graph": ("src/arch/status.cpp", '#include "base/status.h"\n'),
        "public to private": ("include/inlay/bad.h", '#include "base/status.h"\n'),
        "host to private": ("examples/bad.cpp", '#include "base/status.h"\n'),
        "relative path": ("src/base/up.h", '#include "../engine/model.h"\n'),
        "circle": ("src/base/status.h", '#include "inlay/inlay.h"\n#include "base/status.h"\n'),
        "no such file": ("src/base/gone.h", '#include "base/none.h"\n'),
        "container": ("src/base/box.h", "#include <vector>\n"),
        "package": ("src/engine/text.cpp", "#include <pcre2.h>\n"),
        "in a list": ("src/quant/types.inc", '#include "engine/model.h"\n'),
        "no room": ("src/lost/file.cpp", "\n"),
    }
    failed = []
    for case, extra in [("good tree", None)] + list(planted.items()):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            files = dict(good)
            if extra:
                files[extra[0]] = extra[1]
            for name, text in files.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
            _, problems = check(root)
            if bool(problems) != (extra is not None):
                failed.append(f"{case}: {problems or 'not caught'}")
    print("\n".join(failed) or f"self-test: {len(planted)} planted violations caught")
    return 1 if failed else 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent
    count, problems = check(root)
    print("\n".join(problems) or f"{count} files, every include looks down")
    return 1 if problems or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
