#include "ops/tape.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "ops/recorder.h"

namespace pt {
namespace {

// Counted, because nested gradients may watch the same parameter twice.
std::unordered_map<uint64_t, int>& watched() {
  thread_local std::unordered_map<uint64_t, int> ids;
  return ids;
}

// By the identity of what the slot holds, which is another one once the slot has changed.
std::unordered_map<uint64_t, Tensor>& written() {
  thread_local std::unordered_map<uint64_t, Tensor> values;
  return values;
}

std::shared_ptr<const Location>& innermost_location() {
  thread_local std::shared_ptr<const Location> location;
  return location;
}

}  // namespace

int& tape_depth() {
  thread_local int depth = 0;
  return depth;
}

WatchScope::WatchScope(const Tensors& tensors) {
  for (const Tensor& t : tensors) {
    ids_.push_back(t.id());
    ++watched()[t.id()];
  }
}

WatchScope::~WatchScope() {
  for (uint64_t id : ids_) {
    auto found = watched().find(id);
    if (--found->second == 0) watched().erase(found);
  }
  if (watched().empty()) written().clear();
}

bool is_watched(const Tensor& tensor) { return watched().count(tensor.id()) != 0; }

LocationScope::LocationScope(std::shared_ptr<const Location> location) : outer_(innermost_location()) {
  if (location) innermost_location() = std::move(location);
}

LocationScope::~LocationScope() { innermost_location() = std::move(outer_); }

std::shared_ptr<const Location> location_now() {
  if (innermost_location()) return innermost_location();
  return locator() ? locator()() : nullptr;
}

void remember_written(const Tensor& held, const Tensor& value) {
  if (tape_depth() > 0) written().insert_or_assign(held.id(), value);
}

Tensor as_written(Tensor held) {
  if (tape_depth() == 0) return held;
  const auto found = written().find(held.id());
  return found == written().end() ? std::move(held) : found->second;
}

bool depends_on_tape(const Tensors& inputs) {
  return tape_depth() > 0 && std::any_of(inputs.begin(), inputs.end(), [](const Tensor& input) {
           return input.defined() && (input.node() || is_watched(input));
         });
}

void remember_on_tape(const Op& op, const Tensors& inputs, const Attrs& attrs, const Types& types, Tensors& outputs) {
  if (!depends_on_tape(inputs)) return;
  auto node = std::make_shared<Node>();
  node->op = &op;
  node->attrs = attrs;
  node->types = types;
  node->order = next_value_id();
  node->location = location_now();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const bool kept = op.saves.inputs.empty() || (i < op.saves.inputs.size() && op.saves.inputs[i]);
    node->inputs.push_back(!inputs[i].defined() || kept ? inputs[i] : inputs[i].ghost());
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const bool kept = i < op.saves.outputs.size() && op.saves.outputs[i];
    node->saved_outputs.push_back(kept ? outputs[i] : Tensor());
    node->output_ids.push_back(outputs[i].id());
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) outputs[i] = outputs[i].with_node(node, static_cast<int>(i));
}

}  // namespace pt
