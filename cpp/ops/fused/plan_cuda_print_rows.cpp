// Printed kernels of row programs: values of rows are in every thread of the group, values of elements are computed
// again in every pass that needs them. Within a pass a thread loads several elements before it uses the first.
#include <algorithm>
#include <bit>

#include "core/error.h"
#include "core/integers.h"
#include "ops/fused/cuda_print.h"

namespace pt::cuda::fused {
namespace {

constexpr int kMostWarps = 8;
constexpr int kAtOnce = 4;  // elements of a thread that are loaded together: lanes alternate, so an even number

class RowPrinter : Printer {
 public:
  RowPrinter(const Ir& ir, const Passes& passes, int64_t part_cols) : Printer(ir, passes), part_cols_(part_cols) {
    const int64_t blocks = ceil_div(std::max<int64_t>(part_cols, 1), kSumBlock);
    warps_ = int(std::min<int64_t>(kMostWarps, int64_t(std::bit_ceil(uint64_t(blocks)))));
    parted_ = part_cols < ir.space.cols;
    for (int pass = 0; pass < passes.count; ++pass) {
      int reductions = 0;
      for (const int i : elements_of_pass(ir, passes, pass)) reductions += reduces(node(i));
      reductions_ = std::max(reductions_, reductions);
    }
    rows_ = param(ir.space.rows);
    cols_ = param(ir.space.cols);
    if (parted_) parts_ = param(ceil_div(ir.space.cols, part_cols)), length_ = param(part_cols);
  }

  PrintedKernel take(int units) {
    const std::string type = index_type();
    std::string body = parted_ ? text("  char* const p_work = operands.at[", ir_.space.operands.size(), "];\n") : "";
    body += text("  PT_DYNAMIC_SHARED(char, memory);\n  const RowGroup<", warps_, "> group(memory, ", reductions_,
                 ");\n", constants());
    body += text("  const int64_t items = int64_t(", rows_, ")", parted_ ? text(" * ", parts_) : "",
                 ";\n  for (int64_t item = int64_t(blockIdx.x) * group.groups + group.number; item < items; item += "
                 "int64_t(gridDim.x) * group.groups) {\n");
    if (parted_) {
      body += text("    [[maybe_unused]] const ", type, " row = ", type, "(item / ", parts_, "), begin = ", type,
                   "(item - int64_t(row) * ", parts_, ") * ", length_, ", end = begin + ", length_, " < ", cols_,
                   " ? begin + ", length_, " : ", cols_, ";\n");
    } else {
      body += text("    [[maybe_unused]] const ", type, " row = ", type, "(item), begin = 0, end = ", cols_, ";\n");
    }
    body += split_row("row", "    ") + bases();
    for (int pass = 0; pass < passes_.count; ++pass) body += values_of_row(pass) + run_pass(pass);
    if (!parted_) body += values_of_row(passes_.count) + stores_of_row();
    body += "  }\n";
    return with_geometry(finish(std::move(body), kFusedThreads), units);
  }

 private:
  std::string param(int64_t number) { return text(index_type(), "(params.at[", add_param(number), "])"); }

  // Where a row begins in each operand.
  std::string bases() const {
    std::vector<std::string> places;
    for (std::size_t axis = 0; axis < ir_.space.outer.size(); ++axis) places.push_back(text("at", axis));
    std::string all;
    for (int o = 0; o < int(ir_.space.operands.size()); ++o) {
      all += text("    [[maybe_unused]] const ", index_type(), " base", o, " = ", offset(o, places), ";\n");
    }
    return all;
  }
  std::string element_offset(int operand, const std::string& col) const {
    std::vector<std::string> places(ir_.space.outer.size());
    places.push_back(col);
    return text("base", operand, " + ", offset(operand, places));
  }

  std::string values_of_row(int depth) {
    std::string all;
    for (int i = 0; i < int(ir_.nodes.size()); ++i) {
      const Node& n = node(i);
      const bool here = n.live && n.level == Level::Row && passes_.depth[std::size_t(i)] == depth;
      if (here && n.kind != StepKind::Store && !reduces(n)) all += "    " + compute(i, text("base", n.operand), "");
    }
    return all;
  }
  // What another thread of the group may still read as a value of the row is written last.
  std::string stores_of_row() const {
    std::string all;
    for (int i = 0; i < int(ir_.nodes.size()); ++i) {
      const Node& n = node(i);
      if (!n.live || n.kind != StepKind::Store || n.level != Level::Row) continue;
      all += text("      store_element<", storage_of(n), ">(p", n.operand, ", base", n.operand, ", ", value(n.args[0]),
                  ");\n");
    }
    return all.empty() ? "" : text("    group.wait();\n    if (group.leads()) {\n", all, "    }\n");
  }

