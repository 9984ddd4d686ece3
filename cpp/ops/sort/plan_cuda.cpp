#include "ops/sort/plan_cuda.h"

#include "core/integers.h"
#include "cuda/launch.h"
#include "cuda/plans.h"
#include "cuda/space_plan.h"
#include "ops/sort/cuda_desc.h"
#include "ops/sort/layout.h"

namespace pt::cuda {
namespace {

constexpr int64_t kThreads = 256;
constexpr int kDigitBits = 8;
// Up to so many entries it costs less to count those before each one than to give its line a block in every pass.
constexpr int64_t kShortLine = 128;

int64_t tiles_of(int64_t n) { return ceil_div(n, kSortTile); }

void append(LaunchPlan& plan, Launch launch, std::vector<int> operands, std::vector<int64_t> offsets) {
  launch.operands = std::move(operands);
  launch.byte_offsets = std::move(offsets);
  plan.launches.push_back(std::move(launch));
}

// The bits of the keys that may differ, as ops/sort/keys.h makes them: [first, last).
std::pair<int, int> key_bits(DType dtype) {
  switch (dtype) {
    case DType::Bool:
      return {0, 8};
    case DType::U8:
      return {0, 8};
    case DType::U16:
      return {0, 16};
    case DType::BF16:
      return {16, 32};
    case DType::F16:
      return {8, 32};  // as f32: a sign, 8 bits of exponent and 10 of mantissa
    default:
      return {0, size_of(dtype) == 8 ? 64 : 32};
  }
}

}  // namespace

SortPlaces reserve_sort(LaunchPlan& plan, int64_t lines, int64_t n) {
  auto reserve = [&](int64_t bytes) {
    const int64_t at = plan.workspace_bytes;
    plan.workspace_bytes += round_up(bytes, 256);
    return at;
  };
  const int64_t entries = lines * n * static_cast<int64_t>(sizeof(SortEntry));
  SortPlaces places{};
  places.entries = reserve(entries);
  places.other = reserve(entries);
  places.counts = reserve(lines * tiles_of(n) * kSortDigits * 4);
  return places;
}

void append_sort(LaunchPlan& plan, SortPlaces& places, int64_t lines, int64_t n, int low, int high) {
  SortPass params{};
  params.lines = lines;
  params.n = n;
  params.tiles = lines * tiles_of(n);
  params.line_tiles = divisor(tiles_of(n), params.tiles);
  const double bytes = static_cast<double>(lines * n) * sizeof(SortEntry);
  const Geometry tiles{.grid = {blocks_for(params.tiles, 1)}, .block = {kSortThreads}};
  const Geometry of_lines{.grid = {blocks_for(lines, 1)}, .block = {kSortThreads}};
  for (params.shift = low; params.shift < high; params.shift += kDigitBits) {
    append(plan, cuda_launch("sort_count", tiles, params, 2, bytes), {-1, -1}, {places.entries, places.counts});
    append(plan, cuda_launch("sort_offsets", of_lines, params, 1, 0), {-1}, {places.counts});
    append(plan, cuda_launch("sort_place", tiles, params, 3, 2 * bytes), {-1, -1, -1},
           {places.entries, places.counts, places.other});
    std::swap(places.entries, places.other);
  }
}

namespace {

LaunchPlan plan_argsort(const Operand& x, const Operand& out, int axis, bool descending) {
  LaunchPlan plan;
  const int64_t elements = count(out.shape);
  if (elements == 0) return plan;
  const SortDesc d = describe_sort(x, out, axis, descending);
  const int64_t lines = d.lines.count;
  const Geometry each{.grid = {blocks_for(elements, kThreads)}, .block = {kThreads}};
  SortKeys keys{};
  keys.lines = axes_of(d.lines);
  keys.n = divisor(d.n, elements);
  keys.entries = elements;
  keys.stride = d.stride;
  keys.flip = d.descending ? UINT64_MAX : 0;
  keys.storage = d.storage;
  if (d.n <= kShortLine) {
    const double bytes = static_cast<double>(elements) * static_cast<double>(size_of(x.dtype) + 8);
    append(plan, cuda_launch("sort_short", each, SortShort{keys, d.out_stride}, 2, bytes), {0, 1}, {0, 0});
    return plan;
  }
  const auto [low, high] = key_bits(x.dtype);
  SortPlaces places = reserve_sort(plan, lines, d.n);
  append(plan, cuda_launch("sort_keys", each, keys, 2, 24.0 * static_cast<double>(elements)), {0, -1},
         {0, places.entries});
  append_sort(plan, places, lines, d.n, low, high);
  const SortPositions positions{keys.lines, keys.n, elements, d.out_stride};
  append(plan, cuda_launch("sort_positions", each, positions, 2, 24.0 * static_cast<double>(elements)), {-1, 1},
         {places.entries, 0});
  return plan;
}

LaunchPlan plan_searchsorted(const Operand& row, const Operand& values, const Operand& out, bool right) {
  LaunchPlan plan;
  const int64_t elements = count(out.shape);
  if (elements == 0) return plan;
  const SearchDesc d = describe_search(row, values, out, right);
  const SearchSorted params{axes_of(d.values), d.n, d.stride, d.storage, d.right};
  plan.launches.push_back(cuda_launch("search_sorted", {.grid = {blocks_for(elements, kThreads)}, .block = {kThreads}},
                                      params, 3, 64.0 * static_cast<double>(elements)));
  return plan;
}

const bool sorted = on_cuda("argsort", [](const CudaCall& call) {
  const int axis = normal_axis(call.attrs.integer("axis"), call.in[0].shape.size(), "argsort");
  return plan_argsort(call.in[0], call.out[0], axis, call.attrs.flag("descending"));
});
const bool searched = on_cuda("searchsorted", [](const CudaCall& call) {
  return plan_searchsorted(call.in[0], call.in[1], call.out[0], call.attrs.str("side") == "right");
});

}  // namespace

}  // namespace pt::cuda
