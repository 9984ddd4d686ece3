// How the elements of a column are joined.
#pragma once
#include "ops/fused/reduction.h"
#include "ops/reduce/desc.h"

namespace pt {
namespace PT_ISA {

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
