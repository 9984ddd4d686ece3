// Runs one op on concrete tensors, now.
#include <algorithm>

#include "ops/autocast.h"
#include "ops/bound_plan.h"
#include "ops/composition.h"
#include "ops/expand.h"
#include "ops/functional.h"
#include "ops/recorder.h"
#include "ops/tape.h"
#include "ops/target.h"

namespace pt {
namespace {

void run_plan(const Target& target, const Op& op, std::span<const Operand> in, std::span<const Operand> out,
              const Attrs& attrs, const Tensors& inputs, const Tensors& outputs) {
  const std::shared_ptr<const BoundPlan> bound = bound_plan(op, in, out, attrs, target.context());
  std::vector<char*> all;
  for (const Tensor& t : inputs) all.push_back(t.defined() ? t.address() : nullptr);
  for (const Tensor& t : outputs) all.push_back(t.address());
  run_bound(target, op, *bound, all);
}

// What lies on the host, as numbers that definitions make do, is copied to where the op runs. The other way would wait
// for the device, and is asked for.
Tensor where_it_runs(const Op& op, const Tensor& input, const Target& target) {
  const Memory& memory = input.impl().buffer->memory();
  if (&memory == &target.memory()) return input;
  if (memory.on_host()) return moved(input, target.memory());
  throw Error(text("[", op.name, "] received ", input.type(), " on ", memory.computes_here->name(),
                   " beside tensors on ", target.name(), "; expected all on one device; move it there with .to('",
                   target.name(), "')"));
}

// A view of complex numbers as real ones, or of real ones as complex, counts in elements of another size.
Tensors evaluate_view(const Op& op, const Tensor& input, const Attrs& attrs, const Types& types) {
  const auto from = static_cast<int64_t>(size_of(input.dtype())), to = static_cast<int64_t>(size_of(types[0].dtype));
  Tensor source = input;
  std::optional<View> view = op.view(operand_of(source), attrs);
  if (!view || input.impl().offset * from % to != 0) {
    source = copied(source);
    view = op.view(operand_of(source), attrs);
  }
  const int64_t offset = source.impl().offset * from / to + view->offset;
  return {Tensor::view(source.impl().buffer, types[0], view->strides, offset)};
}

// A composition may return what it was given, as softmax of nothing does. A tape knows values by their identity, so a
// result has one of its own.
Tensors apart_from(const Tensors& inputs, Tensors outputs) {
  for (Tensor& y : outputs) {
    const bool given =
        std::any_of(inputs.begin(), inputs.end(), [&](const Tensor& x) { return x.defined() && x.id() == y.id(); });
    if (given) y = Tensor::view(y.impl().buffer, y.type(), y.strides(), y.impl().offset);
  }
  return outputs;
}

}  // namespace

Tensor copied(const Tensor& tensor) {
  TapeScope off(false);
  return evaluate(find_op("copy"), {tensor}, {}, {tensor.type()})[0];
}

Tensor moved(const Tensor& tensor, Memory& memory) {
  const Buffer& from = *tensor.impl().buffer;
  if (&from.memory() == &memory) return tensor;
  const auto bytes = static_cast<std::size_t>(tensor.size()) * size_of(tensor.dtype());
  // Of a large tensor's small part, not all that it is a part of.
  return (bytes < from.bytes() / 2 ? copied(tensor) : tensor).in(memory);
}

Tensor moved_on_tape(const Tensor& tensor, Memory& memory) {
  static const Op& copy = find_op("copy");
  Tensors there{moved(tensor, memory)};
  remember_on_tape(copy, {tensor}, {}, {tensor.type()}, there);
  return there[0];
}

Tensor with_own_identity(const Tensor& tensor) {
  if (tensor.concrete() && tensor.impl().buffer->borrowed()) return apply1("copy", {tensor});
  const Ints shape(tensor.shape().begin(), tensor.shape().end());
  return apply1("reshape", {tensor}, {{"shape", shape}});
}

Tensor zeros_beside(const Tensor& tensor) {
  const Tensor zeros = fn::zeros(tensor.type());
  return tensor.concrete() ? moved(zeros, tensor.impl().buffer->memory()) : zeros;
}

Tensor converted(const Tensor& tensor, DType dtype) {
  TapeScope off(false);
  return evaluate(find_op("astype"), {tensor}, {{"dtype", dtype}}, {{dtype, tensor.shape()}})[0];
}

Tensor to_row_major(const Tensor& tensor) { return tensor.row_major() ? tensor : copied(tensor); }

Tensors evaluate_by_calls(const Op& op, const Target& target, const Tensors& inputs, const Attrs& attrs) {
  const TapeScope off(false);
  const AutocastScope decided;
  const auto body = [&](const Tensors& in) { return expand_for(&target, op, in, attrs); };
  return apart_from(inputs, call_by_call({op, false, inputs, attrs, {}, body}, target));
}

Tensors evaluate(const Op& op, const Tensors& inputs, const Attrs& attrs, const Types& types) {
  if (op.view) return evaluate_view(op, inputs[0], attrs, types);
  const Target& target = target_for(op, inputs);
  if (!planned(target, op)) {
    if (!expands(&target, op)) target.refuse(op);
    const TapeScope off(false);
    const AutocastScope decided;
    const auto body = [&](const Tensors& in) { return expand_for(&target, op, in, attrs); };
    return apart_from(inputs, run_composition({op, false, inputs, attrs, {}, body}));
  }
  Tensors ready;
  std::vector<Operand> in, out;
  for (const Tensor& input : inputs) {
    ready.push_back(input.defined() ? where_it_runs(op, input, target) : input);
    if (op.contiguous && input.defined()) ready.back() = to_row_major(ready.back());
    in.push_back(operand_of(ready.back()));
  }
  Tensors outputs;
  bool empty = !op.passes_through;
  for (const TensorType& type : types) {
    if (!op.passes_through) outputs.push_back(op.rewrites ? copied(ready[0]) : Tensor::empty(type, target.memory()));
    out.push_back({type.dtype, type.shape, row_major(type.shape)});
    empty = empty && count(type.shape) == 0;
  }
  if (empty) return outputs;
  if (op.passes_through) {
    out.clear();
    run_plan(target, op, in, out, attrs, ready, {});
    return {Tensor::view(inputs[0].impl().buffer, types[0], inputs[0].strides(), inputs[0].impl().offset)};
  }
  run_plan(target, op, in, out, attrs, ready, outputs);
  return outputs;
}

}  // namespace pt
