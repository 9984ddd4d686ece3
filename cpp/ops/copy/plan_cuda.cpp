#include "ops/copy/plan_cuda.h"

#include <algorithm>

#include "core/integers.h"
#include "cuda/launch.h"
#include "cuda/plans.h"
#include "cuda/space_plan.h"
#include "ops/copy/cuda_desc.h"
#include "ops/copy/layout.h"

namespace pt::cuda {
namespace {

constexpr int64_t kThreads = 256;
constexpr int64_t kLeastTurned = 8;  // rows or columns: of fewer, most threads of a tile would have nothing to do

void push(Space& space, int64_t extent, int64_t in, int64_t out) {
  if (extent == 1) return;
  space.extent[space.axes] = extent;
  space.a[space.axes] = in;
  space.b[space.axes++] = out;
  space.count *= extent;
}
Space planes_of(const CopyDesc& d) {
  Space space{};
  space.count = 1;
  for (int i = 0; i < d.plane_axes; ++i) push(space, d.plane_extent[i], d.plane_in[i], d.plane_out[i]);
  return space;
}

// A space of one element has one axis.
Space finished(Space space) {
  if (space.axes == 0) space.extent[space.axes++] = 1;
  return space;
}

Launch copy_units(const CopyDesc& d, double bytes) {
  Space space = planes_of(d);
  push(space, d.rows, d.row_in, d.row_out);
  push(space, d.cols, d.col_in, d.col_out);
  const bool repeats = d.method == CopyMethod::Fill;
  const CopyUnits params{units_of(finished(space), d.element_bytes, repeats), repeats};
  const int64_t threads = std::max(params.units.axes.elements, params.units.tail);
  return cuda_launch("copy_units", {.grid = {blocks_for(threads, kThreads)}, .block = {kThreads}}, params, 2, bytes);
}

Launch copy_tiles(const CopyDesc& d, double bytes) {
  CopyTiles params{};
  params.planes = axes_of(finished(planes_of(d)));
  params.rows = d.rows;
  params.cols = d.cols;
  params.col_in = d.col_in;
  params.row_out = d.row_out;
  params.element_bytes = d.element_bytes;
  const int64_t side = tile_side(d.element_bytes);
  const int64_t row_tiles = ceil_div(d.rows, side), col_tiles = ceil_div(d.cols, side);
  params.tiles = d.planes * row_tiles * col_tiles;
  params.row_tiles = divisor(row_tiles, params.tiles);
  params.col_tiles = divisor(col_tiles, params.tiles);
  return cuda_launch("copy_tiles", {.grid = {blocks_for(params.tiles, 1)}, .block = {kTileThreads}}, params, 2, bytes);
}

}  // namespace

LaunchPlan plan_copy(const Operand& in, const Operand& out) {
  LaunchPlan plan;
  const int64_t elements = count(in.shape);
  if (elements == 0) return plan;
  const CopyDesc d = describe_copy(in, out);
  const double bytes = 2.0 * static_cast<double>(elements) * d.element_bytes;
  const bool turns = d.method == CopyMethod::Transpose && d.rows >= kLeastTurned && d.cols >= kLeastTurned;
  plan.launches.push_back(turns ? copy_tiles(d, bytes) : copy_units(d, bytes));
  return plan;
}

namespace {

const bool planned = on_cuda("copy", [](const CudaCall& call) { return plan_copy(call.in[0], call.out[0]); });

}  // namespace

}  // namespace pt::cuda
