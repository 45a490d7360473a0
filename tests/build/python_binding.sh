#!/bin/sh
# Installs the Python binding into a virtual environment of its own, linked with the library of this
# build, and runs its tests and the examples in Python. Usage: python_binding.sh SOURCE LIBRARY FOLDER
set -eu
source=$1
library=$2
folder=$3
binding=$source/bindings/python

# The tools of the build come from PyPI once; later runs do without it.
if [ ! -e "$folder/tools" ]; then
  rm -rf "$folder"
  # The system's Python where there is one: its headers are those of python3-dev.
  python3=/usr/bin/python3
  [ -x "$python3" ] || python3=python3
  "$python3" -m venv "$folder/venv"
  "$folder/venv/bin/pip" install -q --disable-pip-version-check \
    "scikit-build-core>=0.10" "pybind11>=2.10" numpy
  touch "$folder/tools"
fi

changed=$(find "$binding" "$source/include" "$library" -type f -newer "$folder/installed" 2>/dev/null || echo all)
if [ ! -e "$folder/installed" ] || [ -n "$changed" ]; then
  "$folder/venv/bin/pip" install -q --disable-pip-version-check --no-build-isolation --no-deps \
    --force-reinstall \
    --config-settings=build-dir="$folder/wheel" \
    --config-settings=cmake.define.INLAY_LIBRARY="$library" "$binding"
  touch "$folder/installed"
fi

# Away from the sources, so that the installed package is the one imported; no caches beside them.
cd "$folder"
export PYTHONDONTWRITEBYTECODE=1
venv/bin/python -m unittest discover -s "$binding/tests"
venv/bin/python "$source/examples/hello.py" "$source/examples/demo_model/demo.gguf" "The" >hello.out
test -s hello.out
venv/bin/python "$source/examples/json_output.py" >json.out
grep -q '"age": [0-9]' json.out
