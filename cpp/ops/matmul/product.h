// What the plans of all products share: matrix products and convolutions are cut the same way.
#pragma once
#include <string>
#include <vector>

#include "core/integers.h"
#include "core/launch.h"
#include "ops/fused/machine.h"
#include "ops/matmul/batch.h"
#include "ops/matmul/desc.h"
#include "ops/row_consumer.h"

namespace pt {

// Even parts of at most `side`, in whole steps.
inline int64_t even_part(int64_t size, int64_t side, int64_t step) {
  return round_up(ceil_div(size, ceil_div(size, side)), step);
}
// Of K, of all rows that one row chunk has.
inline int64_t packing_blocks(const MatmulProblem& p, const MatmulSchedule& s) {
  return s.batch_chunks * s.row_chunks * ceil_div(p.depth, kBlockDepth);
}
inline bool contiguous_columns(int64_t stride, int64_t cols) { return stride == 1 || cols == 1; }

// Cuts into regions of so many rows and columns, and joins batch items up to `wanted` multiply-adds where an item is
// one region; `per_batch` are those of an item.
void set_chunks(MatmulSchedule& s, const MatmulProblem& p, int64_t rows, int64_t cols, double wanted, double per_batch);

// What a convolution asks of regions of C.
struct RegionNeeds {
  // Rows are whole lines of pixels: a multiple of it, where that is not 0.
  int64_t row_unit = 0;
  // The left operand is read from lines of pixels with zeros around them, so many elements of a chunk, or, where rows
  // are channels of taps, of a block of K; 0: it is gathered.
  int64_t padded_elements = 0;
  int64_t most_rows = 0;    // of a region that shares such lines, if more than kMostRegionRows
  bool whole_rows = false;  // a region has all columns
};

// Whether the right operand is read once, in place, as it lies: of products of few rows, which wait for memory.
bool streams_right(const MatmulProblem& p);

// Chooses the chunks, and which operands are copied (spec_region.cpp; spec_amx.cpp for the tile registers).
MatmulSchedule schedule_product(const MatmulProblem& p, const PlanContext& context, const RegionNeeds& needs = {});

// What finished sums go through before they are stored: a program as `follow` gave it, and what reads its rows.
struct Following {
  const FusedProgram* program = nullptr;
  const RowConsumer* consumer = nullptr;
};

// Where what a schedule keeps lies in scratch and workspace, and behind a descriptor of so many bytes what follows.
MatmulLayout lay_out(const MatmulProblem& p, const MatmulSchedule& s, std::size_t descriptor_bytes,
                     const Following& following = {});

// For people: why the left operand is not packed once for all chunks, and why there are no panels of the right one.
std::string why_not_shared_left(const MatmulProblem& p, const MatmulSchedule& s);
std::string why_no_panels(const MatmulProblem& p, const MatmulSchedule& s);

// For people too: how a product is multiplied, cut and packed; how its region is cut alone; the adding of its groups.
std::string note_product(const MatmulDesc& d);
std::string note_cut(const MatmulDesc& d);
std::string note_group_sums(const MatmulDesc& d);

// Lets a program follow: notes in p, whose roles are not chosen yet, where its operands lie, and gives the program as
// it runs over C by rows and columns. Walks of operand i are batch.walks[first + i].
FusedProgram follow(MatmulProblem& p, const FusedProgram& program, const Batch& batch, int first);

// Lets the rows of that program's one result go to a consumer. Its outputs take the place of the result.
void hand_to(MatmulProblem& p, const RowConsumer& consumer, const PlanContext& context);

// Appends the one or two launches of a planned product, and those that pack for them, and claims the workspace. The
// descriptor, `bytes` long, begins with the product. always_split: the sums of a single group are in the workspace too.
void append_product(LaunchPlan& plan, const std::string& kernel, const MatmulDesc& d, std::size_t bytes,
                    const Following& following = {}, bool always_split = false);

// Lets the last launch of a product look at its result c, where that is wide and row-major.
void let_check(LaunchPlan& plan, const MatmulDesc& d, const Operand& c);

}  // namespace pt
