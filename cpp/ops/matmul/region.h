// A region of C over a range of K, in the canonical order: blocks of kBlockDepth, added ascending within a group,
// groups added ascending. Shared by matrix products and convolutions, which differ only in where blocks come from.
#pragma once
#include "core/integers.h"
#include "ops/matmul/copy.h"
#include "ops/matmul/desc.h"
#include "ops/matmul/strips.h"
#include "ops/matmul/tile.h"

namespace pt {
namespace PT_ISA {

template <class T>
struct LeftBlock {
  const T* at;
  int64_t row, k;
  bool strips;  // packed (strips.h); row and k mean nothing
  bool pairs = false;
  Runs row_runs = {}, k_runs = {};  // if any, it lies in pieces
};

// Lines that `bytes` from there touch, and as many that far behind: where the distance is no whole line, each begins
// elsewhere in its first one.
inline int64_t lines_touched(const char* from, int64_t bytes, int64_t distance) {
  constexpr int64_t kLine = 64;
  const int64_t before =
      distance % kLine == 0 ? static_cast<int64_t>(reinterpret_cast<uintptr_t>(from) % kLine) : kLine - 1;
  return (before + bytes + kLine - 1) / kLine;
}

// The lines of a block of a matrix; none unless the elements of its rows or of its columns are neighbours.
inline Lines lines_of_elements(const char* at, int64_t size, int64_t row, int64_t col, int64_t rows, int64_t cols) {
  if (rows <= 0 || (col != 1 && row != 1)) return {};
  const bool by_rows = col == 1;
  const int64_t distance = (by_rows ? row : col) * size;
  return {at, distance, by_rows ? rows : cols, lines_touched(at, (by_rows ? cols : rows) * size, distance)};
}

// The same of an operand that is not of 16 bits.
template <class T>
inline Lines lines_of_block(const Source& s, int64_t rows, int64_t cols) {
  return is_half(s.type) ? Lines{} : lines_of_elements(s.at, sizeof(T), s.row, s.col, rows, cols);
}

template <class T>
struct RightPanel {
  const T* at;
  int64_t k;
  bool padded;  // rows may be read up to a whole number of vectors
};

template <class T>
struct Sums {
  T* sum;
  int64_t sum_row;
  T* group;  // null when blocks are added to the sum directly: one group, and nothing before it but one block
  int64_t group_row;
  // Where tiles of pairs put what is finished, in bf16; null if that is not theirs to do.
  uint16_t* rounded = nullptr;
  int64_t rounded_row = 0;
};

template <class T>
inline void multiply_any_panel(const LeftBlock<T>& a, const Tile<T>& tile, int64_t rows, int64_t cols, bool padded) {
  if (a.row_runs.count > 0) return multiply_pieces_panel(tile, a.row_runs, a.k_runs, cols, padded);
  if constexpr (kHasPairs && sizeof(T) == sizeof(float)) {
    if (a.pairs) return multiply_pairs_panel(tile, rows, cols);
  }
  a.strips ? multiply_strips_panel(tile, rows, cols) : multiply_panel(tile, rows, cols, padded);
}

// Calls multiply(group, end, out, out_row, add) for each group of K, which leaves its sum in `out`, or adds it to what
// is there, and joins the groups.
template <class T, class Multiply>
inline void sum_groups(int64_t rows, int64_t cols, int64_t k_begin, int64_t k_end, const Sums<T>& s,
                       Multiply multiply) {
  bool started = false;  // the sum holds what comes first
  if (k_begin >= k_end) fill_zero(s.sum, s.sum_row, rows, cols);
  for (int64_t group = k_begin; group < k_end; group += kGroupDepth) {
    const int64_t end = least(group + kGroupDepth, k_end);
    if (s.group) {
      multiply(group, end, s.group, s.group_row, false);
      if (started) {
        add_block(s.group, s.group_row, rows, cols, s.sum, s.sum_row);
      } else {
        store_block(s.group, s.group_row, rows, cols, {reinterpret_cast<char*>(s.sum), kTypeOf<T>, s.sum_row, 1});
      }
    } else {
      multiply(group, end, s.sum, s.sum_row, started);
    }
    started = true;
  }
}

// left.block(k, depth) is the block of all rows; right.panel(k, depth, col) the panel of right.width from col on,
// packed where the left block is in strips.
template <class T, class Left, class Right>
inline void multiply_region(Left& left, Right& right, int64_t rows, int64_t cols, int64_t k_begin, int64_t k_end,
                            const Sums<T>& s) {
  const int64_t width = right.width;
  sum_groups(rows, cols, k_begin, k_end, s, [&](int64_t group, int64_t end, T* out, int64_t out_row, bool add) {
    for (int64_t k = group; k < end; k += kBlockDepth, add = true) {
      const int64_t depth = least(kBlockDepth, end - k);
      const LeftBlock<T> a = left.block(k, depth);
      right.fetch_later(left.lines_of(k + depth, least(kBlockDepth, k_end - k - depth)), depth);
      for (int64_t col = 0; col < cols; col += width) {
        const int64_t n = least(width, cols - col);
        const RightPanel<T> b = right.panel(k, depth, col);
        Tile<T> tile = {a.at, a.row, a.k, b.at, b.k, out + col, out_row, depth, 0, add, right.ahead()};
        if (s.rounded && k + depth == k_end) tile.rounded = s.rounded + col, tile.rounded_row = s.rounded_row;
        multiply_any_panel(a, tile, rows, n, b.padded);
      }
    }
  });
}

// The right operand of a plain product: read in place, or packed a few panels at a time just before their strips.
template <class T>
struct StridedRight {
  enum { kPanelLines, kBlockLines };  // places among what is fetched
  Source source;                      // row: k, col: column
  bool copy;
  T* packed;
  T* spare;
  int64_t width;           // of a panel
  int64_t cols;            // of the region
  int64_t k_end, k_depth;  // of the chunk
  int64_t half_pair_at;    // the number of pairs along K if the last is half a pair, else -1
  int64_t tiles;           // of a panel
  Ahead coming = {};       // what is packed next
  int64_t side = 0;        // of two buffers, the one for the next panel
  bool started = false;
  int used = kBlockLines + 1;  // of the lines that are fetched
  int64_t after = 0;           // of them, those for what comes after the product

