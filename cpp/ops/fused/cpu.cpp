// The fused machine: a bytecode whose instructions are loops over blocks that stay in the L1 cache. Every operand is
// read and written once; loads and stores of whole vectors cost nothing, because the operand's memory serves as the
// register. The interpreter's own cost is one indirect call per instruction and block, 5 ns on about 500 elements.
#include "abi/powertrain.h"
#include "core/kernel.h"
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
char* Interpreter::direct(const FusedInstr& instr) {
  const FusedOperandDesc& operand = desc_->operands()[instr.operand];
  if (operand.inner != 1 || tile_.elements() % kFusedLanes != 0) return nullptr;
  int64_t run;
  int64_t offset = offset_of(operand, tile_.row, run);
  if (tile_.rows > 1 && (run < tile_.rows || operand.outer[desc_->n_outer - 1] != tile_.cols)) return nullptr;
  return data_[instr.operand] + (offset + tile_.col) * operand.bytes;
}

void Interpreter::load(const FusedInstr& instr) {
  if (instr.once && repeats_) return;
  char* reg = scratch_ + desc_->slots()[instr.dst].offset;
  if (instr.steps) {
    if (char* memory = direct(instr)) {
      at_[instr.dst] = memory;
      return;
    }
  }
  at_[instr.dst] = reg;
  const FusedOperandDesc& operand = desc_->operands()[instr.operand];
  const int64_t bytes = desc_->slots()[instr.dst].bytes;
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
  const bool equal_lanes = FusedPlace(instr.level) == FusedPlace::Constant || !desc_->multi_row;
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
    if (dst == from) return;  // the value was made in place
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
  const char* a = at_[instr.args[0]];
  const char* b = instr.args[1] < 0 ? nullptr : at_[instr.args[1]];
  const char* c = instr.args[2] < 0 ? nullptr : at_[instr.args[2]];
  tables[int(instr.from)][instr.op](at_[instr.dst], a, b, c, elements(instr), instr.steps);
}

// A plugin's function sees exactly the elements that there are: no padding, and equal lanes as so many numbers.
template <class T>
PT_FN void Interpreter::external(const FusedInstr& instr) {
  constexpr int64_t kPiece = 256;
  const auto& formula = *reinterpret_cast<const ExternalFormula*>(instr.bits);
  const auto function = reinterpret_cast<void (*)(int64_t, T*, const T* const*, const double*)>(formula.function);
  int64_t n = tile_.elements();
  if (FusedPlace(instr.level) != FusedPlace::Register) n = 1;
  if (FusedPlace(instr.level) == FusedPlace::Row && desc_->multi_row) n = tile_.rows;
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
  if (FusedPlace(instr.level) != FusedPlace::Register && n == 1) fill_lanes(dst, dst[0], kFusedLanes);
}

void Interpreter::chain(const FusedInstr& instr) {
  const char* args[4];
  for (int i = 0; i < 4; ++i) args[i] = instr.args[i] < 0 ? nullptr : at_[instr.args[i]];
  const ChainFn(&table)[3][27] = instr.from == FusedClass::F32 ? kChainsF32 : kChainsF64;
  table[int(instr.form)][instr.op](at_[instr.dst], args, elements(instr), instr.steps);
}

void Interpreter::choose(const FusedInstr& instr) {
  const char* args[4];
  for (int i = 0; i < 4; ++i) args[i] = at_[instr.args[i]];
  const ChainFn(&table)[6] = instr.from == FusedClass::F32 ? kSelectsF32 : kSelectsF64;
  table[instr.op](at_[instr.dst], args, elements(instr), instr.steps);
}

void Interpreter::cast(const FusedInstr& instr) {
  const int64_t n = elements(instr);
  char* dst = at_[instr.dst];
  const bool half = instr.storage == FusedStorage::F16 || instr.storage == FusedStorage::BF16;
  const CastFn cast = half ? kCastsToHalf[int(instr.from)] : kCasts[int(instr.from)][int(instr.to)];
  cast(dst, at_[instr.args[0]], n);
  round_to_storage(instr.storage, dst, n);
}

