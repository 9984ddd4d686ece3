// What a test may ask of the simulated driver: C functions of libpowertrain_cuda_sim.so, beside those of the driver.
// All counts are of the process; `simClear` sets them back to zero.
#pragma once
#include <cstdint>

#define PT_SIM_API __attribute__((visibility("default")))

extern "C" {
PT_SIM_API uint64_t simLaunches();          // cuLaunchKernel, captured ones too
PT_SIM_API uint64_t simKernelsRun();        // kernels executed so far, those of graphs too
PT_SIM_API uint64_t simGraphLaunches();     // cuGraphLaunch
PT_SIM_API uint64_t simSynchronisations();  // calls that waited for work: blocking copies and cuMemFree among them
PT_SIM_API uint64_t simQueries();           // cuStreamQuery, cuEventQuery
PT_SIM_API uint64_t simAllocations();       // of device memory, as asked of the driver
PT_SIM_API uint64_t simFrees();
PT_SIM_API uint64_t simPinnedAllocations();
PT_SIM_API uint64_t simCopiesIn();      // host to device
PT_SIM_API uint64_t simCopiesInDone();  // those that were carried out
PT_SIM_API uint64_t simBytesIn();       //
PT_SIM_API uint64_t simCopiesOut();     // device to host
PT_SIM_API uint64_t simBytesOut();
PT_SIM_API uint64_t simCopiesWithin();  // device to device
PT_SIM_API uint64_t simBytesWithin();
PT_SIM_API uint64_t simFills();
PT_SIM_API uint64_t simBytesLive();      // device memory that is allocated now
PT_SIM_API uint64_t simCompilations();   // programs that NVRTC's stand-in gave to the compiler
PT_SIM_API uint64_t simMisuses();        // errors of the caller, each told on stderr
PT_SIM_API const char* simLastMisuse();  // its text, or an empty one
PT_SIM_API uint64_t simClear();          // gives the misuses that there were
}
