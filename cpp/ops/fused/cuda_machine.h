// The interpreter of fused programs on CUDA: executes one op after the other for the elements of a thread. Registers
// are in shared memory, where neighbouring threads have neighbouring words.
#pragma once
#include "cuda/kernel.h"
#include "ops/fused/cuda_program.h"
#include "ops/fused/element.h"
#include "ops/fused/math_table.h"
#include "ops/fused/with_class.h"
#include "simd/philox.h"
#include "simd/round_to_odd.h"

namespace pt {
namespace PT_ISA {

using cuda::FusedOp;
using cuda::FusedOpCode;

enum FormulaNumber {
#define PT_MATH_OP(op) number_##op,
#include "math_ops.inc"
#undef PT_MATH_OP
};

// Of one formula, called: a kernel that held them all in line would have the registers of the greediest.
template <class F, class V>
PT_RARE void apply_formula(char* dst, const char* a, const char* b, const char* c) {
  block_lane<decltype(math_of<F, V>(a, b, c))>::put(dst, math_of<F, V>(a, b, c));
}

template <class V, FusedClass kClass>
PT_FN void apply_numbered(int number, char* dst, const char* a, const char* b, const char* c) {
  switch (number) {
#define PT_MATH_OP(op)                                                                                    \
  case number_##op:                                                                                       \
    if constexpr ((formula_##op::takes >> int(kClass)) & 1) apply_formula<formula_##op, V>(dst, a, b, c); \
    break;
#include "math_ops.inc"
#undef PT_MATH_OP
  }
}

template <class F>
PT_FN void with_reduction(const FusedOp& op, F f) {
  with_reduction(FusedReduce(op.what), op.from, f);
}

template <class Program>
struct Machine {
  const Program& program;
  char* const* data;
  char* shared;
  int thread, threads;  // of the block
  int group, groups;    // of the threads that share a row
  // The elements of this thread: `first` and those that are a multiple of `step` further, before `end`.
  int64_t first = 0, step = 1, end = 1;
  int count = 1;

  template <class T>
  PT_FN const T* tail(int at) const {
    return reinterpret_cast<const T*>(program.tail + at);
  }
  PT_FN int64_t stride(int operand, int axis) const {
    const int at = operand * (program.n_outer + 1) + axis;
    return program.long_strides ? tail<int64_t>(program.strides_at)[at] : tail<int32_t>(program.strides_at)[at];
  }
  // Of a row's first element, in elements.
  PT_FN int64_t offset_of_row(int operand, int64_t row) const {
    const int64_t* extents = tail<int64_t>(0);
    int64_t offset = 0;
    for (int axis = program.n_outer - 1; axis > 0 && row > 0; --axis) {
      const bool small = ((row | extents[axis]) >> 31) == 0;
      const int64_t above = small ? int64_t(uint32_t(row) / uint32_t(extents[axis])) : row / extents[axis];
      offset += (row - above * extents[axis]) * stride(operand, axis);
      row = above;
    }
    return program.n_outer > 0 ? offset + row * stride(operand, 0) : 0;
  }
  PT_FN int64_t* bases() const { return reinterpret_cast<int64_t*>(shared + program.bases_at); }
  PT_FN int64_t offset_of(int operand, int64_t at) const {
    if (program.run != cuda::FusedRun::Elements)
      return bases()[operand * groups + group] + at * stride(operand, program.n_outer);
    if (program.n_outer == 0) return at * stride(operand, 0);
    const bool small = ((at | program.cols) >> 31) == 0;
    const int64_t row = small ? int64_t(uint32_t(at) / uint32_t(program.cols)) : at / program.cols;
    return offset_of_row(operand, row) + (at - row * program.cols) * stride(operand, program.n_outer);
  }

  // Where a slot is for this thread's element number e.
  PT_FN char* at(int slot, int e, bool wide) const {
    if (slot & cuda::kRowSlot) return shared + program.rows_at + ((slot & ~cuda::kRowSlot) * groups + group) * 8;
    const int place = (slot * program.elements + e) * threads + thread;
    return wide ? shared + place * 8 : shared + program.narrow_at + place * 4;
  }
  PT_FN static bool is_wide(FusedClass cls) {
    return cls == FusedClass::F64 || cls == FusedClass::I64 || cls == FusedClass::U64;
  }
  PT_FN char* argument(const FusedOp& op, int i, int e) const { return at(op.args[i], e, is_wide(op.from)); }
  PT_FN char* result(const FusedOp& op, int e) const { return at(op.dst, e, is_wide(op.to)); }

  PT_FN void load(const FusedOp& op, int e, int64_t element) const {
    const char* from = data[op.args[0]];
    const int64_t offset = offset_of(op.args[0], element);
    char* to = result(op, e);
    with_storage(FusedStorage(op.what), [&](auto s) {
      using S = decltype(s);
      *reinterpret_cast<typename S::value*>(to) = S::get(reinterpret_cast<const typename S::memory*>(from)[offset]);
    });
  }
  PT_FN void store(const FusedOp& op, int e, int64_t element) const {
    char* to = data[op.args[1]];
    const int64_t offset = offset_of(op.args[1], element);
    const char* from = argument(op, 0, e);
    with_storage(FusedStorage(op.what), [&](auto s) {
      using S = decltype(s);
      reinterpret_cast<typename S::memory*>(to)[offset] = S::put(*reinterpret_cast<const typename S::value*>(from));
    });
  }
  PT_FN void fill(const FusedOp& op, int e) const {
    const int64_t bits = tail<int64_t>(program.constants_at)[op.args[0]];
    char* to = result(op, e);
    with_class(op.to, [&](auto zero) {
      using T = decltype(zero);
      if constexpr (sizeof(T) == 8)
        *reinterpret_cast<T*>(to) = bit_cast<T>(bits);
      else if constexpr (sizeof(T) == 4)
        *reinterpret_cast<T*>(to) = bit_cast<T>(int32_t(bits));
      else
        *reinterpret_cast<T*>(to) = T(bits);
    });
  }
  PT_FN void math(const FusedOp& op, int e) const {
    const char* a = at(op.args[0], e, op.code != FusedOpCode::MathMasked && is_wide(op.from));
    const char *b = argument(op, 1, e), *c = argument(op, 2, e);
    char* to = result(op, e);
    switch (op.from) {
      case FusedClass::F32:
        return apply_numbered<vec<float, 1>, FusedClass::F32>(op.what, to, a, b, c);
      case FusedClass::F64:
        return apply_numbered<vec<double, 1>, FusedClass::F64>(op.what, to, a, b, c);
      case FusedClass::I32:
        return apply_numbered<vec<int32_t, 1>, FusedClass::I32>(op.what, to, a, b, c);
      case FusedClass::I64:
        return apply_numbered<vec<int64_t, 1>, FusedClass::I64>(op.what, to, a, b, c);
      case FusedClass::Bool:
        return apply_numbered<mask<4, 1>, FusedClass::Bool>(op.what, to, a, b, c);
      case FusedClass::U64:
        return apply_numbered<vec<uint64_t, 1>, FusedClass::U64>(op.what, to, a, b, c);
    }
  }
  PT_FN void cast(const FusedOp& op, int e) const {
    const char* from = argument(op, 0, e);
    char* to = result(op, e);
    const FusedStorage storage = FusedStorage(op.what);
    const bool half = storage == FusedStorage::F16 || storage == FusedStorage::BF16;
    with_class(op.from, [&](auto x) {
      x = *reinterpret_cast<const decltype(x)*>(from);
      with_class(op.to, [&](auto y) {
        if constexpr (sizeof(y) == 4 && decltype(y)(0.5) != decltype(y)(0)) {
          if (half)
            y = round_to_odd(x);
          else
            cast_one(y, x);
        } else {
          cast_one(y, x);
        }
        *reinterpret_cast<decltype(y)*>(to) = y;
      });
    });
    with_storage(storage, [&](auto s) {
      using S = decltype(s);
      if constexpr (!is_plain<S>) {
        auto* value = reinterpret_cast<typename S::value*>(to);
        *value = S::get(S::put(*value));
      }
    });
  }
  PT_FN void uniform(const FusedOp& op, int e, int64_t row, int64_t element) const {
    const int64_t* identity = reinterpret_cast<const int64_t*>(data[op.args[0]]);
    const int64_t ordinal = tail<int64_t>(program.constants_at)[op.args[1]];
    const PhiloxKey key = philox_key(identity[0], identity[1], identity[2] + ordinal);
    const int64_t number = row * program.cols + element;
    char* to = result(op, e);
    if (op.to == FusedClass::F32)
      *reinterpret_cast<float*>(to) = philox_float_at(key, number);
    else
      *reinterpret_cast<double*>(to) = philox_double_at(key, number);
  }
  PT_FN void accumulate(const FusedOp& op, int e) const {
    const char* from = argument(op, 0, e);
    char* lane = at(op.dst, e, is_wide(op.from));
    with_reduction(op, [&](auto reduce, auto zero) {
      using T = decltype(zero);
      auto* sum = reinterpret_cast<T*>(lane);
      *sum = decltype(reduce)::one(*sum, *reinterpret_cast<const T*>(from));
    });
  }

  // For the elements of this thread that there are.
  PT_FN void execute(int begin, int end_of_ops, int64_t row) const {
    const FusedOp* ops = tail<FusedOp>(program.ops_at);
    for (int i = begin; i < end_of_ops; ++i) {
      const FusedOp op = ops[i];
      for (int e = 0; e < count; ++e) {
        const int64_t element = first + e * step;
        if (element >= end) break;
        switch (op.code) {
          case FusedOpCode::Fill:
            fill(op, e);
            break;
          case FusedOpCode::Load:
            load(op, e, element);
            break;
          case FusedOpCode::Store:
            store(op, e, element);
            break;
          case FusedOpCode::Math:
          case FusedOpCode::MathMasked:
            math(op, e);
            break;
          case FusedOpCode::Cast:
            cast(op, e);
            break;
          case FusedOpCode::Uniform:
            uniform(op, e, row, element);
            break;
          case FusedOpCode::Accumulate:
            accumulate(op, e);
            break;
        }
      }
    }
  }
  // Values of the row, by one thread.
  PT_FN void execute_row(int begin, int end_of_ops, int64_t row) {
    first = 0;
    end = 1;
    count = 1;
    execute(begin, end_of_ops, row);
  }
};

}  // namespace PT_ISA
}  // namespace pt
