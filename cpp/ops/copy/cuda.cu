// Copies between layouts at the speed of memory: what is contiguous on both sides goes in units of up to 16 bytes, and
// a transposition through tiles in shared memory, so that neighbouring threads read and write neighbours.
#include "cuda/units.h"
#include "cuda/walk.h"
#include "ops/copy/cuda_desc.h"

namespace pt::cuda {

// 16 bytes that hold one element over and over.
struct alignas(16) Repeated {
  uint32_t word[4];
};

template <int kBytes>
PT_DEVICE Repeated repeated(const char* element) {
  Repeated r{};
  move<kBytes>(reinterpret_cast<char*>(r.word), element, grain_of(element, r.word, kBytes));
  if constexpr (kBytes == 1) r.word[0] = (r.word[0] & 0xffu) * 0x01010101u;
  if constexpr (kBytes == 2) r.word[0] = (r.word[0] & 0xffffu) * 0x00010001u;
  if constexpr (kBytes < 8) r.word[1] = r.word[0];
  if constexpr (kBytes < 16) r.word[2] = r.word[0], r.word[3] = r.word[1];
  return r;
}

template <int kBytes>
PT_DEVICE void copy_each(const Operands<2>& operands, const Axes& axes) {
  const int grain = grain_of(operands.at[0], operands.at[1], kBytes);
  for (int64_t i = global_thread(); i < axes.elements; i += global_threads()) {
    const Offsets at = offsets_of(axes, i);
    move<kBytes>(operands.at[1] + at.b, operands.at[0] + at.a, grain);
  }
}

template <int kBytes>
PT_DEVICE void repeat_each(const Operands<2>& operands, const Units& units) {
  const int grain = grain_of(operands.at[1], operands.at[1], units.unit_bytes);
  for (int64_t i = global_thread(); i < units.axes.elements; i += global_threads()) {
    const Offsets at = offsets_of(units.axes, i);
    const Repeated r = repeated<kBytes>(operands.at[0] + at.a);
    with_bytes(units.unit_bytes, [&](auto unit) {
      move<unit.size>(operands.at[1] + at.b, reinterpret_cast<const char*>(r.word), grain);
    });
  }
}

// What of a single run does not fill a unit: fewer elements than a block has threads.
template <int kBytes>
PT_DEVICE void copy_tail(const Operands<2>& operands, const Units& units, bool repeats) {
  const int64_t i = global_thread();
  if (i >= units.tail) return;
  const int64_t at = units.tail_at + i * kBytes;
  const int grain = grain_of(operands.at[0], operands.at[1], kBytes);
  move<kBytes>(operands.at[1] + at, operands.at[0] + (repeats ? 0 : at), grain);
}

template <int kBytes>
PT_DEVICE void turn_tiles(const Operands<2>& operands, const CopyTiles& params, char* memory) {
  constexpr int kSide = int(tile_side(kBytes)), kPitch = (kSide + 1) * kBytes;  // one more: columns in other banks
  constexpr int kLines = kTileThreads / 32;
  const int grain = grain_of(operands.at[0], operands.at[1], kBytes);
  const int lane = threadIdx.x % 32, line = threadIdx.x / 32;
  for (int64_t tile = blockIdx.x; tile < params.tiles; tile += gridDim.x) {
    const Divided by_cols = divide(tile, params.col_tiles), by_rows = divide(by_cols.quotient, params.row_tiles);
    const int64_t row = by_rows.rest * kSide, col = by_cols.rest * kSide;
    const Offsets plane = offsets_of(params.planes, by_rows.quotient);
    const char* in = operands.at[0] + plane.a + row * kBytes + col * params.col_in;
    char* out = operands.at[1] + plane.b + row * params.row_out + col * kBytes;
    for (int c = line; c < kSide && col + c < params.cols; c += kLines) {
      for (int r = lane; r < kSide && row + r < params.rows; r += 32)
        move<kBytes>(memory + c * kPitch + r * kBytes, in + c * params.col_in + r * kBytes, grain);
    }
    __syncthreads();
    for (int r = line; r < kSide && row + r < params.rows; r += kLines) {
      for (int c = lane; c < kSide && col + c < params.cols; c += 32)
        move<kBytes>(out + r * params.row_out + c * kBytes, memory + c * kPitch + r * kBytes, grain);
    }
    __syncthreads();
  }
}

}  // namespace pt::cuda

PT_CUDA_KERNEL(copy_units, 2, pt::cuda::CopyUnits, 256) {
  using namespace pt::cuda;
  const Units& units = params.units;
  if (params.repeats)
    with_bytes(units.element_bytes, [&](auto element) { repeat_each<element.size>(operands, units); });
  else
    with_bytes(units.unit_bytes, [&](auto unit) { copy_each<unit.size>(operands, units.axes); });
  with_bytes(units.element_bytes, [&](auto element) { copy_tail<element.size>(operands, units, params.repeats); });
}

PT_CUDA_KERNEL(copy_tiles, 2, pt::cuda::CopyTiles, pt::cuda::kTileThreads) {
  using namespace pt::cuda;
  [[maybe_unused]] __shared__ __align__(16) char memory[32 * 33 * 16];
  with_bytes(params.element_bytes, [&](auto element) { turn_tiles<element.size>(operands, params, memory); });
}
