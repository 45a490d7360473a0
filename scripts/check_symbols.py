#!/usr/bin/env python3
"""Checks what the library's object files ask for and leave behind, with binutils' objdump.

Usage: check_symbols.py OBJECT... | --self-test COMPILER

1. Undefined symbols: an object may ask other objects of the library, and the lists below, for nothing
   else. So nothing prints, ends the process, throws, reads the environment or takes memory on its own,
   and no function of libm is used whose bits differ from machine to machine.
2. No static constructor, no thread-local and no writable global data.
3. A unit compiled for a newer processor (src/isa, all but scalar) leaves no weak function outside its
   own namespace: the linker may take any one of equal weak functions, and older processors would trap.
4. A C symbol that others can see begins with inlay_.
"""
import fnmatch
import re
import subprocess
import sys
import tempfile
from pathlib import Path

# Pure functions that every machine computes alike, and what compilers emit for plain code.
EVERYWHERE = [
    "memcpy", "memmove", "memset", "memcmp", "memchr", "strlen", "strchr", "strcmp", "strncmp", "bcmp",
    "fma", "fmaf", "sqrt", "sqrtf", "floor", "floorf", "ceil", "ceilf", "trunc", "truncf", "rint",
    "rintf", "nearbyint", "nearbyintf",
    "__udivti3", "__umodti3", "__popcountdi2", "__stack_chk_fail", "_GLOBAL_OFFSET_TABLE_",
    "__aarch64_*",  # atomics, by calls where the processor may lack the instructions
]

# object (below src, without suffix): what else it may ask for, and why.
ALLOWED = {
    "base/allocator": ["aligned_alloc", "free"],  # the default heap
    # files by path and descriptor
    "base/file_posix": ["open", "open64", "close", "fcntl", "fcntl64", "fstat", "fstat64", "stat",
                        "stat64", "pread", "pread64", "write", "rename", "unlink", "fsync", "mmap", "mmap64",
                        "munmap", "sysconf", "__errno_location"],
    "base/pages": ["madvise", "sysconf"],  # huge pages, and pages that are not needed any more
    # decimal numbers; its text is checked before, so that it never takes memory for long ones
    "format/json_values": ["_ZSt10from_charsPKcS0_RdSt12chars_format"],
    # decimal numbers of templates, both ways; texts are at most 400 characters
    "text/template/numbers": ["_ZSt10from_charsPKcS0_RdSt12chars_format",
                              "_ZSt8to_charsPcS_dSt12chars_formati"],
    "text/template/number_layout": ["_ZSt8to_charsPcS_dSt12chars_format",
                                    "_ZSt8to_charsPcS_dSt12chars_formati"],
    # the built-in workers, and how many cores there are
    "base/threads": ["pthread_create", "pthread_join", "pthread_mutex_*", "pthread_cond_*",
                     "pthread_attr_*", "sysconf", "sched_yield", "sched_getaffinity",
                     "__sched_cpucount", "open", "open64", "read", "close",
                     "sigfillset", "pthread_sigmask"],  # signals are for the host's threads
    "base/clock": ["clock_gettime"],
    "isa/isa": ["getauxval"],  # what an aarch64 processor has
    # fmt's growing buffers and number formats; formats are checked when compiled and write into
    # bounded arrays, so none of these is reached.
    "base/diagnostics": ["snprintf", "_Znwm", "_ZdlPv", "_ZdlPvm", "_ZSt17__throw_bad_allocv",
                         "_ZSt28__throw_bad_array_new_lengthv", "_ZNSt13runtime_error*",
                         "_ZNKSt13runtime_error*", "_ZTVSt13runtime_error",
                         "__*tf*"],  # long double of aarch64
    "text/*": ["pcre2_*_8", "utf8proc_*"],  # pre-tokenizer patterns, normalization
    # numbers as Python reads and prints them; of a double they take no memory
    "text/template/number*": ["_ZSt10from_charsPKcS0_RdSt12chars_format", "_ZSt8to_charsPcS_dSt12chars_format*"],
}

# Demangled names that may be weak in a unit, or writable in an object, each with its reason.
WEAK_ALLOWED = []
WRITABLE_ALLOWED = []

ROW = re.compile(r"^([0-9a-f]{8,}) (.{7}) (\S+)\t([0-9a-f]+)\s+(?:\.(hidden|internal|protected) )?(.+)$")


class Symbol:
    """One line of `objdump -t`."""

    def __init__(self, flags, section, size, visibility, name):
        self.name, self.section, self.size, self.visibility = name, section, size, visibility
        self.is_global = flags[0] in "gu!"
        self.is_weak = flags[1] == "w"
        self.is_function = flags[6] == "F"
        self.is_object = flags[6] == "O"
        self.is_undefined = section == "*UND*"


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def read_symbols(path):
    symbols = []
    for line in run("objdump", "-t", str(path)).splitlines():
        row = ROW.match(line)
        if row:
            _, flags, section, size, visibility, name = row.groups()
            symbols.append(Symbol(flags, section, int(size, 16), visibility, name))
    return symbols


def read_sections(path):
    rows = [line.split() for line in run("objdump", "-h", "-w", str(path)).splitlines()]
    return [(row[1], int(row[2], 16)) for row in rows if len(row) > 2 and row[0].isdigit()]


def object_name(path):
    """base/allocator for .../src/base/allocator.cpp.o"""
    text = Path(path).as_posix()
    text = text.rsplit("/src/", 1)[-1]
    return re.sub(r"\.cpp\.(o|obj)$|\.o$", "", text)


