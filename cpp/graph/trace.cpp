#include "graph/trace.h"

#include <cstring>
#include <set>
#include <tuple>
#include <unordered_set>
#include <utility>

#include "graph/region.h"
#include "ops/autocast.h"
#include "ops/expand.h"
#include "ops/functional.h"
#include "ops/tape.h"

namespace pt {
namespace {

bool same_call(const Node& node, const Op& op, const Tensors& inputs, const Attrs& attrs, int phase,
               uint64_t recompute) {
  if (node.op != &op || node.phase != phase || node.recompute != recompute || node.inputs.size() != inputs.size() ||
      node.attrs != attrs)
    return false;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (node.inputs[i].defined() != inputs[i].defined()) return false;
    if (inputs[i].defined() && node.inputs[i].id() != inputs[i].id()) return false;
  }
  return true;
}

Indexed indexed_by(const Node& node) {
  Types types;
  for (const Tensor& t : node.inputs) types.push_back(t.defined() ? t.type() : TensorType{DType::Bool, {}});
  return node.op->indexes(types, node.attrs);
}

}  // namespace

Trace::Trace(TraceOptions options)
    : id_(next_value_id()), options_(options), parent_(options.nested ? active_recorder() : nullptr) {}

Tensor Trace::symbol(const TensorType& type, std::shared_ptr<Node> node, int output) {
  auto impl = std::make_shared<TensorImpl>();
  impl->type = type;
  impl->trace = id_;
  impl->id = next_value_id();
  impl->strides = row_major(type.shape);
  impl->node = std::move(node);
  impl->output = output;
  return Tensor(std::move(impl));
}

Tensor Trace::input(const TensorType& type) {
  inputs_.push_back(symbol(type));
  return inputs_.back();
}

Tensor Trace::one_number(const Tensor& t) {
  if (!t.defined() || !t.concrete() || t.ndim() > 0 || size_of(t.dtype()) > sizeof(uint64_t)) return t;
  if (!t.impl().buffer->memory().on_host()) return t;  // to look at it would wait for the device
  if (t.impl().buffer->borrowed()) return t;           // its owner may write another number into it
  uint64_t bits = 0;
  std::memcpy(&bits, t.host(), size_of(t.dtype()));
  return numbers_.try_emplace({t.dtype(), bits}, t).first->second;
}

Tensors Trace::record(const Op& op, const Tensors& given, const Attrs& attrs, const Types& types) {
  if (options_.instead) {
    if (Tensors made = options_.instead(op, given, attrs); !made.empty()) return made;
  }
  if (options_.expand && !op.view && expands(options_.target, op)) return expand_for(options_.target, op, given, attrs);
  Tensors inputs = given;
  if (options_.merge) {
    for (Tensor& t : inputs) t = one_number(t);
  }
  std::size_t key = 0;
  if (options_.merge && !op.random && !op.guard) {
    key = std::hash<const void*>()(&op) ^ hash_value(attrs) ^ static_cast<std::size_t>(phase_) * 0x9e3779b9;
    for (const Tensor& t : inputs) key = key * 0x100000001b3ull + (t.defined() ? t.id() : 0);
    for (auto& node : merged_[key]) {
      if (!same_call(*node, op, inputs, attrs, phase_, recompute_)) continue;
      Tensors outputs;
      for (std::size_t i = 0; i < types.size(); ++i) {
        Tensor twin = symbol(types[i], node, static_cast<int>(i));
        auto impl = std::make_shared<TensorImpl>(twin.impl());
        impl->id = node->output_ids[i];
        outputs.push_back(Tensor(std::move(impl)));
      }
      return outputs;
    }
  }
  auto node = std::make_shared<Node>();
  node->op = &op;
  node->attrs = attrs;
  if (op.guard) {
    if (options_.skips) node->attrs.set("skip", true);
    may_leave_out_ = node->attrs.flag("skip");
  }
  node->inputs = inputs;
  node->types = types;
  node->order = next_value_id();
  node->phase = phase_;
  node->trace = id_;
  node->recompute = recompute_;
  node->location = location_ ? location_ : location_now();
  Tensors outputs;
  for (std::size_t i = 0; i < types.size(); ++i) {
    outputs.push_back(symbol(types[i], node, static_cast<int>(i)));
    node->output_ids.push_back(outputs.back().id());
  }
  nodes_.push_back(node);
  if (options_.merge && !op.random && !op.guard) merged_[key].push_back(node);
  return outputs;
}

