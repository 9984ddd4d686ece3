// Tensors laid into one flat one, with zeros between them, for every target.
#pragma once
#include "core/attrs.h"
#include "core/launch.h"
#include "ops/fill/desc.h"

namespace pt {

// copy(in, out): the target's plan of a copy. fill(pieces, pattern): its launches that fill pieces of an output. There
// are launches for each tensor, also for an empty one: the lowering leaves out those whose tensor was made in its
// place.
template <class Copy, class Fill>
LaunchPlan plan_pack(std::span<const Operand> in, const Operand& out, const Attrs& attrs, Copy copy, Fill fill) {
  const Ints& offsets = attrs.ints("offsets");
  const auto bytes = static_cast<int64_t>(size_of(out.dtype));
  const int output = static_cast<int>(in.size());
  LaunchPlan all;
  std::vector<FillPiece> gaps;
  int64_t end = 0;
  for (std::size_t i = 0; i < in.size(); ++i) {
    std::vector<Launch> copies = copy(in[i], Operand{in[i].dtype, in[i].shape, row_major(in[i].shape)}).launches;
    if (copies.empty()) copies = fill(std::vector<FillPiece>(), 0);
    for (Launch& launch : copies) {
      launch.operands.assign({static_cast<int>(i), output});
      launch.byte_offsets = {0, offsets[i] * bytes};
      all.launches.push_back(std::move(launch));
    }
    if (offsets[i] > end) gaps.push_back({end * bytes, (offsets[i] - end) * bytes});
    end = offsets[i] + count(in[i].shape);
  }
  if (out.shape[0] > end) gaps.push_back({end * bytes, (out.shape[0] - end) * bytes});
  for (Launch& launch : fill(gaps, 0)) {
    launch.operands.assign({output});
    all.launches.push_back(std::move(launch));
  }
  return all;
}

}  // namespace pt
