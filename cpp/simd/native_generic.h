// One lane per register, in plain C: the oracle that the other instruction sets are tested against.
#pragma once

namespace pt {
namespace PT_ISA {

template <int kBytes>
struct flags {
  using reg = bool;
  static PT_FN reg both(reg a, reg b) { return a & b; }
  static PT_FN reg either(reg a, reg b) { return a | b; }
  static PT_FN reg differ(reg a, reg b) { return a != b; }
  static PT_FN reg invert(reg a) { return !a; }
  static PT_FN bool any(reg a) { return a; }
  static PT_FN bool all(reg a) { return a; }
  static PT_FN reg load(const uint8_t* p) { return *p != 0; }
  static PT_FN void store(uint8_t* p, reg a) { *p = a; }
};

template <class T, class Bits>
struct native_lane {
  using reg = T;
  using flag = flags<sizeof(T)>;
  static constexpr int lanes = 1;
  static PT_FN reg load(const T* p) { return *p; }
  static PT_FN void store(T* p, reg a) { *p = a; }
  static PT_FN reg load_n(const T* p, int64_t n) { return n > 0 ? *p : T(0); }
  static PT_FN void store_n(T* p, reg a, int64_t n) {
    if (n > 0) *p = a;
  }
  static PT_FN reg fill(T x) { return x; }
  static PT_FN bool eq(reg a, reg b) { return a == b; }
  static PT_FN bool ne(reg a, reg b) { return a != b; }
  static PT_FN bool lt(reg a, reg b) { return a < b; }
  static PT_FN bool le(reg a, reg b) { return a <= b; }
  static PT_FN reg select(bool f, reg a, reg b) { return f ? a : b; }
  static PT_FN Bits to_bits(reg a) { return bit_cast<Bits>(a); }
  static PT_FN reg from_bits(Bits a) { return bit_cast<reg>(a); }
};

template <class T, class Bits>
struct native_float_lane : native_lane<T, Bits> {
  static PT_FN T add(T a, T b) { return a + b; }
  static PT_FN T sub(T a, T b) { return a - b; }
  static PT_FN T mul(T a, T b) { return a * b; }
  static PT_FN T div(T a, T b) { return a / b; }
  static PT_FN T greater_of(T a, T b) { return a > b ? a : b; }
  static PT_FN T lesser_of(T a, T b) { return a < b ? a : b; }
};

template <>
struct native<float> : native_float_lane<float, int32_t> {
  static PT_FN float fma(float a, float b, float c) { return PT_PLAIN(fmaf)(a, b, c); }
  static PT_FN float sqrt(float a) { return PT_PLAIN(sqrtf)(a); }
  static PT_FN float floor(float a) { return PT_PLAIN(floorf)(a); }
  static PT_FN float ceil(float a) { return PT_PLAIN(ceilf)(a); }
  static PT_FN float rint(float a) { return PT_PLAIN(rintf)(a); }
  static PT_FN float trunc(float a) { return PT_PLAIN(truncf)(a); }
  static PT_FN int32_t to_int(float a) { return a >= -0x1p31f && a < 0x1p31f ? int32_t(a) : INT32_MIN; }
  static PT_FN float from_int(int32_t a) { return float(a); }
  static PT_FN float pick(const float* table, int32_t index) { return table[index & 7]; }
  static PT_FN float load_half(const f16* p) { return f16_to_float(*p); }
  static PT_FN float load_half(const bf16* p) { return bf16_to_float(*p); }
  static PT_FN void store_half(f16* p, float a) { *p = float_to_f16(a); }
  static PT_FN void store_half(bf16* p, float a) { *p = float_to_bf16(a); }
};

template <>
struct native<double> : native_float_lane<double, int64_t> {
  static PT_FN double fma(double a, double b, double c) { return PT_PLAIN(fma)(a, b, c); }
  static PT_FN double sqrt(double a) { return PT_PLAIN(sqrt)(a); }
  static PT_FN double floor(double a) { return PT_PLAIN(floor)(a); }
  static PT_FN double ceil(double a) { return PT_PLAIN(ceil)(a); }
  static PT_FN double rint(double a) { return PT_PLAIN(rint)(a); }
  static PT_FN double trunc(double a) { return PT_PLAIN(trunc)(a); }
};

template <class T, class Unsigned>
struct native_int_lane : native_lane<T, T> {
  static PT_FN T add(T a, T b) { return T(Unsigned(a) + Unsigned(b)); }
  static PT_FN T sub(T a, T b) { return T(Unsigned(a) - Unsigned(b)); }
  static PT_FN T mul(T a, T b) { return T(Unsigned(a) * Unsigned(b)); }
  static PT_FN T bit_and(T a, T b) { return a & b; }
  static PT_FN T bit_or(T a, T b) { return a | b; }
  static PT_FN T bit_xor(T a, T b) { return a ^ b; }
  static PT_FN T shift_left(T a, int n) { return T(Unsigned(a) << n); }
  static PT_FN T shift_right(T a, int n) { return T(Unsigned(a) >> n); }
};
template <>
struct native<int32_t> : native_int_lane<int32_t, uint32_t> {};
template <>
struct native<int64_t> : native_int_lane<int64_t, uint64_t> {};

}  // namespace PT_ISA
}  // namespace pt
