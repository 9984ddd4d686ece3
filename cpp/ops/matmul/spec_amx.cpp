// How a product by the tile registers is cut, and which operands are packed for all chunks. At some hundred
// multiply-adds a cycle what counts is the moving: an operand that many chunks read is packed once, and regions are
// large.
#include "ops/matmul/spec_amx.h"

#include <algorithm>

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

bool in_place(const MatmulProblem& p) { return p.left_k == 1 && p.rows % kAmxStrip == 0 && p.depth % kAmxStrip == 0; }

double left_cost(const MatmulProblem& p) { return pack_cost(p.left_row, p.left_k, p.rows, true); }
double right_cost(const MatmulProblem& p) { return pack_cost(p.right_col, p.right_k, p.cols, false); }

struct Cut {
  int64_t rows, cols;
  bool share_left, share_right;
  double cycles;  // for a multiply-add, beside the multiply-add itself
};

Cut cost_of(const MatmulProblem& p, int64_t rows, int64_t cols) {
  const double r = static_cast<double>(std::min(rows, p.rows)), c = static_cast<double>(std::min(cols, p.cols));
  const double all_rows = static_cast<double>(p.rows), all_cols = static_cast<double>(p.cols);
  const double launch = kLaunch / (static_cast<double>(p.batches) * all_rows * all_cols * static_cast<double>(p.depth));
  const bool evicts_itself = p.left_row * 2 % kAliasBytes == 0 && rows > kMostAliasedRows;
  const double left = (in_place(p) && !evicts_itself ? kRead : left_cost(p)) / c;
  const double shared_left = (left_cost(p) + kShare) / all_cols + kRead / c + launch;
  const double bytes = static_cast<double>(p.batches) * all_rows * all_cols * static_cast<double>(size_of(p.out_type));
  const double segment = bytes <= kNearBytes ? kNearSegment : kSegment;
  const double store = cols < p.cols ? segment / (c * static_cast<double>(p.depth)) : 0;
  const double right = right_cost(p) / r, shared_right = (right_cost(p) + kShare) / all_rows + kRead / r + launch;
  return {rows, cols, shared_left < left, shared_right < right,
          store + std::min(left, shared_left) + std::min(right, shared_right)};
}

Cut choose_region(const MatmulProblem& p, double area) {
  Cut best = {0, 0, false, false, 1e30};
  for (const int64_t rows_side : kSides) {
    for (const int64_t cols_side : kSides) {
      const int64_t rows = even_part(p.rows, rows_side, kAmxStrip), cols = even_part(p.cols, cols_side, kAmxStrip);
      const double elements = static_cast<double>(std::min(rows, p.rows)) * static_cast<double>(std::min(cols, p.cols));
      const bool least = rows <= kAmxStrip && cols <= kAmxStrip;
      if ((elements > 1.2 * area || rows * cols > kMostArea || rows > kMostRows) && !least) continue;
      const Cut cut = cost_of(p, rows, cols);
      if (cut.cycles < best.cycles) best = cut;
    }
  }
  return best;
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

bool takes_amx(const MatmulProblem& p, const PlanContext& context) {
  return context.multiplies_tiles && p.left_type == DType::BF16 && p.right_type == DType::BF16;
}

double amx_role_cost(const MatmulProblem& p) {
  const double depth = static_cast<double>(p.depth), rows = static_cast<double>(p.rows);
  const double cols = static_cast<double>(p.cols);
  return rows * depth * left_cost(p) + cols * depth * right_cost(p) +
         (contiguous_columns(p.out_col, p.cols) ? 0 : kTurnedStore * rows * cols);
}

MatmulSchedule schedule_amx(const MatmulProblem& p) {
  const double depth = static_cast<double>(std::max<int64_t>(p.depth, 1));
  const double per_batch = static_cast<double>(p.rows) * static_cast<double>(p.cols) * depth;
  const double total = per_batch * static_cast<double>(p.batches);
  const double chunk_depth = std::min(depth, static_cast<double>(kAmxGroup));
  double wanted = std::max(total / kChunksWanted, kLeastWork);
  wanted = std::max(wanted, std::min(total / kChunksAtLeast, kAreaWanted * chunk_depth));
  const Cut cut = choose_region(p, wanted / chunk_depth);
  MatmulSchedule s = {};
  set_chunks(s, p, cut.rows, cut.cols, wanted, per_batch);
  s.share_left = cut.share_left, s.share_right = cut.share_right;
  s.copy_left = !s.share_left && !in_place(p);
  s.copy_right = !s.share_right;
  s.groups = s.chunks() < kChunksWanted && p.depth > kAmxGroup ? ceil_div(p.depth, kAmxGroup) : 1;
  s.grouped = s.groups == 1 && p.depth > kAmxGroup;
  return s;
}

void append_amx_packing(LaunchPlan& plan, const Launch& product, const MatmulDesc& d) {
  const MatmulProblem& p = d.problem;
  if (d.schedule.share_left) pack_before(plan, product, kPackLeftAmx, p.batches, p.rows, p.depth, d.layout.packed_left);
  if (d.schedule.share_right)
    pack_before(plan, product, kPackRightAmx, p.batches, p.cols, p.depth, d.layout.packed_right);
}

}  // namespace pt
