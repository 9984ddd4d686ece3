#include "parallel/scratch.h"

#include <cstdlib>
#include <new>
#include <utility>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace pt {
namespace {

constexpr int64_t kCacheLine = 64;
constexpr int64_t kHugePage = int64_t{2} << 20;

}  // namespace

Scratch::~Scratch() { std::free(data_); }

Scratch::Scratch(Scratch&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

void Scratch::reserve(int64_t bytes) {
  if (bytes <= size_) return;
  const int64_t alignment = bytes >= kHugePage ? kHugePage : kCacheLine;
  const int64_t rounded = (bytes + alignment - 1) / alignment * alignment;
  char* grown = static_cast<char*>(std::aligned_alloc(alignment, rounded));
  if (!grown) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
  // Only advice: where the system refuses, small pages work as well.
  if (alignment == kHugePage) madvise(grown, rounded, MADV_HUGEPAGE);
#endif
  std::free(data_);
  data_ = grown;
  size_ = rounded;
}

}  // namespace pt