Trace::SlotState& Trace::state_of(const SlotRef& base) {
  auto found = slot_index_.find(base.get());
  if (found != slot_index_.end()) return *found->second;
  slots_.push_back(std::make_unique<SlotState>());
  SlotState& state = *slots_.back();
  state.slot = base;
  state.number = static_cast<int>(slots_.size()) - 1;
  state.start = state.current = symbol(base->type());
  slot_index_[base.get()] = &state;
  return state;
}

Tensor Trace::start_of(const SlotRef& base) { return state_of(base).start; }

void Trace::refuse(const std::string& received, const std::string& fix) const {
  throw TraceError(text("[", options_.where, "] ", received, "; expected a function that does not; ", fix));
}

// What a slot holds for a nested trace.
Tensor Trace::read_around(const SlotRef& slot) {
  for (auto& [assigned, value] : assigned_) {
    if (assigned == slot) return value;
  }
  return parent_ ? parent_->read(slot) : as_written(slot->current());
}

// Whoever made a nested trace makes the assignment when the values are there.
void Trace::assign(const SlotRef& slot, const Tensor& value) {
  if (slot->base()) {
    refuse(text("the function assigns ", slot->name, ", which an optimizer has laid out"), "assign it outside");
  }
  for (auto& [assigned, held] : assigned_) {
    if (assigned == slot) {
      held = value;
      return;
    }
  }
  assigned_.emplace_back(slot, value);
}

void Trace::end_phase() {
  if (options_.nested) refuse("the function ends a phase, as an optimizer's update does", "update outside");
  if (std::exchange(may_leave_out_, false)) {
    for (auto& state : slots_) {
      if (!state->writes.contains(phase_)) continue;
      state->left_out = true;
      state->views.clear();
    }
  }
  ++phase_;
}

// What a slot holds here.
const Tensor& Trace::now(SlotState& state) {
  if (state.left_out) {
    const TraceScope scope(this);
    state.current = fn::committed(state.current, state.number);
    state.left_out = false;
  }
  return state.current;
}

void Trace::set_now(SlotState& state, const Tensor& value, int phase) {
  state.current = value;
  state.left_out = false;
  state.views.clear();
  state.writes[phase] = value;
}

Tensor Trace::read(const SlotRef& slot) {
  if (options_.nested) return read_around(slot);
  const SlotRef base = slot->base() ? slot->base() : slot;
  SlotState& state = state_of(base);
  if (slot == base) return now(state);
  state.pieces.try_emplace(slot.get(), slot, base);
  // One tensor per parameter and version, so that its gradient can be asked for by identity.
  Tensor& view = state.views[slot.get()];
  if (!view.defined()) {
    const TraceScope scope(this);  // a part with a trace of its own may read it first
    view = fn::flat_view(now(state), slot->offset(), slot->type().shape);
  }
  return view;
}

void Trace::write(const SlotRef& slot, const Tensor& value) {
  if (options_.nested) return assign(slot, value);
  if (!slot->base()) {
    set_now(state_of(slot), value, phase_);
    return;
  }
  SlotState& state = state_of(slot->base());
  state.pieces.try_emplace(slot.get(), slot, slot->base());
  set_now(state, fn::update_flat_view(now(state), value, slot->offset()), phase_);
}

void Trace::write_at(const SlotRef& base, const Tensor& value, int phase) { set_now(state_of(base), value, phase); }

