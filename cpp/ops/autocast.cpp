#include "ops/autocast.h"

#include <algorithm>
#include <unordered_map>

#include "ops/functional.h"

namespace pt {
namespace {

std::unordered_map<std::string, Precision>& rules() {
  static auto& by_name = *new std::unordered_map<std::string, Precision>;  // never destroyed, as ops are
  return by_name;
}

bool is_half(const Tensor& t) { return t.defined() && pt::is_half(t.dtype()); }

// Whether the op's products may be summed by the processor's own instruction.
bool has_dots(const Op& op) {
  return std::any_of(op.attrs.begin(), op.attrs.end(), [](const AttrSpec& attr) { return attr.name == "dots"; });
}

}  // namespace

AutocastRule::AutocastRule(const std::string& op, Precision precision) { rules()[op] = precision; }

Precision precision_of(const Op& op) {
  auto found = rules().find(op.name);
  return found == rules().end() ? Precision::Follows : found->second;
}

DType& autocast_dtype() {
  thread_local DType dtype = DType::F32;
  return dtype;
}

bool& autocast_exact() {
  thread_local bool exact = false;
  return exact;
}

Tensors apply_autocast(const Op& op, Precision precision, Tensors inputs, const Attrs& attrs) {
  const AutocastScope decided;
  const DType low = decided.saved;
  const DType given = is_half(inputs.empty() ? Tensor() : inputs[0]) ? inputs[0].dtype() : DType::F32;
  if (precision == Precision::Low) {
    // Who computes in f64 asks for its digits.
    const auto wide = [](const Tensor& t) { return t.defined() && !t.impl().weak && t.dtype() == DType::F64; };
    if (std::any_of(inputs.begin(), inputs.end(), wide)) return apply(op, std::move(inputs), attrs);
    for (Tensor& t : inputs) {
      if (t.defined() && !t.impl().weak && is_float(t.dtype())) t = fn::cast(t, low);
    }
    Attrs chosen = attrs;
    if (low == DType::BF16 && !autocast_exact() && has_dots(op) && !attrs.has("dots")) chosen.set("dots", "hardware");
    return apply(op, std::move(inputs), chosen);
  }
  for (Tensor& t : inputs) {
    if (is_half(t)) t = fn::cast(t, DType::F32);
  }
  Tensors outputs = apply(op, std::move(inputs), attrs);
  if (precision == Precision::FullInside && outputs[0].dtype() == DType::F32) outputs[0] = fn::cast(outputs[0], given);
  return outputs;
}

}  // namespace pt
