// The text that a compiler is given for a printed kernel: headers are put where they are included, since the compiler
// has no folder of ours to look into.
#include <algorithm>
#include <set>
#include <string_view>

#include "core/error.h"
#include "cuda/headers.h"
#include "ops/fused/cuda_print.h"

namespace pt::cuda::fused {
namespace {

// NVRTC has no <stdint.h>.
constexpr std::string_view kIntegers = R"(#if defined(__CUDACC_RTC__)
typedef signed char int8_t;
typedef unsigned char uint8_t;
typedef short int16_t;
typedef unsigned short uint16_t;
typedef int int32_t;
typedef unsigned int uint32_t;
typedef long int64_t;
typedef unsigned long uint64_t;
typedef unsigned long uintptr_t;
#define INT32_MAX 2147483647
#define INT32_MIN (-INT32_MAX - 1)
#define INT64_MAX 9223372036854775807L
#define INT64_MIN (-INT64_MAX - 1)
#else
#include <stddef.h>
#include <stdint.h>
#endif
)";

std::string_view header(std::string_view name) {
  for (const Header* each = kHeaders; each->name; ++each) {
    if (name == each->name) return each->text;
  }
  return {};
}

// Appends a text without its comments, with our headers in place of their names, each once. Headers of other
// instruction sets, which are not here, stay names behind a condition that is false.
void append(std::string_view source, std::set<std::string, std::less<>>& done, std::string& all) {
  while (!source.empty()) {
    const std::size_t length = std::min(source.find('\n'), source.size() - 1) + 1;
    const std::string_view line = source.substr(0, length);
    source.remove_prefix(length);
    if (line.starts_with("#pragma once") || line.starts_with("#include <") || line.starts_with("//")) continue;
    if (line.starts_with("#include \"")) {
      const std::string_view name = line.substr(10, line.find('"', 10) - 10);
      const std::string_view text = header(name);
      if (!text.empty()) {
        if (done.insert(std::string(name)).second) append(text, done, all);
        continue;
      }
    }
    all += line;
  }
}

}  // namespace

std::string whole_source(const PrintedKernel& kernel) {
  std::string includes = "#include \"ops/fused/cuda_printed.h\"\n";
  for (const std::string& op : kernel.formulas) includes += text("#include \"ops/", op, "/math.h\"\n");
  std::set<std::string, std::less<>> done;
  std::string all(kIntegers);
  append(includes, done, all);
  return all + kernel.text;
}

LaunchPlan print(const Ir& ir, int units) {
  const Passes passes = passes_of(ir);
  const int64_t part_cols = part_of_row(ir, passes, units);
  const PrintedKernel kernel = print_kernel(ir, passes, part_cols, units);
  const double elements = double(ir.space.rows) * double(ir.space.cols);
  LaunchPlan plan;
  if (part_cols < ir.space.cols) {  // what is left to do after the parts is little
    plan = interpret(ir, units);
    plan.launches.erase(plan.launches.begin());
  }
  plan.launches.insert(plan.launches.begin(),
                       make_launch(printed_kernel_number(kernel.name, whole_source(kernel)), kernel.geometry,
                                   kernel.params.data(), kernel.params.size() * sizeof(int64_t), kernel.operands,
                                   moved_bytes(ir), elements * double(ir.nodes.size())));
  return plan;
}

}  // namespace pt::cuda::fused
