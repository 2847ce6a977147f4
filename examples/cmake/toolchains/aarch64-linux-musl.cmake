# musl on 64-bit ARM by zig, which `pip install ziglang` brings as well.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
find_program(ZIG zig REQUIRED)
set(CMAKE_C_COMPILER "${ZIG}" cc -target aarch64-linux-musl)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
