// Products of bf16 by the tile registers. A 32 x 32 block of C is four tiles; a step of 32 along K loads two tiles of
// each operand and multiplies each with each, so that four loads wait on four multiplications. A strip of the right
// operand stays in the first cache while strips of the left one, from the second cache or read where they lie, pass by.
#include "ops/matmul/amx.h"
#include "ops/matmul/amx_pack.h"
#include "ops/matmul/chunk.h"
#include "ops/matmul/finish.h"

namespace pt {
namespace PT_ISA {
namespace {

// A block of the left operand: strips, of two halves, of rows that tiles are loaded from.
struct AmxLeft {
  const char* at;
  int64_t strip, half, row, step;  // byte strides
};

template <int Rows, int Cols>
PT_FN void multiply_strip(const AmxLeft& a, const char* left, const char* right, int64_t steps, char* out,
                          int64_t out_row, bool add) {
  const int64_t down = kTileSide * out_row;
  if (add) {
    tile_load<0>(out, out_row);
    if (Cols > 1) tile_load<1>(out + 64, out_row);
    if (Rows > 1) tile_load<2>(out + down, out_row);
    if (Rows > 1 && Cols > 1) tile_load<3>(out + down + 64, out_row);
  } else {
    tile_zero<0>(), tile_zero<1>(), tile_zero<2>(), tile_zero<3>();
  }
  for (int64_t step = 0; step < steps; ++step, left += a.step, right += kStripStepBytes) {
    tile_load<6>(right, 64);
    if (Cols > 1) tile_load<7>(right + kTileBytes, 64);
    tile_load<4>(left, a.row);
    if (Rows > 1) tile_load<5>(left + a.half, a.row);
    tile_multiply<0, 4, 6>();
    if (Cols > 1) tile_multiply<1, 4, 7>();
    if (Rows > 1) tile_multiply<2, 5, 6>();
    if (Rows > 1 && Cols > 1) tile_multiply<3, 5, 7>();
  }
  tile_store<0>(out, out_row);
  if (Cols > 1) tile_store<1>(out + 64, out_row);
  if (Rows > 1) tile_store<2>(out + down, out_row);
  if (Rows > 1 && Cols > 1) tile_store<3>(out + down + 64, out_row);
}

template <int Cols>
void multiply_strips_of_left(const AmxLeft& a, int64_t rows, const char* right, int64_t steps, char* out,
                             int64_t out_row, bool add) {
  const char* left = a.at;
  for (; rows > kTileSide; rows -= kStripSide, left += a.strip, out += kStripSide * out_row)
    multiply_strip<2, Cols>(a, left, right, steps, out, out_row, add);
  if (rows > 0) multiply_strip<1, Cols>(a, left, right, steps, out, out_row, add);
}

// The two operands of one batch item of a chunk.
struct AmxOperands {
  const MatmulDesc& d;
  const MatmulChunk& c;
  AmxSource left, right;                   // of the chunk
  const char *packed_left, *packed_right;  // by a launch before: of the chunk, all of K; or null
  char *left_block, *right_block;          // scratch

  AmxLeft left_at(int64_t k, int64_t depth) const {
    if (packed_left) {
      const char* at = packed_left + k / kTileStep * kStripStepBytes;
      return {at, amx_bytes(kAmxStrip, d.problem.depth), kTileBytes, 64, kStripStepBytes};
    }
    const AmxSource block = {left.at + 2 * k * left.k, left.across, left.k};
    const int64_t row = 2 * left.across;
    if (!d.schedule.copy_left && depth % kTileStep == 0 && c.rows % kTileSide == 0)
      return {block.at, kStripSide * row, kTileSide * row, row, 2 * kTileStep};
    const int64_t strip = amx_bytes(kAmxStrip, depth);
    pack_amx<TileForm::Rows>(block, c.rows, depth, left_block, strip);
    return {left_block, strip, kTileBytes, 64, kStripStepBytes};
  }

