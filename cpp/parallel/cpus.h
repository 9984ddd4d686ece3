// How many processors this process may use.
#pragma once

namespace pt {

// The processors of the affinity mask, or fewer where a control group (a container) grants less time than that.
int usable_cpus();

// The number of threads to start with: POWERTRAIN_THREADS if set (an Error unless a whole number from 1 to 1024), else
// usable_cpus().
int default_threads();

// The processor on which this thread runs, or -1 where the system does not tell.
int current_cpu();

}  // namespace pt
