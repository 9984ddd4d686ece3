#include <atomic>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/error.h"
#include "parallel/kernel_table.h"
#include "parallel/pool.h"

#if defined(__linux__) && defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace pt {
namespace {

struct Isa {
  std::string_view name;
  bool supported;     // by this processor and its operating system
  std::string needs;  // for the message that refuses it
};

#ifdef PT_HAVE_avx512
Isa avx512() {
#ifdef PT_EMULATE_AVX512
  const bool supported =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  return {"avx512", supported, "AVX2, FMA and F16C, through which this build emulates AVX-512"};
#else
  // __builtin_cpu_supports also asks the operating system whether it saves the wide registers.
  const bool supported = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                         __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  return {"avx512", supported, "AVX-512 F, BW, DQ and VL"};
#endif
}
#endif

#ifdef PT_HAVE_avx2
Isa avx2() {
  const bool supported =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  return {"avx2", supported, "AVX2, FMA and F16C"};
}
#endif

// What this build holds, best first. An emulated AVX-512 is slow, so it is used only when asked for by name.
const std::vector<Isa>& isas() {
  static const auto& all = *new std::vector<Isa> {  // never destroyed: threads may compute while the process ends
#if defined(PT_HAVE_avx512) && !defined(PT_EMULATE_AVX512)
    avx512(),
#endif
#ifdef PT_HAVE_avx2
        avx2(),
#endif
#ifdef PT_HAVE_neon
        {"neon", true, "NEON"},
#endif
#if defined(PT_HAVE_avx512) && defined(PT_EMULATE_AVX512)
        avx512(),
#endif
#ifdef PT_HAVE_generic
        {"generic", true, "nothing"},
#endif
  };
  return all;
}

std::string supported_names() {
  std::string names;
  for (const Isa& isa : isas()) {
    if (isa.supported) names += (names.empty() ? "" : ", ") + std::string(isa.name);
  }
  return names;
}

const Isa& find_isa(std::string_view name, std::string_view where) {
  for (const Isa& isa : isas()) {
    if (isa.name != name) continue;
    if (isa.supported) return isa;
    throw Error(text("[", where, "] ", name, ", which this processor lacks; it needs ", isa.needs, "; use one of ",
                     supported_names()));
  }
  throw Error(text("[", where, "] '", name, "', which this build does not hold; expected one of ", supported_names(),
                   "; unset POWERTRAIN_ISA to use the best"));
}

const Isa& first_choice() {
  const char* name = std::getenv("POWERTRAIN_ISA");
  if (name && *name) return find_isa(name, "POWERTRAIN_ISA");
  for (const Isa& isa : isas()) {
    if (isa.supported) return isa;
  }
  throw Error(
      "[instruction set] this processor has none that this build holds; expected one; build for this processor");
}

#if defined(PT_HAVE_avx512) && !defined(PT_EMULATE_AVX512)
// Linux lends a process the tile registers only when it asks, for then each signal needs room to save 8 KiB of them.
bool asks_for_tiles() {
#ifdef __linux__
  const char* wanted = std::getenv("POWERTRAIN_AMX");
  if (wanted && std::string_view(wanted) == "0") return false;
  constexpr unsigned kBf16 = 1u << 22, kTile = 1u << 24;  // of leaf 7, register edx
  constexpr int kAskForState = 0x1023, kTileData = 18;    // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d & kBf16) || !(d & kTile)) return false;
  return syscall(SYS_arch_prctl, kAskForState, kTileData) == 0;
#else
  return false;
#endif
}
#endif

std::atomic<const Isa*> current{nullptr};

}  // namespace

std::string_view current_isa() {
  const Isa* isa = current.load(std::memory_order_acquire);
  if (!isa) {
    isa = &first_choice();
    current.store(isa, std::memory_order_release);
  }
  return isa->name;
}

void set_isa(std::string_view name) { current.store(&find_isa(name, "set_isa"), std::memory_order_release); }

PlanContext cpu_plan_context() {
  PlanContext context;
  context.threads = Pool::instance().threads();
  context.isa = current_isa();
#if defined(PT_HAVE_avx512) && !defined(PT_EMULATE_AVX512)
  static const bool pairs = __builtin_cpu_supports("avx512bf16"), tiles = asks_for_tiles();
  context.multiplies_pairs = pairs && context.isa == "avx512";
  context.multiplies_tiles = tiles && context.isa == "avx512";
#endif
  return context;
}

bool multiplies_bytes(std::string_view isa) {
#if defined(PT_HAVE_avx512) && !defined(PT_EMULATE_AVX512)
  if (isa == "avx512") return __builtin_cpu_supports("avx512vnni");
#endif
#ifdef PT_HAVE_avx2
  if (isa == "avx2") return __builtin_cpu_supports("avxvnni");
#endif
  return false;
}

const KernelFn* find_kernels(std::string_view op, std::string_view isa) {
  for (int i = 0; i < kKernelRowCount; ++i) {
    if (kKernelRows[i].op == op && kKernelRows[i].isa == isa) return kKernelRows[i].variants;
  }
  return nullptr;
}

const KernelFn* kernels_of(std::string_view op, std::string_view isa) {
  if (const KernelFn* found = find_kernels(op, isa)) return found;
  throw Error(text("[kernel ", op, "] no kernel of that name for ", isa, "; expected a folder cpp/ops/", op,
                   " with a cpu.cpp; add it or correct the name in the plan"));
}

}  // namespace pt