void Interpreter::expand(const FusedInstr& instr) {
  char* dst = at_[instr.dst];
  const char* src = at_[instr.args[0]];
  const int64_t src_step = instr.steps & 1 ? 1 : 0;
  auto spread = [&](auto value) {
    using T = decltype(value);
    spread_rows(reinterpret_cast<T*>(dst), reinterpret_cast<const T*>(src), src_step, tile_.rows, tile_.cols);
  };
  switch (desc_->slots()[instr.dst].bytes) {
    case 1:
      return spread(uint8_t());
    case 4:
      return spread(int32_t());
    default:
      return spread(int64_t());
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

void Interpreter::reduce(const FusedInstr& instr) {
  with_reduction(instr.reduce, instr.from, [&](auto op, auto zero) {
    using Op = decltype(op);
    using T = decltype(zero);
    if (instr.code == FusedCode::ReduceRows) {
      reduce_rows<Op>(reinterpret_cast<T*>(at_[instr.dst]), reinterpret_cast<const T*>(at_[instr.args[0]]), tile_.rows,
                      tile_.cols);
      return;
    }
    FusedState* s = state(instr);
    if (instr.code == FusedCode::Accumulate) {
      if (tile_.cols == desc_->cols && tile_.cols <= kSumBlock) {
        reduce_whole<Op>(s, reinterpret_cast<const T*>(at_[instr.args[0]]), tile_.cols);
        return;
      }
      if (tile_.col % desc_->chunk_cols == 0) {
        s->blocks = 0;
        pt::PT_ISA::reset<Op, T>(s);
      }
      accumulate<Op>(s, reinterpret_cast<const T*>(at_[instr.args[0]]), tile_.cols);
      return;
    }
    T result;
    if (combining_) {
      s->blocks = 0;
      s->in_block = 0;
      for (int64_t part = 0; part < desc_->parts; ++part) {
        T value;
        __builtin_memcpy(&value, partial(tile_.row, part, reductions_done_), sizeof(T));
        push_block<Op>(s, value);
      }
      result = finish<Op, T>(s);
    } else {
      if (desc_->cols == 0) {
        s->blocks = 0;
        s->in_block = 0;
      }
      result = finish<Op, T>(s);
    }
    if (part_ >= 0) __builtin_memcpy(partial(tile_.row, part_, reductions_done_), &result, sizeof(T));
    ++reductions_done_;
    fill_lanes(reinterpret_cast<T*>(at_[instr.dst]), result, kFusedLanes);
  });
}

void Interpreter::execute(int begin, int end) {
  const FusedInstr* instrs = desc_->instrs();
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
        break;
      }
      case FusedCode::Store:
        store(instr);
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
      case FusedCode::Expand:
        expand(instr);
        break;
      case FusedCode::Uniform:
        uniform(instr);
        break;
      case FusedCode::Accumulate:
      case FusedCode::ReduceRows:
      case FusedCode::Finish:
        reduce(instr);
        break;
    }
  }
}

void Interpreter::place_spilled(int64_t column_in_chunk) {
  const FusedSlot* slots = desc_->slots();
  for (int i = 0; i < desc_->n_slots; ++i) {
    if (slots[i].place == FusedPlace::Spilled) at_[i] = scratch_ + slots[i].offset + column_in_chunk * slots[i].bytes;
  }
}

void Interpreter::run_pieces(const FusedPhase& phase, Tile rows, int64_t col_begin, int64_t col_end) {
  int64_t width = col_end - col_begin < desc_->tile_cols ? col_end - col_begin : desc_->tile_cols;
  for (int64_t col = col_begin; col < col_end; col += width) {
    tile_ = rows;
    tile_.col = col;
    tile_.cols = col_end - col < width ? col_end - col : width;
    place_spilled(col - col_begin);
    execute(phase.piece_begin, phase.piece_end);
  }
}

void Interpreter::run_rect(int64_t row_begin, int64_t row_end, int64_t col_begin, int64_t col_end) {
  const int64_t width = col_end - col_begin < desc_->tile_cols ? col_end - col_begin : desc_->tile_cols;
  int64_t height = width > 0 ? desc_->tile_elements / width : desc_->tile_rows;
  if (height > desc_->tile_rows) height = desc_->tile_rows;
  if (height < 1) height = 1;
  repeats_ = false;
  for (int64_t row = row_begin; row < row_end; row += height) {
    const Tile rows{row, row_end - row < height ? row_end - row : height, col_begin, 0};
    const int64_t left = row_end - row - rows.rows;
    below_ = width < col_end - col_begin ? 0 : left < height ? left : height;
    for (int p = 0; p < desc_->n_phases; ++p) {
      const FusedPhase& phase = desc_->phases()[p];
      tile_ = rows;
      execute(phase.row_begin, phase.row_end);
      run_pieces(phase, rows, col_begin, col_end);
    }
    repeats_ = width == col_end - col_begin;
  }
}

// One part of a long row: its reductions go to the workspace.
void Interpreter::run_part(int64_t row, int64_t part) {
  const int64_t col_begin = part * desc_->chunk_cols;
  const int64_t col_end = col_begin + desc_->chunk_cols < desc_->cols ? col_begin + desc_->chunk_cols : desc_->cols;
  part_ = part;
  const FusedPhase& first = desc_->phases()[0];
  tile_ = {row, 1, col_begin, 0};
  execute(first.row_begin, first.row_end);
  run_pieces(first, tile_, col_begin, col_end);
  reductions_done_ = 0;
  const FusedPhase& last = desc_->phases()[1];
  for (int i = last.row_begin; i < last.row_end; ++i) {
    if (desc_->instrs()[i].code == FusedCode::Finish) execute(i, i + 1);
  }
}

void Interpreter::run_combine(int64_t row_begin, int64_t row_end) {
  combining_ = true;
  for (int64_t row = row_begin; row < row_end; ++row) {
    tile_ = {row, 1, 0, 0};
    reductions_done_ = 0;
    execute(desc_->phases()[0].row_begin, desc_->phases()[0].row_end);
    execute(desc_->phases()[1].row_begin, desc_->phases()[1].row_end);
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

PT_KERNELS(fused, pt::PT_ISA::run_chunk);
