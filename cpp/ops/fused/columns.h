// Sums of columns beside a row program. Rows are added to one row of sums, which stays in the cache; every kColumnBlock
// rows, and behind the last row of a sum, it goes to the workspace. A second launch adds up these blocks. The order is
// that of ops/reduce/cpu.cpp.
#pragma once
#include "core/kernel.h"
#include "ops/fused/interpreter.h"

namespace pt {
namespace PT_ISA {

// Adds `rows` rows of `cols` neighbours, one after the other.
template <class T>
PT_FN void add_rows_to(T* sums, const T* src, int64_t rows, int64_t cols) {
  using V = vec<T, 16>;
  int64_t col = 0;
  for (; col + 64 <= cols; col += 64) {
    V sum[4];
    PT_UNROLL for (int k = 0; k < 4; ++k) sum[k] = V::load(sums + col + 16 * k);
    for (int64_t row = 0; row < rows; ++row)
      PT_UNROLL for (int k = 0; k < 4; ++k) sum[k] = sum[k] + V::load(src + row * cols + col + 16 * k);
    PT_UNROLL for (int k = 0; k < 4; ++k) store(sums + col + 16 * k, sum[k]);
  }
  for (; col < cols; col += 16) {
    V sum = V::load(sums + col);
    const int64_t n = cols - col < 16 ? cols - col : 16;
    for (int64_t row = 0; row < rows; ++row) sum = sum + V::load_n(src + row * cols + col, n);
    store(sums + col, sum);
  }
}

void Interpreter::add_columns(const FusedInstr& instr) {
  const auto add = [&](auto zero) {
    using T = decltype(zero);
    add_rows_to(reinterpret_cast<T*>(at_[instr.dst]), reinterpret_cast<const T*>(at_[instr.args[0]]), tile_.rows,
                tile_.cols);
  };
  instr.from == FusedClass::F32 ? add(float()) : add(double());
}

// How many rows are left of the block that a row is in. Its sums begin with its first row.
int64_t Interpreter::begin_column_block(int64_t row) {
  const int64_t in_sum = row % desc_->summed_rows, in_block = in_sum % kColumnBlock, left = desc_->summed_rows - in_sum;
  if (in_block == 0) __builtin_memset(scratch_ + desc_->column_sums, 0, size_t(desc_->column_sums_bytes));
  return left < kColumnBlock - in_block ? left : kColumnBlock - in_block;
}

// Those of the block that a row is in.
void Interpreter::write_column_sums(int64_t row) {
  const int64_t of_sum = (desc_->summed_rows + kColumnBlock - 1) / kColumnBlock;
  const int64_t blocks = desc_->rows / desc_->summed_rows * of_sum;
  const int64_t block = row / desc_->summed_rows * of_sum + row % desc_->summed_rows / kColumnBlock;
  char* to = data_[desc_->n_operands] + block * desc_->cols * 8;
  const FusedSlot* slots = desc_->slots();
  for (int i = desc_->first_spilled, left = desc_->n_column_sums; left > 0; ++i) {
    if (slots[i].place != FusedPlace::Column) continue;
    --left;
    __builtin_memcpy(to, scratch_ + slots[i].offset, size_t(desc_->cols * slots[i].bytes));
    to += blocks * desc_->cols * 8;
  }
}

// Of one sum, for some of its columns.
template <class T>
static void add_blocks(const KernelArgs* args, const ColumnSumsDesc* d, int64_t sum, int64_t begin, int64_t end) {
  const char* from = args->data[0] + sum * d->blocks * d->block_bytes;
  using V = vec<T, 16>;
  for (int64_t col = begin; col < end; col += 16) {
    const int64_t n = end - col < 16 ? end - col : 16;
    V total(T(0)), group(T(0));
    for (int64_t block = 0; block < d->blocks; ++block) {
      const V rows = V::load_n(reinterpret_cast<const T*>(from + block * d->block_bytes) + col, n);
      group = block % (kColumnGroup / kColumnBlock) == 0 ? rows : group + rows;
      if ((block + 1) % (kColumnGroup / kColumnBlock) == 0 || block + 1 == d->blocks) total = total + group;
    }
    alignas(64) T sums[16];
    store(sums, total);
    with_storage(d->to, [&](auto s) {
      using S = decltype(s);
      auto* to = reinterpret_cast<typename S::memory*>(args->data[1]) + sum * d->cols + col;
      store_rect<S>(reinterpret_cast<char*>(to), reinterpret_cast<const char*>(sums), Rect{1, n, 0, 1}, false);
    });
  }
}

static void add_blocks_of_columns(const KernelArgs* args, int64_t chunk) {
  const auto* d = static_cast<const ColumnSumsDesc*>(args->desc);
  const int64_t strips = (d->cols + kColumnsOfChunk - 1) / kColumnsOfChunk;
  const int64_t begin = chunk % strips * kColumnsOfChunk, first = chunk / strips * d->sums_per_chunk;
  const int64_t end = begin + kColumnsOfChunk < d->cols ? begin + kColumnsOfChunk : d->cols;
  for (int64_t sum = first; sum < first + d->sums_per_chunk && sum < d->sums; ++sum) {
    if (d->cls == FusedClass::F32)
      add_blocks<float>(args, d, sum, begin, end);
    else
      add_blocks<double>(args, d, sum, begin, end);
  }
}

}  // namespace PT_ISA
}  // namespace pt
