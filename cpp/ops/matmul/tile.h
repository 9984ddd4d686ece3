// The inner loops of every product, over one block of K.
#pragma once
#include "core/integers.h"
#include "simd/bf16.h"
#include "simd/gemm_vec.h"

namespace pt {
namespace PT_ISA {

// Cache lines that are needed soon: rows of them, fetched one below the other.
struct Lines {
  const char* at = nullptr;
  int64_t row_bytes = 0, rows = 0, lines = 0;  // lines: of a row
  int64_t row = 0, line = 0;

  int64_t count() const { return rows * lines; }
  bool fetch() {
    if (line >= lines) return false;
    __builtin_prefetch(at + row * row_bytes + line * 64, 0, 2);
    if (++row == rows) row = 0, ++line;
    return true;
  }
};

// The next panel of the right operand, where it can be packed by copying rows of whole vectors, or by making one of
// two rows of bf16. With each row goes the fetch of one that comes kRowsAhead later, at the end one of the panel after
// it.
struct PanelCopy {
  static constexpr int64_t kRowsAhead = 16;

  int64_t rows = 0;  // that are not copied yet
  int64_t row_bytes = 0;
  int64_t odd_bytes = 0;  // of pairs: from a row to the one that is interleaved with it
  const char* from = nullptr;
  const char* soon = nullptr;  // is fetched
  const char* then = nullptr;  // the panel after it
  char* to = nullptr;

  PanelCopy() = default;
  PanelCopy(int64_t rows, int64_t row_bytes, int64_t odd_bytes, const char* panel, const char* after, char* packed)
      : rows(rows), row_bytes(row_bytes), odd_bytes(odd_bytes), from(panel), then(after), to(packed) {
    soon = rows > kRowsAhead ? from + kRowsAhead * row_bytes : then;
  }
  template <class T, bool Pairs>
  bool copy() {
    constexpr int64_t kWidth = kTileVectors * Register<T>::kLanes * sizeof(T);
    if (rows == 0) return false;
    if constexpr (Pairs) {
      copy_pairs<kWidth / 2>();
    } else {
      copy_row<T, kWidth>();
    }
    from += row_bytes;
    soon += row_bytes;
    to += kWidth;
    if (--rows == kRowsAhead) soon = then;
    return true;
  }

 private:
  template <int64_t Bytes>
  static PT_FN void fetch(const char* row) {
#pragma GCC unroll 4
    for (int64_t j = 0; j < Bytes; j += 64) __builtin_prefetch(row + j, 0, 2);
    __builtin_prefetch(row + Bytes - 1, 0, 2);  // a row may begin anywhere in a line
  }
  template <class T, int64_t Width>
  PT_FN void copy_row() const {
    using R = Register<T>;
    const T* source = reinterpret_cast<const T*>(from);
    T* target = reinterpret_cast<T*>(to);
#pragma GCC unroll 4
    for (int j = 0; j < kTileVectors; ++j) R::load(source + j * R::kLanes).store(target + j * R::kLanes);
    fetch<Width>(soon);
  }
  template <int64_t Bytes>
  PT_FN void copy_pairs() const {
#pragma GCC unroll 4
    for (int64_t j = 0; j < Bytes; j += 64) {
      Bf16x32 low, high;
      interleave(Bf16x32::load(reinterpret_cast<const uint16_t*>(from + j)),
                 Bf16x32::load(reinterpret_cast<const uint16_t*>(from + odd_bytes + j)), low, high);
      low.store(to + 2 * j);
      high.store(to + 2 * j + 64);
    }
    fetch<Bytes>(soon);
    fetch<Bytes>(soon + odd_bytes);
  }
};

// What comes next, of which tiles do some each while they multiply: alone it would wait for memory, and leave the
// processor's arithmetic idle. First a panel of the right operand is copied. Then lines are fetched to the second
// cache: of a panel that is packed another way, of the left operand's next block, and of what an epilogue or a rounding
// reads and writes.
inline constexpr int kMostFetched = 8;
struct Ahead {
  PanelCopy copy;
  Lines lines[kMostFetched];
  int next = 0;  // of them; those before are fetched
  int64_t at_once = 1;

