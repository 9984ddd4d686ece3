#include "graph/passes/pure.h"

#include <map>
#include <optional>
#include <unordered_set>

#include "graph/trace.h"
#include "ops/autocast.h"
#include "ops/expand.h"
#include "ops/pieces.h"
#include "ops/refusal.h"

namespace pt {
namespace {

std::optional<Indexed> indexed(const Op& op, const Tensors& in, const Attrs& attrs) {
  if (!op.indexes) return std::nullopt;
  Types types;
  for (const Tensor& t : in) types.push_back(t.type());
  return op.indexes(types, attrs);
}

class Purifier {
 public:
  Purifier(const Graph& source, const std::function<bool(const Op&)>& runs)
      : source_(source),
        runs_(runs),
        trace_({.merge = true,
                .instead = [this](const Op& op, const Tensors& in,
                                  const Attrs& attrs) { return instead(op, in, attrs); }}),
        value_(source.values.size()),
        slot_now_(source.slots.size()) {}

  PureStep run() {
    TraceScope scope(&trace_);
    const AutocastScope decided;
    begin();
    for (const GraphNode& node : source_.nodes) {
      while (phase_ < node.phase) close_phase();
      replay(node);
    }
    while (phase_ < source_.phases) close_phase();
    Tensors results;
    for (int result : source_.results) results.push_back(value_[result]);
    for (const Tensor& written : written_) results.push_back(written);
    if (!flags_.empty()) results.push_back(joined_at(flags_, 0));
    made_.graph = trace_.finish(results);
    return std::move(made_);
  }

 private:
  void begin() {
    for (int input : source_.inputs) value_[input] = trace_.input(source_.values[input].type);
    for (std::size_t s = 0; s < source_.slots.size(); ++s) {
      if (source_.slot_values[s] < 0) continue;
      made_.slots.push_back(static_cast<int>(s));
      slot_now_[s] = value_[source_.slot_values[s]] = trace_.input(source_.slots[s]->type());
    }
    for (std::size_t v = 0; v < source_.values.size(); ++v) {
      if (source_.values[v].origin == Origin::Constant) value_[v] = source_.constants[source_.values[v].index];
    }
  }

  void replay(const GraphNode& node) {
    Tensors inputs;
    for (int input : node.inputs) inputs.push_back(input < 0 ? Tensor() : value_[input]);
    trace_.set_location(node.location);
    trace_.set_recompute(node.recompute);
    if (node.op->guard) {
      finite_ = and_also(finite_, all_true(fn::isfinite(inputs[0])));
      skips_ = node.attrs.flag("skip");
      value_[node.outputs[0]] = inputs[0];
      return;
    }
    if (node.op->reads_slot) {
      value_[node.outputs[0]] = slot_now_[node.attrs.integer("slot")];
      return;
    }
    const Tensors outputs = apply(*node.op, inputs, node.attrs);
    for (std::size_t i = 0; i < node.outputs.size(); ++i) value_[node.outputs[i]] = outputs[i];
  }

  // What a backend gets in place of a call; nothing where it gets the call.
  Tensors instead(const Op& op, const Tensors& in, const Attrs& attrs) {
    if (op.portable) return op.portable(in, attrs);
    if (asserts(op)) {
      holds_ = and_also(holds_, all_true(in[0]));
      return {in[0]};
    }
    const auto call = indexed(op, in, attrs);
    if (call && op.passes_through) return {looked_at(in[call->input], call->size)};
    if (call && !safe_.contains(in[call->input].id())) {
      Tensors inputs = in;
      inputs[call->input] = looked_at(in[call->input], call->size);
      return apply(op, inputs, attrs);
    }
    return runs_(op) ? Tensors{} : expand_for_backend(op, in, attrs);
  }

  // The indices, of which those out of range are 0 from here on and are told by a flag: what a backend would do with
  // them nobody knows.
  Tensor looked_at(const Tensor& index, int64_t size) {
    const Tensor wide = fn::cast(index, DType::I64);
    const auto bound = [](int64_t number) { return Tensor::scalar(static_cast<double>(number), DType::I64); };
    const Tensor low = fn::greater_equal(wide, bound(-size));
    const Tensor high = fn::less(wide, bound(size));
    const Tensor right = fn::logical_and(low, high);
    inside_ = and_also(inside_, all_true(right));
    const Tensor safe = fn::where(right, index, Tensor::scalar(0, index.dtype()));
    safe_.insert(safe.id());
    return safe;
  }

  static Tensor all_true(const Tensor& flags) { return fn::all(flags); }

  static Tensor and_also(const Tensor& a, const Tensor& b) { return a.defined() ? fn::logical_and(a, b) : b; }

  void check(const Tensor& flag, PureStep::About about) {
    if (!flag.defined()) return;
    flags_.push_back(fn::reshape(flag, Shape{1}));
    made_.checks.push_back({phase_, about, about == PureStep::About::Finite && skips_});
  }

  void close_phase() {
    check(inside_, PureStep::About::Index);
    check(holds_, PureStep::About::Truth);
    check(finite_, PureStep::About::Finite);
    for (const SlotWrite& write : source_.writes) {
      if (write.phase != phase_) continue;
      Tensor now = value_[write.value];
      if (finite_.defined() && skips_) now = fn::where(finite_, now, slot_now_[write.slot]);
      slot_now_[write.slot] = now;
      written_.push_back(now);
      made_.writes.push_back(write);
    }
    inside_ = holds_ = finite_ = Tensor();
    skips_ = false;
    ++phase_;
  }

  const Graph& source_;
  const std::function<bool(const Op&)>& runs_;
  Trace trace_;
  Tensors value_, slot_now_, written_, flags_;
  std::unordered_set<uint64_t> safe_;
  Tensor inside_, holds_, finite_;  // of the phase that is being replayed
  bool skips_ = false;
  int phase_ = 0;
  PureStep made_;
};

}  // namespace

PureStep pure(const Graph& source, const std::function<bool(const Op&)>& runs) { return Purifier(source, runs).run(); }

}  // namespace pt
