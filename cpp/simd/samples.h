// Whole numbers of pictures, 32 bytes of them at once: 16 of 16 bits, or 8 of 32. Compilers know their sums and
// products; here is what they do not find. All of it is exact.
#pragma once
#include "simd/native.h"

namespace pt {
namespace PT_ISA {

typedef int16_t Shorts __attribute__((vector_size(32)));
typedef int32_t Ints __attribute__((vector_size(32)));
typedef uint32_t Words __attribute__((vector_size(32)));
typedef uint8_t Bytes __attribute__((vector_size(32)));

// Those below and above as these.
template <class V>
PT_FN V clipped(V x, int least, int most) {
  x = x < least ? V{} + least : x;
  return x > most ? V{} + most : x;
}
template <class V>
PT_FN V clipped_to_bytes(V x) {
  x = x < 0 ? V{} : x;
  return x > 255 ? V{} + 255 : x;
}

#if defined(PT_ISA_avx512) || defined(PT_ISA_avx2)

// The upper 16 bits of products.
PT_FN Shorts high_of_product(const Shorts& a, const Shorts& b) {
  return (Shorts)_mm256_mulhi_epi16((__m256i)a, (__m256i)b);
}

// Sums of two products side by side.
PT_FN Ints pairs_of_products(const Shorts& a, const Shorts& b) {
  return (Ints)_mm256_madd_epi16((__m256i)a, (__m256i)b);
}

// Numbers of half the bytes, or the nearest that fit: of each 16 bytes of both the first, and so on.
PT_FN Shorts packed(const Ints& a, const Ints& b) { return (Shorts)_mm256_packs_epi32((__m256i)a, (__m256i)b); }
PT_FN Bytes packed(const Shorts& a, const Shorts& b) { return (Bytes)_mm256_packus_epi16((__m256i)a, (__m256i)b); }

#else

typedef int32_t WideInts __attribute__((vector_size(64)));

PT_FN Shorts high_of_product(const Shorts& a, const Shorts& b) {
  return __builtin_convertvector((__builtin_convertvector(a, WideInts) * __builtin_convertvector(b, WideInts)) >> 16,
                                 Shorts);
}

PT_FN Ints pairs_of_products(const Shorts& a, const Shorts& b) {
  const Ints x = (Ints)a, y = (Ints)b, low = ((x << 16) >> 16) * ((y << 16) >> 16);
  return low + (x >> 16) * (y >> 16);
}

PT_FN Shorts packed(const Ints& a, const Ints& b) {
  return __builtin_shufflevector((Shorts)clipped(a, -32768, 32767), (Shorts)clipped(b, -32768, 32767), 0, 2, 4, 6, 16,
                                 18, 20, 22, 8, 10, 12, 14, 24, 26, 28, 30);
}
PT_FN Bytes packed(const Shorts& a, const Shorts& b) {
  return __builtin_shufflevector((Bytes)clipped_to_bytes(a), (Bytes)clipped_to_bytes(b), 0, 2, 4, 6, 8, 10, 12, 14, 32,
                                 34, 36, 38, 40, 42, 44, 46, 16, 18, 20, 22, 24, 26, 28, 30, 48, 50, 52, 54, 56, 58, 60,
                                 62);
}

#endif

template <class V, class T>
PT_FN V load_as(const T* p) {
  V v;
  __builtin_memcpy(&v, p, sizeof(v));
  return v;
}

template <class V>
PT_FN void store_as(void* p, const V& v) {
  __builtin_memcpy(p, &v, sizeof(v));
}

// 16 bytes as numbers.
PT_FN Shorts widened(const uint8_t* p) {
  typedef uint8_t Half __attribute__((vector_size(16)));
  return __builtin_convertvector(load_as<Half>(p), Shorts);
}

}  // namespace PT_ISA
}  // namespace pt
