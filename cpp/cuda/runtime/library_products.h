// Products by cuBLASLt on one device: one handle, and what was chosen for each product. Memory to work in comes from
// the plan, so that a launch allocates nothing.
#pragma once
#include <map>
#include <mutex>
#include <string>

#include "cuda/products.h"
#include "cuda/runtime/context.h"
#include "cuda/runtime/cublaslt.h"

namespace pt::cuda {

class LibraryProducts final : public ProductLibrary {
 public:
  // With the device's context current.
  explicit LibraryProducts(Context& context);

  // Itself where there is a library, for plans.
  ProductLibrary* for_plans() { return handle_ ? this : nullptr; }

  bool choose(const LibraryProduct& product, LibraryChoice* choice) override;
  bool wants_tf32() const override { return tf32_; }
  // Whether the library may be given these operands. Else the kernel behind the launch is for them.
  static bool takes(const LibraryLaunch& launch, const void* const* operands, bool commits);
  void multiply(const LibraryLaunch& launch, const void* const* operands, CUstream stream);

 private:
  struct Answer {
    bool chosen = false;
    LibraryChoice choice{};
  };
  Answer ask(const LibraryProduct& product);
  Answer answer_for(const LibraryProduct& product, cublasStatus_t status,
                    const cublasLtMatmulHeuristicResult_t& result);
  [[noreturn]] void fail(cublasStatus_t status, const LibraryProduct& product, const char* doing);

  Context& context_;
  const CublasLt* lt_ = nullptr;
  cublasLtHandle_t handle_ = nullptr;  // as long as the process, as the device
  bool tf32_ = false;
  std::mutex busy_;
  std::map<LibraryProduct, Answer> answers_;
};

}  // namespace pt::cuda
