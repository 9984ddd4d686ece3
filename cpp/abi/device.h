/* The door for a device in a shared library of its own, such as powertrain-cuda. The library links nothing of the
 * engine. It exports `powertrain_device`, which is given the engine's version and fills in a table of functions. Engine
 * and library are released together: the table is refused unless version and layout are equal on both sides.
 *
 * Everything here is plain data. No exception crosses: a function that may fail returns false after it has filled in a
 * PtdFailure. Functions may be called by any thread, by several at once, except where it says that the caller holds
 * something alone.
 */
#ifndef POWERTRAIN_DEVICE_H
#define POWERTRAIN_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POWERTRAIN_DEVICE_LAYOUT 7 /* moves on with every change of this file */

#ifdef __cplusplus
extern "C" {
#endif

enum { PTD_ERROR = 1, PTD_OUT_OF_MEMORY = 2, PTD_NOT_PLANNED = 3, PTD_LOST = 4 };

typedef struct PtdFailure {
  int32_t kind;
  char text[2044]; /* [where] what was received; what was expected; how to fix it */
} PtdFailure;

enum { PTD_MOST_AXES = 8 };

typedef struct PtdOperand {
  int32_t dtype; /* as core/dtype.h numbers them */
  int32_t ndim;
  int64_t shape[PTD_MOST_AXES];
  int64_t strides[PTD_MOST_AXES]; /* in elements */
} PtdOperand;

enum { PTD_NONE = 0, PTD_BOOL = 1, PTD_INTEGER = 2, PTD_NUMBER = 3, PTD_TEXT = 4, PTD_INTEGERS = 5, PTD_DTYPE = 6 };

typedef struct PtdAttribute {
  const char* name;
  int32_t kind;
  int32_t count; /* of integers */
  union {
    int64_t integer; /* a bool and a dtype too */
    double number;
    const char* text; /* ends with a zero */
    const int64_t* integers;
  } value;
} PtdAttribute;

/* A step of a fused program, as ops/fused/machine.h has it. */
typedef struct PtdStep {
  int32_t kind;
  int32_t dtype;
  const char* op; /* a formula's name, or empty */
  int32_t args[4];
  int32_t operand;
  double value;
  int64_t ordinal;
} PtdStep;

typedef struct PtdFused {
  int32_t ndim;
  int32_t inputs;
  int32_t n_operands;
  int32_t n_steps;
  int64_t extents[PTD_MOST_AXES];
  const PtdOperand* operands; /* whose shape is the iteration space */
  const PtdStep* steps;
  bool printed; /* worth compiling a kernel for: it belongs to a step that is run again and again */
} PtdFused;

/* A plugin's kernel: a function whose arguments are the address of each operand, the elements of the first output as an
 * int64 and its parameters as doubles; one thread for each element. */
typedef struct PtdKernel {
  const char* name;           /* of the plugin */
  const char* function;       /* in the source: extern "C" __global__ */
  const char* source;         /* for the compiler at run time; null with a handle */
  uint64_t handle;            /* a function that another library has loaded on this device: of CUDA a CUfunction */
  const char* const* options; /* of the compiler */
  const double* parameters;
  int64_t elements;
  int32_t n_options;
  int32_t n_parameters;
  int32_t n_operands;
  int32_t threads; /* of a block */
} PtdKernel;

/* One launch of a plan. `desc` is the library's own, a plain value that the engine copies and gives back. */
typedef struct PtdLaunch {
  const char* kernel; /* for people */
  const void* desc;
  int64_t desc_bytes;
  int64_t blocks;
  double flops, bytes;
  const int32_t* operands; /* as Launch::operands of core/launch.h */
  int32_t n_operands;
  int32_t n_offsets;
  const int64_t* byte_offsets;
} PtdLaunch;

/* How a launch is cut, for people. */
typedef struct PtdGeometry {
  int64_t grid[3];      /* in blocks */
  int64_t block[3];     /* in threads */
  int64_t shared_bytes; /* of a block, beside what the kernel itself declares */
} PtdGeometry;

/* Where a plan goes, launch by launch. */
typedef struct PtdPlan {
  void* plan;
  void (*add)(void* plan, const PtdLaunch* launch);
  void (*workspace)(void* plan, int64_t bytes);
} PtdPlan;

typedef struct PtdLimits { /* as FusionLimits of ops/target.h */
  int64_t operands, members, few_rows, long_row;
  bool rounds_halves, casts_together, saves_launches;
} PtdLimits;

/* What is known of a run when it is done. */
typedef struct PtdOutcome {
  uint32_t status;          /* bits of core/kernel.h that are not forgiven */
  int32_t tripped_phase;    /* the last one whose guard tripped, or -1 */
  int32_t committed_phases; /* of those that write */
} PtdOutcome;

typedef struct PtdUsage {
  int64_t total, used_by_tensors, kept_in_cache, peak; /* bytes */
} PtdUsage;

typedef struct PtdDevice {
  int64_t layout;          /* POWERTRAIN_DEVICE_LAYOUT */
  int64_t bytes;           /* sizeof(PtdDevice) */
  const char* name;        /* "cuda:0" */
  const char* description; /* "NVIDIA H100, compute capability 9.0, 80 GB" */
  void* self;

  /* Memory: in stream order, aligned to 256 bytes. Zero bytes give a valid address. copy_in and copy_out return when
   * the host may use its side again. */
  bool (*allocate)(void* self, size_t bytes, char** address, PtdFailure* failure);
  void (*free)(void* self, char* address, size_t bytes);
  bool (*copy)(void* self, char* to, const char* from, size_t bytes, PtdFailure* failure);
  bool (*fill)(void* self, char* to, int32_t value, size_t bytes, PtdFailure* failure);
  bool (*copy_in)(void* self, char* to, const char* host, size_t bytes, PtdFailure* failure);
  bool (*copy_out)(void* self, char* host, const char* from, size_t bytes, PtdFailure* failure);
  /* Arrays on their way for work that comes later: each into memory of its own, in a stream of copies beside the work.
   * Returns when the host may use its side again. `receive`, once for each send: work that is queued from then on waits
   * on the device for these copies. */
  bool (*send)(void* self, const char* const* host, const size_t* bytes, int32_t count, char** addresses, void** sent,
               PtdFailure* failure);
  bool (*receive)(void* self, void* sent, PtdFailure* failure);
  void (*usage)(void* self, PtdUsage* usage);
  void (*trim)(void* self);        /* gives back what is kept in the cache */
  void (*forget_peak)(void* self); /* the most that was used is what is used now */

  /* Runs. A run belongs to the thread that began it. Its launches are queued; launches that commit do nothing once a
   * guard of the run has tripped and until the phase is forgiven. `guard` ends what a phase computes and precedes its
   * commits; `forgives` says that numbers that are not finite skip this phase alone. `commit` ends its commits.
   * `finish` ends the run, also where it fails: with an outcome it waits for it, without one it does not. */
  bool (*begin)(void* self, void** run, PtdFailure* failure);
  bool (*launch)(void* run, const void* desc, char* const* data, int32_t n_data, bool commits, PtdFailure* failure);
  bool (*guard)(void* run, int32_t phase, bool forgives, PtdFailure* failure);
  bool (*commit)(void* run, bool writes, PtdFailure* failure);
  bool (*flag)(void* run, const char* address, bool* value, PtdFailure* failure); /* waits */
  bool (*finish)(void* run, PtdOutcome* outcome, PtdFailure* failure);
  bool (*wait)(void* self, PtdFailure* failure); /* for all that was queued */

  /* A run that is kept, to be played again with the same addresses: between `record` and `keep` launches, guards and
   * commits are noted in place of being queued. `flag` is refused there. `keep` ends the record, also where it fails. A
   * recording is played by one thread at a time. */
  bool (*record)(void* self, void** run, PtdFailure* failure);
  bool (*keep)(void* run, void** recording, PtdFailure* failure);
  bool (*play)(void* self, void* recording, PtdOutcome* outcome, PtdFailure* failure);
  void (*forget)(void* self, void* recording);
  void (*abandon)(void* run); /* of a run or record that ends by an error */

  /* Other libraries, which use the same device in streams of their own. A stream is a number, as in DLPack: 1 is the
   * default stream, 2 that of the calling thread, any other a handle. */
  int32_t dlpack_type;                                                  /* DLDeviceType: 2 for CUDA */
  int32_t dlpack_ordinal;                                               /* as those libraries number the devices */
  uint64_t stream;                                                      /* in which all work is queued here */
  bool (*let_follow)(void* self, uint64_t stream, PtdFailure* failure); /* it goes on after what was queued here */
  bool (*follow)(void* self, uint64_t stream, PtdFailure* failure);     /* work goes on here after what it holds */
  bool (*wait_for_all)(void* self, PtdFailure* failure);                /* on the host, for the work in all streams */
  int32_t (*device_of)(void* self, const char* address); /* which device's memory it is, by dlpack_ordinal; or -1 */

  /* Plans. `printed`: as in PtdFused. */
  const char* const* ops; /* those that `plan` knows */
  int32_t n_ops;
  PtdLimits limits;
  bool (*plan)(void* self, const char* op, const PtdOperand* in, int32_t n_in, const PtdOperand* out, int32_t n_out,
               const PtdAttribute* attributes, int32_t n_attributes, bool printed, const PtdPlan* plan,
               PtdFailure* failure);
  bool (*plan_fused)(void* self, const PtdFused* program, const PtdPlan* plan, PtdFailure* failure);
  /* Ops, such as products and reductions, whose result goes through an elementwise program before it is stored. The
   * program's first operand is the result, of type `result` but in the dtype of its arithmetic. The launches' operands
   * are those of `in`, the further inputs, the outputs. `takes_epilogue` says in `failure` why it cannot be. */
  const char* const* followed;
  int32_t n_followed;
  bool (*takes_epilogue)(void* self, const char* op, const PtdOperand* in, int32_t n_in, const PtdOperand* result,
                         const PtdAttribute* attributes, int32_t n_attributes, const PtdFused* program,
                         PtdFailure* failure);
  bool (*plan_epilogue)(void* self, const char* op, const PtdOperand* in, int32_t n_in, const PtdOperand* result,
                        const PtdAttribute* attributes, int32_t n_attributes, const PtdFused* program,
                        const PtdPlan* plan, PtdFailure* failure);
  void (*geometry)(const void* desc, PtdGeometry* geometry); /* of a launch that was planned here */
  bool (*plan_kernel)(void* self, const PtdKernel* kernel, const PtdPlan* plan, PtdFailure* failure);
} PtdDevice;

/* Fills in the table of device `ordinal`, which stays valid as long as the process lives; false if there is none, with
 * the reason. `engine` is the engine's version. */
typedef bool (*PtdEntry)(const char* engine, int32_t ordinal, PtdDevice* device, PtdFailure* failure);
#define POWERTRAIN_DEVICE_ENTRY "powertrain_device_v1"
/* How many there are, without making one; with none, the reason. */
typedef int32_t (*PtdCount)(PtdFailure* failure);
#define POWERTRAIN_DEVICE_COUNT "powertrain_device_count_v1"

#ifdef __cplusplus
}
#endif
#endif
