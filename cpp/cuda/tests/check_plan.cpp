#include "cuda/tests/check_plan.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "core/convert.h"
#include "cuda/launch.h"
#include "cuda/plans.h"
#include "cuda/sim/simulate.h"
#include "ops/cpu_target.h"
#include "tests/check.h"
#include "tests/run_plan.h"

namespace pt::check {
namespace {

constexpr int64_t kMargin = 256;  // around each operand, and the alignment of a device's memory
constexpr char kCanary = char(0xA5);

// An operand's bytes as the device has them: aligned, with canaries on both sides.
class DeviceCopy {
 public:
  explicit DeviceCopy(std::vector<char> bytes)
      : size_(static_cast<int64_t>(bytes.size())), memory_(size_ + 3 * kMargin, kCanary) {
    begin_ = memory_.data() + kMargin;
    begin_ += kMargin - static_cast<int64_t>(reinterpret_cast<uintptr_t>(begin_) % kMargin);
    if (size_) std::memcpy(begin_, bytes.data(), size_);
  }
  char* begin() { return begin_; }
  int64_t size() const { return size_; }
  bool intact() const {
    for (const char* p = memory_.data(); p < memory_.data() + memory_.size(); ++p) {
      if ((p < begin_ || p >= begin_ + size_) && *p != kCanary) return false;
    }
    return true;
  }

