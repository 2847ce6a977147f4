# OCaml in CMake projects: find_package(Bactrian), then bactrian_add_ocaml(). See docs/reference/cmake.md.
#
# Not here: how OCaml is built; that is `bactrian`, with the C toolchain of the CMake project.

if(CMAKE_VERSION VERSION_LESS 3.20)
  message(FATAL_ERROR "Bactrian needs CMake 3.20 or later")
endif()

find_program(BACTRIAN_EXECUTABLE bactrian DOC "The program bactrian" NO_CMAKE_FIND_ROOT_PATH)
if(NOT BACTRIAN_EXECUTABLE)
  set(Bactrian_FOUND FALSE)
  set(Bactrian_NOT_FOUND_MESSAGE "bactrian is not in PATH; say where it is with -DBACTRIAN_EXECUTABLE=FILE")
  return()
endif()
set(Bactrian_FOUND TRUE)

# _bactrian_target(VARIABLE): what Bactrian calls the machine that this CMake project is built for.
function(_bactrian_target variable)
  if(BACTRIAN_TARGET)
    set(${variable} "${BACTRIAN_TARGET}" PARENT_SCOPE)
    return()
  endif()
  if(NOT CMAKE_SYSTEM_PROCESSOR)
    message(FATAL_ERROR "CMAKE_SYSTEM_PROCESSOR is not set; set it in the toolchain file, or say a target with -DBACTRIAN_TARGET=…")
  endif()
  string(TOLOWER "${CMAKE_SYSTEM_PROCESSOR}" cpu)
  # The names that `bactrian build --cmake` knows.
  foreach(pair IN ITEMS
      amd64=x86_64 x64=x86_64 intel64=x86_64
      arm64=aarch64 armv8=aarch64 armv8-a=aarch64 arm64-v8a=aarch64 armv8l=aarch64
      riscv64gc=riscv64
      armv7-a=armv7 armv7a=armv7 armv7l=armv7 armv7hf=armv7 armhf=armv7 arm=armv7 armeabi-v7a=armv7
      i386=x86 i486=x86 i586=x86 i686=x86
      ppc64le=powerpc64le)
    if(pair MATCHES "^${cpu}=(.*)$")
      set(cpu "${CMAKE_MATCH_1}")
      break()
    endif()
  endforeach()
  if(CMAKE_SYSTEM_NAME STREQUAL "Windows")
    set(system "windows-gnu")
  elseif(CMAKE_SYSTEM_NAME STREQUAL "Android")
    set(system "linux-android")
  elseif(CMAKE_SYSTEM_NAME STREQUAL "Darwin")
    set(system "macos")
  elseif(CMAKE_SYSTEM_NAME STREQUAL "FreeBSD")
    set(system "freebsd")
  elseif(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    _bactrian_linux(system "${cpu}")
  else()
    message(FATAL_ERROR "Bactrian has no target for the system ${CMAKE_SYSTEM_NAME}; say one with -DBACTRIAN_TARGET=…")
  endif()
  set(${variable} "${cpu}-${system}" PARENT_SCOPE)
endfunction()

# _bactrian_linux(VARIABLE CPU): the C library that the project's compiler has, with the version that its programs start with.
# musl says nothing of itself.
function(_bactrian_linux variable cpu)
  set(source "${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/bactrian-libc.c")
  file(WRITE "${source}" "#include <stdio.h>\nlibc=__GLIBC__.__GLIBC_MINOR__=\n")
  separate_arguments(flags UNIX_COMMAND "${CMAKE_C_COMPILER_ARG1} ${CMAKE_C_FLAGS}")
  if(CMAKE_C_COMPILER_TARGET)
    list(APPEND flags "--target=${CMAKE_C_COMPILER_TARGET}")
  endif()
  if(CMAKE_SYSROOT)
    list(APPEND flags "--sysroot=${CMAKE_SYSROOT}")
  endif()
  execute_process(COMMAND "${CMAKE_C_COMPILER}" ${flags} -E -P "${source}"
    OUTPUT_VARIABLE said ERROR_VARIABLE error RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "the C compiler does not say which C library it has; give -DBACTRIAN_TARGET=…\n${error}")
  endif()
  if(said MATCHES "libc= *([0-9]+) *\\. *([0-9]+) *=")
    set(${variable} "linux-gnu.${CMAKE_MATCH_1}.${CMAKE_MATCH_2}" PARENT_SCOPE)
  elseif(cpu STREQUAL "armv7")
    set(${variable} "linux-musleabihf" PARENT_SCOPE)
  else()
    set(${variable} "linux-musl" PARENT_SCOPE)
  endif()
endfunction()

# _bactrian_name(VARIABLE GIVEN): the target's own name for what may be an alias, with the glibc floor that it has if none is
# said: Bactrian delivers to a directory of that name. What it does not list is left as it is.
function(_bactrian_name variable given)
  set(${variable} "${given}" PARENT_SCOPE)
  if(NOT given MATCHES "^([^.]+)(.*)$")
    return()
  endif()
  set(said "${CMAKE_MATCH_1}")
  set(floor "${CMAKE_MATCH_2}")
  execute_process(COMMAND "${BACTRIAN_EXECUTABLE}" target list --message-format json
    OUTPUT_VARIABLE lines ERROR_VARIABLE error RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${BACTRIAN_EXECUTABLE} does not list its targets: ${status}\n${error}")
  endif()
  string(REGEX MATCHALL "[^\n]+" lines "${lines}")
  foreach(line IN LISTS lines)
    string(JSON reason ERROR_VARIABLE absent GET "${line}" reason)
    if(NOT reason STREQUAL "target")
      continue()
    endif()
    string(JSON name GET "${line}" name)
    string(JSON aliases GET "${line}" aliases)
    string(FIND "${aliases}" "\"${said}\"" at)
    if(NOT name STREQUAL said AND at EQUAL -1)
      continue()
    endif()
    string(JSON default ERROR_VARIABLE absent GET "${line}" glibc default)
    if(NOT absent AND NOT floor)
      set(floor ".${default}")
    endif()
    set(${variable} "${name}${floor}" PARENT_SCOPE)
    return()
  endforeach()
endfunction()

# bactrian_add_ocaml(NAME TYPE EXECUTABLE|STATIC_LIBRARY SOURCE_DIR DIR [PROGRAM [DIR/]NAME] [TARGET TARGET]
#                    [TOOLCHAIN CMAKE|BACTRIAN] [OPTIONS OPTION...])
#
# Adds the imported target NAME: a program of the dune project in SOURCE_DIR, or a static library that is one of its
# executables with dune's mode `object` (-output-complete-obj), OCaml's runtime in it. It is built again when a file of the
# project has changed. TOOLCHAIN CMAKE, the default where CMake cross-compiles, compiles OCaml's C code as this project
# compiles its own; TOOLCHAIN BACTRIAN with the compiler that Bactrian brings, which is the default for zig as well.
function(bactrian_add_ocaml name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TYPE;SOURCE_DIR;PROGRAM;TARGET;TOOLCHAIN" "OPTIONS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "bactrian_add_ocaml(${name}): unknown arguments ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT arg_TYPE MATCHES "^(EXECUTABLE|STATIC_LIBRARY)$")
    message(FATAL_ERROR "bactrian_add_ocaml(${name}): TYPE is to be EXECUTABLE or STATIC_LIBRARY")
  endif()
  if(NOT arg_SOURCE_DIR)
    set(arg_SOURCE_DIR ".")
  endif()
  get_filename_component(directory "${arg_SOURCE_DIR}" ABSOLUTE)
  if(NOT EXISTS "${directory}/dune-project" AND NOT EXISTS "${directory}/dune-workspace")
    message(FATAL_ERROR "bactrian_add_ocaml(${name}): there is no dune-project in ${directory}")
  endif()
  if(NOT arg_PROGRAM)
    set(arg_PROGRAM "${name}")
  endif()
  get_filename_component(program "${arg_PROGRAM}" NAME)
  set(target "${arg_TARGET}")
  if(NOT target)
    _bactrian_target(target)
  endif()
  _bactrian_name(target "${target}")
  if(NOT arg_TOOLCHAIN)
    get_filename_component(compiler "${CMAKE_C_COMPILER}" NAME)
    # zig's compiler is the one that Bactrian brings, but would make its C library again in each root.
    if(compiler STREQUAL "zig" AND NOT CMAKE_C_FLAGS)
      set(arg_TOOLCHAIN BACTRIAN)
    elseif(CMAKE_CROSSCOMPILING)
      set(arg_TOOLCHAIN CMAKE)
    else()
      set(arg_TOOLCHAIN BACTRIAN)
    endif()
  endif()
  set(command "${BACTRIAN_EXECUTABLE}" build "${directory}" --target "${target}" -o "${CMAKE_CURRENT_BINARY_DIR}/${name}.ocaml")
  if(arg_TOOLCHAIN STREQUAL "CMAKE")
    list(APPEND command --cmake "${CMAKE_BINARY_DIR}")
  endif()
  set(output "${CMAKE_CURRENT_BINARY_DIR}/${name}.ocaml/${target}")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS
    "${directory}/dune" "${directory}/dune.inc" "${directory}/dune-project" "${directory}/dune-workspace" "${directory}/*.opam"
    "${directory}/bactrian.toml" "${directory}/bactrian.lock"
    "${directory}/*.ml" "${directory}/*.mli" "${directory}/*.mll" "${directory}/*.mly" "${directory}/*.c" "${directory}/*.h")
  list(FILTER sources EXCLUDE REGEX "/(_build|dist|_opam)/")
  if(arg_TYPE STREQUAL "EXECUTABLE")
    _bactrian_executable("${name}" "${output}/${program}${CMAKE_EXECUTABLE_SUFFIX}")
  else()
    list(APPEND command --object "${arg_PROGRAM}")
    _bactrian_library("${name}" "${output}" "${program}")
  endif()
endfunction()

# The callers' variables are these functions' too.
macro(_bactrian_executable name file)
  # CMake takes a dependency on a file called as a target for one on that target: so it is on a stamp. What is up to date is
  # not written again, and would stay older than what it is made of.
  set(stamp "${CMAKE_CURRENT_BINARY_DIR}/${name}.ocaml/stamp")
  add_custom_command(OUTPUT "${stamp}" BYPRODUCTS "${file}"
    COMMAND ${command} ${arg_OPTIONS}
    COMMAND "${CMAKE_COMMAND}" -E touch "${stamp}"
    DEPENDS ${sources} COMMENT "Building ${name} (OCaml, ${target})" VERBATIM USES_TERMINAL)
  add_custom_target("${name}-ocaml" ALL DEPENDS "${stamp}")
  add_executable("${name}" IMPORTED GLOBAL)
  set_target_properties("${name}" PROPERTIES IMPORTED_LOCATION "${file}")
  add_dependencies("${name}" "${name}-ocaml")
endmacro()

macro(_bactrian_library name output program)
  set(library "${CMAKE_CURRENT_BINARY_DIR}/${CMAKE_STATIC_LIBRARY_PREFIX}${name}${CMAKE_STATIC_LIBRARY_SUFFIX}")
  add_custom_command(OUTPUT "${library}" BYPRODUCTS "${output}/${program}.o"
    COMMAND ${command} ${arg_OPTIONS}
    COMMAND "${CMAKE_COMMAND}" -E rm -f "${library}"
    COMMAND "${CMAKE_AR}" rcs "${library}" "${output}/${program}.o"
    DEPENDS ${sources} COMMENT "Building ${name} (OCaml, ${target})" VERBATIM USES_TERMINAL)
  add_custom_target("${name}-ocaml" DEPENDS "${library}")
  file(MAKE_DIRECTORY "${output}/include")
  add_library("${name}" STATIC IMPORTED GLOBAL)
  set_target_properties("${name}" PROPERTIES
    IMPORTED_LOCATION "${library}"
    INTERFACE_INCLUDE_DIRECTORIES "${output}/include")
  # What OCaml's runtime and unix library call, as `ocamlopt -config` lists it for each system.
  if(CMAKE_SYSTEM_NAME STREQUAL "Windows")
    set_target_properties("${name}" PROPERTIES INTERFACE_LINK_LIBRARIES "ws2_32;ole32;uuid;version;shlwapi;synchronization;-l:libpthread.a")
  elseif(CMAKE_SYSTEM_NAME STREQUAL "Darwin")
    set_target_properties("${name}" PROPERTIES INTERFACE_LINK_LIBRARIES "pthread")
  elseif(CMAKE_SYSTEM_NAME STREQUAL "Android")
    set_target_properties("${name}" PROPERTIES INTERFACE_LINK_LIBRARIES "m;dl")
  else()
    set_target_properties("${name}" PROPERTIES INTERFACE_LINK_LIBRARIES "m;pthread;${CMAKE_DL_LIBS}")
  endif()
  add_dependencies("${name}" "${name}-ocaml")
endmacro()
