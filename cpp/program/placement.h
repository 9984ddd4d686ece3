// The first half of a lowering: where every value lives. Decides which values are views of others, which gradients are
// written straight into the flat gradient, which updates happen in place, and what must be copied first. It emits
// nothing: emission.h turns a graph and its placement into launches.
#pragma once
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "program/layout.h"
#include "program/usage.h"

namespace pt {

// The old value of a slot, which is read after the slot is overwritten.
struct Snapshot {
  int value;
  Place from;  // in the slot; the value's own place is the copy
};

// A node and the position of one of its inputs.
using NodeInput = std::pair<int, int>;

struct Placement {
  std::vector<Storage> storages;
  std::vector<Place> places;          // per value
  std::vector<int> slot_storage;      // per slot of the graph
  std::vector<int> result_storage;    // per result
  std::vector<char> in_result;        // per result: its maker writes it there, so that nothing is left to copy
  std::vector<Snapshot> snapshots;    // copied before the first launch
  std::map<NodeInput, Place> copied;  // inputs that lie as their reader cannot take them, and where it finds the copy
  std::set<NodeInput> joined;         // pieces that lie in what joins them already
};

Placement place(const Graph& graph, const Usage& usage);

int64_t bytes_of(const TensorType& type);

}  // namespace pt
