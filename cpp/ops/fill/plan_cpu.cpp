#include "ops/fill/pattern.h"
#include "ops/fill/plan.h"

namespace pt {
namespace {

constexpr int64_t kChunkBytes = 128 << 10;  // some 10 us at the speed of memory

}  // namespace

Launch fill_pieces(const std::vector<FillPiece>& pieces, uint64_t pattern) {
  FillDesc head{};
  head.pattern = pattern;
  head.chunk_bytes = kChunkBytes;
  head.pieces = static_cast<int32_t>(pieces.size());
  std::vector<std::byte> bytes(sizeof(head) + pieces.size() * sizeof(FillPiece));
  std::memcpy(bytes.data(), &head, sizeof(head));
  if (!pieces.empty()) std::memcpy(bytes.data() + sizeof(head), pieces.data(), pieces.size() * sizeof(FillPiece));
  Launch launch;
  launch.kernel = "fill";
  launch.desc = Descriptor::from_bytes(bytes.data(), bytes.size());
  launch.chunks = 0;
  for (const FillPiece& piece : pieces) {
    launch.chunks += (piece.bytes + kChunkBytes - 1) / kChunkBytes;
    launch.bytes += static_cast<double>(piece.bytes);
  }
  return launch;
}

LaunchPlan plan_fill(const Operand& out, double value) {
  LaunchPlan plan;
  const int64_t bytes = count(out.shape) * static_cast<int64_t>(size_of(out.dtype));
  if (bytes > 0) plan.launches.push_back(fill_pieces({{0, bytes}}, fill_pattern(out.dtype, value)));
  return plan;
}

}  // namespace pt