  bool fetch() {
    for (; next < kMostFetched; ++next)
      if (lines[next].fetch()) return true;
    return false;
  }
  template <class T, bool Pairs = false>
  void advance() {
    for (int64_t i = 0; i < at_once && (copy.template copy<T, Pairs>() || fetch()); ++i) {
    }
  }
};
inline constexpr int kFetchSteps = 8;  // steps of K between two fetches of a tile
inline constexpr int64_t kMostAtOnce = 4;

template <class T>
struct Tile {
  const T* left;
  int64_t left_row, left_k;
  const T* right;  // rows of B, contiguous along n
  int64_t right_k;
  T* out;
  int64_t out_row;
  int64_t depth;
  int tail;  // columns of the last vector
  bool add;  // add to what is in out, else replace it
  Ahead* ahead = nullptr;
  // Of pairs: where sums that are finished go, rounded to bf16, instead of to `out`; null while they are not.
  uint16_t* rounded = nullptr;
  int64_t rounded_row = 0;
};

template <class T>
inline const T* offset_bytes(const T* p, int64_t bytes) {
  return reinterpret_cast<const T*>(reinterpret_cast<const char*>(p) + bytes);
}

// One or two rows leave registers free for four vectors of columns, and need them to hide the latency of the chain.
inline constexpr int kWideVectors = 4;
inline constexpr int kWideRows = 2;

// How a block of the left operand lies. Only tiles of a plain one are wide.
enum class LeftForm { Plain, Strips, Pieces };

template <class T>
inline int64_t panel_width(int64_t rows, LeftForm left) {
  return (rows <= kWideRows && left == LeftForm::Plain ? kWideVectors : kTileVectors) * Register<T>::kLanes;
}

// Rows cut into even parts of at most `most`: no slow strip at the end.
struct Strips {
  int64_t count, rows, longer;  // each has `rows` rows, and the first `longer` of them one more
  Strips(int64_t all, int64_t most) : count((all + most - 1) / most), rows(all / count), longer(all % count) {}
  int64_t rows_of(int64_t strip) const { return rows + (strip < longer); }
  int64_t all_rows() const { return count * rows + longer; }

  Strips before(int64_t end) const {
    Strips s = *this;
    s.count = end, s.longer = least(longer, end);
    return s;
  }
  Strips from(int64_t begin) const {
    Strips s = *this;
    s.count -= begin, s.longer -= least(longer, begin);
    return s;
  }
};

// C[rows, cols] (+)= A B over one block of K, cols at most panel_width(rows, Plain). right_padded: rows of B may be
// read (as zeros) up to a whole number of vectors. t.tail is set here.
template <class T>
void multiply_panel(Tile<T> t, int64_t rows, int64_t cols, bool right_padded);

// The same for operands that are both packed: a row of B holds a whole number of vectors, as many as cols need; A is in
// strips of at most kTileRows rows, each [depth][its rows].
template <class T>
void multiply_strips_panel(Tile<T> t, int64_t rows, int64_t cols);

// The same for operands of which each element is a pair of bf16 along K, multiplied by the processor's own instruction:
// its sums round otherwise than widened products. Where kHasPairs.
void multiply_pairs_panel(Tile<float> t, int64_t rows, int64_t cols);

// The same for a left operand that lies in pieces, each evenly strided: element (i, j) of piece (r, s) is at
// left + rows.run[r].offset + k.run[s].offset + i * left_row + j * left_k. A tile stays within a piece of rows.
struct Run {
  int64_t offset, length;  // in elements
};
struct Runs {
  const Run* run;
  int64_t count;
};
template <class T>
void multiply_pieces_panel(Tile<T> t, Runs rows, Runs k, int64_t cols, bool right_padded);

// The steps of K that are read before other columns are, of which these begin with number `begun`.
struct GroupOfK {
  int64_t begun, depth;
};
// The same for at most kFewRows rows and any number of columns, B as it is stored, contiguous along its rows or its
// columns; t.right and t.right_k mean nothing.
struct Source;
template <class T>
void multiply_few_rows(Tile<T> t, const Source& right, int64_t rows, int64_t cols, GroupOfK group);

// Compiled once, in cpu_tiles_*.cpp, for all that multiply.
extern template void multiply_panel<float>(Tile<float>, int64_t, int64_t, bool);
extern template void multiply_panel<double>(Tile<double>, int64_t, int64_t, bool);
extern template void multiply_strips_panel<float>(Tile<float>, int64_t, int64_t);
extern template void multiply_strips_panel<double>(Tile<double>, int64_t, int64_t);
extern template void multiply_pieces_panel<float>(Tile<float>, Runs, Runs, int64_t, bool);
extern template void multiply_pieces_panel<double>(Tile<double>, Runs, Runs, int64_t, bool);
extern template void multiply_few_rows<float>(Tile<float>, const Source&, int64_t, int64_t, GroupOfK);
extern template void multiply_few_rows<double>(Tile<double>, const Source&, int64_t, int64_t, GroupOfK);

}  // namespace PT_ISA
}  // namespace pt
