// The arithmetic of JPEG's reference decoder, and of Pillow's filters.
#include "pictures/kernels.h"
#include "simd/samples.h"

namespace pt {
namespace PT_ISA {
namespace {

constexpr int kBits = 13, kMoreBits = 2;  // of the constants, and those that the first pass keeps
// The sum of a column: below this no sum of 16 bits runs over, neither here nor in other decoders.
constexpr int kLargest = 2900;

PT_FN Shorts all_of(int16_t x) { return Shorts{} + x; }

PT_FN Ints weighted(const Shorts& pairs, int first, int second) {
  return pairs_of_products(pairs, (Shorts)(Ints{} + static_cast<int>(static_cast<uint32_t>(second) << 16 |
                                                                     (static_cast<uint32_t>(first) & 0xFFFF))));
}

// The transform of 8 numbers as a product with a matrix, for 16 columns at once. It gives the sums of Loeffler,
// Ligtenberg and Moschytz, who need fewer products: but of these, one instruction adds up two, and a number of 32 bits
// takes as much room as two of 16. The constants are sums of cosines, times 2^13.
PT_FN void transform(Shorts (&x)[8], int bias, int shift) {
  static constexpr int kOdd[4][4] = {// for numbers 1, 3, 5 and 7
                                     {11363, 9633, 6437, 2260},
                                     {9633, -2259, -11362, -6436},
                                     {6437, -11362, 2261, 9633},
                                     {2260, -6436, 9633, -11363}};
  Shorts pairs[4][2];
  zip(x[0], x[4], pairs[0][0], pairs[0][1]);
  zip(x[2], x[6], pairs[1][0], pairs[1][1]);
  zip(x[1], x[3], pairs[2][0], pairs[2][1]);
  zip(x[5], x[7], pairs[3][0], pairs[3][1]);
  Ints made[2][8];
  for (int half = 0; half < 2; ++half) {
    const Ints sum = weighted(pairs[0][half], 1 << kBits, 1 << kBits) + bias;
    const Ints difference = weighted(pairs[0][half], 1 << kBits, -(1 << kBits)) + bias;
    const Ints high = weighted(pairs[1][half], 10703, 4433), low = weighted(pairs[1][half], 4433, -10704);
    const Ints even[4] = {sum + high, difference + low, difference - low, sum - high};
    for (int i = 0; i < 4; ++i) {
      const Ints odd =
          weighted(pairs[2][half], kOdd[i][0], kOdd[i][1]) + weighted(pairs[3][half], kOdd[i][2], kOdd[i][3]);
      made[half][i] = (even[i] + odd) >> shift;
      made[half][7 - i] = (even[i] - odd) >> shift;
    }
  }
  for (int i = 0; i < 8; ++i) x[i] = packed(made[0][i], made[1][i]);
}

// Rows for columns of two blocks. Each round makes the number of a register's half the lowest part of a place.
PT_FN void turn(Shorts (&x)[8]) {
  for (int round = 0; round < 3; ++round) {
    Shorts made[8];
    for (int i = 0; i < 4; ++i) zip(x[i], x[i + 4], made[2 * i], made[2 * i + 1]);
    for (int i = 0; i < 8; ++i) x[i] = made[i];
  }
}

// Columns of two blocks as rows of bytes, in the same way.
PT_FN void store_rows(const Shorts (&x)[8], uint8_t* out, ptrdiff_t stride) {
  Bytes a[4], b[4], c[4], rows[4];
  for (int i = 0; i < 4; ++i) a[i] = packed(x[i + (i & 2)], x[i + (i & 2) + 2]);
  for (int i = 0; i < 2; ++i) zip(a[i], a[i + 2], b[i], b[i + 2]);
  for (int i = 0; i < 2; ++i) zip(b[i], b[i + 2], c[i], c[i + 2]);
  for (int i = 0; i < 4; i += 2) zip(c[i], c[i + 1], rows[i], rows[i + 1]);
  for (int i = 0; i < 4; ++i) {  // two rows of a block, and then of the other
    typedef uint64_t Longs __attribute__((vector_size(32)));
    const Longs both = __builtin_shufflevector((Longs)rows[i], (Longs)rows[i], 0, 2, 1, 3);
    __builtin_memcpy(out + 2 * i * stride, &both, 16);
    __builtin_memcpy(out + (2 * i + 1) * stride, reinterpret_cast<const char*>(&both) + 16, 16);
  }
}

constexpr int kEnd = kBits + kMoreBits + 3;  // 3: a transform of 8 by 8 is 8 times too large
constexpr int kFirstBias = 1 << (kBits - kMoreBits - 1), kLastBias = (1 << (kEnd - 1)) + (128 << kEnd);

// A block of one colour; false if it is too large.
PT_FN bool fill(int16_t* from, int step, uint8_t* out, ptrdiff_t stride) {
  const int number = from[0] * step;
  const uint32_t sum = static_cast<uint32_t>(number) * (1u << (kBits + kMoreBits)) + kLastBias;
  const int level = static_cast<int>(sum) >> kEnd;
  const uint64_t row = static_cast<uint64_t>(level < 0 ? 0 : level > 255 ? 255 : level) * 0x0101010101010101u;
  for (int i = 0; i < 8; ++i) store_as(out + i * stride, row);
  from[0] = 0;
  return number <= kLargest && number >= -kLargest;
}

void inverse_dct(const KernelArgs* args, int64_t) {
  const InverseDct& d = *static_cast<const InverseDct*>(args->desc);
  Shorts worst = {};
  for (int block = 0; block < d.count; block += 2) {
    int16_t* from = d.blocks + 64 * block;
    uint8_t* out = d.out + 8 * block;
    if (!d.others[block] && !d.others[block + 1]) {
      const bool first = fill(from, d.steps[0], out, d.stride);
      const bool second = fill(from + 64, d.steps[0], out + 8, d.stride);
      if (!first || !second) *d.too_large = 1;
      continue;
    }
    Shorts x[8];
    Halves sum = {};
    for (int i = 0; i < 8; ++i) {
      typedef int16_t Eight __attribute__((vector_size(16)));
      const Eight a = load_as<Eight>(from + 8 * i), b = load_as<Eight>(from + 64 + 8 * i);
      const Eight step = load_as<Eight>(d.steps + 8 * i);
      const Shorts numbers = __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
      const Shorts steps = __builtin_shufflevector(step, step, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7);
      const Halves product = (Halves)numbers * (Halves)steps;
      x[i] = (Shorts)product;
      worst |= high_of_product(numbers, steps) ^ (x[i] >> 15);  // it has more than 16 bits
      const Halves size = x[i] < 0 ? -product : product;
      sum += size > 4095 ? Halves{} + 4095 : size;  // so that eight fit into 16 bits
    }
    worst |= (Shorts)(sum > kLargest);
    for (int i = 0; i < 8; ++i) store_as(from + 16 * i, Shorts{});  // memset would be `rep stos`, which begins slowly
    transform(x, kFirstBias, kBits - kMoreBits);
    turn(x);
    transform(x, kLastBias, kEnd);
    store_rows(x, out, d.stride);
  }
  for (int i = 0; i < 16; ++i)
    if (worst[i]) *d.too_large = 1;
}

constexpr int kAtOnce = 16;

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

// 1.402, 0.344136, 0.714136 and 1.772 times 2^16, less what whole ones they hold: the rest fits into 16 bits. Half of
// those of 1.402 and 1.772 do as well: for all bytes the results are those of the whole ones.
PT_FN void colour(const uint8_t* luma, const uint8_t* blue, const uint8_t* red, uint8_t* out) {
  const Shorts y = widened(luma), cb = widened(blue) - 128, cr = widened(red) - 128;
  const Shorts r = y + cr + share_of(cr, all_of((91881 - 65536) / 2));
  const Shorts b = y + cb + cb + share_of(cb, all_of((116130 - 131072) / 2));
  const Ints shares = (Ints{} + (65536 - 46802) * 65536) | (-22554 & 0xFFFF);
  Shorts pairs[2];
  zip(cb, cr, pairs[0], pairs[1]);
  Ints sums[2];
  for (int i = 0; i < 2; ++i) sums[i] = (pairs_of_products(pairs[i], (Shorts)shares) + (1 << 15)) >> 16;
  const Shorts g = y - cr + packed(sums[0], sums[1]);
  Bytes red_green, blue_more;
  zip(packed(r, b), packed(g, g), red_green, blue_more);
  Shorts pixels[2];  // 0 to 3 and 8 to 11; 4 to 7 and 12 to 15
  zip((Shorts)red_green, (Shorts)blue_more, pixels[0], pixels[1]);
  store_as(out, __builtin_shufflevector((Ints)pixels[0], (Ints)pixels[1], 0, 1, 2, 3, 8, 9, 10, 11));
  store_as(out + 32, __builtin_shufflevector((Ints)pixels[0], (Ints)pixels[1], 4, 5, 6, 7, 12, 13, 14, 15));
}

void colours(const KernelArgs* args, int64_t) {
  const ColourRow& d = *static_cast<const ColourRow*>(args->desc);
  if (!d.near[0]) {
    for (int x = 0; x < d.width; x += 8) store_as(d.out + 4 * x, widened_to_ints(d.luma + x) * 0x010101);
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
    store_as(d.out + 4 * x, ((p & 255) * 19595 + (p >> 8 & 255) * 38470 + (p >> 16 & 255) * 7471 + 0x8000) >> 16);
  }
}

constexpr int kShareBits = 22;

// One pixel of four taps a step, in each half of a register its four channels' sums.
PT_FN Ints shrunk(const ShrinkRow& d, int i) {
  const uint8_t* row = d.row + 4 * d.begin[i];
  const int16_t* shares = d.shares + 8 * static_cast<ptrdiff_t>(d.taps) * i;
  Ints low = {}, high = {};
  for (int t = 0; t < d.taps; t += 4, shares += 32) {
    const Shorts pairs = paired_pixels(row + 4 * t);
    low += pairs_of_products(pairs, load_as<Shorts>(shares));
    high += pairs_of_products(pairs, load_as<Shorts>(shares + 16));
  }
  return low + (high << kLowShareBits);
}

void shrink_row(const KernelArgs* args, int64_t) {
  const ShrinkRow& d = *static_cast<const ShrinkRow*>(args->desc);
  for (int x = 0; x < d.count; x += kShrunkAtOnce) {
    Ints sums[4];  // of pixels 0 and 4, 1 and 5, ...
#pragma GCC unroll 1
    for (int i = 0; i < 4; ++i) {
      const Ints a = shrunk(d, x + i), b = shrunk(d, x + i + 4);
      const Ints sum = __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11) +
                       __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
      sums[i] = (sum + (1 << (kShareBits - 1))) >> kShareBits;
    }
    store_as(d.out + 4 * x, packed(packed(sums[0], sums[1]), packed(sums[2], sums[3])));
  }
}

void add_boxes(const KernelArgs* args, int64_t) {
  const AddBoxes& d = *static_cast<const AddBoxes*>(args->desc);
  uint32_t* sums = d.sums;
  for (uint32_t x = 0; x < d.count; sums += 4) {
    FourInts sum = load_as<FourInts>(sums);
    for (const uint32_t end = x + d.across < d.count ? x + d.across : d.count; x < end; ++x)
      sum += widened_to_four(d.row + 4 * x);
    store_as(sums, sum);
  }
}

void mix_rows(const KernelArgs* args, int64_t) {
  const MixRows& d = *static_cast<const MixRows*>(args->desc);
  constexpr int kPieces = 4;
  for (int x = 0; x < d.bytes; x += 8 * kPieces) {  // there is room for a whole last piece
    Ints sums[kPieces];
    for (Ints& sum : sums) sum = Ints{} + (1 << (kShareBits - 1));
    for (int t = 0; t < d.taps; ++t)
      for (int i = 0; i < kPieces; ++i) sums[i] += widened_to_ints(d.rows[t] + x + 8 * i) * d.shares[t];
    const Bytes mixed = packed(packed(sums[0] >> kShareBits, sums[1] >> kShareBits),
                               packed(sums[2] >> kShareBits, sums[3] >> kShareBits));
    // Of four bytes each: the first and second of each eight.
    store_as(d.out + x, (Bytes)__builtin_shufflevector((Ints)mixed, (Ints)mixed, 0, 4, 1, 5, 2, 6, 3, 7));
  }
}

}  // namespace

PT_KERNELS(pictures, inverse_dct, colours, add_boxes, shrink_row, mix_rows);

}  // namespace PT_ISA
}  // namespace pt