 private:
  int64_t size_;
  std::vector<char> memory_;
  char* begin_;
};

// What a kernel is given, as the driver lays it out: Operands<n>.
struct OperandBlock {
  std::vector<char*> words;
  OperandBlock(const std::vector<char*>& data, int count, uint32_t* status, const uint32_t* halted)
      : words(data.begin(), data.end()) {
    words.resize(count);
    words.push_back(reinterpret_cast<char*>(status));
    words.push_back(const_cast<char*>(reinterpret_cast<const char*>(halted)));
  }
};

std::string run_launch(const Launch& launch, const std::vector<char*>& data, uint32_t* status,
                       cuda::sim::Memories& memories, uint32_t order) {
  const auto* desc = static_cast<const cuda::LaunchDesc*>(launch.desc.data());
  const std::string& name = cuda::kernel_name(desc->kernel);
  const cuda::sim::Kernel* kernel = cuda::sim::find_kernel(name);
  if (!kernel) return text("[cuda ", name, "] is not among the kernels; expected one; look at the plan's name for it");
  if (kernel->operands != desc->operands || kernel->params_bytes != desc->params_bytes) {
    return text("[cuda ", name, "] launched with ", desc->operands, " operands and ", desc->params_bytes,
                " bytes of parameters; expected ", kernel->operands, " and ", kernel->params_bytes,
                "; make plan and kernel agree");
  }
  if (static_cast<int>(data.size()) > desc->operands) {
    return text("[cuda ", name, "] launched on ", data.size(), " addresses; expected at most ", desc->operands);
  }
  const auto extents = [](const uint32_t* axes) { return cuda::Extents{axes[0], axes[1], axes[2]}; };
  const cuda::Geometry geometry{extents(desc->grid), extents(desc->block), desc->shared_bytes};
  static const uint32_t halted = 0;
  OperandBlock block(data, desc->operands, status, &halted);
  cuda::sim::Failure failure;
  cuda::sim::simulate(*kernel, geometry, block.words.data(), desc + 1, &failure,
                      {.memories = &memories, .order = order});
  return failure.text;
}

std::vector<char*> addresses_of(const Launch& launch, const std::vector<char*>& all, char* workspace) {
  std::vector<char*> data;
  if (launch.operands.empty()) {
    data = all;
    if (workspace) data.push_back(workspace);
  } else {
    for (int i : launch.operands) data.push_back(i < 0 ? workspace : all[i]);
  }
  for (std::size_t i = 0; i < launch.byte_offsets.size(); ++i) data[i] += launch.byte_offsets[i];
  return data;
}

// Part by part of a complex number.
bool same_bits(const Array& a, const Array& b, int64_t index) {
  const DType dtype = a.operand().dtype, part = is_complex(dtype) ? part_dtype(dtype) : dtype;
  const std::size_t bytes = size_of(part);
  for (std::size_t at = 0; at < size_of(dtype); at += bytes) {
    const char *x = a.at(index) + at, *y = b.at(index) + at;
    if (std::memcmp(x, y, bytes) == 0) continue;
    if (!is_float(part) || !std::isnan(load_number(x, part)) || !std::isnan(load_number(y, part))) return false;
  }
  return true;
}

double epsilon(DType dtype) {
  switch (dtype) {
    case DType::F16:
      return std::ldexp(1, -10);
    case DType::BF16:
      return std::ldexp(1, -7);
    case DType::F64:
      return std::ldexp(1, -52);
    default:
      return std::ldexp(1, -23);
  }
}

bool near(const Array& got, const Array& want, int64_t index, const CheckOptions& options) {
  if (same_bits(got, want, index)) return true;
  if (options.k == 0 || !is_float(want.operand().dtype)) return false;
  const double a = got.number(index), b = want.number(index);
  return std::isfinite(b) &&
         std::abs(a - b) <= options.k * epsilon(want.operand().dtype) * std::max(std::abs(b), options.magnitude);
}

void compare(const std::string& what, const Array& got, const Array& want, const CheckOptions& options) {
  for (int64_t i = 0; i < want.count(); ++i) {
    if (near(got, want, i, options)) continue;
    return report(
        false, __FILE__, __LINE__,
        text(what, ": element ", i, " of ", want.type(), " is ", got.number(i), "; the CPU has ", want.number(i)));
  }
  report(true, __FILE__, __LINE__, what);
}

uint32_t run_cpu(const LaunchPlan& plan, const std::vector<Array>& inputs, std::vector<Array>& outputs) {
  std::vector<void*> data;
  std::vector<Array> in = inputs;
  for (Array& array : in) data.push_back(array.given() ? array.memory().data() + array.first() : nullptr);
  for (Array& array : outputs) data.push_back(array.memory().data() + array.first());
  return run_plan(plan, data);
}

// All memory of a plan as its launches find it.
class DeviceMemory {
 public:
  DeviceMemory(const LaunchPlan& plan, const std::vector<Array>& inputs, const std::vector<Array>& outputs,
               bool outputs_hold_values)
      : inputs_(inputs), workspace_(std::vector<char>(plan.workspace_bytes, char(0xFF))) {
    copies_.reserve(inputs.size() + outputs.size());
    for (const Array& array : inputs) add(array, "input ", false, true);
    for (const Array& array : outputs) add(array, "output ", true, outputs_hold_values);
    if (workspace_.size()) memories.add(workspace_.begin(), workspace_.size(), "the workspace", true, false);
    memories.add(&status, sizeof(status), "the status word", true, true);
  }

  char* workspace() { return workspace_.size() ? workspace_.begin() : nullptr; }
  void check(const std::string& what) {
    for (std::size_t i = 0; i < copies_.size(); ++i) {
      report(copies_[i].intact(), __FILE__, __LINE__, text(what, ": bytes around operand ", i, " were written"));
      const bool same =
          i >= inputs_.size() || std::memcmp(copies_[i].begin(), inputs_[i].memory().data(), copies_[i].size()) == 0;
      report(same, __FILE__, __LINE__, text(what, ": input ", i, " was written"));
    }
    report(workspace_.intact(), __FILE__, __LINE__, text(what, ": bytes around the workspace were written"));
  }
  void read_back(std::vector<Array>& outputs) {
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      DeviceCopy& copy = copies_[inputs_.size() + i];
      outputs[i].memory().assign(copy.begin(), copy.begin() + copy.size());
    }
  }

  std::vector<char*> data;  // of each operand
  uint32_t status = 0;
  cuda::sim::Memories memories;

