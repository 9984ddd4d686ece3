#include <algorithm>

#include "ops/batching.h"
#include "ops/functional.h"

namespace pt {
namespace {

// The shape with -1 replaced by what the others leave.
Shape target(const Shape& from, const Ints& wanted) {
  Shape shape(wanted);
  int64_t known = 1;
  for (int64_t size : wanted) known *= size == -1 ? 1 : size;
  for (int i = 0; i < shape.size(); ++i) {
    if (shape[i] == -1) shape[i] = known == 0 ? 0 : count(from) / known;
  }
  return shape;
}

Types infer(const InferContext& c) {
  const Ints& wanted = c.attrs.ints("shape");
  const auto valid = [](int64_t size) { return size >= -1; };
  if (!std::all_of(wanted.begin(), wanted.end(), valid) || std::count(wanted.begin(), wanted.end(), -1) > 1) {
    c.fail(text("shape = ", to_string(Attr(wanted)),
                "; expected sizes of at least 0, and -1 at most once; pass the sizes"));
  }
  const Shape shape = target(c.in[0].shape, wanted);
  if (count(shape) != count(c.in[0].shape)) {
    c.fail(text("x is ", c.in[0], " with ", count(c.in[0].shape), " elements, shape = ", to_string(Attr(wanted)),
                "; expected the same number of elements; pass -1 for one of the sizes"));
  }
  return {{c.in[0].dtype, shape}};
}

// The new axes in terms of the old ones: groups of old axes that are one stride are cut anew.
std::optional<View> view(const Operand& in, const Attrs& attrs) {
  const Shape to = target(in.shape, attrs.ints("shape"));
  if (count(in.shape) == 0) return View{to, row_major(to), 0};
  View result{to, row_major(to), 0};
  int i = 0, j = 0;
  while (i < in.shape.size() || j < to.size()) {
    // Grow both sides until they have the same number of elements.
    int64_t old_size = 1, new_size = 1;
    const int old_begin = i, new_begin = j;
    if (i < in.shape.size()) old_size = in.shape[i++];
    if (j < to.size()) new_size = to[j++];
    while (old_size != new_size) {
      if (old_size < new_size) {
        old_size *= in.shape[i++];
      } else {
        new_size *= to[j++];
      }
    }
    int64_t stride = 1, next_stride = 0;
    bool inner = true;
    for (int k = i - 1; k >= old_begin; --k) {
      if (in.shape[k] == 1) continue;
      if (!inner && in.strides[k] != next_stride) return std::nullopt;
      if (inner) stride = in.strides[k];
      inner = false;
      next_stride = in.strides[k] * in.shape[k];
    }
    for (int k = j - 1; k >= new_begin; --k) {
      result.strides[k] = stride;
      stride *= to[k];
    }
  }
  return result;
}

const Op* registered =
    define("reshape")
        .in("x")
        .attr_ints("shape")
        .batch(
            [](const BatchContext& c) -> Tensors { return {fn::reshape(c.in[0], in_rows(c.rows, c.types[0].shape))}; })
        .shape(infer)
        .view(view)
        .saves({false})
        .vjp([](const VjpContext& c) -> Tensors { return {fn::reshape(c.grad[0], c.in_types[0].shape)}; })
        .doc(R"(the elements of x, in row-major order, as another shape. A view where the memory allows it.
Shapes    x [...] -> shape; one size may be -1, and follows from the others
Dtypes    all
Errors    a shape with another number of elements
Grad      x
Source    the array API standard 2024.12)",
             R"(>>> pt.reshape(pt.ones((2, 3)), (3, -1)).shape
(3, 2))");

}  // namespace
}  // namespace pt
