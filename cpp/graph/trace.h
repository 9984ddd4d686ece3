// A trace in progress: what `apply` records while a function runs on symbolic tensors.
#pragma once
#include <map>
#include <unordered_map>

#include "graph/graph.h"
#include "ops/recorder.h"

namespace pt {

struct TraceOptions {
  bool expand = false;  // ops that are only a composition are recorded as what they are composed of
  bool merge = false;   // equal calls on equal values become one
};

class Trace final : public Recorder {
 public:
  explicit Trace(TraceOptions options = {});

  uint64_t id() const override { return id_; }
  Tensors record(const Op& op, const Tensors& inputs, const Attrs& attrs, const Types& types) override;
  Tensor read(const SlotRef& slot) override;
  void write(const SlotRef& slot, const Tensor& value) override;
  void end_phase() override { ++phase_; }
  int64_t next_draw(const SlotRef& generator) override;
  void close_generators();  // the generators' slots move on by what was drawn

  Tensor input(const TensorType& type);
  Tensor start_of(const SlotRef& base);  // the symbolic value of a base slot when the step begins
  void write_at(const SlotRef& base, const Tensor& value, int phase);
  void set_phase(int phase) { phase_ = phase; }
  void set_location(std::shared_ptr<const Location> location) { location_ = std::move(location); }

  // The graph of everything that the results and the slots depend on. The trace is over afterwards.
  Graph finish(const Tensors& results);

 private:
  struct SlotState {
    SlotRef slot;
    Tensor start, current;
    std::map<int, Tensor> writes;             // by phase
    std::unordered_map<Slot*, Tensor> views;  // of `current`
  };
  Tensor symbol(const TensorType& type, std::shared_ptr<Node> node = nullptr, int output = 0);
  SlotState& state_of(const SlotRef& base);

  uint64_t id_;
  TraceOptions options_;
  int phase_ = 0;
  std::shared_ptr<const Location> location_;
  std::vector<std::shared_ptr<Node>> nodes_;
  std::vector<Tensor> inputs_;
  std::vector<std::unique_ptr<SlotState>> slots_;
  std::unordered_map<Slot*, SlotState*> slot_index_;
  std::vector<std::pair<SlotRef, int64_t>> draws_;  // in order of first use
  std::unordered_map<std::size_t, std::vector<std::shared_ptr<Node>>> merged_;
};

// Makes a recorder the active one for a scope.
struct TraceScope {
  explicit TraceScope(Recorder* recorder) : saved(active_recorder()) { active_recorder() = recorder; }
  ~TraceScope() { active_recorder() = saved; }
  TraceScope(const TraceScope&) = delete;
  Recorder* saved;
};

}  // namespace pt
