// What the fill kernel reads: a FillDesc, followed by its pieces.
#pragma once
#include <stdint.h>

namespace pt {

struct FillPiece {
  int64_t offset, bytes;  // in the output
};

struct FillDesc {
  uint64_t pattern;     // the value's bytes, repeated to eight
  int64_t chunk_bytes;  // pieces are cut into chunks of this many bytes
  int32_t pieces;
  const FillPiece* list() const { return reinterpret_cast<const FillPiece*>(this + 1); }
};

}  // namespace pt
