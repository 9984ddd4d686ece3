#include <algorithm>

#include "core/integers.h"
#include "ops/sort/layout.h"
#include "ops/sort/plan.h"

namespace pt {
namespace {

constexpr int64_t kChunkElements = 4096;
constexpr int64_t kEntryBytes = 16, kLeastRoom = 256;
constexpr int kSort = 0, kSearch = 1;

}  // namespace

LaunchPlan plan_argsort(const Operand& x, const Operand& out, int axis, bool descending) {
  LaunchPlan plan;
  if (count(out.shape) == 0) return plan;
  const auto bytes = static_cast<int64_t>(size_of(x.dtype));
  SortDesc d = describe_sort(x, out, axis, descending);
  d.chunk = std::clamp<int64_t>(kChunkElements / d.n, 1, d.lines.count);
  d.room = std::min(d.n, std::max(kLeastRoom, 4 * d.wanted));

  Launch launch;
  launch.kernel = "sort";
  launch.variant = kSort;
  launch.desc = Descriptor::of(d);
  launch.chunks = ceil_div(d.lines.count, d.chunk);
  launch.scratch_bytes = 2 * d.room * kEntryBytes;
  // A pass over the entries for each byte of the keys.
  const double lines = static_cast<double>(d.lines.count), entries = static_cast<double>(d.room);
  launch.bytes = lines * (static_cast<double>(d.n * bytes + d.wanted * 8) +
                          entries * static_cast<double>(2 * kEntryBytes * bytes));
  plan.launches.push_back(std::move(launch));
  return plan;
}

LaunchPlan plan_searchsorted(const Operand& row, const Operand& values, const Operand& out, bool right) {
  LaunchPlan plan;
  const int64_t elements = count(out.shape);
  if (elements == 0) return plan;
  SearchDesc d = describe_search(row, values, out, right);
  d.chunk = std::min(elements, kChunkElements);

  Launch launch;
  launch.kernel = "sort";
  launch.variant = kSearch;
  launch.desc = Descriptor::of(d);
  launch.chunks = ceil_div(elements, d.chunk);
  launch.bytes = static_cast<double>(elements) * 64;  // some cache lines of the row each
  plan.launches.push_back(std::move(launch));
  return plan;
}

}  // namespace pt
