// Reads the program behind a product as a chain of operations that its kernel has.
#include "ops/matmul/plan_cuda_chain.h"

#include <algorithm>
#include <map>

#include "core/error.h"

namespace pt::cuda {
namespace {

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
    if (kept_ >= 0) push({EpilogueCode::StoreKept, static_cast<int8_t>(kept_), DType::F32, 0});
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
      ++stores_;
    }
  }
  // What was stored may lie where an operand is read after it: it waits until the end, if it is one result.
  bool stores_can_wait() {
    if (stores_ == 0) return true;
    if (stores_ > 1 || kept_ >= 0) return false;
    const auto store =
        std::find_if(ops_.begin(), ops_.end(), [](const EpilogueOp& op) { return op.code == EpilogueCode::Store; });
    kept_ = store->operand;
    *store = {EpilogueCode::Keep, -1, DType::F32, 0};
    stores_ = 0;
    return true;
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
    const DType before = program_.steps[static_cast<std::size_t>(from)].dtype;
    if (step.dtype == DType::F32 && (before == DType::F32 || is_half(before))) {
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
        if (!stores_can_wait()) return refuse("it reads an operand after two results");
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
  int stores_ = 0;  // that would write before what is read next
  int kept_ = -1;   // the operand of the one that waits
};

}  // namespace

bool takes_chain(std::span<const Operand> in, DType result, const FusedProgram& program, std::string* why) {
  const auto refuse = [&](const std::string& reason) {
    *why = reason;
    return false;
  };
  if (in[0].dtype != in[1].dtype || in[0].dtype == DType::F64)
    return refuse("operands of two dtypes, or of f64; f32, bf16 or f16 is expected");
  if (static_cast<int>(program.operands.size()) - 1 > kEpilogueOperands)
    return refuse(text("the calls behind it have more than ", kEpilogueOperands, " operands"));
  for (const FusedOperand& operand : program.operands) {
    if (operand.dtype != DType::F32 && !is_half(operand.dtype))
      return refuse("the calls behind it have operands that are not floats of up to 32 bits");
  }
  const Chain chain(program, result);
  return chain.why().empty() || refuse("of the calls behind it: " + chain.why());
}

void put_chain(Epilogue& to, const FusedProgram& program, DType result) {
  const Chain chain(program, result);
  std::copy(chain.ops().begin(), chain.ops().end(), to.ops);
  to.n_ops = static_cast<int32_t>(chain.ops().size());
  to.n_operands = static_cast<int32_t>(program.operands.size()) - 1;
}

EpilogueOperand chain_operand(const FusedOperand& operand, int64_t row, std::span<const int64_t> batch, int64_t cols) {
  EpilogueOperand made{};
  made.row = row, made.col = operand.strides.back(), made.type = operand.dtype;
  const auto whole = [](int64_t n) { return n % 8 == 0; };
  made.vectors = made.col == 1 && whole(cols) && whole(made.row) && std::all_of(batch.begin(), batch.end(), whole);
  std::copy(batch.begin(), batch.end(), made.batch);
  return made;
}

double bytes_behind(const FusedProgram& program) {
  double bytes = 0;
  for (std::size_t i = 1; i < program.operands.size(); ++i) {
    double elements = 1;
    for (int axis = 0; axis < program.extents.size(); ++axis)
      elements *= program.operands[i].strides[axis] != 0 ? static_cast<double>(program.extents[axis]) : 1;
    bytes += elements * static_cast<double>(size_of(program.operands[i].dtype));
  }
  return bytes;
}

}  // namespace pt::cuda
