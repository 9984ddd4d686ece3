#include "program/compiled.h"

#include <algorithm>
#include <chrono>

#include "core/error.h"
#include "ops/target.h"

namespace pt {

std::atomic<uint64_t>& facts_epoch() {
  static std::atomic<uint64_t> epoch{0};
  return epoch;
}

SlotRef CompiledStep::Entry::moved() const {
  const uint64_t version = Slot::homes_version();
  if (homes_seen == version) return nullptr;
  SlotRef found = moved_piece(source());
  if (!found) homes_seen = version;
  return found;
}

bool CompiledStep::Entry::in_place() const {
  const uint64_t version = Slot::homes_version();
  if (!program || places_seen == version) return true;
  const Memory& memory = program->context().target->memory();
  const std::vector<SlotRef>& slots = source().slots;
  if (std::any_of(slots.begin(), slots.end(),
                  [&](const SlotRef& slot) { return !slot->travels && &slot->memory() != &memory; }))
    return false;
  places_seen = version;
  return true;
}

PlanContext CompiledStep::context_for(const Graph& source, const Signature& signature) const {
  const Target* found = signature.placed ? signature.context.target : nullptr;
  std::string first = "the arguments";
  for (const SlotRef& slot : source.slots) {
    if (slot->travels) continue;
    const Target& target = target_of(slot->memory());
    if (!found) {
      found = &target;
      first = slot->label();
    } else if (&found->memory() != &target.memory()) {
      throw Error(text("[compile] received ", first, " on ", found->name(), " and ", slot->label(), " on ",
                       target.name(), "; expected all that a step uses on one device; move one of them with .to('",
                       (found->memory().on_host() ? target : *found).name(), "')"));
    }
  }
  return (found ? found : signature.context.target)->context_of_steps();
}

CompiledStep::EntryRef CompiledStep::find(const Signature& signature) {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const EntryRef& entry) {
    return entry->signature == signature && entry->holds() && entry->in_place() &&
           !(entry->foreign && entry->foreign->moved());
  });
  if (found == entries_.end()) return plan_again(signature);
  std::rotate(entries_.begin(), found, found + 1);
  return entries_.front();
}

CompiledStep::EntryRef CompiledStep::plan_again(const Signature& signature) {
  const auto traced = std::find_if(entries_.begin(), entries_.end(), [&](const EntryRef& entry) {
    return entry->program && entry->signature.types == signature.types && entry->signature.frozen == signature.frozen &&
           entry->holds();
  });
  if (traced == entries_.end()) return nullptr;
  // Plugins plan in Python, and other threads may change the cache meanwhile.
  const EntryRef known = *traced;
  auto entry = std::make_shared<Entry>();
  entry->signature = signature;
  entry->program = std::make_unique<Program>(known->program->source(), options_.passes, arena_,
                                             context_for(known->program->source(), signature));
  entry->facts = known->facts;
  entry->extra = known->extra;
  entry->trace_seconds = known->trace_seconds;
  return add(std::move(entry));
}

CompiledStep::EntryRef CompiledStep::add(EntryRef entry) {
  EntryRef gone;  // when the cache is whole again: its Python objects may have finalizers
  const auto same = std::find_if(entries_.begin(), entries_.end(), [&](const EntryRef& known) {
    return known->signature == entry->signature && known->holds();
  });
  if (same != entries_.end()) {
    gone = std::move(*same);
    entries_.erase(same);
  }
  entries_.push_front(entry);
  if (static_cast<int>(entries_.size()) > options_.limit) {
    gone = std::move(entries_.back());
    entries_.pop_back();
  }
  return entry;
}

CompiledStep::EntryRef CompiledStep::trace(const Signature& signature,
                                           const std::function<Tensors(const Tensors&)>& body,
                                           std::shared_ptr<void> extra, std::shared_ptr<Facts> facts) {
  const auto start = std::chrono::steady_clock::now();
  Graph graph;
  {
    const TargetScope where(signature.placed ? *signature.context.target : current_target());
    Trace trace({.skips = options_.skips});
    TraceScope scope(&trace);
    Tensors inputs;
    for (const TensorType& type : signature.types) inputs.push_back(trace.input(type));
    const Tensors results = body(inputs);
    for (const Tensor& result : results) {
      if (result.symbolic() && result.impl().trace != trace.id()) {
        throw TraceError(
            "[compile] the function returned a symbolic tensor of another trace; expected a value of its own; do not "
            "keep tensors from one call to the next, use a Slot");
      }
    }
    trace.close_generators();
    graph = trace.finish(results);
  }
  // Python ran meanwhile. Of a slot that moved, the graph may take one memory for two, or two for one.
  if (moved_piece(graph)) return nullptr;
  if (std::any_of(graph.slots.begin(), graph.slots.end(), [](const SlotRef& slot) { return slot->base(); }))
    return nullptr;
  // Another thread may have traced the same.
  if (EntryRef known = find(signature)) return known;
  auto entry = std::make_shared<Entry>();
  entry->signature = signature;
  entry->extra = std::move(extra);
  entry->facts = std::move(facts);
  if (options_.backend) {
    entry->foreign = options_.backend(std::move(graph));
  } else {
    const PlanContext context = context_for(graph, signature);
    entry->program = std::make_unique<Program>(std::move(graph), options_.passes, arena_, context);
  }
  entry->trace_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  ++traces_;
  return add(std::move(entry));
}

std::string CompiledStep::retrace_cause(const Signature& signature) const {
  if (entries_.empty()) return "";
  const auto alike = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const EntryRef& entry) { return entry->signature == signature; });
  if (alike != entries_.end()) {
    if (const SlotRef slot = (*alike)->moved()) return text(slot->label(), " was laid out by another optimizer");
    return (*alike)->facts ? (*alike)->facts->changed() : "";
  }
  const Signature& last = entries_.front()->signature;
  if (last.frozen != signature.frozen)
    return "the Python arguments changed from " + last.frozen + " to " + signature.frozen;
  if (last.types.size() != signature.types.size()) {
    return text("the number of tensors changed from ", last.types.size(), " to ", signature.types.size());
  }
  for (std::size_t i = 0; i < last.types.size(); ++i) {
    if (!(last.types[i] == signature.types[i]))
      return text("input ", i, " changed from ", last.types[i], " to ", signature.types[i]);
  }
  return "";
}

}  // namespace pt
