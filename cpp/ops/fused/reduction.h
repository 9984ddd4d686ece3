// The operations of reductions along a row, of two elements and of two vectors.
#pragma once
#include "simd/float_facts.h"
#include "simd/unsigned.h"

namespace pt {
namespace PT_ISA {

template <class T>
constexpr PT_FN T lowest() {
  if constexpr (T(0.5) != T(0))
    return -T(float_facts<float>::infinity);
  else if constexpr (T(-1) > T(0))
    return 0;
  else
    return T(T(1) << (8 * sizeof(T) - 1));
}
template <class T>
constexpr PT_FN T highest() {
  if constexpr (T(0.5) != T(0))
    return T(float_facts<float>::infinity);
  else
    return T(~lowest<T>());
}

// Integers wrap in unsigned arithmetic.
PT_FN float plus(float a, float b) { return a + b; }
PT_FN double plus(double a, double b) { return a + b; }
PT_FN int32_t plus(int32_t a, int32_t b) { return int32_t(uint32_t(a) + uint32_t(b)); }
PT_FN int64_t plus(int64_t a, int64_t b) { return int64_t(uint64_t(a) + uint64_t(b)); }
PT_FN uint64_t plus(uint64_t a, uint64_t b) { return a + b; }
PT_FN float times(float a, float b) { return a * b; }
PT_FN double times(double a, double b) { return a * b; }
PT_FN int32_t times(int32_t a, int32_t b) { return int32_t(uint32_t(a) * uint32_t(b)); }
PT_FN int64_t times(int64_t a, int64_t b) { return int64_t(uint64_t(a) * uint64_t(b)); }
PT_FN uint64_t times(uint64_t a, uint64_t b) { return a * b; }

struct ReduceSum {
  static constexpr bool is_extreme = false;
  template <class T>
  static constexpr PT_FN T identity() {
    return T(0);
  }
  template <class T>
  static PT_FN T one(T a, T b) {
    return plus(a, b);
  }
  template <class V>
  static PT_FN V all(V a, V b) {
    return a + b;
  }
};
struct ReduceProd {
  static constexpr bool is_extreme = false;
  template <class T>
  static constexpr PT_FN T identity() {
    return T(1);
  }
  template <class T>
  static PT_FN T one(T a, T b) {
    return times(a, b);
  }
  template <class V>
  static PT_FN V all(V a, V b) {
    return a * b;
  }
};
struct ReduceMax {
  static constexpr bool is_extreme = true;
  template <class T>
  static constexpr PT_FN T identity() {
    return lowest<T>();
  }
  template <class T>
  static PT_FN T one(T a, T b) {
    return a != a ? a : a > b ? a : b;
  }
  template <class V>
  static PT_FN V all(V a, V b) {
    return propagating_max(a, b);
  }
  // The same where a is no NaN.
  template <class T>
  static PT_FN T number(T a, T b) {
    return a > b ? a : b;
  }
  template <class V>
  static PT_FN V numbers(V a, V b) {
    return greater_of(a, b);
  }
};
struct ReduceMin {
  static constexpr bool is_extreme = true;
  template <class T>
  static constexpr PT_FN T identity() {
    return highest<T>();
  }
  template <class T>
  static PT_FN T one(T a, T b) {
    return a != a ? a : a < b ? a : b;
  }
  template <class V>
  static PT_FN V all(V a, V b) {
    return propagating_min(a, b);
  }
  template <class T>
  static PT_FN T number(T a, T b) {
    return a < b ? a : b;
  }
  template <class V>
  static PT_FN V numbers(V a, V b) {
    return lesser_of(a, b);
  }
};

template <class T>
constexpr bool is_floating = T(0.5) != T(0);

}  // namespace PT_ISA
}  // namespace pt
