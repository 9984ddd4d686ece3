// Lowering: from a graph to launches on storages, in two halves: where every value lives (placement.h), then which
// launches are emitted (emission.h).
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/launch.h"
#include "graph/graph.h"

namespace pt {

enum class Home { Arena, Constant, Slot, Input, Result };

struct Storage {
  Home home = Home::Arena;
  int index = 0;  // of the constant, slot, input or result
  int64_t bytes = 0;
  int parent = -1;            // lies inside another storage, at parent_offset
  int64_t parent_offset = 0;  // bytes
  int first = 1 << 30;        // first and last launch that touch it
  int last = -1;
  int64_t arena_offset = 0;
};

// Where a value is: strides and offset in elements.
struct Place {
  int storage = -1;
  int64_t offset = 0;
  Strides strides;
};

struct PlacedOperand {
  int storage;
  int64_t byte_offset;
  bool operator==(const PlacedOperand&) const = default;
};

struct PlannedLaunch {
  Launch launch;
  std::vector<PlacedOperand> operands;
  int node;          // of the lowered graph; -1 for a copy that the lowering added
  std::string name;  // for people: "matmul", "fused multiply+add"
  int phase;
  bool commits = false;
};

struct PlannedPhase {
  int begin = 0;  // launches
  int guard = 0;  // the status word is read before this launch; what commits comes after
  int end = 0;
  bool guarded = false;
  bool writes = false;  // assigns slots
  bool skips = false;   // a value that is not finite leaves the phase out, whatever the policy of the program
};

struct Layout {
  std::vector<Storage> storages;
  std::vector<PlannedLaunch> launches;
  std::vector<PlannedPhase> phases;
  std::vector<int> result_storage;  // per result
  std::vector<bool> slot_written;   // per slot of the graph
  int64_t arena_bytes = 0;
};

Layout lower(const Graph& graph, const PlanContext& context);
// Offsets for everything that lives in the arena, so that storages which are alive together do not overlap.
void assign_arena(Layout& layout);

}  // namespace pt
