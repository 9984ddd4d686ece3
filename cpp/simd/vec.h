// vec<T, N>: N lanes of float, double, int32_t or int64_t, as a struct of native registers; mask<bytes, N>: the result
// of comparing them. Every operation gives the same bits on every instruction set. N is a multiple of 16, or of 8 for
// 8 byte lanes; with plain registers of one lane it may be 1.
#pragma once
#include "simd/native.h"

namespace pt {
namespace PT_ISA {

template <int kBytes, int N>
struct mask;
template <class T, int N>
struct vec;

// The native element of lanes of that many bytes; its width decides how a mask is divided.
template <int kBytes>
struct lane_of;
template <>
struct lane_of<4> {
  using type = int32_t;
};
template <>
struct lane_of<8> {
  using type = int64_t;
};

template <int kBytes, int N>
struct mask {
  using flag = flags<kBytes>;
  using mask_type = mask;
  static constexpr int lanes = N;
  static constexpr int native_lanes = native<typename lane_of<kBytes>::type>::lanes;
  static constexpr int parts = N / native_lanes;
  typename flag::reg part[parts];

  // A mask in memory is one byte per lane, 0 or 1.
  static PT_FN mask load(const uint8_t* p) {
    mask r;
    PT_UNROLL for (int i = 0; i < parts; ++i) r.part[i] = flag::load(p + i * native_lanes);
    return r;
  }
};

template <class T, int N>
struct vec {
  using element = T;
  using nat = native<T>;
  using mask_type = mask<sizeof(T), N>;
  static constexpr int lanes = N;
  static constexpr int parts = N / nat::lanes;
  typename nat::reg part[parts];

