#include "ops/promotion.h"

#include "core/convert.h"
#include "ops/functional.h"

namespace pt {
namespace {

// A Python number in the dtype of what it meets, with all the digits that this holds.
Tensor number_as(const Tensor& x, DType dtype, std::string_view where) {
  if (is_int(x.dtype()) && is_int(dtype)) check_holds(dtype, x.host(), x.dtype(), where);
  if (is_complex(x.dtype())) {
    const auto* parts = reinterpret_cast<const double*>(x.host());
    Tensor result = Tensor::empty({dtype, {}});
    const auto size = static_cast<int64_t>(size_of(dtype)) / 2;
    for (int64_t i = 0; i < 2; ++i) store_number(result.host() + i * size, part_dtype(dtype), parts[i]);
    return result;
  }
  const int64_t integer = is_int(x.dtype()) ? load_integer(x.host(), x.dtype()) : -1;
  Tensor result = Tensor::scalar(x.item(), dtype);
  if (is_int(dtype) && size_of(dtype) == 8 && integer >= 0) std::memcpy(result.host(), &integer, sizeof(integer));
  return result;
}

DType default_dtype(DType weak) { return weak == DType::F64 ? DType::F32 : weak == DType::C128 ? DType::C64 : weak; }

// One dtype for all inputs that take part. Python numbers are weak: they take the dtype of the tensors that they meet,
// unless they are of a higher kind (1.5 with an integer tensor gives float32).
DType common_dtype(const Op& op, const Tensors& inputs) {
  bool strong = false, weak = false;
  DType result = DType::Bool, weak_result = DType::Bool;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].defined() || !input_spec(op, i, inputs.size()).promoted) continue;
    const DType dtype = inputs[i].dtype();
    DType& into = inputs[i].impl().weak ? weak_result : result;
    bool& any = inputs[i].impl().weak ? weak : strong;
    into = any ? promote(into, dtype) : dtype;
    any = true;
  }
  if (!strong) return default_dtype(weak_result);
  if (weak && is_complex(weak_result) && is_float(result)) return complex_dtype(result);
  if (weak && info(weak_result).kind > info(result).kind) return default_dtype(weak_result);
  return result;
}

}  // namespace

const InputSpec& input_spec(const Op& op, std::size_t i, std::size_t total) {
  if (!op.inputs.empty() && op.inputs[0].list) {
    const std::size_t listed = total - (op.inputs.size() - 1);
    return i < listed ? op.inputs[0] : op.inputs[i - listed + 1];
  }
  return op.inputs[i];
}

Tensor in_dtype(const Tensor& x, DType dtype, std::string_view where) {
  if (x.impl().weak) return number_as(x, dtype, where);  // a weak f64 would be read as f32 further on
  if (x.dtype() == dtype) return x;
  return fn::cast(x, dtype);
}

void promote_inputs(const Op& op, Tensors& inputs) {
  DType dtype = DType::F32;
  if (op.promotes) {
    dtype = common_dtype(op, inputs);
    if (op.integer_to_float && !is_continuous(dtype)) dtype = DType::F32;
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].defined()) continue;
    const bool shared = op.promotes && input_spec(op, i, inputs.size()).promoted;
    if (shared) {
      inputs[i] = in_dtype(inputs[i], dtype, op.name);
    } else if (inputs[i].impl().weak) {
      inputs[i] = number_as(inputs[i], default_dtype(inputs[i].dtype()), op.name);
    }
  }
}

}  // namespace pt
