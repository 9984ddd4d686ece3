// What is computed for many pixels at once, compiled for each instruction set: cpu.cpp. All of it is arithmetic of
// whole numbers, so the bits are the same everywhere.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "core/kernel.h"

namespace pt {

// Those for the instruction set in use, by PictureKernel; null where Pillow is quicker.
const KernelFn* picture_kernels();

enum class PictureKernel { kInverseDct, kColours, kAddBoxes, kShrinkRow, kMixRows };
// `desc` is the struct below of that name.
void run_picture_kernel(const KernelFn* kernels, PictureKernel kernel, const void* desc);

// Blocks of 8 x 8 frequencies to samples. The blocks, which have 64 numbers in rows, are zeros afterwards.
struct InverseDct {
  int16_t* blocks;
  const uint8_t* others;  // for each: 0 if all numbers but the first are 0
  const int16_t* steps;   // what the numbers are multiplied by
  uint8_t* out;           // the blocks side by side
  ptrdiff_t stride;       // of the rows of `out`
  int count;              // even
  uint32_t* too_large;    // set to 1 where sums might not fit into 16 bits: decoders do not agree on such blocks
};

// A row of pixels: red, green, blue, and a fourth byte of no meaning.
struct ColourRow {
  const uint8_t* luma;
  // Of blue and of red: the row of colours that lies nearest, and the next one. Null for grey.
  const uint8_t *near[2], *far[2];
  int width, across, down;  // pixels, and how many of them share a colour
  uint8_t* spread[2];       // room for `width` colours each, and for kSpreadSlack more
  int16_t* sums;            // room for as many
  bool grey;                // luma of the colours in place of red
  uint8_t* out;
};
constexpr int kSpreadSlack = 64;

// Adds each few pixels of a row to sums of 4 numbers.
struct AddBoxes {
  const uint8_t* row;
  uint32_t count, across;  // pixels, and how many of them go into a sum; the last one may have fewer
  uint32_t* sums;
};

constexpr int kLowShareBits = 15;  // of the 22 bits of a share

// What each pixel of a smaller or larger row is made of.
struct ShrinkRow {
  const uint8_t* row;    // pixels of 4 bytes
  const int32_t* begin;  // for each of those that are made: the first that counts
  // For each, for each four of its taps, the low bits of their shares and then the high ones: those of the first two,
  // four times over, and those of the others likewise.
  const int16_t* shares;
  int taps, count;  // multiples of 4 and of kShrunkAtOnce
  uint8_t* out;
};
constexpr int kShrunkAtOnce = 8;

// A row made of several.
struct MixRows {
  const uint8_t* const* rows;
  const int32_t* shares;
  int taps, bytes;
  uint8_t* out;
};

}  // namespace pt
