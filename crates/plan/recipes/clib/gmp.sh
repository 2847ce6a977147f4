#!/bin/sh
# GMP. ASSEMBLY is what configure is told about assembly code.

. "$(dirname "$0")/common.sh"

copy_sources
# Debian leaves the manual out, but configure and make want its directory.
if [ ! -e doc/Makefile.in ]; then
  mkdir -p doc
  printf 'all install check clean:\n' >doc/Makefile.in
fi
# bash takes half as long again for the same.
export CONFIG_SHELL=/bin/sh
configure_cross $ASSEMBLY --disable-cxx HOST_CC=$host_cc/cc CPP="$cc/cc -E" M4=m4
libtool="sh $(dirname "$0")/libtool-compile.sh $build/libtool"
make -s -j"$jobs" LIBTOOL="$libtool"
make -s install LIBTOOL="$libtool" DESTDIR=$stage
take_stage
check_output
