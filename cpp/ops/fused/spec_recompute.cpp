// Which operations are cheaper to do again than to keep, and the program in which they are.
#include <algorithm>
#include <map>
#include <utility>

#include "ops/fused/chains.h"

namespace pt::fused {
namespace {

class Recomputer {
 public:
  explicit Recomputer(const Ir& ir) : ir_(ir), chained_to_(find_chains(ir, true, true)), users_(ir.nodes.size()) {
    for (std::size_t i = 0; i < ir.nodes.size(); ++i) {
      for (int arg : ir.nodes[i].args) {
        if (ir.nodes[i].live) users_[std::size_t(arg)].push_back(int(i));
      }
    }
  }

  Ir run() const {
    Ir out = ir_;
    out.nodes.clear();
    std::vector<int> place(ir_.nodes.size());
    std::map<std::pair<int, int>, int> copies;  // by node and phase
    for (int i = 0; i < int(ir_.nodes.size()); ++i) {
      Node made = node(i);
      for (int& arg : made.args) {
        const auto copy = copies.find({arg, used_in(made)});
        arg = copy == copies.end() ? place[std::size_t(arg)] : copy->second;
      }
      place[std::size_t(i)] = int(out.nodes.size());
      out.nodes.push_back(made);
      for (int phase : phases_of_copies(i)) {
        copies[{i, phase}] = int(out.nodes.size());
        out.nodes.push_back(made);
        out.nodes.back().phase = phase;
      }
    }
    defer_stores(out);
    return out;
  }

 private:
  const Node& node(int i) const { return ir_.nodes[std::size_t(i)]; }

  // Read from memory as it is, or the same for the whole row.
  bool is_at_hand(const Node& arg) const {
    if (arg.level != Level::Vector) return true;
    if (arg.kind != StepKind::Load) return false;
    const FusedOperandDesc& operand = ir_.space.operands[std::size_t(arg.operand)];
    return operand.inner == 1 && operand.bytes == class_bytes(arg.to) && ir_.space.cols % kFusedLanes == 0;
  }

  // Whether the instruction that computes this user can compute one of its arguments too.
  bool takes_one_more(int user) const {
    const Node& u = node(user);
    if (u.kind == StepKind::RowSum) return u.from == FusedClass::F32;
    if (u.kind == StepKind::ColumnSum) return true;
    if (u.level != Level::Vector || u.args.size() != 2 || chain_op(u) < 0) return false;
    const int by = chained_to_[std::size_t(user)];
    if (by < 0) return true;
    const bool has_one =
        std::any_of(u.args.begin(), u.args.end(), [&](int a) { return chained_to_[std::size_t(a)] == user; });
    return node(by).kind == StepKind::RowSum && !has_one;
  }

  // The later phases that read it: all of them, or none if one would not save its copy.
  std::vector<int> phases_of_copies(int i) const {
    const Node& v = node(i);
    if (!v.live || v.level != Level::Vector || chain_op(v) < 0) return {};
    if (!std::all_of(v.args.begin(), v.args.end(), [&](int arg) { return is_at_hand(node(arg)); })) return {};
    std::vector<int> phases;
    for (int user : users_[std::size_t(i)]) {
      const int phase = used_in(node(user));
      if (phase == v.phase) continue;
      const bool again = std::find(phases.begin(), phases.end(), phase) != phases.end();
      if (again || !takes_one_more(user)) return {};
      phases.push_back(phase);
    }
    return phases;
  }

  const Ir& ir_;
  std::vector<int> chained_to_;
  std::vector<std::vector<int>> users_;
};

}  // namespace

Ir recompute(const Ir& ir) { return Recomputer(ir).run(); }

}  // namespace pt::fused
