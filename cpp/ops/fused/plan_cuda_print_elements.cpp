// Printed kernels without reductions. Where all operands lie alike, a thread takes neighbours as one access; else
// elements that are a block apart. All of them are loaded before the first is stored.
#include <algorithm>

#include "core/error.h"
#include "core/integers.h"
#include "ops/fused/cuda_print.h"

namespace pt::cuda::fused {
namespace {

constexpr uint32_t kThreads = 256;
constexpr int kApart = 4;  // elements of a thread at a time where they are a block apart

class ElementPrinter : Printer {
 public:
  ElementPrinter(const Ir& ir, const Passes& passes) : Printer(ir, passes), order_(elements_of_pass(ir, passes, 0)) {
    count_ = text(index_type(), "(params.at[", add_param(ir.space.rows * ir.space.cols), "])");
    if (!ir.space.outer.empty()) cols_ = text(index_type(), "(params.at[", add_param(ir.space.cols), "])");
    for (const int i : order_) {
      if (node(i).kind == StepKind::Load) loads_.push_back(i);
      if (node(i).kind == StepKind::Store) stores_.push_back(i);
    }
  }

  PrintedKernel take(int units) {
    std::string body = constants() + text("  const ", index_type(), " count = ", count_, ";\n") + lambda();
    const bool flat = is_flat();
    body += flat ? packs() + apart("begin + ") : apart("");
    PrintedKernel kernel = finish(std::move(body), kThreads);
    const int64_t elements = ir_.space.rows * ir_.space.cols;
    const int64_t each = flat ? std::max(pack_size(), 1) : kApart;
    kernel.geometry = {
        {blocks_for(ceil_div(elements, each), kThreads, int64_t(units) * 16), 1, 1}, {kThreads, 1, 1}, 0};
    return kernel;
  }

 private:
  bool is_flat() const {
    return ir_.space.outer.empty() && pack_size() > 1 && std::all_of(order_.begin(), order_.end(), [&](int i) {
             const bool moves = node(i).kind == StepKind::Load || node(i).kind == StepKind::Store;
             return !moves || ir_.space.operands[std::size_t(node(i).operand)].inner == 1;
           });
  }
  int pack_size() const {
    int most = 1;
    for (const std::vector<int>& moves : {loads_, stores_}) {
      for (const int i : moves) most = std::max(most, int(ir_.space.operands[std::size_t(node(i).operand)].bytes));
    }
    return std::min(16 / most, 8);
  }

  // What an element's stores are given from what its loads have.
  std::string lambda() {
    std::string inputs = text("[[maybe_unused]] const ", index_type(), " index"), body;
    for (const int i : loads_) inputs += text(", const ", type_of(node(i).to), " ", value(i));
    for (const int i : stores_) inputs += text(", ", type_of(node(i).from), "& out", i);
    for (const int i : order_) {
      if (node(i).kind == StepKind::Load) continue;
      if (node(i).kind == StepKind::Store)
        body += text("    out", i, " = ", value(node(i).args[0]), ";\n");
      else
        body += "    " + compute(i, "", "index");
    }
    return text("  const auto element = [&](", inputs, ") {\n", body, "  };\n");
  }

  std::string call(const std::string& index, const std::vector<std::string>& in) const {
    std::string args = index;
    for (const std::string& each : in) args += ", " + each;
    for (const int i : stores_) args += text(", out", i);
    return text("element(", args, ");\n");
  }
  std::string results(const std::string& indent) const {
    std::string all;
    for (const int i : stores_) all += text(indent, type_of(node(i).from), " out", i, ";\n");
    return all;
  }

  std::string packs() const {
    const int size = pack_size();
    std::string aligned, load, store;
    std::vector<std::string> in;
    const auto check = [&](int i) {
      const auto& operand = ir_.space.operands[std::size_t(node(i).operand)];
      aligned += text(aligned.empty() ? "" : " | ", "reinterpret_cast<uintptr_t>(p", node(i).operand, ") % ",
                      std::min(16, int(operand.bytes) * size));
    };
    for (const int i : loads_) {
      check(i);
      load += text("      const auto x", i, " = Pack<", storage_of(node(i)), ", ", size, ">::load(p", node(i).operand,
                   ", pack);\n");
      in.push_back(text("x", i, ".get(e)"));
    }
    std::string put;
    for (const int i : stores_) {
      check(i);
      load += text("      Pack<", storage_of(node(i)), ", ", size, "> y", i, ";\n");
      put += text("        y", i, ".put(e, out", i, ");\n");
      store += text("      y", i, ".store(p", node(i).operand, ", pack);\n");
    }
    const std::string type = index_type();
    return text("  ", type, " begin = 0;\n  if ((", aligned, ") == 0) {\n    const ", type, " packs = count / ", size,
                ";\n    for (", type, " pack = ", type, "(cuda::global_thread()); pack < packs; pack += ", type,
                "(cuda::global_threads())) {\n", load, "      PT_UNROLL for (int e = 0; e < ", size, "; ++e) {\n",
                results("        "), "        ", call(text("pack * ", size, " + e"), in), put, "      }\n", store,
                "    }\n    begin = packs * ", size, ";\n  }\n");
  }

  std::string apart(const std::string& begin) const {
    const std::string type = index_type();
    std::vector<std::string> places, in;
    for (std::size_t axis = 0; axis < ir_.space.outer.size(); ++axis) places.push_back(text("at", axis));
    places.push_back("col");
    std::string arrays, load, store;
    for (const int i : loads_) {
      arrays += text("    ", type_of(node(i).to), " x", i, "[", kApart, "];\n");
      load += text("      x", i, "[e] = load_element<", storage_of(node(i)), ">(p", node(i).operand, ", ",
                   offset(node(i).operand, places), ");\n");
      in.push_back(text("x", i, "[e]"));
    }
    for (const int i : stores_) {
      arrays += text("    ", type, " o", i, "[", kApart, "];\n");
      load += text("      o", i, "[e] = ", offset(node(i).operand, places), ";\n");
      store +=
          text("      store_element<", storage_of(node(i)), ">(p", node(i).operand, ", o", i, "[e], out", i, ");\n");
    }
    const std::string split = cols_.empty() ? text("      const ", type, " col = index;\n")
                                            : text("      const ", type, " row = index / ", cols_,
                                                   ", col = index - row * ", cols_, ";\n", split_row("row", "      "));
    const std::string each = text("    PT_UNROLL for (int e = 0; e < ", kApart, "; ++e) {\n      const ", type,
                                  " index = first + e * ", type, "(blockDim.x);\n      if (index >= count) break;\n");
    return text("  const ", type, " tile = ", type, "(blockDim.x) * ", kApart, ";\n  for (", type, " first = ", begin,
                type, "(blockIdx.x) * tile + ", type, "(threadIdx.x); first < count; first += ", type,
                "(gridDim.x) * tile) {\n", arrays, each, split, load, "    }\n", each, results("      "), "      ",
                call("index", in), store, "    }\n  }\n");
  }

  std::vector<int> order_, loads_, stores_;
  std::string count_, cols_;
};

}  // namespace

PrintedKernel print_elements(const Ir& ir, const Passes& passes, int units) {
  return ElementPrinter(ir, passes).take(units);
}

}  // namespace pt::cuda::fused
