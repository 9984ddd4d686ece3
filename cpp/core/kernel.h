// What a compute kernel sees. Kernel translation units are compiled once per instruction set, so this header holds no
// std:: type: an inline template shared with the baseline could become AVX-512 code for everybody.
#pragma once
#include <stdint.h>

namespace pt {

// Bits of the status word that a guard reads. Kernels only ever set bits, atomically.
enum StatusBit : uint32_t {
  kStatusNonFinite = 1u << 0,
  kStatusBadIndex = 1u << 1,
  kStatusPluginError = 1u << 2,
  kStatusNoMemory = 1u << 3,
  kStatusInterrupted = 1u << 4,
};

// One launch of a kernel. The same launch is executed by many threads, each on other chunks.
struct KernelArgs {
  char* const* data;  // operand addresses: the inputs, then the outputs, then the workspace if the launch asked for one
  const void* desc;   // the plain struct that the op's plan function built for these shapes
  char* scratch;      // memory of the executing thread alone, at least the launch's scratch_bytes, 64-byte aligned
  uint32_t* status;   // the program's status word
};

// Executes one chunk. Which elements make a chunk depends on the descriptor alone, never on the thread.
using KernelFn = void (*)(const KernelArgs* args, int64_t chunk);

inline void raise_status(uint32_t* status, uint32_t bits) { __atomic_fetch_or(status, bits, __ATOMIC_RELAXED); }

}  // namespace pt

// Every ops/<op>/cpu.cpp ends with PT_KERNELS(op, variant0, variant1, ...): the table through which the baseline code
// reaches the kernels of this instruction set. It is constant data, so that loading the library runs no code of it.
#define PT_CONCAT2(a, b, c) a##b##_##c
#define PT_CONCAT(a, b, c) PT_CONCAT2(a, b, c)
#define PT_KERNELS(op, ...)                                                                      \
  extern "C" __attribute__((visibility("hidden"))) const pt::KernelFn PT_CONCAT(pt_kernels_, op, \
                                                                                PT_ISA)[] = {__VA_ARGS__}
