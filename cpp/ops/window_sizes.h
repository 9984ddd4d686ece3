// The attributes of convolutions and poolings, for specs and plans.
#pragma once
#include <array>
#include <string>
#include <utility>

#include "core/attrs.h"
#include "core/error.h"

namespace pt {

// One number for both axes, or one per axis (rows, then columns).
inline std::pair<int64_t, int64_t> pair_of(const Attrs& attrs, std::string_view name, const std::string& op) {
  const Ints& values = attrs.ints(name);
  if (values.size() != 1 && values.size() != 2) {
    throw ShapeError(text("[", op, "] ", name, " = ", to_string(Attr(values)),
                          "; expected one or two numbers; for example ", name, " = 2"));
  }
  return {values.front(), values.back()};
}

// Of volumes: one number for all axes, or one per axis (planes, rows, columns).
inline std::array<int64_t, 3> triple_of(const Attrs& attrs, std::string_view name, const std::string& op) {
  const Ints& values = attrs.ints(name);
  if (values.size() != 1 && values.size() != 3) {
    throw ShapeError(text("[", op, "] ", name, " = ", to_string(Attr(values)),
                          "; expected one or three numbers; for example ", name, " = 2"));
  }
  return values.size() == 1 ? std::array{values[0], values[0], values[0]} : std::array{values[0], values[1], values[2]};
}

}  // namespace pt
