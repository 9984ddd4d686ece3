// Checking mode: after a guard tripped, nothing of its phase has happened, so the traced graph can be run again, op by
// op, on the same inputs and slots, until one makes a non-finite number out of finite ones. What phases before it
// committed is taken from the slots; what these held before is gone.
#include <algorithm>
#include <cmath>
#include <iomanip>
#include <map>
#include <set>
#include <sstream>

#include "core/convert.h"
#include "graph/trace.h"
#include "ops/autocast.h"
#include "ops/recorder.h"
#include "ops/target.h"
#include "program/program.h"

namespace pt {
namespace {

struct Statistics {
  int64_t bad = 0, total = 0;
  double low = 0, high = 0, mean = 0;
};

Statistics measure(const Tensor& tensor) {
  Statistics s;
  if (!is_float(tensor.dtype())) return s;
  const Tensor flat = to_row_major(tensor).in(host_memory());
  const std::size_t size = size_of(flat.dtype());
  double sum = 0;
  int64_t finite = 0;
  s.total = flat.size();
  for (int64_t i = 0; i < s.total; ++i) {
    const double x = load_number(flat.host() + static_cast<std::size_t>(i) * size, flat.dtype());
    if (!std::isfinite(x)) {
      ++s.bad;
      continue;
    }
    s.low = finite == 0 ? x : std::min(s.low, x);
    s.high = finite == 0 ? x : std::max(s.high, x);
    sum += x;
    ++finite;
  }
  s.mean = finite ? sum / static_cast<double>(finite) : 0;
  return s;
}

std::string summary(const Tensor& tensor) {
  std::ostringstream out;
  out << tensor.type();
  if (!is_float(tensor.dtype())) return out.str();
  const Statistics s = measure(tensor);
  out << std::setprecision(4) << " in [" << s.low << ", " << s.high << "], mean " << s.mean;
  if (s.bad) out << ", " << s.bad << " of " << s.total << " not finite";
  return out.str();
}

std::string place(const GraphNode& node) { return node.location ? to_string(*node.location) : "an unknown line"; }

// The function that the user called, where the op is a part of it.
std::string called(const GraphNode& node) {
  const std::string name = node.location && namer() ? namer()(*node.location) : std::string();
  return name.empty() ? node.op->name : name;
}

std::string name_inputs(const GraphNode& node, const Tensors& inputs) {
  std::string all;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].defined()) continue;
    const std::string name =
        i < node.op->inputs.size() && !node.op->inputs[0].list ? node.op->inputs[i].name : "input " + std::to_string(i);
    all += (all.empty() ? "" : "; ") + name + " " + summary(inputs[i]);
  }
  return all;
}

class Replay {
 public:
  Replay(const Graph& graph, const Tensors& inputs, const Tensors& slots, const RunReport& ran)
      : graph_(graph), slots_(slots), values_(graph.values.size()), committed_(what_was_committed(graph, ran)) {
    for (std::size_t i = 0; i < graph.inputs.size(); ++i) values_[graph.inputs[i]] = inputs[i];
    for (std::size_t s = 0; s < graph.slots.size(); ++s) {
      if (graph.slot_values[s] >= 0) values_[graph.slot_values[s]] = slots[s];
    }
    for (std::size_t v = 0; v < graph.values.size(); ++v) {
      if (graph.values[v].origin == Origin::Constant)
        values_[v] = moved(graph.constants[graph.values[v].index], current_target().memory());
    }
    if (ran.committed_phases == 0) return;
    std::map<int, int> last;  // by slot: what was written last before the error
    for (const SlotWrite& write : graph.writes) {
      if (ran.tripped_phase < 0 || write.phase < ran.tripped_phase) last[write.slot] = write.value;
    }
    for (const auto& [slot, value] : last) values_[value] = slots[slot];
  }

  // What is not finite from the start. Other inputs and slots may hold anything, such as the NaN before the first norm.
  std::string bad_source() const {
    const std::set<int> guarded = behind_guards();
    for (std::size_t i = 0; i < graph_.inputs.size(); ++i) {
      if (guarded.contains(graph_.inputs[i]) && measure(values_[graph_.inputs[i]]).bad) {
        return text("input ", i, " of the step ", summary(values_[graph_.inputs[i]]),
                    "; expected finite numbers; clean the data");
      }
    }
    for (std::size_t s = 0; s < graph_.slots.size(); ++s) {
      if (guarded.contains(graph_.slot_values[s]) && measure(slots_[s]).bad) {
        return text(bad_slot(s), "; expected finite numbers; start from an earlier checkpoint");
      }
    }
    return "";
  }

  // The values that guarded ones are computed from; all that are read, where guards are inside of loops and branches.
  std::set<int> behind_guards() const {
    const bool plain = std::ranges::any_of(graph_.nodes, [](const GraphNode& node) { return node.op->guard; });
    std::set<int> found;
    for (auto node = graph_.nodes.rbegin(); node != graph_.nodes.rend(); ++node) {
      const bool needed = !plain || node->op->guard ||
                          std::ranges::any_of(node->outputs, [&](int output) { return found.contains(output); });
      if (!needed) continue;
      for (int input : node->inputs) {
        if (input >= 0) found.insert(input);
      }
    }
    return found;
  }

