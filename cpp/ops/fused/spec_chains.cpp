// Finds the nodes that one instruction computes together.
#include <algorithm>
#include <array>
#include <string_view>

#include "ops/fused/chains.h"

namespace pt::fused {
namespace {

bool is_float_formula(const Node& v) {
  return v.kind == StepKind::Math && !v.external && (v.from == FusedClass::F32 || v.from == FusedClass::F64);
}
std::string_view formula(const Node& v) { return kMathFacts.facts[v.op].name; }

// Of a square, the one number twice.
std::array<int, 2> two_args(const Node& v) { return {v.args[0], v.args.back()}; }

class Finder {
 public:
  Finder(const Ir& ir, bool sums, bool columns) : ir_(ir), uses_(ir.nodes.size(), 0), to_(ir.nodes.size(), -1) {
    for (const Node& v : ir.nodes) {
      for (int arg : v.args) uses_[std::size_t(arg)] += v.live;
    }
    for (int i = int(ir.nodes.size()) - 1; i >= 0; --i) {
      const Node& v = node(i);
      if (!v.live) continue;
      if (v.kind == StepKind::RowSum && sums)
        take_summed(i);
      else if (v.kind == StepKind::ColumnSum && columns)
        take_added(i);
      else if (v.level == Level::Vector && is_where(v) && to_[std::size_t(i)] < 0)
        take_compared(i);
      else if (v.level == Level::Vector && chain_op(v) >= 0)
        take_arithmetic(i);
    }
  }
  std::vector<int> take() { return std::move(to_); }

 private:
  const Node& node(int i) const { return ir_.nodes[std::size_t(i)]; }
  bool waits_for(int arg, FusedClass cls, int phase) const {
    const Node& a = node(arg);
    return a.live && a.level == Level::Vector && a.phase == phase && a.from == cls && uses_[std::size_t(arg)] == 1;
  }
  void take_summed(int i) {
    const Node& v = node(i);
    const int arg = v.args[0];
    if (v.from != FusedClass::F32) return;
    if (waits_for(arg, v.from, v.phase - 1) && chain_op(node(arg)) >= 0) to_[std::size_t(arg)] = i;
  }
  void take_added(int i) {
    const Node& v = node(i);
    if (waits_for(v.args[0], v.from, v.phase) && chain_op(node(v.args[0])) >= 0) to_[std::size_t(v.args[0])] = i;
  }
  void take_compared(int i) {
    const Node& v = node(i);
    const int mask = v.args[0];
    if (waits_for(mask, v.from, v.phase) && compare_op(node(mask)) >= 0) to_[std::size_t(mask)] = i;
  }
  // Both arguments of a value; one of what is added up.
  void take_arithmetic(int i) {
    const Node& v = node(i);
    const int user = to_[std::size_t(i)];
    const bool summed = user >= 0 && node(user).kind == StepKind::RowSum;
    if (!summed && (user >= 0 || v.args.size() != 2)) return;
    for (int arg : v.args) {
      if (!waits_for(arg, v.from, v.phase) || chain_op(node(arg)) < 0) continue;
      to_[std::size_t(arg)] = i;
      if (summed) return;
    }
  }

  const Ir& ir_;
  std::vector<int> uses_, to_;
};

}  // namespace

int chain_op(const Node& v) {
  if (!is_float_formula(v)) return -1;
  const std::string_view name = formula(v);
  return name == "add" ? 0 : name == "subtract" ? 1 : name == "multiply" || name == "square" ? 2 : -1;
}

int compare_op(const Node& v) {
  if (!is_float_formula(v)) return -1;
  constexpr std::string_view names[] = {"greater", "greater_equal", "less", "less_equal", "equal", "not_equal"};
  const auto* found = std::find(std::begin(names), std::end(names), formula(v));
  return found == std::end(names) ? -1 : int(found - names);
}

bool is_where(const Node& v) { return v.kind == StepKind::Math && !v.external && formula(v) == "where"; }

std::vector<int> find_chains(const Ir& ir, bool sums, bool columns) { return Finder(ir, sums, columns).take(); }

Chain chain_of(const Ir& ir, const std::vector<int>& chained_to, int i) {
  const Node& v = ir.nodes[std::size_t(i)];
  const std::array<int, 2> sides = two_args(v);
  int inner[2] = {-1, -1};
  Chain chain{FusedChain::One, chain_op(v), {}};
  for (int side = 0; side < 2; ++side) {
    const Node& a = ir.nodes[std::size_t(sides[std::size_t(side)])];
    if (chained_to[std::size_t(sides[std::size_t(side)])] != i) {
      chain.args.push_back(sides[std::size_t(side)]);
      continue;
    }
    inner[side] = chain_op(a);
    for (int arg : two_args(a)) chain.args.push_back(arg);
  }
  if (inner[0] >= 0 && inner[1] >= 0) {
    chain.form = FusedChain::Both;
    chain.op += 3 * inner[0] + 9 * inner[1];
  } else if (inner[0] >= 0 || inner[1] >= 0) {
    chain.form = inner[0] >= 0 ? FusedChain::Left : FusedChain::Right;
    chain.op += 3 * std::max(inner[0], inner[1]);
  }
  return chain;
}

Chain summed_chain_of(const Ir& ir, const std::vector<int>& chained_to, int i) {
  const Node& v = ir.nodes[std::size_t(i)];
  const bool squares = v.args.size() == 1 && chained_to[std::size_t(v.args[0])] == i;
  if (!squares) return chain_of(ir, chained_to, i);
  const Node& inside = ir.nodes[std::size_t(v.args[0])];
  const std::array<int, 2> args = two_args(inside);
  return {FusedChain::Square, chain_op(inside), {args[0], args[1]}};
}

}  // namespace pt::fused
