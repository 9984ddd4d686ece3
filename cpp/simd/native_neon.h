// NEON (AArch64): registers of 16 bytes. A flag is a whole lane of ones or zeros.
#pragma once
#ifdef PT_EMULATE_NEON
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/arm/neon.h>
#else
#include <arm_neon.h>
#endif

namespace pt {
namespace PT_ISA {

template <>
struct flags<4> {
  using reg = uint32x4_t;
  static PT_FN reg both(reg a, reg b) { return vandq_u32(a, b); }
  static PT_FN reg either(reg a, reg b) { return vorrq_u32(a, b); }
  static PT_FN reg differ(reg a, reg b) { return veorq_u32(a, b); }
  static PT_FN reg invert(reg a) { return vmvnq_u32(a); }
  static PT_FN bool any(reg a) { return vmaxvq_u32(a) != 0; }
  static PT_FN bool all(reg a) { return vminvq_u32(a) != 0; }
  static PT_FN reg load(const uint8_t* p) {
    uint32_t lane[4] = {p[0], p[1], p[2], p[3]};
    reg wide = vld1q_u32(lane);
    return vtstq_u32(wide, wide);
  }
  static PT_FN void store(uint8_t* p, reg a) {
    uint32_t lane[4];
    vst1q_u32(lane, a);
    for (int i = 0; i < 4; ++i) p[i] = uint8_t(lane[i] & 1);
  }
};

template <>
struct flags<8> {
  using reg = uint64x2_t;
  static PT_FN reg both(reg a, reg b) { return vandq_u64(a, b); }
  static PT_FN reg either(reg a, reg b) { return vorrq_u64(a, b); }
  static PT_FN reg differ(reg a, reg b) { return veorq_u64(a, b); }
  static PT_FN reg invert(reg a) { return veorq_u64(a, vdupq_n_u64(~uint64_t(0))); }
  static PT_FN bool any(reg a) { return (vgetq_lane_u64(a, 0) | vgetq_lane_u64(a, 1)) != 0; }
  static PT_FN bool all(reg a) { return (vgetq_lane_u64(a, 0) & vgetq_lane_u64(a, 1)) != 0; }
  static PT_FN reg load(const uint8_t* p) {
    uint64_t lane[2] = {p[0] ? ~uint64_t(0) : 0, p[1] ? ~uint64_t(0) : 0};
    return vld1q_u64(lane);
  }
  static PT_FN void store(uint8_t* p, reg a) {
    p[0] = uint8_t(vgetq_lane_u64(a, 0) & 1);
    p[1] = uint8_t(vgetq_lane_u64(a, 1) & 1);
  }
};

// The first n lanes: NEON has no masked memory access.
template <class Native, class T>
PT_FN typename Native::reg neon_load_n(const T* p, int64_t n) {
  T lane[Native::lanes] = {};
  for (int i = 0; i < Native::lanes && i < n; ++i) lane[i] = p[i];
  return Native::load(lane);
}
template <class Native, class T>
PT_FN void neon_store_n(T* p, typename Native::reg a, int64_t n) {
  T lane[Native::lanes];
  Native::store(lane, a);
  for (int i = 0; i < Native::lanes && i < n; ++i) p[i] = lane[i];
}

template <>
struct native<float> {
  using reg = float32x4_t;
  using flag = flags<4>;
  static constexpr int lanes = 4;
  static PT_FN reg load(const float* p) { return vld1q_f32(p); }
  static PT_FN void store(float* p, reg a) { vst1q_f32(p, a); }
  static PT_FN reg load_n(const float* p, int64_t n) { return neon_load_n<native>(p, n); }
  static PT_FN void store_n(float* p, reg a, int64_t n) { neon_store_n<native>(p, a, n); }
  static PT_FN reg fill(float x) { return vdupq_n_f32(x); }
  static PT_FN reg add(reg a, reg b) { return vaddq_f32(a, b); }
  static PT_FN reg sub(reg a, reg b) { return vsubq_f32(a, b); }
  static PT_FN reg mul(reg a, reg b) { return vmulq_f32(a, b); }
  static PT_FN reg div(reg a, reg b) { return vdivq_f32(a, b); }
  static PT_FN reg fma(reg a, reg b, reg c) { return vfmaq_f32(c, a, b); }
  static PT_FN reg sqrt(reg a) { return vsqrtq_f32(a); }
  // By comparison: the maximum instructions order zeros and NaNs differently from x86.
  static PT_FN reg greater_of(reg a, reg b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
  static PT_FN reg lesser_of(reg a, reg b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
  static PT_FN reg floor(reg a) { return vrndmq_f32(a); }
  static PT_FN reg ceil(reg a) { return vrndpq_f32(a); }
  static PT_FN reg rint(reg a) { return vrndnq_f32(a); }
  static PT_FN reg trunc(reg a) { return vrndq_f32(a); }
  static PT_FN uint32x4_t eq(reg a, reg b) { return vceqq_f32(a, b); }
  static PT_FN uint32x4_t ne(reg a, reg b) { return vmvnq_u32(vceqq_f32(a, b)); }
  static PT_FN uint32x4_t lt(reg a, reg b) { return vcltq_f32(a, b); }
  static PT_FN uint32x4_t le(reg a, reg b) { return vcleq_f32(a, b); }
  static PT_FN reg select(uint32x4_t f, reg a, reg b) { return vbslq_f32(f, a, b); }
  static PT_FN int32x4_t to_bits(reg a) { return vreinterpretq_s32_f32(a); }
  static PT_FN reg from_bits(int32x4_t a) { return vreinterpretq_f32_s32(a); }
  static PT_FN int32x4_t to_int(reg a) {
    // The conversion saturates, where x86 gives the minimum.
    uint32x4_t fits = vandq_u32(vcgeq_f32(a, vdupq_n_f32(-0x1p31f)), vcltq_f32(a, vdupq_n_f32(0x1p31f)));
    return vbslq_s32(fits, vcvtq_s32_f32(a), vdupq_n_s32(INT32_MIN));
  }
  static PT_FN reg from_int(int32x4_t a) { return vcvtq_f32_s32(a); }
  static PT_FN reg pick(const float* table, int32x4_t index) {
    // The four bytes of each number.
    const uint32x4_t first = vmulq_n_u32(vandq_u32(vreinterpretq_u32_s32(index), vdupq_n_u32(7)), 0x04040404);
    const uint8x16_t bytes = vreinterpretq_u8_u32(vaddq_u32(first, vdupq_n_u32(0x03020100)));
    const uint8x16x2_t both = {{vreinterpretq_u8_f32(load(table)), vreinterpretq_u8_f32(load(table + 4))}};
    return vreinterpretq_f32_u8(vqtbl2q_u8(both, bytes));
  }
  static PT_FN reg load_half(const f16* p) {
    float lane[4] = {f16_to_float(p[0]), f16_to_float(p[1]), f16_to_float(p[2]), f16_to_float(p[3])};
    return load(lane);
  }
  static PT_FN reg load_half(const bf16* p) {
    float lane[4] = {bf16_to_float(p[0]), bf16_to_float(p[1]), bf16_to_float(p[2]), bf16_to_float(p[3])};
    return load(lane);
  }
  static PT_FN void store_half(f16* p, reg a) {
    float lane[4];
    store(lane, a);
    for (int i = 0; i < 4; ++i) p[i] = float_to_f16(lane[i]);
  }
  static PT_FN void store_half(bf16* p, reg a) {
    float lane[4];
    store(lane, a);
    for (int i = 0; i < 4; ++i) p[i] = float_to_bf16(lane[i]);
  }
};

template <>
struct native<double> {
  using reg = float64x2_t;
  using flag = flags<8>;
  static constexpr int lanes = 2;
  static PT_FN reg load(const double* p) { return vld1q_f64(p); }
  static PT_FN void store(double* p, reg a) { vst1q_f64(p, a); }
  static PT_FN reg load_n(const double* p, int64_t n) { return neon_load_n<native>(p, n); }
  static PT_FN void store_n(double* p, reg a, int64_t n) { neon_store_n<native>(p, a, n); }
  static PT_FN reg fill(double x) { return vdupq_n_f64(x); }
  static PT_FN reg add(reg a, reg b) { return vaddq_f64(a, b); }
  static PT_FN reg sub(reg a, reg b) { return vsubq_f64(a, b); }
  static PT_FN reg mul(reg a, reg b) { return vmulq_f64(a, b); }
  static PT_FN reg div(reg a, reg b) { return vdivq_f64(a, b); }
  static PT_FN reg fma(reg a, reg b, reg c) { return vfmaq_f64(c, a, b); }
  static PT_FN reg sqrt(reg a) { return vsqrtq_f64(a); }
  static PT_FN reg greater_of(reg a, reg b) { return vbslq_f64(vcgtq_f64(a, b), a, b); }
  static PT_FN reg lesser_of(reg a, reg b) { return vbslq_f64(vcltq_f64(a, b), a, b); }
  static PT_FN reg floor(reg a) { return vrndmq_f64(a); }
  static PT_FN reg ceil(reg a) { return vrndpq_f64(a); }
  static PT_FN reg rint(reg a) { return vrndnq_f64(a); }
  static PT_FN reg trunc(reg a) { return vrndq_f64(a); }
  static PT_FN uint64x2_t eq(reg a, reg b) { return vceqq_f64(a, b); }
  static PT_FN uint64x2_t ne(reg a, reg b) { return flag::invert(vceqq_f64(a, b)); }
  static PT_FN uint64x2_t lt(reg a, reg b) { return vcltq_f64(a, b); }
  static PT_FN uint64x2_t le(reg a, reg b) { return vcleq_f64(a, b); }
  static PT_FN reg select(uint64x2_t f, reg a, reg b) { return vbslq_f64(f, a, b); }
  static PT_FN int64x2_t to_bits(reg a) { return vreinterpretq_s64_f64(a); }
  static PT_FN reg from_bits(int64x2_t a) { return vreinterpretq_f64_s64(a); }
};

template <>
struct native<int32_t> {
  using reg = int32x4_t;
  using flag = flags<4>;
  static constexpr int lanes = 4;
  static PT_FN reg load(const int32_t* p) { return vld1q_s32(p); }
  static PT_FN void store(int32_t* p, reg a) { vst1q_s32(p, a); }
  static PT_FN reg load_n(const int32_t* p, int64_t n) { return neon_load_n<native>(p, n); }
  static PT_FN void store_n(int32_t* p, reg a, int64_t n) { neon_store_n<native>(p, a, n); }
  static PT_FN reg fill(int32_t x) { return vdupq_n_s32(x); }
  static PT_FN reg add(reg a, reg b) { return vaddq_s32(a, b); }
  static PT_FN reg sub(reg a, reg b) { return vsubq_s32(a, b); }
  static PT_FN reg mul(reg a, reg b) { return vmulq_s32(a, b); }
  static PT_FN reg bit_and(reg a, reg b) { return vandq_s32(a, b); }
  static PT_FN reg bit_or(reg a, reg b) { return vorrq_s32(a, b); }
  static PT_FN reg bit_xor(reg a, reg b) { return veorq_s32(a, b); }
  static PT_FN reg shift_left(reg a, int n) { return vshlq_s32(a, vdupq_n_s32(n)); }
  static PT_FN reg shift_right(reg a, int n) {
    return vreinterpretq_s32_u32(vshlq_u32(vreinterpretq_u32_s32(a), vdupq_n_s32(-n)));
  }
  static PT_FN uint32x4_t eq(reg a, reg b) { return vceqq_s32(a, b); }
  static PT_FN uint32x4_t ne(reg a, reg b) { return vmvnq_u32(vceqq_s32(a, b)); }
  static PT_FN uint32x4_t lt(reg a, reg b) { return vcltq_s32(a, b); }
  static PT_FN uint32x4_t le(reg a, reg b) { return vcleq_s32(a, b); }
  static PT_FN reg select(uint32x4_t f, reg a, reg b) { return vbslq_s32(f, a, b); }
  static PT_FN reg to_bits(reg a) { return a; }
  static PT_FN reg from_bits(reg a) { return a; }
};

template <>
struct native<int64_t> {
  using reg = int64x2_t;
  using flag = flags<8>;
  static constexpr int lanes = 2;
  static PT_FN reg load(const int64_t* p) { return vld1q_s64(p); }
  static PT_FN void store(int64_t* p, reg a) { vst1q_s64(p, a); }
  static PT_FN reg load_n(const int64_t* p, int64_t n) { return neon_load_n<native>(p, n); }
  static PT_FN void store_n(int64_t* p, reg a, int64_t n) { neon_store_n<native>(p, a, n); }
  static PT_FN reg fill(int64_t x) { return vdupq_n_s64(x); }
  static PT_FN reg add(reg a, reg b) { return vaddq_s64(a, b); }
  static PT_FN reg sub(reg a, reg b) { return vsubq_s64(a, b); }
  // There is no 64 bit product.
  static PT_FN reg mul(reg a, reg b) {
    int64_t x[2], y[2];
    store(x, a);
    store(y, b);
    for (int i = 0; i < 2; ++i) x[i] = int64_t(uint64_t(x[i]) * uint64_t(y[i]));
    return load(x);
  }
  static PT_FN reg bit_and(reg a, reg b) { return vandq_s64(a, b); }
  static PT_FN reg bit_or(reg a, reg b) { return vorrq_s64(a, b); }
  static PT_FN reg bit_xor(reg a, reg b) { return veorq_s64(a, b); }
  static PT_FN reg shift_left(reg a, int n) { return vshlq_s64(a, vdupq_n_s64(n)); }
  static PT_FN reg shift_right(reg a, int n) {
    return vreinterpretq_s64_u64(vshlq_u64(vreinterpretq_u64_s64(a), vdupq_n_s64(-n)));
  }
  static PT_FN uint64x2_t eq(reg a, reg b) { return vceqq_s64(a, b); }
  static PT_FN uint64x2_t ne(reg a, reg b) { return flag::invert(vceqq_s64(a, b)); }
  static PT_FN uint64x2_t lt(reg a, reg b) { return vcltq_s64(a, b); }
  static PT_FN uint64x2_t le(reg a, reg b) { return vcleq_s64(a, b); }
  static PT_FN reg select(uint64x2_t f, reg a, reg b) { return vbslq_s64(f, a, b); }
  static PT_FN reg to_bits(reg a) { return a; }
  static PT_FN reg from_bits(reg a) { return a; }
};

}  // namespace PT_ISA
}  // namespace pt
