// Plans of matrix products that an elementwise program follows: a program that is one chain of known operations, with
// at most one other number for each, goes into the product's own kernel.
#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "core/error.h"
#include "ops/matmul/cuda_epilogue_desc.h"
#include "ops/matmul/plan_cuda.h"

namespace pt::cuda {
namespace {

constexpr int kWorkspace = -1;

struct Known {
  const char* formula;
  int value_at;  // which argument the value is; -1: any
  EpilogueCode code;
};
constexpr Known kOfTwo[] = {{"add", -1, EpilogueCode::Add},
                            {"multiply", -1, EpilogueCode::Multiply},
                            {"subtract", 0, EpilogueCode::Subtract},
                            {"subtract", 1, EpilogueCode::SubtractFrom},
                            {"relu_grad", 1, EpilogueCode::ReluGrad},
                            {"gelu_tanh_grad", 1, EpilogueCode::GeluTanhGrad},
                            {"gelu_erf_grad", 1, EpilogueCode::GeluErfGrad},
                            {"silu_grad", 1, EpilogueCode::SiluGrad},
                            {"tanh_grad", 1, EpilogueCode::TanhGrad},
                            {"sigmoid_grad", 1, EpilogueCode::SigmoidGrad}};
constexpr Known kOfOne[] = {{"relu", 0, EpilogueCode::Relu},        {"gelu_tanh", 0, EpilogueCode::GeluTanh},
                            {"gelu_erf", 0, EpilogueCode::GeluErf}, {"silu", 0, EpilogueCode::Silu},
                            {"tanh", 0, EpilogueCode::Tanh},        {"sigmoid", 0, EpilogueCode::Sigmoid}};

// Reads a program step by step; operand i of the program is operand i - 1 of the chain.
class Chain {
 public:
  Chain(const FusedProgram& program, DType product) : program_(program) {
    if (is_half(product)) push({EpilogueCode::Round, -1, product, 0});
    for (std::size_t i = 0; i < program.steps.size() && why_.empty(); ++i) read(static_cast<int>(i));
    if (static_cast<int>(ops_.size()) > kEpilogueOps) why_ = text("it has more than ", kEpilogueOps, " operations");
  }
  const std::string& why() const { return why_; }
  const std::vector<EpilogueOp>& ops() const { return ops_; }

 private:
  enum class Is { Value, Other, Number };
  struct Step {
    Is is;
    int at;  // of the value: how often it had changed; of another number: its operand
    double number;
  };

  void refuse(const std::string& why) { why_ = why; }
  void push(const EpilogueOp& op) { ops_.push_back(op); }

  // The value as step i leaves it goes to where it is stored.
  void become(int i) {
    steps_[i] = {Is::Value, ++changes_, 0};
    store(i);
  }
  void store(int i) {
    for (const FusedStep& step : program_.steps) {
      if (step.kind != StepKind::Store || step.args[0] != i) continue;
      push({EpilogueCode::Store, static_cast<int8_t>(step.operand - 1), DType::F32, 0});
      stored_ = true;
    }
  }

  bool is_value(int step) const {
    const auto found = steps_.find(step);
    return found != steps_.end() && found->second.is == Is::Value && found->second.at == changes_;
  }

  void read(int i) {
    const FusedStep& step = program_.steps[static_cast<std::size_t>(i)];
    switch (step.kind) {
      case StepKind::Load:
        if (step.dtype != DType::F32) return refuse("it reads numbers that are not floats of up to 32 bits");
        if (step.operand != 0) return void(steps_[i] = {Is::Other, step.operand - 1, 0});
        if (changes_ > 0) return refuse("it reads the product twice");
        return become(i);
      case StepKind::Constant:
        if (step.dtype != DType::F32) return refuse("it has constants that are not floats");
        return void(steps_[i] = {Is::Number, 0, step.value});
      case StepKind::Cast:
        return cast(i, step);
      case StepKind::Math:
        return math(i, step);
      case StepKind::Store:
        if (const auto found = steps_.find(step.args[0]); found == steps_.end() || found->second.is != Is::Value)
          refuse("it stores what is not computed from the product");
        return;
      default:
        return refuse("it reduces rows or draws numbers");
    }
  }

