#include "ops/batching.h"
#include "ops/complex.h"
#include "ops/functional.h"

namespace pt {
namespace {

Tensors of_complex(const Tensors& in, const Attrs& attrs) {
  const DType to = attrs.dtype("dtype");
  if (to == in[0].dtype()) return {in[0]};
  if (to == DType::Bool) return {fn::call("not_equal", {in[0], fn::number(0)})};
  if (!is_complex(to)) {
    throw DTypeError(text("[astype] x is ", in[0].type(), ", dtype = ", info(to).name,
                          "; expected a complex dtype or bool; take real(x), imag(x) or abs(x)"));
  }
  if (is_complex(in[0].dtype())) return {joined(fn::cast(parts_of(in[0]), part_dtype(to)))};
  const Tensor re = fn::cast(in[0], part_dtype(to));
  return {make_complex(re, fn::zeros(re.type()))};
}

const Op* registered =
    define("astype")
        .in("x")
        .casts()
        .attr_required("dtype", AttrKind::DType)
        .batch(batch_leading)
        .shape([](const InferContext& c) -> Types {
          return {{c.attrs.dtype("dtype"), c.in[0].shape}};
        })
        .saves({false})
        .vjp([](const VjpContext& c) -> Tensors { return {fn::cast(c.grad[0], c.in_types[0].dtype)}; })
        .complex(of_complex)
        .doc(R"(x in another dtype.
Shapes    x [...] -> [...]
Dtypes    all
Errors    from complex to real numbers: take real(x), imag(x) or abs(x)
Grad      x, between floats
Numerics  to fewer bits it rounds to nearest even; from float to integer towards zero; to bool: where x is not 0
Source    the array API standard 2024.12 (astype))",
             R"(>>> pt.astype(1.5, "int32").item()
1)");

}  // namespace
}  // namespace pt
