// A trace in progress: what `apply` records while a function runs on symbolic tensors.
#pragma once
#include <functional>
#include <map>
#include <unordered_map>

#include "graph/graph.h"
#include "ops/recorder.h"
#include "ops/target.h"

namespace pt {

struct TraceOptions {
  bool expand = false;             // ops that are only a composition are recorded as what they are composed of
  const Target* target = nullptr;  // of those, what this one plans stays; nullptr: what any target plans
  bool merge = false;              // equal calls on equal values become one
  // Part of what is being done: tensors of the trace around it, and what slots hold there, are its constants.
  bool nested = false;
  const char* where = "";  // of a nested one, for errors
  bool draws = true;       // random calls are allowed
  // What is computed again raised its errors the first time: calls that nobody reads are left out, whatever they check.
  bool again = false;
  bool defer = false;  // of a nested one: calls on concrete tensors are recorded too
  bool skips = false;  // guards leave their phases out, whatever they say themselves
  // What is recorded in place of a call; empty where the call itself is.
  std::function<Tensors(const Op&, const Tensors&, const Attrs&)> instead = nullptr;
};

class Trace final : public Recorder {
 public:
  explicit Trace(TraceOptions options = {});

  uint64_t id() const override { return id_; }
  bool knows(uint64_t trace) const override { return trace == id_ || (parent_ && parent_->knows(trace)); }
  bool defers() const override { return options_.nested && (options_.defer || (parent_ && parent_->defers())); }
  Tensors record(const Op& op, const Tensors& inputs, const Attrs& attrs, const Types& types) override;
  Tensor read(const SlotRef& slot) override;
  void write(const SlotRef& slot, const Tensor& value) override;
  void end_phase() override;
  int64_t next_draw(const SlotRef& generator) override;
  void close_generators();  // the generators' slots move on by what was drawn

  Tensor input(const TensorType& type);
  Tensor start_of(const SlotRef& base);  // the symbolic value of a base slot when the step begins
  void write_at(const SlotRef& base, const Tensor& value, int phase);
  void set_phase(int phase) { phase_ = phase; }
  uint64_t recompute() const { return recompute_; }
  void set_recompute(uint64_t number) { recompute_ = number; }
  // What a nested trace assigned to slots, in order of first assignment.
  const std::vector<std::pair<SlotRef, Tensor>>& assigned() const { return assigned_; }
  void set_location(std::shared_ptr<const Location> location) { location_ = std::move(location); }

  // The graph of everything that the results and the slots depend on, and of what may raise an error. The trace is over
  // afterwards.
  Graph finish(const Tensors& results);

 private:
  struct SlotState {
    SlotRef slot;
    int number = 0;  // among the slots of the trace
    Tensor start, current;
    bool left_out = false;                    // perhaps: the phase that wrote `current` has ended, and may be left out
    std::map<int, Tensor> writes;             // by phase
    std::unordered_map<Slot*, Tensor> views;  // of `current`
    std::unordered_map<Slot*, Piece> pieces;
  };
  using Nodes = std::vector<std::shared_ptr<Node>>;
  class Live;
  // Calls that nobody reads, and that check something, are live or give way to the check alone.
  void keep_effects(Nodes& nodes, Live& live);
  Nodes expanded(const Node& call);
  std::shared_ptr<Node> index_check(const Node& call, const Indexed& indexed);
  Tensor symbol(const TensorType& type, std::shared_ptr<Node> node = nullptr, int output = 0);
  SlotState& state_of(const SlotRef& base);
  const Tensor& now(SlotState& state);
  void set_now(SlotState& state, const Tensor& value, int phase);
  // The first constant that was this number: calls with the same number are the same calls.
  Tensor one_number(const Tensor& t);
  Tensor read_around(const SlotRef& slot);
  // Gradients are made by the time that a whole step is a graph; a part of one may still be differentiated.
  bool keeps_region(const Node& node) const { return options_.nested && node.region; }
  void assign(const SlotRef& slot, const Tensor& value);
  [[noreturn]] void refuse(const std::string& received, const std::string& fix) const;

  uint64_t id_;
  TraceOptions options_;
  Recorder* parent_ = nullptr;
  int phase_ = 0;
  bool may_leave_out_ = false;  // this phase: its last guard says so
  uint64_t recompute_ = 0;
  std::vector<std::pair<SlotRef, Tensor>> assigned_;
  std::shared_ptr<const Location> location_;
  Nodes nodes_;
  std::vector<Tensor> inputs_;
  std::vector<std::unique_ptr<SlotState>> slots_;
  std::unordered_map<Slot*, SlotState*> slot_index_;
  std::vector<std::pair<SlotRef, int64_t>> draws_;  // in order of first use
  std::unordered_map<std::size_t, std::vector<std::shared_ptr<Node>>> merged_;
  std::map<std::pair<DType, uint64_t>, Tensor> numbers_;
};

// Makes a recorder the active one for a scope.
struct TraceScope {
  explicit TraceScope(Recorder* recorder) : saved(active_recorder()) { active_recorder() = recorder; }
  ~TraceScope() { active_recorder() = saved; }
  TraceScope(const TraceScope&) = delete;
  Recorder* saved;
};

}  // namespace pt
