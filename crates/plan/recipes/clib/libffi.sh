#!/bin/sh
# libffi. Its archive is a copy of the repository, without configure: the few files are compiled here, for a machine
# that is named by MACHINE (the macro) and MACHINE_SOURCES.

. "$(dirname "$0")/common.sh"

copy_sources
cp "$(dirname "$0")/libffi-config.h" fficonfig.h

# Whether long double is a type of its own.
long_double=0
if printf '#if __SIZEOF_LONG_DOUBLE__ == __SIZEOF_DOUBLE__\n#error same\n#endif\n' | $cc/cc -E - >long-double.i 2>&1; then
  long_double=1
fi
mkdir -p $out/include
sed -e "s/@VERSION@/$VERSION/g" -e "s/@TARGET@/$MACHINE/g" -e "s/@HAVE_LONG_DOUBLE@/$long_double/g" \
  -e 's/@FFI_EXEC_TRAMPOLINE_TABLE@/0/g' include/ffi.h.in >include/ffi.h
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
