// Stable sorting on a GPU.
#pragma once
#include "core/launch.h"

namespace pt::cuda {

// Entries in the workspace of a plan, and what sorting them takes: two places for them, between which the passes go to
// and fro, and one for the counts of digits.
struct SortPlaces {
  int64_t entries, other, counts;
};
// Reserves them in the plan's workspace.
SortPlaces reserve_sort(LaunchPlan& plan, int64_t lines, int64_t n);

// Appends the passes that sort by the bits [low, high) of the keys. The places are exchanged as often as there are
// passes: afterwards `entries` is where the sorted ones are.
void append_sort(LaunchPlan& plan, SortPlaces& places, int64_t lines, int64_t n, int low, int high);

}  // namespace pt::cuda
