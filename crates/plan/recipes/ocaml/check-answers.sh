#!/bin/sh
# Are the pinned answers true? Configures for TARGET with and without them and compares
# everything configure writes. Needs what cross.sh needs, /opt/ocaml apart; writes nothing.
# Not part of a build: to be run when zig or OCaml is updated, for every target.

. "$(dirname "$0")/common.sh"
: "${TARGET:?}" "${TRIPLE:?}"

results='Makefile.config Makefile.build_config runtime/caml/m.h runtime/caml/s.h
  runtime/caml/exec.h utils/config.generated.ml utils/config.common.ml stdlib/sys.ml
  otherlibs/dynlink/dynlink_config.ml'
for answers in pinned found; do
  copy_sources
  cd $build
  if [ $answers = found ]; then pin_answers() { echo /dev/null; }; fi
  configure_target
  mkdir -p /tmp/$answers
  cp --parents $results /tmp/$answers/
  cd /tmp
  rm -rf $build
done
# The cache's name is among the arguments that Makefile.config records.
sed -i 's/--cache-file=[^ ]*//' /tmp/pinned/Makefile.config /tmp/found/Makefile.config
diff -r /tmp/pinned /tmp/found && echo "$TARGET: the answers hold"