int64_t Trace::next_draw(const SlotRef& generator) {
  if (!options_.draws) refuse("the function draws random numbers", "draw them outside and pass them as an argument");
  if (parent_) return parent_->next_draw(generator);
  if (options_.nested) {
    // Nobody around commits later: as eagerly, the generator moves on at once.
    TraceScope nobody(nullptr);
    write_slot(generator, moved_on(generator->current()));
    return 0;
  }
  for (auto& [slot, count] : draws_) {
    if (slot == generator) return count++;
  }
  draws_.emplace_back(generator, 1);
  return 0;
}

void Trace::close_generators() {
  for (auto& [generator, count] : draws_) {
    const Tensor step = Tensor::empty({DType::I64, {3}});
    auto* numbers = reinterpret_cast<int64_t*>(step.host());
    numbers[0] = numbers[1] = 0;
    numbers[2] = count;
    write(generator, fn::add(read(generator), step));
  }
}

// What is needed, found backwards through the nodes.
class Trace::Live {
 public:
  explicit Live(const Trace& trace) : trace_(trace) {}

  bool has(const Node& node) const { return nodes_.contains(&node); }
  void need(const Tensor& t) {
    if (t.defined() && t.node()) need(*t.node());
  }
  void need(const Node& node) {
    std::vector<const Node*> stack;
    const auto reach = [&](const Node& reached) {
      if (reached.trace == trace_.id_ && nodes_.insert(&reached).second) stack.push_back(&reached);
    };
    const auto reach_all = [&](const Tensors& tensors) {
      for (const Tensor& t : tensors) {
        if (t.defined() && t.node()) reach(*t.node());
      }
    };
    reach(node);
    while (!stack.empty()) {
      const Node* next = stack.back();
      stack.pop_back();
      note_indices(*next);
      reach_all(next->inputs);
      if (!trace_.keeps_region(*next)) continue;
      reach_all(next->region->inputs);
      reach_all(next->region->captured);
    }
  }
  // Whether a call that is needed looks at the same indices, in the same phase.
  bool looks_at(const Node& node, const Indexed& indexed) const { return looked_at_.contains(key(node, indexed)); }

 private:
  using Key = std::tuple<uint64_t, int64_t, int>;
  static Key key(const Node& node, const Indexed& indexed) {
    return {node.inputs[indexed.input].id(), indexed.size, node.phase};
  }
  void note_indices(const Node& node) {
    if (node.op->indexes) looked_at_.insert(key(node, indexed_by(node)));
  }

  const Trace& trace_;
  std::unordered_set<const Node*> nodes_;
  std::set<Key> looked_at_;
};

std::shared_ptr<Node> Trace::index_check(const Node& call, const Indexed& indexed) {
  auto node = std::make_shared<Node>();
  node->op = &fn::check_index_op();
  node->attrs = node->op->complete({{"size", indexed.size}});
  node->inputs = {call.inputs[indexed.input]};
  node->types = {node->inputs[0].type()};
  node->order = next_value_id();
  node->output_ids = {next_value_id()};
  node->phase = call.phase;
  node->trace = id_;
  node->recompute = call.recompute;
  node->location = call.location;
  return node;
}

// What a call is made of, as it would be recorded.
Trace::Nodes Trace::expanded(const Node& call) {
  const TraceScope scope(this);
  const AutocastScope decided;
  const std::size_t before = nodes_.size();
  const int phase = std::exchange(phase_, call.phase);
  const uint64_t recompute = std::exchange(recompute_, call.recompute);
  const auto location = std::exchange(location_, call.location);
  expand(*call.op, call.inputs, call.attrs);
  phase_ = phase, recompute_ = recompute, location_ = location;
  Nodes parts(nodes_.begin() + static_cast<std::ptrdiff_t>(before), nodes_.end());
  nodes_.resize(before);
  return parts;
}

