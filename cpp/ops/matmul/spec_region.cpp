// How a product is cut into chunks, and which operands are packed. None of it can change a bit of the result.
#include <algorithm>

#include "ops/matmul/product.h"

namespace pt {
namespace {

constexpr int64_t kSides[] = {kMostTapRows, 1024, 768, 512, 384, 256, 192, 128, 96, 64, 48, 32};
constexpr int64_t kLeastSide = 32;
constexpr int64_t kLeastWork = 1 << 19;     // multiply-adds of a chunk: about 10 us
constexpr int64_t kChunksOfThread = 4;      // so that one that is late leaves the others something to do
constexpr int64_t kFewestOfThread = 3;      // where larger ones save copies
constexpr int64_t kFewestChunks = 8;        // whatever the threads
constexpr double kAreaWanted = 128 * 128;   // elements of C whose copies of A and B pay
constexpr double kGatheredArea = 64 * 128;  // the same where blocks of A are written before they are read
constexpr int64_t kFewRows = 4;             // the rows for which the right operand is streamed (few_rows.h)
constexpr int64_t kLongestRow = 1024;       // and the columns of their chunks: long rows, for the prefetchers
constexpr int64_t kMostRegionCols = 512;    // of the others
constexpr int64_t kRowsWorthPacking = 80;   // rows that share a packed panel, before packing it pays
constexpr int64_t kRowsWorthFetching = 32;  // the same of a right operand that comes from afar
constexpr int64_t kFarBytes = 1 << 20;      // and what that is: no second cache keeps it
constexpr int64_t kDepthWorthPacking = 32;
constexpr int64_t kColsWorthStrips = 128;      // columns that share a gathered block, before turning it once more pays
constexpr double kWorkWorthSharing = 1 << 22;  // multiply-adds, before a launch of its own packs the left operand
constexpr int64_t kMostSharedBytes = 8 << 20;  // of a left operand; beyond, large chunks copy their rows cheaply
constexpr int64_t kAliasBytes = 1024;          // rows so far apart (or a multiple) fall into few sets of the caches

// Cycles for an element, measured.
constexpr double kMultiplyAdd = 1.0 / 20;
constexpr double kPack = 0.5;          // to pack it for one chunk
constexpr double kGather = 1.5;        // to gather it from an image
constexpr double kPad = 0.2;           // its share of a line that is copied once for all taps
constexpr double kLine = 0.5;          // an element of such a line
constexpr double kShare = 0.75;        // to pack it once for all: written and read through the last cache
constexpr double kRead = 0.25;         // to read what was packed once, for each chunk
constexpr double kStrided = 0.006;     // what a multiply-add takes longer whose operand is not packed
constexpr double kAlongDepth = 0.001;  // the same of rows that lie along memory, beside packed panels
constexpr double kFar = 0.018;         // or comes from afar at every use, since what is packed is fetched before
constexpr double kAliased = 0.025;     // or lies so that its rows evict each other

enum class Left { InPlace, Copied, Shared };

struct Cut {
  int64_t rows, cols;
  Left left;
  bool copy_right;
  double cycles;  // for a multiply-add
};

// Even parts of at most `side`, in whole steps.
int64_t even_part(int64_t size, int64_t side, int64_t step) {
  return round_up(ceil_div(size, ceil_div(size, side)), step);
}

bool must_copy_right(const MatmulDesc& d) {
  return d.pairs || is_half(d.right_type) || !contiguous_columns(d.right_col, d.cols);
}

// Whether the right operand is.
bool far(const MatmulDesc& d) { return d.cols * d.depth * static_cast<int64_t>(size_of(d.right_type)) > kFarBytes; }

bool many_rows(const MatmulDesc& d, int64_t rows) {
  return rows >= (far(d) ? kRowsWorthFetching : kRowsWorthPacking) && d.depth > kDepthWorthPacking;
}

bool may_share_left(const MatmulDesc& d, bool gathered_left) {
  const double elements = static_cast<double>(d.batches) * d.rows * d.depth;
  return !gathered_left && elements * d.cols >= kWorkWorthSharing &&
         elements * size_of(compute_dtype(d.out_type)) <= kMostSharedBytes;
}

bool aliased(const MatmulDesc& d) {
  const int64_t apart = std::max(d.left_row, d.left_k) * static_cast<int64_t>(size_of(d.left_type));
  return apart > 0 && apart % kAliasBytes == 0;
}

// Whether rows are channels of taps, whose lines of pixels are copied once for all of them: as many rows as one likes.
bool shares_lines(const MatmulDesc& d) { return d.padded_left && d.row_unit == 0; }

// To copy what the left operand is read from, for a multiply-add.
double copied_left(const MatmulDesc& d, int64_t rows, int64_t cols, bool gathered_left) {
  if (shares_lines(d)) {
    const double elements = static_cast<double>(d.left_elements) / kBlockDepth;  // of a step of K
    return kLine * elements / (static_cast<double>(rows) * static_cast<double>(cols));
  }
  return (d.padded_left ? kPad : gathered_left ? kGather : kPack) / static_cast<double>(cols);
}

// The cheapest way to bring the operands of such a region to the multiply-adds.
Cut cheapest(const MatmulDesc& d, int64_t row_chunk, int64_t col_chunk, bool gathered_left) {
  const int64_t rows = std::min(row_chunk, d.rows), cols = std::min(col_chunk, d.cols);
  Cut r = {row_chunk, col_chunk, Left::InPlace, many_rows(d, rows) || must_copy_right(d), 0};
  const double right = r.copy_right ? kPack / static_cast<double>(rows) : kStrided + (far(d) ? kFar : 0);
  double left = d.left_k == 1 && r.copy_right ? kAlongDepth : kStrided + (aliased(d) ? kAliased : 0);
  if (gathered_left || d.pairs || is_half(d.left_type)) left = 1e9;
  const double copied = copied_left(d, rows, cols, gathered_left);
  if (copied < left && (many_rows(d, rows) || left == 1e9)) r.left = Left::Copied, left = copied;
  const double shared = kRead / static_cast<double>(cols) + kShare / static_cast<double>(d.cols);
  if (shared < left && many_rows(d, rows) && may_share_left(d, gathered_left)) r.left = Left::Shared, left = shared;
  r.cycles = left + right;
  return r;
}

int64_t wanted_chunks(int64_t threads) { return std::max(kChunksOfThread * threads, kFewestChunks); }

// Groups of K that are chunks of their own: where a C is small and its K long, as of a bias or a first layer, they are
// what threads can share.
int64_t split_groups(const MatmulDesc& d, int64_t regions, int64_t threads, bool may_split) {
  const bool split = may_split && regions < wanted_chunks(threads) && d.depth > kGroupDepth;
  return split ? ceil_div(d.depth, kGroupDepth) : 1;
}

// How much longer chunks of one size take than if threads could share their sum evenly.
double unevenness(const MatmulDesc& d, int64_t rows, int64_t cols, int64_t threads, bool may_split) {
  const int64_t regions = d.batches * ceil_div(d.rows, rows) * ceil_div(d.cols, cols);
  const int64_t chunks = regions * split_groups(d, regions, threads, may_split);
  return static_cast<double>(round_up(chunks, threads)) / static_cast<double>(chunks);
}

Cut choose_region(const MatmulDesc& d, double area, int64_t threads, bool gathered_left, bool may_split) {
  Cut best = {0, 0, Left::InPlace, false, 1e30};
  const double most_cols = d.rows <= kFewRows ? kLongestRow : kMostRegionCols;
  for (const int64_t side : kSides) {
    if (side > std::max(d.most_rows, kMostRegionRows)) continue;
    const int64_t parts = ceil_div(d.rows, side);
    // A number of chunks that threads share evenly lets each be larger than many small ones would.
    for (const int64_t even : {parts, parts > 1 ? round_up(parts, threads) : parts}) {
      const int64_t rows = round_up(ceil_div(d.rows, even), 2);
      const double room = std::clamp(area / static_cast<double>(std::min(rows, d.rows)), double(kLeastSide), most_cols);
      const int64_t cols = even_part(d.cols, round_up(static_cast<int64_t>(room), kLeastSide), kLeastSide);
      const double elements = static_cast<double>(std::min(rows, d.rows)) * std::min(cols, d.cols);
      if (elements > 1.5 * area && side != kLeastSide) continue;  // too few chunks
      Cut region = cheapest(d, rows, cols, gathered_left);
      region.cycles = (kMultiplyAdd + region.cycles) * unevenness(d, rows, cols, threads, may_split);
      if (region.cycles < best.cycles) best = region;
    }
  }
  return best;
}

}  // namespace

void set_chunks(MatmulDesc& d, int64_t rows, int64_t cols, double wanted, double per_batch) {
  d.row_chunk = rows, d.row_chunks = ceil_div(d.rows, rows);
  d.col_chunk = cols, d.col_chunks = ceil_div(d.cols, cols);
  d.batch_chunk = 1;
  if (d.row_chunks * d.col_chunks == 1)
    d.batch_chunk = static_cast<int64_t>(std::clamp(wanted / per_batch, 1.0, static_cast<double>(d.batches)));
  d.batch_chunks = ceil_div(d.batches, d.batch_chunk);
}

void choose_chunks(MatmulDesc& d, const PlanContext& context, bool gathered_left, bool may_split) {
  const double depth = static_cast<double>(std::max<int64_t>(d.depth, 1));
  const double per_batch = static_cast<double>(d.rows) * d.cols * depth;
  const double total = per_batch * d.batches;
  // With a long K the groups are chunks of their own, unless there is enough to share without.
  const double chunk_depth = may_split ? std::min(depth, double(kGroupDepth)) : depth;
  const int64_t threads = context.threads;
  double wanted = std::max(total / static_cast<double>(wanted_chunks(threads)), double(kLeastWork));
  const double area = gathered_left ? kGatheredArea : kAreaWanted;
  wanted = std::max(wanted, std::min(total / static_cast<double>(kFewestOfThread * threads), area * chunk_depth));
  const Cut region = choose_region(d, wanted / chunk_depth, threads, gathered_left, may_split);
  const int64_t rows = d.row_unit ? std::max(region.rows / d.row_unit, int64_t{1}) * d.row_unit : region.rows;
  set_chunks(d, rows, region.cols, wanted, per_batch);
  d.share_left = region.left == Left::Shared;
  d.copy_left = region.left == Left::Copied;
  d.copy_right = region.copy_right;
  d.strips = region.left != Left::InPlace && many_rows(d, std::min(d.row_chunk, d.rows)) &&
             (!gathered_left || std::min(d.col_chunk, d.cols) >= kColsWorthStrips);
  d.strips = (d.strips || d.pairs) && !d.padded_left;
  d.groups = split_groups(d, d.row_chunks * d.col_chunks * d.batch_chunks, threads, may_split);
}

}  // namespace pt
