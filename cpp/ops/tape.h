// The tape of eager calls: a graph whose values are concrete. Only what gradient rules read is kept.
#pragma once
#include "ops/op.h"

namespace pt {

// Values whose gradient is wanted are watched while the scope lives; calls that depend on them are remembered.
class WatchScope {
 public:
  explicit WatchScope(const Tensors& tensors);
  ~WatchScope();
  WatchScope(const WatchScope&) = delete;

 private:
  std::vector<uint64_t> ids_;
};

// Whether a gradient by this value is wanted.
bool is_watched(const Tensor& tensor);

// While it lives, calls are recorded at this line, where there is one: those of a backward pass belong to the line of
// the call that they are the gradient of.
class LocationScope {
 public:
  explicit LocationScope(std::shared_ptr<const Location> location);
  ~LocationScope();
  LocationScope(const LocationScope&) = delete;

 private:
  std::shared_ptr<const Location> outer_;
};
// Of the innermost scope, or the user's line that is being executed.
std::shared_ptr<const Location> location_now();

// Whether a tape is on and an input is watched or was itself remembered.
bool depends_on_tape(const Tensors& inputs);
// Does nothing unless they depend on a tape.
void remember_on_tape(const Op& op, const Tensors& inputs, const Attrs& attrs, const Types& types, Tensors& outputs);

// A slot holds no tape. What was assigned to one under a tape is kept beside it until the last scope ends: who reads
// the slot meanwhile, which then still holds `held`, gets `value`, as in a compiled step.
void remember_written(const Tensor& held, const Tensor& value);
// `held` as it was assigned, or `held` itself.
Tensor as_written(Tensor held);

}  // namespace pt
