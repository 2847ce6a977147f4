#!/bin/sh
# GMP. ASSEMBLY says whether its assembly code is used: --enable-assembly or --disable-assembly.

. "$(dirname "$0")/common.sh"

copy_sources
# Debian leaves the manual out, but configure and make want its directory.
if [ ! -e doc/Makefile.in ]; then
  mkdir -p doc
  printf 'all install check clean:\n' >doc/Makefile.in
fi
configure_cross $ASSEMBLY --disable-cxx HOST_CC=$host_cc/cc CPP="$cc/cc -E" M4=m4
make -s -j"$jobs"
make -s install DESTDIR=$stage
take_stage
check_output
