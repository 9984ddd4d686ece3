// Stores only, 16 bytes at a time; the ends of a piece, up to where an address is a multiple of that, element by
// element.
#include "cuda/units.h"
#include "ops/fill/cuda_desc.h"

namespace pt::cuda {

PT_DEVICE void store_grain(char* at, uint64_t pattern, int grain) {
  switch (grain) {
    case 1:
      *reinterpret_cast<uint8_t*>(at) = uint8_t(pattern);
      return;
    case 2:
      *reinterpret_cast<uint16_t*>(at) = uint16_t(pattern);
      return;
    case 4:
      *reinterpret_cast<uint32_t*>(at) = uint32_t(pattern);
      return;
    default:
      move<8>(at, reinterpret_cast<const char*>(&pattern), grain_of(at, &pattern, 8));
  }
}

}  // namespace pt::cuda

PT_CUDA_KERNEL(fill_pieces, 1, pt::cuda::FillPieces, 256) {
  using namespace pt::cuda;
  const pt::FillPiece piece = params.piece[blockIdx.y];
  char* begin = operands.at[0] + piece.offset;
  const int64_t to_unit = int64_t(-reinterpret_cast<uintptr_t>(begin) & 15u);
  // Elements of 8 bytes that lie between two multiples of 8 never come to a multiple of 16.
  const int64_t head = to_unit % params.grain ? piece.bytes : min(to_unit, piece.bytes);
  const int64_t units = (piece.bytes - head) / 16, tail = head + units * 16;
  const uint32_t low = uint32_t(params.pattern), high = uint32_t(params.pattern >> 32);
  for (int64_t i = global_thread(); i < units; i += global_threads()) {
    reinterpret_cast<uint4*>(begin + head)[i] = make_uint4(low, high, low, high);
  }
  for (int64_t at = global_thread() * params.grain; at < head; at += global_threads() * params.grain)
    store_grain(begin + at, params.pattern, params.grain);
  for (int64_t at = tail + global_thread() * params.grain; at < piece.bytes; at += global_threads() * params.grain)
    store_grain(begin + at, params.pattern, params.grain);
}
