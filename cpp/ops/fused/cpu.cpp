// The fused machine: a bytecode whose instructions are loops over blocks that stay in the L1 cache. Every operand is
// read and written once; loads and stores of whole vectors cost nothing, because the operand's memory serves as the
// register. The interpreter's own cost is one indirect call per instruction and block, 5 ns on about 500 elements.
#include "abi/powertrain.h"
#include "core/kernel.h"
#include "ops/fused/columns.h"
#include "ops/fused/interpreter.h"
#include "ops/fused/run.h"
#include "ops/fused/with_class.h"

namespace pt {
namespace PT_ISA {

// Offset of a row's first element, and how many rows from there on are one outer stride apart.
int64_t Interpreter::offset_of(const FusedOperandDesc& operand, int64_t row, int64_t& run) const {
  const int last = desc_->n_outer - 1;
  if (last <= 0) {
    run = desc_->rows - row;
    return last < 0 ? 0 : row * operand.outer[0];
  }
  int64_t index = row % desc_->outer[last];
  run = desc_->outer[last] - index;
  int64_t offset = index * operand.outer[last];
  row /= desc_->outer[last];
  for (int axis = last - 1; axis >= 0 && row > 0; --axis) {
    offset += row % desc_->outer[axis] * operand.outer[axis];
    row /= desc_->outer[axis];
  }
  return offset;
}

// Calls f(offset in elements, first row within the tile, rows, stride between rows) for the tile's rows.
template <class F>
PT_FN void Interpreter::each_run(const FusedOperandDesc& operand, F f) {
  const int64_t stride = desc_->n_outer > 0 ? operand.outer[desc_->n_outer - 1] : 0;
  for (int64_t done = 0; done < tile_.rows;) {
    int64_t run;
    int64_t offset = offset_of(operand, tile_.row + done, run);
    if (run > tile_.rows - done) run = tile_.rows - done;
    f(offset, done, run, stride);
    done += run;
  }
}

// The operand's own memory, where the tile lies in it as it would in a register.
PT_FN char* Interpreter::direct(const FusedInstr& instr) const {
  const FusedOperandDesc& operand = desc_->operands()[instr.operand];
  if (operand.inner != 1 || tile_.elements() % kFusedLanes != 0) return nullptr;
  int64_t run;
  int64_t offset = offset_of(operand, tile_.row, run);
  if (tile_.rows > 1 && (run < tile_.rows || operand.outer[desc_->n_outer - 1] != tile_.cols)) return nullptr;
  return data_[instr.operand] + (offset + tile_.col) * operand.bytes;
}

void Interpreter::load(const FusedInstr& instr) {
  if (instr.shared == FusedShared::Chunk ? finds_chunk_ : instr.shared == FusedShared::Turn && finds_turn_) return;
  const FusedSlot& slot = desc_->slots()[instr.dst];
  char* reg = slot.place == FusedPlace::Spilled ? at_[instr.dst] : scratch_ + slot.offset;
  if (instr.steps) {
    if (char* memory = direct(instr)) {
      at_[instr.dst] = memory;
      return;
    }
  }
  at_[instr.dst] = reg;
  const FusedOperandDesc& operand = desc_->operands()[instr.operand];
  const int64_t bytes = slot.bytes;
  each_run(operand, [&](int64_t offset, int64_t first, int64_t rows, int64_t stride) {
    const char* src = data_[instr.operand] + (offset + tile_.col * operand.inner) * operand.bytes;
    Rect rect{rows, tile_.cols, stride, operand.inner};
    fetch_below<0>(src, rect, below_, operand.bytes);
    with_storage(operand.storage, [&](auto s) { load_rect<decltype(s)>(reg + first * tile_.cols * bytes, src, rect); });
  });
}

void Interpreter::load_row(const FusedInstr& instr) {
  const FusedOperandDesc& operand = desc_->operands()[instr.operand];
  char* dst = at_[instr.dst];
  const int64_t bytes = desc_->slots()[instr.dst].bytes;
  const bool equal_lanes = FusedPlace(instr.level) == FusedPlace::Constant;
  each_run(operand, [&](int64_t offset, int64_t first, int64_t rows, int64_t stride) {
    const char* src = data_[instr.operand] + offset * operand.bytes;
    Rect rect = equal_lanes ? Rect{1, kFusedLanes, 0, 0} : Rect{1, rows, 0, stride};
    with_storage(operand.storage, [&](auto s) { load_rect<decltype(s)>(dst + first * bytes, src, rect); });
  });
}

void Interpreter::store(const FusedInstr& instr) {
  const FusedOperandDesc& operand = desc_->operands()[instr.operand];
  const char* src = at_[instr.args[0]];
  const int64_t bytes = desc_->slots()[instr.args[0]].bytes;
  const bool equal = !(instr.steps & 1);
  each_run(operand, [&](int64_t offset, int64_t first, int64_t rows, int64_t stride) {
    char* dst = data_[instr.operand] + (offset + tile_.col * operand.inner) * operand.bytes;
    const char* from = equal ? src : src + first * tile_.cols * bytes;
    Rect rect{rows, tile_.cols, stride, operand.inner};
    fetch_below<1>(dst, rect, below_, operand.bytes);
    with_storage(operand.storage, [&](auto s) { store_rect<decltype(s)>(dst, from, rect, equal); });
  });
}

void Interpreter::store_row(const FusedInstr& instr) {
  const FusedOperandDesc& operand = desc_->operands()[instr.operand];
  const char* src = at_[instr.args[0]];
  const int64_t bytes = desc_->slots()[instr.args[0]].bytes;
  const bool equal = !(instr.steps & 1);
  each_run(operand, [&](int64_t offset, int64_t first, int64_t rows, int64_t stride) {
    char* dst = data_[instr.operand] + offset * operand.bytes;
    Rect rect{1, rows, 0, stride};
    with_storage(operand.storage,
                 [&](auto s) { store_rect<decltype(s)>(dst, equal ? src : src + first * bytes, rect, equal); });
  });
}

void Interpreter::fill(const FusedInstr& instr) {
  char* dst = at_[instr.dst];
  const int64_t bytes = desc_->slots()[instr.dst].bytes;
  for (int i = 0; i < kFusedLanes; ++i) __builtin_memcpy(dst + i * bytes, &instr.bits, size_t(bytes));
}

void Interpreter::math(const FusedInstr& instr) {
  static const MathFn* const tables[] = {kMathF32, kMathF64, kMathI32, kMathI64, kMathBool, kMathU64};
  tables[int(instr.from)][instr.op](at_[instr.dst], argument(instr, 0), argument(instr, 1), argument(instr, 2),
                                    elements(instr), instr.steps);
}

// A plugin's function sees exactly the elements that there are: no padding, and equal lanes as so many numbers.
template <class T>
PT_FN void Interpreter::external(const FusedInstr& instr) {
  constexpr int64_t kPiece = 256;
  const auto& formula = *reinterpret_cast<const ExternalFormula*>(instr.bits);
  const auto function = reinterpret_cast<void (*)(int64_t, T*, const T* const*, const double*)>(formula.function);
  int64_t n = tile_.elements();
  if (FusedPlace(instr.level) == FusedPlace::Constant) n = 1;
  if (FusedPlace(instr.level) == FusedPlace::Row) n = tile_.rows;
  T* dst = reinterpret_cast<T*>(at_[instr.dst]);
  const T* in[4];
  T equal[3][kPiece];
  int64_t piece = n;
  for (int k = 0; k < formula.arity; ++k) {
    in[k] = reinterpret_cast<const T*>(at_[instr.args[k]]);
    if (n == 1 || instr.steps >> k & 1) continue;
    piece = n < kPiece ? n : kPiece;
    fill_lanes(equal[k], in[k][0], piece);
    in[k] = equal[k];
  }
  for (int64_t done = 0; done < n; done += piece) {
    function(n - done < piece ? n - done : piece, dst + done, in, formula.attributes);
    for (int k = 0; k < formula.arity; ++k) in[k] += instr.steps >> k & 1 ? piece : 0;
  }
  if (FusedPlace(instr.level) == FusedPlace::Constant) fill_lanes(dst, dst[0], kFusedLanes);
}

void Interpreter::run_chain(const FusedInstr& instr, ChainFn run) {
  run(at_[instr.dst], argument(instr, 0), argument(instr, 1), argument(instr, 2), argument(instr, 3), elements(instr),
      instr.steps);
}
void Interpreter::chain(const FusedInstr& instr) {
  const ChainFn(&table)[3][27] = instr.from == FusedClass::F32 ? kChainsF32 : kChainsF64;
  run_chain(instr, table[int(instr.form)][instr.op]);
}

void Interpreter::choose(const FusedInstr& instr) {
  run_chain(instr, (instr.from == FusedClass::F32 ? kSelectsF32 : kSelectsF64)[instr.op]);
}

void Interpreter::cast(const FusedInstr& instr) {
  const int64_t n = elements(instr);
  char* dst = at_[instr.dst];
  const bool half = instr.storage == FusedStorage::F16 || instr.storage == FusedStorage::BF16;
  const CastFn cast = half ? kCastsToHalf[int(instr.from)] : kCasts[int(instr.from)][int(instr.to)];
  cast(dst, at_[instr.args[0]], n);
  round_to_storage(instr.storage, dst, n);
}

// Each of some values, from `first` on, for so many elements.
void Interpreter::repeat(const FusedInstr& instr, int64_t first, int64_t step, int64_t rows, int64_t cols) {
  const auto values = [&](auto value) {
    using T = decltype(value);
    const T* src = reinterpret_cast<const T*>(at_[instr.args[0]]) + first;
    spread_rows(reinterpret_cast<T*>(at_[instr.dst]), src, step, rows, cols);
  };
  switch (desc_->slots()[instr.dst].bytes) {
    case 1:
      return values(uint8_t());
    case 4:
      return values(int32_t());
    default:
      return values(int64_t());
  }
}

void Interpreter::uniform(const FusedInstr& instr) {
  int64_t identity[3];
  __builtin_memcpy(identity, data_[instr.operand], sizeof(identity));
  const PhiloxKey key = philox_key(identity[0], identity[1], identity[2] + instr.bits);
  const bool whole = tile_.cols == desc_->cols;
  const int64_t runs = whole ? 1 : tile_.rows;
  const int64_t length = whole ? tile_.elements() : tile_.cols;
  char* dst = at_[instr.dst];
  for (int64_t i = 0; i < runs; ++i) {
    const int64_t first = (tile_.row + i) * desc_->cols + tile_.col;
    if (instr.to == FusedClass::F32)
      uniform_run(key, reinterpret_cast<float*>(dst) + i * length, first, length);
    else
      uniform_run(key, reinterpret_cast<double*>(dst) + i * length, first, length);
  }
}

// One row's elements in the tile. add(lanes, first, count) adds that many of them to lanes.
template <class Op, class T, class F>
PT_FN void Interpreter::add_piece(const FusedInstr& instr, F add) {
  if (is_joined()) {
    pt::PT_ISA::store(joined<T>(instr), fold_row<Op, T>(tile_.cols, add));
    return;
  }
  FusedState* s = state(instr);
  if (tile_.col % desc_->chunk_cols == 0) {
    s->blocks = 0;
    pt::PT_ISA::reset<Op, T>(s);
  }
  accumulate<Op, T>(s, tile_.cols, add);
}

// The sum of what a chain computes of elements, which never goes through memory.
void Interpreter::add_up(const FusedInstr& instr, SumChainFn add) {
  using T = float;
  const auto from = [&](int k, int64_t first) {
    return argument(instr, k) + (instr.steps >> k & 1 ? first * int64_t(sizeof(T)) : 0);
  };
  const auto lanes_of = [&](T* lanes, int64_t first, int64_t count) {
    add(reinterpret_cast<char*>(lanes), from(0, first), from(1, first), from(2, first), count, instr.steps);
  };
  if (instr.code == FusedCode::Accumulate) {
    add_piece<ReduceSum, T>(instr, lanes_of);
    return;
  }
  T* dst = reinterpret_cast<T*>(at_[instr.dst]);
  for (int64_t row = 0; row < tile_.rows; ++row) {
    dst[row] = reduce_lanes<ReduceSum>(fold_row<ReduceSum, T>(
        tile_.cols, [&](T* lanes, int64_t, int64_t count) { lanes_of(lanes, row * tile_.cols, count); }));
  }
}

template <class Op, class T>
PT_FN void Interpreter::join_rows(const FusedInstr& instr) {
  const T* lanes = reinterpret_cast<const T*>(scratch_ + instr.state);
  join_sixteen<Op>(reinterpret_cast<T*>(at_[instr.dst]),
                   [&](int64_t i) { return vec<T, kFusedLanes>::load(lanes + i * kFusedLanes); });
}

template <class Op, class T>
PT_FN void Interpreter::finish_row(const FusedInstr& instr) {
  FusedState* s = state(instr);
  if (combining_ || desc_->cols == 0) {
    s->blocks = 0;
    s->in_block = 0;
  }
  for (int64_t part = 0; combining_ && part < desc_->parts; ++part) {
    T value;
    __builtin_memcpy(&value, partial(tile_.row, part, reductions_done_), sizeof(T));
    push_block<Op>(s, value);
  }
  const T result = finish<Op, T>(s);
  if (part_ >= 0) __builtin_memcpy(partial(tile_.row, part_, reductions_done_), &result, sizeof(T));
  ++reductions_done_;
  reinterpret_cast<T*>(at_[instr.dst])[in_group_] = result;
}

void Interpreter::reduce(const FusedInstr& instr) {
  const bool adds = instr.code == FusedCode::Accumulate || instr.code == FusedCode::ReduceRows;
  if (adds && instr.op >= 0) {
    add_up(instr, kChainSums[int(instr.form)][instr.op]);
    return;
  }
  with_reduction(instr.reduce, instr.from, [&](auto op, auto zero) {
    using Op = decltype(op);
    using T = decltype(zero);
    if (instr.code == FusedCode::Finish) return finish_row<Op, T>(instr);
    if (instr.code == FusedCode::Join) return join_rows<Op, T>(instr);
    const T* src = reinterpret_cast<const T*>(at_[instr.args[0]]);
    if (instr.code == FusedCode::ReduceRows)
      reduce_rows<Op>(reinterpret_cast<T*>(at_[instr.dst]), src, tile_.rows, tile_.cols);
    else
      add_piece<Op, T>(instr, [&](T* lanes, int64_t first, int64_t count) {
        add_to_lanes<Op>(lanes, InMemory<T>{src + first}, count);
      });
  });
}

void Interpreter::execute(int begin, int end) {
  const FusedInstr* instrs = desc_->instrs();
  int in_place = -1;  // a store of what was made in the operand's memory
  for (int i = begin; i < end; ++i) {
    const FusedInstr& instr = instrs[i];
    switch (instr.code) {
      case FusedCode::Math:
        math(instr);
        break;
      case FusedCode::Chain:
        chain(instr);
        break;
      case FusedCode::Select:
        choose(instr);
        break;
      case FusedCode::External:
        if (instr.from == FusedClass::F32)
          external<float>(instr);
        else
          external<double>(instr);
        break;
      case FusedCode::Load:
        load(instr);
        break;
      case FusedCode::Bind: {
        char* memory = direct(instr);
        at_[instr.dst] = memory ? memory : scratch_ + desc_->slots()[instr.dst].offset;
        if (memory) in_place = i + 2;  // after what makes the value comes its store
        break;
      }
      case FusedCode::Store:
        if (i != in_place) store(instr);
        break;
      case FusedCode::Cast:
        cast(instr);
        break;
      case FusedCode::Fill:
        fill(instr);
        break;
      case FusedCode::LoadScalar:
      case FusedCode::LoadRow:
        load_row(instr);
        break;
      case FusedCode::StoreRow:
        store_row(instr);
        break;
      case FusedCode::Spread:
        repeat(instr, in_group_, 0, 1, kFusedLanes);
        break;
      case FusedCode::Expand:
        repeat(instr, 0, instr.steps & 1, tile_.rows, tile_.cols);
        break;
      case FusedCode::Uniform:
        uniform(instr);
        break;
      case FusedCode::AddColumns:
        add_columns(instr);
        break;
      case FusedCode::Accumulate:
      case FusedCode::ReduceRows:
      case FusedCode::Finish:
      case FusedCode::Join:
        reduce(instr);
        break;
    }
  }
}

void Interpreter::place_spilled(int64_t column_in_chunk) {
  const FusedSlot* slots = desc_->slots();
  const int64_t element = in_group_ * padded(desc_->chunk_cols) + column_in_chunk;
  for (int i = desc_->first_spilled, left = desc_->n_spilled; left > 0; ++i) {
    const bool of_column = slots[i].place == FusedPlace::Column;
    if (slots[i].place != FusedPlace::Spilled && !of_column) continue;
    --left;
    at_[i] = scratch_ + slots[i].offset + (of_column ? column_in_chunk : element) * slots[i].bytes;
  }
}

void Interpreter::run_pieces(const FusedPhase& phase, Tile rows, int64_t col_begin, int64_t col_end) {
  const int64_t width = col_end - col_begin < desc_->tile_cols ? col_end - col_begin : desc_->tile_cols;
  const bool one_place = width == col_end - col_begin && desc_->group_rows == 1;
  for (int64_t col = col_begin; col < col_end; col += width) {
    tile_ = rows;
    tile_.col = col;
    tile_.cols = col_end - col < width ? col_end - col : width;
    if (!one_place) place_spilled(col - col_begin);
    if (phase.piece_begin < phase.finish_begin) execute(phase.piece_begin, phase.finish_begin);
  }
}

// Some rows of a chunk: as one tile, or with a tile for each of them. Then what is computed of their values, such as a
// mean, is computed for all of them at once, and does not make each row wait.
void Interpreter::run_rows(int64_t row, int64_t rows, int64_t col_begin, int64_t col_end) {
  for (int p = 0; p < desc_->n_phases; ++p) {
    const FusedPhase& phase = desc_->phases()[p];
    tile_ = {row, rows, col_begin, 0};
    execute(phase.row_begin, phase.piece_begin);
    if (desc_->multi_row) {
      run_pieces(phase, tile_, col_begin, col_end);
      continue;
    }
    for (in_group_ = 0; in_group_ < rows; ++in_group_) {
      run_pieces(phase, {row + in_group_, 1, col_begin, 0}, col_begin, col_end);
      if (phase.finish_begin < phase.end) execute(phase.finish_begin, phase.end);
    }
  }
}

// Which shared loads the tile finds in place, that has all columns of the chunk.
void Interpreter::find_shared(int64_t row, int64_t rows) {
  finds_chunk_ = rows <= chunk_rows_;
  finds_turn_ = desc_->turn_rows > 0 && row % desc_->turn_rows != 0 && rows <= turn_rows_;
  if (!finds_chunk_) chunk_rows_ = rows;
  if (!finds_turn_) turn_rows_ = rows;
}

void Interpreter::run_rect(int64_t row_begin, int64_t row_end, int64_t col_begin, int64_t col_end) {
  const int64_t width = col_end - col_begin < desc_->tile_cols ? col_end - col_begin : desc_->tile_cols;
  int64_t height = width > 0 ? desc_->tile_elements / width : desc_->tile_rows;
  if (height > desc_->tile_rows) height = desc_->tile_rows;
  if (height < 1) height = 1;
  if (!desc_->multi_row) height = desc_->group_rows;
  chunk_rows_ = turn_rows_ = 0;
  for (int64_t row = row_begin, rows = 0; row < row_end; row += rows) {
    rows = row_end - row < height ? row_end - row : height;
    const int64_t in_block = desc_->n_column_sums > 0 ? begin_column_block(row) : rows;
    const int64_t in_turn = desc_->turn_rows > 0 ? desc_->turn_rows - row % desc_->turn_rows : rows;
    if (rows > in_block) rows = in_block;
    if (rows > in_turn) rows = in_turn;
    const int64_t next = desc_->multi_row ? height : 1, left = row_end - row - rows;
    below_ = width < col_end - col_begin ? 0 : left < next ? left : next;
    if (width == col_end - col_begin) find_shared(row, rows);
    run_rows(row, rows, col_begin, col_end);
    if (desc_->n_column_sums > 0 && (rows == in_block || row + rows == row_end)) write_column_sums(row);
  }
}

// One part of a long row: its reductions go to the workspace.
void Interpreter::run_part(int64_t row, int64_t part) {
  const int64_t col_begin = part * desc_->chunk_cols;
  const int64_t col_end = col_begin + desc_->chunk_cols < desc_->cols ? col_begin + desc_->chunk_cols : desc_->cols;
  part_ = part;
  const FusedPhase& first = desc_->phases()[0];
  tile_ = {row, 1, col_begin, 0};
  execute(first.row_begin, first.piece_begin);
  run_pieces(first, tile_, col_begin, col_end);
  reductions_done_ = 0;
  execute(first.finish_begin, first.end);
}

void Interpreter::run_combine(int64_t row_begin, int64_t row_end) {
  combining_ = true;
  const FusedPhase *first = desc_->phases(), *last = first + 1;
  for (int64_t row = row_begin; row < row_end; ++row) {
    tile_ = {row, 1, 0, 0};
    reductions_done_ = 0;
    execute(first->row_begin, first->piece_begin);
    execute(first->finish_begin, first->end);
    execute(last->row_begin, last->piece_begin);
  }
}

void run_fused_rect(const FusedDesc* desc, char* const* data, int64_t row_begin, int64_t row_end, int64_t col_begin,
                    int64_t col_end, char* scratch) {
  Interpreter(desc, data, scratch).run_rect(row_begin, row_end, col_begin, col_end);
}

static void run_chunk(const KernelArgs* args, int64_t chunk) {
  const auto* desc = static_cast<const FusedDesc*>(args->desc);
  Interpreter machine(desc, args->data, args->scratch);
  if (desc->mode == FusedMode::Partial) {
    machine.run_part(chunk / desc->parts, chunk % desc->parts);
    return;
  }
  const int64_t col_chunks = desc->cols > 0 ? (desc->cols + desc->chunk_cols - 1) / desc->chunk_cols : 1;
  const bool combine = desc->mode == FusedMode::Combine;
  const int64_t row_begin = (combine ? chunk : chunk / col_chunks) * desc->chunk_rows;
  const int64_t col_begin = combine ? 0 : chunk % col_chunks * desc->chunk_cols;
  const int64_t row_end = row_begin + desc->chunk_rows < desc->rows ? row_begin + desc->chunk_rows : desc->rows;
  const int64_t col_end = col_begin + desc->chunk_cols < desc->cols ? col_begin + desc->chunk_cols : desc->cols;
  if (combine)
    machine.run_combine(row_begin, row_end);
  else
    machine.run_rect(row_begin, row_end, col_begin, col_end);
}

}  // namespace PT_ISA
}  // namespace pt

PT_KERNELS(fused, pt::PT_ISA::run_chunk, pt::PT_ISA::add_blocks_of_columns);