  int64_t element_bytes() const { return element_size<T>(source.type); }
  Ahead* ahead() { return copy ? &coming : nullptr; }
  Source at(int64_t k, int64_t col) const {
    const int64_t size = element_bytes();
    return {source.at + (k * source.row + col * source.col) * size, source.type, source.row, source.col, source.odd};
  }
  RightPanel<T> panel(int64_t k, int64_t depth, int64_t col) {
    if (!copy) return {reinterpret_cast<const T*>(at(k, col).at), source.row, false};
    if (copies_rows()) return copied_panel({k, depth, col});
    const int64_t at_once = panels_at_once() * width, index = col % at_once / width;
    if (index == 0) {
      pack(k, depth, col, at_once);
      fetch_panel(lines_at(following({k, depth, col})));
    }
    const int64_t n = col + width < cols ? width : whole_vectors<T>(cols - col);
    return {packed + index * width * depth, n, true};
  }
  // The next block of the left operand, while that before is multiplied by all panels.
  void fetch_later(const Lines& block, int64_t depth) {
    if (!copy) return;
    const int64_t panels = (cols + width - 1) / width, fetches = panels * tiles * (depth / kFetchSteps);
    const int64_t of_panel = copies_rows() ? depth : lines_of(0, depth, 0).count();
    const int64_t lines = block.count() + panels * of_panel + after * depth / k_depth;
    coming.lines[kBlockLines] = block;
    coming.at_once = fetches > 0 ? least((lines + fetches - 1) / fetches, kMostAtOnce) : 1;
  }
  // What comes after the product.
  void fetch_after(const Lines& l) {
    if (!copy || used == kMostFetched) return;
    coming.lines[used++] = l;
    after += l.count();
  }

 private:
  void fetch_panel(const Lines& l) {
    coming.lines[kPanelLines] = l;
    coming.next = 0;
  }
  bool copies_rows() const {
    return source.col == 1 && (source.pairs() || !is_half(source.type)) && width == kTileVectors * Register<T>::kLanes;
  }
  // A panel of the chunk, or none behind its end.
  struct Place {
    int64_t k, depth, col;
  };
  Place following(const Place& p) const {
    if (p.depth <= 0) return p;
    if (p.col + width < cols) return {p.k, p.depth, p.col + width};
    return {p.k + p.depth, least(kBlockDepth, k_end - p.k - p.depth), 0};
  }
  Lines lines_at(const Place& p) const { return lines_of(p.k, p.depth, p.col); }
  T* buffer(int64_t side) const { return packed + side * width * least(kBlockDepth, k_depth); }

