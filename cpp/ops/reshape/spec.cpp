#include <algorithm>

#include "ops/batching.h"
#include "ops/functional.h"
#include "ops/reshape/view.h"

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

std::optional<View> view(const Operand& in, const Attrs& attrs) {
  return reshaped(in, target(in.shape, attrs.ints("shape")));
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
