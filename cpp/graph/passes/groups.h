// Which nodes of a graph become one: groups that grow along the edges, and are refused where they would wait for
// themselves.
#pragma once
#include <vector>

#include "graph/graph.h"

namespace pt {

class Groups {
 public:
  explicit Groups(const Graph& graph);

  int group_of(int node) const { return group_[node]; }
  const std::vector<int>& members(int group) const { return members_[group]; }
  // True when the groups could run as one: nothing outside them needs one and is needed by another.
  bool can_join(const std::vector<int>& groups);
  // Joins them all into the first and returns it.
  int join(const std::vector<int>& groups);
  // Every group once, in an order that respects dependences and phases, earliest nodes first.
  std::vector<int> order() const;

 private:
  // The group of every node that this one needs.
  template <class Fn>
  void for_makers(int node, Fn fn) const;

  const Graph& graph_;
  std::vector<std::vector<int>> checks_;  // by node: of a guard, the checks of its phase in front of it
  std::vector<int> group_;
  std::vector<std::vector<int>> members_;
  std::vector<int> visited_;  // by group: the search that reached it last
  int search_ = 0;
};

}  // namespace pt
