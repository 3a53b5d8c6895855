// FP16 and BF16, which C++ has not, as their bits.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace tritonserver::inference {

// A floating-point format of 16 bits: a sign, an exponent, and a fraction of so many bits.
template <int kFractionBits>
struct ShortFloat {
  using Bits = std::uint16_t;

  static constexpr int kExponentBits = 15 - kFractionBits;
  static constexpr int kBias = (1 << (kExponentBits - 1)) - 1;
  static constexpr Bits kInfinity = ((1 << kExponentBits) - 1) << kFractionBits;
  static constexpr Bits kLargest = kInfinity - 1;

  // The nearest number, of two that are equally near the even one; infinity if that is too large.
  static Bits Round(double value) {
    const Bits sign = std::signbit(value) ? 0x8000 : 0;
    if (std::isnan(value)) return sign | kInfinity | 1 << (kFractionBits - 1);
    if (std::isinf(value) || value == 0) return sign | (value == 0 ? 0 : kInfinity);
    const int exponent = std::max(std::ilogb(value), 1 - kBias);
    // In units of the last bit. Rounded up to the next power of two, it is carried into the
    // exponent; what is below the normal numbers has no leading bit to be added to it.
    const double units = std::nearbyint(std::ldexp(std::fabs(value), kFractionBits - exponent));
    const double bits = units + std::ldexp(exponent - (1 - kBias), kFractionBits);
    return sign | (bits < kInfinity ? static_cast<Bits>(bits) : kInfinity);
  }

  static float ToFloat(Bits bits) {
    const float sign = (bits & 0x8000) != 0 ? -1.0F : 1.0F;
    const int exponent = (bits & kInfinity) >> kFractionBits;
    const int fraction = bits & ((1 << kFractionBits) - 1);
    if ((bits & kInfinity) == kInfinity) {
      return fraction != 0 ? std::numeric_limits<float>::quiet_NaN()
                           : sign * std::numeric_limits<float>::infinity();
    }
    const int units = exponent == 0 ? fraction : fraction | 1 << kFractionBits;
    return sign *
           std::ldexp(static_cast<float>(units), std::max(exponent, 1) - kBias - kFractionBits);
  }
};

using Half = ShortFloat<10>;
using BFloat16 = ShortFloat<7>;

}  // namespace tritonserver::inference
