#!/bin/sh
# cross.sh for macOS.
#
# in, out: as cross.sh
#
# The runtime's assembly marks frames of signal handlers for unwinders (`.cfi_signal_frame`). zig's Mach-O linker does
# not know the mark and refuses the objects; debuggers alone miss it.

set -eu
sources=/tmp/sources
cp -r /src $sources
chmod u+w $sources/runtime/caml $sources/runtime/caml/asm.h
sed -i 's/^#define CFI_SIGNAL_FRAME  *\.cfi_signal_frame$/#define CFI_SIGNAL_FRAME/' $sources/runtime/caml/asm.h
if grep -q '\.cfi_signal_frame' $sources/runtime/*.S $sources/runtime/caml/asm.h; then
  echo 'runtime: the mark of signal frames is not where it was' >&2
  exit 1
fi
SRC=$sources exec sh "$(dirname "$0")/cross.sh"