def matches(symbol, patterns):
    return any(fnmatch.fnmatchcase(symbol, p) for p in patterns)


def check_undefined(name, symbols, defined):
    allowed = EVERYWHERE + [p for key in ALLOWED if fnmatch.fnmatchcase(name, key) for p in ALLOWED[key]]
    for s in symbols:
        if s.is_undefined and s.name not in defined and not matches(s.name, allowed):
            yield f"{name}: asks for {s.name}"


def check_state(name, symbols, sections):
    for section, size in sections:
        if section.startswith((".init_array", ".ctors", ".fini_array", ".dtors")) and size:
            yield f"{name}: has a static constructor or destructor ({section})"
        if section.startswith((".tdata", ".tbss")) and size:
            yield f"{name}: has thread-local data ({section})"
    for s in symbols:
        writable = re.match(r"\.(data|bss)(?!\.rel\.ro)|\*COM\*", s.section)
        if s.is_object and s.size and writable and not matches(s.name, WRITABLE_ALLOWED):
            yield f"{name}: has writable global data: {s.name}"


def check_weak(name, symbols):
    room, _, unit = name.partition("/")
    if room != "isa" or unit in ("isa", "scalar"):
        return
    own = f"5inlay{len(unit)}{unit}"
    for s in symbols:
        weak = s.is_weak and s.is_function and not s.is_undefined
        if weak and own not in s.name and not matches(s.name, WEAK_ALLOWED):
            yield f"{name}: leaves the weak function {s.name}"


def check_prefix(name, symbols):
    for s in symbols:
        visible = s.is_global and not s.is_undefined and s.visibility is None
        if visible and not s.name.startswith(("inlay_", "_Z")):
            yield f"{name}: shows the C symbol {s.name}, which lacks the prefix inlay_"


def check(paths):
    """All violations in the object files, as lines with demangled names."""
    objects = {object_name(p): (read_symbols(p), read_sections(p)) for p in paths}
    defined = {s.name for symbols, _ in objects.values() for s in symbols
               if not s.is_undefined and (s.is_global or s.is_weak)}
    problems = []
    for name, (symbols, sections) in sorted(objects.items()):
        problems += check_undefined(name, symbols, defined)
        problems += check_state(name, symbols, sections)
        problems += check_weak(name, symbols)
        problems += check_prefix(name, symbols)
    text = subprocess.run(["c++filt"], input="\n".join(problems), capture_output=True, text=True)
    return text.stdout.splitlines()


PLANTED = {
    "print": ("engine/a", "#include <cstdio>\nvoid f() { std::puts(\"x\"); }", True),
    "heap": ("engine/b", "int* f() { return new int; }", True),
    "exit": ("base/c", "#include <cstdlib>\nvoid f() { std::abort(); }", True),
    "environment": ("base/d", "#include <cstdlib>\nchar* f() { return std::getenv(\"A\"); }", True),
    "libm": ("kernels/e", "#include <cmath>\nfloat f(float x) { return std::exp(x); }", True),
    "constructor": ("base/f", "int g(); int x = g(); int g() { return 1; }", True),
    "mutable": ("base/g", "int counter = 3; int f() { return ++counter; }", True),
    "thread-local": ("base/h", "thread_local int x; int f() { return ++x; }", True),
    "weak": ("isa/avx2", "struct A { static inline int f(int n) { return n < 2 ? n : f(n - 1) * f(n - 2); } };"
             "int (*p(int))(int) { return &A::f; }", True),
    "own weak": ("isa/avx2", "namespace inlay::avx2 { inline int f(int n) { return n; } "
                 "int (*p(int))(int) { return &f; } }", False),
    "weak beside a longer name": ("isa/neon_dotprod", "namespace inlay::neon { inline int f(int n) "
                                  "{ return n; } int (*p(int))(int) { return &f; } }", True),
    "own weak of a long name": ("isa/neon_dotprod", "namespace inlay::neon_dotprod { inline int f(int n) "
                                "{ return n; } int (*p(int))(int) { return &f; } }", False),
    "prefix": ("api/i", "extern \"C\" int open_model() { return 0; }", True),
    "throw": ("api/j", "void f() { throw 1; }", True),
    "clean": ("base/k", "#include <cstring>\nextern \"C\" void inlay_f(char* a, const char* b, unsigned n)"
              " { std::memcpy(a, b, n); }", False),
    "heap's home": ("base/allocator", "#include <cstdlib>\nvoid* f(unsigned long n)"
                    " { return std::aligned_alloc(64, n); }", False),
}


def self_test(compiler):
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        for case, (name, code, expected) in PLANTED.items():
            source, target = Path(folder, "a.cpp"), Path(folder, "src", name + ".cpp.o")
            target.parent.mkdir(parents=True, exist_ok=True)
            source.write_text(code)
            run(compiler, "-std=c++20", "-O1", "-fPIC", "-c", str(source), "-o", str(target))
            problems = check([target])
            if bool(problems) != expected:
                failed.append(f"{case}: {problems or 'not caught'}")
    print("\n".join(failed) or f"self-test: {len(PLANTED)} cases as expected")
    return 1 if failed else 0


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--self-test":
        return self_test(sys.argv[2])
    if len(sys.argv) < 2:
        print(__doc__)
        return 2
    problems = check(sys.argv[1:])
    print("\n".join(problems) or f"{len(sys.argv) - 1} object files ask for nothing they may not have")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
