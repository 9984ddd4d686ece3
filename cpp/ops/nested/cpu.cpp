// Branches and loops: one chunk, in which whole programs run.
#include "core/kernel.h"
#include "ops/nested/desc.h"

namespace pt {
namespace PT_ISA {

static void run_nested(const KernelArgs* args, int64_t) {
  const NestedDesc* desc = static_cast<const NestedDesc*>(args->desc);
  desc->run(desc, args->data, args->status);
}

}  // namespace PT_ISA
}  // namespace pt

PT_KERNELS(nested, pt::PT_ISA::run_nested);
