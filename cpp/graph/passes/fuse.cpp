// Fusion. A group has a space: the shape that its loops run over. Its members are elementwise calls of that shape, sums
// and maxima along its last axis, calls on the per-row results of these, and sums down its columns. Law 2 holds because
// the machine does each member's formula, with its rounding, element by element: only memory traffic goes away.
#include <algorithm>
#include <map>

#include "graph/passes/groups.h"
#include "graph/passes/passes.h"
#include "graph/passes/program_writer.h"
#include "ops/fused/classes.h"

namespace pt {
namespace {

// Whether a value is the result of an op, such as a product, that may take what follows it as its epilogue.
bool takes_epilogue(const Graph& graph, const Target& target, int input) {
  const bool through_views = target.fusion_limits().saves_launches;
  const Value& value = graph.values[through_views ? unsqueezed(graph, input) : input];
  if (value.origin != Origin::Node || !graph.nodes[value.index].op) return false;
  const OpPlan* plan = target.find(*graph.nodes[value.index].op);
  return plan && plan->plan_epilogue;
}

// A single elementwise call or cast becomes a program of its own if a product could take that as its epilogue.
bool may_follow_product(const Graph& graph, const Target& target, const GraphNode& node) {
  return node.op && (node.op->elementwise || node.op->casts) &&
         std::any_of(node.inputs.begin(), node.inputs.end(),
                     [&](int input) { return takes_epilogue(graph, target, input); });
}

Shape row_of(Shape shape) {
  if (!shape.empty()) shape[shape.size() - 1] = 1;
  return shape;
}

class Fuser {
 public:
  Fuser(const Graph& graph, const Target& target)
      : graph_(graph), target_(target), limits_(target.fusion_limits()), groups_(graph), space_(graph.nodes.size()) {
    for (const GraphNode& node : graph.nodes) summed_rows_.push_back(limits_.sums_columns ? rows_to_sum(node) : 0);
  }

  Graph run() {
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) grow(static_cast<int>(n));
    if (limits_.saves_launches) join_readers();
    if (limits_.sums_columns) join_column_sums();
    return emit();
  }

 private:
  // Of a sum of columns that takes nothing away from the threads, its rows, else 0: a chunk has whole blocks of the
  // rows of one sum, or all rows of some.
  int64_t rows_to_sum(const GraphNode& node) const {
    constexpr int64_t kMostColumns = 16384, kChunksOfThread = 4, kLeastRows = 32;
    const int64_t rows = rows_of_column_sum(graph_, node);
    if (rows == 0) return 0;
    const Shape& shape = graph_.values[node.inputs[0]].type.shape;
    const int64_t sums = count(shape) / shape.back() / rows, threads = target_.context().threads;
    const int64_t parts = sums == 1 ? rows / kColumnBlock : sums;
    const bool shares = threads == 1 || parts >= kChunksOfThread * threads;
    return shares && shape.back() <= kMostColumns && (sums == 1 || rows >= kLeastRows) ? rows : 0;
  }
  bool sums_columns(int n) const { return summed_rows_[static_cast<std::size_t>(n)] > 0; }
  // Whether all sums of columns that are members of these groups have as many rows.
  bool sum_alike(const std::vector<int>& groups) const {
    int64_t rows = 0;
    for (int group : groups) {
      for (int n : groups_.members(group)) {
        if (!sums_columns(n)) continue;
        const int64_t own = summed_rows_[static_cast<std::size_t>(n)];
        if (rows != 0 && rows != own) return false;
        rows = own;
      }
    }
    return true;
  }

  bool fusible(int n) const {
    const GraphNode& node = graph_.nodes[n];
    if (!node.op) return false;
    for (int output : node.outputs) {
      if (count(graph_.values[output].type.shape) == 0) return false;
    }
    return node.op->elementwise || node.op->casts || node.op->draws || sums_columns(n) ||
           row_reduction(graph_, node).has_value();
  }

  bool stays_in_register(DType dtype) const {
    return register_exact(dtype) || (limits_.rounds_halves && (dtype == DType::F16 || dtype == DType::BF16));
  }

  Shape own_space(int n) const {
    const GraphNode& node = graph_.nodes[n];
    return row_reduction(graph_, node) || sums_columns(n) ? graph_.values[node.inputs[0]].type.shape
                                                          : graph_.values[node.outputs[0]].type.shape;
  }

