// Stands in for NVIDIA's header where that is missing.
#include "cuda/cublaslt_api.h"
