#include "ops/autocast.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("scaled_dot_product_attention")
        .in("query", Takes::Float)
        .in("key", Takes::Float)
        .in("value", Takes::Float)
        .attr("is_causal", false)
        .attr_nullable("scale", AttrKind::Number)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          return {apply(find_op("attention"), in, attrs)[0]};
        })
        .doc(R"(softmax(scale query key^T) value per head, without ever making the matrix of all queries and keys.
Shapes    query [b, t, h, d], key [b, s, g, d], value [b, s, g, d] -> [b, t, h, d]; g divides h, and h / g neighbouring heads of query
          share one of key and value
Dtypes    floats; f16 and bf16 are computed in f32
Errors    batches, heads or sizes that do not match
Grad      query, key, value
Numerics  scale is 1 / sqrt(d) when left out; causal: query i sees the keys up to i + s - t; blocks of 64 keys in order
Source    Vaswani et al. 2017, eq. 1; Dao et al. 2022)",
             R"(>>> query = pt.ones((1, 5, 2, 8))
>>> pt.ops.functional.OPERATORS["scaled_dot_product_attention"](query, query, query, is_causal=True).shape
(1, 5, 2, 8))");

const AutocastRule rule("scaled_dot_product_attention", Precision::Low);

}  // namespace
}  // namespace pt
