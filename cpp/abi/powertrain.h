/* The C ABI for kernel plugins, version 1. A shared library that defines POWERTRAIN_PLUGIN and one function for each
 * kernel (and dtype) is all that there is to a kernel in C; docs/plugins/kernel.md builds one.
 *
 * Structures grow at their end alone, and what a field means never changes within a version: a library compiled against
 * version 1 runs with every later engine that still says it knows version 1. Tensors have the layout of DLPack 1.0.
 */
#ifndef POWERTRAIN_H
#define POWERTRAIN_H

#include <stdint.h>

#define POWERTRAIN_ABI_VERSION 1

#ifdef __cplusplus
#define PT_EXPORT extern "C" __attribute__((visibility("default")))
#else
#define PT_EXPORT __attribute__((visibility("default")))
#endif

/* Once in each library, at file level, without a semicolon. */
#define POWERTRAIN_PLUGIN \
  PT_EXPORT int32_t powertrain_abi_version(void) { return POWERTRAIN_ABI_VERSION; }

#ifdef __cplusplus
extern "C" {
#endif

enum { PT_INT = 0, PT_UINT = 1, PT_FLOAT = 2, PT_BFLOAT = 4, PT_BOOL = 6 }; /* PtDataType.code, as DLDataTypeCode */
enum { PT_CPU = 1, PT_CUDA = 2 };                                           /* PtDevice.type, as DLDeviceType */

typedef struct PtDataType { /* DLDataType */
  uint8_t code;
  uint8_t bits;
  uint16_t lanes; /* 1 */
} PtDataType;

typedef struct PtDevice { /* DLDevice */
  int32_t type;
  int32_t id;
} PtDevice;

typedef struct PtTensor { /* DLTensor */
  void* data;             /* aligned to the element; row-major */
  PtDevice device;
  int32_t ndim;
  PtDataType dtype;
  int64_t* shape;
  int64_t* strides;     /* in elements */
  uint64_t byte_offset; /* 0 */
} PtTensor;

enum {
  PT_ATTRIBUTE_BOOL = 0,
  PT_ATTRIBUTE_INTEGER = 1,
  PT_ATTRIBUTE_NUMBER = 2,
  PT_ATTRIBUTE_TEXT = 3,
  PT_ATTRIBUTE_INTEGERS = 4
};

typedef struct PtAttribute { /* a parameter of the kernel, in the order of its declaration */
  const char* name;
  int32_t kind;
  int32_t count; /* of integers, or bytes of the text */
  union {
    int64_t integer; /* a bool too: 0 or 1 */
    double number;
    const char* text;
    const int64_t* integers;
  } value;
} PtAttribute;

/* One call. The engine owns everything in it, and none of it outlives the call: keep no pointer. Inputs are read only.
 * Calls come from several threads at once, so a kernel keeps its working memory on its stack, and writes no static. */
typedef struct PtCall {
  int32_t version; /* of the engine: at least POWERTRAIN_ABI_VERSION of the library */
  int32_t n_inputs;
  int32_t n_outputs;
  int32_t n_attributes;
  const PtTensor* inputs;
  const PtTensor* outputs; /* no output overlaps an input; every element is to be written */
  const PtAttribute* attributes;
  /* The part to compute: indices [begin, end) of the first axis of the outputs. All of it, in one call, unless the
   * kernel is declared with split=True. Where the parts begin depends on shapes alone, never on the threads. */
  int64_t begin;
  int64_t end;
  char* message; /* for a call that fails: what was received; what was expected; how to fix it */
  int64_t message_bytes;
} PtCall;

/* A kernel. 0 is success; anything else fails the step before anything of it is committed. */
typedef int32_t (*PtKernel)(const PtCall* call);

/* An elementwise kernel: n elements of each input, in[i][0] to in[i][n - 1], to out. `out` overlaps no input. An
 * element of the result depends on the same elements of the inputs alone. `attributes` holds the numbers of the
 * kernel's parameters in the order of their declaration. */
typedef void (*PtElementwiseF32)(int64_t n, float* out, const float* const* in, const double* attributes);
typedef void (*PtElementwiseF64)(int64_t n, double* out, const double* const* in, const double* attributes);

/* `return pt_fail(call, "received ...; expected ...; ...");` */
static inline int32_t pt_fail(const PtCall* call, const char* message) {
  int64_t i = 0;
  for (; message[i] != 0 && i + 1 < call->message_bytes; ++i) call->message[i] = message[i];
  if (call->message_bytes > 0) call->message[i] = 0;
  return 1;
}

#ifdef __cplusplus
}
#endif

#endif /* POWERTRAIN_H */
