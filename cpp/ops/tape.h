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

// Does nothing unless a tape is on and an input is watched or was itself remembered.
void remember_on_tape(const Op& op, const Tensors& inputs, const Attrs& attrs, const Types& types, Tensors& outputs);

}  // namespace pt
