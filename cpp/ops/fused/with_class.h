// From a class of values to the type that holds them, and from a reduction to its operation.
#pragma once
#include "ops/fused/classes.h"
#include "ops/fused/reduction.h"

namespace pt {
namespace PT_ISA {

// Calls f(a value of the class).
template <class F>
PT_FN void with_class(FusedClass cls, F f) {
  switch (cls) {
    case FusedClass::F32:
      return f(float());
    case FusedClass::F64:
      return f(double());
    case FusedClass::I32:
      return f(int32_t());
    case FusedClass::I64:
      return f(int64_t());
    case FusedClass::Bool:
      return f(uint8_t());
    case FusedClass::U64:
      return f(uint64_t());
  }
}

// The same for classes of numbers: all but Bool.
template <class F>
PT_FN void with_number(FusedClass cls, F f) {
  with_class(cls, [&](auto zero) {
    if constexpr (sizeof(zero) > 1) f(zero);
  });
}

// Calls f(operation, a value of the class).
template <class F>
PT_FN void with_reduction(FusedReduce reduce, FusedClass cls, F f) {
  with_number(cls, [&](auto zero) {
    switch (reduce) {
      case FusedReduce::Sum:
        return f(ReduceSum(), zero);
      case FusedReduce::Prod:
        return f(ReduceProd(), zero);
      case FusedReduce::Max:
        return f(ReduceMax(), zero);
      case FusedReduce::Min:
        return f(ReduceMin(), zero);
    }
  });
}

}  // namespace PT_ISA
}  // namespace pt
