// frames.h - stacks of a matcher as shared cells: equal frames over equal stacks are one cell, so a
// stack is one number and two parses that meet become one.
#pragma once

#include <cstdint>

#include "base/carver.h"

namespace inlay::grammar {

enum class Frame : std::uint32_t {
  sequence,   // step; a: next child
  repeat,     // step; a: children done, once this one is
  members,    // step; a: seen members, b: their number, c: seen extra keys
  ordered,    // the same with a: the next member
  pair,       // step; a: label; the key is read, `between` is being
  separator,  // step; the separator is being read
  seen,       // a: word, b: its bits; parent: further words
  key,        // a: text; parent: further keys
  text,       // a: byte; parent: the bytes before
};

// A cell refers to older cells only. 0 is the bottom of every stack, and "nothing".
struct Cell {
  std::uint32_t tag;  // kind in the upper 4 bits, step below
  std::uint32_t a, b, c;
  std::uint32_t parent;
  std::uint32_t next;  // in its bucket
  std::uint32_t rest;  // tokens that the stack needs from here to its end, at least

  Frame kind() const { return static_cast<Frame>(tag >> 28); }
  std::uint32_t step() const { return tag & 0x0fffffff; }
};

class Frames {
 public:
  static constexpr std::uint32_t none = 0xffffffffu;  // no memory left

  static void lay_out(Carver& carver, std::uint32_t capacity, Frames& frames);
  void clear();
  void copy_from(const Frames& other);    // of the same capacity
  void* block() const { return cells_; }  // what stands first in the memory

  const Cell& operator[](std::uint32_t i) const { return cells_[i]; }
  std::uint32_t size() const { return size_; }
  std::uint32_t capacity() const { return capacity_; }
  // The cell with this content; none when it is new and no memory is left.
  std::uint32_t intern(Frame kind, std::uint32_t step, std::uint32_t parent, std::uint32_t a = 0,
                       std::uint32_t b = 0, std::uint32_t c = 0);
  void set_rest(std::uint32_t cell, std::uint32_t tokens) { cells_[cell].rest = tokens; }
  // Forgets the cells from `size` on; nothing refers to them.
  void roll_back(std::uint32_t size);

  // Collects garbage: mark what is used, then compact; moved() gives new numbers until the next
  // intern.
  void begin_marks();
  void mark(std::uint32_t cell);
  void compact();
  std::uint32_t moved(std::uint32_t cell) const { return new_[cell]; }

 private:
  std::uint32_t bucket(const Cell& c) const;

  Cell* cells_ = nullptr;             // (capacity)
  std::uint32_t* buckets_ = nullptr;  // (buckets)
  std::uint32_t* new_ = nullptr;      // (capacity): marks, then new numbers
  std::uint32_t capacity_ = 0;
  std::uint32_t bucket_mask_ = 0;
  std::uint32_t size_ = 1;
};

}  // namespace inlay::grammar
