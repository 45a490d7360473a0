// kv_type.h - types of keys and values: the numbers of the interface and the cells behind them.
#pragma once

#include <cstdint>

#include "backend/cpu/cpu.h"

namespace inlay {

struct KvType {
  std::uint32_t number;  // INLAY_KV_...
  CellType cells;
};

inline constexpr KvType kv_list[] = {{INLAY_KV_F32, CellType::f32},
                                     {INLAY_KV_F16, CellType::f16},
                                     {INLAY_KV_BF16, CellType::bf16},
                                     {INLAY_KV_Q8_0, CellType::q8_0},
                                     {INLAY_KV_Q4_0, CellType::q4_0}};

// nullptr: AUTO, or no type at all.
constexpr const KvType* find_kv_type(std::uint32_t number) {
  for (const KvType& type : kv_list) {
    if (type.number == number) return &type;
  }
  return nullptr;
}

constexpr std::uint32_t kv_number(CellType cells) {
  for (const KvType& type : kv_list) {
    if (type.cells == cells) return type.number;
  }
  return INLAY_KV_AUTO;
}

}  // namespace inlay
