// Matrix products by NVIDIA's cuBLASLt, as plans ask for them and as a launch holds them. What this file has is plain
// data: a launch keeps the algorithm that was chosen when it was planned, so that each run of the plan uses the same
// one.
#pragma once
#include <compare>
#include <cstdint>
#include <string>

#include "core/dtype.h"
#include "core/launch.h"

namespace pt::cuda {

// C = A B, with one batch axis. Matrices lie in lines of neighbours, `lead` elements apart: rows, or where an operand
// is turned, its columns.
struct LibraryProduct {
  int64_t rows, cols, depth, batches;
  int64_t left_lead, right_lead, out_lead;
  int64_t left_batch, right_batch, out_batch;  // strides, in elements
  DType type, out_type;                        // of A and B, and of C; sums are of f32, or f64
  bool left_turned, right_turned;
  bool bias;  // of type out_type, for each column; added before the only rounding
  bool tf32;  // A and B lose 13 of their 23 bits

  auto operator<=>(const LibraryProduct&) const = default;
};

struct LibraryChoice {
  uint64_t algorithm[8];
  int64_t workspace_bytes;
};

// Of one device. nullptr stands for none.
class ProductLibrary {
 public:
  virtual ~ProductLibrary() = default;
  // False where it cannot. The same product has the same answer, and with a bias the algorithm that it has without.
  virtual bool choose(const LibraryProduct& product, LibraryChoice* choice) = 0;
  virtual bool wants_tf32() const = 0;  // for products of f32: the user asked for it
};

// Every address that the library is given is a multiple of this many bytes.
constexpr int64_t kLibraryAlignment = 16;

// The parameters of such a launch. Behind them lies the descriptor of a kernel of our own for the same operands: the
// library knows nothing of guards, and takes no other alignment.
struct LibraryLaunch {
  LibraryProduct product;
  LibraryChoice choice;
  int32_t left, right, out, bias, workspace;  // which operand of the launch; -1: none
  int32_t own_operands;                       // how many of them the kernel behind takes
  int32_t private_result;                     // C lies in the plan's workspace, where a halted run may write
};

// `own` computes the same in one launch, from the first of the same operands.
Launch library_launch(const std::string& kernel, LibraryLaunch params, const Launch& own, int operands);

bool is_library_kernel(int32_t number);  // of cuda/launch.h

}  // namespace pt::cuda