  std::string run_pass(int pass) {
    const std::vector<int> order = elements_of_pass(ir_, passes_, pass);
    if (order.empty()) return "";
    const std::string type = index_type();
    std::string arrays, load, use, lanes, put, push, finished;
    int reductions = 0;
    for (const int i : order) {
      const Node& n = node(i);
      if (n.kind == StepKind::Load) {
        arrays += text("          ", type_of(n.to), " x", i, "[", kAtOnce, "];\n");
        load += text("            x", i, "[e] = load_element<", storage_of(n), ">(p", n.operand, ", ",
                     element_offset(n.operand, "col"), ");\n");
        use += text("            const ", type_of(n.to), " ", value(i), " = x", i, "[e];\n");
      } else if (n.kind == StepKind::Store) {
        use += text("            store_element<", storage_of(n), ">(p", n.operand, ", ",
                    element_offset(n.operand, "col"), ", ", value(n.args[0]), ");\n");
      } else if (reduces(n)) {
        const std::string op = reduction_of(i), operation = op.substr(0, op.find(',')), of = type_of(n.from);
        const std::string identity = text(operation, "::identity<", of, ">()");
        lanes += text("      ", of, " a", i, "[2] = {", identity, ", ", identity, "};\n");
        use += text("            a", i, "[e & 1] = ", operation, "::one(a", i, "[e & 1], ", value(n.args[0]), ");\n");
        put += text("      group.put<", operation, ">(", reductions, ", a", i, ");\n");
        push += text("        group.push<", op, ">(", reductions, ", waves, blocks - block);\n");
        finished +=
            parted_ ? text("    if (group.leads()) reinterpret_cast<", of, "*>(p_work)[((item * ", reductions_, " + ",
                           reductions, ") * 8) / int64_t(sizeof(", of, "))] = group.finish<", op, ">(", reductions,
                           ", waves);\n")
                    : text("    const ", of, " ", value(i), " = group.finish<", op, ">(", reductions, ", waves);\n");
        ++reductions;
      } else {
        use += "            " + compute(i, "", text("int64_t(row) * ", cols_, " + col"));
      }
    }
    if (reductions > 0)
      put += text("      group.wait();\n      if (group.leads()) {\n", push, "      }\n      group.wait();\n");
    const std::string each = text("          PT_UNROLL for (int e = 0; e < ", kAtOnce, "; ++e) {\n            const ",
                                  type, " col = first + e * 32;\n            if (col >= to) break;\n");
    // The names of elements end with the pass: the next one computes them again.
    const std::string waves = text("waves", pass);
    std::string loop = text(
        "    {\n    const ", type, " blocks = (end - begin + ", kSumBlock - 1, ") / ", kSumBlock, ";\n    for (", type,
        " block = 0; block < blocks; block += ", warps_, ", ++waves) {\n", lanes,
        "      if (block + group.warp < blocks) {\n", "        const ", type, " from = begin + (block + group.warp) * ",
        kSumBlock, ", to = from + ", kSumBlock, " < end ? from + ", kSumBlock, " : end;\n        for (", type,
        " first = from + group.lane; first < to; first += ", 32 * kAtOnce, ") {\n", arrays, each, load, "          }\n",
        each, use, "          }\n        }\n      }\n", put, "    }\n    }\n");
    std::string all = text("    int64_t waves = 0;\n", loop, finished);
    for (std::size_t at = 0; (at = all.find("waves", at)) != std::string::npos; at += waves.size()) {
      all.replace(at, 5, waves);
    }
    return all;
  }

  PrintedKernel with_geometry(PrintedKernel kernel, int units) const {
    const int groups = warps_ == 1 ? 4 : 1;
    const uint32_t warps = uint32_t(warps_ * groups);
    const int64_t items = ir_.space.rows * (parted_ ? ceil_div(ir_.space.cols, part_cols_) : 1);
    kernel.geometry.grid.x = blocks_for(items, groups, int64_t(units) * 32);
    kernel.geometry.block.x = warps * kWarpThreads;
    kernel.geometry.shared_bytes = uint32_t(reductions_) * (warps + uint32_t(groups * kFusedDepth)) * 8;
    return kernel;
  }

  int64_t part_cols_;
  int warps_ = 1, reductions_ = 0;
  bool parted_ = false;
  std::string rows_, cols_, parts_, length_;
};

}  // namespace

PrintedKernel print_rows(const Ir& ir, const Passes& passes, int64_t part_cols, int units) {
  return RowPrinter(ir, passes, part_cols).take(units);
}

}  // namespace pt::cuda::fused
