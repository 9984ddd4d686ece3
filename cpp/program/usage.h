// What a lowering must know before it begins: who reads each value, seen through views.
#pragma once
#include <vector>

#include "graph/graph.h"

namespace pt {

// Where a value lies in the result of the node that joins it with others.
struct Joined {
  int node = -1;  // -1: nowhere
  int input = 0;  // of that node
  View view{};
};

struct Usage {
  std::vector<int> root;         // per value: the value whose memory it may share
  std::vector<int> whole;        // per value: the value all of whose memory it is, in order, under another shape
  std::vector<int> last_read;    // per root value: the last node that reads it; kForever for results and slots
  std::vector<int> guard_of;     // per phase: the last guard node, -1 if it has none
  std::vector<int> last_of;      // per phase: its last node, -1 if it has none
  std::vector<int> in_place;     // per value: the slot that its maker writes in place, -1 otherwise
  std::vector<bool> snapshot;    // per slot: its old value is read after it is overwritten, so it is copied first
  std::vector<Joined> piece_of;  // per value: in whose result it is written, if its maker can write it as it lies
                                 // there. Of `whole` values
};
constexpr int kForever = 1 << 30;

Usage usage_of(const Graph& graph);
bool aliases_input(const GraphNode& node);      // views, guards and checks: the result is memory that is there
bool plain_elementwise(const GraphNode& node);  // may write where it reads

}  // namespace pt
