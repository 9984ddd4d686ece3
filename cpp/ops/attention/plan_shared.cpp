#include <cmath>

#include "ops/attention/plan.h"

namespace pt::attention {

double scale_of(const Attrs& attrs, const Shape& q) {
  return attrs.has("scale") ? attrs.number("scale") : 1 / std::sqrt(static_cast<double>(q.back()));
}

}  // namespace pt::attention
