#include <algorithm>
#include <map>
#include <vector>

#include "ops/functional.h"
#include "ops/rewrite.h"

namespace pt {
namespace {

bool is_one_by_one(const GraphCall* call) {
  return call && call->outputs.size() == 1 && (call->op->elementwise || call->op->casts);
}

Tensor kept_reduction(const GraphCall& call, const Tensor& x, const Attr& axis) {
  Attrs attrs = call.attrs;
  attrs.set("axis", axis);
  attrs.set("keepdims", Attr(true));
  return apply(*call.op, {x}, attrs)[0];
}

bool reduces_all(const GraphCall& call, int rank) {
  if (!call.attrs.has("axis")) return true;
  const Ints& axes = call.attrs.ints("axis");
  std::vector<bool> reduced(static_cast<std::size_t>(rank), false);
  for (const int64_t axis : axes) reduced[static_cast<std::size_t>(axis < 0 ? axis + rank : axis)] = true;
  return std::all_of(reduced.begin(), reduced.end(), [](bool each) { return each; });
}

// What computes a value from values that are as large or single numbers, with all elements in one row.
class InOneRow {
 public:
  InOneRow(GraphAround& around, int64_t length) : around_(around), length_(length) {}

  // Whether calls that nobody else reads make it element by element of values that can be seen as one row.
  bool takes(int value, const GraphCall& reader, int depth = 0) {
    constexpr int kDeepest = 32;
    if (depth > 0 && is_single(value)) return true;
    if (const auto known = calls_.find(value); known != calls_.end()) return true;
    if (count(around_.type(value).shape) != length_) return false;
    const GraphCall* maker = depth < kDeepest ? around_.own_maker(value, reader) : nullptr;
    if (!is_one_by_one(maker)) return depth > 0 && is_leaf(value);
    calls_[value] = maker;
    return std::all_of(maker->inputs.begin(), maker->inputs.end(),
                       [&](int input) { return input >= 0 && takes(input, *maker, depth + 1); });
  }

  // Where it does.
  Tensor make(int value) {
    if (is_single(value)) return fn::reshape(around_.now(value), {});
    if (const auto made = made_.find(value); made != made_.end()) return made->second;
    const auto call = calls_.find(value);
    if (call == calls_.end()) return made_[value] = fn::reshape(around_.now(value), {length_});
    Tensors inputs;
    for (const int input : call->second->inputs) inputs.push_back(make(input));
    return made_[value] = apply(*call->second->op, inputs, call->second->attrs)[0];
  }

 private:
  bool is_single(int value) const { return count(around_.type(value).shape) == 1; }
  // A view may lie in memory as no row does, and would be copied.
  bool is_leaf(int value) const {
    const GraphCall* maker = around_.maker(value);
    return !maker || !maker->op || !maker->op->view;
  }

  GraphAround& around_;
  int64_t length_;
  std::map<int, const GraphCall*> calls_;  // that are made again, by their results
  std::map<int, Tensor> made_;
};

// A reduction can become one with what computes its elements if it keeps its axes, which a view then leaves out; along
// all axes it is that of one row. Of one that stands alone the kernel is the same.
const Rewrite join("reductions join what they reduce", [](const GraphCall& call, GraphAround& around) -> Tensors {
  if (!call.op || !call.op->reduces_rows || !is_float(around.type(call.inputs[0]).dtype)) return {};
  const Shape &shape = around.type(call.inputs[0]).shape, &to = around.type(call.outputs[0]).shape;
  if (shape.size() > 1 && count(shape) > 1 && reduces_all(call, shape.size())) {
    InOneRow row(around, count(shape));
    if (!row.takes(call.inputs[0], call)) return {};
    return {fn::reshape(kept_reduction(call, row.make(call.inputs[0]), Ints{0}), to)};
  }
  if (call.attrs.flag("keepdims") || !is_one_by_one(around.own_maker(call.inputs[0], call))) return {};
  const Attr axis = call.attrs.has("axis") ? *call.attrs.find("axis") : Attr(Ints{0});
  if (!call.attrs.has("axis") && shape.size() != 1) return {};
  return {fn::reshape(kept_reduction(call, around.now(call.inputs[0]), axis), to)};
});

}  // namespace
}  // namespace pt
