// Sorting by the digits of a key, the lowest first: each pass is stable and reads and writes every element once, and a
// digit that all elements share costs no pass. Short lines are sorted by insertion. Where only the first few of a line
// are wanted, few are sorted.
#include <type_traits>

#include "core/kernel.h"
#include "ops/sort/desc.h"
#include "ops/sort/keys.h"
#include "simd/vec.h"
#include "simd/walk.h"

namespace pt {
namespace PT_ISA {
namespace {

constexpr int64_t kInsertion = 48, kPiece = 16;  // elements
constexpr int kDigits = 8, kDigitValues = 256;

struct Entry {
  uint64_t key;
  int64_t position;
};

void sort_by_insertion(Entry* entries, int64_t n) {
  for (int64_t i = 1; i < n; ++i) {
    const Entry moved = entries[i];
    int64_t at = i;
    for (; at > 0 && entries[at - 1].key > moved.key; --at) entries[at] = entries[at - 1];
    entries[at] = moved;
  }
}

// The sorted entries are where the returned pointer says: in `entries` or in `other`.
Entry* sort_by_digits(Entry* entries, Entry* other, int64_t n) {
  int64_t counts[kDigits][kDigitValues] = {};
  for (int64_t i = 0; i < n; ++i) {
    for (int digit = 0; digit < kDigits; ++digit) ++counts[digit][entries[i].key >> (8 * digit) & 255];
  }
  for (int digit = 0; digit < kDigits; ++digit) {
    int64_t* start = counts[digit];
    if (start[entries[0].key >> (8 * digit) & 255] == n) continue;
    int64_t before = 0;
    for (int value = 0; value < kDigitValues; ++value) {
      const int64_t here = start[value];
      start[value] = before;
      before += here;
    }
    for (int64_t i = 0; i < n; ++i) other[start[entries[i].key >> (8 * digit) & 255]++] = entries[i];
    Entry* swapped = entries;
    entries = other;
    other = swapped;
  }
  return entries;
}

Entry* sort(Entry* entries, Entry* other, int64_t n) {
  if (n > kInsertion) return sort_by_digits(entries, other, n);
  sort_by_insertion(entries, n);
  return entries;
}

// Whether one of the elements that follow each other in memory may belong before the last one that is wanted.
template <class T>
bool any_before(const T* from, T last, bool descending) {
  using V = vec<T, kPiece>;
  const V x = V::load(from), bound(last);
  return descending ? any(!(x <= bound)) : any(!(x >= bound));  // a NaN may
}

// The first `wanted` entries of a sorted line. What is not below the last of those that were found so far is passed by,
// so that few are kept, and kept ones are sorted whenever there is no more room.
template <class S>
const Entry* first_of_line(const char* from, const SortDesc& d, uint64_t flip, Entry* entries) {
  Entry* const other = entries + d.room;
  int64_t kept = 0;
  bool bounded = false;
  uint64_t bound = 0;
  using T = typename S::memory;
  constexpr bool kIsNumber = std::is_floating_point_v<T>;
  const bool dense = kIsNumber && d.stride == int64_t(sizeof(T));
  T last{};
  for (int64_t k = 0; k < d.n; ++k) {
    if constexpr (kIsNumber) {
      const T* piece = reinterpret_cast<const T*>(from) + k;
      for (; bounded && dense && k + kPiece <= d.n && !any_before(piece, last, d.descending); k += kPiece)
        piece += kPiece;
      if (k == d.n) break;
    }
    const uint64_t key = read_key<S>(from + k * d.stride) ^ flip;
    if (bounded && key >= bound) continue;  // of equal elements the first come first
    entries[kept++] = {key, k};
    if (kept < d.room) continue;
    const Entry* sorted = sort(entries, other, kept);
    if (sorted == other) __builtin_memcpy(entries, other, size_t(d.wanted) * sizeof(Entry));
    kept = d.wanted;
    bounded = true;
    bound = entries[kept - 1].key;
    last = *reinterpret_cast<const T*>(from + entries[kept - 1].position * d.stride);
  }
  return sort(entries, other, kept);
}

void sort_lines(const KernelArgs* args, int64_t chunk) {
  const SortDesc& d = *static_cast<const SortDesc*>(args->desc);
  const int64_t first = chunk * d.chunk;
  const int64_t last = first + d.chunk < d.lines.count ? first + d.chunk : d.lines.count;
  Entry* entries = reinterpret_cast<Entry*>(args->scratch);
  const uint64_t flip = d.descending ? UINT64_MAX : 0;
  Walk line(d.lines, first);
  for (int64_t i = first; i < last; ++i, line.next()) {
    const char* from = args->data[0] + line.a;
    const Entry* sorted = entries;
    with_storage(d.storage, [&](auto s) {
      using S = decltype(s);
      if (d.room < d.n) {
        sorted = first_of_line<S>(from, d, flip, entries);
        return;
      }
      for (int64_t k = 0; k < d.n; ++k) entries[k] = {read_key<S>(from + k * d.stride) ^ flip, k};
      sorted = sort(entries, entries + d.n, d.n);
    });
    char* to = args->data[1] + line.b;
    for (int64_t k = 0; k < d.wanted; ++k)
      __builtin_memcpy(to + k * d.out_stride, &sorted[k].position, sizeof(int64_t));
  }
}

void search(const KernelArgs* args, int64_t chunk) {
  const SearchDesc& d = *static_cast<const SearchDesc*>(args->desc);
  const int64_t first = chunk * d.chunk;
  const int64_t last = first + d.chunk < d.values.count ? first + d.chunk : d.values.count;
  with_storage(d.storage, [&](auto s) {
    using S = decltype(s);
    Walk value(d.values, first);
    for (int64_t i = first; i < last; ++i, value.next()) {
      const uint64_t key = read_key<S>(args->data[1] + value.a);
      int64_t low = 0, high = d.n;  // the place is in low..high
      while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        const uint64_t at = read_key<S>(args->data[0] + middle * d.stride);
        if (at < key || (d.right && at == key))
          low = middle + 1;
        else
          high = middle;
      }
      __builtin_memcpy(args->data[2] + value.b, &low, sizeof(low));
    }
  });
}

}  // namespace
}  // namespace PT_ISA
}  // namespace pt

PT_KERNELS(sort, pt::PT_ISA::sort_lines, pt::PT_ISA::search);
