// strftime.cpp - strftime_now(format): the host's date in words, in the C locale.
#include "text/template/lists.h"

namespace inlay::jinja {
namespace {

constexpr std::string_view months[] = {"January", "February", "March",     "April",   "May",      "June",
                                       "July",    "August",   "September", "October", "November", "December"};
constexpr std::string_view weekdays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                         "Thursday", "Friday", "Saturday"};

bool is_leap(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

// 1 to 366.
int day_of_year(const Moment& m) {
  constexpr int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
  return before[m.month - 1] + m.day + (m.month > 2 && is_leap(m.year));
}

// 0 is Sunday. Days since a Sunday long ago, in the Gregorian calendar.
int weekday(const Moment& m) {
  const int y = m.year - 1;
  return (y + y / 4 - y / 100 + y / 400 + day_of_year(m)) % 7;
}

class Date {
 public:
  Date(TextBuilder& out, const Moment& now) : out_(out), now_(now) {}

  // One conversion; false: it is not known.
  bool write(char c, bool short_form) {
    const int hour12 = now_.hour % 12 ? now_.hour % 12 : 12;
    switch (c) {
      case 'Y': return number(now_.year, short_form ? 1 : 4);
      case 'y': return number(now_.year % 100, short_form ? 1 : 2);
      case 'm': return number(now_.month, short_form ? 1 : 2);
      case 'd': return number(now_.day, short_form ? 1 : 2);
      case 'e': return short_form ? number(now_.day, 1) : spaced(now_.day);
      case 'H': return number(now_.hour, short_form ? 1 : 2);
      case 'I': return number(hour12, short_form ? 1 : 2);
      case 'M': return number(now_.minute, short_form ? 1 : 2);
      case 'S': return number(now_.second, short_form ? 1 : 2);
      case 'j': return number(day_of_year(now_), short_form ? 1 : 3);
      case 'w': return number(weekday(now_), 1);
      case 'u': return number(weekday(now_) ? weekday(now_) : 7, 1);
      case 'f': return number(0, 6);
      case 'p': return out_.add(now_.hour < 12 ? "AM" : "PM");
      case 'B': return out_.add(months[now_.month - 1]);
      case 'b':
      case 'h': return out_.add({months[now_.month - 1].data(), 3});
      case 'A': return out_.add(weekdays[weekday(now_)]);
      case 'a': return out_.add({weekdays[weekday(now_)].data(), 3});
      case 'D': return all("m/d/y");
      case 'F': return all("Y-m-d");
      case 'T':
      case 'X': return all("H:M:S");
      case 'R': return all("H:M");
      case 'x': return all("m/d/y");
      case 'c': return all("a b e H:M:S Y");
      case '%': return out_.add('%');
      case 'n': return out_.add('\n');
      case 't': return out_.add('\t');
      default: return false;
    }
  }

 private:
  bool number(int value, int digits) {
    char bytes[16];
    return out_.add({bytes, print(bytes, sizeof bytes, "{:0{}}", value, digits)});
  }
  bool spaced(int value) {
    char bytes[16];
    return out_.add({bytes, print(bytes, sizeof bytes, "{:2}", value)});
  }
  bool all(std::string_view letters) {
    bool known = true;
    for (const char c : letters) known &= c >= 'A' ? write(c, false) : out_.add(c);
    return known;
  }

  TextBuilder& out_;
  const Moment& now_;
};

}  // namespace

Value function_strftime_now(Renderer& r, Subject, const Arguments& a) {
  Value p = Value::missing();
  if (!r.bind(a, "strftime_now", {"format"}, &p)) return {};
  const Text* format = r.bind_text(p, "strftime_now");
  if (!format) return {};
  if (r.now().year == 0) return r.fail("the template asks for the date; none was given", Status::argument);
  TextBuilder out(r.arena());
  Date date(out, r.now());
  const std::string_view text = format->view();
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      out.add(text[at]);
      continue;
    }
    const bool short_form = at + 1 < text.size() && text[at + 1] == '-';
    at += short_form ? 2 : 1;
    if (at >= text.size() || !date.write(text[at], short_form)) {
      return r.fail("strftime_now(): this format is not known");
    }
  }
  return r.give(out);
}

}  // namespace inlay::jinja