void Trace::keep_effects(Nodes& nodes, Live& live) {
  std::vector<Nodes> kept(nodes.size());
  for (std::size_t n = nodes.size(); n-- > 0;) {
    const std::shared_ptr<Node>& node = nodes[n];
    const Op& op = *node->op;
    if (op.compose && !op.has_kernel() && !live.has(*node)) {
      kept[n] = expanded(*node);
      keep_effects(kept[n], live);
      continue;
    }
    kept[n] = {node};
    if (live.has(*node) || !op.has_effect()) continue;
    if (op.indexes) {
      const Indexed indexed = indexed_by(*node);
      if (live.looks_at(*node, indexed)) continue;
      kept[n] = {index_check(*node, indexed)};
    }
    live.need(*kept[n][0]);
  }
  nodes.clear();
  for (Nodes& some : kept) nodes.insert(nodes.end(), some.begin(), some.end());
}

Graph Trace::finish(const Tensors& results) {
  Live live(*this);
  for (const Tensor& t : results) live.need(t);
  for (auto& state : slots_) {
    for (auto& [phase, value] : state->writes) live.need(value);
  }
  for (auto& node : nodes_) {
    if (node->op->guard) live.need(*node);
  }
  // What is given away has its flags among the results.
  if (!options_.again && !options_.instead) {
    Nodes nodes = std::move(nodes_);
    nodes_.clear();
    keep_effects(nodes, live);
    nodes_ = std::move(nodes);
  }

  Graph graph;
  std::unordered_map<uint64_t, int> number;  // value id -> value number
  auto place = [&](const Tensor& t) {
    if (!t.defined()) return -1;
    auto found = number.find(t.id());
    if (found != number.end()) return found->second;
    graph.constants.push_back(t);
    return number[t.id()] = graph.add_value(t.type(), Origin::Constant, static_cast<int>(graph.constants.size()) - 1);
  };
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    graph.inputs.push_back(graph.add_value(inputs_[i].type(), Origin::Input, static_cast<int>(i)));
    number[inputs_[i].id()] = graph.inputs.back();
  }
  for (auto& state : slots_) {
    const int slot = static_cast<int>(graph.slots.size());
    graph.slots.push_back(state->slot);
    for (const auto& [slot, piece] : state->pieces) graph.pieces.push_back(piece);
    graph.slot_values.push_back(graph.add_value(state->start.type(), Origin::Slot, slot));
    number[state->start.id()] = graph.slot_values.back();
  }
  for (auto& node : nodes_) {
    if (!live.has(*node)) continue;
    GraphNode made;
    made.op = node->op;
    made.attrs = node->attrs;
    made.phase = node->phase;
    made.location = node->location;
    made.recompute = node->recompute;
    for (const Tensor& t : node->inputs) made.inputs.push_back(place(t));
    if (keeps_region(*node)) {
      auto region = std::make_shared<GraphRegion>();
      for (const Tensor& t : node->region->inputs) region->inputs.push_back(place(t));
      for (const Tensor& t : node->region->captured) region->captured.push_back(place(t));
      region->region = node->region;
      made.region = std::move(region);
      made.region_output = node->region_output;
    }
    const int index = static_cast<int>(graph.nodes.size());
    for (std::size_t i = 0; i < node->types.size(); ++i) {
      made.outputs.push_back(graph.add_value(node->types[i], Origin::Node, index, static_cast<int>(i)));
      number[node->output_ids[i]] = made.outputs.back();
    }
    graph.nodes.push_back(std::move(made));
  }
  for (const Tensor& t : results) graph.results.push_back(place(t));
  for (std::size_t s = 0; s < slots_.size(); ++s) {
    for (auto& [phase, value] : slots_[s]->writes) graph.writes.push_back({static_cast<int>(s), place(value), phase});
  }
  graph.phases = phase_ + 1;
  return verified(std::move(graph), "a trace");
}

}  // namespace pt
