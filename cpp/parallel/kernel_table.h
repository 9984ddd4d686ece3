// The kernels of every instruction set that this build holds, and the choice among them, made once per process.
#pragma once
#include <string_view>

#include "core/kernel.h"
#include "core/plan_context.h"

namespace pt {

struct KernelRow {
  std::string_view op;       // name of the folder under ops/
  std::string_view isa;      // avx512, avx2, neon or generic
  const KernelFn* variants;  // the arguments of PT_KERNELS, in order
};
extern const KernelRow kKernelRows[];
extern const int kKernelRowCount;

// The instruction set in use: POWERTRAIN_ISA if set, else the best that this processor has.
std::string_view current_isa();

// Chooses another one that this processor has, for tests; kernels looked up before keep theirs.
void set_isa(std::string_view name);

// What plans for the CPU that are made now depend on, but for the target: the threads of the pool, the instruction set
// in use, and how its kernels may multiply bf16. The first call asks the operating system for the tile registers.
PlanContext cpu_plan_context();

// Whether kernels for an instruction set may multiply bytes by this processor's own instruction (VNNI). Their sums are
// exact, so it changes no bit.
bool multiplies_bytes(std::string_view isa);

// The kernel table of an op for an instruction set; null for an op without kernels for it.
const KernelFn* find_kernels(std::string_view op, std::string_view isa);
// The same; throws where there are none.
const KernelFn* kernels_of(std::string_view op, std::string_view isa);

}  // namespace pt
