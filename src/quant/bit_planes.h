// bit_planes.h - the layouts that several weight types share: halves of bytes, single bits, and the
// 6-bit scales of Q4_K and Q5_K.
#pragma once

#include <cstdint>

#include "base/inline.h"

namespace inlay {

// 32 codes in 16 bytes: the low four bits of byte i are code i, the high four code i + 16.
INLAY_FORCE_INLINE void get_nibbles(const std::uint8_t* bytes, std::int8_t* q) {
  for (int i = 0; i < 16; ++i) {
    q[i] = static_cast<std::int8_t>(bytes[i] & 15);
    q[i + 16] = static_cast<std::int8_t>(bytes[i] >> 4);
  }
}
inline void put_nibbles(const std::uint8_t* q, std::uint8_t* bytes) {
  for (int i = 0; i < 16; ++i) {
    bytes[i] = static_cast<std::uint8_t>((q[i] & 15) | q[i + 16] << 4);
  }
}

// Bit `plane` of 32 codes as the bits of four bytes; codes that are read already have lower bits.
INLAY_FORCE_INLINE void get_bits(const std::uint8_t* bytes, int plane, std::int8_t* q) {
  for (int i = 0; i < 32; ++i) {
    q[i] = static_cast<std::int8_t>(q[i] | (bytes[i / 8] >> i % 8 & 1) << plane);
  }
}
inline void put_bits(const std::uint8_t* q, int plane, std::uint8_t* bytes) {
  for (int i = 0; i < 4; ++i) bytes[i] = 0;
  for (int i = 0; i < 32; ++i) {
    bytes[i / 8] = static_cast<std::uint8_t>(bytes[i / 8] | (q[i] >> plane & 1) << i % 8);
  }
}

// Eight scales and eight minima of six bits in 12 bytes. Bytes 0-3: scales 0-3, bytes 4-7: minima
// 0-3; bytes 8-11: the low four bits of scales and minima 4-7, whose high two bits are the high two
// bits of bytes 0-7.
INLAY_FORCE_INLINE void get_scales_and_minima(const std::uint8_t* bytes, std::int16_t* s,
                                              std::int16_t* t) {
  for (int i = 0; i < 4; ++i) {
    const int a = bytes[i], b = bytes[i + 4], c = bytes[i + 8];
    s[i] = static_cast<std::int16_t>(a & 63);
    t[i] = static_cast<std::int16_t>(b & 63);
    s[i + 4] = static_cast<std::int16_t>((c & 15) | a >> 6 << 4);
    t[i + 4] = static_cast<std::int16_t>(c >> 4 | b >> 6 << 4);
  }
}
inline void put_scales_and_minima(const std::uint8_t* s, const std::uint8_t* t,
                                  std::uint8_t* bytes) {
  for (int i = 0; i < 4; ++i) {
    bytes[i] = static_cast<std::uint8_t>(s[i] | s[i + 4] >> 4 << 6);
    bytes[i + 4] = static_cast<std::uint8_t>(t[i] | t[i + 4] >> 4 << 6);
    bytes[i + 8] = static_cast<std::uint8_t>((s[i + 4] & 15) | t[i + 4] << 4);
  }
}

}  // namespace inlay
