// What a call says where an element of its input is false: the attribute of check_true, which asserts.
#pragma once
#include <string>

#include "ops/op.h"

namespace pt {

inline bool asserts(const Op& op) { return op.may_fail && op.passes_through; }
inline std::string refusal_of(const Op& op, const Attrs& attrs) {
  return asserts(op) ? attrs.str("refusal") : std::string();
}

}  // namespace pt
