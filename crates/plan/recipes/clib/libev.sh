#!/bin/sh
# libev.

. "$(dirname "$0")/common.sh"

copy_sources
configure_cross
make -j"$jobs" libev.la
make install-libLTLIBRARIES install-includeHEADERS DESTDIR=$stage
# Upstream has no .pc file; this is what distributions add.
pc libev 'High-performance event loop' -lev -lm
take_stage
# libevent's header of the same name, emulated: it would hide libevent's own.
rm $out/include/event.h
check_output
