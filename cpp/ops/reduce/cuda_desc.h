// What the plan of a reduction tells its kernels on a GPU: [outer, reduced, inner] -> [outer, inner].
#pragma once
#include "cuda/space.h"
#include "ops/fused/cuda_program.h"
#include "ops/reduce/desc.h"

namespace pt::cuda {

// What the kernels share. A result is an item, and neighbouring threads take neighbouring items.
struct ReduceItems {
  Axes outer, reduced;  // a: the input
  Divisor inner;
  int64_t inner_stride;  // in bytes
  int64_t items, n_reduced;
  ReduceCombine combine;
  FusedStorage from, to;
  FusedClass accumulator;
  bool truth;  // elements count as 0 or 1
};

constexpr int kReduceThreads = 512;
constexpr int kGroupChains = static_cast<int>(kColumnGroup / kColumnBlock);

// Row y of a block adds up chain y of a group, and row 0 the chains. The results of several groups are [group, item].
// Where columns are few and long, no row waits for the others: the sums of all chains are [chain, item].
struct ReduceColumns {
  ReduceItems of;
  int64_t groups;
  int64_t parts, parts_of_group;  // sums that are joined by a second launch: a group's is one, or its chains'
};

// The same with a program behind it. The operands are those of the program, whose first one is the results, in the
// workspace; then what is added up: the input, or the sums of groups or chains.
struct ReduceColumnsThen {
  ReduceColumns columns;
  int32_t source;  // which operand that is
  FusedAfter after;
};
constexpr int kThenOperands = kAfterOperands + 1;

// Row y of a block looks at elements y, y + rows, ... of its columns.
struct ReducePositions {
  ReduceItems of;
};

constexpr int kPositionThreads = 256;

// A block looks at a part of a row. The places of several parts are [item, part].
struct RowPositions {
  ReduceItems of;
  int64_t part;
  Divisor parts;
};

}  // namespace pt::cuda
