// Cutting tensors along one axis and moving axes, for definitions.
#pragma once
#include <functional>

#include "ops/functional.h"

namespace pt {

// Elements start, start + step, ... below stop along an axis counted from the start. A view.
Tensor piece(const Tensor& x, int axis, int64_t start, int64_t stop, int64_t step = 1);
// The same along every axis.
Tensor block(const Tensor& x, const Ints& start, const Ints& stop, const Ints& step);

// The same, but all of the axis is x itself.
Tensor part_of(const Tensor& x, int axis, int64_t start, int64_t stop);

// All elements in one axis.
Tensor as_line(const Tensor& x);

// Pieces joined along an axis; one piece is itself.
Tensor joined_at(Tensors pieces, int axis);

// The sizes before, along and behind an axis.
struct AroundAxis {
  int64_t before, along, behind;
};
AroundAxis around_axis(const Shape& shape, int axis);

// Checks an image [n, h, w, channels] and the attribute size, one or two numbers above 0; throws naming the op.
const Ints& parts_of_image(const Tensor& x, const Attrs& attrs, const std::string& op);

// `of` each of so many parts of an axis, joined along it; neighbouring parts share an element where they do not divide
// it.
Tensor joined_parts(const Tensor& x, int axis, int64_t parts, const std::function<Tensor(const Tensor&)>& of);

// Throws, naming the op, where an axis would be cut into more tensors than memory has room for.
void check_pieces(const std::string& op, int64_t pieces);

// The order of axes in which axis `from` comes to place `to` and the others keep theirs.
Ints moved_axis(int ndim, int from, int to);

// x with its last two axes exchanged.
Tensor swap_last(const Tensor& x);

}  // namespace pt