  // Whether node n can be a member of these groups as one with this space; per-row results are reused only where rows
  // are many.
  bool fits(int n, const Shape& space, const std::vector<int>& groups) const {
    const auto inside = [&](const Value& value) {
      return value.origin == Origin::Node &&
             std::find(groups.begin(), groups.end(), groups_.group_of(value.index)) != groups.end();
    };
    const GraphNode& node = graph_.nodes[n];
    const bool serial = count(space) / std::max<int64_t>(1, space.empty() ? 1 : space.back()) < limits_.few_rows &&
                        !space.empty() && space.back() > limits_.long_row;
    for (int input : node.inputs) {
      const Value& value = graph_.values[input];
      if (!inside(value)) continue;
      if (sums_columns(value.index)) return false;  // which is known behind all rows
      if (!stays_in_register(value.type.dtype)) return false;
      // A member's value has the space's shape or is per-row: it fitted when it joined.
      if (serial && is_row_value(value.index, space)) return false;
    }
    if (row_reduction(graph_, node) || sums_columns(n)) return graph_.values[node.inputs[0]].type.shape == space;
    const Shape& shape = graph_.values[node.outputs[0]].type.shape;
    if (shape == space) return true;
    // A per-row member: what broadcasts to its shape, and so all that it reads, is per-row too.
    return !node.op->draws && shape == row_of(space);
  }

  // Not the node alone that joins them: what one group reads of the other may be a result that registers do not hold.
  bool all_fit(const std::vector<int>& groups, const Shape& space) const {
    if (!sum_alike(groups)) return false;
    for (int group : groups) {
      for (int n : groups_.members(group)) {
        if (!fits(n, space, groups)) return false;
      }
    }
    return true;
  }

  bool is_row_value(int node, const Shape& space) const {
    const Shape& shape = graph_.values[graph_.nodes[node].outputs[0]].type.shape;
    if (row_reduction(graph_, graph_.nodes[node])) return true;
    return shape == row_of(space) && shape != space;
  }

  void grow(int n) {
    const GraphNode& node = graph_.nodes[n];
    space_[n] = Shape();
    if (!fusible(n)) return;
    space_[n] = own_space(n);
    std::vector<int> joined = {n};
    for (int input : node.inputs) {
      const Value& value = graph_.values[input];
      if (value.origin != Origin::Node) continue;
      const int maker = groups_.group_of(value.index);
      if (maker == groups_.group_of(n) || graph_.nodes[value.index].phase != node.phase) continue;
      if (!fusible(value.index)) continue;
      const Shape space = space_[maker];
      if (groups_.members(groups_.group_of(n)).size() > 1 && space != space_[groups_.group_of(n)]) continue;
      std::vector<int> candidates = {maker, groups_.group_of(n)};
      if (!all_fit(candidates, space) || !small_enough(candidates) || !leaves_products(candidates)) continue;
      if (!groups_.can_join(candidates)) continue;
      const int merged = groups_.join(candidates);
      space_[merged] = space;
    }
  }

  // Groups that read the same tensor of their space become one, each with the one before it.
  void join_readers() {
    std::map<int, int> before;  // by value: a node that read it
    for (std::size_t at = 0; at < graph_.nodes.size(); ++at) {
      const int n = static_cast<int>(at);
      if (!fusible(n)) continue;
      for (int input : graph_.nodes[at].inputs) {
        if (input < 0 || readers_[input] < 2 || graph_.values[input].type.shape != space_of(n)) continue;
        if (const auto found = before.find(input); found != before.end()) join_with(found->second, n);
        before[input] = n;
      }
    }
  }
  const Shape& space_of(int n) const { return space_[static_cast<std::size_t>(groups_.group_of(n))]; }
  // A sum of columns goes along with what else reads its rows.
  void join_column_sums() {
    for (std::size_t at = 0; at < graph_.nodes.size(); ++at) {
      if (!sums_columns(static_cast<int>(at))) continue;
      const int n = static_cast<int>(at), summed = graph_.nodes[at].inputs[0];
      for (int other = 0; other < static_cast<int>(graph_.nodes.size()) && readers_[summed] > 1; ++other) {
        const std::vector<int>& inputs = graph_.nodes[other].inputs;
        if (other == n || !fusible(other) || std::find(inputs.begin(), inputs.end(), summed) == inputs.end()) continue;
        join_with(std::min(other, n), std::max(other, n));
      }
    }
  }
  void join_with(int reader, int n) {
    const std::vector<int> candidates = {groups_.group_of(reader), groups_.group_of(n)};
    if (candidates[0] == candidates[1] || !are_near(graph_.nodes[reader], graph_.nodes[n], n - reader)) return;
    const Shape space = space_of(n);
    if (space_of(reader) != space || follows_product(candidates[0]) || follows_product(candidates[1])) return;
    if (!all_fit(candidates, space) || !small_enough(candidates) || !groups_.can_join(candidates)) return;
    space_[static_cast<std::size_t>(groups_.join(candidates))] = space;
  }
  // Whether a group alone reads the result of an op that may take it along.
  bool follows_product(int group) const {
    const std::vector<int>& members = groups_.members(group);
    return std::any_of(members.begin(), members.end(), [&](int n) {
      const std::vector<int>& inputs = graph_.nodes[n].inputs;
      return std::any_of(inputs.begin(), inputs.end(), [&](int input) {
        return takes_epilogue(graph_, target_, input) && groups_.group_of(graph_.values[input].index) != group &&
               readers_in(input, group) == readers_[input];
      });
    });
  }
  // A product takes no sums of columns along.
  bool leaves_products(const std::vector<int>& groups) const {
    const auto sums = [&](int group) {
      const std::vector<int>& members = groups_.members(group);
      return std::any_of(members.begin(), members.end(), [&](int n) { return sums_columns(n); });
    };
    return std::none_of(groups.begin(), groups.end(), sums) ||
           std::none_of(groups.begin(), groups.end(), [&](int group) { return follows_product(group); });
  }
  int readers_in(int value, int group) const {
    int found = 0;
    for (int n : groups_.members(group)) {
      const std::vector<int>& inputs = graph_.nodes[n].inputs;
      found += static_cast<int>(std::count(inputs.begin(), inputs.end(), value));
    }
    return found;
  }

