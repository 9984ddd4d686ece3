// The arithmetic of JPEG's reference decoder, and of Pillow's filters.
#include "pictures/kernels.h"
#include "simd/samples.h"

namespace pt {
namespace PT_ISA {
namespace {

constexpr int kBits = 13, kMoreBits = 2;  // of the constants, and those that the first pass keeps
// The sum of a column: below this no decoder's sums of 16 bits run over.
constexpr int kLargest = 2900;

// The transform of 8 numbers by Loeffler, Ligtenberg and Moschytz with 12 multiplications, for 8 columns at once. The
// constants are sums of cosines, times 2^13.
PT_FN void transform(Words (&x)[8], uint32_t bias, int shift) {
  const Words sum26 = (x[2] + x[6]) * 4433u, low = sum26 - x[6] * 15137u, high = sum26 + x[2] * 6270u;
  const Words sum04 = ((x[0] + x[4]) << kBits) + bias, difference04 = ((x[0] - x[4]) << kBits) + bias;
  const Words even[4] = {sum04 + high, difference04 + low, difference04 - low, sum04 - high};
  const Words z5 = (x[7] + x[3] + x[5] + x[1]) * 9633u;
  const Words z1 = (x[7] + x[1]) * 7373u, z2 = (x[5] + x[3]) * 20995u;
  const Words z3 = z5 - (x[7] + x[3]) * 16069u, z4 = z5 - (x[5] + x[1]) * 3196u;
  const Words odd[4] = {x[1] * 12299u - z1 + z4, x[3] * 25172u - z2 + z3, x[5] * 16819u - z2 + z4,
                        x[7] * 2446u - z1 + z3};
  for (int i = 0; i < 4; ++i) {
    x[i] = (Words)((Ints)(even[i] + odd[i]) >> shift);
    x[7 - i] = (Words)((Ints)(even[i] - odd[i]) >> shift);
  }
}

PT_FN void interleave(const Words& a, const Words& b, Words& low, Words& high) {
  low = __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13);
  high = __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
}

// Rows for columns.
PT_FN void turn(Words (&x)[8]) {
  Words a[8], b[8];
  for (int i = 0; i < 8; i += 4)
    for (int j = 0; j < 2; ++j) interleave(x[i + j], x[i + j + 2], a[i + j], a[i + j + 2]);
  for (int i = 0; i < 8; i += 2) interleave(a[i], a[i + 1], b[i], b[i + 1]);
  for (int i = 0; i < 4; ++i) {
    x[i] = __builtin_shufflevector(b[i], b[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    x[i + 4] = __builtin_shufflevector(b[i], b[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
}

// Columns of a block as rows of bytes, 8 of each half of a register.
PT_FN void store_rows(const Words (&x)[8], uint8_t* out, ptrdiff_t stride) {
  Words fours[2];  // of each row, four bytes
  for (int i = 0; i < 2; ++i) {
    const Words* c = x + 4 * i;
    const Bytes columns = packed(packed((Ints)c[0], (Ints)c[1]), packed((Ints)c[2], (Ints)c[3]));
    fours[i] = (Words)__builtin_shufflevector(columns, columns, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15,
                                              16, 20, 24, 28, 17, 21, 25, 29, 18, 22, 26, 30, 19, 23, 27, 31);
  }
  Words rows[2];
  interleave(fours[0], fours[1], rows[0], rows[1]);
  for (int i = 0; i < 8; ++i)  // rows 0, 1, 4, 5 and 2, 3, 6, 7
    __builtin_memcpy(out + i * stride, reinterpret_cast<const char*>(&rows[i / 2 % 2]) + 8 * (i % 2) + 16 * (i / 4), 8);
}

void inverse_dct(const KernelArgs* args, int64_t) {
  const InverseDct& d = *static_cast<const InverseDct*>(args->desc);
  constexpr int kEnd = kBits + kMoreBits + 3;  // 3: a transform of 8 by 8 is 8 times too large
  constexpr uint32_t kFirstBias = 1u << (kBits - kMoreBits - 1), kLastBias = (1u << (kEnd - 1)) + (128u << kEnd);
  Ints worst = {};
  for (int block = 0; block < d.count; ++block) {
    int16_t* from = d.blocks + 64 * block;
    if (!d.others[block]) {  // one colour
      const int number = from[0] * d.steps[0];
      worst |= (Ints{} + (number < 0 ? -number : number)) > kLargest;
      const uint32_t sum = static_cast<uint32_t>(number) * (1u << (kBits + kMoreBits)) + kLastBias;
      const int level = static_cast<int>(sum) >> kEnd;
      const uint64_t row = static_cast<uint64_t>(level < 0 ? 0 : level > 255 ? 255 : level) * 0x0101010101010101u;
      for (int i = 0; i < 8; ++i) store_as(d.out + 8 * block + i * d.stride, row);
      from[0] = 0;
      continue;
    }
    Words x[8];
    Ints sum = {};
    for (int i = 0; i < 8; ++i) {
      typedef int16_t Eight __attribute__((vector_size(16)));
      const Ints row = __builtin_convertvector(load_as<Eight>(from + 8 * i), Ints);
      const Ints number = row * load_as<Ints>(d.steps + 8 * i);
      sum += number < 0 ? -number : number;
      x[i] = (Words)number;
    }
    worst |= sum > kLargest;
    __builtin_memset(from, 0, 64 * sizeof(*from));
    transform(x, kFirstBias, kBits - kMoreBits);
    turn(x);
    transform(x, kLastBias, kEnd);
    store_rows(x, d.out + 8 * block, d.stride);
  }
  for (int i = 0; i < 8; ++i)
    if (worst[i]) *d.too_large = 1;
}

constexpr int kAtOnce = 16;

PT_FN Shorts all_of(int16_t x) { return Shorts{} + x; }

// Colours of every second pixel for all of them: three quarters of the nearest and one of the next, in both directions.
// What is rounded up and down alternates.
PT_FN void spread(const ColourRow& d, int which) {
  const uint8_t *near = d.near[which], *far = d.far[which];
  int16_t* sums = d.sums + 1;
  const int count = (d.width + 1) / 2;
  const bool down = d.down == 2;
  for (int i = 0; i < count; i += kAtOnce) {
    const Shorts here = widened(near + i);
    store_as(sums + i, down ? here * 3 + widened(far + i) : here * 4);
  }
  sums[-1] = sums[0];
  sums[count] = sums[count - 1];
  const Shorts even = all_of(down ? 8 : 4), odd = all_of(down ? 7 : 8);
  for (int i = 0; i < count; i += kAtOnce) {
    const Shorts here = load_as<Shorts>(sums + i) * 3;
    const Shorts left = (here + load_as<Shorts>(sums + i - 1) + even) >> 4;
    const Shorts right = (here + load_as<Shorts>(sums + i + 1) + odd) >> 4;
    store_as(d.spread[which] + 2 * i, left | right << 8);
  }
}

PT_FN Shorts shared_out(const Shorts& x, int share) {  // x * share / 2^16, rounded
  return (high_of_product(x + x, all_of(static_cast<int16_t>(share))) + 1) >> 1;
}

// Of pairs, those of the first and of the second half.
PT_FN void interleave(const Shorts& a, const Shorts& b, Shorts& low, Shorts& high) {
  low = __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  high = __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

// 1.402, 0.344136, 0.714136 and 1.772 times 2^16, less what whole ones they hold: the rest fits into 16 bits.
PT_FN void colour(const uint8_t* luma, const uint8_t* blue, const uint8_t* red, uint8_t* out) {
  const Shorts y = widened(luma), cb = widened(blue) - 128, cr = widened(red) - 128;
  const Shorts r = clipped_to_bytes(y + cr + shared_out(cr, 91881 - 65536));
  const Shorts b = clipped_to_bytes(y + cb + cb + shared_out(cb, 116130 - 131072));
  const Ints shares = (Ints{} + (65536 - 46802) * 65536) | (-22554 & 0xFFFF);
  Shorts pairs[2];
  interleave(cb, cr, pairs[0], pairs[1]);
  Ints sums[2];
  for (int i = 0; i < 2; ++i) sums[i] = pairs_of_products(pairs[i], (Shorts)shares) + (1 << 15);
  // The upper halves of the sums.
  const Shorts rest = __builtin_shufflevector((Shorts)sums[0], (Shorts)sums[1], 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21,
                                              23, 25, 27, 29, 31);
  const Shorts g = clipped_to_bytes(y - cr + rest);
  Shorts pixels[2];
  interleave(r | g << 8, b, pixels[0], pixels[1]);
  for (int i = 0; i < 2; ++i) store_as(out + 32 * i, pixels[i]);
}

void colours(const KernelArgs* args, int64_t) {
  const ColourRow& d = *static_cast<const ColourRow*>(args->desc);
  if (!d.near[0]) {
    for (int x = 0; x < d.width; x += 8) {
      typedef uint8_t Eight __attribute__((vector_size(8)));
      store_as(d.out + 4 * x, __builtin_convertvector(load_as<Eight>(d.luma + x), Ints) * 0x010101);
    }
    return;
  }
  const uint8_t *blue = d.near[0], *red = d.near[1];
  if (d.across == 2) {
#pragma GCC unroll 1
    for (int which = 0; which < 2; ++which) spread(d, which);
    blue = d.spread[0];
    red = d.spread[1];
  }
  for (int x = 0; x < d.width; x += kAtOnce) colour(d.luma + x, blue + x, red + x, d.out + 4 * x);
  if (!d.grey) return;
  for (int x = 0; x < d.width; x += 8) {
    const Words p = load_as<Words>(d.out + 4 * x);
    store_as(d.out + 4 * x, ((p & 255) * 19595 + (p >> 8 & 255) * 38470 + (p >> 16) * 7471 + 0x8000) >> 16);
  }
}

constexpr int kShareBits = 22;

void shrink_row(const KernelArgs* args, int64_t) {
  const ShrinkRow& d = *static_cast<const ShrinkRow*>(args->desc);
  typedef uint8_t Pixels __attribute__((vector_size(16)));  // four of them
  typedef int32_t Four __attribute__((vector_size(16)));
  const int16_t* shares = d.shares;
  for (int i = 0; i < d.count; ++i) {
    const uint8_t* row = d.row + 4 * d.begin[i];
    Ints low = {}, high = {};
    for (int t = 0; t < d.taps; t += 4, shares += 32) {
      const Pixels p = load_as<Pixels>(row + 4 * t);
      const Shorts pairs = __builtin_convertvector(
          __builtin_shufflevector(p, p, 0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15), Shorts);
      low += pairs_of_products(pairs, load_as<Shorts>(shares));
      high += pairs_of_products(pairs, load_as<Shorts>(shares + 16));
    }
    const Ints both = low + (high << kLowShareBits);
    Four sum = __builtin_shufflevector(both, both, 0, 1, 2, 3) + __builtin_shufflevector(both, both, 4, 5, 6, 7);
    sum = clipped_to_bytes((sum + (1 << (kShareBits - 1))) >> kShareBits);
    typedef uint8_t Pixel __attribute__((vector_size(4)));
    store_as(d.out + 4 * i, __builtin_convertvector(sum, Pixel));
  }
}

void add_boxes(const KernelArgs* args, int64_t) {
  const AddBoxes& d = *static_cast<const AddBoxes*>(args->desc);
  typedef uint8_t Pixel __attribute__((vector_size(4)));
  typedef uint32_t Four __attribute__((vector_size(16)));
  uint32_t* sums = d.sums;
  for (uint32_t x = 0; x < d.count; sums += 4) {
    Four sum = load_as<Four>(sums);
    for (const uint32_t end = x + d.across < d.count ? x + d.across : d.count; x < end; ++x)
      sum += __builtin_convertvector(load_as<Pixel>(d.row + 4 * x), Four);
    store_as(sums, sum);
  }
}

void mix_rows(const KernelArgs* args, int64_t) {
  const MixRows& d = *static_cast<const MixRows*>(args->desc);
  typedef uint8_t Eight __attribute__((vector_size(8)));
  constexpr int kPieces = 4;
  for (int x = 0; x < d.bytes; x += 8 * kPieces) {  // there is room for a whole last piece
    Ints sums[kPieces];
    for (Ints& sum : sums) sum = Ints{} + (1 << (kShareBits - 1));
    for (int t = 0; t < d.taps; ++t)
      for (int i = 0; i < kPieces; ++i)
        sums[i] += __builtin_convertvector(load_as<Eight>(d.rows[t] + x + 8 * i), Ints) * d.shares[t];
    for (int i = 0; i < kPieces; ++i)
      store_as(d.out + x + 8 * i, __builtin_convertvector(clipped_to_bytes(sums[i] >> kShareBits), Eight));
  }
}

}  // namespace

PT_KERNELS(pictures, inverse_dct, colours, add_boxes, shrink_row, mix_rows);

}  // namespace PT_ISA
}  // namespace pt
