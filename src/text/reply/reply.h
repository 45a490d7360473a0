// reply.h - a model's reply, told as content, reasoning and tool calls while it comes.
#pragma once

#include <string_view>

#include "base/array.h"
#include "base/diagnostics.h"
#include "text/reply/json_scan.h"

namespace inlay {

class Reply;

constexpr bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

// How replies of a family look; one file each, and a line in formats.inc.
struct ReplyFormat {
  const char* name;
  // Whether a template with this text makes such replies.
  bool (*fits)(std::string_view template_text);
  // Takes what it can from the bytes held; at_end: no more will come.
  void (*step)(Reply& reply, bool at_end);
};

// A call's bytes stay held until its name is known and its arguments begin; what then turns out to
// be none is content. Time is linear in the reply.
class Reply {
 public:
  static constexpr std::size_t most_bytes = std::size_t{64} << 20;

  // `format` "": the one whose template this is. Errors: ARGUMENT, MEMORY.
  static Status open(const inlay_allocator& host, std::string_view format,
                     std::string_view template_text, std::string_view prompt, Reply** reply,
                     Error& error);
  void close();

  Status push(std::string_view text, Error& error);
  Status finish(Error& error);
  bool next(inlay_delta& delta);
  const char* format_name() const { return format_->name; }

  // For formats. States are the format's own numbers; 0 at first.
  std::uint32_t state = 0;
  JsonScan scan;  // of the value that begins at held()[scan_from]
  std::size_t scan_from = 0;
  bool in_reasoning = false;  // the prompt ends inside of it, or a mark was met
  bool in_call = false;       // a call was told and is not over
  bool note = false;          // a format's own note
  bool in_list = false;       // the call is one of an array
  std::size_t told = 0;       // bytes of its arguments that were told

  std::string_view held() const { return {bytes_.data() + at_, bytes_.size() - at_}; }
  // How many blanks begin at held()[at]. A place may be asked for again and again while more comes:
  // what was seen is not looked at twice. `which`: 0 or 1, each remembers one place.
  std::size_t blanks(std::size_t at, std::uint32_t which = 0);
  bool at_start() const { return at_ == 0 && !taken_; }  // nothing was taken yet
  std::string_view prompt_end() const { return prompt_end_; }
  // Takes the first `count` bytes and tells them.
  void tell(std::uint32_t kind, std::size_t count);
  void tell_text(std::uint32_t kind, std::string_view text);
  void drop(std::size_t count) { at_ += count; }
  void begin_call(std::string_view name);
  void end_call();
  bool failed() const { return is_error(status_); }

 private:
  struct Delta {
    std::uint32_t kind;
    std::uint32_t call;
    std::size_t begin;  // in told_
    std::size_t size;
  };

  explicit Reply(const inlay_allocator& host)
      : allocator_(host), bytes_(allocator_), told_(allocator_), deltas_(allocator_) {}
  ~Reply() = default;
  Status step(bool at_end, Error& error);

  Allocator allocator_;
  const ReplyFormat* format_ = nullptr;
  Array<char> bytes_;  // those not taken begin at at_
  std::size_t at_ = 0;
  bool taken_ = false;  // bytes were taken and are gone
  std::size_t all_bytes_ = 0;
  Array<char> told_;
  Array<Delta> deltas_;
  std::size_t next_ = 0;
  std::uint32_t calls_ = 0;
  Status status_ = Status::ok;
  bool finished_ = false;
  struct Blanks {
    std::size_t place = SIZE_MAX, count = 0;
  } blanks_[2];
  char prompt_end_[32] = {};  // the last bytes of the prompt
};

// nullptr past the end.
const char* reply_format_name(std::uint32_t index);

// Where `mark` begins in `text`; npos: nowhere. `kept`: how many bytes before its end may be the
// beginning of one.
std::size_t find_mark(std::string_view text, std::string_view mark, std::size_t& kept);

}  // namespace inlay
