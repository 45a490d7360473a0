// formats.cpp - the grammars of RFC 3339, 3986, 4291, 5321, 1123, 6901 as patterns.
#include "sample/schema/formats.h"

#include "sample/schema/nfa.h"
#include "sample/schema/pattern.h"

namespace inlay::schema {
namespace {

// RFC 3339. The 29th of February only in leap years.
#define INLAY_DATE                                                      \
  "(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|"       \
  "(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|" \
  "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)"
#define INLAY_TIME                                           \
  "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]+)?" \
  "(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
#define INLAY_DURATION_TIME "T(?:[0-9]+S|[0-9]+M(?:[0-9]+S)?|[0-9]+H(?:[0-9]+M(?:[0-9]+S)?)?)"
#define INLAY_DURATION                                                            \
  "P(?:[0-9]+W|(?:[0-9]+D|[0-9]+M(?:[0-9]+D)?|[0-9]+Y(?:[0-9]+M(?:[0-9]+D)?)?)(?" \
  ":" INLAY_DURATION_TIME ")?|" INLAY_DURATION_TIME ")"

// RFC 3986 and 4291.
#define INLAY_OCTET "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
#define INLAY_IPV4 INLAY_OCTET "(?:\\." INLAY_OCTET "){3}"
#define INLAY_H16 "[0-9A-Fa-f]{1,4}"
#define INLAY_LS32 "(?:" INLAY_H16 ":" INLAY_H16 "|" INLAY_IPV4 ")"
#define INLAY_HC "(?:" INLAY_H16 ":)"
#define INLAY_IPV6                                                                                 \
  "(?:" INLAY_HC "{6}" INLAY_LS32 "|::" INLAY_HC "{5}" INLAY_LS32 "|(?:" INLAY_H16 ")?::" INLAY_HC \
  "{4}" INLAY_LS32 "|(?:" INLAY_HC "{0,1}" INLAY_H16 ")?::" INLAY_HC "{3}" INLAY_LS32              \
  "|(?:" INLAY_HC "{0,2}" INLAY_H16 ")?::" INLAY_HC "{2}" INLAY_LS32 "|(?:" INLAY_HC               \
  "{0,3}" INLAY_H16 ")?::" INLAY_HC INLAY_LS32 "|(?:" INLAY_HC "{0,4}" INLAY_H16 ")?::" INLAY_LS32 \
  "|(?:" INLAY_HC "{0,5}" INLAY_H16 ")?::" INLAY_H16 "|(?:" INLAY_HC "{0,6}" INLAY_H16 ")?::)"
#define INLAY_PERCENT "%[0-9A-Fa-f]{2}"
#define INLAY_PCHAR "(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|" INLAY_PERCENT ")"
#define INLAY_NAME "(?:[A-Za-z0-9._~!$&'()*+,;=-]|" INLAY_PERCENT ")"
#define INLAY_USER "(?:[A-Za-z0-9._~!$&'()*+,;=:-]|" INLAY_PERCENT ")"
#define INLAY_AUTHORITY                       \
  "(?:" INLAY_USER "*@)?(?:\\[(?:" INLAY_IPV6 \
  "|[Vv][0-9A-Fa-f]+\\.[A-Za-z0-9._~!$&'()*+,;=:-]+)\\]|" INLAY_NAME "*)(?::[0-9]*)?"
#define INLAY_SLASHED "(?:/" INLAY_PCHAR "*)*"
#define INLAY_ABSOLUTE "/(?:" INLAY_PCHAR "+" INLAY_SLASHED ")?"
#define INLAY_TAIL "(?:\\?(?:" INLAY_PCHAR "|[/?])*)?(?:#(?:" INLAY_PCHAR "|[/?])*)?"
#define INLAY_URI                                                                                  \
  "[A-Za-z][A-Za-z0-9+.-]*:(?://" INLAY_AUTHORITY INLAY_SLASHED "|" INLAY_ABSOLUTE "|" INLAY_PCHAR \
  "+" INLAY_SLASHED "|)" INLAY_TAIL
#define INLAY_RELATIVE                                     \
  "(?://" INLAY_AUTHORITY INLAY_SLASHED "|" INLAY_ABSOLUTE \
  "|(?:"                                                   \
  "[A-Za-z0-9._~!$&'()*+,;=@-]|" INLAY_PERCENT ")+" INLAY_SLASHED "|)" INLAY_TAIL

// RFC 5321 and 1123.
#define INLAY_ATOM "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
#define INLAY_LABEL "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
#define INLAY_EMAIL                                                                            \
  "(?:" INLAY_ATOM "(?:\\." INLAY_ATOM ")*|\"(?:[ !#-\\[\\]-~]|\\\\[ -~])*\")@(?:" INLAY_LABEL \
  "(?:\\." INLAY_LABEL ")*|\\[(?:" INLAY_IPV4 "|IPv6:" INLAY_IPV6 ")\\])"
#define INLAY_HOST_LABEL "[A-Za-z0-9](?:[A-Za-z0-9-]{0,28}[A-Za-z0-9])?"
#define INLAY_HOSTNAME INLAY_HOST_LABEL "(?:\\." INLAY_HOST_LABEL "){0,7}"

// RFC 6901.
#define INLAY_POINTER "(?:/(?:[^~/]|~[01])*)*"

struct Known {
  std::string_view name, pattern;
};
constexpr Known formats[] = {
#define INLAY_SCHEMA_FORMAT(name, pattern) {name, "^(?:" pattern ")$"},
#include "sample/schema/formats.inc"
#undef INLAY_SCHEMA_FORMAT
};

constexpr std::string_view without_automaton[] = {"idn-email",     "idn-hostname", "iri",
                                                  "iri-reference", "uri-template", "regex"};

// Leaves out the texts in which the pattern is found.
Status without(std::string_view pattern, Automaton& out) {
  char why[256];
  Automaton found(out.allocator()), both(out.allocator());
  INLAY_TRY(parse_pattern(pattern, found, why));
  INLAY_TRY(combine(out, found, Both::difference, both));
  out = std::move(both);
  return Status::ok;
}

// One path of an automaton, written character by character.
class PathWriter {
 public:
  PathWriter(Nfa& nfa, Nfa::State at) : nfa_(nfa), at_(at) {}
  Nfa::State at() const { return at_; }

