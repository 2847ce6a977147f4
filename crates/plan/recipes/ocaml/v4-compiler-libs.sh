#!/bin/sh
# The compiler's own libraries of OCaml 4.14 for TARGET, for programs that use them (ppx, mdx, …).
#
# in:  as v4-cross.sh, and its output at /opt/cross/$TARGET
# out: /out/lib/ocaml/compiler-libs, to be merged over /opt/cross/$TARGET
#
# What is whose is said in compiler-libs.sh.

. "$(dirname "$0")/v4.sh"
: "${TARGET:?}"

host_libs=$host_prefix/lib/ocaml/compiler-libs
sources=/tmp/compiler-libs
arch=$($prefix/bin/ocamlopt -config-var architecture)

gather() {
  mkdir -p $sources
  for directory in $compiler_directories; do
    case $directory in asmcomp) continue ;; esac
    cp $directory/*.ml $directory/*.mli $sources/
  done
  rm -f $sources/config*.ml $sources/main.ml $sources/optmain.ml
  cp $host_objects/generated/*.ml $host_objects/generated/*.mli $prefix/lib/ocaml/compiler-libs/config.ml $sources/
  gather_asmcomp_4 "$arch" $sources
  cp $front/*.cmi $sources/
}

# units_of LIBRARY SUFFIX: its objects in link order, as far as this architecture has them.
units_of() {
  for unit in $(cat $front/"$1".units); do
    if [ -e $sources/"${unit%.cmx}.ml" ]; then echo "${unit%.cmx}$2"; fi
  done
}

# archive LIBRARY FLAG...
archive() {
  library=$1
  shift
  (cd $sources && $prefix/bin/ocamlopt -a "$@" -o $lib/$library.cmxa $(units_of $library .cmx))
}

install_native() {
  install_into $lib $sources/*.cmi $sources/*.cmx
  rm -f $lib/optmain.cm[ix]
  archive ocamlcommon -linkall
  archive ocamlbytecomp
  archive ocamlmiddleend
  archive ocamloptcomp
}

# Byte code differs from the host's in Config and in the back end only.
install_byte_code() {
  units_of ocamlmiddleend .cmo >/tmp/middle-end.units
  back_units=$(units_of ocamloptcomp .cmo | grep -vxF -f /tmp/middle-end.units)
  (
    cd $sources
    make -s -j"$jobs" config.cmo $back_units
    $host_prefix/bin/ocamlc -a -linkall -o $lib/ocamlcommon.cma config.cmo $front/front.cma
    $host_prefix/bin/ocamlc -a -o $lib/ocamloptcomp.cma $host_libs/ocamlmiddleend.cma $back_units
  )
  cp $host_libs/ocamlbytecomp.cma $host_libs/ocamlmiddleend.cma $host_libs/ocamltoplevel.cma $lib/
  for interface in toplevel/*.mli; do
    unit=$(basename "$interface" .mli)
    case $unit in expunge) ;; *) cp $host_libs/"$unit".cmi $lib/ ;; esac
  done
}

lib=$out/lib/ocaml/compiler-libs
copy_sources
cd $build
step compile
gather
compile_directory $sources $prefix/bin/ocamlopt -strict-sequence -strict-formats -I .
step install
install_native
install_byte_code
step done
