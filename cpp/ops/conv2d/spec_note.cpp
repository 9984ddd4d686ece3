// What a profile says of a convolution.
#include "core/error.h"
#include "ops/conv2d/desc.h"
#include "ops/launch_notes.h"
#include "ops/matmul/product.h"

namespace pt {
namespace {

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
    default:
      return note_product(d);
  }
}

const bool noted = add_launch_note("conv2d", note_conv2d);

}  // namespace
}  // namespace pt
