// What plans that sort and search tell their kernels on a GPU.
#pragma once
#include "cuda/space.h"
#include "ops/fused/desc.h"

namespace pt::cuda {

// What is sorted: lines of n entries each, by their keys. Equal keys keep their order.
struct SortEntry {
  uint64_t key;
  int64_t position;
};

constexpr int kSortThreads = 256;
constexpr int kSortEach = 8;                         // entries of a thread
constexpr int kSortTile = kSortThreads * kSortEach;  // and of a block
constexpr int kSortDigits = 256;                     // values of a digit: one for each thread

// A pass over one digit of the keys: count, offsets, place. The counts are [line, tile, digit].
struct SortPass {
  int64_t lines, n;
  Divisor line_tiles;  // tiles of a line
  int64_t tiles;       // of all lines
  int32_t shift;
};

// The entries of the lines of a tensor.
struct SortKeys {
  Axes lines;  // a: x
  Divisor n;   // entries of a line
  int64_t entries;
  int64_t stride;  // along the axis, in bytes
  uint64_t flip;   // all bits where the order is descending
  FusedStorage storage;
};

// Short lines that are sorted in one launch.
struct SortShort {
  SortKeys keys;       // lines.b: out
  int64_t out_stride;  // along the axis, in bytes
};

// The positions of sorted entries, to where they belong.
struct SortPositions {
  Axes lines;  // b: out
  Divisor n;
  int64_t entries;
  int64_t stride;
};

// Where values belong in a sorted row.
struct SearchSorted {
  Axes values;  // a: values, b: out
  int64_t n, stride;
  FusedStorage storage;
  bool right;
};

}  // namespace pt::cuda
