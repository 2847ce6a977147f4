# Shared by the OCaml recipes; sourced, never run. POSIX sh.
#
# The recipes run in a sealed root where every path below is a constant, so OCaml's
# habit of baking absolute paths into everything it installs is harmless.

set -eu
umask 022

: "${OCAML_VERSION:?version of the compiler, such as 5.4.1}"
jobs=${BACTRIAN_JOBS:-2}
src=${SRC:-/src}            # the release's source tree, read-only
build=/tmp/ocaml            # scratch copy; its name ends up in debug information
out=/out
host_prefix=/opt/ocaml
host_objects=/opt/ocaml-objects
front=$host_objects/front
host_cc_target=x86_64-linux-gnu.2.28
host_cc=/opt/cc/$host_cc_target/bin

# These would redirect the host's and the target's compiler alike.
unset OCAMLLIB CAMLLIB OCAMLPATH CAML_LD_LIBRARY_PATH OCAMLRUNPARAM OCAMLPARAM \
  CPATH LIBRARY_PATH MAKEFLAGS MAKELEVEL GREP_OPTIONS CDPATH || :

# step NAME: announces a stage, with the seconds since the start.
started=$(date +%s)
step() { echo "== $(($(date +%s) - started))s $*"; }

# copy_sources: a writable copy with all time stamps equal, so that `make` trusts
# every file that is present and builds only what is missing.
copy_sources() {
  case $(sed -n 1p "$src/VERSION") in
    "$OCAML_VERSION") ;;
    *) echo "the sources are OCaml $(sed -n 1p "$src/VERSION"), not $OCAML_VERSION" >&2; exit 1 ;;
  esac
  mkdir -p "$build"
  (cd "$src" && tar cf - --exclude=./testsuite --exclude=./manual --exclude=./api_docgen .) |
    (cd "$build" && tar xf -)
  # configure instantiates two files of the manual: give it somewhere to do so.
  (cd "$src" && tar cf - manual/src/version.tex.in manual/src/html_processing/src/common.ml.in) |
    (cd "$build" && tar xf -)
  chmod -R u+w "$build"
  settle "$build"
}

# settle DIR...: gives everything below one old time stamp.
settle() { find "$@" -exec touch -h -d @1000000000 {} +; }

# pin_answers TARGET CC: prints the cache file that configure is to start from: our known
# answers where they apply, else none. Four fifths of configure's time is spent asking.
pin_answers() {
  cache=/dev/null
  case $1 in
    x86_64-linux-* | aarch64-linux-* | riscv64-linux-* | powerpc64le-linux-*)
      if "$2" --version | grep -q '^clang ' && known_libc "$1"; then
        cache=/tmp/config.cache
        cp "$here/answers" $cache
      fi ;;
  esac
  echo $cache
}

# known_libc TARGET: musl, or a glibc not older than the one we asked.
known_libc() {
  case $1 in
    *-musl) ;;
    *-gnu.2.*) [ "${1##*-gnu.2.}" -ge 28 ] ;;
    *) false ;;
  esac
}

# set_make_variable FILE NAME VALUE: replaces `NAME=…`, continuation lines included;
# a variable that is not there means that the release is not understood.
set_make_variable() {
  awk -v name="$2" -v value="$3" '
    skipping { skipping = /\\$/; next }
    !found && $0 ~ "^" name "[ \t]*=" { print name " = " value; found = 1; skipping = /\\$/; next }
    { print }
    END { exit !found }' "$1" >"$1.new" || { echo "$1: no variable $2" >&2; exit 1; }
  cat "$1.new" >"$1"
  rm "$1.new"
}

# lean_c_flags: no debug information in the runtime's C code (it is never read, and
# is most of the size; zig adds it unless told not to), no warnings (not our code).
lean_c_flags() {
  for variable in OC_CFLAGS OC_BYTECODE_CFLAGS OC_NATIVE_CFLAGS; do
    flags=$(sed -n "s/^$variable *= *//p" Makefile.build_config |
      tr ' ' '\n' | grep -v -e '^-g$' -e '^-W' | tr '\n' ' ')
    set_make_variable Makefile.build_config $variable "$flags -g0 -w"
  done
}

# gather_asmcomp ARCH DIR: copies all sources of the native back end for one architecture.
gather_asmcomp() {
  cp asmcomp/*.ml asmcomp/*.mli asmcomp/"$1"/*.ml asmcomp/"$1"/*.mli \
    file_formats/linear_format.ml file_formats/linear_format.mli driver/opt*.ml driver/opt*.mli "$2/"
  case $1 in amd64) ;; *) rm "$2"/x86_* ;; esac
  {
    echo "# 1 \"asmcomp/$1/emit.mlp\""
    $host_prefix/bin/ocamlrun $host_objects/bin/cvt_emit <asmcomp/"$1"/emit.mlp
  } >"$2/emit.ml"
}

# compile_directory DIR OCAMLOPT FLAG...: all modules in it; sets `units`, in link order.
compile_directory() {
  directory=$1
  ocamlopt=$2
  shift 2
  cd "$directory"
  settle .
  files=$(echo *.ml *.mli)
  $host_prefix/bin/ocamldep $files >depend.mk
  units=$($host_prefix/bin/ocamldep -native -sort $files | tr ' ' '\n' |
    sed -n 's/\.ml$/.cmx/p' | tr '\n' ' ')
  cat >Makefile <<EOF
all: $units
%.cmi: %.mli; $host_prefix/bin/ocamlc $* -w -a -c \$<
%.cmo: %.ml; $host_prefix/bin/ocamlc $* -w -a -c \$<
%.cmx: %.ml; $ocamlopt $* -w -a -c \$<
include depend.mk
EOF
  make -s -j"$jobs"
  cd $build
}

# build_library NAME MAKE-ARGUMENT...: one of otherlibs/, C stubs compiled once: the
# objects for byte code and for native code are the same, whatever upstream's rules say
# (systhreads apart, whose Makefile is its own and does not use the variable). Its
# Makefiles add -g after every other flag but CFLAGS.
build_library() {
  library=$1
  shift
  extra=
  if [ $library = unix ]; then extra=-nolabels; fi
  make -s -j"$jobs" -C otherlibs/$library COBJS_NATIVE='$(COBJS_BYTECODE)' \
    CFLAGS="$(sed -n 's/^CFLAGS= *//p' Makefile.config) -g0" \
    COMPFLAGS="-absname -w -a -g $extra" CMXS=cmxa "$@"
}

# install_into DIR FILE...: copies data files. Missing ones are an error.
install_into() {
  destination=$1
  shift
  mkdir -p "$destination"
  cp "$@" "$destination/"
}
