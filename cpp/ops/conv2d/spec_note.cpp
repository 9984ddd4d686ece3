// What a profile says of a convolution.
#include <algorithm>

#include "core/error.h"
#include "ops/conv2d/winograd.h"
#include "ops/launch_notes.h"
#include "ops/matmul/product.h"

namespace pt {
namespace {

std::string note_tiles(const WinogradDesc& d) {
  const WinogradCut& c = d.cut;
  return text(d.tiles.all(), " tiles of 2 x 2 pixels, each 16 products of f32 along K ", d.weights.depth,
              "; chunks of ", std::min(c.tiles(), d.tiles.all()), " tiles and ", std::min(c.cols, d.weights.cols),
              " of ", d.weights.cols, " columns; weights transformed ",
              c.turns_weights ? "by each chunk" : "once for all chunks");
}

std::string note_grad(const WinogradGradDesc& d) {
  return text("tiles of 2 x 2 pixels, 16 products of f32 along K ", d.tiles.all(), " in ", d.groups(),
              " groups; chunks of ", d.row_side, " x ", d.col_side, " channels");
}

std::string note_conv2d(const Launch& launch) {
  const MatmulDesc& d = static_cast<const ConvDesc*>(launch.desc.data())->product;
  switch (launch.variant) {
    case kConvAddGroupsF32:
    case kConvAddGroupsF64:
      return note_group_sums(d);
    case kDepthwiseF32:
    case kDepthwiseF64:
    case kDepthwiseWeightF32:
    case kDepthwiseWeightF64:
      return text("channel by channel, since each is a group of its own; ", note_cut(d));
    case kWinograd:
      return note_tiles(*static_cast<const WinogradDesc*>(launch.desc.data()));
    case kWinogradWeights:
      return "transforms the weights for tiles of 2 x 2 pixels";
    case kWinogradGrad:
      return note_grad(*static_cast<const WinogradGradDesc*>(launch.desc.data()));
    case kWinogradGradGroups:
      return "adds the sums of groups of tiles, ascending, and transforms them to the gradient";
    default:
      return note_product(d);
  }
}

const bool noted = add_launch_note("conv2d", note_conv2d);

}  // namespace
}  // namespace pt