  void cast(int i, const FusedStep& step) {
    const int from = step.args[0];
    if (step.dtype == DType::F32 && program_.steps[static_cast<std::size_t>(from)].dtype == DType::F32) {
      if (!is_value(from)) return refuse("it converts what is no product");
      steps_[i] = steps_[from];
      return store(i);
    }
    if (!is_half(step.dtype) || !is_value(from)) return refuse("it converts between dtypes");
    push({EpilogueCode::Round, -1, step.dtype, 0});
    become(i);
  }

  void math(int i, const FusedStep& step) {
    const int args = static_cast<int>(std::count_if(step.args.begin(), step.args.end(), [](int a) { return a >= 0; }));
    if (step.external || step.dtype != DType::F32 || args > 2) return refuse(text("no kernel has ", step.op));
    const int at = is_value(step.args[0]) ? 0 : 1;
    if (!is_value(step.args[at]) || (args == 2 && is_value(step.args[1 - at])))
      return refuse("it needs a number again that has gone through another operation");
    const auto all = args == 2 ? std::span<const Known>(kOfTwo) : std::span<const Known>(kOfOne);
    const auto known = std::find_if(all.begin(), all.end(), [&](const Known& each) {
      return step.op == each.formula && (each.value_at < 0 || each.value_at == at);
    });
    if (known == all.end()) return refuse(text("no kernel has ", step.op));
    EpilogueOp op{known->code, -1, DType::F32, 0};
    if (args == 2) {
      const auto other = steps_.find(step.args[1 - at]);
      if (other == steps_.end() || other->second.is == Is::Value)
        return refuse("it needs a number again that has gone through another operation");
      if (other->second.is == Is::Other) {
        // What was stored may lie where this is read.
        if (stored_) return refuse("it reads an operand after a result");
        op.operand = static_cast<int8_t>(other->second.at);
      }
      op.constant = static_cast<float>(other->second.number);
    }
    push(op);
    become(i);
  }

