"""The distribution powertrain-cuda, without a GPU and without nvcc: its names and versions, where it finds NVRTC, and
what the check of its library refuses."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import check_cuda_library
import lay_out_cuda
import requirements

ROOT = Path(__file__).parents[2]
PLUGIN = requirements.read(ROOT / "plugins/cuda/pyproject.toml")["project"]
PROJECT = requirements.read(ROOT / "pyproject.toml")["project"]
needs_compiler = pytest.mark.skipif(
    not sys.platform.startswith("linux") or any(shutil.which(name) is None for name in ("cc", "readelf", "nm")),
    reason="a C compiler and binutils, on Linux",
)


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The package from its sources, in an environment that names nothing."""
    for name in ("POWERTRAIN_CUDA_NVRTC", "POWERTRAIN_CUBLASLT", "POWERTRAIN_CUDA_DRIVER"):
        monkeypatch.setenv(name, "")  # so that what the package sets goes at the end
        monkeypatch.delenv(name)
    path = ROOT / "plugins/cuda/src/powertrain_cuda/__init__.py"
    spec = importlib.util.spec_from_file_location("powertrain_cuda_of_sources", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def wheel(monkeypatch: pytest.MonkeyPatch, folder: Path, package: str, name: str = "libnvrtc.so.12") -> Path:
    """Something that looks like NVIDIA's wheel of NVRTC or another library, alone on Python's path."""
    library = folder / package / "lib" / name
    library.parent.mkdir(parents=True)
    library.touch()
    for name in [name for name in sys.modules if name == "nvidia" or name.startswith("nvidia.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [str(folder)])
    return library


def test_engine_and_device_are_of_one_version() -> None:
    assert PLUGIN["version"] == PROJECT["version"]
    assert PLUGIN["dependencies"] == [f"powertrain=={PROJECT['version']}"]
    assert PLUGIN["entry-points"] == {"powertrain.v1.device": {"cuda": "powertrain_cuda"}}
    assert PROJECT["optional-dependencies"]["cuda"] == [f"powertrain-cuda[nvrtc]=={PROJECT['version']}"]


@pytest.mark.parametrize("name", ["nvidia/cuda_nvrtc", "nvidia/cu13"])
def test_nvrtc_of_a_wheel_is_named_to_the_library(
    package: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    found = wheel(monkeypatch, tmp_path, name)
    assert package.library() == str(ROOT / "plugins/cuda/src/powertrain_cuda/libpowertrain_cuda.so")
    assert os.environ["POWERTRAIN_CUDA_NVRTC"] == str(found)


@pytest.mark.parametrize(
    ("package_name", "file", "named"),
    [
        ("nvidia/cublas", "libcublasLt.so.12", True),
        ("nvidia/cu13", "libcublasLt.so.13", True),
        ("nvidia/cublas", "libcublasLt.so.11", False),  # of CUDA 11
    ],
)
def test_cublaslt_of_a_wheel_is_named_to_the_library(
    package: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, package_name: str, file: str, named: bool
) -> None:
    found = wheel(monkeypatch, tmp_path, package_name, file)
    package.library()
    assert os.environ.get("POWERTRAIN_CUBLASLT") == (str(found) if named else None)
    assert "POWERTRAIN_CUDA_NVRTC" not in os.environ


def test_cublaslt_that_is_turned_off_stays_off(
    package: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wheel(monkeypatch, tmp_path, "nvidia/cublas", "libcublasLt.so.12")
    monkeypatch.setenv("POWERTRAIN_CUBLASLT", "0")
    package.library()
    assert os.environ["POWERTRAIN_CUBLASLT"] == "0"


def test_nvrtc_that_the_environment_names_is_kept(
    package: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wheel(monkeypatch, tmp_path, "nvidia/cuda_nvrtc")
    monkeypatch.setenv("POWERTRAIN_CUDA_NVRTC", "/own/libnvrtc.so")
    package.library()
    assert os.environ["POWERTRAIN_CUDA_NVRTC"] == "/own/libnvrtc.so"


def test_the_simulator_compiles_by_itself(package: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wheel(monkeypatch, tmp_path, "nvidia/cuda_nvrtc")
    monkeypatch.setenv("POWERTRAIN_CUDA_DRIVER", "sim")
    package.library()
    assert "POWERTRAIN_CUDA_NVRTC" not in os.environ


def test_without_nvrtc_nothing_is_named(package: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wheel(monkeypatch, tmp_path, "other/place")
    package.library()
    assert "POWERTRAIN_CUDA_NVRTC" not in os.environ


def test_what_is_laid_out_is_found_by_its_entry_point(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    built = tmp_path / "main" / "cpp" / "cuda"
    built.mkdir(parents=True)
    for name in lay_out_cuda.LIBRARIES:
        (built / name).write_text(name)
    monkeypatch.setattr(sys, "argv", ["lay_out_cuda.py", str(tmp_path / "main"), str(tmp_path / "out")])
    lay_out_cuda.main()
    lay_out_cuda.main()  # over what is there
    ask = (
        "from importlib.metadata import entry_points; "
        "print([point.load().library() for point in entry_points(group='powertrain.v1.device')])"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "out")}
    said = subprocess.run([sys.executable, "-c", ask], env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == str([str(tmp_path / "out" / "powertrain_cuda" / "libpowertrain_cuda.so")])
    assert (tmp_path / "out/powertrain_cuda/libpowertrain_cuda_sim.so").read_text() == "libpowertrain_cuda_sim.so"


def compiled(folder: Path, source: str, *words: str) -> Path:
    (folder / "library.c").write_text(source)
    library = folder / "library.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, folder / "library.c", *words], check=True)
    return library


EXPORTS = "int powertrain_device_v1(void) { return 0; }\nint powertrain_device_count_v1(void) { return 0; }\n"


@needs_compiler
def test_a_library_with_the_two_functions_alone_is_taken(tmp_path: Path) -> None:
    assert list(check_cuda_library.of_linking(compiled(tmp_path, EXPORTS))) == []


@needs_compiler
def test_the_library_that_was_built_links_and_exports_nothing_else() -> None:
    library = ROOT / "build/cuda/powertrain_cuda/libpowertrain_cuda.so"
    if not library.exists():
        pytest.skip("build/cuda is not there: make cuda-sim")
    assert list(check_cuda_library.of_linking(library)) == []


@needs_compiler
def test_other_libraries_and_other_names_are_refused(tmp_path: Path) -> None:
    subprocess.run(["cc", "-shared", "-o", tmp_path / "libcuda.so", "-Wl,-soname,libcuda.so.1"], check=True)
    source = "int powertrain_device_v1(void) { return 0; }\nint helper(void) { return 0; }\n"
    library = compiled(tmp_path, source, "-Wl,--no-as-needed", f"-L{tmp_path}", "-lcuda")
    assert list(check_cuda_library.of_linking(library)) == [
        "it needs libcuda.so.1; expected only ld-linux-x86-64.so.2, libc.so.6, libdl.so.2, libgcc_s.so.1, libm.so.6, "
        "libpthread.so.0, librt.so.1, libstdc++.so.6; open it by dlopen",
        "it exports helper; expected powertrain_device_count_v1 and powertrain_device_v1 alone; look at "
        "cpp/cuda/runtime/exports.map",
        "it does not export powertrain_device_count_v1; expected powertrain_device_count_v1 and powertrain_device_v1 "
        "alone; look at cpp/cuda/runtime/exports.map",
    ]


def test_a_kernel_file_without_an_architecture_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    says = {
        "--list-elf": "\n".join(f"ELF file {i}: a.{i}.{arch}.cubin" for i in (1, 2) for arch in ("sm_80", "sm_90"))
        + "\nELF file 5: a.5.sm_100.cubin",
        "--list-ptx": "PTX file 1: a.1.sm_100.ptx\nPTX file 2: a.2.sm_100.ptx",
    }
    monkeypatch.setattr(check_cuda_library, "cuobjdump", lambda: "cuobjdump")
    monkeypatch.setattr(check_cuda_library, "output_of", lambda program, option, library: says[option])
    assert list(check_cuda_library.of_kernels(Path("library.so"), 2)) == [
        "1 of 2 kernel files are there as sm_100; expected all; see cmake/cuda_library.cmake"
    ]
