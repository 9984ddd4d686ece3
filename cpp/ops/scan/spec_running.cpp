#include "ops/batching.h"
#include "ops/pieces.h"
#include "ops/scan/running.h"

namespace pt {

OpBuilder running(const std::string& name) {
  OpBuilder op = define(name);
  op.in("x").attr_nullable("axis", AttrKind::Int).attr("include_initial", false).attr("reverse", false);
  op.shape([](const InferContext& c) -> Types {
    Shape shape = c.in[0].shape;
    const int axis = running_axis(c.attrs, shape, c.op.name);
    const bool initial = c.attrs.flag("include_initial");
    c.expect(!initial || !c.attrs.flag("reverse"),
             "include_initial = True, reverse = True; expected one of them; concatenate the initial value");
    if (initial) ++shape[axis];
    const DType dtype = c.in[0].dtype, whole = is_unsigned(dtype) ? DType::U64 : DType::I64;
    return {{is_float(dtype) ? dtype : whole, shape}};
  });
  op.batch(batch_along_axis);
  return op;
}

OpBuilder running_place(const std::string& name) {
  OpBuilder op = define(name);
  op.in("x").attr("axis", -1).no_gradient();
  op.shape([](const InferContext& c) -> Types {
    running_axis(c.attrs, c.in[0].shape, c.op.name);
    return {{DType::I64, c.in[0].shape}};
  });
  op.batch(batch_along_axis);
  return op;
}

OpBuilder running_best(const std::string& name, const std::string& place) {
  OpBuilder op = define(name);
  op.in("x").attr("axis", -1).outputs(2);
  op.compose([place](const Tensors& in, const Attrs& attrs) -> Tensors {
    const Tensor at = fn::call(place, {in[0]}, attrs);
    return {fn::call("take_along_axis", {in[0], at}, attrs), at};
  });
  return op;
}

Tensor without_initial(const Tensor& gradient, const Attrs& attrs, int axis) {
  if (!attrs.flag("include_initial")) return gradient;
  return piece(gradient, axis, 1, gradient.shape()[axis]);
}

}  // namespace pt