  const FusedProgram& program_;
  std::map<int, Step> steps_;
  std::vector<EpilogueOp> ops_;
  std::string why_;
  int changes_ = 0;
  bool stored_ = false;
};

bool takes(std::span<const Operand> in, const Operand& c, const FusedProgram& program, std::string* why) {
  const auto refuse = [&](const std::string& reason) {
    *why = reason;
    return false;
  };
  if (in[0].shape.size() < 2 || in[1].shape.size() < 2) return refuse("an operand of one axis; matrices are expected");
  if (in[0].dtype != in[1].dtype || in[0].dtype == DType::F64)
    return refuse("operands of two dtypes, or of f64; f32, bf16 or f16 is expected");
  if (program.extents != c.shape)
    return refuse(
        text("the calls behind it run over ", program.extents, "; the product's shape ", c.shape, " is expected"));
  if (static_cast<int>(program.operands.size()) - 1 > kEpilogueOperands)
    return refuse(text("the calls behind it have more than ", kEpilogueOperands, " operands"));
  for (const FusedOperand& operand : program.operands) {
    if (operand.dtype != DType::F32 && !is_half(operand.dtype))
      return refuse("the calls behind it have operands that are not floats of up to 32 bits");
  }
  const Chain chain(program, c.dtype);
  return chain.why().empty() || refuse("of the calls behind it: " + chain.why());
}

EpilogueOperand operand_of(const FusedOperand& operand, const Walk& walk, const Batch& batch, int64_t cols) {
  EpilogueOperand made{};
  made.row = walk.row, made.col = operand.strides.back(), made.type = operand.dtype;
  const auto whole = [](int64_t n) { return n % 8 == 0; };
  made.vectors = made.col == 1 && whole(cols) && whole(made.row);
  for (int axis = 0; axis < batch.extents.size(); ++axis) {
    made.batch[axis] = walk.batch[axis];
    made.vectors = made.vectors && whole(walk.batch[axis]);
  }
  return made;
}

// The walks of the program's operands come behind those of the product, which itself is not stored.
Batch batch_of_all(const Operand& a, const Operand& b, const Operand& c, const FusedProgram& program) {
  Batch batch = batch_of(a, b, c);
  const int n = c.shape.size();
  for (std::size_t i = 1; i < program.operands.size(); ++i) {
    const Strides& strides = program.operands[i].strides;
    Walk walk = {strides[n - 2], {}};
    for (int axis = 0; axis + 2 < n; ++axis) walk.batch.push_back(strides[axis]);
    batch.walks.push_back(walk);
  }
  simplify(batch);
  return batch;
}

double moved(const EpilogueProduct& p, const FusedProgram& program) {
  double bytes = bytes_moved(p.product) - static_cast<double>(p.product.batches * p.product.rows * p.product.cols) *
                                              static_cast<double>(size_of(p.product.out_type));
  for (std::size_t i = 1; i < program.operands.size(); ++i) {
    double elements = 1;
    for (int axis = 0; axis < program.extents.size(); ++axis)
      elements *= program.operands[i].strides[axis] != 0 ? static_cast<double>(program.extents[axis]) : 1;
    bytes += elements * static_cast<double>(size_of(program.operands[i].dtype));
  }
  return bytes;
}

LaunchPlan plan(std::span<const Operand> in, const Operand& c, const FusedProgram& program, int units) {
  LaunchPlan plan;
  if (count(c.shape) == 0) return plan;
  const Batch batch = batch_of_all(in[0], in[1], c, program);
  EpilogueProduct params{};
  TileProduct& p = params.product;
  p = describe(in[0], in[1], c, batch);
  const Chain chain(program, c.dtype);
  std::copy(chain.ops().begin(), chain.ops().end(), params.ops);
  params.n_ops = static_cast<int32_t>(chain.ops().size());
  params.n_operands = static_cast<int32_t>(program.operands.size()) - 1;
  std::vector<int> operands = {0, 1};
  for (int i = 0; i < params.n_operands; ++i) {
    params.operands[i] = operand_of(program.operands[i + 1], batch.walks[3 + i], batch, p.cols);
    operands.push_back(2 + i);
  }
  const KernelKind kind = kernel_kind(in[0].dtype, in[1].dtype);
  const TileChoice tiles = choose_tiles(p, units, kind, true);
  p.splits = tiles.splits, p.split_depth = tiles.split_depth;
  p.row_tiles = ceil_div(p.rows, tiles.rows), p.col_tiles = ceil_div(p.cols, tiles.cols);
  const Geometry geometry{.grid = blocks_for(p.tiles(), 1, int64_t{1} << 30),
                          .block = static_cast<uint32_t>(tiles.threads)};
  const std::string name = std::string(kind.name) + "_" + tiles.shape;
  const double flops = 2 * static_cast<double>(p.batches * p.rows * p.cols) * static_cast<double>(p.depth);
  constexpr int kOperands = 2 + kEpilogueOperands;
  if (p.splits == 1) {
    plan.launches.push_back(
        cuda_launch("matmul_then_" + name, geometry, params, kOperands, moved(params, program), flops));
    plan.launches.back().operands = operands;
    return plan;
  }
  const int64_t sums = p.batches * p.rows * p.cols;
  plan.workspace_bytes = sums * p.splits * 4;
  plan.launches.push_back(cuda_launch("matmul_" + name, geometry, p, 3, bytes_moved(p), flops));
  plan.launches.back().operands = {0, 1, kWorkspace};
  const Geometry adding{.grid = blocks_for(p.batches * p.rows * ceil_div(p.cols, 8), 256), .block = 256};
  plan.launches.push_back(cuda_launch("matmul_then_add_splits", adding, params, kOperands,
                                      static_cast<double>(sums * p.splits * 4) + moved(params, program) -
                                          bytes_moved(p) +
                                          static_cast<double>(sums) * static_cast<double>(size_of(p.out_type))));
  operands[0] = operands[1] = kWorkspace;
  plan.launches.back().operands = operands;
  return plan;
}

const bool planned = on_cuda("matmul", CudaEpilogue{takes, plan});

}  // namespace
}  // namespace pt::cuda
