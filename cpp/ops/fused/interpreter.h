// The interpreter: executes the instructions of a FusedDesc on one tile after the other. A tile is some rows by some
// columns of the iteration space; its blocks hold the rows one after the other, padded to whole vectors, so that only
// loads and stores have tails.
#pragma once
#include "ops/fused/cast.h"
#include "ops/fused/chain_table.h"
#include "ops/fused/math_table.h"
#include "ops/fused/random.h"
#include "ops/fused/row_reduce.h"

namespace pt {
namespace PT_ISA {

struct Tile {
  int64_t row, rows, col, cols;
  int64_t elements() const { return rows * cols; }
};

PT_FN int64_t padded(int64_t n) { return (n + kFusedLanes - 1) / kFusedLanes * kFusedLanes; }

class Interpreter {
 public:
  Interpreter(const FusedDesc* desc, char* const* data, char* scratch) : desc_(desc), data_(data), scratch_(scratch) {
    const FusedSlot* slots = desc->slots();
    for (int i = 0; i < desc->n_slots; ++i) at_[i] = scratch + slots[i].offset;
    tile_ = {0, 1, 0, 1};
    execute(0, desc->prologue_end);
  }
  void run_rect(int64_t row_begin, int64_t row_end, int64_t col_begin, int64_t col_end);
  void run_part(int64_t row, int64_t part);
  void run_combine(int64_t row_begin, int64_t row_end);

 private:
  void execute(int begin, int end);
  void run_rows(int64_t row, int64_t rows, int64_t col_begin, int64_t col_end);
  void run_pieces(const FusedPhase& phase, Tile rows, int64_t col_begin, int64_t col_end);
  void place_spilled(int64_t column_in_chunk);
  void find_shared(int64_t row, int64_t rows);
  template <class F>
  void each_run(const FusedOperandDesc& operand, F f);
  int64_t offset_of(const FusedOperandDesc& operand, int64_t row, int64_t& run) const;
  char* direct(const FusedInstr& instr) const;

  void fill(const FusedInstr& instr);
  void load(const FusedInstr& instr);
  void load_row(const FusedInstr& instr);
  void store(const FusedInstr& instr);
  void store_row(const FusedInstr& instr);
  void math(const FusedInstr& instr);
  template <class T>
  void external(const FusedInstr& instr);
  const char* argument(const FusedInstr& instr, int k) const {
    return instr.args[k] < 0 ? nullptr : at_[instr.args[k]];
  }
  void run_chain(const FusedInstr& instr, ChainFn run);
  void chain(const FusedInstr& instr);
  void choose(const FusedInstr& instr);
  void cast(const FusedInstr& instr);
  void repeat(const FusedInstr& instr, int64_t first, int64_t step, int64_t rows, int64_t cols);
  void uniform(const FusedInstr& instr);
  void add_columns(const FusedInstr& instr);
  int64_t begin_column_block(int64_t row);
  void write_column_sums(int64_t row);
  void reduce(const FusedInstr& instr);
  template <class Op, class T, class F>
  void add_piece(const FusedInstr& instr, F add);
  void add_up(const FusedInstr& instr, SumChainFn add);
  template <class Op, class T>
  void finish_row(const FusedInstr& instr);
  template <class Op, class T>
  void join_rows(const FusedInstr& instr);
  int64_t elements(const FusedInstr& instr) const {
    if (FusedPlace(instr.level) == FusedPlace::Constant) return kFusedLanes;
    if (FusedPlace(instr.level) == FusedPlace::Row) return padded(tile_.rows);
    return padded(tile_.elements());
  }
  FusedState* state(const FusedInstr& instr) { return reinterpret_cast<FusedState*>(scratch_ + instr.state); }
  // Whether a row's reduction is one block that is here at once.
  bool is_joined() const { return tile_.cols == desc_->cols && tile_.cols <= kSumBlock; }
  template <class T>
  T* joined(const FusedInstr& instr) {
    return reinterpret_cast<T*>(scratch_ + instr.state) + in_group_ * kFusedLanes;
  }
  char* partial(int64_t row, int64_t part, int64_t reduction) {
    return data_[desc_->n_operands] + ((row * desc_->parts + part) * desc_->n_reductions + reduction) * 8;
  }

  const FusedDesc* desc_;
  char* const* data_;
  char* scratch_;
  Tile tile_;
  int64_t in_group_ = 0;  // which of the rows that are worked on together the tile is
  int64_t below_ = 0;     // rows of the next tile, if it has the columns of this one
  // Of shared loads, how many rows are in place; and whether this tile finds as many as it has.
  int64_t chunk_rows_ = 0, turn_rows_ = 0;
  bool finds_chunk_ = false, finds_turn_ = false;
  int64_t part_ = -1;  // Partial: which part the reductions go to
  bool combining_ = false;
  int64_t reductions_done_ = 0;
  char* at_[kFusedMaxSlots];
};

}  // namespace PT_ISA
}  // namespace pt