  Status put(std::uint32_t low, std::uint32_t high) {
    Nfa::State next;
    INLAY_TRY(nfa_.add_state(next));
    INLAY_TRY(nfa_.read(at_, low, high, next));
    at_ = next;
    return Status::ok;
  }
  Status put(std::string_view text) {
    for (const char c : text)
      INLAY_TRY(put(static_cast<unsigned char>(c), static_cast<unsigned char>(c)));
    return Status::ok;
  }
  // Hours and minutes.
  Status put_clock(std::uint32_t minutes) {
    const std::uint32_t h = minutes / 60, m = minutes % 60;
    const auto digit = [](std::uint32_t d) { return static_cast<char>('0' + d); };
    const char text[] = {digit(h / 10), digit(h % 10), ':', digit(m / 10), digit(m % 10)};
    return put({text, sizeof text});
  }

 private:
  Nfa& nfa_;
  Nfa::State at_;
};

// Leap seconds: only 23:59:60 UTC, told in any zone. A path for each local minute.
Status leap_seconds(Automaton& out) {
  constexpr std::uint32_t day = 24 * 60, last = day - 1;
  Nfa nfa(out.allocator());
  Nfa::Piece piece;
  INLAY_TRY(nfa.add_state(piece.begin));
  INLAY_TRY(nfa.add_state(piece.end));
  for (std::uint32_t minute = 0; minute < day; ++minute) {
    PathWriter time(nfa, piece.begin);
    INLAY_TRY(time.put_clock(minute));
    INLAY_TRY(time.put(":60"));
    const Nfa::State zone = time.at();
    INLAY_TRY(time.put("."));
    INLAY_TRY(time.put('0', '9'));
    INLAY_TRY(nfa.read(time.at(), '0', '9', time.at()));
    INLAY_TRY(nfa.jump(time.at(), zone));
    PathWriter ahead(nfa, zone), behind(nfa, zone);
    INLAY_TRY(ahead.put("+"));
    INLAY_TRY(ahead.put_clock((minute + day - last) % day));
    INLAY_TRY(nfa.jump(ahead.at(), piece.end));
    INLAY_TRY(behind.put("-"));
    INLAY_TRY(behind.put_clock(last - minute));
    INLAY_TRY(nfa.jump(behind.at(), piece.end));
    if (minute != last) continue;
    INLAY_TRY(nfa.read(zone, 'Z', 'Z', piece.end));
    INLAY_TRY(nfa.read(zone, 'z', 'z', piece.end));
  }
  return nfa.determinise(piece, Automaton::max_states, out);
}

// Adds leap seconds to "time", or behind a date to "date-time".
Status add_leap_seconds(bool with_date, Automaton& out) {
  char why[256];
  Automaton leap(out.allocator()), united(out.allocator());
  INLAY_TRY(leap_seconds(leap));
  if (with_date) {
    Automaton date(out.allocator());
    Nfa nfa(out.allocator());
    Nfa::Piece before, after;
    INLAY_TRY(parse_pattern("^" INLAY_DATE "[Tt]$", date, why));
    INLAY_TRY(nfa.embed(date, before));
    INLAY_TRY(nfa.embed(leap, after));
    INLAY_TRY(nfa.jump(before.end, after.begin));
    INLAY_TRY(nfa.determinise({before.begin, after.end}, Automaton::max_states, leap));
  }
  INLAY_TRY(combine(out, leap, Both::unite, united));
  out = std::move(united);
  return Status::ok;
}

}  // namespace

Status find_format(std::string_view name, Spelling spelling, Format& format, Automaton& out) {
  format = Format::unknown;
  for (const std::string_view other : without_automaton) {
    if (name == other) format = Format::unsupported;
  }
  for (const Known& known : formats) {
    if (name != known.name) continue;
    format = Format::known;
    const bool is_host = name == "hostname";
    if (is_host && spelling == Spelling::any) {
      format = Format::unsupported;
      return Status::ok;
    }
    char why[256];
    INLAY_TRY(parse_pattern(known.pattern, out, why));
    if (is_host) INLAY_TRY(without("(?:^|\\.)[^.]{2}--", out));
    const bool has_time = name == "time" || name == "date-time";
    const bool has_date = name == "date" || name == "date-time";
    if (spelling == Spelling::any && has_time) INLAY_TRY(add_leap_seconds(has_date, out));
    if (spelling != Spelling::any && has_date) INLAY_TRY(without("^0000", out));
  }
  return Status::ok;
}

}  // namespace inlay::schema
