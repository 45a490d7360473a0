// date.h - the date that chat templates see.
#pragma once

#include <string>

#include "inlay/chat.hpp"

namespace cli {

// 2025-07-10T12:00:00, or the day alone; fails on anything else.
inlay::Date parse_date(const std::string& text);
// The local time.
inlay::Date date_now();

}  // namespace cli
