#include "ops/autocast.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("scaled_dot_product_attention")
        .in("q", Takes::Float)
        .in("k", Takes::Float)
        .in("v", Takes::Float)
        .attr("causal", false)
        .attr_nullable("scale", AttrKind::Number)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          return {apply(find_op("attention"), in, attrs)[0]};
        })
        .doc(R"(softmax(scale q k^T) v per head, without ever making the matrix of all queries and keys.
Shapes    q [b, t, h, d], k [b, s, g, d], v [b, s, g, d] -> [b, t, h, d]; g divides h, and h / g neighbouring heads of q
          share one of k and v
Dtypes    floats; f16 and bf16 are computed in f32
Errors    batches, heads or sizes that do not match
Grad      q, k, v
Numerics  scale is 1 / sqrt(d) when left out; causal: query i sees the keys up to i + s - t; blocks of 64 keys in order
Source    Vaswani et al. 2017, eq. 1; Dao et al. 2022)",
             R"(>>> q = pt.ones((1, 5, 2, 8))
>>> pt.scaled_dot_product_attention(q, q, q, causal=True).shape
(1, 5, 2, 8))");

const AutocastRule rule("scaled_dot_product_attention", Precision::Low);

}  // namespace
}  // namespace pt
