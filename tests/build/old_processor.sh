#!/bin/sh
# Runs the command on an emulated processor without AVX (Nehalem, 2008): it must start, choose a unit
# that runs there, and give the hash of the native run. Usage: old_processor.sh INLAY MODEL FOLDER
set -eu
inlay=$1
model=$2
folder=$3

if ! command -v qemu-x86_64 >/dev/null 2>&1; then
  echo "SKIPPED: qemu-x86_64 is not installed (Debian: qemu-user)"
  exit 77
fi

tokens=1,2,3
native=$("$inlay" logits "$model" --tokens $tokens --threads 1 --out "$folder/native.bin")
emulated=$(qemu-x86_64 -cpu Nehalem "$inlay" logits "$model" --tokens $tokens --threads 1 \
  --out "$folder/emulated.bin" 2>"$folder/emulated.err") || {
  echo "failed on the emulated processor:"
  cat "$folder/emulated.err"
  exit 1
}
echo "native:   $native"
echo "emulated: $emulated"
case $native in
  hash\ *) ;;
  *) echo "the command printed no hash"; exit 1 ;;
esac
test "$native" = "$emulated"
cmp "$folder/native.bin" "$folder/emulated.bin"