  bool small_enough(const std::vector<int>& groups) const {
    std::size_t members = 0;
    std::map<int, bool> operands;
    for (int g : groups) {
      members += groups_.members(g).size();
      for (int node : groups_.members(g)) {
        for (int input : graph_.nodes[node].inputs) operands[input] = true;
        operands[graph_.nodes[node].outputs[0]] = true;
      }
    }
    if (members > limits_.members) return false;
    // Values inside the group are counted too, as if each were stored: a bound, not the exact number.
    return operands.size() <= limits_.operands + members;
  }

  Graph emit();
  GraphNode build(int group, const std::vector<bool>& used_outside) const;
  std::vector<bool> used_outside() const;

  const Graph& graph_;
  const Target& target_;
  const FusionLimits& limits_;
  Groups groups_;
  std::vector<Shape> space_;
  const std::vector<int> readers_ = count_readers(graph_);
  std::vector<int64_t> summed_rows_;  // by node: of a sum of columns, else 0
};

std::vector<bool> Fuser::used_outside() const {
  std::vector<bool> used(graph_.values.size(), false);
  for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
    for (int input : graph_.nodes[n].inputs) {
      if (input < 0 || graph_.values[input].origin != Origin::Node) continue;
      if (groups_.group_of(graph_.values[input].index) != groups_.group_of(static_cast<int>(n))) used[input] = true;
    }
  }
  for (int result : graph_.results) used[result] = true;
  for (const SlotWrite& write : graph_.writes) used[write.value] = true;
  return used;
}

GraphNode Fuser::build(int group, const std::vector<bool>& used) const {
  ProgramWriter writer(graph_, space_[group]);
  std::vector<int> stored;
  std::vector<std::string> names;
  for (int n : groups_.members(group)) {
    writer.member(graph_.nodes[n]);
    names.push_back(graph_.nodes[n].op->name);
    if (used[graph_.nodes[n].outputs[0]]) stored.push_back(graph_.nodes[n].outputs[0]);
  }
  GraphNode node = writer.finish(stored);
  node.names = std::move(names);
  node.phase = graph_.nodes[groups_.members(group).back()].phase;
  node.recompute = graph_.nodes[groups_.members(group).back()].recompute;
  node.location = graph_.nodes[groups_.members(group).front()].location;
  return node;
}

Graph Fuser::emit() {
  const std::vector<bool> used = used_outside();
  Graph result = graph_;
  result.nodes.clear();
  for (int group : groups_.order()) {
    const std::vector<int>& members = groups_.members(group);
    const bool alone = members.size() == 1 && !may_follow_product(graph_, target_, graph_.nodes[members[0]]);
    GraphNode node = alone ? graph_.nodes[members[0]] : build(group, used);
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      result.values[node.outputs[i]].index = static_cast<int>(result.nodes.size());
      result.values[node.outputs[i]].output = static_cast<int>(i);
    }
    result.nodes.push_back(std::move(node));
  }
  return result;
}

}  // namespace

Graph fuse(const Graph& graph, const Target& target) { return Fuser(graph, target).run(); }

}  // namespace pt
