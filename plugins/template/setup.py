"""Builds the library of the kernel, with the compiler of the system."""

import powertrain
from setuptools import Extension, setup

# Without contraction, an element rounds alike in vector code and in the code of its last few.
setup(
    ext_modules=[
        Extension(
            "powertrain_template._kernel",
            ["src/powertrain_template/kernel.c"],
            include_dirs=[powertrain.get_include()],
            extra_compile_args=["-O3", "-ffp-contract=off"],
        )
    ]
)
