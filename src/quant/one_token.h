// one_token.h - 16 rows of weights times one token: codes are multiplied as they are unpacked.
#pragma once

#include "quant/panel.h"

namespace inlay {

// Takes what a Panel takes, so that a type's fill() serves both; scales come before their codes.
template <class Q, class V>
class OneToken : public PanelScales<Q, V> {
 public:
  // The next up to 256 weights of each row, to be multiplied with the block at x.
  INLAY_FORCE_INLINE void begin(const std::uint8_t* x, std::uint32_t blocks_in_use) {
    x_ = x;
    this->blocks = blocks_in_use;
    INLAY_UNROLL for (auto& sum : sums_) sum = V::I32::broadcast(0);
  }

  INLAY_FORCE_INLINE void put_codes(std::uint32_t step, typename V::Step four) {
    put(step, {four});
  }
  // Four neighbouring steps are of one group.
  INLAY_FORCE_INLINE void put_four(std::uint32_t step, const typename V::Step (&steps)[4]) {
    put(step, steps);
  }

  // Adds what was put to the outputs.
  INLAY_FORCE_INLINE void end(typename V::F32& acc) const {
    if constexpr (has_float_scales<Q>) {
      const auto* group = reinterpret_cast<const Q8x32Group*>(x_);
      for (std::uint32_t span = 0; span < this->blocks * (32 / Q::span); ++span) {
        const std::int32_t total = detail::total_of<Q>(group, span);
        auto sum = sums_[span];
        if constexpr (!has_signed_codes<Q> && zero_code<Q> != 0) {
          sum = sum + V::I32::broadcast(-zero_code<Q> * total);
        }
        detail::add_span(*this, span, group->scale[span * Q::span / 32], sum, total, acc);
      }
    } else {
      const auto* block = reinterpret_cast<const Q8x256Block*>(x_);
      detail::add_block(*this, block, sums_[0] + detail::shift_of(*this, block), acc);
    }
  }

 private:
  template <std::uint32_t n>
  INLAY_FORCE_INLINE void put(std::uint32_t step, const typename V::Step (&steps)[n]) {
    constexpr int top = largest_code<Q, V>;
    const std::uint8_t* x = x_ + step * 4;
    if constexpr (has_float_scales<Q>) {
      auto& sum = sums_[step * 4 / Q::span];
      if constexpr (has_signed_codes<Q>) {
        sum = V::multiply_signed(steps, x, sum);
      } else {
        sum = V::template multiply<top>(steps, x, sum);
      }
    } else {
      const auto group = this->scale[step * 4 / Q::sub];
      if constexpr (has_signed_codes<Q>) {
        sums_[0] = V::multiply_scaled_signed(steps, x, group, sums_[0]);
      } else {
        typename V::Step kept[n];
        INLAY_UNROLL for (std::uint32_t i = 0; i < n; ++i) kept[i] = kept_codes<Q, V>(steps[i]);
        sums_[0] = V::template multiply_scaled<top>(kept, x, group, sums_[0]);
      }
    }
  }

  const std::uint8_t* x_;
  typename V::I32 sums_[has_float_scales<Q> ? PanelScales<Q, V>::spans : 1];
};

}  // namespace inlay
