#include "ops/prepared.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "ops/autocast.h"
#include "ops/bound_plan.h"
#include "ops/expand.h"
#include "ops/key_words.h"
#include "ops/promotion.h"
#include "ops/recorder.h"
#include "ops/target.h"

namespace pt {
namespace {

struct Prepared {
  const Target* target;
  TensorType type;
  std::array<DType, kMostPreparedInputs> dtypes;  // that the kernel takes
  std::optional<View> view;                       // of the first input, its offset relative to that
  std::shared_ptr<const BoundPlan> bound;         // null for a view, and where there are no elements
};

struct Entry {
  CallKey key;
  std::shared_ptr<const Prepared> call;  // null: goes the long way
};

// Of the thread; a call takes the place of another one with the same hash.
Entry& place_of(const CallKey& key) {
  constexpr std::size_t kPlaces = 1024;
  thread_local std::vector<Entry> entries(kPlaces);
  return entries[(hash_of(key) >> 7) % kPlaces];
}

bool lies_in(const Memory& memory, const Tensor& input) {
  return !input.defined() || &input.impl().buffer->memory() == &memory;
}

// Calls with consequences beyond their result, or with results beyond one, take the long way.
bool is_kept(const Op& op) {
  return op.outputs == 1 && !op.random && !op.passes_through && !op.rewrites && !op.guard && !op.may_fail &&
         !op.failure;
}

}  // namespace

bool CallKey::set(const Op& op, std::span<const Tensor* const> inputs, const Attrs& given) {
  size_ = 0;
  const bool plain = inputs.size() <= kMostPreparedInputs && is_kept(op) && !active_recorder() && tape_depth() == 0 &&
                     autocast_dtype() == DType::F32;
  if (!plain) return false;
  Whereabouts whereabouts;
  for (const Tensor* input : inputs) whereabouts.add(*input);
  const Target& target = whereabouts.target(op);
  // An op without a kernel runs as a composition, which is kept by itself.
  if (!op.view && !planned(target, op)) return false;
  push_back(word_of(&op));
  append(*this, target.context());
  push_back(static_cast<int64_t>(inputs.size()));
  for (const Tensor* input : inputs) {
    if (!input->defined()) {
      push_back(-1);
      continue;
    }
    if (!input->concrete()) return false;
    const TensorImpl& impl = input->impl();
    push_back(static_cast<int64_t>(impl.type.dtype) | int64_t{impl.weak} << 8 | int64_t{impl.type.shape.size()} << 16);
    for (const int64_t size : impl.type.shape) push_back(size);
    for (const int64_t stride : impl.strides) push_back(stride);
  }
  for (const auto& [name, value] : given.items()) {
    const auto spec = std::find_if(op.attrs.begin(), op.attrs.end(), [&](const AttrSpec& a) { return a.name == name; });
    push_back(spec - op.attrs.begin());
    append(*this, value);
  }
  return size_ <= kMost;
}

Tensor run_prepared(const CallKey& key, const Op& op, std::span<const Tensor* const> inputs) {
  const Entry& entry = place_of(key);
  if (!entry.call || !(entry.key == key)) return {};
  const std::shared_ptr<const Prepared> held_call = entry.call;  // casts are calls, which may take its place
  const Prepared& call = *held_call;
  for (const Tensor* input : inputs) {
    if (!lies_in(call.target->memory(), *input)) return {};
  }
  if (call.view) {
    const TensorImpl& input = inputs[0]->impl();
    if (input.buffer->borrowed()) return {};  // it would change with its owner
    return Tensor::view(input.buffer, call.type, call.view->strides, input.offset + call.view->offset);
  }
  Tensor result = Tensor::empty(call.type, call.target->memory());
  if (!call.bound) return result;
  // What the kernel reads lives until it is done, whatever other threads do with the inputs meanwhile.
  std::array<Tensor, kMostPreparedInputs> held;
  std::array<char*, kMostPreparedInputs + 1> operands;
  const bool outside = call.bound->leaves_interpreter();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Tensor* input = inputs[i];
    if (input->defined() && (input->impl().weak || input->dtype() != call.dtypes[i])) {
      held[i] = in_dtype(*input, call.dtypes[i], op.name);
      input = &held[i];
    } else if (outside) {
      held[i] = *input;
    }
    operands[i] = input->defined() ? input->address() : nullptr;
  }
  operands[inputs.size()] = result.address();
  run_bound(*call.target, op, *call.bound, {operands.data(), inputs.size() + 1});
  return result;
}

bool is_known(const CallKey& key) { return place_of(key).key == key; }

void prepare(const CallKey& key, const Op& op, const Tensors& inputs, const Tensors& ready, const Attrs& attrs,
             const Types& types) {
  Entry& entry = place_of(key);
  entry = {key, nullptr};
  const Target& target = target_for(op, inputs);
  Prepared call{&target, types[0], {}, std::nullopt, nullptr};
  std::vector<Operand> in;
  for (std::size_t i = 0; i < ready.size(); ++i) {
    const Tensor& input = ready[i];
    if (!lies_in(target.memory(), input) || (op.contiguous && input.defined() && !input.row_major())) return;
    call.dtypes[i] = input.defined() ? input.dtype() : DType::Bool;
    in.push_back(operand_of(input));
  }
  if (op.view) {
    const bool same_size = size_of(call.type.dtype) == size_of(ready[0].dtype());
    if (!same_size || inputs[0].impl().weak || inputs[0].dtype() != ready[0].dtype()) return;
    call.view = op.view(in[0], attrs);
    if (!call.view) return;
  } else if (count(call.type.shape) > 0) {
    const Operand out{call.type.dtype, call.type.shape, row_major(call.type.shape)};
    call.bound = bound_plan(op, in, {&out, 1}, attrs, target.context());
  }
  entry.call = std::make_shared<const Prepared>(std::move(call));
}

}  // namespace pt
