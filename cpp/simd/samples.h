// Whole numbers of pictures, 32 bytes of them at once: 16 of 16 bits, or 8 of 32. Compilers know their sums and
// products; here is what they do not find. All of it is exact.
#pragma once
#include "simd/native.h"

namespace pt {
namespace PT_ISA {

typedef int16_t Shorts __attribute__((vector_size(32)));
typedef uint16_t Halves __attribute__((vector_size(32)));
typedef int32_t Ints __attribute__((vector_size(32)));
typedef uint32_t Words __attribute__((vector_size(32)));
typedef uint8_t Bytes __attribute__((vector_size(32)));
typedef int32_t FourInts __attribute__((vector_size(16)));

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

// a * b / 2^15, rounded.
PT_FN Shorts share_of(const Shorts& a, const Shorts& b) { return (Shorts)_mm256_mulhrs_epi16((__m256i)a, (__m256i)b); }

// Numbers of half the bytes, or the nearest that fit: of each 16 bytes of both the first, and so on.
PT_FN Shorts packed(const Ints& a, const Ints& b) { return (Shorts)_mm256_packs_epi32((__m256i)a, (__m256i)b); }
PT_FN Bytes packed(const Shorts& a, const Shorts& b) { return (Bytes)_mm256_packus_epi16((__m256i)a, (__m256i)b); }

// Bytes as numbers. GCC 12 takes vectors of less than 16 bytes apart one by one.
PT_FN Ints widened_to_ints(const uint8_t* p) { return (Ints)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i*)p)); }
PT_FN FourInts widened_to_four(const uint8_t* p) {
  int bytes;
  __builtin_memcpy(&bytes, p, 4);
  return (FourInts)_mm_cvtepu8_epi32(_mm_cvtsi32_si128(bytes));
}

// Four pixels of 4 bytes: the first and the second one's of each channel side by side, then the others' likewise.
PT_FN Shorts paired_pixels(const uint8_t* p) {
  const __m256i pixels = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i*)p));
  return (Shorts)_mm256_shuffle_epi8(
      pixels, _mm256_setr_epi8(0, -1, 4, -1, 1, -1, 5, -1, 2, -1, 6, -1, 3, -1, 7, -1, 8, -1, 12, -1, 9, -1, 13, -1, 10,
                               -1, 14, -1, 11, -1, 15, -1));
}

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

PT_FN Shorts share_of(const Shorts& a, const Shorts& b) {
  const WideInts product = __builtin_convertvector(a, WideInts) * __builtin_convertvector(b, WideInts);
  return __builtin_convertvector((product + (1 << 14)) >> 15, Shorts);
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

PT_FN Ints widened_to_ints(const uint8_t* p) {
  typedef uint8_t Eight __attribute__((vector_size(8)));
  return __builtin_convertvector(load_as<Eight>(p), Ints);
}
PT_FN FourInts widened_to_four(const uint8_t* p) {
  typedef uint8_t Four __attribute__((vector_size(4)));
  return __builtin_convertvector(load_as<Four>(p), FourInts);
}

PT_FN Shorts paired_pixels(const uint8_t* p) {
  typedef uint8_t Pixels __attribute__((vector_size(16)));
  const Pixels x = load_as<Pixels>(p);
  return __builtin_convertvector(__builtin_shufflevector(x, x, 0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15),
                                 Shorts);
}

#endif

// Numbers of both by turns, of each 16 bytes: their first halves, and their second ones.
PT_FN void zip(const Shorts& a, const Shorts& b, Shorts& first, Shorts& second) {
  first = __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 8, 24, 9, 25, 10, 26, 11, 27);
  second = __builtin_shufflevector(a, b, 4, 20, 5, 21, 6, 22, 7, 23, 12, 28, 13, 29, 14, 30, 15, 31);
}
PT_FN void zip(const Bytes& a, const Bytes& b, Bytes& first, Bytes& second) {
  first = __builtin_shufflevector(a, b, 0, 32, 1, 33, 2, 34, 3, 35, 4, 36, 5, 37, 6, 38, 7, 39, 16, 48, 17, 49, 18, 50,
                                  19, 51, 20, 52, 21, 53, 22, 54, 23, 55);
  second = __builtin_shufflevector(a, b, 8, 40, 9, 41, 10, 42, 11, 43, 12, 44, 13, 45, 14, 46, 15, 47, 24, 56, 25, 57,
                                   26, 58, 27, 59, 28, 60, 29, 61, 30, 62, 31, 63);
}

// 16 bytes as numbers.
PT_FN Shorts widened(const uint8_t* p) {
  typedef uint8_t Half __attribute__((vector_size(16)));
  return __builtin_convertvector(load_as<Half>(p), Shorts);
}

}  // namespace PT_ISA
}  // namespace pt
