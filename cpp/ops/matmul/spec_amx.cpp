// How a product by the tile registers is cut, and which operands are packed for all chunks. At some hundred
// multiply-adds a cycle what counts is the moving: an operand that many chunks read is packed once, and regions are
// large.
#include "ops/matmul/spec_amx.h"

#include <algorithm>
#include <utility>

#include "ops/matmul/amx.h"
#include "ops/matmul/product.h"

namespace pt {
namespace {

// Cycles for an element, measured; a multiply-add takes about 1/400.
constexpr double kCopy = 0.15;        // to pack what lies in the order of its tiles
constexpr double kInterleave = 0.25;  // to make pairs of rows that are contiguous across K
constexpr double kTurn = 0.35;        // to transpose on the way
constexpr double kScatter = 2;        // for any strides
constexpr double kRead = 0.06;        // to read what was packed once, or lies well, for each chunk
constexpr double kShare = 0.3;        // to write it to the last cache, once
constexpr double kTurnedStore = 4;    // to store a result whose rows are not contiguous
// Cycles for a whole
constexpr double kLaunch = 1e4;      // launch that packs
constexpr double kSegment = 100;     // piece of a row of C in memory, whose beginning no prefetcher has foreseen
constexpr double kNearSegment = 30;  // or in a cache
constexpr double kNearBytes = 1 << 20;

constexpr int64_t kSides[] = {1536, 1024, 768, 512, 384, 256, 192, 128, 96, 64, 32};
constexpr int64_t kMostRows = 512;
constexpr int64_t kMostAliasedRows = 256;
constexpr double kLeastWork = 3 << 20;     // multiply-adds of a chunk: some microseconds
constexpr double kChunksWanted = 32;       // so that 8 threads share them evenly
constexpr double kChunksAtLeast = 8;       // fewer would leave threads idle
constexpr double kAreaWanted = 256 * 256;  // elements of C whose copies of A and B pay
constexpr int64_t kMostArea = 256 * 512;   // whose sums leave room in the second cache
constexpr int64_t kAliasBytes = 4096;      // rows so far apart (or a multiple) fall into few sets of the caches

// The layout of an operand, seen from its rows (or columns) and K.
double pack_cost(int64_t across, int64_t k, int64_t size, bool left) {
  if (k == 1) return left ? kCopy : kTurn;
  if (across == 1 || size == 1) return left ? kTurn : kInterleave;
  return kScatter;
}

bool in_place(const MatmulDesc& d) { return d.left_k == 1 && d.rows % kAmxStrip == 0 && d.depth % kAmxStrip == 0; }

double left_cost(const MatmulDesc& d) { return pack_cost(d.left_row, d.left_k, d.rows, true); }
double right_cost(const MatmulDesc& d) { return pack_cost(d.right_col, d.right_k, d.cols, false); }

double role_cost(const MatmulDesc& d) {
  const double depth = static_cast<double>(d.depth), rows = static_cast<double>(d.rows);
  const double cols = static_cast<double>(d.cols);
  return rows * depth * left_cost(d) + cols * depth * right_cost(d) +
         (contiguous_columns(d.out_col, d.cols) ? 0 : kTurnedStore * rows * cols);
}

struct Cut {
  int64_t rows, cols;
  bool share_left, share_right;
  double cycles;  // for a multiply-add, beside the multiply-add itself
};

Cut cost_of(const MatmulDesc& d, int64_t rows, int64_t cols) {
  const double r = static_cast<double>(std::min(rows, d.rows)), c = static_cast<double>(std::min(cols, d.cols));
  const double all_rows = static_cast<double>(d.rows), all_cols = static_cast<double>(d.cols);
  const double launch = kLaunch / (static_cast<double>(d.batches) * all_rows * all_cols * static_cast<double>(d.depth));
  const bool evicts_itself = d.left_row * 2 % kAliasBytes == 0 && rows > kMostAliasedRows;
  const double left = (in_place(d) && !evicts_itself ? kRead : left_cost(d)) / c;
  const double shared_left = (left_cost(d) + kShare) / all_cols + kRead / c + launch;
  const double bytes = static_cast<double>(d.batches) * all_rows * all_cols * static_cast<double>(size_of(d.out_type));
  const double segment = bytes <= kNearBytes ? kNearSegment : kSegment;
  const double store = cols < d.cols ? segment / (c * static_cast<double>(d.depth)) : 0;
  const double right = right_cost(d) / r, shared_right = (right_cost(d) + kShare) / all_rows + kRead / r + launch;
  return {rows, cols, shared_left < left, shared_right < right,
          store + std::min(left, shared_left) + std::min(right, shared_right)};
}

// Even parts of at most `side`.
int64_t even_part(int64_t size, int64_t side) { return round_up(ceil_div(size, ceil_div(size, side)), kAmxStrip); }

Cut choose_region(const MatmulDesc& d, double area) {
  Cut best = {0, 0, false, false, 1e30};
  for (const int64_t rows_side : kSides) {
    for (const int64_t cols_side : kSides) {
      const int64_t rows = even_part(d.rows, rows_side), cols = even_part(d.cols, cols_side);
      const double elements = static_cast<double>(std::min(rows, d.rows)) * static_cast<double>(std::min(cols, d.cols));
      const bool least = rows <= kAmxStrip && cols <= kAmxStrip;
      if ((elements > 1.2 * area || rows * cols > kMostArea || rows > kMostRows) && !least) continue;
      const Cut cut = cost_of(d, rows, cols);
      if (cut.cycles < best.cycles) best = cut;
    }
  }
  return best;
}

void choose_amx_chunks(MatmulDesc& d) {
  const double depth = static_cast<double>(std::max<int64_t>(d.depth, 1));
  const double per_batch = static_cast<double>(d.rows) * static_cast<double>(d.cols) * depth;
  const double total = per_batch * static_cast<double>(d.batches);
  const double chunk_depth = std::min(depth, static_cast<double>(kAmxGroup));
  double wanted = std::max(total / kChunksWanted, kLeastWork);
  wanted = std::max(wanted, std::min(total / kChunksAtLeast, kAreaWanted * chunk_depth));
  const Cut cut = choose_region(d, wanted / chunk_depth);
  set_chunks(d, cut.rows, cut.cols, wanted, per_batch);
  d.share_left = cut.share_left, d.share_right = cut.share_right;
  d.copy_left = !d.share_left && !in_place(d);
  d.copy_right = !d.share_right;
  const bool few = d.row_chunks * d.col_chunks * d.batch_chunks < kChunksWanted;
  d.groups = few && d.depth > kAmxGroup ? ceil_div(d.depth, kAmxGroup) : 1;
}

void lay_out(MatmulDesc& d) {
  int64_t at = 0;
  const auto take = [&](int64_t bytes) {
    const int64_t begin = at;
    at += round_up(bytes, 64);
    return begin;
  };
  const int64_t rows = std::min(d.row_chunk, d.rows), cols = std::min(d.col_chunk, d.cols);
  const int64_t depth = std::min(d.depth, kAmxBlock);
  d.sums_row = round_up(cols, 16) + 16;  // not a power of two: tiles of sums would lie in few sets of the caches
  const int64_t sums_bytes = round_up(rows, 16) * d.sums_row * static_cast<int64_t>(sizeof(float));
  d.left_block = take(d.share_left ? 0 : amx_bytes(rows, depth));
  d.right_panel = take(d.share_right ? 0 : amx_bytes(cols, depth));
  d.sums = take(sums_bytes);
  d.group_sums = take(d.groups == 1 && d.depth > kAmxGroup ? sums_bytes : 0);
  d.scratch_bytes = at;
  const int64_t group_bytes =
      d.groups > 1 ? d.groups * d.batches * d.rows * d.cols * static_cast<int64_t>(sizeof(float)) : 0;
  d.packed_left = round_up(group_bytes, 64);
  d.packed_right = d.packed_left + (d.share_left ? d.batches * amx_bytes(d.rows, d.depth) : 0);
}

void pack_before(LaunchPlan& plan, Launch launch, int variant, int64_t batches, int64_t size, int64_t depth,
                 int64_t at) {
  const int64_t bytes = batches * amx_bytes(size, depth);
  plan.workspace_bytes = std::max(plan.workspace_bytes, at + bytes);
  launch.variant = variant;
  launch.chunks = batches * ceil_div(amx_strips(size), kAmxPackStrips);
  launch.flops = 0;
  launch.bytes = 2.0 * static_cast<double>(bytes);
  plan.launches.push_back(launch);
}

}  // namespace

bool takes_amx(const MatmulDesc& d, const PlanContext& context) {
  return context.multiplies_tiles && !d.accumulate && d.left_type == DType::BF16 && d.right_type == DType::BF16;
}

void choose_amx_roles(MatmulDesc& d) {
  MatmulDesc other = d;
  swap_roles(other);
  if (role_cost(other) < role_cost(d)) d = other;
}

void complete_amx(MatmulDesc& d) {
  d.amx = true;
  choose_amx_chunks(d);
  lay_out(d);
}

void append_amx_packing(LaunchPlan& plan, const Launch& product, const MatmulDesc& d) {
  if (d.share_left) pack_before(plan, product, kPackLeftAmx, d.batches, d.rows, d.depth, d.packed_left);
  if (d.share_right) pack_before(plan, product, kPackRightAmx, d.batches, d.cols, d.depth, d.packed_right);
}

}  // namespace pt