  // The first strip; `strip` receives the bytes to the next.
  const char* right_at(int64_t k, int64_t depth, int64_t& strip) const {
    strip = amx_bytes(kAmxStrip, packed_right ? d.problem.depth : depth);
    if (packed_right) return packed_right + k / kTileStep * kStripStepBytes;
    pack_amx<TileForm::Pairs>({right.at + 2 * k * right.k, right.across, right.k}, c.cols, depth, right_block, strip);
    return right_block;
  }
};

// Even blocks of whole steps.
int64_t block_depth(int64_t depth) {
  const int64_t blocks = (depth + kAmxBlock - 1) / kAmxBlock;
  return ((depth + blocks - 1) / blocks + kTileStep - 1) / kTileStep * kTileStep;
}

// One group of K.
void multiply_group(const AmxOperands& o, int64_t k, int64_t end, float* sums, int64_t sums_row) {
  const int64_t block = block_depth(end - k);
  for (bool add = false; k < end; k += block, add = true) {
    const int64_t depth = least(block, end - k), steps = (depth + kTileStep - 1) / kTileStep;
    int64_t strip;
    const char* right = o.right_at(k, depth, strip);
    const AmxLeft left = o.left_at(k, depth);
    for (int64_t col = 0; col < o.c.cols; col += kStripSide, right += strip) {
      char* out = reinterpret_cast<char*>(sums + col);
      const int64_t out_row = sums_row * static_cast<int64_t>(sizeof(float));
      o.c.cols - col > kTileSide ? multiply_strips_of_left<2>(left, o.c.rows, right, steps, out, out_row, add)
                                 : multiply_strips_of_left<1>(left, o.c.rows, right, steps, out, out_row, add);
    }
  }
}

// The whole of one operand, packed for all chunks of the product by a launch before.
struct AmxWhole {
  int at;                                      // among the addresses of the launch
  int64_t rows_or_cols, across, k, packed_at;  // element strides; bytes into the workspace
};

// A chunk packs some strips of one batch item, whose elements begin at offset(item).
template <TileForm Form, class Offset>
void pack_operand(const KernelArgs* args, const MatmulDesc& d, int64_t chunk, const AmxWhole& w, Offset offset) {
  const int64_t parts = (amx_strips(w.rows_or_cols) + kAmxPackStrips - 1) / kAmxPackStrips, batch = chunk / parts;
  const int64_t first = chunk % parts * kAmxPackStrips, begin = first * kStripSide;
  const int64_t n = least(w.rows_or_cols - begin, kAmxPackStrips * kStripSide);
  const char* from = args->data[w.at] + 2 * (offset(batch_offsets(d.problem, batch)) + begin * w.across);
  const int64_t strip = amx_bytes(kAmxStrip, d.problem.depth);
  char* to = args->data[d.problem.workspace_at] + w.packed_at + batch * amx_bytes(w.rows_or_cols, d.problem.depth) +
             first * strip;
  pack_amx<Form>({from, w.across, w.k}, n, d.problem.depth, to, strip);
}

}  // namespace

void pack_left_amx(const KernelArgs* args, int64_t chunk) {
  const MatmulDesc& d = *static_cast<const MatmulDesc*>(args->desc);
  const MatmulProblem& p = d.problem;
  pack_operand<TileForm::Rows>(args, d, chunk, {p.left_at, p.rows, p.left_row, p.left_k, d.layout.packed_left},
                               [](const MatmulOffsets& at) { return at.left; });
}

void pack_right_amx(const KernelArgs* args, int64_t chunk) {
  const MatmulDesc& d = *static_cast<const MatmulDesc*>(args->desc);
  const MatmulProblem& p = d.problem;
  pack_operand<TileForm::Pairs>(args, d, chunk, {p.right_at, p.cols, p.right_col, p.right_k, d.layout.packed_right},
                                [](const MatmulOffsets& at) { return at.right; });
}

void product_amx(const KernelArgs* args, int64_t chunk) {
  const MatmulDesc& d = *static_cast<const MatmulDesc*>(args->desc);
  const MatmulProblem& p = d.problem;
  const MatmulChunk c = chunk_of(d, chunk);
  [[maybe_unused]] const TileScope tiles;  // nothing but on a processor with tiles
  float* sums = reinterpret_cast<float*>(args->scratch + d.layout.sums);
  float* group_sums = reinterpret_cast<float*>(args->scratch + d.layout.group_sums);
  for (int64_t batch = c.batch; batch < c.batch_end; ++batch) {
    const MatmulOffsets at = batch_offsets(p, batch);
    char* workspace = args->data[p.workspace_at];
    const char* packed_left = workspace + d.layout.packed_left + batch * amx_bytes(p.rows, p.depth);
    const char* packed_right = workspace + d.layout.packed_right + batch * amx_bytes(p.cols, p.depth);
    const AmxOperands o = {d,
                           c,
                           {args->data[p.left_at] + 2 * (at.left + c.row * p.left_row), p.left_row, p.left_k},
                           {args->data[p.right_at] + 2 * (at.right + c.col * p.right_col), p.right_col, p.right_k},
                           d.schedule.share_left ? packed_left + amx_bytes(c.row, p.depth) : nullptr,
                           d.schedule.share_right ? packed_right + amx_bytes(c.col, p.depth) : nullptr,
                           args->scratch + d.layout.left_block,
                           args->scratch + d.layout.right_panel};
    if (d.schedule.groups > 1) {
      const int64_t k = c.group * kAmxGroup;
      multiply_group(o, k, least(k + kAmxGroup, p.depth), sums, d.layout.sums_row);
      float* to = pt::PT_ISA::group_sums<float>(p, workspace, c.group, batch) + c.row * p.cols + c.col;
      store_block(sums, d.layout.sums_row, c.rows, c.cols, {reinterpret_cast<char*>(to), DType::F32, p.cols, 1});
      continue;
    }
    if (p.depth == 0) fill_zero(sums, d.layout.sums_row, c.rows, c.cols);
    for (int64_t k = 0; k < p.depth; k += kAmxGroup) {
      multiply_group(o, k, least(k + kAmxGroup, p.depth), k > 0 ? group_sums : sums, d.layout.sums_row);
      if (k > 0) add_block(group_sums, d.layout.sums_row, c.rows, c.cols, sums, d.layout.sums_row);
    }
    const Target out = out_of<float>(p, args, at.out, c);
    finish_sums(args, d, Sums<float>{sums, d.layout.sums_row, nullptr, 0}, out, batch, c);
  }
}

}  // namespace PT_ISA
}  // namespace pt