  vec() = default;
  explicit PT_FN vec(T x) { PT_UNROLL for (int i = 0; i < parts; ++i) part[i] = nat::fill(x); }
  static PT_FN vec load(const T* p) {
    vec r;
    PT_UNROLL for (int i = 0; i < parts; ++i) r.part[i] = nat::load(p + i * nat::lanes);
    return r;
  }
  // The first n lanes; the others are 0 and their memory is not touched.
  static PT_FN vec load_n(const T* p, int64_t n) {
    vec r;
    PT_UNROLL for (int i = 0; i < parts; ++i) r.part[i] = nat::load_n(p + i * nat::lanes, n - i * nat::lanes);
    return r;
  }
};

using f32x16 = vec<float, 16>;
using f64x16 = vec<double, 16>;
using i32x16 = vec<int32_t, 16>;
using i64x16 = vec<int64_t, 16>;

template <class V>
using mask_of = typename V::mask_type;
template <class V>
using element_of = typename V::element;

template <class T, int N>
PT_FN void store(T* p, vec<T, N> a) {
  PT_UNROLL for (int i = 0; i < a.parts; ++i) native<T>::store(p + i * native<T>::lanes, a.part[i]);
}
template <class T, int N>
PT_FN void store_n(T* p, vec<T, N> a, int64_t n) {
  PT_UNROLL for (int i = 0; i < a.parts; ++i) {
    native<T>::store_n(p + i * native<T>::lanes, a.part[i], n - i * native<T>::lanes);
  }
}
template <int kBytes, int N>
PT_FN void store(uint8_t* p, mask<kBytes, N> a) {
  PT_UNROLL for (int i = 0; i < a.parts; ++i) flags<kBytes>::store(p + i * a.native_lanes, a.part[i]);
}

// f16 and bf16 are storage: loading is exact, storing rounds to nearest even.
template <class Half, int N = 16>
PT_FN vec<float, N> load_half(const Half* p) {
  vec<float, N> r;
  PT_UNROLL for (int i = 0; i < r.parts; ++i) r.part[i] = native<float>::load_half(p + i * native<float>::lanes);
  return r;
}
template <class Half, int N>
PT_FN void store_half(Half* p, vec<float, N> a) {
  PT_UNROLL for (int i = 0; i < a.parts; ++i) native<float>::store_half(p + i * native<float>::lanes, a.part[i]);
}

#define PT_LANEWISE1(name, method)                                                        \
  template <class T, int N>                                                               \
  PT_FN vec<T, N> name(vec<T, N> a) {                                                     \
    vec<T, N> r;                                                                          \
    PT_UNROLL for (int i = 0; i < r.parts; ++i) r.part[i] = native<T>::method(a.part[i]); \
    return r;                                                                             \
  }
#define PT_LANEWISE2(name, method)                                                                   \
  template <class T, int N>                                                                          \
  PT_FN vec<T, N> name(vec<T, N> a, vec<T, N> b) {                                                   \
    vec<T, N> r;                                                                                     \
    PT_UNROLL for (int i = 0; i < r.parts; ++i) r.part[i] = native<T>::method(a.part[i], b.part[i]); \
    return r;                                                                                        \
  }
#define PT_COMPARE(name, method, first, second)                                                               \
  template <class T, int N>                                                                                   \
  PT_FN mask<sizeof(T), N> name(vec<T, N> a, vec<T, N> b) {                                                   \
    mask<sizeof(T), N> r;                                                                                     \
    PT_UNROLL for (int i = 0; i < r.parts; ++i) r.part[i] = native<T>::method(first.part[i], second.part[i]); \
    return r;                                                                                                 \
  }

PT_LANEWISE2(operator+, add)
PT_LANEWISE2(operator-, sub)
PT_LANEWISE2(operator*, mul)
PT_LANEWISE2(operator/, div)
PT_LANEWISE2(operator&, bit_and)
PT_LANEWISE2(operator|, bit_or)
PT_LANEWISE2(operator^, bit_xor)
PT_LANEWISE2(greater_of, greater_of)  // a > b ? a : b, so a NaN in either gives b
PT_LANEWISE2(lesser_of, lesser_of)    // a < b ? a : b
PT_LANEWISE1(sqrt, sqrt)
PT_LANEWISE1(floor, floor)
PT_LANEWISE1(ceil, ceil)
PT_LANEWISE1(round, rint)  // half to even
PT_LANEWISE1(trunc, trunc)
PT_COMPARE(operator==, eq, a, b)
PT_COMPARE(operator!=, ne, a, b)
PT_COMPARE(operator<, lt, a, b)
PT_COMPARE(operator<=, le, a, b)
PT_COMPARE(operator>, lt, b, a)
PT_COMPARE(operator>=, le, b, a)

#undef PT_LANEWISE1
#undef PT_LANEWISE2
#undef PT_COMPARE

template <class T, int N>
PT_FN vec<T, N> fma(vec<T, N> a, vec<T, N> b, vec<T, N> c) {
  vec<T, N> r;
  PT_UNROLL for (int i = 0; i < r.parts; ++i) r.part[i] = native<T>::fma(a.part[i], b.part[i], c.part[i]);
  return r;
}
template <class T, int N>
PT_FN vec<T, N> operator<<(vec<T, N> a, int n) {
  vec<T, N> r;
  PT_UNROLL for (int i = 0; i < r.parts; ++i) r.part[i] = native<T>::shift_left(a.part[i], n);
  return r;
}
// Logical: zeros come in from the left.
template <class T, int N>
PT_FN vec<T, N> shift_right(vec<T, N> a, int n) {
  vec<T, N> r;
  PT_UNROLL for (int i = 0; i < r.parts; ++i) r.part[i] = native<T>::shift_right(a.part[i], n);
  return r;
}
// Arithmetic, from the logical shift: AVX2 has no arithmetic shift of 64 bits.
template <class T, int N>
PT_FN vec<T, N> operator>>(vec<T, N> a, int n) {
  vec<T, N> sign(T(T(1) << (8 * int(sizeof(T)) - 1 - n)));
  return (shift_right(a, n) ^ sign) - sign;
}

template <int kBytes, int N>
PT_FN mask<kBytes, N> operator&(mask<kBytes, N> a, mask<kBytes, N> b) {
  PT_UNROLL for (int i = 0; i < a.parts; ++i) a.part[i] = flags<kBytes>::both(a.part[i], b.part[i]);
  return a;
}
template <int kBytes, int N>
PT_FN mask<kBytes, N> operator|(mask<kBytes, N> a, mask<kBytes, N> b) {
  PT_UNROLL for (int i = 0; i < a.parts; ++i) a.part[i] = flags<kBytes>::either(a.part[i], b.part[i]);
  return a;
}
template <int kBytes, int N>
PT_FN mask<kBytes, N> operator^(mask<kBytes, N> a, mask<kBytes, N> b) {
  PT_UNROLL for (int i = 0; i < a.parts; ++i) a.part[i] = flags<kBytes>::differ(a.part[i], b.part[i]);
  return a;
}
template <int kBytes, int N>
PT_FN mask<kBytes, N> operator!(mask<kBytes, N> a) {
  PT_UNROLL for (int i = 0; i < a.parts; ++i) a.part[i] = flags<kBytes>::invert(a.part[i]);
  return a;
}
template <int kBytes, int N>
PT_FN mask<kBytes, N> operator==(mask<kBytes, N> a, mask<kBytes, N> b) {
  return !(a ^ b);
}
template <int kBytes, int N>
PT_FN mask<kBytes, N> operator!=(mask<kBytes, N> a, mask<kBytes, N> b) {
  return a ^ b;
}
template <int kBytes, int N>
PT_FN bool any(mask<kBytes, N> a) {
  bool r = false;
  PT_UNROLL for (int i = 0; i < a.parts; ++i) r |= flags<kBytes>::any(a.part[i]);
  return r;
}
template <int kBytes, int N>
PT_FN bool all(mask<kBytes, N> a) {
  bool r = true;
  PT_UNROLL for (int i = 0; i < a.parts; ++i) r &= flags<kBytes>::all(a.part[i]);
  return r;
}
template <class T, int N>
PT_FN vec<T, N> select(mask<sizeof(T), N> m, vec<T, N> a, vec<T, N> b) {
  PT_UNROLL for (int i = 0; i < a.parts; ++i) a.part[i] = native<T>::select(m.part[i], a.part[i], b.part[i]);
  return a;
}
template <int kBytes, int N>
PT_FN mask<kBytes, N> select(mask<kBytes, N> m, mask<kBytes, N> a, mask<kBytes, N> b) {
  return (m & a) | ((!m) & b);
}

// As Python's bool(): anything but 0 is true, a NaN too.
template <class T, int N>
PT_FN mask<sizeof(T), N> truth(vec<T, N> a) {
  return a != vec<T, N>(T(0));
}
template <int kBytes, int N>
PT_FN mask<kBytes, N> truth(mask<kBytes, N> a) {
  return a;
}

// The lanes as integers of the same width, and back.
template <class T, int N>
PT_FN vec<typename lane_of<sizeof(T)>::type, N> to_bits(vec<T, N> a) {
  vec<typename lane_of<sizeof(T)>::type, N> r;
  PT_UNROLL for (int i = 0; i < r.parts; ++i) r.part[i] = native<T>::to_bits(a.part[i]);
  return r;
}
template <class T, int N>
PT_FN vec<T, N> from_bits(vec<typename lane_of<sizeof(T)>::type, N> a) {
  vec<T, N> r;
  PT_UNROLL for (int i = 0; i < r.parts; ++i) r.part[i] = native<T>::from_bits(a.part[i]);
  return r;
}
// Truncates; what int32_t cannot hold becomes its minimum.
template <int N>
PT_FN vec<int32_t, N> to_int(vec<float, N> a) {
  vec<int32_t, N> r;
  PT_UNROLL for (int i = 0; i < r.parts; ++i) r.part[i] = native<float>::to_int(a.part[i]);
  return r;
}
template <int N>
PT_FN vec<float, N> to_float(vec<int32_t, N> a) {
  vec<float, N> r;
  PT_UNROLL for (int i = 0; i < r.parts; ++i) r.part[i] = native<float>::from_int(a.part[i]);
  return r;
}

// Of a table of 8 numbers those that the lanes of `index` name, which are below 8.
template <int N>
PT_FN vec<float, N> pick(const float* table, vec<int32_t, N> index) {
  vec<float, N> r;
  PT_UNROLL for (int i = 0; i < r.parts; ++i) r.part[i] = native<float>::pick(table, index.part[i]);
  return r;
}

template <class T>
struct bits_of;
template <>
struct bits_of<float> {
  static constexpr int32_t sign = INT32_MIN, magnitude = INT32_MAX;
};
template <>
struct bits_of<double> {
  static constexpr int64_t sign = INT64_MIN, magnitude = INT64_MAX;
};

template <int N>
PT_FN vec<int32_t, N> operator-(vec<int32_t, N> a) {
  return vec<int32_t, N>(0) - a;
}
template <int N>
PT_FN vec<int64_t, N> operator-(vec<int64_t, N> a) {
  return vec<int64_t, N>(0) - a;
}
// A negated float flips its sign bit: 0 - x would lose the sign of zero.
template <int N>
PT_FN vec<float, N> operator-(vec<float, N> a) {
  return from_bits<float>(to_bits(a) ^ vec<int32_t, N>(bits_of<float>::sign));
}
template <int N>
PT_FN vec<double, N> operator-(vec<double, N> a) {
  return from_bits<double>(to_bits(a) ^ vec<int64_t, N>(bits_of<double>::sign));
}
template <int N>
PT_FN vec<float, N> abs(vec<float, N> a) {
  return from_bits<float>(to_bits(a) & vec<int32_t, N>(bits_of<float>::magnitude));
}
template <int N>
PT_FN vec<double, N> abs(vec<double, N> a) {
  return from_bits<double>(to_bits(a) & vec<int64_t, N>(bits_of<double>::magnitude));
}
template <int N>
PT_FN vec<int32_t, N> abs(vec<int32_t, N> a) {
  return select(a < vec<int32_t, N>(0), -a, a);
}
template <int N>
PT_FN vec<int64_t, N> abs(vec<int64_t, N> a) {
  return select(a < vec<int64_t, N>(0), -a, a);
}

// |a| with the sign of b.
template <class T, int N>
PT_FN vec<T, N> copysign(vec<T, N> a, vec<T, N> b) {
  using Bits = vec<typename lane_of<sizeof(T)>::type, N>;
  return from_bits<T>((to_bits(a) & Bits(bits_of<T>::magnitude)) | (to_bits(b) & Bits(bits_of<T>::sign)));
}

// As NumPy's maximum and minimum: a NaN on either side is the result.
template <class T, int N>
PT_FN vec<T, N> propagating_max(vec<T, N> a, vec<T, N> b) {
  if constexpr (T(0.5) == T(0))
    return select(a > b, a, b);
  else
    return select(a != a, a, greater_of(a, b));
}
template <class T, int N>
PT_FN vec<T, N> propagating_min(vec<T, N> a, vec<T, N> b) {
  if constexpr (T(0.5) == T(0))
    return select(a < b, a, b);
  else
    return select(a != a, a, lesser_of(a, b));
}

// Combines the lanes of a vector in the one order that all sums use: lane i with lane i + N/2, then halves of what
// is left. In plain C on constant widths, which gcc turns into the few shuffles that each instruction set wants.
template <int kWidth, class T, class Op>
PT_FN T fold_lanes(T* lane, Op op) {
  if constexpr (kWidth == 0) {
    return lane[0];
  } else {
    T half[kWidth];
    PT_UNROLL for (int i = 0; i < kWidth; ++i) half[i] = op(lane[i], lane[i + kWidth]);
    return fold_lanes<kWidth / 2>(half, op);
  }
}
template <class T, int N, class Op>
PT_FN T reduce_tree(vec<T, N> a, Op op) {
  alignas(64) T lane[N];
  store(lane, a);
  return fold_lanes<N / 2>(lane, op);
}
template <class T, int N>
PT_FN T sum_tree(vec<T, N> a) {
  return reduce_tree(a, [](T x, T y) { return T(x + y); });
}

}  // namespace PT_ISA
}  // namespace pt
