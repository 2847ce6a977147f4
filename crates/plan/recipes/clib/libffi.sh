#!/bin/sh
# libffi. Its archive is a copy of the repository, without configure: the few files are compiled here, for a machine
# that is named by MACHINE (the macro) and MACHINE_SOURCES. On Apple's own processors closures are entries of a table in the
# program's code, since memory is there either written or run.

. "$(dirname "$0")/common.sh"

# holds CONDITION: prints 1 if the preprocessor says so of the target, else 0.
holds() {
  if printf '#if !(%s)\n#error no\n#endif\n' "$1" | $cc/cc -E - >/dev/null 2>&1; then echo 1; else echo 0; fi
}

copy_sources
cp "$(dirname "$0")/libffi-config.h" fficonfig.h
mkdir -p $out/include
sed -e "s/@VERSION@/$VERSION/g" -e "s/@TARGET@/$MACHINE/g" \
  -e "s/@HAVE_LONG_DOUBLE@/$(holds '__SIZEOF_LONG_DOUBLE__ != __SIZEOF_DOUBLE__')/g" \
  -e "s/@FFI_EXEC_TRAMPOLINE_TABLE@/$(holds 'defined __APPLE__ && defined __aarch64__')/g" include/ffi.h.in >include/ffi.h
if grep '@[A-Z_]*@' include/ffi.h; then
  echo 'ffi.h: these are not filled in' >&2
  exit 1
fi
set -- $MACHINE_SOURCES
cp "$(dirname "$1")/ffitarget.h" include/ffi.h $out/include/

defines="-DHAVE_CONFIG_H -I. -Iinclude -I$(dirname "$1") -Isrc -fexceptions"
compile src/prep_cif.c src/types.c src/raw_api.c src/java_raw_api.c src/closures.c src/tramp.c "$@"
archive libffi.a
pc libffi 'Library supporting Foreign Function Interfaces' -lffi
check_output
