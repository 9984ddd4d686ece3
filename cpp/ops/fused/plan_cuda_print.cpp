// What printed kernels have in common: values, constants, offsets, parameters.
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "core/error.h"
#include "ops/fused/cuda_print.h"

namespace pt::cuda::fused {
namespace {

// Whether all offsets and counts fit into 32 bits, with room for what a loop adds before it ends.
bool is_small(const Space& space) {
  constexpr int64_t kMost = int64_t(1) << 30;
  const auto reach = [&](const FusedOperandDesc& operand) {
    int64_t most = std::abs(operand.inner) * space.cols;
    for (std::size_t axis = 0; axis < space.outer.size(); ++axis) {
      most += std::abs(operand.outer[axis]) * space.outer[axis];
    }
    return most;
  };
  return space.rows * space.cols < kMost &&
         std::all_of(space.operands.begin(), space.operands.end(),
                     [&](const FusedOperandDesc& operand) { return reach(operand) < kMost; });
}

std::string literal(FusedClass cls, int64_t bits) {
  const std::string digits = text(bits == INT64_MIN ? "INT64_MIN" : std::to_string(bits));
  switch (cls) {
    case FusedClass::F32:
      return text("bit_cast<float>(int32_t(", digits, "))");
    case FusedClass::F64:
      return text("bit_cast<double>(int64_t(", digits, "))");
    case FusedClass::Bool:
      return text("uint8_t(", digits, ")");
    case FusedClass::I32:
      return text("int32_t(", digits, ")");
    case FusedClass::I64:
      return text("int64_t(", digits, ")");
    default:
      return text("uint64_t(", digits, ")");
  }
}

}  // namespace

Printer::Printer(const Ir& ir, const Passes& passes) : ir_(ir), passes_(passes), small_(is_small(ir.space)) {
  for (const int64_t extent : ir.space.outer) add_param(extent);
  strides_at_ = int(params_.size());
  for (const FusedOperandDesc& operand : ir.space.operands) {
    for (std::size_t axis = 0; axis < ir.space.outer.size(); ++axis) add_param(operand.outer[axis]);
    add_param(operand.inner);
  }
}

int Printer::add_param(int64_t number) {
  params_.push_back(number);
  return int(params_.size()) - 1;
}

const char* Printer::type_of(FusedClass cls) {
  constexpr const char* names[] = {"float", "double", "int32_t", "int64_t", "uint8_t", "uint64_t"};
  return names[int(cls)];
}

std::string Printer::storage_of(FusedStorage storage) {
  constexpr const char* names[] = {"Bool", "U8",  "I8",  "I16", "I32", "I64", "F16",
                                   "BF16", "F32", "F64", "U16", "U32", "U64"};
  return text("FusedStorage::", names[int(storage)]);
}
std::string Printer::storage_of(const Node& node) const {
  return storage_of(ir_.space.operands[std::size_t(node.operand)].storage);
}

std::string Printer::reduction_of(int i) const {
  constexpr const char* kNames[] = {"ReduceSum", "ReduceProd", "ReduceMax", "ReduceMin"};  // in FusedReduce's order
  return text(kNames[int(fused::reduction_of(node(i).kind))], ", ", type_of(node(i).from));
}

std::string Printer::compute(int i, const std::string& offset, const std::string& element) {
  const Node& n = node(i);
  const std::string made = text("const ", type_of(n.to), " ", value(i), " = ");
  switch (n.kind) {
    case StepKind::Constant:
      return text(made, literal(n.to, n.bits), ";\n");
    case StepKind::Load:
      return text(made, "load_element<", storage_of(n), ">(p", n.operand, ", ", offset, ");\n");
    case StepKind::Cast:
      return text(made, "cast<", type_of(n.to), ", ", storage_of(n.storage), ">(", value(n.args[0]), ");\n");
    case StepKind::Uniform:
      return text(made, n.to == FusedClass::F32 ? "philox_float_at" : "philox_double_at", "(key", i, ", ", element,
                  ");\n");
    default: {
      const std::string op = kMathFacts.facts[n.op].name;
      if (std::find(formulas_.begin(), formulas_.end(), op) == formulas_.end()) formulas_.push_back(op);
      std::string args;
      for (const int arg : n.args) args += (args.empty() ? "" : ", ") + value(arg);
      return text(made, "formula<formula_", op, ", ", type_of(n.from), ">(", args, ");\n");
    }
  }
}

std::string Printer::constants() {
  std::string all;
  for (int i = 0; i < int(ir_.nodes.size()); ++i) {
    const Node& n = node(i);
    if (!n.live || n.kind == StepKind::Store) continue;
    if (n.level == Level::Constant) all += "  " + compute(i, "0", "");
    if (n.kind != StepKind::Uniform) continue;
    const std::string seed = text("reinterpret_cast<const int64_t*>(p", n.operand, ")");
    all += text("  const PhiloxKey key", i, " = philox_key(", seed, "[0], ", seed, "[1], ", seed, "[2] + ",
                literal(FusedClass::I64, n.bits), ");\n");
  }
  return all;
}

std::string Printer::offset(int operand, const std::vector<std::string>& places) const {
  const FusedOperandDesc& o = ir_.space.operands[std::size_t(operand)];
  const std::size_t outer = ir_.space.outer.size();
  std::string sum;
  for (std::size_t axis = 0; axis < places.size(); ++axis) {
    const int64_t stride = axis < outer ? o.outer[axis] : o.inner;
    if (stride == 0 || places[axis].empty()) continue;
    if (!sum.empty()) sum += " + ";
    sum += places[axis];
    if (stride != 1) {
      const std::size_t at = std::size_t(strides_at_) + std::size_t(operand) * (outer + 1) + axis;
      sum += text(" * ", index_type(), "(params.at[", at, "])");
    }
  }
  return sum.empty() ? "0" : sum;
}

std::string Printer::split_row(const std::string& from, const std::string& indent) const {
  const int outer = int(ir_.space.outer.size());
  std::string all, rest = from;
  for (int axis = outer - 1; axis > 0; --axis) {
    const std::string extent = text(index_type(), "(params.at[", extents_at_ + axis, "])");
    const std::string above = text("above", axis);
    all += text(indent, "const ", index_type(), " ", above, " = ", rest, " / ", extent, ", at", axis, " = ", rest,
                " - ", above, " * ", extent, ";\n");
    rest = above;
  }
  if (outer > 0) all += text(indent, "const ", index_type(), " at0 = ", rest, ";\n");
  return all;
}

PrintedKernel Printer::finish(std::string body, uint32_t threads) {
  PrintedKernel kernel;
  kernel.operands = int(ir_.space.operands.size()) + 1;  // the workspace too
  std::string head;
  for (std::size_t i = 0; i < ir_.space.operands.size(); ++i)
    head += text("  [[maybe_unused]] char* const p", i, " = operands.at[", i, "];\n");
  body = text("  using namespace pt;\n  using namespace pt::PT_ISA;\n", head, body);
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text(body, params_.size(), " ", threads)) hash = (hash ^ uint8_t(c)) * 0x100000001b3u;
  char name[32];
  std::snprintf(name, sizeof(name), "fused_%016llx", static_cast<unsigned long long>(hash));
  kernel.name = name;
  std::sort(formulas_.begin(), formulas_.end());
  kernel.formulas = formulas_;
  kernel.text = text("struct ", kernel.name, "_params {\n  int64_t at[", params_.size(), "];\n};\nPT_CUDA_KERNEL(",
                     kernel.name, ", ", kernel.operands, ", ", kernel.name, "_params, ", threads, ") {\n", body, "}\n");
  kernel.params = params_;
  return kernel;
}

PrintedKernel print_kernel(const Ir& ir, const Passes& passes, int64_t part_cols, int units) {
  return passes.by_rows ? print_rows(ir, passes, part_cols, units) : print_elements(ir, passes, units);
}

}  // namespace pt::cuda::fused
