#pragma once
#include <stdint.h>

namespace pt {

// Rows of scores [steps, classes], their labels [longest], and how much of each counts. All row-major, indices i64.
struct CtcDesc {
  int64_t rows, steps, classes, longest;
  int64_t blank;
  int64_t wide;  // places for the states of one step, a multiple of 16
  int64_t room;  // the same with kCtcPad on both sides
};

constexpr int64_t kCtcPad = 16;

}  // namespace pt
