// Makes a Space, for plan functions.
#pragma once
#include "core/integers.h"
#include "core/shape.h"
#include "core/space.h"

namespace pt {

// The axes begin..end-1 of `shape`, in order, with neighbours merged wherever both tensors allow it. Strides come in
// elements.
Space make_space(const Shape& shape, const Strides& a, std::size_t a_bytes, const Strides& b, std::size_t b_bytes,
                 int begin, int end);
Space make_space(const Shape& shape, const Strides& a, std::size_t a_bytes, int begin, int end);

}  // namespace pt
