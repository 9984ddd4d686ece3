// How the elements of a column are joined.
#pragma once
#include "ops/fused/reduction.h"
#include "ops/reduce/desc.h"

namespace pt {
namespace PT_ISA {

struct ReduceProd {
  template <class T>
  static constexpr PT_FN T identity() {
    return T(1);
  }
  static PT_FN float one(float a, float b) { return a * b; }
  static PT_FN double one(double a, double b) { return a * b; }
  static PT_FN int32_t one(int32_t a, int32_t b) { return int32_t(uint32_t(a) * uint32_t(b)); }
  static PT_FN int64_t one(int64_t a, int64_t b) { return int64_t(uint64_t(a) * uint64_t(b)); }
  static PT_FN uint64_t one(uint64_t a, uint64_t b) { return a * b; }
  template <class V>
  static PT_FN V all(V a, V b) {
    return a * b;
  }
};

template <class F>
PT_FN void with_combine(ReduceCombine combine, F f) {
  switch (combine) {
    case ReduceCombine::Sum:
      return f(ReduceSum());
    case ReduceCombine::Prod:
      return f(ReduceProd());
    case ReduceCombine::Max:
      return f(ReduceMax());
    case ReduceCombine::Min:
      return f(ReduceMin());
  }
}

// Which of two elements is the extreme: NaN is above and below everything.
template <bool kMax, class T>
PT_FN bool beats(T x, T best) {
  return (kMax ? x > best : x < best) || (x != x && best == best);
}

}  // namespace PT_ISA
}  // namespace pt
