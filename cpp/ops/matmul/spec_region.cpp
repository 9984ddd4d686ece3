// How a product is cut into chunks, and which operands are packed. None of it can change a bit of the result.
#include <algorithm>
#include <numeric>

#include "core/error.h"
#include "ops/matmul/plan.h"
#include "ops/matmul/product.h"
#include "ops/matmul/spec_amx.h"

namespace pt {
namespace {

constexpr int64_t kSides[] = {kMostTapRows, 1024, 768, 512, 384, 256, 192, 128, 96, 64, 48, 32};
constexpr int64_t kLeastSide = 32;
constexpr int64_t kLeastWork = 1 << 19;       // multiply-adds of a chunk: about 10 us
constexpr int64_t kChunksOfThread = 4;        // so that one that is late leaves the others something to do
constexpr int64_t kFewestOfThread = 3;        // where larger ones save copies
constexpr int64_t kFewestChunks = 8;          // whatever the threads
constexpr double kAreaWanted = 128 * 128;     // elements of C whose copies of A and B pay
constexpr double kGatheredArea = 64 * 128;    // the same where blocks of A are written before they are read
constexpr int64_t kFewNearRows = 4;           // that are streamed, where tiles of registers may read from near in place
constexpr int64_t kNearBytes = 128 << 10;     // and what that is: hardly more than a first cache holds
constexpr int64_t kLeastStreamed = 48 << 10;  // bytes of a chunk: about 10 us
constexpr int64_t kStreamsOfThread = 2;       // chunks
constexpr int64_t kLineBytes = 64;
constexpr int64_t kShortestRow = 384;       // bytes of a row in a chunk: long rows, for the prefetchers
constexpr int64_t kLongestRow = 1024;       // and columns
constexpr int64_t kRowsWorthPacking = 80;   // rows that share a packed panel, before packing it pays
constexpr int64_t kRowsWorthFetching = 32;  // the same of a right operand that comes from afar
constexpr int64_t kFarBytes = 1 << 20;      // and what that is: no second cache keeps it
constexpr int64_t kDepthWorthPacking = 32;
constexpr int64_t kColsWorthStrips = 128;      // columns that share a gathered block, before turning it once more pays
constexpr double kWorkWorthSharing = 1 << 22;  // multiply-adds, before a launch of its own packs the left operand
constexpr int64_t kMostSharedBytes = 8 << 20;  // of a left operand; beyond, large chunks copy their rows cheaply
constexpr int64_t kBlocksOfThread = 4;         // to pack, from which on it matters little that one thread has one more
constexpr int64_t kRowsOfPart = 16;            // and the least rows that are worth a chunk of their own
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

bool must_copy_right(const MatmulProblem& p) {
  return p.pairs || is_half(p.right_type) || !contiguous_columns(p.right_col, p.cols);
}

int64_t right_bytes(const MatmulProblem& p) { return p.cols * p.depth * static_cast<int64_t>(size_of(p.right_type)); }
bool far(const MatmulProblem& p) { return right_bytes(p) > kFarBytes; }

bool many_rows(const MatmulProblem& p, int64_t rows) {
  return rows >= (far(p) ? kRowsWorthFetching : kRowsWorthPacking) && p.depth > kDepthWorthPacking;
}

bool may_share_left(const MatmulProblem& p) {
  const double elements = static_cast<double>(p.batches) * p.rows * p.depth;
  return !p.gathered && elements * p.cols >= kWorkWorthSharing &&
         elements * size_of(compute_dtype(p.out_type)) <= kMostSharedBytes;
}

bool aliased(const MatmulProblem& p) {
  const int64_t apart = std::max(p.left_row, p.left_k) * static_cast<int64_t>(size_of(p.left_type));
  return apart > 0 && apart % kAliasBytes == 0;
}

// To copy what the left operand is read from, for a multiply-add.
double copied_left(const MatmulProblem& p, const RegionNeeds& needs, int64_t rows, int64_t cols) {
  // Rows that are channels of taps: their lines of pixels are copied once for all of them, as many as one likes.
  if (needs.padded_elements > 0 && needs.row_unit == 0) {
    const double elements = static_cast<double>(needs.padded_elements) / kBlockDepth;  // of a step of K
    return kLine * elements / (static_cast<double>(rows) * static_cast<double>(cols));
  }
  return (needs.padded_elements > 0 ? kPad : p.gathered ? kGather : kPack) / static_cast<double>(cols);
}

// The cheapest way to bring the operands of such a region to the multiply-adds.
Cut cheapest(const MatmulProblem& p, const RegionNeeds& needs, int64_t row_chunk, int64_t col_chunk) {
  const int64_t rows = std::min(row_chunk, p.rows), cols = std::min(col_chunk, p.cols);
  Cut r = {row_chunk, col_chunk, Left::InPlace, many_rows(p, rows) || must_copy_right(p), 0};
  const double right = r.copy_right ? kPack / static_cast<double>(rows) : kStrided + (far(p) ? kFar : 0);
  double left = p.left_k == 1 && r.copy_right ? kAlongDepth : kStrided + (aliased(p) ? kAliased : 0);
  if (p.gathered || p.pairs || is_half(p.left_type)) left = 1e9;
  const double copied = copied_left(p, needs, rows, cols);
  if (copied < left && (many_rows(p, rows) || left == 1e9)) r.left = Left::Copied, left = copied;
  const double shared = kRead / static_cast<double>(cols) + kShare / static_cast<double>(p.cols);
  if (shared < left && many_rows(p, rows) && may_share_left(p)) r.left = Left::Shared, left = shared;
  r.cycles = left + right;
  return r;
}

int64_t wanted_chunks(int64_t threads) { return std::max(kChunksOfThread * threads, kFewestChunks); }

// Groups of K that are chunks of their own: where a C is small and its K long, as of a bias or a first layer, they are
// what threads can share.
int64_t split_groups(const MatmulProblem& p, int64_t regions, int64_t threads) {
  const bool split = p.may_split && regions < wanted_chunks(threads) && p.depth > kGroupDepth;
  return split ? ceil_div(p.depth, kGroupDepth) : 1;
}

// How much longer chunks of one size take than if threads could share their sum evenly.
double unevenness(const MatmulProblem& p, int64_t rows, int64_t cols, int64_t threads) {
  const int64_t regions = p.batches * ceil_div(p.rows, rows) * ceil_div(p.cols, cols);
  const int64_t chunks = regions * split_groups(p, regions, threads);
  return static_cast<double>(round_up(chunks, threads)) / static_cast<double>(chunks);
}

Cut choose_region(const MatmulProblem& p, const RegionNeeds& needs, double area, int64_t threads) {
  Cut best = {0, 0, Left::InPlace, false, 1e30};
  for (const int64_t side : kSides) {
    if (side > std::max(needs.most_rows, kMostRegionRows)) continue;
    const int64_t parts = ceil_div(p.rows, side);
    // A number of chunks that threads share evenly lets each be larger than many small ones would.
    for (const int64_t even : {parts, parts > 1 ? round_up(parts, threads) : parts}) {
      const int64_t rows = round_up(ceil_div(p.rows, even), 2);
      const double room =
          std::clamp(area / static_cast<double>(std::min(rows, p.rows)), double(kLeastSide), double(kMostRegionCols));
      const int64_t side_of_cols = needs.whole_rows ? p.cols : static_cast<int64_t>(room);
      const int64_t cols = even_part(p.cols, round_up(side_of_cols, kLeastSide), kLeastSide);
      const double elements = static_cast<double>(std::min(rows, p.rows)) * std::min(cols, p.cols);
      if (elements > 1.5 * area && side != kLeastSide) continue;  // too few chunks
      Cut region = cheapest(p, needs, rows, cols);
      region.cycles = (kMultiplyAdd + region.cycles) * unevenness(p, rows, cols, threads);
      if (region.cycles < best.cycles) best = region;
    }
  }
  return best;
}

// Into how many parts the rows of each row chunk are cut for packing, so that threads share the blocks evenly.
int64_t packing_parts(const MatmulProblem& p, const MatmulSchedule& s, int64_t threads) {
  const int64_t blocks = packing_blocks(p, s);
  if (!s.share_left || blocks >= kBlocksOfThread * threads) return 1;
  const int64_t even = threads / std::gcd(blocks, threads);
  return std::clamp<int64_t>(std::min(s.row_chunk, p.rows) / kRowsOfPart, 1, even);
}

// Where sums are kept, and in which order they may be.
void keep_sums(MatmulSchedule& s, const MatmulProblem& p) {
  const bool passes_scratch = p.has_epilogue() || p.rounds || p.scattered;
  const bool rows_of_c = !passes_scratch && contiguous_columns(p.out_col, p.cols);
  s.direct = rows_of_c && !is_half(p.out_type);
  s.grouped = s.groups == 1 && p.depth > kGroupDepth;
  s.rounds_in_tiles = rows_of_c && p.pairs && p.depth > 0 && s.groups == 1 && !s.grouped && p.out_type == DType::BF16;
}

// Whether memory is read in one line where a chunk has all columns (few_rows.h).
bool rows_follow(const MatmulProblem& p) {
  const int64_t sum = static_cast<int64_t>(size_of(compute_dtype(p.out_type)));
  return p.batches == 1 && p.right_col == 1 && p.right_k == p.cols && p.cols * sum <= kSumBytesOfRow;
}

// Of whole groups of K each thread has as many, if there are enough to share.
bool shares_depth(MatmulSchedule& s, const MatmulProblem& p, int64_t threads) {
  const int64_t unit = p.depth <= kGroupDepth ? kBlockDepth : kGroupDepth;
  if (!p.may_split || !rows_follow(p) || p.depth / unit < threads) return false;
  s.depth_parts = threads, s.part_groups = p.depth / unit / threads;
  s.groups = ceil_div(p.depth, unit);
  return true;
}

// Cut by the bytes that are read: multiply-adds take no time beside them.
MatmulSchedule schedule_streamed(const MatmulProblem& p, int64_t threads) {
  const int64_t size = static_cast<int64_t>(size_of(p.right_type)), column = std::max<int64_t>(p.depth, 1) * size;
  const int64_t least_cols = p.right_col == 1 ? kShortestRow / size : kLeastSide;
  const int64_t by_bytes = p.batches * p.cols * column / kLeastStreamed, by_cols = ceil_div(p.cols, least_cols);
  int64_t parts = std::clamp<int64_t>(by_bytes / p.batches, 1, std::min(by_cols, kStreamsOfThread * threads));
  if (parts > threads) parts -= parts % threads;
  MatmulSchedule s = {};
  const bool shared = threads > 1 && by_bytes >= threads && shares_depth(s, p, threads);
  const bool whole_rows = shared || (threads == 1 && rows_follow(p));
  const int64_t side = whole_rows ? p.cols : std::min(ceil_div(p.cols, parts), kLongestRow);
  const double item = static_cast<double>(p.cols) * static_cast<double>(column);
  set_chunks(s, p, p.rows, even_part(p.cols, side, kLineBytes / size),
             std::max(double(kLeastStreamed), item * p.batches / wanted_chunks(threads)), item);
  s.stream_right = true;
  s.copy_left = is_half(p.left_type);
  if (!shared) s.groups = split_groups(p, s.chunks(), threads);
  keep_sums(s, p);
  return s;
}

MatmulSchedule schedule_tiles(const MatmulProblem& p, const PlanContext& context, const RegionNeeds& needs) {
  const double depth = static_cast<double>(std::max<int64_t>(p.depth, 1));
  const double per_batch = static_cast<double>(p.rows) * p.cols * depth;
  const double total = per_batch * p.batches;
  // With a long K the groups are chunks of their own, unless there is enough to share without.
  const double chunk_depth = p.may_split ? std::min(depth, double(kGroupDepth)) : depth;
  const int64_t threads = context.threads;
  double wanted = std::max(total / static_cast<double>(wanted_chunks(threads)), double(kLeastWork));
  const double area = p.gathered ? kGatheredArea : kAreaWanted;
  wanted = std::max(wanted, std::min(total / static_cast<double>(kFewestOfThread * threads), area * chunk_depth));
  const Cut region = choose_region(p, needs, wanted / chunk_depth, threads);
  const int64_t unit = needs.row_unit;
  MatmulSchedule s = {};
  set_chunks(s, p, unit ? std::max(region.rows / unit, int64_t{1}) * unit : region.rows, region.cols, wanted,
             per_batch);
  s.padded_left = needs.padded_elements > 0;
  s.left_elements = needs.padded_elements;
  s.share_left = region.left == Left::Shared;
  s.packing_parts = packing_parts(p, s, threads);
  s.copy_left = region.left == Left::Copied;
  s.copy_right = region.copy_right;
  s.strips = region.left != Left::InPlace && many_rows(p, std::min(s.row_chunk, p.rows)) &&
             (!p.gathered || std::min(s.col_chunk, p.cols) >= kColsWorthStrips);
  s.strips = (s.strips || p.pairs) && !s.padded_left;
  s.groups = split_groups(p, s.chunks(), threads);
  keep_sums(s, p);
  return s;
}

}  // namespace

bool streams_right(const MatmulProblem& p) {
  const bool lies_well = p.right_col == 1 || p.right_k == 1;
  if (p.gathered || p.amx || p.pairs || !lies_well) return false;
  if (p.cols <= (p.rows <= 2 ? 2 : 1) * kLeastSide) return false;  // which tiles of registers hold
  return p.rows <= (must_copy_right(p) || right_bytes(p) > kNearBytes ? kFewRows : kFewNearRows);
}

void set_chunks(MatmulSchedule& s, const MatmulProblem& p, int64_t rows, int64_t cols, double wanted,
                double per_batch) {
  s.row_chunk = rows, s.row_chunks = ceil_div(p.rows, rows);
  s.col_chunk = cols, s.col_chunks = ceil_div(p.cols, cols);
  s.batch_chunk = 1;
  if (s.row_chunks * s.col_chunks == 1)
    s.batch_chunk = static_cast<int64_t>(std::clamp(wanted / per_batch, 1.0, static_cast<double>(p.batches)));
  s.batch_chunks = ceil_div(p.batches, s.batch_chunk);
}

std::string why_not_shared_left(const MatmulProblem& p, const MatmulSchedule& s) {
  if (p.amx) return "";
  if (!many_rows(p, std::min(s.row_chunk, p.rows))) return "too few rows, or too short a K, to pack for others";
  if (!may_share_left(p)) return "too little work, or too many bytes, for a launch that packs";
  return "packing it once would cost more";
}

std::string why_no_panels(const MatmulProblem& p, const MatmulSchedule& s) {
  if (p.depth <= kDepthWorthPacking) return text("K of at most ", kDepthWorthPacking, " is too short for panels");
  const int64_t rows = std::min(s.row_chunk, p.rows);
  return text("a panel would serve ", rows, " rows; ", far(p) ? kRowsWorthFetching : kRowsWorthPacking, " pay for it");
}

MatmulSchedule schedule_product(const MatmulProblem& p, const PlanContext& context, const RegionNeeds& needs) {
  if (p.amx) return schedule_amx(p);
  return streams_right(p) ? schedule_streamed(p, context.threads) : schedule_tiles(p, context, needs);
}

}  // namespace pt
