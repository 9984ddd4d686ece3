// Writes the kernels that fused_printed_test runs: fused_printer FILE
#include <fstream>
#include <set>

#include "cuda/tests/fused_printed.h"

int main(int, char** argv) {
  using namespace pt;
  std::ofstream out(argv[1]);
  out << "#include \"ops/fused/cuda_printed.h\"\n#include \"math_headers.inc\"\n";
  std::set<std::string> names;
  for (const auto& [program, units] : check::printed_programs()) {
    const cuda::fused::PrintedKernel kernel = check::print(program, units);
    if (!kernel.name.empty() && names.insert(kernel.name).second) out << kernel.text;
  }
  return out.flush() ? 0 : 1;
}