  // A slot that is not finite: of one that joins several parameters, the first that is at fault.
  std::string bad_slot(std::size_t s) const {
    std::map<int64_t, SlotRef> parts;
    for (const Piece& piece : graph_.pieces) {
      if (SlotRef part = piece.slot.lock(); part && piece.home == graph_.slots[s]) parts[part->offset()] = part;
    }
    const Tensor whole = to_row_major(slots_[s]);
    for (const auto& [offset, part] : parts) {
      const Tensor value =
          Tensor::view(whole.impl().buffer, part->type(), row_major(part->type().shape), whole.impl().offset + offset);
      if (measure(value).bad) return text("slot ", part->name, " ", summary(value));
    }
    return text("slot ", graph_.slots[s]->name, " ", summary(whole));
  }

  std::string first_fault() {
    for (const GraphNode& node : graph_.nodes) {
      if (values_[node.outputs[0]].defined()) continue;  // it was committed
      Tensors inputs;
      bool finite = true;
      for (int input : node.inputs) {
        inputs.push_back(input < 0 ? Tensor() : values_[input]);
        finite = finite && (input < 0 || measure(inputs.back()).bad == 0);
      }
      if (node.op->guard) {
        values_[node.outputs[0]] = inputs[0];
        continue;
      }
      Tensors outputs;
      try {
        outputs = apply(*node.op, inputs, node.attrs);
      } catch (const KernelError& error) {
        return text(error.what(), " (at ", place(node), ": ", name_inputs(node, inputs), "); ", committed_);
      } catch (const ShapeError& error) {
        return text(error.what(), " (at ", place(node), ": ", name_inputs(node, inputs), "); ", committed_);
      } catch (const IndexError&) {
        return text(
            "[", called(node), "] received an index out of range at ", place(node), ": ", name_inputs(node, inputs),
            "; expected every index within the axis that it reads; check the labels or token ids; ", committed_);
      }
      for (std::size_t i = 0; i < outputs.size(); ++i) {
        values_[node.outputs[i]] = outputs[i];
        if (finite && measure(outputs[i]).bad) {
          return text("[", called(node), "] made a number that is not finite out of finite ones at ", place(node), ": ",
                      name_inputs(node, inputs),
                      "; expected finite results; keep its inputs in range, clip the gradient or lower the learning "
                      "rate; ",
                      committed_);
        }
      }
    }
    return passed_on();
  }

 private:
  // Where no op made it, a constant of the step is not finite: the call that read it, behind the first guarded value
  // that is not.
  std::string passed_on() const {
    const auto bad = [&](int value) { return value >= 0 && values_[value].defined() && measure(values_[value]).bad; };
    for (const GraphNode& guard : graph_.nodes) {
      if (!guard.op->guard || !bad(guard.inputs[0])) continue;
      const GraphNode* reader = &guard;
      for (int value = guard.inputs[0]; graph_.values[value].origin == Origin::Node;) {
        reader = &graph_.nodes[graph_.values[value].index];
        const auto from = std::find_if(reader->inputs.begin(), reader->inputs.end(), bad);
        if (from == reader->inputs.end()) return "";
        value = *from;
      }
      return text("[", called(*reader), "] received a constant of the step that is not finite at ", place(*reader),
                  "; expected finite numbers; keep infinity and NaN out of what is trained; ", committed_);
    }
    return "";
  }

  const Graph& graph_;
  const Tensors& slots_;
  Tensors values_;
  const std::string committed_;
};

}  // namespace

std::string what_was_committed(const Graph& graph, const RunReport& ran) {
  std::set<int> writing;
  for (const SlotWrite& write : graph.writes) writing.insert(write.phase);
  if (ran.committed_phases == 0) return "nothing of this step was committed";
  return text(ran.committed_phases, " of the ", writing.size(), " phases of this step that write ",
              ran.committed_phases == 1 ? "was" : "were", " committed before it");
}

std::string explain_trip(const Graph& source, const Tensors& inputs, const Tensors& slots, const RunReport& ran) {
  TraceScope no_trace(nullptr);
  TapeScope no_tape(false);
  const AutocastScope decided;
  Replay replay(source, inputs, slots, ran);
  const std::string committed = what_was_committed(source, ran);
  if (ran.status & kStatusNonFinite) {
    const std::string source_fault = replay.bad_source();
    if (!source_fault.empty()) return text("[guard] received ", source_fault, "; ", committed);
  }
  const std::string fault = replay.first_fault();
  if (!fault.empty()) return fault;
  if (ran.status & kStatusPluginError) {
    return "[guard] a plugin's kernel failed, and running the step again op by op it did not; expected the same each "
           "time; look with powertrain plugins check; " +
           committed;
  }
  return "[guard] a value is not finite, and running the step again op by op did not show which op made it; expected "
         "finite gradients; report this with the step; " +
         committed;
}

}  // namespace pt
