// Weights of 8 and of 4 bits as rows of floats: code times scale, rounded, as dequantize_weight gives them.
#pragma once
#include "ops/quantized_matmul/desc.h"
#include "simd/bytes.h"

namespace pt {
namespace PT_ISA {

using Floats = Register<float>;

// A store of rows of codes, of which `kRows` lie in one row of bytes. read() gives a vector of each at column j, of
// which the first n columns are there; times the scales of these columns.
struct Codes8 {
  static constexpr int kRows = 1;
  static PT_FN void read(const char* p, Floats scale, int64_t n, Floats (&out)[1]) {
    int8_t part[Floats::kLanes] = {};
    const int8_t* from = reinterpret_cast<const int8_t*>(p);
    if (n < Floats::kLanes) {
      for (int64_t j = 0; j < n; ++j) part[j] = from[j];
      from = part;
    }
    out[0] = widen(from) * scale;
  }
};

struct Codes4 {
  static constexpr int kRows = 2;
  static PT_FN void read(const char* p, Floats scale, int64_t n, Floats (&out)[2]) {
    uint8_t part[Floats::kLanes] = {};
    const uint8_t* from = reinterpret_cast<const uint8_t*>(p);
    if (n < Floats::kLanes) {
      for (int64_t j = 0; j < n; ++j) part[j] = from[j];
      from = part;
    }
    widen_halves(from, out[0], out[1]);
    out[0] = out[0] * scale;
    out[1] = out[1] * scale;
  }
};

inline Floats load_columns_of(const float* p, int64_t n) {
  return n < Floats::kLanes ? Floats::load_first(p, static_cast<int>(n)) : Floats::load(p);
}

}  // namespace PT_ISA
}  // namespace pt