  // Tiles copy the next panel beside the one that they multiply. What they had no time for is copied here.
  RightPanel<T> copied_panel(const Place& p) {
    const int64_t n = least(width, cols - p.col), padded = whole_vectors<T>(n);
    const int64_t left = coming.copy.from ? coming.copy.rows + half_pairs(p) : p.depth, done = p.depth - left;
    T* here = buffer(side);
    if (left > 0) pack_known(p, done, here + done * padded);
    side = 1 - side;
    const Place next = following(p), then = following(next);
    const bool copying = next.depth > 0 && cols - next.col >= width;
    coming.copy = {};
    if (copying) {
      const char *panel = at(next.k, next.col).at, *after = then.depth > 0 ? at(then.k, then.col).at : panel;
      const int64_t odd = source.pairs() ? source.odd : 0, size = element_bytes();
      coming.copy = {next.depth - half_pairs(next),        source.row * size, odd * size, panel, after,
                     reinterpret_cast<char*>(buffer(side))};
    }
    fetch_panel(copying ? Lines{} : lines_at(next));
    return {here, padded, true};
  }
  // Of a panel: 1 if the last of its pairs has no second number, else 0.
  int64_t half_pairs(const Place& p) const { return p.k + p.depth == half_pair_at ? 1 : 0; }
  // A panel whose lines are known, from a row on.
  void pack_known(const Place& p, int64_t from, T* to) {
    const int64_t n = least(width, cols - p.col), rows = p.depth - from;
    Source s = at(p.k + from, p.col);
    if constexpr (kHasPairs && sizeof(T) == sizeof(float)) {
      if (s.pairs()) {
        s.half_pair = half_pairs(p) != 0;
        pack_pair_panel(s, rows, n, to, whole_vectors<T>(n));
        return;
      }
    }
    // The first panel fetches the second too; later ones were fetched by the tiles before.
    pack_rows(reinterpret_cast<const T*>(s.at), s.row, rows, n, width, to,
              started ? n : least(2 * width, cols - p.col));
    started = true;
  }
  // One panel, where its rows or columns are whole lines of memory that the tiles of the panel before can fetch.
  int64_t panels_at_once() const { return lines_known() ? 1 : kPackedPanels; }
  bool lines_known() const {
    if (source.pairs()) return pairs_known();
    return !is_half(source.type) && (source.col == 1 || source.row == 1);
  }
  // Rows of numbers evenly apart, or columns of neighbours.
  bool pairs_known() const { return source.col == 1 || (source.odd == 1 && source.row == 2); }
  // The lines of the panel that begins there; none where that is the end.
  Lines lines_of(int64_t k, int64_t depth, int64_t col) const {
    const int64_t n = least(width, cols - col);
    if (!source.pairs()) return lines_of_block<T>(at(k, col), depth, n);
    if (depth <= 0 || !pairs_known()) return {};
    const bool by_rows = source.col == 1;
    const char* from = at(k, col).at;
    const int64_t size = element_bytes(), numbers = 2 * depth;  // along K
    const int64_t distance = (by_rows ? source.row / 2 : source.col) * size;
    return {from, distance, by_rows ? numbers : n, lines_touched(from, (by_rows ? n : numbers) * size, distance)};
  }
  void pack(int64_t k, int64_t depth, int64_t col, int64_t at_once) {
    if (source.pairs() ? pairs_known() : source.col == 1 && !is_half(source.type))
      return pack_known({k, depth, col}, 0, packed);
    const int64_t end = col + at_once < cols ? col + at_once : cols;
    Source s = at(k, col);
    s.half_pair = k + depth == half_pair_at;
    if (source.col == 1) return pack_half_rows<T, kPackedPanels * kWidestPanel>(s, depth, end - col, width, packed);
    T* to = packed;
    for (; col < end; col += width, to += width * depth) {
      const int64_t n = col + width < end ? width : end - col;
      const int64_t padded = whole_vectors<T>(n);
      s.at = at(k, col).at;
      load_block(s, depth, n, to, padded, spare);
      if (padded > n) fill_zero(to + n, padded, depth, padded - n);
    }
  }
};

template <class T>
struct StridedLeft {
  Source source;  // row: row, col: k
  int64_t rows;
  bool copy, strips, pairs;
  T* copied;
  const T* packed;       // by a launch before, all of K, or null
  int64_t half_pair_at;  // as of the right operand

  Source at(int64_t k) const {
    Source s = source;
    s.at += k * source.col * element_size<T>(source.type);
    return s;
  }
  // What a block that is copied reads.
  Lines lines_of(int64_t k, int64_t depth) const {
    return packed || !copy || depth <= 0 ? Lines{} : lines_of_block<T>(at(k), rows, depth);
  }
  LeftBlock<T> block(int64_t k, int64_t depth) {
    Source at = this->at(k);
    at.half_pair = k + depth == half_pair_at;
    if (packed) return {packed + k * rows, 0, 0, true, pairs};
    if (!copy) return {reinterpret_cast<const T*>(at.at), source.row, source.col, false};
    if (strips) {
      pack_strips(at, Strips(rows, kTileRows), depth, copied);
      return {copied, 0, 0, true, pairs};
    }
    if (source.row == 1 && is_half(source.type)) {  // widened in the order of memory: contiguous along rows
      load_block({at.at, at.type, at.col, at.row}, depth, rows, copied, rows, static_cast<T*>(nullptr));
      return {copied, 1, rows, false};
    }
    load_block(at, rows, depth, copied, depth, static_cast<T*>(nullptr));
    return {copied, depth, 1, false};
  }
};

}  // namespace PT_ISA
}  // namespace pt
