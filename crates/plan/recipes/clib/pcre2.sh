#!/bin/sh
# PCRE2 with 8-bit code units and, where it knows the CPU, its compiler to machine code.

. "$(dirname "$0")/common.sh"

copy_sources
configure_cross --enable-jit=auto --disable-pcre2grep-libz --disable-pcre2grep-libbz2 \
  --disable-pcre2grep-jit --disable-pcre2grep-callout
make -j"$jobs" libpcre2-8.la libpcre2-posix.la
make install-libLTLIBRARIES install-includeHEADERS install-nodist_includeHEADERS install-pkgconfigDATA DESTDIR=$stage
take_stage
check_output
