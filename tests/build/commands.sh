#!/bin/sh
# commands.sh - the commands that measure and shrink models, from the outside.
# Usage: commands.sh INLAY MODEL TEXT
set -eu
inlay=$1 model=$2 text=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail() { echo "commands.sh: $1" >&2; exit 1; }
# The number behind "name": in a JSON object.
number() { printf '%s' "$2" | sed -n "s/.*\"$1\":\([-0-9.e+]*\).*/\1/p"; }
# Whether an expression of awk holds.
holds() { awk "BEGIN { exit !($1) }" || fail "not so: $1"; }
# The exit code of a command, whatever it prints.
code() { "$@" >"$folder/out" 2>"$folder/err" && echo 0 || echo $?; }

head -c 12000 "$text" >"$folder/text"
set -- --file "$folder/text" --ctx 128 --json
stored=$("$inlay" perplexity "$model" "$@")
[ "$stored" = "$("$inlay" perplexity "$model" "$@" --threads 1 --memory copied)" ] ||
  fail "perplexity depends on threads or memory"
holds "$(number perplexity "$stored") > 1 && $(number standard_error "$stored") > 0"
holds "$(number tokens "$stored") == $(number windows "$stored") * 63"

same=$("$inlay" compare "$model" "$model" "$@")
holds "$(number kl_max "$same") == 0 && $(number same_top "$same") == 1"
holds "$(number perplexity_a "$same") == $(number perplexity "$stored")"

"$inlay" imatrix "$model" --file "$folder/text" --ctx 128 --chunks 4 --out "$folder/matrix"
"$inlay" imatrix "$model" --file "$folder/text" --ctx 128 --chunks 4 --out "$folder/again" --threads 1
cmp "$folder/matrix" "$folder/again" || fail "imatrix depends on threads"

"$inlay" quantize "$model" "$folder/plain.gguf" q4_0
"$inlay" quantize "$model" "$folder/weighed.gguf" Q4_0 --imatrix "$folder/matrix" \
  --keep '*attn_v*=F16' --keep 'blk.0.*=Q8_0' 2>"$folder/err"
plain=$("$inlay" compare "$model" "$folder/plain.gguf" "$@")
loaded=$("$inlay" compare "$model" "$model" --weights Q4_0 "$@")
weighed=$("$inlay" compare "$model" "$folder/weighed.gguf" "$@")
[ "$plain" = "$loaded" ] || fail "loading as Q4_0 is not the file in Q4_0"
holds "$(number kl_mean "$plain") > 0 && $(number same_top "$plain") > 0.5"
holds "$(number kl_mean "$weighed") < $(number kl_mean "$plain")"
types=$("$inlay" info "$folder/weighed.gguf" --json --tensors)
for pair in blk.0.attn_v.weight:F16 blk.0.ffn_up.weight:Q8_0 blk.1.ffn_up.weight:Q4_0; do
  case $types in
    *"\"name\":\"${pair%:*}\",\"type\":\"${pair#*:}\""*) ;;
    *) fail "$pair" ;;
  esac
done

state() { number state "$("$inlay" plan "$model" --kv "$1" --json)"; }
holds "$(state f32) > $(state F16) && $(state f16) == $(state BF16) && $(state f16/auto) == $(state f16)"
holds "$(state f16) > $(state Q8_0/F16) && $(state q8_0/f16) > $(state q8_0)"
holds "$(state q8_0) > $(state q4_0) && $(state f16/q8_0) == $(state q8_0/f16)"
"$inlay" run "$model" -p "Once upon" -n 5 --temp 0 --kv q8_0/bf16 --trace "$folder/trace" >"$folder/out"
[ -s "$folder/out" ] && grep -q '"traceEvents"' "$folder/trace" || fail "run --kv --trace"
one=$("$inlay" logits "$model" --tokens 5,6,7,8,9 --all --out "$folder/rows")
[ "$one" = "$("$inlay" logits "$model" --tokens 5,6,7,8,9 --all --sequences 3 --out "$folder/rows")" ] ||
  fail "logits depend on --sequences"

[ "$(code "$inlay" plan "$model" --kv q5)" = 2 ] || fail "--kv q5"
[ "$(code "$inlay" plan "$model" --kv f16/)" = 2 ] || fail "--kv f16/"
[ "$(code "$inlay" quantize "$model" "$folder/no.gguf" Q99)" = 1 ] || fail "Q99 is no type"
[ "$(code "$inlay" quantize "$model" "$folder/no.gguf" Q8_0 --keep abc)" = 2 ] || fail "--keep abc"
[ "$(code "$inlay" perplexity "$model" --file /dev/null)" = 1 ] || fail "an empty text"
[ "$(code "$inlay" plan "$model" --weights auto:1)" = 1 ] || fail "a budget of one byte"
[ "$(code "$inlay" plan "$model" --weights auto:many)" = 2 ] || fail "a budget of no number"
[ "$(code "$inlay" plan "$model" --memory swap)" = 2 ] || fail "--memory swap"
[ ! -e "$folder/no.gguf" ] && [ ! -e "$folder/no.gguf.part" ] || fail "something was left"
