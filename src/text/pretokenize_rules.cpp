// pretokenize_rules.cpp - the one list of pre-tokenizers: names in files, patterns of the vendors.
#include "text/pre_patterns.h"
#include "text/pretokenize.h"

namespace inlay {
namespace {

#define SPACE INLAY_SPACE_CLASS
#define SPACES INLAY_PRE_SPACES
#define NO_SPACE_NEXT INLAY_PRE_NO_SPACE_NEXT
#define CONTRACTION_ANY_CASE INLAY_PRE_CONTRACTION_ANY_CASE
#define GPT2 INLAY_PRE_GPT2
#define TAIL INLAY_PRE_TAIL
#define WORD INLAY_PRE_WORD
#define SYMBOLS INLAY_PRE_SYMBOLS
#define LLAMA3 INLAY_PRE_LLAMA3
#define QWEN2 INLAY_PRE_QWEN2
#define O200K INLAY_PRE_O200K
#define TEKKEN INLAY_PRE_TEKKEN

#define DEEPSEEK_V3                                                                         \
  "[!-/:-@\\[-`{-~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+" \
  "[\\r\\n]*|" TAIL

// Letters of alphabets with capitals, as listed by the vendor.
#define CASED_LETTERS                                                                             \
  "A-Za-z\\x{B5}\\x{C0}-\\x{D6}\\x{D8}-\\x{F6}\\x{F8}-\\x{1BA}\\x{1BC}-\\x{1BF}"                  \
  "\\x{1C4}-\\x{293}\\x{295}-\\x{2AF}\\x{370}-\\x{373}\\x{376}\\x{377}\\x{37B}-\\x{37D}"          \
  "\\x{37F}\\x{386}\\x{388}-\\x{38A}\\x{38C}\\x{38E}-\\x{3A1}\\x{3A3}-\\x{3F5}"                   \
  "\\x{3F7}-\\x{481}\\x{48A}-\\x{52F}\\x{531}-\\x{556}\\x{10A0}-\\x{10C5}"                        \
  "\\x{13A0}-\\x{13F5}\\x{13F8}-\\x{13FD}\\x{1C90}-\\x{1CBA}\\x{1CBD}-\\x{1CBF}"                  \
  "\\x{1D00}-\\x{1D2B}\\x{1D6B}-\\x{1D77}\\x{1D79}-\\x{1D9A}\\x{1E00}-\\x{1F15}"                  \
  "\\x{1F18}-\\x{1F1D}\\x{1F20}-\\x{1F45}\\x{1F48}-\\x{1F4D}\\x{1F50}-\\x{1F57}\\x{1F59}"         \
  "\\x{1F5B}\\x{1F5D}\\x{1F5F}-\\x{1F7D}\\x{1F80}-\\x{1FB4}\\x{1FB6}-\\x{1FBC}\\x{1FBE}"          \
  "\\x{1FC2}-\\x{1FC4}\\x{1FC6}-\\x{1FCC}\\x{1FD0}-\\x{1FD3}\\x{1FD6}-\\x{1FDB}"                  \
  "\\x{1FE0}-\\x{1FEC}\\x{1FF2}-\\x{1FF4}\\x{1FF6}-\\x{1FFC}\\x{2102}\\x{2107}"                   \
  "\\x{210A}-\\x{2113}\\x{2115}\\x{2119}-\\x{211D}\\x{2124}\\x{2126}\\x{2128}\\x{212A}-\\x{212D}" \
  "\\x{212F}-\\x{2134}\\x{2139}\\x{213C}-\\x{213F}\\x{2145}-\\x{2149}\\x{214E}\\x{2183}"          \
  "\\x{2184}\\x{2C00}-\\x{2C7B}\\x{2C7E}-\\x{2CE4}\\x{2CEB}-\\x{2CEE}\\x{2CF2}\\x{2CF3}"          \
  "\\x{A640}-\\x{A66D}\\x{A680}-\\x{A69B}\\x{A722}-\\x{A76F}\\x{A771}-\\x{A787}"                  \
  "\\x{A78B}-\\x{A78E}\\x{AB70}-\\x{ABBF}\\x{FB00}-\\x{FB06}\\x{FB13}-\\x{FB17}"                  \
  "\\x{FF21}-\\x{FF3A}\\x{FF41}-\\x{FF5A}\\x{10400}-\\x{1044F}\\x{104B0}-\\x{104D3}"              \
  "\\x{104D8}-\\x{104FB}\\x{10C80}-\\x{10CB2}\\x{10CC0}-\\x{10CF2}\\x{118A0}-\\x{118DF}"          \
  "\\x{1E900}-\\x{1E943}"
// Spaces at the end of a piece. The look-behind changes nothing but keeps long runs of spaces
// linear.
#define SPACES_AT_END "(?<!" SPACES ")" SPACES "+\\z"
#define CJK "[\\x{4E00}-\\x{9FA5}\\x{800}-\\x{4E00}\\x{AC00}-\\x{D7FF}]+"
#define BLOOM " ?[^(" SPACE "|.,!?\\x{2026}\\x{3002}\\x{FF0C}\\x{3001}\\x{964}\\x{6D4}\\x{60C})]+"

// Of Kimi K2: ideographs, then words as O200K has them but without ideographs. A class of what is
// none of the others is the intersection.
#define HAN "\\p{sc:Han}"
#define NO_LETTER "\\p{N}\\p{P}\\p{S}\\p{Z}\\p{C}"
#define NOT_SMALL_HAN "[^" HAN NO_LETTER "\\p{Ll}]"
#define NOT_CAPITAL_HAN "[^" HAN NO_LETTER "\\p{Lu}\\p{Lt}]"
#define LEAD "[^\\r\\n\\p{L}\\p{N}]?"
#define KIMI_K2                                                                                    \
  HAN "+|" LEAD NOT_SMALL_HAN "*" NOT_CAPITAL_HAN "+" CONTRACTION_ANY_CASE "?|" LEAD NOT_SMALL_HAN \
      "+" NOT_CAPITAL_HAN "*" CONTRACTION_ANY_CASE "?|\\p{N}{1,3}|" SYMBOLS "|" TAIL

#define YOUTU_SCRIPTS                                                                           \
  "[\\x{AC00}-\\x{D7A3}\\x{3131}-\\x{318E}]+|"                                                  \
  "[\\x{FF01}\\x{2026}\\x{201C}\\x{201D}\\x{2018}\\x{2019}\\x{2014}\\x{FF1A}\\x{FF1B}\\x{FF0C}" \
  "\\x{3001}-\\x{303F}\\x{FE30}-\\x{FE4F}]+|[\\x{3105}-\\x{312F}]+|"                            \
  "[\\x{4E00}-\\x{9FA5}\\x{3040}-\\x{309F}\\x{30A0}-\\x{30FF}]+"
#define YOUTU                                                                                \
  INLAY_PRE_WORD_SMALL CONTRACTION_ANY_CASE "?|" INLAY_PRE_WORD_CAPITAL CONTRACTION_ANY_CASE \
                                            "?|\\p{N}|" INLAY_PRE_SYMBOLS_SLASH "|" TAIL

// Words of several words: the vendor's (?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+ without nested repeats.
#define EXAONE_MOE                                                                 \
  CONTRACTION_ANY_CASE                                                             \
  "|" LEAD "\\p{L}[\\p{L}\\p{M}]*+(?: \\p{L}[\\p{L}\\p{M}]*+)*+|\\p{N}| ?[^" SPACE \
  "\\p{L}\\p{N}]+[\\r\\n/]?|" SPACES "*[\\r\\n]|" SPACES "+" NO_SPACE_NEXT "|" SPACES "+"

#define BAILING                                                            \
  "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}| ?[^" SPACE \
  "\\p{L}\\p{N}]++[\\r\\n]*|" SPACES "*[\\r\\n]|" SPACES "+" NO_SPACE_NEXT "|" SPACES "+"

// Runs of spaces in powers of two. Behind a part of a run no line ends: not looking for one there
// changes nothing but keeps long runs linear.
#define NOT_IN_RUN "(?:(?<!" SPACES ")|(?<=[\\r\\n]))"
#define RUN(count) SPACES "{" count "}" NO_SPACE_NEXT "|"
#define JAIS2                                                                             \
  CONTRACTION_ANY_CASE "|" WORD "|\\p{N}{1,3}|" SYMBOLS "|" NOT_IN_RUN SPACES             \
                       "*[\\r\\n]+|" RUN("512") RUN("256") RUN("128") RUN("64") RUN("32") \
                           RUN("16") RUN("8") RUN("4") RUN("1,2") SPACES

constexpr PretokenizerRule rules[] = {
    {"default", {"[\\p{P}$+<=>^~|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]"}, false, false},
    {"gpt-2 phi-2 jina-es jina-de jina-v2-es jina-v2-de gigachat a.x-4.0 mellum modern-bert "
     "roberta-bpe jina-v1-en jina-v2-code mpt olmo jais trillion granite-docling exaone4",
     {GPT2},
     false,
     false},
    {"llama3 llama-v3 llama-bpe falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano",
     {LLAMA3},
     true,
     true},
    {"dbrx smaug-bpe glm4 chatglm-bpe", {LLAMA3}, false, false},
    {"qwen2 deepseek-r1-qwen kormo f2llmv2 megrez stablelm2 hunyuan solar-open grok-2",
     {QWEN2},
     false,
     false},
    {"qwen35",
     {CONTRACTION_ANY_CASE "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^" SPACE
                           "\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|" TAIL},
     false,
     false},
    {"gpt-4o llama4 kanana2 talkie minimax-m2", {O200K}, false, false},
    {"granite-embed-multi-97m", {O200K}, true, false},
    {"tiny_aya cohere2moe", {INLAY_PRE_THREES_OF_WORD, O200K}, false, false},
    {"superbpe", {"\\p{N}+", INLAY_PRE_THREES_CUT}, false, false},
    {"kimi-k2", {KIMI_K2}, false, false},
    {"youtu", {YOUTU_SCRIPTS, YOUTU}, true, false},
    {"tekken", {TEKKEN}, true, true},
    {"deepseek-v3 hunyuan-dense joyai-llm",
     {"\\p{N}{1,3}", "[\\x{4E00}-\\x{9FA5}\\x{3040}-\\x{309F}\\x{30A0}-\\x{30FF}]+", DEEPSEEK_V3},
     false,
     false},
    {"deepseek-llm",
     {"[\\r\\n]", SPACES "?[" CASED_LETTERS "]+",
      SPACES
      "?[!-/:-~\\x{FF01}-\\x{FF0F}\\x{FF1A}-\\x{FF5E}\\x{2018}-\\x{201F}\\x{3000}-\\x{3002}]+",
      SPACES_AT_END, CJK, "\\p{N}+"},
     false,
     false},
    {"deepseek-coder",
     {"[\\r\\n]", SPACES "?\\p{L}+", SPACES "?\\p{P}+", CJK, "\\p{N}"},
     false,
     false},
    {"falcon", {"[\\p{P}$+<=>^~|`]+", GPT2, "[0-9][0-9][0-9]"}, false, false},
    {"starcoder refact command-r smollm codeshell exaone minerva-7b mellum2",
     {"\\p{N}", GPT2},
     false,
     false},
    {"exaone-moe", {EXAONE_MOE}, false, false},
    {"bailingmoe bailingmoe2 llada-moe", {BAILING}, false, false},
    {"jais-2", {JAIS2}, false, false},
    {"minicpm5",
     {"\\p{N}{1,3}", CONTRACTION_ANY_CASE "|" WORD "|\\p{N}+|" SYMBOLS "|" TAIL},
     true,
     false},
    {"laguna", {"[^\\n]+|\\n+", QWEN2}, false, false},
    {"chameleon",
     {"<sentinel:[0-9]+>", "IMGIMG[A-I]{1,4}Z", "[\\t\\n]|    |  ", "\\p{N}",
      "[\\p{P}!-/:-@\\[-`{-~]", GPT2},
     false,
     true},
    {"bloom poro-chat gpt3-finnish", {BLOOM}, false, false},
    {"viking", {BLOOM, "\\p{N}"}, false, false},
    {"seed-coder",
     {CONTRACTION_ANY_CASE "|" WORD "|\\p{N}| ?[^" SPACE "\\p{L}\\p{N}\\r\\n]+|" TAIL},
     false,
     false},
};

// Whether `name` is one of `names`.
bool is_listed(std::string_view names, std::string_view name) {
  while (!names.empty()) {
    const std::size_t end = names.find(' ');
    if (names.substr(0, end) == name) return true;
    if (end == std::string_view::npos) return false;
    names.remove_prefix(end + 1);
  }
  return false;
}

}  // namespace

const PretokenizerRule* find_pretokenizer(std::string_view name) {
  for (const PretokenizerRule& rule : rules) {
    if (is_listed(rule.names, name)) return &rule;
  }
  return nullptr;
}

}  // namespace inlay