 private:
  void add(const Array& array, const char* name, bool may_write, bool holds_values) {
    copies_.emplace_back(array.memory());
    data.push_back(array.given() ? copies_.back().begin() + array.first() : nullptr);
    if (copies_.back().size()) {
      const std::size_t number = may_write ? data.size() - 1 - inputs_.size() : data.size() - 1;
      memories.add(copies_.back().begin(), copies_.back().size(), text(name, number), may_write, holds_values);
    }
  }
  const std::vector<Array>& inputs_;
  std::vector<DeviceCopy> copies_;
  DeviceCopy workspace_;
};

}  // namespace

uint32_t run_cuda(const std::string& what, const LaunchPlan& plan, const std::vector<Array>& inputs,
                  std::vector<Array>& outputs, uint32_t order, bool outputs_hold_values, std::string* failure) {
  DeviceMemory memory(plan, inputs, outputs, outputs_hold_values);
  for (const Launch& launch : plan.launches) {
    const std::string wrong = run_launch(launch, addresses_of(launch, memory.data, memory.workspace()), &memory.status,
                                         memory.memories, order);
    if (wrong.empty()) continue;
    if (failure) {
      *failure = wrong;
    } else {
      report(false, __FILE__, __LINE__, text(what, ": ", wrong));
    }
    return memory.status;
  }
  memory.check(what);
  memory.read_back(outputs);
  return memory.status;
}

void check_plans(const std::string& what, const LaunchPlan& cpu, const LaunchPlan& cuda,
                 const std::vector<Array>& inputs, std::vector<Array>& outputs, const CheckOptions& options) {
  std::vector<Array> want = outputs;
  const uint32_t wanted_status = run_cpu(cpu, inputs, want);
  const std::vector<Array> before = outputs;
  for (int order = 0; order < options.orders; ++order) {
    outputs = before;
    const uint32_t status = run_cuda(what, cuda, inputs, outputs, order, options.outputs_hold_values);
    equal(status, wanted_status, __FILE__, __LINE__, text(what, ": status").c_str());
    for (std::size_t i = 0; i < outputs.size(); ++i) compare(text(what, ": output ", i), outputs[i], want[i], options);
  }
}

void check_op(std::string_view name, const std::vector<Array>& inputs, const Attrs& given_attrs,
              const CheckOptions& options) {
  const Op& op = find_op(name);
  const Attrs attrs = op.complete(given_attrs);
  const cuda::CudaPlan* plan = cuda::cuda_plan(name);
  std::string what = text(name, "(");
  std::vector<Operand> in, out;
  std::vector<TensorType> types;
  std::vector<char> given;
  for (const Array& array : inputs) {
    in.push_back(array.operand());
    types.push_back(array.type());
    given.push_back(array.given());
    what += text(array.type(), " by ", array.operand().strides, ", ");
  }
  what += text(to_string(attrs), ")");
  if (!plan) return report(false, __FILE__, __LINE__, text(what, ": CUDA has no plan for it"));
  const std::span<const bool> flags(reinterpret_cast<const bool*>(given.data()), given.size());
  const Types result = op.infer({op, types, flags, attrs});
  std::vector<Array> outputs;
  for (std::size_t i = 0; i < result.size() && !op.passes_through; ++i) {
    outputs.emplace_back(result[i].dtype, result[i].shape,
                         options.out_strides.empty() ? row_major(result[i].shape) : options.out_strides[i]);
    Array& made = outputs.back();
    std::fill(made.memory().begin(), made.memory().end(), char(0x5b));
    for (int64_t j = 0; op.rewrites && j < made.count(); ++j) {
      std::memcpy(made.at(j), inputs[0].at(j), size_of(made.operand().dtype));
    }
    out.push_back(made.operand());
  }
  const LaunchPlan cpu = cpu_target().plan(op, in, out, attrs, cpu_target().context());
  for (int capability : options.capabilities) {
    std::vector<Array> results = outputs;
    CheckOptions chosen = options;
    chosen.outputs_hold_values |= op.rewrites;
    check_plans(text(what, " on ", capability), cpu, (*plan)({in, out, attrs, capability, options.units}), inputs,
                results, chosen);
  }
}

}  // namespace pt::check
