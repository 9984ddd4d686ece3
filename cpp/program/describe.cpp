// A program as a person reads it: instructions, what was fused, phases, arena and work.
#include <algorithm>
#include <iomanip>
#include <set>
#include <span>
#include <sstream>

#include "ops/launch_notes.h"
#include "program/program.h"

namespace pt {
namespace {

std::string human(double amount, const char* unit) {
  static const char* prefix[] = {"", "k", "M", "G", "T"};
  int p = 0;
  while (amount >= 1000 && p < 4) {
    amount /= 1000;
    ++p;
  }
  std::ostringstream out;
  out << std::setprecision(3) << amount << " " << prefix[p] << unit;
  return out.str();
}

std::string operand_text(const Layout& layout, const Graph& graph, const PlacedOperand& operand) {
  if (operand.storage < 0) return "-";
  const Storage& s = layout.storages[operand.storage];
  switch (s.home) {
    case Home::Arena:
      return text("@", s.arena_offset + operand.byte_offset);
    case Home::Constant:
      return text("const", s.index);
    case Home::Slot:
      return graph.slots[s.index]->name.empty() ? text("slot", s.index) : graph.slots[s.index]->name;
    case Home::Input:
      return text("in", s.index);
    case Home::Result:
      return text("out", s.index);
  }
  return "";
}

// For people: what lies in a storage.
std::string content_of(const Storage& storage, const Layout& layout, const Graph& graph) {
  if (storage.home == Home::Slot) return "slot " + graph.slots[storage.index]->name;
  if (storage.home == Home::Input) return text("input ", storage.index);
  if (storage.home == Home::Constant) return text("constant ", storage.index);
  const PlannedLaunch& maker = layout.launches[storage.first];
  const GraphNode* node = maker.node < 0 ? nullptr : &graph.nodes[maker.node];
  return node && node->location ? text(maker.name, " at ", to_string(*node->location)) : maker.name;
}

}  // namespace

std::string Program::largest_parts() const {
  static constexpr std::size_t kNamed = 3;
  std::vector<const Storage*> whole;
  for (const Storage& storage : layout_.storages) {
    const bool unused = storage.home == Home::Arena && storage.last < 0;
    if (storage.parent < 0 && !unused) whole.push_back(&storage);
  }
  std::stable_sort(whole.begin(), whole.end(), [](const Storage* a, const Storage* b) { return a->bytes > b->bytes; });
  std::string all;
  for (const Storage* storage : std::span(whole).first(std::min(kNamed, whole.size()))) {
    all += text(all.empty() ? "" : ", ", content_of(*storage, layout_, graph_), " ",
                human(static_cast<double>(storage->bytes), "B"));
  }
  return all;
}

std::string Program::note(int launch) const {
  const PlannedLaunch& planned = layout_.launches[launch];
  const std::string note = launch_note(planned.launch);
  const std::string refusal = planned.node < 0 ? "" : graph_.nodes[planned.node].no_epilogue;
  return refusal.empty() ? note : text(note, note.empty() ? "" : "; ", "no epilogue: ", refusal);
}

std::string Program::describe() const {
  std::ostringstream out;
  int64_t fused = 0;
  for (const GraphNode& node : graph_.nodes) {
    if (node.fused) fused += static_cast<int64_t>(node.names.size());
  }
  out << "program: " << instructions_.size() << " instructions from " << source_.nodes.size() << " recorded calls ("
      << fused << " calls fused), " << layout_.phases.size() << " phases, arena "
      << human(static_cast<double>(layout_.arena_bytes), "B") << ", " << human(total_flops_, "flop") << ", kernels "
      << context_.isa << "\n";
  for (std::size_t i = 0; i < graph_.inputs.size(); ++i)
    out << "  in" << i << " " << graph_.values[graph_.inputs[i]].type << "\n";
  for (std::size_t p = 0; p < layout_.phases.size(); ++p) {
    const PlannedPhase& phase = layout_.phases[p];
    if (phase.begin == phase.end) continue;
    out << "phase " << p << "\n";
    for (int i = phase.begin; i < phase.end; ++i) {
      if (i == phase.guard && phase.guarded) out << "  -- guard: what follows happens only if every value was finite\n";
      const PlannedLaunch& planned = layout_.launches[i];
      out << std::setw(5) << i << "  " << std::left << std::setw(28) << planned.name << std::right
          << (instructions_[i].parallel ? " |" : "  ") << std::setw(5) << planned.launch.chunks << " chunks ";
      if (planned.launch.flops > 0) out << human(planned.launch.flops, "flop") << " ";
      if (planned.launch.bytes > 0) out << human(planned.launch.bytes, "B") << " ";
      if (planned.commits) out << "commit ";
      out << " ";
      for (const PlacedOperand& operand : planned.operands) out << " " << operand_text(layout_, graph_, operand);
      out << "\n";
    }
  }
  return out.str();
}

}  // namespace pt
