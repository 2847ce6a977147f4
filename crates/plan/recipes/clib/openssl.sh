#!/bin/sh
# OpenSSL: libcrypto and libssl, everything built in. CONFIGURATION is its name of the machine.

. "$(dirname "$0")/common.sh"

copy_sources
# Programs look for certificates where the target's system has them, not below a prefix that is not there.
# The compiler goes by its short name because the command line becomes part of the library.
export PATH=$cc:$PATH
CC=cc AR=ar RANLIB=ranlib CFLAGS='-O3 -g0 -fPIC -w' \
  ./Configure "$CONFIGURATION" --prefix="$PREFIX" --libdir=lib --openssldir=/etc/ssl \
  no-shared no-module no-dso no-tests
make -s -j"$jobs" build_libs
make -s install_dev DESTDIR=$stage
take_stage
check_output
