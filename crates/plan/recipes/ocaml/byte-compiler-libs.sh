#!/bin/sh
# The compiler's own libraries for a TARGET of byte.sh: the host's byte code, but for the one module that knows the
# configuration. There is no back end, so no compiler-libs.optcomp.
#
# in:  as byte.sh, and its output at /opt/cross/$TARGET
# out: /out/lib/ocaml/compiler-libs, to be merged over /opt/cross/$TARGET

. "$(dirname "$0")/common.sh"
: "${TARGET:?}"

host_libs=$host_prefix/lib/ocaml/compiler-libs
lib=$out/lib/ocaml/compiler-libs
ocamlc=$prefix/bin/ocamlc

install_into $lib $host_libs/*.cmi $host_libs/main.cmo $host_libs/topstart.cmo
install_into /tmp/own $prefix/lib/ocaml/compiler-libs/config.ml $front/config.cmi
cd /tmp/own
cp "$src/utils/config.mli" .
# The interface is the host's: every other module was compiled against it.
touch -d @1000000000 config.ml config.mli config.cmi
$ocamlc -w -a -c -opaque config.ml
$ocamlc -a -linkall -o $lib/ocamlcommon.cma config.cmo $front/front.cma
for library in ocamlbytecomp ocamlmiddleend ocamltoplevel; do
  $ocamlc -a -o $lib/$library.cma $host_libs/$library.cma
done
step done
